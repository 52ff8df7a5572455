//! What the outbox came to, counted: for reports and for metrics.

use jiff::Timestamp;

use crate::model::Actor;
use crate::store::write::args;
use crate::store::{Error, Store, sql};

/// Effects of one kind, in one status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// The kind.
    pub kind: String,
    /// The status.
    pub status: String,
    /// How many there are.
    pub effects: i64,
}

/// Text messages with codes to one country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// The country's two letters, or none where it is not known.
    pub country: Option<String>,
    /// Codes asked for.
    pub asked: i64,
    /// Codes that a provider took.
    pub sent: i64,
    /// Codes that arrived, as far as providers say.
    pub delivered: i64,
    /// Codes that were given back.
    pub given_back: i64,
}

sql! {
    COUNTS = "SELECT kind, status, COUNT(*) FROM outbox WHERE $1 = 'system' AND created_at >= $2 AND kind <> 'timer' \
              GROUP BY kind, status ORDER BY kind, status";
    OLDEST = "SELECT MIN(created_at) FROM outbox WHERE $1 = 'system' AND status = 'queued' \
              AND kind <> 'timer'";
    SUMS = "SELECT o.country, COUNT(*), \
            COUNT(CASE WHEN o.status = 'sent' OR o.delivery IS NOT NULL THEN 1 END), \
            COUNT(CASE WHEN o.delivery = 'delivered' THEN 1 END), \
            COUNT(CASE WHEN c.status = 'consumed' THEN 1 END) \
            FROM outbox o JOIN challenges c ON c.id = o.challenge_id \
            WHERE $1 = 'system' AND o.kind = 'sms' AND o.created_at >= $2 GROUP BY o.country ORDER BY 2 DESC, 1";
}

impl Store {
    /// How many effects of each kind but timers, and of each status, were queued since then.
    pub async fn outbox_counts(&self, actor: &Actor, since: Timestamp) -> Result<Vec<Count>, Error> {
        self.records(actor, (COUNTS, args![actor.as_str(), since]), |row| {
            Ok(Count { kind: row.text(0)?, status: row.text(1)?, effects: row.int(2)? })
        })
        .await
    }

    /// Since when the effect waits that waits longest; a timer waits because it is meant to.
    pub async fn oldest_waiting(&self, actor: &Actor) -> Result<Option<Timestamp>, Error> {
        let found = self.record(actor, (OLDEST, args![actor.as_str()]), |row| row.maybe_time(0)).await?;
        Ok(found.flatten())
    }

    /// What became of the codes sent by text message since then, by country.
    pub async fn code_sums(&self, actor: &Actor, since: Timestamp) -> Result<Vec<Sum>, Error> {
        self.records(actor, (SUMS, args![actor.as_str(), since]), |row| {
            Ok(Sum {
                country: row.maybe_text(0)?,
                asked: row.int(1)?,
                sent: row.int(2)?,
                delivered: row.int(3)?,
                given_back: row.int(4)?,
            })
        })
        .await
    }
}
