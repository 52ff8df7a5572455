//! Signing in and registering without the chat: the same turns in a conversation of the project `api`, so that every limit,
//! charge, second proof and audit event is the chat's own. Which of the two it will be shows after the code alone (D5).

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::auth::{grant, is_secure};
use super::body::Fields;
use super::caller::Caller;
use super::envelope::data;
use super::{ApiError, Shared, cookies};
use crate::engine::{self, Answer, Request};
use crate::model::{Action, ChallengeId, Phone, person_name};

/// The project whose conversation a device's sign-ins take place in.
const PROJECT: &str = "api";

/// `POST /api/auth/login` and `POST /api/auth/register`: `{phone}` sends a code, `{challengeId, code, fullName?}` gives it
/// back.
pub(super) async fn sign_in(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Caller(caller): Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    match fields.text("challengeId")? {
        None => begin(&shared, &caller, &fields).await,
        Some(id) => finish(&shared, (&caller, &headers), (&id, &fields)).await,
    }
}

async fn begin(shared: &Shared, caller: &engine::Caller, fields: &Fields) -> Result<Response, ApiError> {
    let text = fields.required("phone")?;
    let phone = Phone::parse(&text, None).map_err(|e| ApiError::unprocessable("/phone", e.to_string()))?;
    let answer = turn(shared, caller, format!("log in, my phone is {}", phone.e164())).await?;
    if answer.response.action != Action::OtpSent {
        return Err(refusal(&answer, "/phone"));
    }
    let challenge = shared.engine.open_challenge(caller, PROJECT).await?.ok_or_else(ApiError::internal)?;
    let told = &answer.response.data;
    let body = json!({
        "challengeId": challenge.id,
        "reference": told.get("reference"),
        "expiresAt": told.get("expires_at"),
    });
    Ok(data(StatusCode::OK, &body))
}

async fn finish(
    shared: &Shared,
    (caller, headers): (&engine::Caller, &HeaderMap),
    (id, fields): (&str, &Fields),
) -> Result<Response, ApiError> {
    let code = fields.required("code")?;
    if !(4..=8).contains(&code.len()) || !code.bytes().all(|b| b.is_ascii_digit()) {
        return Err(ApiError::unprocessable("/code", "must be the digits of the code and nothing else"));
    }
    let name = fields.text("fullName")?.map(|name| person_name(&name)).transpose();
    let name = name.map_err(|e| ApiError::unprocessable("/fullName", e.to_string()))?;
    let open = shared.engine.open_challenge(caller, PROJECT).await?;
    // Another device's challenge is one that is not there.
    let named = ChallengeId::parse(id).ok();
    let open = open.filter(|open| Some(&open.id) == named.as_ref()).ok_or_else(ApiError::not_found)?;
    let mut answer = None;
    if !open.is_met {
        answer = Some(turn(shared, caller, code).await?);
    }
    let asks_name = answer.as_ref().is_none_or(|a| a.response.action == Action::NameRequested);
    if let (true, Some(name)) = (asks_name, name) {
        answer = Some(turn(shared, caller, format!("my name is {name}")).await?);
    }
    let Some(answer) = answer else { return Ok(name_required(&open.id)) };
    match (&answer.session, answer.response.action) {
        (Some(session), _) => {
            let as_cookie = cookies::wanted(headers);
            let mut response = data(StatusCode::OK, &json!({ "session": grant(session, as_cookie) }));
            if as_cookie {
                let secure = is_secure(shared);
                cookies::set(response.headers_mut(), cookies::SESSION, Some(&session.token), secure);
                cookies::set(response.headers_mut(), cookies::DEVICE, Some(&session.device_token), secure);
            }
            Ok(response)
        }
        (None, Action::NameRequested) => Ok(name_required(&open.id)),
        (None, Action::SecondProofRequired) => {
            let second = shared.engine.open_challenge(caller, PROJECT).await?;
            let reference = answer.response.data.get("reference").cloned().unwrap_or(Value::Null);
            let body = json!({
                "secondProofRequired": true,
                "challengeId": second.map(|second| second.id),
                "reference": reference,
            });
            Ok(data(StatusCode::OK, &body))
        }
        _ => Err(refusal(&answer, "/code")),
    }
}

fn name_required(id: &ChallengeId) -> Response {
    data(StatusCode::OK, &json!({ "nameRequired": true, "challengeId": id }))
}

async fn turn(shared: &Shared, caller: &engine::Caller, text: String) -> Result<Answer, ApiError> {
    let request = Request { project: PROJECT.to_owned(), text, ..Request::default() };
    Ok(shared.engine.turn(caller.clone(), request).await?)
}

/// A turn that did not go on, as a status.
pub(super) fn refusal(answer: &Answer, pointer: &str) -> ApiError {
    let (action, told) = (answer.response.action, &answer.response.data);
    let details = json!({
        "reason": action.as_str(),
        "attemptsLeft": told.get("attempts_left"),
        "lockedUntil": told.get("locked_until"),
    });
    let error = match action {
        Action::OtpSendLimited | Action::AccountLocked => {
            let seconds = told.get("retry_after").and_then(Value::as_u64);
            ApiError::too_many(answer.response.message(), seconds)
        }
        Action::AlreadyAuthenticated | Action::SessionLimit => ApiError::conflict(answer.response.message()),
        _ => ApiError::unprocessable(pointer, answer.response.message()),
    };
    error.with(details)
}
