//! Devices, sessions and one's own account.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::body::Fields;
use super::caller::{Caller, From};
use super::envelope::data;
use super::{ApiError, Shared, caller, cookies};
use crate::engine::{Error, SessionGrant};
use crate::model::{Profile, device_name};

/// `POST /api/devices`: a device and its token.
pub(super) async fn new_device(
    State(shared): State<Shared>,
    From(ip): From,
    headers: HeaderMap,
    fields: Fields,
) -> Result<Response, ApiError> {
    caller::from_this_site(&Method::POST, &headers)?;
    let name = fields.text("name")?.filter(|name| !name.trim().is_empty());
    let name = name.map(|name| device_name(&name)).transpose();
    let name = name.map_err(|error| ApiError::unprocessable("/name", error.to_string()))?;
    let device = shared.engine.new_device(name, ip).await?;
    if cookies::wanted(&headers) {
        let mut response = data(StatusCode::CREATED, &json!({ "deviceId": device.id }));
        let secure = is_secure(&shared);
        cookies::set(response.headers_mut(), cookies::DEVICE, Some(device.token.secret()), secure);
        cookies::set(response.headers_mut(), cookies::SESSION, None, secure);
        return Ok(response);
    }
    let token = device.token.expose();
    Ok(data(StatusCode::CREATED, &json!({ "deviceId": device.id, "deviceToken": token })))
}

/// `POST /api/auth/refresh`: an access token, and the session's next token where it is due or `rotate` asks for it.
pub(super) async fn refresh(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Caller(caller): Caller,
    fields: Fields,
) -> Result<Response, ApiError> {
    let tokens = shared.engine.refresh(&caller, fields.flag("rotate")?).await?;
    let mut session = json!({
        "token": tokens.token.expose(),
        "sessionId": tokens.session_id,
        "userId": tokens.user_id,
        "expiresAt": tokens.expires_at,
    });
    let as_cookie = cookies::wanted(&headers);
    if as_cookie && let Some(session) = session.as_object_mut() {
        session.shift_remove("token");
    }
    let mut response = data(
        StatusCode::OK,
        &json!({
            "session": session,
            "accessToken": tokens.access_token.expose(),
            "accessTokenExpiresAt": tokens.access_token_expires_at,
        }),
    );
    if as_cookie {
        cookies::set(response.headers_mut(), cookies::SESSION, Some(&tokens.token), is_secure(&shared));
    }
    Ok(response)
}

/// `POST /api/auth/logout`: ends the session presented. A dead session's cookie goes as well.
pub(super) async fn logout(
    State(shared): State<Shared>,
    headers: HeaderMap,
    caller: Result<Caller, ApiError>,
) -> Response {
    let ended = match caller {
        Ok(Caller(caller)) => shared.engine.logout(&caller).await.map_err(ApiError::from),
        Err(e) => Err(e),
    };
    let mut response = match ended {
        Ok(()) => data(StatusCode::OK, &json!({ "loggedOut": true })),
        Err(e) => e.into_response(),
    };
    let is_credential_gone = response.status().is_success() || response.status() == StatusCode::UNAUTHORIZED;
    if is_credential_gone && cookies::get(&headers, cookies::SESSION).is_some() {
        cookies::set(response.headers_mut(), cookies::SESSION, None, is_secure(&shared));
    }
    response
}

/// `GET /api/me`: one's own account, masked.
pub(super) async fn me(State(shared): State<Shared>, Caller(caller): Caller) -> Result<Response, ApiError> {
    let me = match shared.engine.me(&caller).await {
        Err(Error::Unauthorized) => return Err(ApiError::unauthorized()),
        other => other?,
    };
    Ok(data(
        StatusCode::OK,
        &json!({
            "userId": me.user_id,
            "fullName": me.full_name,
            "phone": me.phone,
            "email": me.email,
            "createdAt": me.created_at,
        }),
    ))
}

/// The `session` member of an answer that signed somebody in; as cookies where they are wanted.
pub(super) fn grant(session: &SessionGrant, as_cookie: bool) -> Value {
    if as_cookie {
        return json!({
            "sessionId": session.session_id,
            "userId": session.user_id,
            "expiresAt": session.expires_at,
        });
    }
    json!({
        "token": session.token.expose(),
        "sessionId": session.session_id,
        "userId": session.user_id,
        "expiresAt": session.expires_at,
        "deviceToken": session.device_token.expose(),
    })
}

/// Whether cookies travel over TLS only.
pub(super) fn is_secure(shared: &Shared) -> bool {
    shared.profile == Profile::Prod
}
