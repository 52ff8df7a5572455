//! Turns as server-sent events: `typing`, `chunk` for each piece of an answer that is still being made, then `response` or
//! `error`. The pieces are provisional; the response holds. Whoever keeps the session in a cookie gets all events at the
//! turn's end, since a cookie stands in the head of an answer. What is refused at once has its status and no events.
//!
//! A connection that breaks loses nothing: the same body with the same `messageId` gets the same response, and with
//! `Last-Event-ID` nothing but that.

use std::convert::Infallible;
use std::pin::Pin;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::future::BoxFuture;
use futures::{Stream, stream};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::task::TaskTracker;

use super::agent::{body_of, request_of, turned};
use super::body::Fields;
use super::caller::Speaker;
use super::envelope::ERROR_ID;
use super::{ApiError, Shared, cookies};
use crate::engine::Answer;

/// For how long an answer's status waits for a refusal.
const EARLY: Duration = Duration::from_millis(100);
/// How often a silent connection is told that it lives.
const ALIVE: Duration = Duration::from_secs(15);

type Events = Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>>;

/// `POST /api/agent/run`: one message, its answer as events.
pub(super) async fn run(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Speaker(caller): Speaker,
    fields: Fields,
) -> Result<Response, ApiError> {
    let request = request_of(&fields)?;
    let resumes = headers.contains_key("last-event-id");
    let (chunks, pieces) = unbounded_channel();
    // A cookie stands in the head of an answer, which must then wait for the turn.
    if cookies::wanted(&headers) || cookies::get(&headers, cookies::SESSION).is_some() {
        let answer = turned(&shared, &caller, request, None).await?;
        let chunks = (!resumes).then(|| chunk(answer.response.message(), 1));
        let events =
            [typing()].into_iter().chain(chunks).chain([response(&answer, cookies::wanted(&headers))]);
        let events: Events = Box::pin(stream::iter(events.map(Ok).collect::<Vec<_>>()));
        let mut whole = Sse::new(events).into_response();
        super::agent::set_cookies(&shared, &headers, &answer, whole.headers_mut());
        return Ok(whole);
    }
    // The events are made after this function has returned, and so outside of the request's own scope.
    let id = ERROR_ID.try_with(Clone::clone).unwrap_or_default();
    let turn = async move { turned(&shared, &caller, request, Some(chunks)).await };
    // In a task of its own, so that whoever hangs up now has been heard all the same.
    let mut turn = TaskTracker::new()
        .spawn(ERROR_ID.scope(id, async move { turn.await.map_err(|error| (error.body(), error)) }));
    // What is refused is refused at once, with its status.
    let early = tokio::time::timeout(EARLY, &mut turn).await;
    let turn: Turning = match early {
        Ok(Ok(Err((_, error)))) => return Err(error),
        Ok(done) => Box::pin(std::future::ready(told(done))),
        Err(_) => Box::pin(async move { told(turn.await) }),
    };
    let progress = Progress::Begins { pieces, turn, resumes };
    let events: Events = Box::pin(stream::unfold(progress, next));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE)).into_response())
}

type Turning = BoxFuture<'static, Result<Answer, Value>>;
type Done = Result<Result<Answer, (Value, ApiError)>, tokio::task::JoinError>;

/// A turn's end as events tell it.
fn told(done: Done) -> Result<Answer, Value> {
    match done {
        Ok(answered) => answered.map_err(|(body, _)| body),
        Err(_) => Err(ApiError::internal().body()),
    }
}

/// How far the events of a turn have come.
enum Progress {
    Begins { pieces: UnboundedReceiver<String>, turn: Turning, resumes: bool },
    Runs { pieces: UnboundedReceiver<String>, turn: Turning, resumes: bool, told: u32 },
    Answered(Box<Answer>),
    Over,
}

async fn next(progress: Progress) -> Option<(Result<Event, Infallible>, Progress)> {
    let (event, progress) = match progress {
        Progress::Begins { pieces, turn, resumes } => {
            (typing(), Progress::Runs { pieces, turn, resumes, told: 0 })
        }
        Progress::Runs { pieces, turn, resumes, told } => runs((pieces, turn), resumes, told).await,
        Progress::Answered(answer) => (response(&answer, false), Progress::Over),
        Progress::Over => return None,
    };
    Some((Ok(event), progress))
}

async fn runs(
    (mut pieces, mut turn): (UnboundedReceiver<String>, Turning),
    resumes: bool,
    told: u32,
) -> (Event, Progress) {
    let done = tokio::select! {
        biased;
        Some(piece) = pieces.recv(), if !resumes => {
            let event = chunk(&piece, told + 1);
            return (event, Progress::Runs { pieces, turn, resumes, told: told + 1 });
        }
        done = &mut turn => done,
    };
    match done {
        // An answer that was not made in pieces is told as one, so that a client needs one way of showing it.
        Ok(answer) if told == 0 && !resumes => {
            (chunk(answer.response.message(), 1), Progress::Answered(Box::new(answer)))
        }
        Ok(answer) => (response(&answer, false), Progress::Over),
        Err(error) => (named("error", &error), Progress::Over),
    }
}

fn typing() -> Event {
    named("typing", &json!({}))
}

fn chunk(text: &str, n: u32) -> Event {
    named("chunk", &json!({ "text": text })).id(n.to_string())
}

fn response(answer: &Answer, as_cookie: bool) -> Event {
    named("response", &body_of(answer, as_cookie)).id(&answer.message_id)
}

/// Line ends inside are escaped by JSON, so an event is one line of data.
fn named(name: &str, data: &Value) -> Event {
    Event::default().event(name).data(data.to_string())
}
