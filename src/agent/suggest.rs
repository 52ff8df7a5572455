//! What a person may well say next: words that the engine understands, in the language of the answer.

use serde_json::{Map, Value, json};

use super::{Error, Turn};
use crate::model::Action;
use crate::prompt::suggestion;

/// The obvious next steps after an answer, for whoever is signed in or not.
fn next(action: Action, signed_in: bool, more_than_one: bool) -> &'static [&'static str] {
    match (action, signed_in) {
        (Action::OtpSent | Action::OtpRequested | Action::OtpInvalid, false) => {
            &["suggest.resend", "suggest.by_email"]
        }
        (
            Action::OtpSent
            | Action::OtpRequested
            | Action::OtpInvalid
            | Action::PendingVerification
            | Action::StepUpRequired,
            true,
        )
        | (Action::OtpExpired | Action::OtpAttemptsExceeded, _) => &["suggest.resend", "suggest.cancel"],
        (Action::Answered | Action::Help | Action::Cancelled | Action::LoggedOut, false) => {
            &["suggest.log_in"]
        }
        (Action::HandedOff, _) => &["suggest.assistant"],
        (Action::SessionsRevoked, false) => &["suggest.log_in"],
        (
            Action::Answered
            | Action::Help
            | Action::LoginSuccessful
            | Action::RegistrationSuccessful
            | Action::AlreadyAuthenticated,
            true,
        ) => &["suggest.profile", "suggest.sessions"],
        (Action::SessionsListed, true) if more_than_one => &["suggest.end_others"],
        (Action::IdentityShown, true) => &["suggest.change_name", "suggest.change_email"],
        (Action::DeviceDataSummary, true) if more_than_one => &["suggest.move_all"],
        _ => &[],
    }
}

/// The suggestions for an answer; none beside choices, which say what there is to say.
pub(super) fn suggestions(
    turn: &Turn,
    action: Action,
    data: &Map<String, Value>,
) -> Result<Vec<Value>, Error> {
    if data.contains_key("options") {
        return Ok(Vec::new());
    }
    let count = ["count", "total_items"].iter().find_map(|key| data.get(*key)?.as_u64()).unwrap_or(0);
    let least = if action == Action::SessionsListed { 2 } else { 1 };
    let mut all = Vec::new();
    for key in next(action, turn.is_signed_in() || turn.owned, count >= least) {
        let words = said(turn, key)?;
        all.push(json!({ "label": words, "value": words }));
    }
    Ok(all)
}

/// A reply in the language of the answer, with what every text is told.
pub(super) fn said(turn: &Turn, reply: &str) -> Result<String, Error> {
    Ok(turn.replies.say(&turn.tools.language, reply, &turn.facts())?)
}

/// The reply with the words by which people come to an agent of a graph file, where it has one.
pub(super) fn agent(turn: &Turn, name: &str) -> Option<String> {
    let key = suggestion(name);
    (turn.agents.iter().any(|known| known.name == name) && turn.replies.has(&turn.tools.language, &key))
        .then_some(key)
}

/// The words by which people come to the agents of graph files.
pub(super) fn agents(turn: &Turn) -> Result<Vec<String>, Error> {
    let keys = turn.agents.iter().filter_map(|offered| agent(turn, &offered.name));
    keys.map(|key| said(turn, &key)).collect()
}
