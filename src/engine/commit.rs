//! Phase 3: everything a turn changes, as one transaction.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::request::SessionGrant;
use super::turn::Call;
use super::{Engine, Error, checkpoint, parked};
use crate::agent::Turn;
use crate::bus::Delivery;
use crate::classify::Input;
use crate::crypto::Code;
use crate::mask;
use crate::model::{
    Actor, ConversationId, EffectId, MessageId, NodeResponse, Owner, SessionId, Slot, Understanding, UserId,
};
use crate::store::conversations::{self, Conversation};
use crate::store::messages::{self, Message, Role};
use crate::store::pending::{self, PendingResponse, PendingStatus};
use crate::store::{self, Applied, Unit, Write, channels, devices, outbox, sessions};
use crate::tool::session::Grant;

/// How long an answer can be repeated.
const KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Whether a turn's conversation is stored already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// It is.
    Kept,
    /// It begins with the turn.
    Fresh,
    /// It begins with the turn, and is current instead of another one.
    Replaces,
}

/// A decided turn.
pub(super) struct Decided<'c> {
    pub(super) call: &'c Call,
    pub(super) conversation: Conversation,
    pub(super) place: Stands,
    pub(super) turn: Turn,
    pub(super) response: NodeResponse,
    /// What models used.
    pub(super) usage: Vec<Write>,
}

/// What became of it.
pub(super) enum Committed {
    Done(Box<Done>),
    Stale,
    Unauthorized,
}

/// A committed turn.
pub(super) struct Done {
    pub(super) conversation: ConversationId,
    pub(super) response: NodeResponse,
    pub(super) reply: Option<String>,
    pub(super) session: Option<SessionGrant>,
    /// The message whose first try the answer waits for.
    pub(super) effect: Option<(EffectId, tokio::sync::oneshot::Receiver<Delivery>)>,
    /// Every message the turn queued.
    pub(super) queued: Vec<EffectId>,
    pub(super) answer_id: MessageId,
    /// What the answer began with, where it ends with what came after that.
    pub(super) before: Option<Before>,
    /// The answer so far, where more that was asked for is to follow.
    pub(super) follow_up: Option<StoredAnswer>,
}

/// An answer that another is joined to, and the session that it brought.
#[derive(Debug, Clone)]
pub(super) struct Before {
    pub(super) response: NodeResponse,
    pub(super) session: Option<StoredSession>,
}

impl Before {
    pub(super) fn of(answer: &StoredAnswer) -> Self {
        Self { response: answer.response.clone(), session: answer.session.clone() }
    }
}

/// An answer as it is kept for repeats: no token, which are derived again from what the caller presents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredAnswer {
    pub(super) conversation: ConversationId,
    pub(super) response: NodeResponse,
    #[serde(default)]
    pub(super) reply: Option<String>,
    pub(super) session: Option<StoredSession>,
    /// The message that it stands in, where more that was asked for is still to be carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) follow_up: Option<MessageId>,
    /// The scope and id of the message that it was answered together with, whose answer holds for it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) answered_as: Option<(String, String)>,
}

/// The session an answer brought.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredSession {
    pub(super) session_id: SessionId,
    pub(super) user_id: UserId,
    pub(super) expires_at: Timestamp,
}

/// A sign-in's session, taken out of the turn.
type Signed = Option<Grant>;

impl StoredSession {
    fn of(grant: &Grant) -> Self {
        Self {
            session_id: grant.session_id.clone(),
            user_id: grant.user_id.clone(),
            expires_at: grant.expires_at,
        }
    }
}

