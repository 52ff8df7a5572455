//! What is asked for, and about which session or device.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::resolve::{Entry, Found, resolve};
use crate::agent::handler::outcomes;
use crate::agent::{Error, Handler, Turn};
use crate::model::{Assurance, Control, SessionAction, Slot, device_name};
use crate::tool::session::{self, ActiveSessions, GetActiveSessions, GetUserDevices, OwnDevices, SignedIn};

/// What is to be done with sessions and waits for more to be said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionTask {
    /// What was asked for.
    pub action: Option<SessionAction>,
    /// The session, or for a new name the device, once it is known.
    pub target: Option<String>,
    /// The name a device is to get.
    pub name: Option<String>,
}

outcomes! {
    /// What is to be done.
    SessionRequestOutcome {
        /// Sessions are to be listed.
        View = "view",
        /// Devices are to be listed.
        Devices = "devices",
        /// The session that speaks ends.
        LogOut = "log_out",
        /// Another session ends.
        One = "one",
        /// All others end.
        Others = "others",
        /// All end.
        All = "all",
        /// A device gets a name.
        Rename = "rename",
        /// The name is missing.
        NameMissing = "name_missing",
        /// What was given cannot be a name.
        BadName = "bad_name",
        /// Which one is not clear.
        Which = "which",
        /// No such session is the person's.
        SessionUnknown = "session_unknown",
        /// No such device is the person's.
        DeviceUnknown = "device_unknown",
        /// Nothing was asked for that could be done.
        Nothing = "nothing",
    }
}

/// Takes what to do from what was said, and what was said before.
#[derive(Debug)]
pub struct TakeSessionRequest;

impl Handler for TakeSessionRequest {
    const NAME: &'static str = "take_session_request";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = SessionRequestOutcome;

    async fn run(turn: &mut Turn) -> Result<SessionRequestOutcome, Error> {
        use SessionRequestOutcome as To;
        let who = SignedIn::of(&turn.tools.actor).ok_or(Error::Unproven(Self::NAME))?;
        let waits = turn
            .waiting
            .as_ref()
            .map(|w| w.slot)
            .filter(|_| turn.heard.answers || turn.heard.rejected.is_some());
        let before = turn.state.work.sessions.take().unwrap_or_default();
        let task = match waits {
            _ if is_taken_back(turn) || names_none(turn) => SessionTask { target: None, ..before },
            Some(Slot::Device | Slot::DeviceName) => before,
            _ => SessionTask {
                action: turn.heard.entities.action,
                target: None,
                name: turn.heard.entities.new_device_name.clone(),
            },
        };
        match task.action {
            Some(SessionAction::View) => Ok(To::View),
            Some(SessionAction::Devices) => Ok(To::Devices),
            Some(SessionAction::Revoke) => revoke(turn, &who, task).await,
            Some(SessionAction::Rename) => rename(turn, &who, task).await,
            None => Ok(To::Nothing),
        }
    }
}

/// Whether what was said of the device before is taken back.
fn is_taken_back(turn: &Turn) -> bool {
    turn.heard.control == Some(Control::Correct)
}

/// Whether what was said at the question for a device names none to do something with: "not this one", "that's wrong".
fn names_none(turn: &Turn) -> bool {
    let waits = turn.waiting.as_ref().is_some_and(|waiting| waiting.slot == Slot::Device);
    waits && !turn.heard.answers && turn.heard.rejected.is_none() && turn.heard.entities.action.is_none()
}

async fn revoke(turn: &mut Turn, who: &SignedIn, task: SessionTask) -> Result<SessionRequestOutcome, Error> {
    use SessionRequestOutcome as To;
    let listed = sessions(turn, who).await?;
    let list: Vec<Entry> = listed.sessions.iter().map(of_session).collect();
    if names_none(turn) {
        return ask(turn, task, (&list, To::Which));
    }
    let heard = &turn.heard.entities;
    if heard.revoke_all == Some(true) {
        if heard.keep_current == Some(true) {
            return Ok(To::Others);
        }
        turn.tell("count", listed.count);
        if turn.tools.is_by_text() {
            turn.tell("by_text", true);
        }
        let options = yes_or_no(turn)?;
        turn.tell("options", options);
        return Ok(To::All);
    }
    match resolve(&turn.heard.entities, &list, turn.tools.now) {
        Found::Unnamed if turn.waiting.as_ref().is_some_and(|w| w.slot == Slot::Device) => {
            ask(turn, task, (&list, To::SessionUnknown))
        }
        Found::Unnamed => Ok(To::LogOut),
        Found::One(entry) if entry.is_current => Ok(To::LogOut),
        Found::One(entry) => {
            turn.state.progress.selected_session_id = Some(entry.id.clone());
            turn.state.work.sessions = Some(SessionTask { target: Some(entry.id), ..task });
            Ok(To::One)
        }
        Found::Several(entries) => ask(turn, task, (&entries, To::Which)),
        Found::None => ask(turn, task, (&list, To::SessionUnknown)),
    }
}

