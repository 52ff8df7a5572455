//! How a device stands towards an identifier (D2).

use crate::model::{Actor, Contact};
use crate::tool::{Error, Toolbox};

/// What tries and codes are counted by.
#[derive(Debug)]
pub(super) struct Standing {
    /// The identifier's key.
    pub(super) identifier_key: Vec<u8>,
    /// The key of the account and this device, where the account trusts it.
    pub(super) pair: Option<Vec<u8>>,
}

impl Standing {
    /// Looks up whether the account with that number, if there is one, trusts the device that speaks. It is one question
    /// either way, so that nothing shows whether there is one (D5).
    pub(super) async fn of(tools: &Toolbox, identifier: &Contact) -> Result<Self, Error> {
        Self::by_key(tools, tools.keys.lookup(identifier.kind(), identifier.identity())).await
    }

    pub(super) async fn by_key(tools: &Toolbox, identifier_key: Vec<u8>) -> Result<Self, Error> {
        let device = tools.device()?;
        let found = tools.store.trust_of_phone(&Actor::System, &identifier_key, &device).await?;
        let trust = found.filter(|trust| tools.now < trust.last_used_at + tools.limits.trust_life());
        let pair = trust.map(|t| tools.keys.lookup("pair", &format!("{}/{}", t.user, t.device)));
        Ok(Self { identifier_key, pair })
    }
}
