//! What became of a message that was handed to a provider.

/// The answer of every sender, of text messages and of e-mails alike.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The provider took it.
    Accepted {
        /// The provider's id for it.
        provider_id: String,
    },
    /// The provider refused it for good.
    Refused {
        /// The provider's or our code for why.
        code: String,
    },
    /// Nobody can tell: the answer did not come. It is not sent again by itself.
    Unknown {
        /// What happened instead of an answer.
        code: String,
    },
}
