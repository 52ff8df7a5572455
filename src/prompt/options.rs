//! What replies can be told.

use std::path::PathBuf;

/// Which texts, and the language spoken when a person's own is unknown.
#[derive(Debug, Clone)]
pub struct Options {
    /// A folder of language files, in place of those that are compiled in.
    pub folder: Option<PathBuf>,
    /// An ISO 639 code of two letters.
    pub language: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { folder: None, language: "en".to_owned() }
    }
}
