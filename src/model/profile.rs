//! What kind of place the product runs in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Decides what is open (development routes, the test clock) and what is demanded (a key of one's own).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A developer's machine: loopback only, with the development outbox. The default, because it is the one that
    /// refuses to be reached from outside.
    #[default]
    Dev,
    /// Tests from outside: loopback only; what `dev` has, and a clock that can be moved.
    Test,
    /// Everything else: no development routes, no default or short secrets.
    Prod,
}

/// The text names no profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a profile: dev, test or prod")]
pub struct UnknownProfile;

impl Profile {
    /// Every profile.
    pub const ALL: [Self; 3] = [Self::Dev, Self::Test, Self::Prod];

    /// The name in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Test => "test",
            Self::Prod => "prod",
        }
    }

    /// Whether only this machine may reach the server, which then has its development routes.
    pub fn is_local(self) -> bool {
        self != Self::Prod
    }
}

impl FromStr for Profile {
    type Err = UnknownProfile;

    fn from_str(text: &str) -> Result<Self, UnknownProfile> {
        Self::ALL.into_iter().find(|p| p.as_str() == text).ok_or(UnknownProfile)
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configuration_and_wire_use_the_same_names() {
        for profile in Profile::ALL {
            assert_eq!(profile.as_str().parse(), Ok(profile));
            assert_eq!(serde_json::to_string(&profile).unwrap(), format!("\"{profile}\""));
        }
        for other in ["", "Dev", "prod ", "production"] {
            assert_eq!(other.parse::<Profile>(), Err(UnknownProfile), "{other:?}");
        }
    }
}
