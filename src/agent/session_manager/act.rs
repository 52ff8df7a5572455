//! The acts themselves. Each says only what stands in the turn's own transaction.

use serde_json::{Map, Value, json};

use super::request::told_devices;
use crate::agent::handler::outcomes;
use crate::agent::{Error, Handler, Place, Turn};
use crate::model::{Assurance, AuthProgress, DeviceId, SessionId};
use crate::store::{devices, sessions};
use crate::tool::session::{
    self, GetActiveSessions, GetUserDevices, RevokeAllSessions, RevokeSession, RevokeSessionAnswer, Scope,
    SignedIn, UpdateDeviceName, UpdateDeviceNameAnswer,
};

fn who(turn: &Turn, at: &'static str) -> Result<SignedIn, Error> {
    SignedIn::of(&turn.tools.actor).ok_or(Error::Unproven(at))
}

/// Nobody is signed in any more: what the conversation remembers of the person ends with the session.
fn signed_out(turn: &mut Turn) {
    turn.assurance = Assurance::Anonymous;
    if !turn.state.next.is_empty() {
        turn.saying.put(Place::Closing, "general.rest_later");
    }
    let device = turn.state.progress.device_id.take();
    turn.state = crate::agent::State {
        progress: AuthProgress { device_id: device, ..AuthProgress::default() },
        ..crate::agent::State::default()
    };
}

outcomes! {
    /// A list always comes.
    ListedOutcome {
        /// Here it is.
        Listed = "listed",
    }
}

/// Lists the live sessions.
#[derive(Debug)]
pub struct ListSessions;

impl Handler for ListSessions {
    const NAME: &'static str = "list_sessions";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = ListedOutcome;

    async fn run(turn: &mut Turn) -> Result<ListedOutcome, Error> {
        let who = who(turn, Self::NAME)?;
        let found = session::get_active_sessions(&turn.tools, &who, GetActiveSessions {}).await?;
        let told: Vec<Map<String, Value>> = found
            .sessions
            .iter()
            .filter_map(|s| {
                let told = json!({
                    "session_id": s.session_id,
                    "device_name": s.device_name,
                    "created_at": s.created_at,
                    "last_used_at": s.last_used_at,
                    "is_current": s.is_current,
                });
                told.as_object().cloned()
            })
            .collect();
        turn.state.progress.active_sessions.clone_from(&told);
        turn.tell("sessions", told.into_iter().map(Value::Object).collect::<Vec<_>>());
        turn.tell("count", found.count);
        Ok(ListedOutcome::Listed)
    }
}

/// Lists the devices.
#[derive(Debug)]
pub struct ListDevices;

impl Handler for ListDevices {
    const NAME: &'static str = "list_devices";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = ListedOutcome;

    async fn run(turn: &mut Turn) -> Result<ListedOutcome, Error> {
        let who = who(turn, Self::NAME)?;
        let found = session::get_user_devices(&turn.tools, &who, GetUserDevices {}).await?;
        turn.tell("devices", told_devices(&found));
        turn.tell("count", found.count);
        Ok(ListedOutcome::Listed)
    }
}

outcomes! {
    /// What was there has ended.
    EndedOutcome {
        /// It has.
        Ended = "ended",
    }
}

/// Ends the session that speaks.
#[derive(Debug)]
pub struct LogOut;

impl Handler for LogOut {
    const NAME: &'static str = "log_out";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = EndedOutcome;

    async fn run(turn: &mut Turn) -> Result<EndedOutcome, Error> {
        let who = who(turn, Self::NAME)?;
        let session_id = turn.tools.actor.session().cloned().ok_or(Error::Unproven(Self::NAME))?;
        // The commit's guard touches the row that speaks, so it cannot have ended meanwhile.
        match session::revoke_session(&mut turn.tools, &who, RevokeSession { session_id }).await? {
            RevokeSessionAnswer::Revoked | RevokeSessionAnswer::Unknown => signed_out(turn),
        }
        Ok(EndedOutcome::Ended)
    }
}

