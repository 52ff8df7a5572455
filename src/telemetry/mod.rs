//! Logs: one line for each event, on the standard output.
//!
//! The house rule is that nobody hands a message's text, a code, a token or a whole phone number to a log at all. The
//! masker given to [`init`] is what catches a slip: every text passes through it before it is written.
//!
//! It does not know what the lines mean, nor any module that writes them; it imports `model` alone and so stands on
//! the floor below `config`, which reads its [`Options`].
//!
//! Adding a fact to a line: a field on the event, or on the span around it (`#[instrument(skip_all, fields(…))]`),
//! named in camelCase. Adding an output: another [`Lines`] over its own writer, in [`init`].

mod lines;
mod options;

use std::sync::Arc;

use tracing_subscriber::filter::{EnvFilter, LevelFilter, ParseError};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::model::Clock;

pub use lines::{Lines, Mask};
pub use options::Options;

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
    /// The process logs already.
    #[error("logging was set up twice")]
    Twice(#[source] TryInitError),
}

/// Sets up the process's logs, once.
pub fn init(options: &Options, clock: Arc<dyn Clock>, mask: Mask) -> Result<(), Error> {
    tracing_subscriber::registry()
        .with(filter(&options.level)?)
        .with(Lines::new(std::io::stdout, clock, mask))
        .try_init()
        .map_err(Error::Twice)
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
    EnvFilter::builder().parse(level).map_err(|source| Error::Filter { level: level.to_owned(), source })
}

#[cfg(test)]
mod tests;
