//! What a conversation remembers between its turns.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::desk::{HandedOff, HeardOfDesk};
use super::parked::Parked;
use super::session_manager::SessionTask;
use crate::model::{AuthProgress, ChallengeId, EffectId, Route, SubIntent};

/// How many questions wait behind the one that is asked. Whoever leaves more behind does not miss the oldest.
const MOST_SET_ASIDE: usize = 3;
/// How long work waits for somebody to come back to it.
const WAITS: SignedDuration = SignedDuration::from_mins(30);

/// A graph that waits at one of its `ask` nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The graph.
    pub graph: String,
    /// The version it was paused under.
    pub version: u32,
    /// The `ask` node.
    pub node: String,
}

/// Whether work that waits can go on under the graphs that are loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Held {
    /// It can.
    #[default]
    No,
    /// Its graph is another one by now, and begins again.
    BeginsAgain,
    /// The graphs have no place for it.
    Stranded,
}

/// What an agent is at, and everything it needs to go on with it. It is set aside as a whole and taken up as a whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Paused graphs, the innermost last.
    pub frames: Vec<Frame>,
    /// Whether they can be gone on with. It is looked up for each turn anew, and not kept.
    #[serde(skip)]
    pub held: Held,
    /// The challenge issued last.
    pub challenge: Option<ChallengeId>,
    /// The challenge that was met first, where two proofs are asked for.
    #[serde(default)]
    pub first_proof: Option<ChallengeId>,
    /// The value that a contact is to be changed to, sealed, in base 64, until its code is sent.
    #[serde(default)]
    pub change: Option<String>,
    /// Further values that are to be changed after it, likewise.
    #[serde(default)]
    pub changes_left: Vec<String>,
    /// The number that is lost, likewise.
    #[serde(default)]
    pub old_number: Option<String>,
    /// What a model understood, and waits for a yes.
    #[serde(default)]
    pub understood: Option<Parked>,
    /// What the question that waits was asked with, so that it can be asked again in the same words.
    #[serde(default)]
    pub question: Map<String, Value>,
    /// What was said for the fields of the agent that is at work.
    #[serde(default)]
    pub fields: BTreeMap<String, String>,
    /// The call to an outside agent whose answer is waited for.
    #[serde(default)]
    pub call: Option<EffectId>,
    /// The timer with which the question waits, where it speaks up if nobody answers.
    #[serde(default)]
    pub silence: Option<EffectId>,
    /// Answers to the question that waits which could not be taken.
    #[serde(default)]
    pub misses: u32,
    /// What is to be done with sessions and waits for more to be said.
    #[serde(default)]
    pub sessions: Option<SessionTask>,
    /// The number a code is wanted for and could not be sent to yet, sealed, in base 64.
    pub wanted: Option<String>,
}

impl Work {
    /// The route of the agent whose question waits.
    pub fn active(&self) -> Option<Route> {
        self.frames.first().map(|frame| route_of(&frame.graph))
    }

    /// Whether it is the sign-in whose question waits.
    pub(super) fn is_sign_in(&self) -> bool {
        self.active() == Some(Route::User(SubIntent::Authenticate))
    }
}

/// Work that was left for something else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetAside {
    /// What it was.
    pub work: Work,
    /// The reply that asks its question.
    pub reply: String,
    at: Timestamp,
}

impl SetAside {
    /// Nobody can come back to it: it is forgotten with what waited for too long.
    pub fn lapse(&mut self) {
        self.at = Timestamp::UNIX_EPOCH;
    }
}

/// A conversation's state. It grants nothing: rights come from the credential presented and from the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// What is worked on.
    #[serde(flatten)]
    pub work: Work,
    /// What was left for it, the latest last.
    #[serde(default)]
    pub set_aside: Vec<SetAside>,
    /// Whether the question that waits was just come back to, so that a yes goes on with it and a no leaves it.
    #[serde(default)]
    pub offered: bool,
    /// The step-up that stands for one act, whichever work that belongs to.
    #[serde(default)]
    pub step_up: Option<ChallengeId>,
    /// How far the sign-in has come.
    pub progress: AuthProgress,
    /// What waits for somebody to sign in.
    #[serde(default)]
    pub parked: Option<Parked>,
    /// What else was asked for, to be done in this order right after what is done first.
    #[serde(default)]
    pub next: Vec<Parked>,
    /// The message that all of that is carried out with: the one that asked for it, or the sign-in it waited for.
    #[serde(default)]
    pub next_of: Option<String>,
    /// That a person at the operator's desk answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_off: Option<HandedOff>,
    /// What the desk said of late.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard_of_desk: Vec<HeardOfDesk>,
}

impl State {
    /// Leaves what is worked on for something else; `reply` asks its question. Gives back the work that waits behind too
    /// many others and is forgotten.
    pub(super) fn leave_for_now(&mut self, reply: &str, now: Timestamp) -> Option<Work> {
        let work = std::mem::take(&mut self.work);
        self.set_aside.push(SetAside { work, reply: reply.to_owned(), at: now });
        (self.set_aside.len() > MOST_SET_ASIDE).then(|| self.set_aside.remove(0).work)
    }

    /// Forgets every request that waits.
    pub fn forget_requests(&mut self) {
        self.parked = None;
        self.next.clear();
        self.next_of = None;
    }

    /// Takes out the sign-in that was left for something else.
    pub(super) fn take_sign_in(&mut self) -> Option<Work> {
        let at = self.set_aside.iter().position(|left| left.work.is_sign_in())?;
        Some(self.set_aside.remove(at).work)
    }

    /// Every request that waits, in the order in which they will be done.
    pub fn requests(&self) -> impl Iterator<Item = &Parked> {
        self.parked.iter().chain(&self.next)
    }

    /// The first request that waits still; those before it waited for too long.
    pub fn next_request(&mut self, now: Timestamp) -> Option<Parked> {
        let waiting = self.parked.take().into_iter().chain(std::mem::take(&mut self.next));
        let mut waiting = waiting.filter(|request| request.waits(now));
        let first = waiting.next();
        self.next = waiting.collect();
        first
    }

    /// The work that was left last, unless it waited for too long; with it whatever has.
    pub(super) fn come_back(&mut self, now: Timestamp) -> (Option<SetAside>, Vec<Work>) {
        let (waiting, lapsed): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.set_aside).into_iter().partition(|left| now < left.at + WAITS);
        self.set_aside = waiting;
        (self.set_aside.pop(), lapsed.into_iter().map(|left| left.work).collect())
    }
}

/// The route of the agent whose graph waits, so that a slot's answer stays with the agent that asked.
fn route_of(graph: &str) -> Route {
    SubIntent::of_graph(graph).map_or_else(|| Route::Agent(graph.to_owned()), Route::User)
}
