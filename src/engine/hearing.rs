//! Phase 1 of a turn: what the message means, before anything is decided; and the words of small talk, after it.
//!
//! A model may be asked here, so no transaction is open, and what it said is kept while the turn runs again in the same
//! place: it is neither waited for nor paid twice.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::turn::Call;
use super::{Engine, Error, Shadow, fields, traced};
use crate::agent::{State, Turn, Waiting};
use crate::classify::{self, Heard, Input, SmallTalk};
use crate::graph::{Kind, Pattern};
use crate::limit::network;
use crate::llm::Spent;
use crate::model::{ConversationId, NodeResponse, Route, Slot, Understanding};
use crate::store::Write;
use crate::store::conversations::Conversation;
use crate::store::model_usage::{self, ModelUsage};

/// Takes the pieces of an answer while it is made.
pub type Chunks = UnboundedSender<String>;

/// Where a message fell: what it means depends on that.
type Place = (Option<Slot>, Option<Pattern>, Option<Route>, bool, bool);

/// What models said in this turn, and what that cost.
#[derive(Debug, Default)]
pub(super) struct Kept {
    heard: Option<(Place, Understanding)>,
    talk: Option<(String, Option<String>)>,
    spent: Vec<Spent>,
    until: Option<Instant>,
}

impl Kept {
    /// What was used is counted with the turn that was just committed.
    pub(super) fn counted(&mut self) {
        self.spent.clear();
    }

    /// What was said is not what it was.
    pub(super) fn other_words(&mut self) {
        (self.heard, self.talk) = (None, None);
    }

    /// Until when models may take in this turn, however often one is asked.
    fn until(&mut self, turn_ms: u64) -> Instant {
        *self.until.get_or_insert_with(|| Instant::now() + Duration::from_millis(turn_ms))
    }
}

impl Engine {
    /// The question that a conversation waits with.
    pub(super) fn asked(&self, state: &State) -> Option<Waiting> {
        self.waiting(&state.work).and_then(|node| match &node.kind {
            Kind::Ask { slot, say, keep, meanwhile, .. } => Some(Waiting {
                slot: *slot,
                meanwhile: *meanwhile,
                reply: say.reply.clone(),
                pattern: keep.as_ref().and_then(|keep| keep.pattern.clone()),
                outcomes: node.edges().iter().map(|e| e.outcome.to_owned()).collect(),
            }),
            _ => None,
        })
    }

    /// What the message means.
    pub(super) async fn hear(
        &self,
        call: &Call,
        (conversation, state): (&Conversation, &State),
        waiting: Option<&Waiting>,
        kept: &mut Kept,
    ) -> Result<Understanding, Error> {
        if let Some(name) = classify::deprecated_name(&call.request.text) {
            tracing::warn!(name, instead = "user_management_agent", "Deprecated name");
        }
        let active = state.work.active();
        if let Some(said) = &call.request.said {
            return Ok(said.heard(active));
        }
        if let Some(unread) = self.unread(call, state) {
            return Ok(unread);
        }
        let corrects = waiting.is_some_and(Waiting::corrects);
        let pattern = waiting.and_then(|w| w.pattern.clone());
        let place = (waiting.map(|w| w.slot), pattern, active, state.offered, corrects);
        if let Some((before, heard)) = &kept.heard
            && *before == place
        {
            return Ok(heard.clone());
        }
        let input = Input {
            text: &call.request.text,
            awaiting: place.0,
            pattern: place.1.as_ref(),
            offered: place.3,
            corrects: place.4,
            active: place.2.clone(),
            question: waiting.and_then(|w| self.question(call, (conversation, state), w)),
            earlier: self.earlier(call, conversation).await?,
            until: Some(kept.until(self.parts.models.turn_ms)),
        };
        let Heard { understanding, spent } = self.talk.classifier.hear(&input, || self.may_ask(call)).await;
        traced::understood(&understanding);
        if let Some(shadow) = &self.parts.shadow {
            shadow.compare(&input, &understanding).await;
        }
        kept.spent.extend(spent);
        kept.heard = Some((place, understanding.clone()));
        Ok(understanding)
    }

    /// Whether the caller's budget has something left for a model.
    fn may_ask(&self, call: &Call) -> bool {
        let network = call.caller.ip.as_deref().and_then(network);
        self.parts.quotas.take(&call.owner.to_string(), network.as_deref())
    }

