//! Why no classifier could be made.

use crate::nlu;

/// Why no classifier could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The threshold is no probability.
    #[error("`accept` must lie between 0 and 1, and it is {0}")]
    Accept(f64),
    /// The local classifier could not be trained.
    #[error("the local classifier could not be trained")]
    Training(#[from] nlu::Error),
}
