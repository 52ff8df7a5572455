//! A phone number or an e-mail address: what an account is reached by.

use super::{Email, Phone};

/// Something a code or a notice can be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contact {
    /// By text message.
    Phone(Phone),
    /// By e-mail.
    Email(Email),
}

impl Contact {
    /// The kind, as in look-up keys and in the answers' `field`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Phone(_) => "phone",
            Self::Email(_) => "email",
        }
    }

    /// The channel a message to it takes.
    pub fn channel(&self) -> &'static str {
        match self {
            Self::Phone(_) => "sms",
            Self::Email(_) => "email",
        }
    }

    /// What a message is sent to.
    pub fn address(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.e164(),
            Self::Email(email) => email.as_str(),
        }
    }

    /// What is the same for every spelling: accounts are found and tries are counted by it.
    pub fn identity(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.e164(),
            Self::Email(email) => email.key(),
        }
    }

    /// For people, without what would give it away.
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(phone) => phone.masked(),
            Self::Email(email) => email.masked(),
        }
    }

    /// The number, if it is one.
    pub fn phone(&self) -> Option<&Phone> {
        match self {
            Self::Phone(phone) => Some(phone),
            Self::Email(_) => None,
        }
    }

    /// Reads back what [`Contact::address`] gave.
    pub fn parse(kind: &str, address: &str) -> Option<Self> {
        match kind {
            "phone" => Phone::parse(address, None).ok().map(Self::Phone),
            "email" => Email::parse(address).ok().map(Self::Email),
            _ => None,
        }
    }
}
