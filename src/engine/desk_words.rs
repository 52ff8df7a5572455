//! What comes of the operator's desk: its words, that it is done, that it cannot be told anything.
//!
//! Each is a turn that no person began: it speaks for nobody, so nobody is signed in in it and nothing of an account is read
//! or changed. Words are shown as they are; nothing in them is understood, and nothing in them is a template.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use tracing::info;

use super::desk::not_read;
use super::internal::news;
use super::observer::{Occasion, Passed};
use super::run::Start;
use super::turn::place;
use super::{Caller, Engine, Error, checkpoint};
use crate::agent::{self, HeardOfDesk, News, State};
use crate::bus::Boundary;
use crate::fetch::signed::WINDOW;
use crate::handoff::{Said, Word};
use crate::model::{Action, Actor, ConversationId, EffectId, NodeResponse, Owner};
use crate::store::conversations::Conversation;
use crate::store::outbox::{self, Claim, Effect, EffectStatus, Finish};
use crate::store::{Applied, Unit, Write, conversations, messages};
use crate::tool::Toolbox;

/// How often it is tried again because the conversation changed.
const MOST_RUNS: usize = 8;
/// How long it is known what the desk said: as long as its signature may hold.
const KNOWN: SignedDuration = SignedDuration::from_secs(2 * WINDOW);
/// Most words of the desk in one conversation within that time: two in three seconds are more than people type.
const MOST_WORDS: usize = 400;

/// What came of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spoken {
    /// It was done.
    Done,
    /// It was done before.
    Before,
}

/// A conversation, with what changes in it and why.
struct Desks {
    conversation: Conversation,
    state: State,
    unit: Unit,
    /// What a turn of it passed, where there was one.
    passed: Option<Passed>,
    tools: Toolbox,
}

impl Engine {
    /// Does what the desk says, once. A conversation that it has not, or has no more, is a conflict; one that there is not
    /// is not found. It is done to its end even if nobody waits for that any more.
    pub async fn desk_says(self: &Arc<Self>, word: Word) -> Result<Spoken, Error> {
        let engine = self.present();
        let task = self.tasks.spawn(async move { engine.hear_desk(&word, "desk").await });
        task.await.map_err(|_| Error::Lost)?
    }

    /// Has the engine answer again in a conversation, because an operator says so.
    pub async fn release(self: &Arc<Self>, conversation: ConversationId) -> Result<(), Error> {
        let id = format!("operator/{}", self.message_id());
        let word = Word { digest: id.clone(), id, conversation, handoff: None, said: Said::Release(None) };
        let engine = self.present();
        let task = self.tasks.spawn(async move { engine.hear_desk(&word, "operator").await });
        task.await.map_err(|_| Error::Lost)?.map(|_| ())
    }

    async fn hear_desk(&self, word: &Word, by: &'static str) -> Result<Spoken, Error> {
        let found = self.store().conversation(&Actor::System, &word.conversation).await?;
        let owner = found.ok_or(Error::NotFound)?.owner;
        let _place = self.queue.enter(&place(&owner, word.conversation.as_str())).await;
        for _ in 0..MOST_RUNS {
            let found = self.store().conversation(&Actor::System, &word.conversation).await?;
            let conversation = found.ok_or(Error::NotFound)?;
            let state = self.state_of(&conversation)?;
            if let Some(known) = state.heard_of_desk.iter().find(|known| known.id == word.id) {
                return if known.digest == word.digest {
                    Ok(Spoken::Before)
                } else {
                    Err(Error::Conflict("this id was used for another request; use a new one"))
                };
            }
            let seen = conversation.version;
            let mut desks = self.desks(conversation, state, &format!("desk/{}", word.id));
            self.may_speak(&mut desks, word)?;
            let desks = Box::pin(self.speak(desks, word, by)).await?;
            if self.keep_desks(desks, seen).await? {
                return Ok(Spoken::Done);
            }
        }
        Err(Error::Conflict("the conversation kept changing; nothing was done, please send it again"))
    }

    /// Whether the desk has the conversation, and has not said too much of late.
    fn may_speak(&self, desks: &mut Desks, word: &Word) -> Result<(), Error> {
        let now = desks.tools.now;
        let is_quiet = desks.state.is_quiet(now, self.parts.handoff.quiet().is_some());
        let handed = desks.state.handed_off.as_ref().filter(|_| is_quiet);
        let Some(handed) = handed else {
            return Err(Error::Conflict("the conversation is not handed off"));
        };
        if word.handoff.as_ref().is_some_and(|meant| *meant != handed.id) {
            return Err(Error::Conflict("that hand-over is over; the conversation was handed off anew"));
        }
        let known = &mut desks.state.heard_of_desk;
        known.retain(|known| now < known.at + KNOWN);
        if let (Some(first), true) = (known.first(), known.len() >= MOST_WORDS) {
            return Err(Error::TooMany { until: first.at + KNOWN, now });
        }
        known.push(HeardOfDesk { id: word.id.clone(), digest: word.digest.clone(), at: now });
        Ok(())
    }

    async fn speak(&self, mut desks: Desks, word: &Word, by: &'static str) -> Result<Desks, Error> {
        let (words, ends) = match &word.said {
            Said::Message(words) => (Some(words), false),
            Said::Release(words) => (words.as_ref(), true),
        };
        if let Some(words) = words {
            let mut response = NodeResponse::new(Action::HandedOff, words.as_str());
            response.data.insert("from".into(), "desk".into());
            response.context.insert("sub_intent".into(), Value::Null);
            response.context.insert("confidence".into(), 0.into());
            desks.say(response)?;
        }
        let until = self.parts.handoff.quiet().map(|quiet| desks.tools.now + quiet);
        if let (Some(handed), Some(until)) = (&mut desks.state.handed_off, until) {
            handed.until = until;
        }
        if ends { Box::pin(self.run_desks(desks, News::Released(by))).await } else { Ok(desks) }
    }

