//! A value that must not be told.

use std::fmt;

use zeroize::Zeroizing;

/// A token, key or code in memory. It has no `Display` and no `Serialize`, its `Debug` says nothing, and it is wiped
/// when dropped. [`Secret::expose`] is the one way to the value, and easy to search for.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value into custody.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(••••)")
    }
}
