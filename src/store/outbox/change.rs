//! What changes an effect: queued, claimed, ended, and what its provider says of it afterwards.

use jiff::Timestamp;

use super::{Effect, EffectStatus};
use crate::model::{DeliveryStatus, EffectId};
use crate::store::write::{Value, args};
use crate::store::{Write, sql};

/// One claim on an effect. The same worker may have had it before, so its name alone does not tell which.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The worker that has it.
    pub by: &'a str,
    /// How often the effect was claimed by then, this claim counted.
    pub nth: i64,
}

/// How a claimed effect ended.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    /// The effect.
    pub effect: &'a EffectId,
    /// The claim that ends with it.
    pub claim: Claim<'a>,
    /// How it ended.
    pub status: EffectStatus,
    /// The provider's name for it.
    pub provider_id: Option<&'a str>,
    /// Why it failed.
    pub error: Option<&'a str>,
    /// When it is to be looked up, where that is uncertain.
    pub due_at: Option<Timestamp>,
    /// When.
    pub at: Timestamp,
}

/// What a provider says of a message it took.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The effect.
    pub effect: &'a EffectId,
    /// The provider's name for it.
    pub provider_id: &'a str,
    /// How far it came.
    pub delivery: DeliveryStatus,
    /// The provider's code for why it came no further.
    pub error: Option<&'a str>,
    /// When that was heard.
    pub at: Timestamp,
}

sql! {
    INSERT = "INSERT INTO outbox (id, conversation_id, kind, template, locale, challenge_id, destination_sealed, \
              status, tries, claimed_by, claimed_until, not_after, provider_id, error, created_at, updated_at, due_at, \
              delivery, country) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    CLAIM = "UPDATE outbox SET status = 'claimed', tries = tries + 1, claimed_by = $2, claimed_until = $3, \
             updated_at = $4 WHERE id = $1 AND status = 'queued' AND due_at <= $4 AND delivery IS NULL \
             AND tries = $5";
    // What the provider said of it meanwhile goes before what its own answer, or the lack of one, seems to say.
    FINISH = "UPDATE outbox SET status = CASE WHEN delivery IN ('failed', 'undelivered') THEN 'failed' \
              WHEN delivery IS NOT NULL THEN 'sent' ELSE $3 END, \
              provider_id = COALESCE(provider_id, $4), error = COALESCE($5, error), updated_at = $6, \
              due_at = CASE WHEN delivery IS NULL THEN CAST($7 AS BIGINT) END, claimed_until = NULL, \
              destination_sealed = CASE WHEN delivery IS NULL AND ($3 = 'uncertain' OR ($3 = 'dead' \
              AND challenge_id IS NULL)) THEN destination_sealed END \
              WHERE id = $1 AND status = 'claimed' AND claimed_by = $2 AND tries = $8";
    AGAIN = "UPDATE outbox SET status = 'queued', error = $3, due_at = $4, updated_at = $5, claimed_until = NULL \
             WHERE id = $1 AND status = 'claimed' AND claimed_by = $2 AND tries = $6 AND delivery IS NULL";
    ORPHAN = "UPDATE outbox SET status = CASE WHEN delivery IN ('failed', 'undelivered') THEN 'failed' \
              WHEN delivery IS NOT NULL THEN 'sent' ELSE 'uncertain' END, updated_at = $2, claimed_until = NULL, \
              due_at = CASE WHEN delivery IS NULL AND kind = 'sms' THEN CAST($2 AS BIGINT) END, \
              destination_sealed = CASE WHEN delivery IS NULL THEN destination_sealed END \
              WHERE id = $1 AND status = 'claimed' AND claimed_until <= $2";
    REQUEUE = "UPDATE outbox SET status = 'queued', due_at = $2, updated_at = $2, claimed_until = NULL \
               WHERE id = $1 AND status = 'claimed' AND claimed_until <= $2";
    CALL_OFF = "UPDATE outbox SET status = 'failed', error = 'called_off', updated_at = $2, due_at = NULL, \
                destination_sealed = NULL WHERE id = $1 AND kind = 'http' AND status = 'queued'";
    TAKE_BACK = "DELETE FROM outbox WHERE id = $1 AND kind = 'timer' AND status = 'queued'";
    RUN_OUT = "DELETE FROM outbox WHERE id = $1 AND kind = 'timer' AND status = 'claimed' AND claimed_by = $2 \
               AND tries = $3";
    LOOK_AGAIN = "UPDATE outbox SET due_at = $2 WHERE id = $1 AND status = 'uncertain'";
    SETTLE = "UPDATE outbox SET status = $2, error = $3, updated_at = $4, due_at = NULL, destination_sealed = NULL \
              WHERE id = $1 AND status = 'uncertain'";
    // What a provider says may come before its own answer did, so a claimed effect may be told of too.
    TOLD = "UPDATE outbox SET provider_id = $2, delivery = $3, delivery_rank = $4, delivery_at = $5, \
            error = COALESCE($6, error) \
            WHERE id = $1 AND delivery_rank < $4 AND (provider_id IS NULL OR provider_id = $2)";
    ARRIVED = "UPDATE outbox SET status = 'sent', error = NULL, updated_at = $3, due_at = NULL, destination_sealed = NULL \
                   WHERE id = $1 AND status IN ('uncertain', 'queued', 'dead') AND provider_id = $2";
    LOST = "UPDATE outbox SET status = 'failed', updated_at = $3, due_at = NULL, \
            destination_sealed = NULL \
            WHERE id = $1 AND provider_id = $2 AND status IN ('sent', 'uncertain', 'queued', 'dead')";
    RELEASE = "UPDATE outbox SET status = 'queued', due_at = $2, updated_at = $2, error = NULL \
               WHERE id = $1 AND status = 'dead' AND destination_sealed IS NOT NULL AND not_after > $2 AND delivery IS NULL";
    FORGET = "UPDATE outbox SET destination_sealed = NULL, due_at = NULL \
              WHERE created_at < $1 AND destination_sealed IS NOT NULL AND status IN ('dead', 'uncertain')";
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
            new.due_at,
            new.delivery.map(DeliveryStatus::as_str),
            &new.country,
        ],
    )
}

