//! Challenges (issued codes) and what was charged for tries at them.

use jiff::Timestamp;

use super::write::args;
use super::{Error, Row, Store, Write, named, sql};
use crate::model::{Actor, ChallengeId, ConversationId, DeviceId, SessionId, UserId};

named! {
    /// What has become of a code.
    ChallengeStatus {
        /// It can be given back.
        Live = "live",
        /// It was given back.
        Consumed = "consumed",
        /// Too many wrong tries.
        Burnt = "burnt",
        /// Replaced, cancelled or never delivered.
        Void = "void",
    }
}

/// One issued code; the code itself is nowhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Challenge {
    /// Its id.
    pub id: ChallengeId,
    /// The conversation it was asked for in.
    pub conversation: ConversationId,
    /// The device it was asked for from.
    pub device: DeviceId,
    /// The session it was asked for in, where it stands for an act of that session.
    pub session: Option<SessionId>,
    /// The account it is about, where that was known when it was asked for.
    pub user: Option<UserId>,
    /// What it is good for.
    pub purpose: String,
    /// How it was sent.
    pub channel: String,
    /// The keyed hash of the identifier it was asked for, by which tries are counted.
    pub identifier_key: Vec<u8>,
    /// The identifier and where the code went, sealed.
    pub destination_sealed: Option<Vec<u8>>,
    /// The keyed hash of the number's prefix, where it went to a number and counts for the prefix's conversion.
    pub prefix_key: Option<Vec<u8>>,
    /// The letters shown in the message and in the chat.
    pub reference: String,
    /// Which pepper it is derived with.
    pub pepper: String,
    /// How many digits it has.
    pub digits: i64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// From when on it is worth nothing.
    pub expires_at: Timestamp,
    /// What has become of it.
    pub status: ChallengeStatus,
    /// Tries charged.
    pub attempts: i64,
    /// Tries allowed.
    pub max_attempts: i64,
    /// When it was given back.
    pub consumed_at: Option<Timestamp>,
    /// The message it was given back in.
    pub consumed_by: Option<String>,
    /// When the act it stood for was done.
    pub spent_at: Option<Timestamp>,
}

/// Which codes to a prefix are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Conversion {
    /// Those issued after this.
    pub since: Timestamp,
    /// And over by now.
    pub now: Timestamp,
    /// The newest of them, so many.
    pub last: u32,
}

macro_rules! columns {
    () => {
        "id, conversation_id, device_id, session_id, user_id, purpose, channel, identifier_key, \
         destination_sealed, prefix_key, reference, pepper, digits, issued_at, expires_at, status, attempts, \
         max_attempts, consumed_at, consumed_by, spent_at"
    };
}

