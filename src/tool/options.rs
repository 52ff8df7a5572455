//! What the tools can be told.

use std::str::FromStr;

/// What happens at a sign-in where the account has all the sessions it may have (D11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionLimit {
    /// The least recently used session makes room.
    #[default]
    Evict,
    /// The sign-in is refused.
    Reject,
}

/// A text that is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither evict nor reject")]
pub struct NoSessionLimit;

impl FromStr for SessionLimit {
    type Err = NoSessionLimit;

    fn from_str(text: &str) -> Result<Self, NoSessionLimit> {
        match text {
            "evict" => Ok(Self::Evict),
            "reject" => Ok(Self::Reject),
            _ => Err(NoSessionLimit),
        }
    }
}

/// How long sessions and access tokens live, and how many sessions one person may have.
#[derive(Debug, Clone)]
pub struct Options {
    /// Days after its last use at which a session ends.
    pub session_expiry_days: u32,
    /// Days after its start at which a session ends, used or not.
    pub session_absolute_days: u32,
    /// Live sessions of one account.
    pub max_active_sessions: u32,
    /// What happens at one more.
    pub session_limit: SessionLimit,
    /// Life of an access token, in minutes.
    pub access_token_minutes: u32,
    /// Most of one item in a cart after carts were united.
    pub cart_cap: u32,
    /// How long a step-up stands for one act, in minutes.
    pub step_up_minutes: u32,
    /// Days without use after which a number may have got another owner, so that a new device needs a second proof.
    pub recycled_after_days: u32,
    /// Days an e-mail address has to be verified before it stands for a lost phone.
    pub email_settled_days: u32,
    /// How long a change of number by e-mail waits, in hours, while the old number can call it off.
    pub lost_phone_wait_hours: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            session_expiry_days: 30,
            session_absolute_days: 90,
            max_active_sessions: 5,
            session_limit: SessionLimit::default(),
            access_token_minutes: 15,
            cart_cap: 99,
            step_up_minutes: 10,
            recycled_after_days: 90,
            email_settled_days: 7,
            lost_phone_wait_hours: 24,
        }
    }
}
