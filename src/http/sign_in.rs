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
use crate::engine::{self, Answer, Said};
use crate::model::{Action, ChallengeId, person_name};

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
    let phone = fields.phone()?.ok_or_else(|| ApiError::invalid("/phone", "is missing"))?;
    let answer = shared.engine.say(caller, Said::SignIn(phone)).await?;
    if answer.response.action != Action::OtpSent {
        return Err(refusal(&answer, "/phone"));
    }
    let challenge = shared.engine.open_challenge(caller).await?.ok_or_else(ApiError::internal)?;
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
    let code = fields.code()?;
    let name = fields.text("fullName")?.map(|name| person_name(&name)).transpose();
    let name = name.map_err(|e| ApiError::unprocessable("/fullName", e.to_string()))?;
    let open = shared.engine.open_challenge(caller).await?;
    // Another device's challenge is one that is not there.
    let named = ChallengeId::parse(id).ok();
    let open = open.filter(|open| Some(&open.id) == named.as_ref()).ok_or_else(ApiError::not_found)?;
    let mut answer = None;
    if !open.is_met {
        answer = Some(shared.engine.say(caller, code).await?);
    }
    let asks_name = answer.as_ref().is_none_or(|a| a.response.action == Action::NameRequested);
    if let (true, Some(name)) = (asks_name, name) {
        answer = Some(shared.engine.say(caller, Said::Name(name)).await?);
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
            let second = shared.engine.open_challenge(caller).await?;
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

/// A turn that did not go on, as a status.
pub(super) fn refusal(answer: &Answer, pointer: &str) -> ApiError {
    let (action, told) = (answer.response.action, &answer.response.data);
    // A value that was not taken has a reason of its own.
    let own = told.get("reason").and_then(Value::as_str).filter(|_| action == Action::InvalidValue);
    let details = json!({
        "reason": own.unwrap_or(action.as_str()),
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
