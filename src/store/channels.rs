//! Who writes by text message: the devices that stand for numbers, and the messages that came from them.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Store, Write, sql};
use crate::model::{Actor, DeviceId, SessionId};

/// A message that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundMessage {
    /// The device it came from.
    pub device: DeviceId,
    /// The session it spoke for, where it did for one.
    pub session: Option<SessionId>,
}

sql! {
    DEVICE = "SELECT device_id FROM channel_devices WHERE channel_key = $1 AND $2 = 'system'";
    INSERT = "INSERT INTO channel_devices (channel_key, device_id, created_at) VALUES ($1, $2, $3) \
              ON CONFLICT DO NOTHING";
    HEARD = "SELECT device_id, session_id FROM inbound_messages WHERE provider_id = $1 AND $2 = 'system'";
    HEAR = "INSERT INTO inbound_messages (provider_id, device_id, session_id, created_at) \
            VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    PURGE = "DELETE FROM inbound_messages WHERE created_at < $1";
}

impl Store {
    /// The device that stands for a channel and a number. Nobody but the system gets an answer.
    pub async fn channel_device(&self, actor: &Actor, channel_key: &[u8]) -> Result<Option<DeviceId>, Error> {
        self.record(actor, (DEVICE, args![channel_key, actor.as_str()]), |row| row.id(0)).await
    }

    /// A message that came in before, by the provider's name for it. Nobody but the system gets an answer.
    pub async fn inbound_message(
        &self,
        actor: &Actor,
        provider_id: &str,
    ) -> Result<Option<InboundMessage>, Error> {
        self.record(actor, (HEARD, args![provider_id, actor.as_str()]), |row| {
            Ok(InboundMessage { device: row.id(0)?, session: row.maybe_id(1)? })
        })
        .await
    }
}

/// The device stands for the channel from now on; stale if another does already.
pub fn insert(channel_key: &[u8], device: &DeviceId, at: Timestamp) -> Write {
    Write::one(INSERT, args![channel_key, device, at])
}

/// A message came in; stale if it did before.
pub fn hear(provider_id: &str, (device, session): (&DeviceId, Option<&SessionId>), at: Timestamp) -> Write {
    let session = session.map(SessionId::as_str);
    Write::one(HEAR, args![provider_id, device, session, at])
}

/// Forgets the messages that came in before then. A signature has no time in it, so that one of those could be sent in
/// again by whoever kept it.
pub fn purge(before: Timestamp) -> Write {
    Write::any(PURGE, args![before])
}
