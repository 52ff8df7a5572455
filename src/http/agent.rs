//! Turns.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::auth::{grant, is_secure};
use super::body::Fields;
use super::caller::{Caller, Speaker};
use super::envelope::data;
use super::params::Asked;
use super::{ApiError, Shared, cookies};
use crate::engine::{self, Answer, Chunks, Error, Request};
use crate::model::ConversationId;
use crate::store::model_usage::ModelUsage;

/// `POST /api/agent/run-sync`: one message, one answer.
pub(super) async fn run_sync(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Speaker(caller): Speaker,
    fields: Fields,
) -> Result<Response, ApiError> {
    let answer = turned(&shared, &caller, request_of(&fields)?, None).await?;
    let mut response = data(StatusCode::OK, &body_of(&answer, cookies::wanted(&headers)));
    set_cookies(&shared, &headers, &answer, response.headers_mut());
    Ok(response)
}

/// The message of a body.
pub(super) fn request_of(fields: &Fields) -> Result<Request, ApiError> {
    let conversation = match fields.text("conversationId")? {
        None => None,
        // What is not an id cannot be anybody's; it is answered like somebody else's.
        Some(text) => Some(ConversationId::parse(&text).map_err(|_| ApiError::not_found())?),
    };
    Ok(Request {
        conversation,
        project: fields.text("projectId")?.unwrap_or_default(),
        message_id: fields.text("messageId")?,
        text: fields.required("prompt")?,
        locale: fields.text("locale")?,
        ..Request::default()
    })
}

/// One turn; somebody else's conversation is not found, and noted.
pub(super) async fn turned(
    shared: &Shared,
    caller: &engine::Caller,
    request: Request,
    chunks: Option<Chunks>,
) -> Result<Answer, ApiError> {
    match shared.engine.turn_in_chunks(caller.clone(), request, chunks).await {
        Err(Error::NotFound) => {
            shared.engine.note_denied(caller, "conversation").await?;
            Err(ApiError::not_found())
        }
        other => Ok(other?),
    }
}

/// An answer on the wire.
pub(super) fn body_of(answer: &Answer, as_cookie: bool) -> Value {
    let mut body = Map::new();
    body.insert("conversationId".into(), json!(answer.conversation));
    body.insert("messageId".into(), json!(answer.message_id));
    body.insert("result".into(), json!(answer.response.message()));
    body.insert("response".into(), json!(answer.response));
    if let Some(session) = &answer.session {
        body.insert("session".into(), grant(session, as_cookie));
    }
    Value::Object(body)
}

/// The cookies that an answer brings or ends.
pub(super) fn set_cookies(shared: &Shared, asked: &HeaderMap, answer: &Answer, headers: &mut HeaderMap) {
    let secure = is_secure(shared);
    if let (Some(session), true) = (&answer.session, cookies::wanted(asked)) {
        cookies::set(headers, cookies::SESSION, Some(&session.token), secure);
        cookies::set(headers, cookies::DEVICE, Some(&session.device_token), secure);
    }
    // Whoever logged out in the chat has a cookie that is worth nothing and would spoil the next request.
    let is_over = answer.response.context.get("authenticated") == Some(&json!(false));
    if is_over && cookies::get(asked, cookies::SESSION).is_some() {
        cookies::set(headers, cookies::SESSION, None, secure);
    }
}

/// `GET /api/agent/usage`: what language models used in one's own conversations, the newest first, and in all of the page.
pub(super) async fn usage(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    Asked(page): Asked<super::conversations::Paging>,
) -> Result<Response, ApiError> {
    let limit = page.limit()?;
    let after = page.usage()?;
    let used = shared.engine.store().model_usage(&caller.actor, after, limit).await?;
    let mut total = Map::new();
    for (key, count) in [
        ("calls", used.iter().map(|u| u.calls).sum::<i64>()),
        ("inputTokens", used.iter().map(|u| u.input_tokens).sum()),
        ("outputTokens", used.iter().map(|u| u.output_tokens).sum()),
    ] {
        total.insert(key.to_owned(), count.into());
    }
    total.insert("cost".to_owned(), money(used.iter().map(|u| u.cost).sum()));
    let is_full = used.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let cursor = used.last().filter(|_| is_full).map(|u| format!("{}.{}", u.conversation, u.model));
    let items: Vec<Value> = used.iter().map(item).collect();
    Ok(data(StatusCode::OK, &json!({ "items": items, "total": total, "nextCursor": cursor })))
}

fn item(used: &ModelUsage) -> Value {
    json!({
        "conversationId": used.conversation,
        "model": used.model,
        "calls": used.calls,
        "inputTokens": used.input_tokens,
        "outputTokens": used.output_tokens,
        "cost": money(used.cost),
    })
}

/// Millionths as a decimal text: a number would be rounded by whoever reads it.
fn money(millionths: i64) -> Value {
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000).into()
}
