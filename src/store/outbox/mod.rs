//! The outbox: effects that wait to leave, queued by the transaction that decided them.

pub(super) mod change;
pub(super) mod report;

use jiff::Timestamp;

pub use change::{
    Claim, Finish, Report, again, call_off, claim, finish, forget_destinations, insert, look_again, orphan,
    queued, release, requeue, run_out, settle, take_back, told,
};
pub use report::{Count, Sum};

use super::write::args;
use super::{ChallengeStatus, Error, Row, Store, named, sql};
use crate::model::{Actor, ChallengeId, ConversationId, DeliveryStatus, EffectId};

named! {
    /// How far an effect has come.
    EffectStatus {
        /// It waits.
        Queued = "queued",
        /// A worker has it.
        Claimed = "claimed",
        /// The provider took it.
        Sent = "sent",
        /// The provider refused it for good, or it never arrived.
        Failed = "failed",
        /// The product gave up: whatever was wrong was not the message's fault, and it may be released again.
        Dead = "dead",
        /// Nobody knows whether the provider took it.
        Uncertain = "uncertain",
    }
}

named! {
    /// What effects are worked on side by side without waiting for each other.
    Lane {
        /// What goes to people.
        Messages = "messages",
        /// What goes to outside agents.
        Calls = "calls",
        /// What goes nowhere: the time for which a question waits.
        Timers = "timers",
    }
}

/// One effect. It holds what the sender needs to write the message, never the message.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Its id.
    pub id: EffectId,
    /// The conversation it came from.
    pub conversation: Option<ConversationId>,
    /// What it is: `sms`, `email`, `http`, which calls an outside agent, `handoff`, which tells the operator's desk, `timer`,
    /// which waits with a question, or `none`, which takes the way of a message and goes nowhere.
    pub kind: String,
    /// The text's template.
    pub template: String,
    /// The text's language.
    pub locale: String,
    /// The code it carries.
    pub challenge: Option<ChallengeId>,
    /// Where it goes, sealed; erased once it went.
    pub destination_sealed: Option<Vec<u8>>,
    /// How far it has come.
    pub status: EffectStatus,
    /// How often it was claimed.
    pub tries: i64,
    /// The worker that has it, or last had it.
    pub claimed_by: Option<String>,
    /// Until when that worker has it.
    pub claimed_until: Option<Timestamp>,
    /// From when on it is not worth sending.
    pub not_after: Timestamp,
    /// The provider's name for it.
    pub provider_id: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was queued.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it is to be tried next, or, where it is uncertain, looked up next.
    pub due_at: Option<Timestamp>,
    /// How far the provider says that it came.
    pub delivery: Option<DeliveryStatus>,
    /// The country it goes to, where it goes to a number.
    pub country: Option<String>,
}

impl Effect {
    /// A new effect that waits, without a conversation, a code or a place to go.
    pub fn waiting(
        id: EffectId,
        kind: &str,
        template: &str,
        (at, not_after): (Timestamp, Timestamp),
    ) -> Self {
        Self {
            id,
            conversation: None,
            kind: kind.to_owned(),
            template: template.to_owned(),
            locale: String::new(),
            challenge: None,
            destination_sealed: None,
            status: EffectStatus::Queued,
            tries: 0,
            claimed_by: None,
            claimed_until: None,
            not_after,
            provider_id: None,
            error: None,
            created_at: at,
            updated_at: at,
            due_at: Some(at),
            delivery: None,
            country: None,
        }
    }

    /// Among which effects it waits its turn.
    pub fn lane(&self) -> Lane {
        match self.kind.as_str() {
            "http" | "handoff" => Lane::Calls,
            "timer" => Lane::Timers,
            _ => Lane::Messages,
        }
    }

    /// Whether its conversation hears what became of it: of codes by text message alone. That an e-mail was refused would
    /// say that there is an address (D5), and no conversation waits for a notice.
    pub fn tells(&self) -> bool {
        self.kind == "sms" && self.challenge.is_some()
    }
}

macro_rules! columns {
    () => {
        "id, conversation_id, kind, template, locale, challenge_id, destination_sealed, status, tries, \
         claimed_by, claimed_until, not_after, provider_id, error, created_at, updated_at, due_at, delivery, country"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM outbox WHERE id = $1 AND $2 = 'system'");
    BY_PROVIDER = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE provider_id = $1 AND $2 = 'system' ORDER BY created_at, id LIMIT 1"
    );
    DUE = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE status = 'queued' AND created_at <= $1 AND due_at <= $2 \
         AND $3 = 'system' AND CASE kind WHEN 'http' THEN 'calls' WHEN 'handoff' THEN 'calls' WHEN 'timer' THEN 'timers' ELSE 'messages' END = $5 \
         ORDER BY created_at, id LIMIT $4"
    );
    STALE_CLAIMS = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE status = 'claimed' AND claimed_until <= $1 \
         AND $2 = 'system' ORDER BY claimed_until, id LIMIT $3"
    );
    UNCERTAIN = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE status = 'uncertain' AND due_at <= $1 \
         AND $2 = 'system' ORDER BY due_at, id LIMIT $3"
    );
    UNTOLD = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE status IN ('failed', 'dead') AND kind = 'sms' AND updated_at <= $1 \
         AND $2 = 'system' AND challenge_id IN (SELECT id FROM challenges WHERE status = 'live' AND expires_at > $3) \
         ORDER BY updated_at, id LIMIT $4"
    );
    // Codes that are given back or worth nothing by now, of which the provider was not told.
    SETTLED_CODES = "SELECT o.id, o.provider_id, c.status FROM outbox o JOIN challenges c ON c.id = o.challenge_id \
                     WHERE o.status = 'sent' AND o.provider_id IS NOT NULL AND o.kind = 'sms' AND o.delivery IS NULL \
                     AND o.created_at > $1 AND $2 = 'system' AND c.status <> 'live' \
                     ORDER BY o.created_at, o.id LIMIT $3";
    OF_CONVERSATION = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE conversation_id = $1 AND $2 = 'system' AND kind <> 'timer' \
         ORDER BY created_at, id LIMIT $3"
    );
    OPEN = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE status IN ('queued', 'claimed') AND $1 = 'system' \
         ORDER BY created_at, id LIMIT $2"
    );
    // Newest first; `before` is the id that the page before ended with.
    LIST = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE $1 = 'system' AND kind <> 'timer' AND ($2 = '' OR status = $2) \
         AND ($3 = '' OR id < $3) ORDER BY id DESC LIMIT $4"
    );
}

