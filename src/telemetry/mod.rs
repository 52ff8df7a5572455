//! Logs: one line for each event, on the standard output. Traces: the spans of `trace`, to a collector.
//!
//! The house rule is that nobody hands a message's text, a code, a token or a whole phone number to a log at all. The
//! masker given to [`init`] is what catches a slip: every text passes through it before it is written.
//!
//! It does not know what the lines mean, nor any module that writes them; it imports `model`, `trace` and `fetch` alone and so
//! stands on the floor below `config`, which reads its [`Options`].
//!
//! Adding a fact to a line: a field on the event, or on the span around it (`#[instrument(skip_all, fields(…))]`),
//! named in camelCase. Adding an output: another [`Lines`] over its own writer, in [`init`]. Adding a span of a trace:
//! the front page of `trace`.

mod collector;
mod lines;
mod options;
mod otlp;

use std::sync::Arc;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::TryCurrentError;
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{EnvFilter, LevelFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::fetch::{self, Fetch};
use crate::model::Clock;
use crate::trace::is_trace;

pub use lines::{Lines, Mask};
pub use options::Options;
pub use otlp::is_collector;

/// Why there are no logs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter cannot be read.
    #[error("`{level}` is not a log filter")]
    Filter {
        /// What was given.
        level: String,
        /// What is wrong with it.
        #[source]
        source: ParseError,
    },
    /// A part of the filter is a word that is no level.
    #[error("`{word}` is not a log level: use error, warn, info, debug, trace or off, or target=level")]
    Level {
        /// The word.
        word: String,
    },
    /// Traces cannot be sent.
    #[error("the exporter of traces cannot be built")]
    Traces(#[source] opentelemetry_otlp::ExporterBuildError),
    /// Nobody may call the collector.
    #[error("the collector of traces cannot be called")]
    Collector(#[source] fetch::Error),
    /// Traces are sent by a runtime, and there is none.
    #[error("traces need a runtime")]
    Runtime(#[source] TryCurrentError),
    /// The process logs already.
    #[error("logging was set up twice")]
    Twice(#[source] TryInitError),
}

/// The process's traces. The last of them leave with [`Traces::shutdown`].
#[must_use]
#[derive(Debug)]
pub struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends what was not sent yet; a collector that is away is waited for some seconds at most.
    pub async fn shutdown(self) {
        let Some(provider) = self.0 else { return };
        // A panic in there is the library's, and the process ends anyhow.
        drop(tokio::task::spawn_blocking(move || otlp::close(&provider)).await);
    }
}

/// Sets up the process's logs and traces, once. Traces leave by the runtime that this is called in.
pub fn init(options: &Options, fetch: &Fetch, clock: Arc<dyn Clock>, mask: Mask) -> Result<Traces, Error> {
    let filter = filter(&options.level)?;
    let lines = Lines::new(std::io::stdout, clock, mask);
    let Some(collector) = &options.otlp_endpoint else {
        logs(filter, lines).try_init().map_err(Error::Twice)?;
        return Ok(Traces(None));
    };
    let provider = otlp::provider(collector, fetch)?;
    logs_and_traces(filter, lines, &provider).try_init().map_err(Error::Twice)?;
    Ok(Traces(Some(provider)))
}

/// Logs alone. What is for traces is left out for all outputs together, so that their spans are never made.
fn logs<W>(filter: EnvFilter, lines: Lines<W>) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let no_traces = filter_fn(|metadata| !is_trace(metadata.target()));
    tracing_subscriber::registry().with(filter).with(no_traces).with(lines)
}

/// Logs as they are without traces, and traces whatever the logs' level is.
fn logs_and_traces<W>(
    filter: EnvFilter,
    lines: Lines<W>,
    provider: &SdkTracerProvider,
) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(otlp::layer(provider)).with(lines.with_filter(filter))
}

/// Reads a filter. A word that is no level is refused: the library would take `inof` for the name of a target, and
/// log nothing at all.
pub fn filter(level: &str) -> Result<EnvFilter, Error> {
    for word in level.split(',').map(str::trim) {
        let is_directive = word.contains(['=', '[']);
        if !is_directive && (word.is_empty() || word.parse::<LevelFilter>().is_err()) {
            return Err(Error::Level { word: word.to_owned() });
        }
    }
    // The client library of language models logs what servers send, word for word.
    let level = format!("{level},async_openai=off");
    EnvFilter::builder().parse(&level).map_err(|source| Error::Filter { level, source })
}

#[cfg(test)]
mod tests;
