//! What became of a message that was handed to a provider.

use jiff::SignedDuration;

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
    /// The provider did not take it and says so, or was not reached at all: it may be handed over again later.
    Later {
        /// The provider's or our code for why.
        code: String,
        /// How long the provider asks to be left alone, where it says.
        after: Option<SignedDuration>,
    },
    /// Nobody can tell: the answer did not come. It is not sent again by itself.
    Unknown {
        /// What happened instead of an answer.
        code: String,
    },
}

/// How far a provider says that a message came. The order is that of [`DeliveryStatus::rank`]: a message never goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryStatus {
    /// The provider has it.
    Accepted,
    /// It is being handed to the network.
    Sending,
    /// The network has it.
    Sent,
    /// It arrived.
    Delivered,
    /// It did not arrive.
    Undelivered,
    /// The provider could not send it.
    Failed,
}

impl DeliveryStatus {
    /// Every status.
    pub const ALL: [Self; 6] =
        [Self::Accepted, Self::Sending, Self::Sent, Self::Delivered, Self::Undelivered, Self::Failed];

    /// The name as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
        }
    }

    /// Reads a stored name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// News has a higher rank than what is known; the last three are each the end.
    pub fn rank(self) -> u32 {
        match self {
            Self::Accepted => 1,
            Self::Sending => 2,
            Self::Sent => 3,
            Self::Delivered | Self::Undelivered | Self::Failed => 4,
        }
    }

    /// Whether it says that the message will never arrive.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Undelivered | Self::Failed)
    }
}
