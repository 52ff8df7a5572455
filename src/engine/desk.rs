//! The operator's desk, from the conversation's side: what is said while a person answers is not understood here, but told
//! to the desk, as an effect of the turn. What the desk says is in `desk_words.rs`.

use jiff::Timestamp;

use super::turn::Call;
use super::{Engine, Error, checkpoint};
use crate::agent::{AtDesk, HandedOff, State, Tells, Turn};
use crate::classify::goes_back;
use crate::handoff::{self, Line, Notice, What};
use crate::mask;
use crate::model::{Actor, Control, ConversationId, EffectId, Entities, Route, Understanding};
use crate::store::messages::Message;
use crate::store::outbox::{self, Effect};
use crate::store::{self, Store};

/// How many messages before it the desk is told with a conversation.
const BEFORE: u32 = 10;
/// The longest that a conversation can be with a desk that says nothing, in minutes: what `handoff.quiet_minutes` takes.
pub const LONGEST_QUIET: i64 = 7 * 24 * 60;

impl Engine {
    /// The desk, for a turn.
    pub(super) fn at_desk(&self) -> AtDesk {
        AtDesk { quiet: self.parts.handoff.quiet(), ..AtDesk::default() }
    }

    /// A message that is somebody else's to understand. Only that the person wants the engine back is heard.
    pub(super) fn unread(&self, call: &Call, state: &State) -> Option<Understanding> {
        if !state.is_quiet(self.now(), self.parts.handoff.quiet().is_some()) {
            return None;
        }
        let control = goes_back(&call.request.text).then_some(Control::StartOver);
        Some(Understanding { control, ..not_read() })
    }

    /// Queues what the desk is to be told of a turn, in which that was said, where a person said something.
    pub(super) async fn tell_desk(&self, turn: &mut Turn, said: Option<&Message>) -> Result<(), Error> {
        let told = turn.desk.tells.take().zip(turn.tools.conversation.clone());
        let Some((tells, conversation)) = told else { return Ok(()) };
        // Rare; boxed, it doesn't make the future of every turn larger.
        Box::pin(self.queue_notice(turn, (tells, conversation), said)).await
    }

    async fn queue_notice(
        &self,
        turn: &mut Turn,
        (tells, conversation): (Tells, ConversationId),
        said: Option<&Message>,
    ) -> Result<(), Error> {
        let text = said.map(|message| message.content.clone()).unwrap_or_default();
        let current = turn.state.handed_off.as_ref().map(|handed| handed.id.clone());
        let (handoff, what) = match (tells, current) {
            (Tells::Began(about), Some(id)) => {
                let messages = self.said_before(turn, &conversation).await?;
                let about = about.map(|route| route.as_str().to_owned());
                (id, What::Began { about, signed_in: turn.is_signed_in(), text, messages })
            }
            (Tells::Message, Some(id)) => {
                (id, What::Message { seq: said.map_or(0, |message| message.seq), text })
            }
            (Tells::Released(id, by), _) => (id, What::Released { by: by.to_owned() }),
            (_, None) => return Ok(()),
        };
        let tools = &mut turn.tools;
        // A hand-over is named by the effect that tells of it.
        let id = match &what {
            What::Began { .. } => handoff.clone(),
            _ => EffectId::new(tools.now, &mut tools.rng),
        };
        let template = what.name();
        let (language, at) = (tools.language.clone(), tools.now);
        let notice = Notice { what, conversation: conversation.clone(), handoff, language, at };
        let sealed = tools.keys.seal(&mut tools.rng, id.as_str(), &serde_json::to_vec(&notice)?)?;
        tools.unit.push(outbox::insert(&Effect {
            conversation: Some(conversation),
            locale: tools.language.clone(),
            destination_sealed: Some(sealed),
            ..Effect::waiting(id, handoff::KIND, template, (at, at + self.parts.handoff.worth()))
        }));
        Ok(())
    }

    /// What was said before, the oldest first. It is masked as it is stored, and what the engine itself told somebody of
    /// their own is masked too.
    async fn said_before(&self, turn: &Turn, conversation: &ConversationId) -> Result<Vec<Line>, Error> {
        let messages = self.store().messages(&turn.tools.actor, conversation, None, BEFORE).await?;
        let line = |message: &Message| Line {
            role: message.role.as_str().to_owned(),
            text: mask::text(&message.content),
        };
        Ok(messages.iter().rev().map(line).collect())
    }
}

/// What nobody read.
pub(super) fn not_read() -> Understanding {
    Understanding::by_rule(Route::General, Entities::default(), "handed off: not read")
}

/// The conversations that the desk has at that time, the last spoken in first; so many at most.
pub async fn handed_off(
    store: &Store,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<(store::conversations::Conversation, HandedOff)>, Error> {
    let since = now - jiff::SignedDuration::from_mins(LONGEST_QUIET);
    let mut found = Vec::new();
    for conversation in store.told_to_desk(&Actor::System, since).await? {
        // One that cannot be read is not the desk's: the engine says so at its next message.
        let state = checkpoint::decode(&conversation.state).unwrap_or_default();
        if let Some(handed) = state.handed_off.filter(|handed| now < handed.until) {
            found.push((conversation, handed));
        }
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}
