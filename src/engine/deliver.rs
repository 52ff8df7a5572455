//! Phase 4: after the commit.
//!
//! The worker is told of every message the turn queued. An answer that queued a code by text message is provisional until
//! the worker has made its first try, two seconds at most. If the provider refuses for good, an internal turn (`internal.rs`)
//! corrects state and answer. Later refusals come the same way, as a new message. If nobody takes the message now, or nobody
//! can tell whether it left, the outcomes `delayed` and `uncertain` say so in the answer's stead; the code stays as good as
//! it was. A call to an outside agent is waited for alike, and its answer comes the same two ways (`outside.rs`). Nobody
//! waits for an e-mail: how soon it left, and whether, would tell whether there is an address (D5).
//!
//! What was committed stands, whatever goes wrong from here on: it is logged, and the answer is given as it is.

use tracing::error;

use super::commit::Done;
use super::internal::{Corrected, Fate, Replaces};
use super::request::Answer;
use super::turn::{Call, place};
use super::{Engine, Error};
use crate::bus::{Answered, Delivery};
use crate::mask::chain;
use crate::model::{Actor, EffectId};
use crate::store::outbox::{Claim, Effect};
use crate::store::{Applied, pending};

impl Engine {
    /// Tells the worker, waits for the first try, and gives the answer that stands.
    pub(super) async fn deliver(&self, call: &Call, done: Done) -> Answer {
        let mut answer = Answer {
            conversation: done.conversation,
            message_id: call.message_id.clone(),
            response: done.response,
            reply: done.reply,
            session: done.session,
        };
        for effect in &done.queued {
            self.parts.deliveries.queued(effect);
        }
        let Some((effect, mut hear)) = done.effect else { return answer };
        let deadline = self.now() + self.first_try();
        let delivery = tokio::select! {
            heard = &mut hear => heard.unwrap_or(Delivery::Stands),
            () = self.parts.clock.sleep_until(deadline) => {
                // From here on a report finds nobody; one that came in the same moment must not be lost.
                hear.close();
                hear.try_recv().unwrap_or(Delivery::Stands)
            }
        };
        self.parts.deliveries.forget(&effect);
        let before = done.before.as_ref();
        let replaces = Replaces { call, answer: &done.answer_id, said: &answer.response, before };
        let heard = self.heard_of(&effect, &delivery, &replaces).await.unwrap_or_else(|e| {
            error!(effectId = %effect, conversationId = %answer.conversation, error = %chain(&e), "Answer not corrected");
            None
        });
        if let Some(corrected) = heard {
            answer.response = corrected.response;
            answer.reply = corrected.reply;
        } else if let Err(e) = self.stands(call).await {
            error!(effectId = %effect, conversationId = %answer.conversation, error = %chain(&e), "Answer not settled");
        }
        answer
    }

    /// What stands in the answer's place now that this became of its message.
    async fn heard_of(
        &self,
        effect: &EffectId,
        delivery: &Delivery,
        replaces: &Replaces<'_>,
    ) -> Result<Option<Corrected>, Error> {
        let fate = match delivery {
            Delivery::Stands => return Ok(None),
            Delivery::Delayed => Fate::Delayed,
            Delivery::Uncertain => Fate::Uncertain,
            Delivery::Refused(code) => Fate::Undeliverable(code),
            Delivery::Answered(answered) => Fate::Answered(answered),
        };
        match self.store().effect(&Actor::System, effect).await? {
            Some(row) => self.correct(&row, fate, Some(replaces)).await,
            None => Ok(None),
        }
    }

    /// The answer is final; without this, repeats would wait the rest of the two seconds for nothing.
    async fn stands(&self, call: &Call) -> Result<(), Error> {
        let settle = pending::settle(&call.owner, &call.scope, &call.message_id, None);
        match self.store().apply(&call.caller.actor, vec![settle]).await? {
            Applied::Done | Applied::Stale { .. } => Ok(()),
        }
    }

    /// A message was refused after its answer had been given: the conversation is told in a new message.
    pub async fn undeliverable(&self, effect: &Effect, code: &str) -> Result<(), Error> {
        self.present().push(effect, Fate::Undeliverable(code)).await
    }

    /// The same where no provider takes it just now.
    pub async fn delayed(&self, effect: &Effect) -> Result<(), Error> {
        self.present().push(effect, Fate::Delayed).await
    }

    /// The same where its provider did not answer.
    pub async fn uncertain(&self, effect: &Effect) -> Result<(), Error> {
        self.present().push(effect, Fate::Uncertain).await
    }

    /// An outside agent answered, or never will.
    pub async fn called(&self, effect: &Effect, answered: &Answered) -> Result<(), Error> {
        self.present().push(effect, Fate::Answered(answered)).await
    }

    /// Ends a call whose answer could not be told time and again. The conversation goes on waiting until somebody speaks.
    pub async fn called_in_vain(&self, effect: &Effect, answered: &Answered) -> Result<(), Error> {
        self.moved_on(effect, Fate::Answered(answered)).await.map(|_| ())
    }

    /// The time is over for which a question waited.
    pub async fn silent(&self, timer: &Effect, claim: Claim<'_>) -> Result<(), Error> {
        self.push(timer, Fate::Silent(claim)).await
    }

    /// Ends a timer that is worth nothing any more.
    pub async fn silent_in_vain(&self, timer: &Effect, claim: Claim<'_>) -> Result<(), Error> {
        self.moved_on(timer, Fate::Silent(claim)).await.map(|_| ())
    }

    async fn push(&self, effect: &Effect, fate: Fate<'_>) -> Result<(), Error> {
        let conversation = match &effect.conversation {
            Some(id) => self.store().conversation(&Actor::System, id).await?,
            None => None,
        };
        let _place = match &conversation {
            Some(of) => Some(self.queue.enter(&place(&of.owner, of.id.as_str())).await),
            None => None,
        };
        self.correct(effect, fate, None).await.map(|_| ())
    }
}
