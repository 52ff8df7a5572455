//! One's own conversations and their messages.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::caller::Caller;
use super::envelope::data;
use super::params::{Asked, Named};
use super::{ApiError, Shared};
use crate::engine;
use crate::model::{ConversationId, NodeResponse};
use crate::store::conversations::Conversation;

/// Items of a page where the caller names no number, and the most.
const PAGE: u32 = 20;
const LARGEST_PAGE: u32 = 100;

/// How a list is asked for. Everything is a text here, so that what is wrong can be told by name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Paging {
    archived: Option<String>,
    cursor: Option<String>,
    limit: Option<String>,
}

impl Paging {
    /// The last row of the page before, of what models used.
    pub(super) fn usage(&self) -> Result<Option<(ConversationId, String)>, ApiError> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let (id, model) = text.split_once('.').ok_or_else(cursor_error)?;
        let id = ConversationId::parse(id).map_err(|_| cursor_error())?;
        Ok(Some((id, model.to_owned())))
    }

    pub(super) fn limit(&self) -> Result<u32, ApiError> {
        let Some(text) = &self.limit else { return Ok(PAGE) };
        let limit = text.parse().ok().filter(|n| (1..=LARGEST_PAGE).contains(n));
        limit.ok_or_else(|| {
            ApiError::invalid("?limit", format!("must be a whole number from 1 to {LARGEST_PAGE}"))
        })
    }

    fn archived(&self) -> Result<bool, ApiError> {
        match self.archived.as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("" | "true" | "1") => Ok(true),
            Some(_) => Err(ApiError::invalid("?archived", "must be true or false")),
        }
    }
}

fn cursor_error() -> ApiError {
    ApiError::invalid("?cursor", "is not a cursor that a page gave")
}

/// `GET /api/agent/conversations`: newest first.
pub(super) async fn list(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    Asked(paging): Asked<Paging>,
) -> Result<Response, ApiError> {
    let limit = paging.limit()?;
    let cursor = paging.cursor.as_deref().map(|text| {
        let (at, id) = text.split_once('.').ok_or_else(cursor_error)?;
        let at = at.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
        Ok::<_, ApiError>((
            at.ok_or_else(cursor_error)?,
            ConversationId::parse(id).map_err(|_| cursor_error())?,
        ))
    });
    let cursor = cursor.transpose()?;
    let store = shared.engine.store();
    let mut found = store.conversations(&caller.actor, paging.archived()?, cursor, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next =
        found.last().filter(|_| more).map(|c| format!("{}.{}", c.last_message_at.as_microsecond(), c.id));
    let items: Vec<Value> = found.iter().map(summary).collect();
    Ok(data(StatusCode::OK, &json!({ "items": items, "nextCursor": next })))
}

/// `GET /api/agent/conversations/{id}`: one, with where its sign-in stands.
pub(super) async fn one(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    Named(id): Named,
) -> Result<Response, ApiError> {
    let conversation = own(&shared, &caller, &id).await?;
    let state = shared.engine.progress(&caller, &conversation.id).await?;
    let mut body = summary(&conversation);
    if let Some(body) = body.as_object_mut() {
        body.insert("authProgress".into(), json!(state.map(|s| s.progress)));
    }
    Ok(data(StatusCode::OK, &body))
}

/// `GET /api/agent/conversations/{id}/messages`: newest first.
pub(super) async fn messages(
    State(shared): State<Shared>,
    Caller(caller): Caller,
    Named(id): Named,
    Asked(paging): Asked<Paging>,
) -> Result<Response, ApiError> {
    let conversation = own(&shared, &caller, &id).await?;
    let limit = paging.limit()?;
    let before = paging.cursor.as_deref().map(|c| c.parse().map_err(|_| cursor_error())).transpose()?;
    let mut found =
        shared.engine.store().messages(&caller.actor, &conversation.id, before, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|m| m.seq.to_string());
    let items: Vec<Value> = found
        .iter()
        .map(|m| {
            let response = m.response.as_deref().and_then(|r| serde_json::from_str::<NodeResponse>(r).ok());
            json!({
                "messageId": m.id,
                "conversationId": m.conversation,
                "role": m.role.as_str(),
                "content": m.content,
                "response": response,
                "createdAt": m.created_at,
            })
        })
        .collect();
    Ok(data(StatusCode::OK, &json!({ "items": items, "nextCursor": next })))
}

/// A conversation of the caller's. What is nobody's, somebody else's or not an id at all is answered alike.
async fn own(shared: &Shared, caller: &engine::Caller, id: &str) -> Result<Conversation, ApiError> {
    if let Ok(id) = ConversationId::parse(id)
        && let Some(found) = shared.engine.store().conversation(&caller.actor, &id).await?
    {
        return Ok(found);
    }
    shared.engine.note_denied(caller, "conversation").await?;
    Err(ApiError::not_found())
}

fn summary(c: &Conversation) -> Value {
    json!({
        "conversationId": c.id,
        "projectId": c.project,
        "title": c.title,
        "messageCount": c.message_count,
        "isPinned": c.pinned,
        "isArchived": c.archived,
        "isCurrent": c.current,
        "createdAt": c.created_at,
        "lastMessageAt": c.last_message_at,
    })
}
