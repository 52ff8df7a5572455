//! Why a sender cannot be built.

use crate::fetch;

/// Why a sender cannot be built. No variant holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing.
    #[error("{0} is not set")]
    Lacks(&'static str),
    /// A setting is no address that may be called.
    #[error("{key} cannot be called")]
    Address {
        /// Which one.
        key: &'static str,
        /// Why not.
        #[source]
        source: fetch::Error,
    },
    /// A setting has characters that no header takes.
    #[error("{0} cannot be sent in a header")]
    Header(&'static str),
}