fn read(row: &Row) -> Result<Effect, Error> {
    Ok(Effect {
        id: row.id(0)?,
        conversation: row.maybe_id(1)?,
        kind: row.text(2)?,
        template: row.text(3)?,
        locale: row.text(4)?,
        challenge: row.maybe_id(5)?,
        destination_sealed: row.maybe_bytes(6)?,
        status: row.named(7, EffectStatus::parse)?,
        tries: row.int(8)?,
        claimed_by: row.maybe_text(9)?,
        claimed_until: row.maybe_time(10)?,
        not_after: row.time(11)?,
        provider_id: row.maybe_text(12)?,
        error: row.maybe_text(13)?,
        created_at: row.time(14)?,
        updated_at: row.time(15)?,
        due_at: row.maybe_time(16)?,
        delivery: row.maybe_text(17)?.as_deref().and_then(DeliveryStatus::parse),
        country: row.maybe_text(18)?,
    })
}

impl Store {
    /// An effect. As for all questions about the outbox, nobody but the system gets an answer.
    pub async fn effect(&self, actor: &Actor, id: &EffectId) -> Result<Option<Effect>, Error> {
        self.record(actor, (BY_ID, args![id, actor.as_str()]), read).await
    }

    /// The effects that came from a conversation, without its timers, the oldest first.
    pub async fn effects_of(
        &self,
        actor: &Actor,
        conversation: &ConversationId,
        limit: u32,
    ) -> Result<Vec<Effect>, Error> {
        self.records(actor, (OF_CONVERSATION, args![conversation, actor.as_str(), limit]), read).await
    }

    /// The effect that a provider's id belongs to.
    pub async fn effect_of_provider(
        &self,
        actor: &Actor,
        provider_id: &str,
    ) -> Result<Option<Effect>, Error> {
        self.record(actor, (BY_PROVIDER, args![provider_id, actor.as_str()]), read).await
    }

    /// Effects of a lane that wait, were queued at the first time or before and are to be tried at the second, the oldest
    /// first.
    pub async fn due_effects(
        &self,
        actor: &Actor,
        lane: Lane,
        (created_before, now): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<Effect>, Error> {
        let asked = args![created_before, now, actor.as_str(), limit, lane.as_str()];
        self.records(actor, (DUE, asked), read).await
    }

    /// Effects of which nobody knows whether they left, and that are to be looked up by now.
    pub async fn uncertain_effects(
        &self,
        actor: &Actor,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Effect>, Error> {
        self.records(actor, (UNCERTAIN, args![now, actor.as_str(), limit]), read).await
    }

    /// Codes by text message, sent after that moment, that are not live any more and of which no provider said or heard
    /// anything since: the effect, the provider's name for it, and what became of the code.
    pub async fn settled_codes(
        &self,
        actor: &Actor,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<(EffectId, String, ChallengeStatus)>, Error> {
        self.records(actor, (SETTLED_CODES, args![since, actor.as_str(), limit]), |row| {
            Ok((row.id(0)?, row.text(1)?, row.named(2, ChallengeStatus::parse)?))
        })
        .await
    }

    /// Effects that wait or that a worker has, timers too, the oldest first.
    pub async fn open_effects(&self, actor: &Actor, limit: u32) -> Result<Vec<Effect>, Error> {
        self.records(actor, (OPEN, args![actor.as_str(), limit]), read).await
    }

    /// The newest effects, of one status or of all, on from before an id. Timers go nowhere and are none of them.
    pub async fn effects(
        &self,
        actor: &Actor,
        (status, before): (Option<EffectStatus>, Option<&EffectId>),
        limit: u32,
    ) -> Result<Vec<Effect>, Error> {
        let status = status.map_or("", EffectStatus::as_str);
        let before = before.map_or("", EffectId::as_str);
        self.records(actor, (LIST, args![actor.as_str(), status, before, limit]), read).await
    }

    /// Effects whose worker had its time and said nothing.
    pub async fn stale_claims(
        &self,
        actor: &Actor,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Effect>, Error> {
        self.records(actor, (STALE_CLAIMS, args![now, actor.as_str(), limit]), read).await
    }

    /// Text messages refused at the first time or before whose code could still be given back at the second: nobody was
    /// told of the refusal, because the process that was to tell died first. Of a refused e-mail nobody is told: it would
    /// say that there is an address (D5).
    pub async fn untold_effects(
        &self,
        actor: &Actor,
        (refused_before, now): (Timestamp, Timestamp),
        limit: u32,
    ) -> Result<Vec<Effect>, Error> {
        self.records(actor, (UNTOLD, args![refused_before, actor.as_str(), now, limit]), read).await
    }
}
