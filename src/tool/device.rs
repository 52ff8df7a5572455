//! Devices: making one.

use jiff::Timestamp;

use super::counts::Slots;
use super::{Error, Toolbox};
use crate::crypto::{Token, TokenKind};
use crate::limit::{self, Limit};
use crate::model::DeviceId;
use crate::store::devices::{self, Device};

/// A device made for a caller that had none.
#[derive(Debug)]
pub struct NewDevice {
    /// The device.
    pub id: DeviceId,
    /// Its token, shown once.
    pub token: Token,
}

/// Makes a device; `Err` is when the caller's network may make the next.
pub async fn new_device(
    tools: &mut Toolbox,
    name: Option<String>,
) -> Result<Result<NewDevice, Timestamp>, Error> {
    if let Some(host) = tools.ip.as_deref().and_then(limit::host) {
        let key = tools.keys.lookup("host", &host);
        match Slots::read(tools, vec![(Limit::NewDevices, key)]).await?.take(tools) {
            Ok(taken) => tools.unit.extend(taken),
            Err((_, until)) => return Ok(Err(until)),
        }
    }
    let id = DeviceId::new(tools.now, &mut tools.rng);
    let token = Token::random(TokenKind::Device, &mut tools.rng);
    tools.unit.push(devices::insert(&Device {
        id: id.clone(),
        user: None,
        name,
        token_hash: token.hash(),
        old_token_hash: None,
        old_token_message: None,
        rotated_at: None,
        created_at: tools.now,
        last_seen_at: tools.now,
    }));
    Ok(Ok(NewDevice { id, token }))
}