impl Engine {
    /// Applies a decided turn, if nothing it was decided on has changed.
    pub(super) async fn commit(&self, decided: Decided<'_>) -> Result<Committed, Error> {
        let Decided { call, mut conversation, place, mut turn, response, usage } = decided;
        let (grant, effect): (Signed, _) = (turn.granted.session.take(), turn.granted.effect.take());
        let seen_version = conversation.version;
        bring_up_to_date(&mut conversation, call, (&turn, grant.as_ref()))?;
        let text = self.stored_text(&call.request.text, &turn.heard);
        let said = messages_of(text, &mut turn, &mut conversation, &response);
        Box::pin(self.tell_desk(&mut turn, Some(&said[0]))).await?;
        let reply = turn.saying.reply().map(str::to_owned);
        let stored = StoredAnswer {
            conversation: conversation.id.clone(),
            response: response.clone(),
            reply: reply.clone(),
            session: grant.as_ref().map(StoredSession::of),
            follow_up: parked::awaited(&turn, call, &said[1].id),
            answered_as: None,
        };
        self.end_with_turn(&mut turn, &stored);

        let mut unit = Unit::new();
        // The credential is checked once more inside the transaction: it may have ended while the turn waited.
        let guard = guard(&mut unit, call, &turn, grant.is_some());
        if grant.is_some() || place == Stands::Replaces {
            // One conversation of a project is current for each owner; the one that signs in becomes it.
            unit.push(conversations::retire_current(
                &conversation.owner,
                &conversation.project,
                &conversation.id,
            ));
        }
        unit.push(match place {
            Stands::Kept => conversations::save(&conversation, seen_version),
            Stands::Fresh | Stands::Replaces => conversations::insert(&conversation),
        });
        unit.extend(std::mem::take(&mut turn.tools.unit).into_writes().into_iter().chain(usage));
        if grant.is_some() {
            unit.push(messages::move_to(&conversation.id, &conversation.owner));
        }
        unit.extend(said.iter().filter(|message| !message.content.is_empty()).map(messages::insert));
        let until = self.provisional(effect.is_some() || stored.follow_up.is_some(), turn.tools.now);
        unit.extend(stored_answers(call, &stored, (turn.tools.now, until))?);

        let effect = effect.map(|id| (id.clone(), self.parts.deliveries.expect(&id)));
        let writes = unit.into_writes();
        let queued = writes.iter().filter_map(outbox::queued).collect();
        let kept = self.keep(call, writes, guard).await;
        if let (Some((id, _)), false) = (&effect, matches!(kept, Ok(None))) {
            self.parts.deliveries.forget(id);
        }
        if let Some(otherwise) = kept? {
            return Ok(otherwise);
        }
        Ok(Committed::Done(Box::new(Done {
            conversation: conversation.id,
            response,
            reply,
            session: grant.and_then(session_grant),
            effect,
            queued,
            answer_id: said[1].id.clone(),
            before: None,
            follow_up: Some(stored).filter(|stored| stored.follow_up.is_some()),
        })))
    }

    /// Applies a turn's writes; `None` where they are kept.
    async fn keep(
        &self,
        call: &Call,
        writes: Vec<Write>,
        guard: Option<usize>,
    ) -> Result<Option<Committed>, Error> {
        match self.store().apply(&call.caller.actor, writes).await {
            Ok(Applied::Done) => Ok(None),
            Ok(Applied::Stale { at }) if guard.is_some_and(|last| at <= last) => {
                Ok(Some(Committed::Unauthorized))
            }
            // Two conversations of one owner that become current at once: the database lets one through.
            Ok(Applied::Stale { .. }) | Err(store::Error::Constraint { .. }) => Ok(Some(Committed::Stale)),
            Err(e) => Err(e.into()),
        }
    }

    /// Until when an answer may yet be corrected, if it may. Twice the wait, because the commit takes time too and a
    /// correction comes after it; `settle` ends it early.
    pub(super) fn provisional(&self, may: bool, now: Timestamp) -> Option<Timestamp> {
        may.then(|| now + self.first_try() + self.first_try())
    }

    pub(super) fn first_try(&self) -> SignedDuration {
        SignedDuration::from_millis(i64::try_from(self.parts.first_try_ms).unwrap_or(i64::MAX))
    }
}

/// The conversation as it is after the turn; the one somebody signs in to is theirs.
fn bring_up_to_date(
    conversation: &mut Conversation,
    call: &Call,
    (turn, grant): (&Turn, Option<&Grant>),
) -> Result<(), Error> {
    conversation.state = checkpoint::encode(&turn.state)?;
    conversation.last_message_at = turn.tools.now;
    // What was asked for, or the language that was spoken last.
    let language = &turn.tools.language;
    let is_known = conversation.locale.as_ref().is_some_and(|known| known.starts_with(language.as_str()));
    match &call.request.locale {
        Some(locale) => conversation.locale = Some(locale.clone()),
        None if !is_known => conversation.locale = Some(language.clone()),
        None => {}
    }
    if let Some(grant) = grant {
        conversation.owner = Owner::User(grant.user_id.clone());
    }
    Ok(())
}

