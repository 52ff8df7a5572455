//! What holds of a session beside the conversation: its refresh, and its end by whatever cause.

use jiff::{SignedDuration, Timestamp};

use super::{Caller, Engine, Error};
use crate::model::{Actor, DeviceId, MessageId, Secret, SessionId, UserId};
use crate::store::Applied;
use crate::store::sessions::Session;
use crate::tool::Toolbox;
use crate::tool::session::{
    self, ActiveSessions, By, ForgetDevice, ForgetDeviceAnswer, GetActiveSessions, GetUserDevices,
    OwnDevices, Presented, Refreshed, RevokeAllSessions, RevokeSession, RevokeSessionAnswer, Scope, SignedIn,
    UpdateDeviceName, UpdateDeviceNameAnswer,
};

/// How often an act is decided anew because the rows it was decided on changed.
const MOST_RUNS: usize = 8;

/// A session's tokens after a refresh.
#[derive(Debug)]
pub struct SessionTokens {
    /// The session's token.
    pub token: Secret,
    /// The session.
    pub session_id: SessionId,
    /// The account.
    pub user_id: UserId,
    /// When the session ends unless it is refreshed.
    pub expires_at: Timestamp,
    /// A signed access token.
    pub access_token: Secret,
    /// When that ends.
    pub access_token_expires_at: Timestamp,
}

fn signed_in(caller: &Caller) -> Result<SignedIn, Error> {
    SignedIn::of(&caller.actor).ok_or(Error::Unauthorized)
}

impl Engine {
    /// Gives an access token, and the session's next token where it is due or asked for.
    pub async fn refresh(&self, caller: &Caller, rotate: bool) -> Result<SessionTokens, Error> {
        let (Actor::User { session, user, .. }, Some(presented)) = (&caller.actor, &caller.session_token)
        else {
            return Err(Error::Unauthorized);
        };
        for _ in 0..MOST_RUNS {
            let found = self.store().session_by_token(&Actor::System, &presented.hash()).await?;
            let found = found.filter(|f| f.session.id == *session).ok_or(Error::Unauthorized)?;
            if !matches!(session::recognise(&found, self.now()), Presented::Current | Presented::Previous) {
                return Err(Error::Unauthorized);
            }
            let mut tools = self.session_toolbox(caller);
            let refreshed = session::refresh_session(&mut tools, &found, presented, rotate);
            let Refreshed { token, expires_at } = refreshed.ok_or(Error::Unauthorized)?;
            let seconds = i64::from(self.parts.options.access_token_minutes) * 60;
            let now = tools.now;
            let jti = MessageId::new(now, &mut tools.rng).to_string();
            if !self.applied(caller, tools).await? {
                continue;
            }
            let times = (now.as_second(), seconds);
            let access = self.parts.keys.access_tokens().sign(user.as_str(), session.as_str(), times, jti)?;
            return Ok(SessionTokens {
                token: token.secret().clone(),
                session_id: session.clone(),
                user_id: user.clone(),
                expires_at,
                access_token: access,
                access_token_expires_at: now + SignedDuration::from_secs(seconds),
            });
        }
        Err(busy())
    }

    /// Ends the session that was presented.
    pub async fn logout(&self, caller: &Caller) -> Result<(), Error> {
        let Actor::User { session, .. } = &caller.actor else { return Err(Error::Unauthorized) };
        let row = self.store().session(&Actor::System, session).await?.ok_or(Error::Unauthorized)?;
        let mut tools = self.session_toolbox(caller);
        session::end_session(&mut tools, &row, By::User);
        // Not applied means that it had ended already, which is what was asked for.
        self.applied(caller, tools).await.map(|_| ())
    }

    /// An exchanged token came back after its grace: the session ends, and its owner is told.
    pub(super) async fn end_copied(&self, row: &Session, ip: Option<&str>) -> Result<(), Error> {
        let caller = Caller {
            actor: Actor::User {
                user: row.user.clone(),
                session: row.id.clone(),
                device: row.device.clone(),
            },
            device_token: None,
            repeats_only: None,
            session_token: None,
            claimed: None,
            ip: ip.map(str::to_owned),
        };
        let mut tools = self.session_toolbox(&caller);
        let notice = session::end_copied(&mut tools, row).await?;
        // Whoever came first has ended it and told the owner.
        if self.applied(&caller, tools).await?
            && let Some(effect) = notice
        {
            self.parts.deliveries.queued(&effect);
        }
        Ok(())
    }

