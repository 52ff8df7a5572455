//! Traces on their way out, by OTLP over HTTP.
//!
//! Finished spans wait in a bounded queue (2048, the rest is dropped), and a thread of the queue's own sends them in
//! batches. So a collector that is slow or away costs a turn nothing. What leaves is what [`ATTRIBUTES`] lists: the
//! messages of errors, events and everything else that a span may have picked up stay here.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::{Status, TracerProvider};
use opentelemetry::{Array, Key, KeyValue, StringValue, Value};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanEvents, SpanExporter};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber, info, warn};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Error;
use super::collector::Collector;
use crate::fetch::{Fetch, Trust, Url};
use crate::trace::{ATTRIBUTES, TOOL, is_trace};

/// Longest time a batch may take to send, and the last one at shutdown.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Where a collector takes traces.
const PATH: &str = "/v1/traces";

/// Whether traces can be sent to that place. Credentials belong into `OTEL_EXPORTER_OTLP_HEADERS`, which the exporter
/// reads.
pub fn is_collector(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_base = url.query().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain && is_base
    })
}

/// Sends spans to a collector.
pub(super) fn provider(collector: &str, fetch: &Fetch) -> Result<SdkTracerProvider, Error> {
    let base = fetch.endpoint(collector, Trust::Operator).map_err(Error::Collector)?;
    let client = Collector {
        fetch: fetch.clone(),
        to: base.join(PATH).map_err(Error::Collector)?,
        runtime: Handle::try_current().map_err(Error::Runtime)?,
        tasks: TaskTracker::new(),
    };
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpJson)
        .with_endpoint(client.to.url().as_str())
        .with_http_client(client)
        .with_timeout(PATIENCE)
        .build()
        .map_err(Error::Traces)?;
    let resource = Resource::builder()
        .with_service_name(env!("CARGO_PKG_NAME"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(Gate::around(exporter))
        .with_sampler(Sampler::AlwaysOn)
        .with_resource(resource.build())
        .build())
}

/// Hands the spans of traces, and nothing else that is logged, to a provider.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let spans = tracing_opentelemetry::layer()
        .with_context_activation(false)
        .with_tracer(provider.tracer(env!("CARGO_PKG_NAME")))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        // What tells a tool's span from the others; it does not leave.
        .with_target(true);
    Unentered(spans)
        .with_filter(filter_fn(|metadata| is_trace(metadata.target())).with_max_level_hint(LevelFilter::INFO))
}

/// A layer that is not told when a span is entered and left, so that a span ends where it is closed. SQLite's threads enter
/// the span of whoever asks them, and leave it when the asker may have closed it already: what looks it up then panics, and
/// what takes the time then has spans that end after the one they are in.
struct Unentered<L>(L);

impl<S: Subscriber, L: Layer<S>> Layer<S> for Unentered<L> {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        self.0.on_new_span(attributes, id, context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.on_record(id, values, context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.0.on_event(event, context);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.0.on_close(id, context);
    }
}

/// Sends the last spans. It waits for them no longer than [`PATIENCE`].
pub(super) fn close(provider: &SdkTracerProvider) {
    // What could not be sent was told by the gate.
    drop(provider.shutdown_with_timeout(PATIENCE));
}

/// Lets out what may leave, and tells the log once when nobody takes it.
#[derive(Debug)]
pub(super) struct Gate<E> {
    exporter: E,
    is_failing: AtomicBool,
}

impl<E> Gate<E> {
    pub(super) fn around(exporter: E) -> Self {
        Self { exporter, is_failing: AtomicBool::new(false) }
    }

    fn tell(&self, result: &OTelSdkResult) {
        match result {
            Err(error) if !self.is_failing.swap(true, Ordering::Relaxed) => {
                warn!(error = %error, "Traces cannot be delivered and are dropped; turns go on");
            }
            Ok(()) if self.is_failing.swap(false, Ordering::Relaxed) => {
                info!("Traces are delivered again");
            }
            _ => {}
        }
    }
}

impl<E: SpanExporter> SpanExporter for Gate<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let result = self.exporter.export(batch.into_iter().map(checked).collect()).await;
        self.tell(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

/// The span as it leaves.
fn checked(mut span: SpanData) -> SpanData {
    let target = Key::from_static_str("target");
    let is_tool = span.attributes.iter().any(|a| a.key == target && a.value.as_str() == TOOL);
    // A turn that runs again records again, and the last word counts.
    let mut seen = HashSet::new();
    span.attributes.reverse();
    span.attributes.retain(|a| ATTRIBUTES.contains(&a.key.as_str()) && seen.insert(a.key.clone()));
    if is_tool {
        let tool = StringValue::from(span.name.to_string());
        span.attributes.extend([
            KeyValue::new("gen_ai.operation.name", "execute_tool"),
            KeyValue::new("gen_ai.tool.name", tool),
            KeyValue::new("gen_ai.tool.type", "function"),
        ]);
        span.name = format!("execute_tool {}", span.name).into();
    }
    for attribute in &mut span.attributes {
        // The conventions have a list here, and `tracing` has none.
        if attribute.key.as_str() == "gen_ai.response.finish_reasons" {
            attribute.value = Value::Array(Array::String(vec![attribute.value.as_str().into_owned().into()]));
        }
    }
    span.events = SpanEvents::default();
    if let Status::Error { description } = &mut span.status {
        *description = "".into();
        // The error of a tool is known by its message alone, which stays here.
        if span.attributes.iter().all(|attribute| attribute.key.as_str() != "error.type") {
            span.attributes.push(KeyValue::new("error.type", "_OTHER"));
        }
    }
    span
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry_sdk::error::OTelSdkError;
    use tracing::{error, info_span, instrument};
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;
    use crate::trace;

    /// Keeps the spans, or takes none.
    #[derive(Debug, Clone, Default)]
    struct Kept {
        spans: Arc<Mutex<Vec<SpanData>>>,
        is_away: Arc<AtomicBool>,
    }

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            if self.is_away.load(Ordering::Relaxed) {
                return Err(OTelSdkError::InternalFailure("away".to_owned()));
            }
            self.spans.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    fn exported(work: impl FnOnce()) -> Vec<SpanData> {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(Gate::around(kept.clone())).build();
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer(&provider)), work);
        kept.spans.lock().unwrap().clone()
    }

