//! Who acts, and whose data that reaches.

use std::fmt;

use super::{DeviceId, SessionId, UserId};

/// Who is behind a request, as proved by the credential presented with it (never by the conversation's state).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// A device that nobody is signed in on.
    Device(DeviceId),
    /// A signed-in person.
    User {
        /// The account.
        user: UserId,
        /// The session whose token was presented.
        session: SessionId,
        /// The device that session belongs to.
        device: DeviceId,
    },
    /// The product itself: the worker, the sweeper, look-ups before a login.
    System,
}

impl Actor {
    /// Whose rows this actor may read and write; `None` for the system, which owns nothing.
    pub fn owner(&self) -> Option<Owner> {
        match self {
            Self::Device(device) => Some(Owner::Device(device.clone())),
            Self::User { user, .. } => Some(Owner::User(user.clone())),
            Self::System => None,
        }
    }

    /// The device this actor speaks from.
    pub fn device(&self) -> Option<&DeviceId> {
        match self {
            Self::Device(device) | Self::User { device, .. } => Some(device),
            Self::System => None,
        }
    }

    /// The signed-in account.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::User { user, .. } => Some(user),
            _ => None,
        }
    }

    /// The session whose token was presented.
    pub fn session(&self) -> Option<&SessionId> {
        match self {
            Self::User { session, .. } => Some(session),
            _ => None,
        }
    }

    /// The name under which the database session acts, for row-level rules: an id, or `system`. Its alphabet is
    /// `[a-z0-9_]`, so that it can stand inside a statement that takes no arguments.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Device(device) => device.as_str(),
            Self::User { user, .. } => user.as_str(),
            Self::System => "system",
        }
    }
}

/// Who a row belongs to: an anonymous device or an account.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// A device nobody has signed in on.
    Device(DeviceId),
    /// An account.
    User(UserId),
}

impl Owner {
    /// The owner as stored.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Device(device) => device.as_str(),
            Self::User(user) => user.as_str(),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