/// The two messages of a turn; counts them in the conversation.
fn messages_of(
    text: String,
    turn: &mut Turn,
    conversation: &mut Conversation,
    response: &NodeResponse,
) -> [Message; 2] {
    let now = turn.tools.now;
    let mut message = |role, content, response| {
        conversation.message_count += 1;
        Message {
            id: MessageId::new(now, &mut turn.tools.rng),
            conversation: conversation.id.clone(),
            owner: conversation.owner.clone(),
            seq: conversation.message_count,
            role,
            content,
            response,
            created_at: now,
        }
    };
    let both = [
        message(Role::User, text, None),
        message(Role::Assistant, response.message().to_owned(), serde_json::to_string(response).ok()),
    ];
    // An answer that says nothing is no message.
    conversation.message_count -= i64::from(response.message().is_empty());
    both
}

/// The row that answers the same message again, written as completed with the turn itself; and for each message that was
/// answered together with it the row by which it finds that answer.
fn stored_answers(
    call: &Call,
    stored: &StoredAnswer,
    (now, provisional_until): (Timestamp, Option<Timestamp>),
) -> Result<Vec<Write>, Error> {
    let own = PendingResponse {
        owner: call.owner.clone(),
        scope: call.scope.clone(),
        message_id: call.message_id.clone(),
        body_hash: call.body_hash.clone(),
        status: PendingStatus::Completed,
        conversation: Some(stored.conversation.clone()),
        reply: Some(serde_json::to_string(stored)?),
        provisional_until,
        created_at: now,
        expires_at: now + KEPT,
    };
    let answered_as = Some((call.scope.clone(), call.message_id.clone()));
    let pointer = serde_json::to_string(&StoredAnswer { answered_as, ..stored.clone() })?;
    let joined = call.joined.iter().map(|waiter| PendingResponse {
        scope: waiter.scope.clone(),
        message_id: waiter.message_id.clone(),
        body_hash: waiter.body_hash.clone(),
        reply: Some(pointer.clone()),
        provisional_until: None,
        ..own.clone()
    });
    Ok(std::iter::once(&own).map(pending::insert).chain(joined.map(|row| pending::insert(&row))).collect())
}

fn session_grant(grant: Grant) -> Option<SessionGrant> {
    let (token, device_token) = (grant.token?, grant.device_token?);
    Some(SessionGrant {
        token: token.secret().clone(),
        session_id: grant.session_id,
        user_id: grant.user_id,
        expires_at: grant.expires_at,
        device_token: device_token.secret().clone(),
    })
}

/// The guarded writes that touch the rows which say who speaks; the place of the last of them in the unit.
fn guard(unit: &mut Unit, call: &Call, turn: &Turn, signs_in: bool) -> Option<usize> {
    let now = turn.tools.now;
    let actor = &call.caller.actor;
    if let (Some(device), true) = (actor.device(), turn.tools.is_by_text()) {
        unit.push(channels::hear(&call.message_id, (device, actor.session()), now));
    }
    match actor {
        Actor::User { session, .. } => unit.push(sessions::touch(session, now)),
        // Nobody has the token of a device that stands for a number.
        Actor::Device(_) if turn.tools.is_by_text() => {}
        // A sign-in exchanges the device's token under the same guard.
        Actor::Device(device) if !signs_in => {
            let hash = call.caller.device_token.as_ref().map(crate::crypto::Token::hash).unwrap_or_default();
            unit.push(devices::seen(device, &hash, now));
        }
        _ => return None,
    }
    unit.len().checked_sub(1)
}

impl Engine {
    /// What is stored of somebody's message: never a code, token or whole number, however it was spelt. The masker knows
    /// digits and not words; so what it left is read as if a code were awaited, wherever the conversation stands, and
    /// where that gives one nothing is kept.
    pub(super) fn stored_text(&self, text: &str, heard: &Understanding) -> String {
        // PostgreSQL keeps every character but this one.
        let text = text.replace('\0', "\u{fffd}");
        let masked = mask::text(&text);
        let left: Vec<&str> = masked
            .split(mask::HIDDEN)
            .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()))
            .collect();
        let input = Input { text: &left.join(" "), awaiting: Some(Slot::Otp), ..Input::default() };
        let left = self.talk.classifier.understand(&input);
        let is_code = left.entities.otp_code.is_some_and(|code| {
            [Code::DIGITS, Code::DIGITS_HARDENED].contains(&u32::try_from(code.len()).unwrap_or(0))
        });
        let is_longer = left.rejected.is_some_and(|r| r.slot == Slot::Otp && r.reason == "too_long");
        let is_given = heard.entities.otp_code.is_some() || heard.entities.phone.is_some();
        let is_spelt_out = is_code || is_longer || (is_given && masked == text);
        if is_spelt_out { mask::HIDDEN.to_owned() } else { masked }
    }
}