/// The effect that a write queues, where it is one that does and is to leave at once: whoever applied it tells the worker.
pub fn queued(write: &Write) -> Option<EffectId> {
    match write.args.as_slice() {
        [Value::Text(id), _, Value::Text(kind), ..] if write.sql == INSERT && kind != "timer" => {
            EffectId::parse(id).ok()
        }
        _ => None,
    }
}

/// Takes an effect, as it was read, for a worker and counts the try; stale unless it waits still, was not tried meanwhile, and
/// its time has come.
pub fn claim(effect: &Effect, by: &str, until: Timestamp, now: Timestamp) -> Write {
    Write::one(CLAIM, args![&effect.id, by, until, now, effect.tries])
}

/// Ends an effect, and erases where it went unless it may leave yet; stale unless that claim holds.
pub fn finish(end: Finish<'_>) -> Write {
    let Finish { effect, claim: Claim { by, nth }, status, provider_id, error, due_at, at } = end;
    Write::one(FINISH, args![effect, by, status, provider_id, error, at, due_at, nth])
}

/// It did not leave, and is to be tried again then; stale unless that claim holds.
pub fn again(
    id: &EffectId,
    Claim { by, nth }: Claim<'_>,
    error: &str,
    (due_at, at): (Timestamp, Timestamp),
) -> Write {
    Write::one(AGAIN, args![id, by, error, due_at, at, nth])
}

/// The worker died with it: whether it was sent is uncertain, and it is not sent again. Stale unless
/// its claim has lapsed.
pub fn orphan(id: &EffectId, at: Timestamp) -> Write {
    Write::one(ORPHAN, args![id, at])
}

/// The worker died with it, and it is one that may be made twice: it waits again. Stale unless its claim
/// has lapsed.
pub fn requeue(id: &EffectId, at: Timestamp) -> Write {
    Write::one(REQUEUE, args![id, at])
}

/// Nobody waits for what a call would be answered any more: it is not made, unless a worker has it already, whose answer then
/// finds nobody.
pub fn call_off(id: &EffectId, at: Timestamp) -> Write {
    Write::any(CALL_OFF, args![id, at])
}

/// A timer is not wanted any more. One that a worker has already finds nobody who waits.
pub fn take_back(id: &EffectId) -> Write {
    Write::any(TAKE_BACK, args![id])
}

/// A timer has run out, and nothing is left of it; stale unless that claim holds.
pub fn run_out(id: &EffectId, Claim { by, nth }: Claim<'_>) -> Write {
    Write::one(RUN_OUT, args![id, by, nth])
}

/// It is looked up again then, or never; stale unless it is uncertain.
pub fn look_again(id: &EffectId, due_at: Option<Timestamp>) -> Write {
    Write::one(LOOK_AGAIN, args![id, due_at])
}

/// What was uncertain is known to have gone nowhere; stale unless it is uncertain.
pub fn settle(id: &EffectId, status: EffectStatus, error: Option<&str>, at: Timestamp) -> Write {
    Write::one(SETTLE, args![id, status, error, at])
}

/// Notes what a provider says of a message, once: the first write is stale where it is no news, or where the effect has
/// another message already. The others settle what was uncertain, and fail what never arrived.
pub fn told(report: Report<'_>) -> Vec<Write> {
    let Report { effect, provider_id, delivery, error, at } = report;
    let told = Write::one(TOLD, args![effect, provider_id, delivery.as_str(), delivery.rank(), at, error]);
    let then = if delivery.is_lost() {
        Write::any(LOST, args![effect, provider_id, at])
    } else {
        Write::any(ARRIVED, args![effect, provider_id, at])
    };
    vec![told, then]
}

/// Lets a dead effect be tried again; stale unless it is dead, known where it goes, and still worth sending.
pub fn release(id: &EffectId, at: Timestamp) -> Write {
    Write::one(RELEASE, args![id, at])
}

/// Erases where effects were to go that were queued before then and never came to an end.
pub fn forget_destinations(before: Timestamp) -> Write {
    Write::any(FORGET, args![before])
}
