//! Why a message did not go, in words of ours: what a person can be told, and what is counted.

use super::twilio;

/// Why a message did not go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// There is no such number, or none that takes messages.
    BadNumber,
    /// It is a landline.
    Landline,
    /// Its owner wants no messages from here.
    OptedOut,
    /// Its phone is off, or out of reach.
    OutOfReach,
    /// Messages to there are not sent.
    NotServed,
    /// The provider or the network takes the message for fraud or spam.
    Blocked,
    /// Too many messages went to this number.
    TooOften,
    /// The provider has too much to do.
    Busy,
    /// The message was worth nothing any more.
    Expired,
    /// Something here is set up wrongly.
    Misconfigured,
    /// The provider failed, or says no more.
    Provider,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 11] = [
        Self::BadNumber,
        Self::Landline,
        Self::OptedOut,
        Self::OutOfReach,
        Self::NotServed,
        Self::Blocked,
        Self::TooOften,
        Self::Busy,
        Self::Expired,
        Self::Misconfigured,
        Self::Provider,
    ];

    /// A machine word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadNumber => "bad_number",
            Self::Landline => "landline",
            Self::OptedOut => "opted_out",
            Self::OutOfReach => "out_of_reach",
            Self::NotServed => "not_served",
            Self::Blocked => "blocked",
            Self::TooOften => "too_often",
            Self::Busy => "busy",
            Self::Expired => "expired",
            Self::Misconfigured => "misconfigured",
            Self::Provider => "provider",
        }
    }
}

/// The reason behind the code of a [`Verdict`](super::Verdict), or of a [`Sighting`](super::Sighting). A code that is not
/// known is the provider's.
pub fn reason(code: &str) -> Reason {
    if let Some(code) = code.strip_prefix(twilio::PREFIX) {
        return twilio::reason(code);
    }
    match code {
        "expired" => Reason::Expired,
        "opted_out" => Reason::OptedOut,
        "gateway_http_429" => Reason::Busy,
        "no_sender" | "not_allowed" | "gateway_http_401" | "gateway_http_403" => Reason::Misconfigured,
        _ => Reason::Provider,
    }
}
