//! A signed-in person's own devices: seeing and forgetting them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::instrument;

use super::SignedIn;
use super::end::{By, end_session, end_trust};
use crate::model::{DeviceId, EventKind, device_name};
use crate::store::revocations::{self, RevocationKind};
use crate::store::{devices, users};
use crate::tool::{Error, Toolbox};
use crate::trace::TOOL;

/// Arguments of `get_user_devices`: none beyond the proof.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct GetUserDevices {}

/// What `get_user_devices` answers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OwnDevices {
    /// The devices, the one seen last first.
    pub devices: Vec<OwnDevice>,
    /// How many there are.
    pub count: usize,
}

/// A device, as somebody who signed in on it sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OwnDevice {
    /// The device.
    pub device_id: DeviceId,
    /// What it is called.
    pub name: Option<String>,
    /// Whether the account trusts it.
    pub is_trusted: bool,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// Whether nobody else has signed in on it since, so that its name is this person's to give.
    #[serde(skip)]
    pub is_own: bool,
    /// When it was first here.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When this person was last here on it.
    #[schemars(with = "String")]
    pub last_seen_at: Timestamp,
}

/// The devices the person last signed in on, or trusts: on a shared one somebody else may have signed in since, and when
/// that was is nobody else's business.
#[instrument(target = TOOL, skip_all, err)]
pub async fn get_user_devices(
    tools: &Toolbox,
    who: &SignedIn,
    _arguments: GetUserDevices,
) -> Result<OwnDevices, Error> {
    let trusts = tools.store.trusts_of(&tools.actor, &who.user).await?;
    let found = tools.store.devices_of(&tools.actor, &who.user).await?;
    let devices: Vec<OwnDevice> = found
        .into_iter()
        .map(|device| {
            let trust = trusts.iter().find(|t| t.device == device.id);
            let is_own = device.user.as_ref() == Some(&who.user);
            OwnDevice {
                is_trusted: trust.is_some(),
                is_current: device.id == who.device,
                is_own,
                last_seen_at: trust.filter(|_| !is_own).map_or(device.last_seen_at, |t| t.last_used_at),
                device_id: device.id,
                name: device.name,
                created_at: device.created_at,
            }
        })
        .collect();
    Ok(OwnDevices { count: devices.len(), devices })
}

/// Arguments of `forget_device`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ForgetDevice {
    /// The device to forget.
    pub device_id: DeviceId,
}

/// What `forget_device` answers.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum ForgetDeviceAnswer {
    /// It is forgotten.
    Forgotten {
        /// How many sessions end with it.
        revoked: u32,
    },
    /// There is no such device, or it is somebody else's.
    Unknown,
}

/// Forgets one of the person's devices: its sessions and its trust end, and it is theirs no more. What it has of
/// somebody else stays.
#[instrument(target = TOOL, skip_all, err)]
pub async fn forget_device(
    tools: &mut Toolbox,
    who: &SignedIn,
    arguments: ForgetDevice,
) -> Result<ForgetDeviceAnswer, Error> {
    let device = arguments.device_id;
    let own = tools.store.devices_of(&tools.actor, &who.user).await?;
    let user = tools.store.user(&tools.actor, &who.user).await?;
    let (Some(user), true) = (user, own.iter().any(|d| d.id == device)) else {
        return Ok(ForgetDeviceAnswer::Unknown);
    };
    // A sign-in on it at the same time comes before or after, never in between.
    tools.unit.push(users::bump(&user.id, user.version, tools.now));
    let mut revoked = 0;
    for session in tools.store.live_sessions_on(&tools.actor, &device, tools.now).await? {
        end_session(tools, &session, By::Forgotten);
        revoked += 1;
    }
    end_trust(tools, &user.id, &device, By::Forgotten).await?;
    tools.unit.push(devices::disown(&device, &user.id));
    let why = (tools.now, By::Forgotten.as_str());
    tools.unit.push(revocations::insert(RevocationKind::Device, device.as_str(), why));
    Ok(ForgetDeviceAnswer::Forgotten { revoked })
}

/// Arguments of `update_device_name`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UpdateDeviceName {
    /// The device.
    pub device_id: DeviceId,
    /// Its new name: 1 to 80 characters without line breaks or marks that turn the direction of text.
    pub device_name: String,
}

/// What `update_device_name` answers.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum UpdateDeviceNameAnswer {
    /// It has that name now.
    Renamed {
        /// The name, as it is kept.
        device_name: String,
    },
    /// That cannot be a name.
    Invalid {
        /// The machine code for why.
        reason: String,
    },
    /// There is no such device, or it is somebody else's.
    Unknown,
}

/// Gives one of the person's devices a name. On a device that somebody else signed in on since, the name is theirs to give.
#[instrument(target = TOOL, skip_all, err)]
pub async fn update_device_name(
    tools: &mut Toolbox,
    who: &SignedIn,
    arguments: UpdateDeviceName,
) -> Result<UpdateDeviceNameAnswer, Error> {
    let name = match device_name(&arguments.device_name) {
        Ok(name) => name,
        Err(error) => return Ok(UpdateDeviceNameAnswer::Invalid { reason: error.code().to_owned() }),
    };
    let device = arguments.device_id;
    let found = tools.store.devices_of(&tools.actor, &who.user).await?;
    if !found.iter().any(|d| d.id == device && d.user.as_ref() == Some(&who.user)) {
        return Ok(UpdateDeviceNameAnswer::Unknown);
    }
    tools.unit.push(devices::rename(&device, &who.user, &name));
    tools.audit(EventKind::SessionRenamed, json!({ "device": device.as_str() }));
    Ok(UpdateDeviceNameAnswer::Renamed { device_name: name })
}
