//! Floor 1: keys, codes, tokens, sealing, signing.
//!
//! One instance key is the root; everything else is derived from it with HKDF under a label of its own, so that no two
//! uses share a key and none can be computed from another. It does not know stores, users or conversations: it is given
//! bytes and ids and gives back bytes.
//!
//! Adding a key: a label in `Keys::derive` and a field; never reuse a label, and never derive from another use's key.

mod code;
mod instance;
mod jwt;
mod keys;
mod options;
mod token;

pub use code::Code;
pub use instance::instance_key;
pub use jwt::{AccessTokens, Claims};
pub use keys::{CodeOf, Keys};
pub use options::Options;
pub use token::{Token, TokenKind};

/// What can go wrong with keys and what they protect.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sealed bytes were made under another key, for another record, or were changed.
    #[error(
        "sealed data cannot be opened: it was made under another key or for another record, or it was changed"
    )]
    Unsealable,
    /// The text is not a token of the expected kind.
    #[error("not a token of this kind")]
    NotAToken,
    /// An access token that is not valid now.
    #[error("the access token is not valid")]
    AccessToken(#[source] jsonwebtoken::errors::Error),
    /// The instance key's file cannot be read or written.
    #[error("instance key file {path}: {what}")]
    KeyFile {
        /// The file.
        path: String,
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: Option<std::io::Error>,
    },
    /// The instance key is not one.
    #[error("the instance key {0}")]
    BadKey(&'static str),
}
