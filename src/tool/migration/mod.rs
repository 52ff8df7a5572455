//! What an anonymous device gathered, and its way into the account (D17, S2-36…39).
//!
//! Whoever asks has proved possession of the device by its token, with this very request; a device that is only named is
//! nobody's. A list is taken over in one transaction with the turn, and its ledger row makes that happen once.

mod item;
mod merge;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::instrument;

pub use item::{DataKind, Item, Items, ItemsError};

use super::{Error, Toolbox};
use crate::model::{Actor, DeviceId, EventKind, MigrationType, Owner, UserId};
use crate::store::device_data::{self, DataList};
use crate::store::devices;
use crate::trace::TOOL;

/// Arguments of `get_device_data_summary`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct GetDeviceDataSummary {
    /// The device that asks.
    pub device_id: DeviceId,
}

/// How many items of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// In the cart.
    pub cart_items: u32,
    /// Favourites.
    pub favorites: u32,
    /// In the history.
    pub history: u32,
    /// Preferences.
    pub preferences: u32,
}

impl Counts {
    /// All of them.
    pub fn total(self) -> u32 {
        [self.cart_items, self.favorites, self.history, self.preferences]
            .into_iter()
            .fold(0, u32::saturating_add)
    }

    fn of(&mut self, kind: DataKind) -> &mut u32 {
        match kind {
            DataKind::Cart => &mut self.cart_items,
            DataKind::Favorites => &mut self.favorites,
            DataKind::History => &mut self.history,
            DataKind::Preferences => &mut self.preferences,
        }
    }
}

/// What the device that asks has gathered and nobody has taken over; `None` for any other device.
#[instrument(target = TOOL, skip_all, err)]
pub async fn get_device_data_summary(
    tools: &Toolbox,
    arguments: GetDeviceDataSummary,
) -> Result<Option<Counts>, Error> {
    if tools.actor.device() != Some(&arguments.device_id) {
        return Ok(None);
    }
    let mut counts = Counts::default();
    for (kind, list) in lists(tools, &Owner::Device(arguments.device_id)).await? {
        *counts.of(kind) = u32::try_from(Items::stored(&list.items)?.len()).unwrap_or(u32::MAX);
    }
    Ok(Some(counts))
}

/// Arguments of `link_device_to_user`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LinkDeviceToUser {
    /// The account of the session that asks.
    pub user_id: UserId,
    /// The device that asks.
    pub device_id: DeviceId,
}

/// What `link_device_to_user` answers.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum LinkDeviceToUserAnswer {
    /// The device is the account's.
    Linked,
    /// It is not the one that asks, or the account is not.
    Unknown,
}

/// Makes the device that asks the account's.
#[instrument(target = TOOL, skip_all)]
pub fn link_device_to_user(tools: &mut Toolbox, arguments: &LinkDeviceToUser) -> LinkDeviceToUserAnswer {
    let is_theirs =
        tools.actor.device() == Some(&arguments.device_id) && tools.actor.user() == Some(&arguments.user_id);
    if !is_theirs {
        return LinkDeviceToUserAnswer::Unknown;
    }
    tools.unit.push(devices::own(&arguments.device_id, &arguments.user_id));
    LinkDeviceToUserAnswer::Linked
}

/// Arguments of `migrate_device_data`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct MigrateDeviceData {
    /// The account of the session that asks, or that is being made.
    pub user_id: UserId,
    /// The device that asks.
    pub device_id: DeviceId,
    /// What to migrate.
    pub migration_type: MigrationType,
}

/// What `migrate_device_data` answers.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum MigrateDeviceDataAnswer {
    /// What the account has gained.
    Migrated {
        /// Of each kind.
        migration_results: Counts,
    },
    /// There was nothing that the account had not.
    Nothing,
    /// The device is not the one that asks.
    Unknown,
}

/// Moves what the device that asks has gathered into the account.
#[instrument(target = TOOL, skip_all, err)]
pub async fn migrate_device_data(
    tools: &mut Toolbox,
    arguments: MigrateDeviceData,
) -> Result<MigrateDeviceDataAnswer, Error> {
    let MigrateDeviceData { user_id, device_id, migration_type } = arguments;
    if tools.actor.device() != Some(&device_id) {
        tools.audit(EventKind::MigrationRejected, json!({ "reason": "device_unknown" }));
        return Ok(MigrateDeviceDataAnswer::Unknown);
    }
    let gathered = lists(tools, &Owner::Device(device_id.clone())).await?;
    let account = Owner::User(user_id.clone());
    let kept = lists(tools, &account).await?;
    let mut results = Counts::default();
    let mut wanted = Vec::new();
    for (kind, list) in gathered.into_iter().filter(|(kind, _)| kind.is_of(migration_type)) {
        let items = Items::stored(&list.items)?;
        if !items.is_empty() {
            wanted.push((kind, list, items));
        }
    }
    if !wanted.is_empty() {
        let detail = json!({ "migration_type": migration_type });
        tools.audit_of(EventKind::MigrationStarted, Some(user_id.clone()), None, detail);
    }
    for (kind, list, new) in wanted {
        let before = kept.get(&kind);
        let own = before.map(|list| Items::stored(&list.items)).transpose()?.unwrap_or_default();
        let (merged, gained) = merge::merge(kind, (own, new), tools.options.cart_cap);
        *results.of(kind) = gained;
        tools.unit.push(device_data::take(&list, tools.now));
        let entry = (kind.as_str(), list.generation);
        tools.unit.push(device_data::enter(&device_id, entry, &user_id, (gained, tools.now)));
        let seen = before.map(|list| list.version);
        tools.unit.push(device_data::put((&account, kind.as_str()), seen, &merged.to_text()?, tools.now));
        let detail = json!({ "kind": kind.as_str(), "generation": list.generation, "items": gained });
        tools.audit_of(EventKind::MigrationApplied, Some(user_id.clone()), None, detail);
    }
    Ok(if results.total() > 0 {
        MigrateDeviceDataAnswer::Migrated { migration_results: results }
    } else {
        MigrateDeviceDataAnswer::Nothing
    })
}

/// The items of a kind that the actor has: the account's where somebody is signed in, else the device's.
pub async fn items(tools: &Toolbox, kind: DataKind) -> Result<Items, Error> {
    let Some(owner) = tools.actor.owner() else { return Ok(Items::default()) };
    let found = lists(tools, &owner).await?;
    found.get(&kind).map(|list| Items::stored(&list.items)).transpose().map(Option::unwrap_or_default)
}

/// Puts items in place of those the actor has.
pub async fn put_items(tools: &mut Toolbox, kind: DataKind, items: &Items) -> Result<(), Error> {
    let owner = tools.actor.owner().ok_or(Error::NoDevice)?;
    let seen = lists(tools, &owner).await?.get(&kind).map(|list| list.version);
    tools.unit.push(device_data::put((&owner, kind.as_str()), seen, &items.to_text()?, tools.now));
    Ok(())
}

async fn lists(tools: &Toolbox, owner: &Owner) -> Result<BTreeMap<DataKind, DataList>, Error> {
    // The turn of a sign-in acts for the device and reads the account that is just being opened.
    let found = tools.store.data_of(&Actor::System, owner).await?;
    Ok(found.into_iter().filter_map(|list| Some((DataKind::parse(&list.kind)?, list))).collect())
}