    /// The desk could not be told something, and will not be: where that was of the hand-over that stands, the engine
    /// answers again. The effect ends in the same transaction.
    pub async fn desk_unreachable(
        &self,
        effect: &Effect,
        handoff: Option<&EffectId>,
        (claim, code): (Claim<'_>, &str),
    ) -> Result<(), Error> {
        self.present().lose_desk(effect, handoff, (claim, code)).await
    }

    async fn lose_desk(
        &self,
        effect: &Effect,
        handoff: Option<&EffectId>,
        (claim, code): (Claim<'_>, &str),
    ) -> Result<(), Error> {
        let finish = || outbox_end(effect, (claim, code), self.now());
        let Some(id) = &effect.conversation else { return self.end_effect(finish()).await };
        let Some(found) = self.store().conversation(&Actor::System, id).await? else {
            return self.end_effect(finish()).await;
        };
        let _place = self.queue.enter(&place(&found.owner, id.as_str())).await;
        for _ in 0..MOST_RUNS {
            let Some(conversation) = self.store().conversation(&Actor::System, id).await? else { break };
            let state = self.state_of(&conversation)?;
            let handed = state.handed_off.as_ref().map(|handed| &handed.id);
            if handed.is_none() || handed != handoff {
                break;
            }
            let seen = conversation.version;
            let desks = self.desks(conversation, state, &format!("effect:{}", effect.id));
            let mut desks = Box::pin(self.run_desks(desks, News::Unreachable)).await?;
            desks.unit.push(finish());
            if self.keep_desks(desks, seen).await? {
                return Ok(());
            }
        }
        self.end_effect(finish()).await
    }

    async fn end_effect(&self, finish: Write) -> Result<(), Error> {
        match self.store().apply(&Actor::System, vec![finish]).await? {
            // Another worker has it by now.
            Applied::Done | Applied::Stale { .. } => Ok(()),
        }
    }

    fn desks(&self, conversation: Conversation, state: State, name: &str) -> Desks {
        let mut tools = self.session_toolbox(&Caller::system(None));
        tools.rng = self.parts.randomness.stream(&format!("{}/{name}", conversation.id));
        tools.conversation = Some(conversation.id.clone());
        name.clone_into(&mut tools.message_id);
        self.talk.replies.language(conversation.locale.as_deref()).clone_into(&mut tools.language);
        Desks { conversation, state, unit: Unit::new(), passed: None, tools }
    }

    /// Runs the graph with the news; what it answers is a new message.
    async fn run_desks(&self, desks: Desks, news: News) -> Result<Desks, Error> {
        let Desks { conversation, state, unit, tools, .. } = desks;
        let mut turn = self.open(tools, not_read(), state, None).await?;
        turn.owned = matches!(conversation.owner, Owner::User(_));
        turn.desk.news = Some(news);
        let found = turn.state.work.frames.clone();
        let steps = self.run(&mut turn, Start::Message).await?;
        let passed = Some(Passed { occasion: Occasion::Push, ..Passed::of(&turn, (found, steps)) });
        self.tell_desk(&mut turn, None).await?;
        let response = turn.response.take().ok_or(agent::Error::Silent)?;
        let mut desks = Desks { conversation, state: turn.state, unit, passed, tools: turn.tools };
        desks.say(response)?;
        Ok(desks)
    }

    /// Applies it; false where the conversation changed meanwhile.
    async fn keep_desks(&self, desks: Desks, seen: i64) -> Result<bool, Error> {
        let Desks { mut conversation, state, unit, passed, mut tools } = desks;
        self.parts.boundaries.pass(Boundary::Decided).await;
        conversation.state = checkpoint::encode(&state)?;
        let mut writes = vec![conversations::save(&conversation, seen)];
        writes.extend(std::mem::take(&mut tools.unit).into_writes());
        writes.extend(unit.into_writes());
        let queued: Vec<_> = writes.iter().filter_map(outbox::queued).collect();
        if self.store().apply(&Actor::System, writes).await? != Applied::Done {
            return Ok(false);
        }
        self.parts.boundaries.pass(Boundary::Committed).await;
        for effect in &queued {
            self.parts.deliveries.queued(effect);
        }
        if let (Some(observer), Some(passed)) = (&self.parts.observer, &passed) {
            observer.tell(passed);
        }
        info!(conversationId = %conversation.id, handedOff = state.handed_off.is_some(), "Desk heard");
        Ok(true)
    }
}

impl Desks {
    /// A new message of the conversation.
    fn say(&mut self, mut response: NodeResponse) -> Result<(), Error> {
        let owned = matches!(self.conversation.owner, Owner::User(_));
        response.context.insert("authenticated".into(), json!(owned));
        let text = serde_json::to_string(&response)?;
        let message = news(&mut self.conversation, &mut self.tools, &response, text);
        self.unit.push(messages::insert(&message));
        Ok(())
    }
}

fn outbox_end(effect: &Effect, (claim, code): (Claim<'_>, &str), at: jiff::Timestamp) -> Write {
    outbox::finish(Finish {
        effect: &effect.id,
        claim,
        status: EffectStatus::Failed,
        provider_id: None,
        error: Some(code),
        due_at: None,
        at,
    })
}