sql! {
    BY_ID = concat!(
        "SELECT ", columns!(), " FROM challenges WHERE id = $1 AND conversation_id = $2 AND ($3 = 'system' \
         OR conversation_id IN (SELECT id FROM conversations WHERE owner = $3))"
    );
    LIVE = concat!(
        "SELECT ", columns!(), " FROM challenges WHERE identifier_key = $1 AND $2 = 'system' \
         AND status = 'live' AND expires_at > $3 ORDER BY issued_at, id"
    );
    USED = concat!(
        "SELECT ", columns!(), " FROM challenges WHERE identifier_key = $1 AND $2 = 'system' \
         AND status = 'consumed' AND consumed_at > $3 ORDER BY consumed_at DESC LIMIT 3"
    );
    LAST_REFERENCE = "SELECT reference FROM challenges WHERE conversation_id = $1 AND ($2 = 'system' \
                      OR conversation_id IN (SELECT id FROM conversations WHERE owner = $2)) \
                      ORDER BY issued_at DESC, id DESC LIMIT 1";
    CHARGED = "SELECT at FROM charges WHERE challenge_id = $1 AND attempt = $2 AND ($3 = 'system' \
               OR challenge_id IN (SELECT ch.id FROM challenges ch \
               JOIN conversations co ON co.id = ch.conversation_id WHERE co.owner = $3))";
    INSERT = concat!(
        "INSERT INTO challenges (", columns!(), ") \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)"
    );
    ATTEMPT = "UPDATE challenges SET attempts = attempts + 1 \
               WHERE id = $1 AND status = 'live' AND attempts < max_attempts AND expires_at > $2";
    CONSUME = "UPDATE challenges SET status = 'consumed', consumed_by = $2, consumed_at = $3 \
               WHERE id = $1 AND status = 'live' AND expires_at > $3";
    BURN = "UPDATE challenges SET status = 'burnt' \
            WHERE id = $1 AND status = 'live' AND attempts >= max_attempts";
    SPEND = "UPDATE challenges SET spent_at = $2 \
             WHERE id = $1 AND status = 'consumed' AND spent_at IS NULL";
    SETTLED = "SELECT status FROM challenges WHERE prefix_key = $1 AND $2 = 'system' \
               AND issued_at > $3 AND (status = 'consumed' OR expires_at <= $4) ORDER BY issued_at DESC LIMIT $5";
    VOID = "UPDATE challenges SET status = 'void' WHERE id = $1 AND status = 'live'";
    VOID_PURPOSE = "UPDATE challenges SET status = 'void' \
                    WHERE conversation_id = $1 AND purpose = $2 AND status = 'live'";
    CHARGE = "INSERT INTO charges (challenge_id, attempt, at, identifier_key) VALUES ($1, $2, $3, $4) \
              ON CONFLICT DO NOTHING";
    ABSOLVE = "UPDATE charges SET identifier_key = NULL WHERE challenge_id = $1 AND attempt = $2";
    PURGE_CHARGES = "DELETE FROM charges WHERE at < $1";
    FAILED = "SELECT COUNT(*) FROM (SELECT at FROM charges WHERE identifier_key = $1 AND at > $2 \
              AND $3 = 'system' LIMIT $4) AS failed";
}

fn read(row: &Row) -> Result<Challenge, Error> {
    Ok(Challenge {
        id: row.id(0)?,
        conversation: row.id(1)?,
        device: row.id(2)?,
        session: row.maybe_id(3)?,
        user: row.maybe_id(4)?,
        purpose: row.text(5)?,
        channel: row.text(6)?,
        identifier_key: row.bytes(7)?,
        destination_sealed: row.maybe_bytes(8)?,
        prefix_key: row.maybe_bytes(9)?,
        reference: row.text(10)?,
        pepper: row.text(11)?,
        digits: row.int(12)?,
        issued_at: row.time(13)?,
        expires_at: row.time(14)?,
        status: row.named(15, ChallengeStatus::parse)?,
        attempts: row.int(16)?,
        max_attempts: row.int(17)?,
        consumed_at: row.maybe_time(18)?,
        consumed_by: row.maybe_text(19)?,
        spent_at: row.maybe_time(20)?,
    })
}

impl Challenge {
    /// Whether its code can still be given back.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.status == ChallengeStatus::Live && self.expires_at > now && self.attempts < self.max_attempts
    }
}

impl Store {
    /// A code of this conversation, if the conversation is the actor's.
    pub async fn challenge(
        &self,
        actor: &Actor,
        conversation: &ConversationId,
        id: &ChallengeId,
    ) -> Result<Option<Challenge>, Error> {
        self.record(actor, (BY_ID, args![id, conversation, actor.as_str()]), read).await
    }

    /// The codes that can be given back for an identifier, whoever asked for them, the oldest first. Nobody but the
    /// system gets an answer.
    pub async fn live_challenges(
        &self,
        actor: &Actor,
        identifier_key: &[u8],
        now: Timestamp,
    ) -> Result<Vec<Challenge>, Error> {
        self.records(actor, (LIVE, args![identifier_key, actor.as_str(), now]), read).await
    }

    /// The codes for an identifier that were given back last, a few of them. Nobody but the system gets an answer.
    pub async fn consumed_challenges(
        &self,
        actor: &Actor,
        identifier_key: &[u8],
        since: Timestamp,
    ) -> Result<Vec<Challenge>, Error> {
        self.records(actor, (USED, args![identifier_key, actor.as_str(), since]), read).await
    }

