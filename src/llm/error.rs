//! Why there is no answer. No variant holds anything that a server sent.

use std::time::Duration;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server could not be reached, or the connection broke.
    #[error("the model's server could not be reached, or broke off")]
    Unreachable,
    /// Time was up.
    #[error("the model took too long")]
    Late,
    /// The server refused.
    #[error("the model's server answered {status}")]
    Status {
        /// The status.
        status: u16,
        /// When to come again, where the server says so.
        retry_after: Option<Duration>,
        /// What of the request it blames.
        blames: Blames,
    },
    /// The body is no completion.
    #[error("the model's server answered something that is no completion")]
    Garbage,
    /// The answer is empty.
    #[error("the model answered nothing")]
    Empty,
    /// The answer stops in the middle.
    #[error("the model's answer was cut off")]
    CutOff,
    /// The model will not answer.
    #[error("the model refused")]
    Refused,
    /// The answer does not have the asked form.
    #[error("the model's answer does not have the form that was asked for")]
    Unfit,
    /// Too many ask at once.
    #[error("too many ask the model at once")]
    Busy,
    /// It failed too often, and is left alone for a while.
    #[error("the model failed too often and is left alone for a while")]
    Resting,
}

/// What a refusal blames, as far as its words tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Blames {
    /// The form of the answer.
    pub shape: bool,
    /// A parameter that newer models renamed.
    pub parameters: bool,
    /// What is asked of a stream besides its pieces.
    pub stream: bool,
}

impl Error {
    /// Whether the same request may well be answered in a moment.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable => true,
            Self::Status { status, .. } => matches!(status, 408 | 409 | 429 | 500 | 502..=504),
            _ => false,
        }
    }

    /// Whether another model of the same server cannot do better.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Busy | Self::Status { status: 401, .. })
    }

    /// Whether it says something of the message rather than of the model that was asked about it.
    pub(super) fn is_of_the_message(&self) -> bool {
        matches!(self, Self::Refused | Self::CutOff | Self::Unfit | Self::Empty)
    }

    /// When to come again, where the server says so.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The error of that word; a status is told without its number.
    pub fn named(code: &str) -> Option<Self> {
        let status = Self::Status { status: 500, retry_after: None, blames: Blames::default() };
        let all = [
            Self::Unreachable,
            Self::Late,
            status,
            Self::Garbage,
            Self::Empty,
            Self::CutOff,
            Self::Refused,
            Self::Unfit,
            Self::Busy,
            Self::Resting,
        ];
        all.into_iter().find(|error| error.code() == code)
    }

    /// A machine word for traces and recordings.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Late => "late",
            Self::Status { .. } => "status",
            Self::Garbage => "garbage",
            Self::Empty => "empty",
            Self::CutOff => "cut_off",
            Self::Refused => "refused",
            Self::Unfit => "unfit",
            Self::Busy => "busy",
            Self::Resting => "resting",
        }
    }
}
