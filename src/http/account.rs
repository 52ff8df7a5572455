//! One's own account: a step-up, changes, an export, the end.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::auth::is_secure;
use super::body::Fields;
use super::caller::Caller;
use super::envelope::data;
use super::{ApiError, Shared, cookies};
use crate::engine::{self, Said};
use crate::model::{Action, ChallengeId, Contact, Email};
use crate::tool::otp::{SendOtpAnswer, VerifyOtpAnswer};

/// The header that names the step-up an act is done with.
const STEP_UP: &str = "x-step-up";

/// `POST /api/auth/step-up`: `{}` sends a code to the account's own contact, `{challengeId, code}` gives it back.
pub(super) async fn step_up(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    signed_in(&caller)?;
    let Some(id) = fields.text("challengeId")? else {
        return match shared.engine.begin_step_up(&caller).await? {
            SendOtpAnswer::Sent { challenge_id, reference, expires_at, .. } => Ok(data(
                StatusCode::OK,
                &json!({ "challengeId": challenge_id, "reference": reference, "expiresAt": expires_at }),
            )),
            SendOtpAnswer::Locked { until } => Err(locked(&until.to_string())),
            _ => Err(ApiError::conflict("the account has no contact for a code")),
        };
    };
    let code = fields.required("code")?;
    let id = ChallengeId::parse(&id).map_err(|_| ApiError::not_found())?;
    let wrong = |reason: &str, left: u32| {
        let details = json!({ "pointer": "/code", "reason": reason, "attemptsLeft": left });
        Err(ApiError::unprocessable("/code", "that code is not right").with(details))
    };
    match shared.engine.finish_step_up(&caller, (id, &code)).await? {
        (VerifyOtpAnswer::Accepted(_), until) => {
            Ok(data(StatusCode::OK, &json!({ "steppedUpUntil": until })))
        }
        (VerifyOtpAnswer::Rejected { left }, _) => wrong("otp_invalid", left),
        (VerifyOtpAnswer::Malformed { .. }, _) => wrong("otp_malformed", 0),
        (VerifyOtpAnswer::Expired, _) => wrong("otp_expired", 0),
        (VerifyOtpAnswer::Exhausted, _) => wrong("otp_attempts_exceeded", 0),
        (VerifyOtpAnswer::Locked { until }, _) => Err(locked(&until.to_string())),
        (VerifyOtpAnswer::NoCode, _) => Err(ApiError::not_found()),
    }
}

/// `PATCH /api/me`: `{fullName}` applies at once; `{email}` or `{phone}` begins a change, and `{challengeId, code}` goes on
/// with it, as in the chat.
pub(super) async fn change(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    signed_in(&caller)?;
    if let Some(id) = fields.text("challengeId")? {
        let code = fields.code()?;
        let open = shared.engine.open_challenge(&caller).await?;
        if open.is_none_or(|open| open.id.as_str() != id) {
            return Err(ApiError::not_found());
        }
        return contact(&shared, &caller, code).await;
    }
    let (name, email, phone) = (fields.text("fullName")?, fields.text("email")?, fields.phone()?);
    match (name, email, phone) {
        (Some(name), None, None) => match shared.engine.rename(&caller, &name).await? {
            Ok(_) => Ok(data(
                StatusCode::OK,
                &json!({ "updatedFields": ["name"], "pendingVerification": [], "stepUpRequired": false }),
            )),
            Err(reason) => Err(ApiError::unprocessable("/fullName", format!("cannot be a name: {reason}"))),
        },
        (None, Some(email), None) => {
            let email = Email::parse(&email).map_err(|e| ApiError::unprocessable("/email", e.to_string()))?;
            contact(&shared, &caller, Said::Change(Contact::Email(email))).await
        }
        (None, None, Some(phone)) => contact(&shared, &caller, Said::Change(Contact::Phone(phone))).await,
        (None, None, None) => Err(ApiError::invalid("", "give one of fullName, email and phone")),
        _ => Err(ApiError::invalid("", "give one of fullName, email and phone, and the others after it")),
    }
}

/// One step of a change: a turn of the chat.
async fn contact(shared: &Shared, caller: &engine::Caller, said: Said) -> Result<Response, ApiError> {
    let answer = shared.engine.say(caller, said).await?;
    let told = &answer.response.data;
    let field = told.get("field").cloned().unwrap_or(Value::Null);
    let open = shared.engine.open_challenge(caller).await?;
    let body = |updated: Vec<&Value>, pending: Vec<&Value>, step_up: bool| {
        json!({
            "updatedFields": updated,
            "pendingVerification": pending,
            "stepUpRequired": step_up,
            "challengeId": open.as_ref().filter(|_| !pending.is_empty()).map(|open| &open.id),
            "reference": told.get("reference"),
        })
    };
    match answer.response.action {
        Action::StepUpRequired => Ok(data(StatusCode::OK, &body(vec![], vec![&field], true))),
        Action::PendingVerification => Ok(data(StatusCode::OK, &body(vec![], vec![&field], false))),
        Action::IdentityUpdated => Ok(data(StatusCode::OK, &body(vec![&field], vec![], false))),
        _ => Err(super::sign_in::refusal(&answer, "/code")),
    }
}

/// `GET /api/me/export`, with the step-up named by `X-Step-Up`.
pub(super) async fn export(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Caller(caller): Caller,
) -> Result<Response, ApiError> {
    signed_in(&caller)?;
    let step_up = named(&headers).ok_or_else(step_up_required)?;
    let all = shared.engine.export(&caller, &step_up).await?.ok_or_else(step_up_required)?;
    Ok(data(StatusCode::OK, &all))
}

/// `DELETE /api/me`, with the step-up named by `X-Step-Up`: every session ends at once, and the account is erased after
/// thirty days unless somebody signs in to it.
pub(super) async fn delete(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Caller(caller): Caller,
) -> Result<Response, ApiError> {
    signed_in(&caller)?;
    let step_up = named(&headers).ok_or_else(step_up_required)?;
    if !shared.engine.delete_account(&caller, &step_up).await? {
        return Err(step_up_required());
    }
    let days = crate::tool::account::REVERSIBLE.as_hours() / 24;
    let mut response = data(StatusCode::OK, &json!({ "erasedAfterDays": days }));
    if cookies::get(&headers, cookies::SESSION).is_some() {
        cookies::set(response.headers_mut(), cookies::SESSION, None, is_secure(&shared));
    }
    Ok(response)
}

fn signed_in(caller: &engine::Caller) -> Result<(), ApiError> {
    if caller.actor.user().is_some() { Ok(()) } else { Err(ApiError::unauthorized()) }
}

fn named(headers: &HeaderMap) -> Option<ChallengeId> {
    ChallengeId::parse(headers.get(STEP_UP)?.to_str().ok()?).ok()
}

fn step_up_required() -> ApiError {
    let what =
        "needs a step-up of this session: POST /api/auth/step-up, then name its challenge in X-Step-Up";
    ApiError::unprocessable("X-Step-Up", what).with(json!({ "reason": "step_up_required" }))
}

fn locked(until: &str) -> ApiError {
    let what = "too many wrong codes; please try again later";
    ApiError::too_many(what, None).with(json!({ "reason": "account_locked", "lockedUntil": until }))
}
