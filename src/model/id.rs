//! Typed, prefixed, sortable identifiers: a prefix, then 48 bits of milliseconds and 80 random bits in Crockford's
//! base 32, lower case, 26 characters. Two ids made later sort later; nothing else can be read from one.

use std::fmt;

use jiff::Timestamp;
use rand::Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const BODY: usize = 26;

/// A text that is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a `{prefix}…` id")]
pub struct IdError {
    prefix: &'static str,
}

fn body(now: Timestamp, rng: &mut dyn Rng) -> String {
    let millis = u128::from(u64::try_from(now.as_millisecond()).unwrap_or(0)) & ((1 << 48) - 1);
    let random = (u128::from(rng.next_u64()) << 16 | u128::from(rng.next_u32() & 0xffff)) & ((1 << 80) - 1);
    let mut value = millis << 80 | random;
    let mut out = [0u8; BODY];
    for slot in out.iter_mut().rev() {
        *slot = ALPHABET.get((value & 31) as usize).copied().unwrap_or(b'0');
        value >>= 5;
    }
    out.iter().map(|&b| char::from(b)).collect()
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The text every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id, made of the given time and randomness.
            pub fn new(now: Timestamp, rng: &mut dyn Rng) -> Self {
                Self(format!("{}{}", $prefix, body(now, rng)).into())
            }

            /// Reads an id; anything but this kind's own spelling is refused.
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let rest = text.strip_prefix($prefix).ok_or(IdError { prefix: $prefix })?;
                if rest.len() == BODY && rest.bytes().all(|b| ALPHABET.contains(&b)) {
                    Ok(Self(text.into()))
                } else {
                    Err(IdError { prefix: $prefix })
                }
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }
    };
}

id!(
    /// A person's account.
    UserId, "usr_"
);
id!(
    /// A device: a browser, a phone, a terminal. Knowing the id proves nothing; the device token does.
    DeviceId, "dev_"
);
id!(
    /// A login session. Clients name sessions by it and never by the token.
    SessionId, "ses_"
);
id!(
    /// A conversation.
    ConversationId, "cnv_"
);
id!(
    /// A message inside a conversation, as stored.
    MessageId, "msg_"
);
id!(
    /// An issued code.
    ChallengeId, "chl_"
);
id!(
    /// A queued effect: an SMS, later an e-mail or a push.
    EffectId, "eff_"
);
id!(
    /// A change of a phone number or an e-mail address.
    ContactChangeId, "chg_"
);
id!(
    /// A row of the audit log.
    EventId, "evt_"
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Randomness;

    #[test]
    fn ids_sort_by_time_and_parse_back() {
        let mut rng = Randomness::seeded(1).stream("ids");
        let early = UserId::new(Timestamp::from_millisecond(1_000).unwrap(), &mut rng);
        let late = UserId::new(Timestamp::from_millisecond(2_000).unwrap(), &mut rng);
        assert!(early < late);
        assert_eq!(UserId::parse(early.as_str()).unwrap(), early);
    }

    #[test]
    fn another_kind_or_spelling_is_refused() {
        let mut rng = Randomness::seeded(1).stream("ids");
        let id = UserId::new(Timestamp::UNIX_EPOCH, &mut rng);
        assert!(DeviceId::parse(id.as_str()).is_err());
        assert!(UserId::parse(&id.as_str().to_uppercase()).is_err());
        assert!(UserId::parse("usr_").is_err());
        assert!(UserId::parse(&format!("{id}0")).is_err());
    }
}
