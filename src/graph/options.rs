//! Where the conversation comes from.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::model::Secret;

/// Which graphs are loaded.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A folder of graph files, in place of those that are compiled in.
    pub folder: Option<PathBuf>,
    /// Folders of agents, one each, that are loaded besides.
    pub agents: Vec<PathBuf>,
    /// The addresses of outside agents, by the names that graph files give them.
    pub addresses: Vec<Setting>,
    /// What is told to them in headers, likewise.
    pub secrets: Vec<Setting>,
    /// How long a question waits before it speaks up whose graph leaves that to the configuration, in seconds; 0 is for ever.
    pub silence_seconds: u32,
}

/// A named value, written `NAME=VALUE`. It may be a secret, and holds what the value of a header may: visible ASCII characters,
/// and spaces and tabs between them.
#[derive(Clone)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Secret,
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Setting").field(&self.name).finish()
    }
}

impl FromStr for Setting {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, value) = text.split_once('=').ok_or(())?;
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let is_value = !value.is_empty()
            && value.bytes().all(|b| b.is_ascii_graphic() || b == b' ' || b == b'\t')
            && value.trim_ascii() == value;
        (is_name && is_value).then(|| Self { name: name.to_owned(), value: Secret::new(value) }).ok_or(())
    }
}
