//! An event as a line: `2025-12-26 14:30:45.123 [INFO]: message {"key":"value"}`.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use crate::model::Clock;
use crate::trace::is_trace;

/// Hides what must not be read in a text.
pub type Mask = fn(&str) -> String;

/// Writes each event as one line, with the fields of the spans around it merged in; an inner field wins over an outer
/// one of the same name. What belongs to a trace is passed over.
#[derive(Debug)]
pub struct Lines<W> {
    writer: W,
    clock: Arc<dyn Clock>,
    mask: Mask,
}

impl<W> Lines<W> {
    /// Lines to `writer`, with the time of `clock`, and every text through `mask`.
    pub fn new(writer: W, clock: Arc<dyn Clock>, mask: Mask) -> Self {
        Self { writer, clock, mask }
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if is_trace(attributes.metadata().target()) {
            return;
        }
        let mut fields = Fields::new(self.mask);
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            // Not `insert`, which panics where a second output has left its own.
            drop(span.extensions_mut().replace(fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if is_trace(event.metadata().target()) {
            return;
        }
        let mut fields = Fields::new(self.mask);
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.values.extend(outer.values.clone());
            }
        }
        event.record(&mut fields);
        let at = self.clock.now().strftime("%Y-%m-%d %H:%M:%S%.3f");
        let mut line = format!("{at} [{}]: {}", event.metadata().level(), escaped(&fields.message));
        if !fields.values.is_empty() {
            line.push(' ');
            line.push_str(&escaped(&Value::Object(fields.values).to_string()));
        }
        line.push('\n');
        // A log that cannot be written has nowhere to say so.
        drop(self.writer.make_writer_for(event.metadata()).write_all(line.as_bytes()));
    }
}

/// What a span or an event carries.
struct Fields {
    mask: Mask,
    message: String,
    values: Map<String, Value>,
}

impl Fields {
    fn new(mask: Mask) -> Self {
        Self { mask, message: String::new(), values: Map::new() }
    }

    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name();
        self.values.insert(name.strip_prefix("r#").unwrap_or(name).to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let shown = (self.mask)(value);
        if field.name() == "message" { self.message = shown } else { self.put(field, shown) }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        let chain = std::iter::successors(Some(value), |error| error.source());
        self.record_str(field, &chain.map(ToString::to_string).collect::<Vec<_>>().join(": "));
    }
}

/// The text on one line, with nothing in it that a terminal obeys: control characters, line separators and marks that
/// turn the direction of writing become the escapes that JSON has for them.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let steers = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || steers => drop(write!(out, "\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}
