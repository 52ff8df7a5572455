//! The outbox: effects that wait to leave, queued by the transaction that decided them.

use jiff::Timestamp;

use super::write::{Value, args};
use super::{Error, Row, Store, Write, named, sql};
use crate::model::{Actor, ChallengeId, ConversationId, EffectId};

named! {
    /// How far an effect has come.
    EffectStatus {
        /// It waits.
        Queued = "queued",
        /// A worker has it.
        Claimed = "claimed",
        /// The provider took it.
        Sent = "sent",
        /// The provider refused it.
        Failed = "failed",
        /// Nobody knows whether the provider took it.
        Uncertain = "uncertain",
    }
}

/// One effect. It holds what the sender needs to write the message, never the message.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// Its id.
    pub id: EffectId,
    /// The conversation it came from.
    pub conversation: Option<ConversationId>,
    /// What it is: `sms`, `email`, or `none`, which takes the same way and goes nowhere.
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
}

/// How a claimed effect ended.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// The effect.
    pub effect: &'a EffectId,
    /// The worker that has it.
    pub by: &'a str,
    /// How it ended.
    pub status: EffectStatus,
    /// The provider's name for it.
    pub provider_id: Option<&'a str>,
    /// Why it failed.
    pub error: Option<&'a str>,
    /// When.
    pub at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, conversation_id, kind, template, locale, challenge_id, destination_sealed, status, tries, \
         claimed_by, claimed_until, not_after, provider_id, error, created_at, updated_at"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM outbox WHERE id = $1 AND $2 = 'system'");
    DUE = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE status = 'queued' AND created_at <= $1 AND $2 = 'system' \
         ORDER BY created_at, id LIMIT $3"
    );
    STALE_CLAIMS = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE status = 'claimed' AND claimed_until <= $1 \
         AND $2 = 'system' ORDER BY claimed_until, id LIMIT $3"
    );
    UNTOLD = concat!(
        "SELECT ", columns!(), " FROM outbox WHERE status = 'failed' AND kind = 'sms' AND updated_at <= $1 \
         AND $2 = 'system' AND challenge_id IN (SELECT id FROM challenges WHERE status = 'live' AND expires_at > $3) \
         ORDER BY updated_at, id LIMIT $4"
    );
    INSERT = concat!(
        "INSERT INTO outbox (", columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
    );
    CLAIM = "UPDATE outbox SET status = 'claimed', tries = tries + 1, claimed_by = $2, claimed_until = $3, \
             updated_at = $4 WHERE id = $1 AND status = 'queued'";
    FINISH = "UPDATE outbox SET status = $3, provider_id = $4, error = $5, updated_at = $6, \
              claimed_until = NULL, destination_sealed = NULL \
              WHERE id = $1 AND status = 'claimed' AND claimed_by = $2";
    ORPHAN = "UPDATE outbox SET status = 'uncertain', updated_at = $2, claimed_until = NULL, \
              destination_sealed = NULL WHERE id = $1 AND status = 'claimed'";
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
    })
}

impl Store {
    /// An effect. As for all questions about the outbox, nobody but the system gets an answer.
    pub async fn effect(&self, actor: &Actor, id: &EffectId) -> Result<Option<Effect>, Error> {
        self.record(actor, (BY_ID, args![id, actor.as_str()]), read).await
    }

    /// Effects that wait and were queued at the given time or before, the oldest first.
    pub async fn due_effects(
        &self,
        actor: &Actor,
        created_before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Effect>, Error> {
        self.records(actor, (DUE, args![created_before, actor.as_str(), limit]), read).await
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

/// Queues an effect.
pub fn insert(new: &Effect) -> Write {
    Write::one(
        INSERT,
        args![
            &new.id,
            &new.conversation,
            &new.kind,
            &new.template,
            &new.locale,
            &new.challenge,
            &new.destination_sealed,
            new.status,
            new.tries,
            &new.claimed_by,
            new.claimed_until,
            new.not_after,
            &new.provider_id,
            &new.error,
            new.created_at,
            new.updated_at,
        ],
    )
}

/// The effect that a write queues, where it is one that does: whoever applied it tells the worker.
pub fn queued(write: &Write) -> Option<EffectId> {
    match write.args.first() {
        Some(Value::Text(id)) if write.sql == INSERT => EffectId::parse(id).ok(),
        _ => None,
    }
}

/// Takes an effect for a worker and counts the try; stale unless it waits.
pub fn claim(id: &EffectId, by: &str, until: Timestamp, now: Timestamp) -> Write {
    Write::one(CLAIM, args![id, by, until, now])
}

/// Ends an effect and erases where it went; stale unless this worker has it.
pub fn finish(end: Finish<'_>) -> Write {
    let Finish { effect, by, status, provider_id, error, at } = end;
    Write::one(FINISH, args![effect, by, status, provider_id, error, at])
}

/// The worker died with it: whether it was sent is uncertain, and it is not sent again. Stale unless it is claimed.
pub fn orphan(id: &EffectId, at: Timestamp) -> Write {
    Write::one(ORPHAN, args![id, at])
}