async fn rename(
    turn: &mut Turn,
    who: &SignedIn,
    mut task: SessionTask,
) -> Result<SessionRequestOutcome, Error> {
    use SessionRequestOutcome as To;
    let waits = turn.waiting.as_ref().map(|w| w.slot);
    if waits == Some(Slot::DeviceName) && task.name.is_none() && !is_taken_back(turn) {
        if let Some(rejected) = turn.heard.rejected.as_ref() {
            let reason = rejected.reason;
            return Ok(bad_name(turn, task, reason));
        }
        task.name.clone_from(&turn.heard.entities.value);
    }
    let devices = session::get_user_devices(&turn.tools, who, GetUserDevices {}).await?;
    // On a device that somebody else signed in on since, the name is theirs to give.
    let list: Vec<Entry> = devices.devices.iter().filter(|d| d.is_own).map(of_device).collect();
    if task.target.as_ref().is_some_and(|target| list.iter().all(|entry| entry.id != *target)) {
        task.target = None;
        return ask(turn, task, (&list, To::DeviceUnknown));
    }
    if names_none(turn) {
        return ask(turn, task, (&list, To::Which));
    }
    if task.target.is_none() {
        match resolve(&turn.heard.entities, &list, turn.tools.now) {
            Found::One(entry) => task.target = Some(entry.id),
            Found::Several(entries) => return ask(turn, task, (&entries, To::Which)),
            Found::None => return ask(turn, task, (&list, To::DeviceUnknown)),
            Found::Unnamed => match &list[..] {
                [only] => task.target = Some(only.id.clone()),
                _ => return ask(turn, task, (&list, To::Which)),
            },
        }
    }
    let Some(name) = task.name.clone() else {
        turn.state.work.sessions = Some(task);
        return Ok(To::NameMissing);
    };
    match device_name(&name) {
        Ok(_) => {
            turn.state.work.sessions = Some(task);
            Ok(To::Rename)
        }
        Err(error) => Ok(bad_name(turn, task, error.code())),
    }
}

fn bad_name(turn: &mut Turn, task: SessionTask, reason: &str) -> SessionRequestOutcome {
    turn.state.work.sessions = Some(SessionTask { name: None, ..task });
    turn.tell("field", "device_name");
    turn.tell("reason", reason);
    SessionRequestOutcome::BadName
}

/// Asks which one, and keeps what for.
fn ask(
    turn: &mut Turn,
    task: SessionTask,
    (entries, outcome): (&[Entry], SessionRequestOutcome),
) -> Result<SessionRequestOutcome, Error> {
    turn.state.work.sessions = Some(task);
    let unnamed = word(turn, "sessions.unnamed")?;
    let label = |entry: &Entry| entry.name.clone().unwrap_or_else(|| unnamed.clone());
    let options: Vec<Value> = entries
        .iter()
        .map(|entry| json!({ "label": label(entry), "value": entry.id, "is_current": entry.is_current }))
        .collect();
    turn.tell("options", options);
    Ok(outcome)
}

fn word(turn: &Turn, key: &str) -> Result<String, Error> {
    Ok(turn.replies.say(&turn.tools.language, key, &serde_json::Map::new())?)
}

fn yes_or_no(turn: &Turn) -> Result<Value, Error> {
    let (yes, no) = (word(turn, "general.yes")?, word(turn, "general.no")?);
    Ok(json!([{ "label": yes, "value": yes }, { "label": no, "value": no }]))
}

async fn sessions(turn: &Turn, who: &SignedIn) -> Result<ActiveSessions, Error> {
    Ok(session::get_active_sessions(&turn.tools, who, GetActiveSessions {}).await?)
}

fn of_session(of: &session::ActiveSession) -> Entry {
    Entry {
        id: of.session_id.to_string(),
        other_id: Some(of.device_id.to_string()),
        name: of.device_name.clone(),
        since: of.created_at,
        is_current: of.is_current,
    }
}

fn of_device(of: &<Vec<session::OwnDevice> as IntoIterator>::Item) -> Entry {
    Entry {
        id: of.device_id.to_string(),
        other_id: None,
        name: of.name.clone(),
        since: of.created_at,
        is_current: of.is_current,
    }
}

/// The devices as an answer tells of them.
pub(super) fn told_devices(devices: &OwnDevices) -> Value {
    let told = devices.devices.iter().map(|d| {
        json!({
            "device_id": d.device_id,
            "device_name": d.name,
            "created_at": d.created_at,
            "last_seen_at": d.last_seen_at,
            "is_trusted": d.is_trusted,
            "is_current": d.is_current,
        })
    });
    told.collect()
}
