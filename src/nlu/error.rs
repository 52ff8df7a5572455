//! What can be wrong with training data.

/// Why no model could be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A line is not a row: the place, and what the parser said.
    #[error("{file}:{line}: not an utterance")]
    Malformed {
        /// The file's name.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// A row says nothing.
    #[error("{file}:{line}: the text is empty")]
    EmptyText {
        /// The file's name.
        file: String,
        /// The line, from 1.
        line: usize,
    },
    /// There is nothing to tell apart.
    #[error("training needs rows of at least two labels, and these have {labels}")]
    TooFewLabels {
        /// How many labels there were.
        labels: usize,
    },
}
