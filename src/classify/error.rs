//! Why no classifier could be made.

use crate::nlu;

/// Why no classifier could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A threshold is no probability.
    #[error("a threshold must lie between 0 and 1, and this is {0}")]
    Threshold(f64),
    /// What a model is told cannot be rendered.
    #[error("a prompt failed")]
    Prompt(#[from] crate::prompt::Error),
    /// The local classifier could not be trained.
    #[error("the local classifier could not be trained")]
    Training(#[from] nlu::Error),
}
