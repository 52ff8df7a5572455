//! Floor 0: the spans of a turn, under the names of OpenTelemetry's conventions for generative AI.
//!
//! | span | made by | around |
//! |---|---|---|
//! | `invoke_workflow {graph}` | [`workflow`] | a turn; the graph is the root's |
//! | `invoke_agent {graph}` | [`agent`] | a sub-graph, for as long as the turn is in it |
//! | `execute_tool {tool}` | `#[instrument(target = TOOL, skip_all, err)]` | a tool of the registry |
//! | `chat {model}` | [`chat`] | a request to a model; it ends with [`chatted`] or [`failed`] |
//!
//! A span holds names, ids that are no credentials, counts and outcomes: [`ATTRIBUTES`] is all that may leave the
//! process, and what is in no row of it is dropped on the way out. No text of a message or an answer, no code, number,
//! address or token, no argument and no result of a tool is ever an attribute. Logs take no notice of these spans; and
//! where nobody exports them they are switched off, at the price of one look at a flag.
//!
//! It knows `tracing` and no exporter; where spans go to is `telemetry`'s business.
//!
//! Adding a span: a function here with every field declared, the late ones `Empty`, and a row above. Adding an
//! attribute: a row in [`ATTRIBUTES`], which has to be of a kind that is listed above.

use std::fmt::Display;

use tracing::field::{Empty, display};
use tracing::{Span, info_span};

/// What the targets of these spans begin with.
pub const TARGET: &str = "vestibule::trace";
/// The target of a tool's span, whose name is the tool's.
pub const TOOL: &str = "vestibule::trace::tool";

/// Every attribute that leaves the process.
pub const ATTRIBUTES: &[&str] = &[
    "error.type",
    "gen_ai.agent.name",
    "gen_ai.conversation.id",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.response.model",
    "gen_ai.tool.name",
    "gen_ai.tool.type",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "gen_ai.workflow.name",
    "vestibule.action",
    "vestibule.confidence",
    "vestibule.reason",
    "vestibule.route",
    "vestibule.scores",
    "vestibule.steps",
    "vestibule.tier",
];

/// Whether a span or an event with that target belongs to a trace and not to the logs.
pub fn is_trace(target: &str) -> bool {
    target.starts_with(TARGET)
}

/// A turn. What is known at its end only is recorded by [`answered`] and [`ran`].
pub fn workflow(graph: &str) -> Span {
    info_span!(
        target: TARGET,
        "invoke_workflow",
        otel.name = %format_args!("invoke_workflow {graph}"),
        otel.status_code = Empty,
        "error.type" = Empty,
        gen_ai.operation.name = "invoke_workflow",
        gen_ai.workflow.name = graph,
        gen_ai.conversation.id = Empty,
        vestibule.action = Empty,
        vestibule.confidence = Empty,
        vestibule.reason = Empty,
        vestibule.route = Empty,
        vestibule.scores = Empty,
        vestibule.steps = Empty,
        vestibule.tier = Empty,
    )
}

/// A sub-graph that runs.
pub fn agent(graph: &str, conversation: Option<&str>) -> Span {
    info_span!(
        target: TARGET,
        "invoke_agent",
        otel.name = %format_args!("invoke_agent {graph}"),
        otel.status_code = Empty,
        "error.type" = Empty,
        gen_ai.operation.name = "invoke_agent",
        gen_ai.agent.name = graph,
        gen_ai.conversation.id = conversation,
    )
}

/// A request to a model of a provider such as `openai`. The request's future is to run in it (`.instrument(span)`).
pub fn chat(provider: &str, model: &str) -> Span {
    info_span!(
        target: TARGET,
        "chat",
        otel.name = %format_args!("chat {model}"),
        otel.kind = "client",
        otel.status_code = Empty,
        "error.type" = Empty,
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider,
        gen_ai.request.model = model,
        gen_ai.response.model = Empty,
        gen_ai.response.finish_reasons = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
    )
}

/// What a model's answer tells of itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chatted<'a> {
    /// The model that answered, as it calls itself.
    pub model: Option<&'a str>,
    /// Why it stopped.
    pub finish_reason: Option<&'a str>,
    /// Tokens of the request.
    pub input_tokens: Option<u32>,
    /// Tokens of the answer.
    pub output_tokens: Option<u32>,
}

/// Records what a model's answer tells of itself.
pub fn chatted(span: &Span, answer: &Chatted<'_>) {
    span.record("gen_ai.response.model", answer.model);
    span.record("gen_ai.response.finish_reasons", answer.finish_reason);
    // Signed, because the exporter makes texts of other numbers.
    span.record("gen_ai.usage.input_tokens", answer.input_tokens.map(i64::from));
    span.record("gen_ai.usage.output_tokens", answer.output_tokens.map(i64::from));
}

/// Records how a turn, in whose span this is called, was answered.
pub fn answered(conversation: &str, action: &str) {
    let span = Span::current();
    span.record("gen_ai.conversation.id", conversation);
    span.record("vestibule.action", action);
}

/// Records where a message goes, how surely and why, in the span of its turn, in which this is called. The reason and the
/// scores name rules, tiers and routes, and never quote.
pub fn understood(route: &str, confidence: f64, (reason, scores): (&str, &str)) {
    let span = Span::current();
    span.record("vestibule.route", route);
    span.record("vestibule.confidence", confidence);
    span.record("vestibule.reason", reason);
    span.record("vestibule.scores", scores);
}

/// Records which tier understood the message of a turn, in whose span this is called, and how many edges it passed.
pub fn ran(tier: impl Display, steps: usize) {
    let span = Span::current();
    span.record("vestibule.tier", display(tier));
    span.record("vestibule.steps", i64::try_from(steps).unwrap_or(i64::MAX));
}

/// Marks a span as failed, with the kind of failure: one of few words, and never an error's message.
pub fn failed(span: &Span, kind: &str) {
    span.record("error.type", kind);
    span.record("otel.status_code", "error");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_no_field_that_is_in_no_row() {
        tracing::subscriber::with_default(tracing_subscriber::registry(), || {
            for span in [workflow("w"), agent("a", None), chat("p", "m")] {
                let metadata = span.metadata().unwrap();
                assert!(is_trace(metadata.target()));
                for field in metadata.fields().iter().filter(|f| !f.name().starts_with("otel.")) {
                    assert!(ATTRIBUTES.contains(&field.name()), "{field}");
                }
                assert!(metadata.fields().field("otel.status_code").is_some());
            }
        });
        assert!(is_trace(TOOL) && !is_trace("vestibule::engine"));
        assert!(ATTRIBUTES.is_sorted());
    }
}
