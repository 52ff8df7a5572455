//! Silence: a question that nobody answers speaks up, once.
//!
//! The timer is an effect like a message: queued in the transaction of the turn that leaves the question waiting, and due
//! then. Whatever the person says takes it back; where it leaves a question waiting that may speak up, the time begins anew.
//! What the engine says of itself begins it anew only where another question waits after it, and what silence itself leads to
//! never does: so one asking speaks up once, and nobody who went away is asked for ever. A timer that is over is gone.

use jiff::SignedDuration;

use super::run::{Start, Step};
use super::{Engine, Error};
use crate::agent::{Frame, Turn, Work};
use crate::graph::Kind;
use crate::model::{EffectId, Entities, Owner, Route, Understanding};
use crate::store::conversations::Conversation;
use crate::store::outbox::{self, Effect};

/// The kind of the effect.
pub const KIND: &str = "timer";
/// For how long after its time a timer says anything: whoever comes back to a server that was down for longer does not miss it.
const WORTH: SignedDuration = SignedDuration::from_hours(24);

/// The route of the agent whose question waited.
pub(super) fn heard(work: &Work) -> Understanding {
    let route = work.active().unwrap_or(Route::General);
    Understanding::by_rule(route, Entities::default(), "nobody answered")
}

/// Hears that nobody answered. The choices that the question gave are as good as they were.
pub(super) fn hear(turn: &mut Turn, conversation: &Conversation) {
    turn.state.work.silence = None;
    turn.owned = matches!(conversation.owner, Owner::User(_));
    if let Some(options) = turn.state.work.question.get("options").cloned() {
        turn.tell("options", options);
    }
}

/// A question that is only asked on is the same question: with what it was asked, and with the tries that were made.
pub(super) fn ask_on(turn: &mut Turn, before: Work) {
    if turn.state.work.frames == before.frames {
        turn.state.work.question = before.question;
        turn.state.work.misses = before.misses;
    }
}

/// Somebody spoke, or another question waits: the timer that runs is taken back.
fn hush(turn: &mut Turn) {
    let timer = turn.state.work.silence.take();
    turn.tools.unit.extend(timer.as_ref().map(outbox::take_back));
}

impl Engine {
    /// Runs the graph with a message. Whoever says something is not silent, and the question that waits after it has its time
    /// from then on.
    pub(super) async fn run_message(&self, turn: &mut Turn) -> Result<Vec<Step>, Error> {
        hush(turn);
        let steps = self.run(turn, Start::Message).await?;
        self.wait(turn);
        Ok(steps)
    }

    /// After something that the engine said of itself, the time begins anew only where another question waits than before.
    pub(super) fn listen_on(&self, turn: &mut Turn, before: &[Frame]) {
        if turn.state.work.frames != before {
            hush(turn);
            self.wait(turn);
        }
    }

    fn wait(&self, turn: &mut Turn) {
        // Nobody is told anything by a text message that they did not ask for.
        if turn.tools.is_by_text() {
            return;
        }
        let Some(frame) = turn.state.work.frames.last() else { return };
        let node = self.waiting(&turn.state.work).map(|node| &node.kind);
        let Some(Kind::Ask { silence: Some(silence), .. }) = node else { return };
        let Some(length) = silence.length(self.parts.silence) else { return };
        let name = format!("{}.{}", frame.graph, frame.node);
        let tools = &mut turn.tools;
        let due = tools.now + length;
        let id = EffectId::new(tools.now, &mut tools.rng);
        let timer = Effect {
            conversation: tools.conversation.clone(),
            locale: tools.language.clone(),
            due_at: Some(due),
            ..Effect::waiting(id.clone(), KIND, &name, (tools.now, due + WORTH))
        };
        tools.unit.push(outbox::insert(&timer));
        turn.state.work.silence = Some(id);
    }
}