    /// Of the last codes to a prefix whose time is over, how many there are and how many were given back. Nobody but the
    /// system gets an answer.
    pub async fn conversion(
        &self,
        actor: &Actor,
        prefix_key: &[u8],
        asked: Conversion,
    ) -> Result<(u32, u32), Error> {
        let Conversion { since, now, last } = asked;
        let question = (SETTLED, args![prefix_key, actor.as_str(), since, now, last]);
        let statuses = self.records(actor, question, |row| row.named(0, ChallengeStatus::parse)).await?;
        let given_back = statuses.iter().filter(|status| **status == ChallengeStatus::Consumed).count();
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Ok((count(statuses.len()), count(given_back)))
    }

    /// How many tries failed for an identifier since a moment; no more than `most` are counted. Nobody but the system gets
    /// an answer.
    pub async fn failed_tries(
        &self,
        actor: &Actor,
        identifier_key: &[u8],
        (since, most): (Timestamp, u32),
    ) -> Result<u32, Error> {
        let question = (FAILED, args![identifier_key, since, actor.as_str(), most]);
        let count = self.record(actor, question, |row| row.int(0)).await?.unwrap_or_default();
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// The reference of the code that a conversation asked for last.
    pub async fn last_reference(
        &self,
        actor: &Actor,
        conversation: &ConversationId,
    ) -> Result<Option<String>, Error> {
        let question = (LAST_REFERENCE, args![conversation, actor.as_str()]);
        self.record(actor, question, |row| row.text(0)).await
    }

    /// Whether this very try was charged before.
    pub async fn charged(
        &self,
        actor: &Actor,
        id: &ChallengeId,
        attempt: &[u8],
    ) -> Result<Option<Timestamp>, Error> {
        let question = (CHARGED, args![id, attempt, actor.as_str()]);
        self.record(actor, question, |row| row.time(0)).await
    }
}

/// Adds a code.
pub fn insert(new: &Challenge) -> Write {
    Write::one(
        INSERT,
        args![
            &new.id,
            &new.conversation,
            &new.device,
            &new.session,
            &new.user,
            &new.purpose,
            &new.channel,
            &new.identifier_key,
            &new.destination_sealed,
            &new.prefix_key,
            &new.reference,
            &new.pepper,
            new.digits,
            new.issued_at,
            new.expires_at,
            new.status,
            new.attempts,
            new.max_attempts,
            new.consumed_at,
            &new.consumed_by,
            new.spent_at,
        ],
    )
}

/// Takes one try; stale unless the code is live and has one left.
pub fn attempt(id: &ChallengeId, now: Timestamp) -> Write {
    Write::one(ATTEMPT, args![id, now])
}

/// The code was given back; stale unless it is live.
pub fn consume(id: &ChallengeId, by: &str, now: Timestamp) -> Write {
    Write::one(CONSUME, args![id, by, now])
}

/// The one act it stood for is done; stale unless it was given back and stands for one still.
pub fn spend(id: &ChallengeId, now: Timestamp) -> Write {
    Write::one(SPEND, args![id, now])
}

/// The tries are used up; stale unless they are and the code is live.
pub fn burn(id: &ChallengeId) -> Write {
    Write::one(BURN, args![id])
}

/// The code is worth nothing any more, if it was live.
pub fn void(id: &ChallengeId) -> Write {
    Write::any(VOID, args![id])
}

/// No live code of this conversation for this purpose is worth anything any more.
pub fn void_purpose(conversation: &ConversationId, purpose: &str) -> Write {
    Write::any(VOID_PURPOSE, args![conversation, purpose])
}

/// Notes that a try was charged, and for which identifier it counts as failed until it turns out right; stale if this very
/// try was charged before.
pub fn charge(id: &ChallengeId, attempt: &[u8], at: Timestamp, failed_for: Option<&[u8]>) -> Write {
    Write::one(CHARGE, args![id, attempt, at, failed_for])
}

/// Forgets the charges made before: no limit reaches back so far, and no code of that time is alive.
pub fn purge_charges(before: Timestamp) -> Write {
    Write::any(PURGE_CHARGES, args![before])
}

/// A charged try turned out right: it counts as failed no more.
pub fn absolve(id: &ChallengeId, attempt: &[u8]) -> Write {
    Write::any(ABSOLVE, args![id, attempt])
}
