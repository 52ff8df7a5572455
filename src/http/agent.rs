//! Turns.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::auth::{grant, is_secure};
use super::body::Fields;
use super::caller::Speaker;
use super::envelope::data;
use super::{ApiError, Shared, cookies};
use crate::engine::{Error, Request};
use crate::model::ConversationId;

/// `POST /api/agent/run-sync`: one message, one answer.
pub(super) async fn run_sync(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Speaker(caller): Speaker,
    fields: Fields,
) -> Result<Response, ApiError> {
    let conversation = match fields.text("conversationId")? {
        None => None,
        // What is not an id cannot be anybody's; it is answered like somebody else's.
        Some(text) => Some(ConversationId::parse(&text).map_err(|_| ApiError::not_found())?),
    };
    let request = Request {
        conversation,
        project: fields.text("projectId")?.unwrap_or_default(),
        message_id: fields.text("messageId")?,
        text: fields.required("prompt")?,
        locale: fields.text("locale")?,
        ..Request::default()
    };
    let answer = match shared.engine.turn(caller.clone(), request).await {
        Err(Error::NotFound) => {
            shared.engine.note_denied(&caller, "conversation").await?;
            return Err(ApiError::not_found());
        }
        other => other?,
    };
    let as_cookie = cookies::wanted(&headers);
    let mut body = Map::new();
    body.insert("conversationId".into(), json!(answer.conversation));
    body.insert("messageId".into(), json!(answer.message_id));
    body.insert("result".into(), json!(answer.response.message()));
    body.insert("response".into(), json!(answer.response));
    if let Some(session) = &answer.session {
        body.insert("session".into(), grant(session, as_cookie));
    }
    let mut response = data(StatusCode::OK, &Value::Object(body));
    if let (Some(session), true) = (&answer.session, as_cookie) {
        let secure = is_secure(&shared);
        cookies::set(response.headers_mut(), cookies::SESSION, Some(&session.token), secure);
        cookies::set(response.headers_mut(), cookies::DEVICE, Some(&session.device_token), secure);
    }
    // Whoever logged out in the chat has a cookie that is worth nothing and would spoil the next request.
    let is_over = answer.response.context.get("authenticated") == Some(&json!(false));
    if is_over && cookies::get(&headers, cookies::SESSION).is_some() {
        cookies::set(response.headers_mut(), cookies::SESSION, None, is_secure(&shared));
    }
    Ok(response)
}
