//! Sessions and the devices they live on: making, refreshing, listing and ending them (D7, D11).

mod create;
mod devices;
mod end;
mod own;
mod refresh;

pub use create::{CreateSession, CreateSessionAnswer, Grant, SignedOut, create_session};
pub use devices::{
    ForgetDevice, ForgetDeviceAnswer, GetUserDevices, OwnDevice, OwnDevices, UpdateDeviceName,
    UpdateDeviceNameAnswer, forget_device, get_user_devices, update_device_name,
};
pub use end::{By, end_all_trust, end_channel_session, end_copied, end_session, end_sessions, end_trust};
pub use own::{
    ActiveSession, ActiveSessions, GetActiveSessions, RevokeAllSessions, RevokeAllSessionsAnswer,
    RevokeSession, RevokeSessionAnswer, Scope, SignedIn, get_active_sessions, revoke_all_sessions,
    revoke_session,
};
pub use refresh::{GRACE, Presented, Refreshed, has_ended, recognise, refresh_session};
