//! What a device or an account has gathered, outside the chat.

use super::{Caller, Engine, Error};
use crate::store::Applied;
use crate::tool::migration::{self, DataKind, Items};

/// How often a list is put again because it changed meanwhile.
const MOST_RUNS: usize = 8;

impl Engine {
    /// The caller's items: the account's where somebody is signed in, else the device's.
    pub async fn device_data(&self, caller: &Caller, kind: DataKind) -> Result<Items, Error> {
        Ok(migration::items(&self.session_toolbox(caller), kind).await?)
    }

    /// Puts items in place of the caller's.
    pub async fn put_device_data(&self, caller: &Caller, kind: DataKind, items: &Items) -> Result<(), Error> {
        for _ in 0..MOST_RUNS {
            let mut tools = self.session_toolbox(caller);
            migration::put_items(&mut tools, kind, items).await?;
            if self.store().apply(&caller.actor, tools.unit.into_writes()).await? == Applied::Done {
                return Ok(());
            }
        }
        Err(Error::Conflict("the list kept changing; please send it again"))
    }
}