    /// The question that waits, as it was worded.
    fn question(
        &self,
        call: &Call,
        (conversation, state): (&Conversation, &State),
        waiting: &Waiting,
    ) -> Option<String> {
        if !self.talk.classifier.generates() && self.parts.shadow.is_none() {
            return None;
        }
        let locale = call.request.locale.as_deref().or(conversation.locale.as_deref());
        let language = self.talk.replies.language(locale);
        let mut values = state.work.question.clone();
        fields::add_facts(&mut values, language, call.caller.actor.user().is_some());
        self.talk.replies.say(language, &waiting.reply, &values).ok()
    }

    /// What was said before, the oldest first, as it is stored: masked.
    async fn earlier(&self, call: &Call, conversation: &Conversation) -> Result<Vec<String>, Error> {
        let shadows = self.parts.shadow.as_ref().map_or(0, Shadow::window);
        let window = self.talk.classifier.window().max(shadows);
        if window == 0 || conversation.message_count == 0 {
            return Ok(Vec::new());
        }
        let (actor, id) = (&call.caller.actor, &conversation.id);
        let messages = self.store().messages(actor, id, None, window).await?;
        let line = |m: &crate::store::Message| format!("{}: {}", m.role.as_str(), m.content);
        Ok(messages.iter().rev().map(line).collect())
    }

    /// Puts a model's words in the place of small talk's own, where the graph chose to and there are some. The turn has no
    /// effects, so that waiting for a model holds nothing up; its pieces are provisional until the commit.
    pub(super) async fn generate(
        &self,
        call: &Call,
        turn: &Turn,
        response: &mut NodeResponse,
        kept: &mut Kept,
    ) {
        if !turn.generate || !turn.tools.unit.is_empty() || !self.talk.classifier.generates() {
            return;
        }
        let language = &turn.tools.language;
        let known = kept.talk.as_ref().filter(|(before, _)| before == language).map(|(_, text)| text.clone());
        let text = if let Some(text) = known {
            text
        } else if !self.may_ask(call) {
            return;
        } else {
            let signed_in = turn.is_signed_in();
            let until = Some(kept.until(self.parts.models.turn_ms));
            let talk = SmallTalk { text: &call.request.text, language, signed_in, until };
            let mut sink = |piece: &str| {
                if let (Some(chunks), false) = (&call.chunks, piece.is_empty()) {
                    // Whoever hung up gets the answer with the next look at the conversation.
                    let _ = chunks.send(piece.to_owned());
                }
            };
            let generated = self.talk.classifier.generate(&talk, &mut sink).await;
            kept.spent.extend(generated.spent);
            kept.talk = Some((language.clone(), generated.text.clone()));
            generated.text
        };
        let Some(text) = text else { return };
        let waiting = turn.values.get("waiting").and_then(serde_json::Value::as_str).unwrap_or_default();
        let text = format!("{text} {waiting}").trim_end().to_owned();
        response.data.insert("message".into(), text.into());
        response.context.insert("generated".into(), true.into());
    }

    /// Keeps what models used in a turn that committed nothing: it was spent all the same. A conversation that never came to
    /// be has no account of it.
    pub(super) async fn keep_usage(&self, call: &Call, kept: &Kept) {
        if kept.spent.is_empty() {
            return;
        }
        let Ok(Some(conversation)) = self.conversation_of(call).await else { return };
        if let Err(e) = self.store().apply(&call.caller.actor, self.usage(&conversation.id, kept)).await {
            tracing::warn!(error = %crate::mask::chain(&e), "What models used is not counted");
        }
    }

    /// The writes that add what models used to a conversation.
    pub(super) fn usage(&self, conversation: &ConversationId, kept: &Kept) -> Vec<Write> {
        let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let used = kept.spent.iter().map(|spent| ModelUsage {
            conversation: conversation.clone(),
            model: spent.model.clone(),
            calls: i64::from(spent.calls),
            input_tokens: whole(spent.input),
            output_tokens: whole(spent.output),
            cost: whole(self.parts.models.cost(&spent.model, spent.input, spent.output)),
        });
        used.map(|used| model_usage::add(&used)).collect()
    }
}