    fn told(span: &SpanData) -> Vec<String> {
        let mut told: Vec<String> =
            span.attributes.iter().map(|a| format!("{}={}", a.key, a.value)).collect();
        told.sort();
        told
    }

    #[instrument(target = TOOL, err)]
    fn send_otp(number: &str) -> Result<(), String> {
        error!(number, "refused");
        Err(format!("{number} is away"))
    }

    #[test]
    fn a_tool_s_span_says_that_it_failed_and_not_with_what() {
        let spans = exported(|| drop(send_otp("+14155552671")));
        assert_eq!(spans.len(), 1);
        assert_eq!(spans[0].name, "execute_tool send_otp");
        let expected = [
            "error.type=_OTHER",
            "gen_ai.operation.name=execute_tool",
            "gen_ai.tool.name=send_otp",
            "gen_ai.tool.type=function",
        ];
        assert_eq!(told(&spans[0]), expected);
        assert_eq!(spans[0].status, Status::error(""));
        assert!(!format!("{spans:?}").contains("4155552671"), "{spans:?}");
    }

    #[test]
    fn a_chat_s_span_has_what_the_model_told() {
        let spans = exported(|| {
            let _elsewhere = info_span!("turn", text = "hello").entered();
            let span = trace::chat("openai", "small");
            let answer = trace::Chatted {
                model: Some("small-1"),
                finish_reason: Some("stop"),
                input_tokens: Some(7),
                output_tokens: None,
            };
            trace::chatted(&span, &answer);
            trace::failed(&trace::agent("authenticator", Some("cnv_1")), "store");
        });
        let [agent, chat] = spans.as_slice().as_array().unwrap();
        assert_eq!((chat.name.as_ref(), chat.status.clone()), ("chat small", Status::Unset));
        assert_eq!(chat.span_kind, opentelemetry::trace::SpanKind::Client);
        let expected = [
            "gen_ai.operation.name=chat",
            "gen_ai.provider.name=openai",
            "gen_ai.request.model=small",
            "gen_ai.response.finish_reasons=[\"stop\"]",
            "gen_ai.response.model=small-1",
            "gen_ai.usage.input_tokens=7",
        ];
        assert_eq!(told(chat), expected);
        assert!(chat.attributes.iter().any(|a| a.value == Value::I64(7)));
        assert_eq!(agent.status, Status::error(""));
        assert!(told(agent).contains(&"error.type=store".to_owned()));
    }

    #[test]
    fn of_a_turn_that_ran_twice_the_last_word_counts() {
        let spans = exported(|| {
            let _turn = trace::workflow("orchestrator").entered();
            trace::ran("rule", 3);
            trace::ran("local", 4);
            trace::answered("cnv_1", "otp_sent");
        });
        let expected = [
            "gen_ai.conversation.id=cnv_1",
            "gen_ai.operation.name=invoke_workflow",
            "gen_ai.workflow.name=orchestrator",
            "vestibule.action=otp_sent",
            "vestibule.steps=4",
            "vestibule.tier=local",
        ];
        assert_eq!(told(&spans[0]), expected);
        assert_eq!(spans[0].name, "invoke_workflow orchestrator");
    }

    #[test]
    fn only_a_plain_url_is_a_collector() {
        for good in ["http://127.0.0.1:4318", "https://collector.example/otlp/"] {
            assert!(is_collector(good), "{good}");
        }
        for wrong in ["", "127.0.0.1:4318", "grpc://x:4317", "http://", "http://u:p@x", "http://x/?token=1"] {
            assert!(!is_collector(wrong), "{wrong}");
        }
    }
}
