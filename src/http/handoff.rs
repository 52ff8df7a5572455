//! What the operator's desk calls: words for a person, and that the engine is to answer again.
//!
//! A request is the desk's if it is signed under `handoff.secret`, and about now; whoever else calls gets an empty 401. What
//! else a request presents (cookies, tokens) is not looked at: the desk speaks for nobody and has no right but to be heard.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request, State};
use axum::http::request::Parts as Head;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::{error, warn};

use super::envelope::data;
use super::{ApiError, Shared, caller};
use crate::engine::Spoken;
use crate::fetch::signed;
use crate::handoff::{Unread, Word};

/// Largest body, in bytes: more than the longest words take, however they are written.
const LARGEST: usize = 32 * 1024;

/// The body of a request that the desk signed.
#[derive(Debug)]
pub(super) struct DeskSigned(Bytes);

impl FromRequest<Shared> for DeskSigned {
    type Rejection = Response;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Response> {
        let (head, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(head.clone(), body), shared).await.ok();
        match checked(&head, bytes, shared) {
            Ok(body) => Ok(Self(body)),
            Err(what) => Err(refuse(&head, shared, what).await),
        }
    }
}

fn checked(head: &Head, body: Option<Bytes>, shared: &Shared) -> Result<Bytes, &'static str> {
    let secret = shared.desk_secret.as_ref().ok_or("no desk")?;
    let body = body.ok_or("no body")?;
    if head.headers.contains_key(header::CONTENT_ENCODING) {
        return Err("encoded body");
    }
    signed::check(secret.expose(), &head.headers, &body, shared.engine.now().as_second())?;
    Ok(body)
}

/// Whoever is not the desk is told nothing, not even why.
async fn refuse(head: &Head, shared: &Shared, what: &'static str) -> Response {
    let ip = caller::address(head, &shared.options.trusted_proxies).map(|ip| ip.to_string());
    warn!(what, "Webhook refused");
    if let Err(e) = shared.engine.note_bad_signature(ip, what).await {
        error!(error = %e, "A bad signature is not noted");
    }
    StatusCode::UNAUTHORIZED.into_response()
}

/// `POST /webhooks/handoff`
pub(super) async fn desk(
    State(shared): State<Shared>,
    DeskSigned(body): DeskSigned,
) -> Result<Response, ApiError> {
    if body.len() > LARGEST {
        let what = "the body is larger than 32 KiB";
        return Err(ApiError::refused(StatusCode::PAYLOAD_TOO_LARGE, what));
    }
    let word = Word::parse(&body).map_err(|unread| match unread {
        Unread::Invalid(pointer @ ("/text" | "/event"), what) => ApiError::unprocessable(pointer, what),
        Unread::Invalid(pointer, what) => ApiError::invalid(pointer, what),
        Unread::Unknown => ApiError::not_found(),
    })?;
    let conversation = word.conversation.clone();
    let spoken = shared.engine.desk_says(word).await?;
    let said = json!({ "conversation": conversation, "repeated": spoken == Spoken::Before });
    Ok(data(StatusCode::OK, &said))
}
