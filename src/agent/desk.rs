//! A person at the operator's desk answers in the engine's stead. Until they are done nothing that is said is understood:
//! it is passed on, and the engine is quiet.
//!
//! It never locks anybody in: whoever was handed over may come back by saying so, and a desk that says nothing for a while,
//! or cannot be told anything, has the engine answer again.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::handler::outcomes;
use super::{Error, Handler, Place, State, Turn};
use crate::graph::Say;
use crate::model::{Action, Control, EffectId, EventKind, Route};

/// That somebody else answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOff {
    /// Its name, which is that of the effect that tells the desk.
    pub id: EffectId,
    /// Since when.
    pub since: Timestamp,
    /// Until when the engine is quiet if the desk says nothing.
    pub until: Timestamp,
    /// Whether the person was told that what they say is passed on.
    #[serde(default)]
    pub noted: bool,
}

/// Something that the desk said, so that it is done once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardOfDesk {
    /// The desk's name for it.
    pub id: String,
    /// What the same again has to be the same in.
    pub digest: String,
    /// When it was heard.
    pub at: Timestamp,
}

/// The desk, as one turn sees it.
#[derive(Debug, Clone, Default)]
pub struct AtDesk {
    /// How long the engine is quiet without a word of the desk; `None` where there is no desk.
    pub quiet: Option<SignedDuration>,
    /// What came of the desk, in a turn that no person began.
    pub news: Option<News>,
    /// What the desk is to be told.
    pub tells: Option<Tells>,
}

/// What came of the desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    /// It is done, or its operator is.
    Released(&'static str),
    /// It cannot be told anything.
    Unreachable,
}

/// What the desk is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tells {
    /// That the conversation is its own; what was worked on.
    Began(Option<Route>),
    /// What the person said.
    Message,
    /// That the engine answers again: of which hand-over, and who ended it.
    Released(EffectId, &'static str),
}

impl State {
    /// Whether somebody else answers at that moment, where there is a desk.
    pub fn is_quiet(&self, now: Timestamp, has_desk: bool) -> bool {
        has_desk && self.handed_off.as_ref().is_some_and(|handed| now < handed.until)
    }
}

/// Whether the turn is somebody else's to answer, or tells what came of that. A desk that said nothing for too long, or is
/// no more, has lost the conversation by then, and the person is told.
pub(super) fn is_at_it(turn: &mut Turn) -> bool {
    if turn.state.handed_off.is_none() {
        return false;
    }
    if turn.desk.news.is_some() || turn.state.is_quiet(turn.tools.now, turn.desk.quiet.is_some()) {
        return true;
    }
    end(turn, "silence");
    turn.saying.put(Place::Opening, "desk.lapsed");
    false
}

/// The conversation is the desk's from now on.
pub(super) fn begin(turn: &mut Turn, quiet: SignedDuration, about: Option<Route>) {
    let (id, now) = (EffectId::new(turn.tools.now, &mut turn.tools.rng), turn.tools.now);
    turn.tools.audit(EventKind::HandoffBegan, json!({ "handoff": id.as_str() }));
    turn.state.handed_off = Some(HandedOff { id, since: now, until: now + quiet, noted: false });
    turn.desk.tells = Some(Tells::Began(about));
    // That it was given up before is no news to whoever asks for it again.
    turn.saying.take_away(Place::Opening);
}

/// The conversation is the engine's again. The desk is told, unless it knows.
fn end(turn: &mut Turn, by: &'static str) {
    let Some(handed) = turn.state.handed_off.take() else { return };
    turn.tools.audit(EventKind::HandoffEnded, json!({ "handoff": handed.id.as_str(), "by": by }));
    if !["desk", "unreachable"].contains(&by) {
        turn.desk.tells = Some(Tells::Released(handed.id, by));
    }
}

outcomes! {
    /// Whose turn it is.
    DeskOutcome {
        /// The desk's; the person is told so, once.
        Noted = "noted",
        /// The desk's, and nothing is said.
        PassedOn = "passed_on",
        /// The engine's again: the desk is done.
        Released = "released",
        /// The engine's again: the person said so.
        TakenBack = "taken_back",
        /// The engine's again: the desk cannot be told anything.
        Unreachable = "unreachable",
    }
}

/// Passes on what is said, or ends that.
#[derive(Debug)]
pub struct Desk;

impl Handler for Desk {
    const NAME: &'static str = "desk";
    type Outcome = DeskOutcome;

    async fn run(turn: &mut Turn) -> Result<DeskOutcome, Error> {
        match turn.desk.news {
            Some(News::Released(by)) => {
                end(turn, by);
                return Ok(DeskOutcome::Released);
            }
            Some(News::Unreachable) => {
                end(turn, "unreachable");
                return Ok(DeskOutcome::Unreachable);
            }
            None => {}
        }
        if turn.heard.control == Some(Control::StartOver) {
            end(turn, "person");
            return Ok(DeskOutcome::TakenBack);
        }
        turn.desk.tells = Some(Tells::Message);
        let noted =
            turn.state.handed_off.as_mut().is_none_or(|handed| std::mem::replace(&mut handed.noted, true));
        if !noted {
            return Ok(DeskOutcome::Noted);
        }
        turn.saying.say(Say { reply: String::new(), action: Action::HandedOff });
        Ok(DeskOutcome::PassedOn)
    }
}
