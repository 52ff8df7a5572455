//! The way to a server and back, below the client library: it reads a bounded body, turns every status but success into an
//! error without content, and lets nothing through that is not JSON or an event stream.
//!
//! The library would otherwise log what it cannot read, give up on error bodies of another form, and wait without end.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::StreamExt;
use serde_json::Value;

use super::Error;
use super::error::Blames;
use crate::fetch::header::{CONTENT_TYPE, RETRY_AFTER};
use crate::fetch::{Body, Drafted, Endpoint, Fetch, Response};

/// Largest body that is read, in bytes. A completion of a few hundred tokens has a few thousand.
const LARGEST: usize = 1024 * 1024;
/// Longest `Retry-After` that is believed.
const LONGEST_WAIT: u64 = 3_600;

/// The service that the client library sends its requests through.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    pub(super) fetch: Fetch,
    pub(super) to: Endpoint,
}

impl tower::Service<HttpRequestFactory> for Transport {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let request = factory.build().await?;
            this.exchange(request).await.map_err(|e| OpenAIError::Boxed(Box::new(e)))
        })
    }
}

impl Transport {
    async fn exchange(&self, request: Drafted) -> Result<Response, Error> {
        let streams = request.body().and_then(Body::as_bytes).is_some_and(asks_for_a_stream);
        let response = self.fetch.execute(&self.to, request).await.map_err(|_| Error::Unreachable)?;
        let status = response.status();
        if !status.is_success() {
            let retry_after = retry_after(&response);
            let body = read(response).await.unwrap_or_default();
            return Err(Error::Status { status: status.as_u16(), retry_after, blames: blames(&body) });
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if streams && kind.starts_with("text/event-stream") {
            return Ok(bounded(response));
        }
        let body = read(response).await?;
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::Empty);
        }
        if serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_err() {
            return Err(Error::Garbage);
        }
        Ok(whole(body))
    }
}

/// The same stream, which breaks off where it is longer than a body may be.
fn bounded(response: Response) -> Response {
    let mut passed = 0;
    let pieces = response.bytes_stream().map(move |piece| {
        let piece = piece.map_err(std::io::Error::other)?;
        passed += piece.len();
        if passed > LARGEST { Err(std::io::Error::other("too long")) } else { Ok(piece) }
    });
    Response::from(http::Response::new(Body::wrap_stream(pieces)))
}

/// A response again, of a body that was read.
fn whole(body: Vec<u8>) -> Response {
    Response::from(http::Response::new(body))
}

async fn read(response: Response) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(|_| Error::Unreachable)?);
        if body.len() > LARGEST {
            return Err(Error::Garbage);
        }
    }
    Ok(body)
}

/// Seconds; the form with a date is answered like none, since it needs the server's clock.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

/// Whether a request's body asks for a stream, as `dialect.rs` writes it.
fn asks_for_a_stream(body: &[u8]) -> bool {
    const ASKS: &[u8] = br#""stream":true"#;
    body.windows(ASKS.len()).any(|run| run == ASKS)
}

/// What the fields of an error name; the rest of a body may repeat the request.
fn blames(body: &[u8]) -> Blames {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |name: &str| body.pointer(name).and_then(Value::as_str).unwrap_or_default();
    let fields = ["/error/param", "/error/code", "/error/message", "/message", "/error"].map(field);
    let text = fields.join(" ").to_ascii_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| text.contains(word));
    Blames {
        shape: any(&["response_format", "json_schema", "json_object", "schema", "structured output"]),
        parameters: any(&["max_tokens", "max_completion_tokens", "temperature"]),
        stream: any(&["stream_options", "include_usage"]),
    }
}