/// Ends another session.
#[derive(Debug)]
pub struct EndOne;

impl Handler for EndOne {
    const NAME: &'static str = "end_one";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = EndedOutcome;

    async fn run(turn: &mut Turn) -> Result<EndedOutcome, Error> {
        let who = who(turn, Self::NAME)?;
        let target = turn.state.work.sessions.take().and_then(|task| task.target);
        let session_id =
            target.and_then(|id| SessionId::parse(&id).ok()).ok_or(Error::Unproven(Self::NAME))?;
        let found = session::get_active_sessions(&turn.tools, &who, GetActiveSessions {}).await?;
        let name =
            found.sessions.into_iter().find(|s| s.session_id == session_id).and_then(|s| s.device_name);
        turn.tell("session_id", session_id.as_str());
        turn.tell("device_name", name);
        let ask = RevokeSession { session_id: session_id.clone() };
        if session::revoke_session(&mut turn.tools, &who, ask).await? == RevokeSessionAnswer::Unknown {
            // It was listed a moment ago and has ended since: this write finds no row, and the turn runs again.
            turn.tools.unit.push(sessions::touch(&session_id, turn.tools.now));
        }
        Ok(EndedOutcome::Ended)
    }
}

/// Ends all sessions but the one that speaks.
#[derive(Debug)]
pub struct EndOthers;

impl Handler for EndOthers {
    const NAME: &'static str = "end_others";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = EndedOutcome;

    async fn run(turn: &mut Turn) -> Result<EndedOutcome, Error> {
        end_many(turn, (Self::NAME, Scope::Others)).await
    }
}

/// Ends all sessions, and the trust in every device.
#[derive(Debug)]
pub struct EndAll;

impl Handler for EndAll {
    const NAME: &'static str = "end_all";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = EndedOutcome;

    async fn run(turn: &mut Turn) -> Result<EndedOutcome, Error> {
        let ended = end_many(turn, (Self::NAME, Scope::All)).await?;
        signed_out(turn);
        Ok(ended)
    }
}

async fn end_many(turn: &mut Turn, (at, scope): (&'static str, Scope)) -> Result<EndedOutcome, Error> {
    let who = who(turn, at)?;
    let answer = session::revoke_all_sessions(&mut turn.tools, &who, RevokeAllSessions { scope }).await?;
    turn.tell("count", answer.revoked);
    Ok(EndedOutcome::Ended)
}

outcomes! {
    /// A device that is the person's can be named.
    RenameOutcome {
        /// It has its name.
        Renamed = "renamed",
    }
}

/// Gives a device its name.
#[derive(Debug)]
pub struct RenameDevice;

impl Handler for RenameDevice {
    const NAME: &'static str = "rename_device";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = RenameOutcome;

    async fn run(turn: &mut Turn) -> Result<RenameOutcome, Error> {
        let who = who(turn, Self::NAME)?;
        let task = turn.state.work.sessions.take().unwrap_or_default();
        let device = task.target.and_then(|id| DeviceId::parse(&id).ok());
        let (device_id, name) = device.zip(task.name).ok_or(Error::Unproven(Self::NAME))?;
        turn.tell("device_id", device_id.as_str());
        let ask = UpdateDeviceName { device_id: device_id.clone(), device_name: name.clone() };
        match session::update_device_name(&mut turn.tools, &who, ask).await? {
            UpdateDeviceNameAnswer::Renamed { device_name } => turn.tell("device_name", device_name),
            // It was theirs a moment ago and is not any more: this write finds no row, and the turn runs again.
            UpdateDeviceNameAnswer::Invalid { .. } | UpdateDeviceNameAnswer::Unknown => {
                let user = turn.tools.actor.user().cloned().ok_or(Error::Unproven(Self::NAME))?;
                turn.tools.unit.push(devices::rename(&device_id, &user, &name));
            }
        }
        Ok(RenameOutcome::Renamed)
    }
}
