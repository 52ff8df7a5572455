//! Where the master key comes from.

use std::path::PathBuf;

use crate::model::Secret;

/// The key that all others are derived from: given, or kept in a file.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key itself, base64, at least 32 bytes when decoded. Goes before the file.
    pub key: Option<Secret>,
    /// The file that holds it.
    pub key_file: Option<PathBuf>,
    /// The names of the peppers of codes: that of new codes first, then those whose codes can still be given back.
    pub code_peppers: Vec<String>,
}

impl Options {
    /// Where the key lies if nothing else is said. Made on first start by `dev` and `test`, refused by `prod`.
    pub const DEFAULT_KEY_FILE: &'static str = "data/vestibule.key";
}

impl Default for Options {
    fn default() -> Self {
        Self {
            key: None,
            key_file: Some(PathBuf::from(Self::DEFAULT_KEY_FILE)),
            code_peppers: vec!["p1".to_owned()],
        }
    }
}
