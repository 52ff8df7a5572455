//! What the logs can be told.

/// How much is logged.
#[derive(Debug, Clone)]
pub struct Options {
    /// A level (`error`, `warn`, `info`, `debug`, `trace`, `off`), or several `target=level` with commas between.
    pub level: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: "info".to_owned() }
    }
}
