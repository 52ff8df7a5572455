//! Free text, piece by piece.

use async_openai::types::stream::StreamResponse;
use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout_at;
use tracing::{Span, field, info_span};

use super::client::{OpenAi, Started, cause, note};
use super::{Answer, Ask, Error, Sink, Spent, answer};

/// Longest streamed text, in bytes; what comes after it is not waited for.
const LONGEST: usize = 16 * 1024;

impl OpenAi {
    /// One model's streamed answer. Once a piece has been handed on there is no second try: it was seen.
    pub(super) async fn streamed(
        &self,
        begun: &Started<'_>,
        ask: &Ask,
        (cost, sink): (&mut Spent, Sink<'_>),
    ) -> Result<Answer, Error> {
        let span = span(begun.model, &self.options.base_url);
        let mut tries = 0;
        loop {
            let mut text = String::new();
            cost.calls += 1;
            let done = self.pieces(begun, ask, (&mut text, &mut *cost, &mut *sink)).await;
            note(&span, done.as_ref().err());
            let error = match done.and_then(|()| answer::fitting(text.clone(), ask)) {
                Ok((text, value)) => return Ok(Answer { text, value, model: begun.model.to_owned() }),
                Err(error) => error,
            };
            if !text.is_empty() || tries >= self.options.retries || !error.may_pass() {
                return Err(error);
            }
            tries += 1;
        }
    }

    async fn pieces(
        &self,
        begun: &Started<'_>,
        ask: &Ask,
        (text, cost, sink): (&mut String, &mut Spent, Sink<'_>),
    ) -> Result<(), Error> {
        let body = self.dialect(begun.model).body(begun.model, ask, true);
        let chat = self.client.chat();
        let opened = timeout_at(self.until(begun), chat.create_stream_byot::<_, Value>(body)).await;
        let mut pieces: StreamResponse<Value> = opened.map_err(|_| Error::Late)?.map_err(cause)?;
        while let Some(piece) = timeout_at(begun.deadline, pieces.next()).await.map_err(|_| Error::Late)? {
            let piece = piece.map_err(cause)?;
            let tokens = |field: &str| piece.pointer(field).and_then(Value::as_u64).unwrap_or_default();
            cost.input += tokens("/usage/prompt_tokens");
            cost.output += tokens("/usage/completion_tokens");
            let said = piece.pointer("/choices/0/delta/content").and_then(Value::as_str).unwrap_or_default();
            if said.is_empty() {
                continue;
            }
            text.push_str(said);
            sink(said);
            if text.len() > LONGEST {
                break;
            }
        }
        Ok(())
    }
}

/// The span of one request, by OpenTelemetry's conventions for generative models. It holds names and counts only.
pub(super) fn span(model: &str, base_url: &str) -> Span {
    let server = reqwest::Url::parse(base_url).ok();
    info_span!(
        "chat",
        otel.name = %format_args!("chat {model}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = "openai",
        gen_ai.request.model = model,
        gen_ai.usage.input_tokens = field::Empty,
        gen_ai.usage.output_tokens = field::Empty,
        server.address = server.as_ref().and_then(|url| url.host_str()).unwrap_or_default(),
        error.type = field::Empty,
    )
}