    /// The caller's live sessions.
    pub async fn sessions(&self, caller: &Caller) -> Result<ActiveSessions, Error> {
        let tools = self.session_toolbox(caller);
        Ok(session::get_active_sessions(&tools, &signed_in(caller)?, GetActiveSessions {}).await?)
    }

    /// Ends one of the caller's sessions.
    pub async fn revoke_session(&self, caller: &Caller, session_id: SessionId) -> Result<(), Error> {
        let who = signed_in(caller)?;
        for _ in 0..MOST_RUNS {
            let mut tools = self.session_toolbox(caller);
            let ask = RevokeSession { session_id: session_id.clone() };
            match session::revoke_session(&mut tools, &who, ask).await? {
                RevokeSessionAnswer::Unknown => return Err(Error::NotFound),
                RevokeSessionAnswer::Revoked if self.applied(caller, tools).await? => return Ok(()),
                RevokeSessionAnswer::Revoked => {}
            }
        }
        Err(busy())
    }

    /// Ends the caller's other sessions, or all; gives how many.
    pub async fn revoke_sessions(&self, caller: &Caller, scope: Scope) -> Result<u32, Error> {
        let who = signed_in(caller)?;
        for _ in 0..MOST_RUNS {
            let mut tools = self.session_toolbox(caller);
            let ask = RevokeAllSessions { scope };
            let answer = session::revoke_all_sessions(&mut tools, &who, ask).await?;
            if self.applied(caller, tools).await? {
                return Ok(answer.revoked);
            }
        }
        Err(busy())
    }

    /// The caller's devices.
    pub async fn devices(&self, caller: &Caller) -> Result<OwnDevices, Error> {
        let tools = self.session_toolbox(caller);
        Ok(session::get_user_devices(&tools, &signed_in(caller)?, GetUserDevices {}).await?)
    }

    /// Forgets one of the caller's devices; gives how many sessions ended with it.
    pub async fn forget_device(&self, caller: &Caller, device_id: DeviceId) -> Result<u32, Error> {
        let who = signed_in(caller)?;
        for _ in 0..MOST_RUNS {
            let mut tools = self.session_toolbox(caller);
            let ask = ForgetDevice { device_id: device_id.clone() };
            match session::forget_device(&mut tools, &who, ask).await? {
                ForgetDeviceAnswer::Unknown => return Err(Error::NotFound),
                ForgetDeviceAnswer::Forgotten { revoked } if self.applied(caller, tools).await? => {
                    return Ok(revoked);
                }
                ForgetDeviceAnswer::Forgotten { .. } => {}
            }
        }
        Err(busy())
    }

    /// Gives one of the caller's devices a name; gives it back as it is kept.
    pub async fn rename_device(
        &self,
        caller: &Caller,
        device_id: DeviceId,
        name: &str,
    ) -> Result<String, Error> {
        let who = signed_in(caller)?;
        for _ in 0..MOST_RUNS {
            let mut tools = self.session_toolbox(caller);
            let ask = UpdateDeviceName { device_id: device_id.clone(), device_name: name.to_owned() };
            match session::update_device_name(&mut tools, &who, ask).await? {
                UpdateDeviceNameAnswer::Unknown => return Err(Error::NotFound),
                UpdateDeviceNameAnswer::Invalid { reason } => {
                    return Err(Error::Invalid {
                        pointer: "/name",
                        what: format!("cannot be a name: {reason}"),
                    });
                }
                UpdateDeviceNameAnswer::Renamed { device_name } if self.applied(caller, tools).await? => {
                    return Ok(device_name);
                }
                UpdateDeviceNameAnswer::Renamed { .. } => {}
            }
        }
        Err(busy())
    }

    /// Whether what was decided holds; false where a row it was decided on had changed.
    async fn applied(&self, caller: &Caller, tools: Toolbox) -> Result<bool, Error> {
        Ok(self.store().apply(&caller.actor, tools.unit.into_writes()).await? == Applied::Done)
    }
}

fn busy() -> Error {
    Error::Conflict("too many requests at once; please send it again")
}
