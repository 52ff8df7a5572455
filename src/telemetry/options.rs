//! What logs and traces can be told.

/// How much is logged, and where traces go.
#[derive(Debug, Clone)]
pub struct Options {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`, `off`), or several `target=level` with commas between.
    pub level: String,
    /// The collector that takes traces, by OTLP over HTTP, as the URL that `/v1/traces` is put behind; there are no traces
    /// if absent.
    pub otlp_endpoint: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: "info".to_owned(), otlp_endpoint: None }
    }
}
