//! A message that comes while another of its conversation is being answered: what the question that waits says of that.
//!
//! It waits for its turn, is refused, or is answered together with the one that is under way, which then runs again with
//! what both say. That one writes the row by which the other finds its answer, so that each has one, whatever dies. Only
//! what waits in this process is known here; between two nodes the conversation's version decides, and the later waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::turn::Call;
use super::{Engine, Error};
use crate::graph::Meanwhile;
use crate::model::Actor;

/// Most messages that are answered together.
const MOST: usize = 8;
/// Most characters of what they say together; a message alone may have as many.
const LONGEST: usize = 4_000;
/// What a message is told that comes while another is being answered.
const BUSY: &str =
    "another message of this conversation is being answered; wait for its answer, then send this one again";

/// A message that waits for its conversation's turn.
#[derive(Debug)]
pub(super) struct Waiter {
    actor: Actor,
    pub(super) scope: String,
    pub(super) message_id: String,
    pub(super) body_hash: Vec<u8>,
    text: String,
}

/// Messages that wait, by the place they wait for, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Waiters(Mutex<HashMap<String, Vec<Arc<Waiter>>>>);

/// A place among those that wait, until it is dropped.
pub(super) struct Ticket<'w> {
    waiters: &'w Waiters,
    place: String,
    waiter: Arc<Waiter>,
}

impl Waiters {
    fn take_a_number(&self, place: &str, waiter: Waiter) -> Ticket<'_> {
        let waiter = Arc::new(waiter);
        self.with(|all| all.entry(place.to_owned()).or_default().push(Arc::clone(&waiter)));
        Ticket { waiters: self, place: place.to_owned(), waiter }
    }

    fn of(&self, place: &str) -> Vec<Arc<Waiter>> {
        self.with(|all| all.get(place).cloned().unwrap_or_default())
    }

    fn with<R>(&self, work: impl FnOnce(&mut HashMap<String, Vec<Arc<Waiter>>>) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.waiters.with(|all| {
            let Some(waiting) = all.get_mut(&self.place) else { return };
            waiting.retain(|waiter| !Arc::ptr_eq(waiter, &self.waiter));
            if waiting.is_empty() {
                all.remove(&self.place);
            }
        });
    }
}

impl Engine {
    /// How many messages wait in this process for another of their conversation to be answered.
    pub fn waiting_messages(&self) -> usize {
        self.waiters.with(|all| all.values().map(Vec::len).sum())
    }

    /// Lets a message wait, unless the question that waits wants none then. A repeat waits always.
    pub(super) async fn stand_in_line(&self, call: &Call) -> Result<Option<Ticket<'_>>, Error> {
        if self.is_answered(call, (&call.scope, &call.message_id)).await? {
            return Ok(None);
        }
        let asked = match self.conversation_of(call).await? {
            // What cannot be read is told in its turn.
            Some(conversation) => self.state_of(&conversation).ok().and_then(|s| self.asked(&s)),
            None => None,
        };
        match asked.map(|waiting| waiting.meanwhile) {
            Some(Meanwhile::Refuse) => Err(Error::Conflict(BUSY)),
            _ if call.request.said.is_some() || call.caller.claimed.is_some() => Ok(None),
            _ => Ok(Some(self.waiters.take_a_number(
                &call.place,
                Waiter {
                    actor: call.caller.actor.clone(),
                    scope: call.scope.clone(),
                    message_id: call.message_id.clone(),
                    body_hash: call.body_hash.clone(),
                    text: call.request.text.clone(),
                },
            ))),
        }
    }

    /// The messages that are to be answered together with this one and are not yet.
    pub(super) fn latecomers(&self, call: &Call, meanwhile: Option<Meanwhile>) -> Vec<Arc<Waiter>> {
        let is_alone = meanwhile != Some(Meanwhile::Coalesce)
            || call.request.said.is_some()
            || call.caller.claimed.is_some()
            || call.caller.repeats_only.is_some();
        if is_alone {
            return Vec::new();
        }
        let mut length = call.request.text.chars().count();
        let mut waiters = self.waiters.of(&call.place);
        waiters.retain(|waiter| {
            let is_new = !call.joined.iter().any(|known| known.message_id == waiter.message_id);
            waiter.actor == call.caller.actor && is_new
        });
        let fits = |waiter: &Arc<Waiter>| {
            length += 1 + waiter.text.chars().count();
            length <= LONGEST
        };
        waiters.into_iter().take(MOST.saturating_sub(call.joined.len())).take_while(fits).collect()
    }

    /// What the messages that are answered together say, without those that were answered elsewhere meanwhile.
    pub(super) async fn put_together(&self, call: &mut Call, own: &str) -> Result<(), Error> {
        let mut joined = Vec::new();
        for waiter in std::mem::take(&mut call.joined) {
            if !self.is_answered(call, (&waiter.scope, &waiter.message_id)).await? {
                joined.push(waiter);
            }
        }
        let texts = std::iter::once(own).chain(joined.iter().map(|waiter| waiter.text.as_str()));
        call.request.text = texts.collect::<Vec<_>>().join("\n");
        call.joined = joined;
        Ok(())
    }

    async fn is_answered(&self, call: &Call, (scope, message): (&str, &str)) -> Result<bool, Error> {
        let stored = self.store().pending_response(&call.caller.actor, scope, message).await?;
        Ok(stored.is_some_and(|row| row.expires_at > self.now()))
    }
}
