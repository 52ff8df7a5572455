//! Where the conversation comes from.

use std::path::PathBuf;

/// Which graphs are loaded.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A folder of graph files, in place of those that are compiled in.
    pub folder: Option<PathBuf>,
}
