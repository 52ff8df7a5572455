//! One's own sessions and devices, over the same tools as the chat.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::is_secure;
use super::body::Fields;
use super::caller::Caller;
use super::envelope::data;
use super::params::{Asked, Named};
use super::{ApiError, Shared, cookies};
use crate::engine::{self, Error};
use crate::model::{DeviceId, SessionId, device_name};
use crate::tool::session::{ActiveSession, OwnDevice, Scope};

/// Which sessions a request is about.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Which {
    scope: Option<String>,
}

/// `GET /api/sessions`: the live ones, the one used last first.
pub(super) async fn list(State(shared): State<Shared>, Caller(caller): Caller) -> Result<Response, ApiError> {
    let found = shared.engine.sessions(&caller).await?;
    let sessions: Vec<Value> = found.sessions.iter().map(session).collect();
    Ok(data(StatusCode::OK, &json!({ "sessions": sessions, "count": found.count })))
}

/// `DELETE /api/sessions/{id}`: ends one, be it the one that asks.
pub(super) async fn end_one(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Caller(caller): Caller,
    Named(id): Named,
) -> Result<Response, ApiError> {
    let ended = match SessionId::parse(&id) {
        Ok(id) => shared.engine.revoke_session(&caller, id).await,
        Err(_) => Err(Error::NotFound),
    };
    own(&shared, &caller, ("session", ended)).await?;
    answer(&shared, (&headers, &caller), 1).await
}

/// `DELETE /api/sessions?scope=others|all`.
pub(super) async fn end_many(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Caller(caller): Caller,
    Asked(which): Asked<Which>,
) -> Result<Response, ApiError> {
    if caller.actor.user().is_none() {
        return Err(ApiError::unauthorized());
    }
    let scope = match which.scope.as_deref() {
        Some("others") => Scope::Others,
        Some("all") => Scope::All,
        _ => return Err(ApiError::invalid("?scope", "must be others or all")),
    };
    let revoked = shared.engine.revoke_sessions(&caller, scope).await?;
    answer(&shared, (&headers, &caller), revoked).await
}

/// `GET /api/devices`: those the caller signed in on, the one seen last first.
pub(super) async fn devices(
    State(shared): State<Shared>,
    Caller(caller): Caller,
) -> Result<Response, ApiError> {
    let found = shared.engine.devices(&caller).await?;
    let devices: Vec<Value> = found.devices.iter().map(device).collect();
    Ok(data(StatusCode::OK, &json!({ "devices": devices, "count": found.count })))
}

/// `DELETE /api/devices/{id}`: its sessions and its trust end.
pub(super) async fn forget(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Caller(caller): Caller,
    Named(id): Named,
) -> Result<Response, ApiError> {
    let forgotten = match DeviceId::parse(&id) {
        Ok(id) => shared.engine.forget_device(&caller, id).await,
        Err(_) => Err(Error::NotFound),
    };
    let revoked = own(&shared, &caller, ("device", forgotten)).await?;
    answer(&shared, (&headers, &caller), revoked).await
}

/// `PATCH /api/devices/{id}`: a device gets a name.
pub(super) async fn rename(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    Named(id): Named,
    fields: Fields,
) -> Result<Response, ApiError> {
    if caller.actor.user().is_none() {
        return Err(ApiError::unauthorized());
    }
    let name = fields.required("name")?;
    let name = device_name(&name).map_err(|error| ApiError::unprocessable("/name", error.to_string()))?;
    let renamed = match DeviceId::parse(&id) {
        Ok(id) => shared.engine.rename_device(&caller, id, &name).await,
        Err(_) => Err(Error::NotFound),
    };
    let name = own(&shared, &caller, ("device", renamed)).await?;
    Ok(data(StatusCode::OK, &json!({ "deviceId": id, "name": name })))
}

/// What is nobody's, somebody else's or not an id at all is answered alike, and noted.
async fn own<T>(
    shared: &Shared,
    caller: &engine::Caller,
    (what, result): (&str, Result<T, Error>),
) -> Result<T, ApiError> {
    if matches!(result, Err(Error::NotFound)) {
        if caller.actor.user().is_none() {
            return Err(ApiError::unauthorized());
        }
        shared.engine.note_denied(caller, what).await?;
    }
    Ok(result?)
}

/// What was ended. Where that is the session that asked, its cookie goes as well.
async fn answer(
    shared: &Shared,
    (headers, caller): (&HeaderMap, &engine::Caller),
    revoked: u32,
) -> Result<Response, ApiError> {
    let mut response = data(StatusCode::OK, &json!({ "revoked": revoked }));
    if cookies::get(headers, cookies::SESSION).is_some()
        && !shared.engine.sessions(caller).await?.sessions.iter().any(|s| s.is_current)
    {
        cookies::set(response.headers_mut(), cookies::SESSION, None, is_secure(shared));
    }
    Ok(response)
}

fn session(of: &ActiveSession) -> Value {
    json!({
        "sessionId": of.session_id,
        "deviceId": of.device_id,
        "deviceName": of.device_name,
        "createdAt": of.created_at,
        "lastUsedAt": of.last_used_at,
        "expiresAt": of.expires_at,
        "isCurrent": of.is_current,
    })
}

fn device(of: &OwnDevice) -> Value {
    json!({
        "deviceId": of.device_id,
        "name": of.name,
        "isTrusted": of.is_trusted,
        "isCurrent": of.is_current,
        "createdAt": of.created_at,
        "lastSeenAt": of.last_seen_at,
    })
}
