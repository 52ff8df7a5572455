//! A signed-in person's own sessions: seeing and ending them, by id and never by token (D12).

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::end::{By, end_all_trust, end_session, end_sessions, end_trust};
use super::has_ended;
use crate::model::{Actor, DeviceId, SessionId, UserId};
use crate::tool::{Error, Toolbox, contact};
use crate::trace::TOOL;

/// Proof that a session was presented with this request: whose it is, which, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn {
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) device: DeviceId,
}

impl SignedIn {
    /// The proof, where the actor is a signed-in person.
    pub fn of(actor: &Actor) -> Option<Self> {
        match actor {
            Actor::User { user, session, device } => {
                Some(Self { user: user.clone(), session: session.clone(), device: device.clone() })
            }
            _ => None,
        }
    }
}

/// Arguments of `get_active_sessions`: none beyond the proof.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct GetActiveSessions {}

/// What `get_active_sessions` answers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ActiveSessions {
    /// The live sessions, the one used last first.
    pub sessions: Vec<ActiveSession>,
    /// How many there are.
    pub count: usize,
}

/// A live session, as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ActiveSession {
    /// The session.
    pub session_id: SessionId,
    /// The device it lives on.
    pub device_id: DeviceId,
    /// What that device is called.
    pub device_name: Option<String>,
    /// When it was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
    /// When it was last used.
    #[schemars(with = "String")]
    pub last_used_at: Timestamp,
    /// When it ends unless it is refreshed.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// The person's live sessions.
#[instrument(target = TOOL, skip_all, err)]
pub async fn get_active_sessions(
    tools: &Toolbox,
    who: &SignedIn,
    _arguments: GetActiveSessions,
) -> Result<ActiveSessions, Error> {
    let names = tools.store.devices_of(&tools.actor, &who.user).await?;
    let mut names: BTreeMap<_, _> = names.into_iter().map(|d| (d.id, d.name)).collect();
    let live = tools.store.held_sessions(&tools.actor, &who.user, tools.now).await?;
    let sessions: Vec<ActiveSession> = live
        .into_iter()
        .rev()
        .map(|s| ActiveSession {
            is_current: s.id == who.session,
            session_id: s.id,
            device_name: names.remove(&s.device).flatten(),
            device_id: s.device,
            created_at: s.created_at,
            last_used_at: s.last_used_at,
            expires_at: s.expires_at,
        })
        .collect();
    Ok(ActiveSessions { count: sessions.len(), sessions })
}

/// Arguments of `revoke_session`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RevokeSession {
    /// The session to end.
    pub session_id: SessionId,
}

/// What `revoke_session` answers.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum RevokeSessionAnswer {
    /// It was live, and ends.
    Revoked,
    /// There is no such live session, or it is somebody else's.
    Unknown,
}

/// Ends one of the person's sessions, the one that asks included.
#[instrument(target = TOOL, skip_all, err)]
pub async fn revoke_session(
    tools: &mut Toolbox,
    who: &SignedIn,
    arguments: RevokeSession,
) -> Result<RevokeSessionAnswer, Error> {
    let found = tools.store.session(&tools.actor, &arguments.session_id).await?;
    let Some(session) = found.filter(|s| s.user == who.user && !has_ended(s, tools.now)) else {
        return Ok(RevokeSessionAnswer::Unknown);
    };
    end_session(tools, &session, By::User);
    if session.id != who.session {
        // Ended from elsewhere, the device is out of the person's hands: it is trusted no more either.
        end_trust(tools, &who.user, &session.device, By::User).await?;
    }
    Ok(RevokeSessionAnswer::Revoked)
}

/// Which sessions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All but the one that asks.
    Others,
    /// All, and with them the trust in every device.
    All,
}

/// Arguments of `revoke_all_sessions`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RevokeAllSessions {
    /// Which.
    pub scope: Scope,
}

/// What `revoke_all_sessions` answers.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RevokeAllSessionsAnswer {
    /// How many sessions end.
    pub revoked: u32,
}

/// Ends the person's other sessions, or all of them.
#[instrument(target = TOOL, skip_all, err)]
pub async fn revoke_all_sessions(
    tools: &mut Toolbox,
    who: &SignedIn,
    arguments: RevokeAllSessions,
) -> Result<RevokeAllSessionsAnswer, Error> {
    let Some(user) = tools.store.user(&tools.actor, &who.user).await? else {
        return Ok(RevokeAllSessionsAnswer { revoked: 0 });
    };
    let revoked = match arguments.scope {
        Scope::Others => end_sessions(tools, &user, Some(&who.session), By::User).await?,
        Scope::All => {
            end_all_trust(tools, &user.id, By::Everywhere).await?;
            // Whoever asked for a change may be the reason for leaving everywhere.
            contact::cancel_open(tools, &user).await?;
            end_sessions(tools, &user, None, By::Everywhere).await?
        }
    };
    Ok(RevokeAllSessionsAnswer { revoked })
}
