//! The one task that writes to SQLite. It takes whatever sets are waiting and commits them together, because the
//! commit (`synchronous=FULL`, a disk flush) costs more than all the statements in it.
//!
//! Inside the shared transaction each set has a savepoint, so that a set that is stale or broken takes nobody with it.
//! No verdict leaves before the commit: a caller who hears `Stale` and reads again must see what it lost against.

use std::sync::Arc;

use futures::TryStreamExt;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Executor};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::bundle::{Bundles, HEAD_STATEMENTS};
use super::{Statements, bind};
use crate::store::{Applied, Error, Write};

/// Most sets in one commit.
const SHARED: usize = 256;

const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT one";
const UNDO: &str = "ROLLBACK TO one";
const COMMIT: &str = "COMMIT";

type Verdict = Result<Applied, Error>;

/// A set and who waits for it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) writes: Vec<Write>,
    pub(super) verdict: oneshot::Sender<Verdict>,
}

/// The task's state.
#[derive(Debug)]
pub(super) struct Writer {
    options: SqliteConnectOptions,
    /// `None` after a failed transaction: what state the connection is in is then anybody's guess, so a new one is
    /// made.
    connection: Option<SqliteConnection>,
    bundles: Bundles,
    statements: Arc<Statements>,
}

impl Writer {
    pub(super) fn new(
        options: SqliteConnectOptions,
        connection: SqliteConnection,
        statements: Arc<Statements>,
    ) -> Self {
        Self { options, connection: Some(connection), bundles: Bundles::default(), statements }
    }

    /// Works until it is told to stop, or until nobody is left who could send a set; the waiting sets are finished.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>, stop: CancellationToken) {
        let mut jobs = Vec::new();
        loop {
            let received = tokio::select! {
                () = stop.cancelled(), if !queue.is_closed() => {
                    queue.close();
                    continue;
                }
                received = queue.recv_many(&mut jobs, SHARED) => received,
            };
            if received == 0 {
                break;
            }
            self.work(std::mem::take(&mut jobs)).await;
        }
        self.disconnect().await;
    }

    async fn work(&mut self, jobs: Vec<Job>) {
        let (sets, callers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|j| (j.writes, j.verdict)).unzip();
        let verdicts = match self.together(&sets).await {
            Ok(verdicts) => verdicts,
            Err(Failed::ToBegin(cause)) => refused(&sets, &cause).collect(),
            Err(Failed::Within(cause)) => {
                tracing::warn!(
                    error = &*cause as &dyn std::error::Error,
                    sets = sets.len(),
                    "a shared commit failed; each set is tried alone"
                );
                self.one_by_one(&sets).await
            }
        };
        for (caller, verdict) in callers.into_iter().zip(verdicts) {
            // A caller that went away is no reason to undo what is committed.
            let _gone = caller.send(verdict);
        }
    }

    async fn one_by_one(&mut self, sets: &[Vec<Write>]) -> Vec<Verdict> {
        let mut verdicts = Vec::with_capacity(sets.len());
        for set in sets.chunks(1) {
            match self.together(set).await {
                Ok(alone) => verdicts.extend(alone),
                Err(Failed::Within(cause)) => verdicts.extend(refused(set, &cause)),
                // Somebody holds the file. Each of the others would wait as long as this one did, and in vain.
                Err(Failed::ToBegin(cause)) => {
                    let rest = sets.get(verdicts.len()..).unwrap_or_default();
                    verdicts.extend(refused(rest, &cause));
                    break;
                }
            }
        }
        verdicts
    }

    /// One transaction over the sets; a failure means that none of them is kept.
    async fn together(&mut self, sets: &[Vec<Write>]) -> Result<Vec<Verdict>, Failed> {
        let ended = self.transaction(sets).await;
        if ended.is_err() {
            self.disconnect().await;
        }
        ended
    }

    async fn transaction(&mut self, sets: &[Vec<Write>]) -> Result<Vec<Verdict>, Failed> {
        let Self { options, connection, bundles, statements } = self;
        let connection = match connection {
            Some(connection) => connection,
            gone @ None => gone.insert(options.connect().await.map_err(Failed::to_begin)?),
        };
        raw(connection, BEGIN).await.map_err(Failed::to_begin)?;
        let mut verdicts = Vec::with_capacity(sets.len());
        for set in sets {
            statements.count(set.len());
            let verdict = match bundles.text(set) {
                Ok(text) => one(connection, set, text).await,
                Err(error) => Err(error),
            };
            if !matches!(verdict, Ok(Applied::Done)) {
                // Fails if SQLite gave up the whole transaction (a full disk, say), and so ends it here too.
                raw(connection, UNDO).await.map_err(Failed::within)?;
            }
            verdicts.push(verdict);
        }
        raw(connection, COMMIT).await.map_err(Failed::within)?;
        Ok(verdicts)
    }

    async fn disconnect(&mut self) {
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "the writer's connection did not close");
        }
    }
}

/// Where a transaction failed: before the sets had a part in it, or with them.
#[derive(Debug)]
enum Failed {
    ToBegin(Arc<sqlx::Error>),
    Within(Arc<sqlx::Error>),
}

impl Failed {
    fn to_begin(cause: sqlx::Error) -> Self {
        Self::ToBegin(cause.into())
    }

    fn within(cause: sqlx::Error) -> Self {
        Self::Within(cause.into())
    }
}

fn refused(sets: &[Vec<Write>], cause: &Arc<sqlx::Error>) -> impl Iterator<Item = Verdict> {
    sets.iter().map(|_| Err(Error::Transaction(Arc::clone(cause))))
}

async fn raw(connection: &mut SqliteConnection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}

/// Runs one set's bundle and reads the count of each of its statements.
async fn one(connection: &mut SqliteConnection, set: &[Write], text: Arc<str>) -> Verdict {
    let values = set.iter().flat_map(|write| write.args.iter().cloned());
    let bound = bind!(SqliteArguments, values).map_err(|source| Error::of_write(0, source))?;
    let mut results = connection.fetch_many(sqlx::query_with(AssertSqlSafe(text), bound));
    let mut stale = None;
    let mut ended = 0_usize;
    loop {
        match results.try_next().await {
            Ok(Some(Either::Left(done))) => {
                let at = ended.checked_sub(HEAD_STATEMENTS);
                ended += 1;
                let Some((at, write)) = at.and_then(|at| Some((at, set.get(at)?))) else { continue };
                if stale.is_none() && !write.expect.holds(done.rows_affected()) {
                    stale = Some(Applied::Stale { at });
                }
            }
            Ok(Some(Either::Right(_))) => {}
            Ok(None) => return Ok(stale.unwrap_or(Applied::Done)),
            // The bundle goes on after a guard that does not hold, and what comes later may fail for that very reason.
            Err(source) => {
                let at = ended.saturating_sub(HEAD_STATEMENTS);
                return stale.ok_or_else(|| Error::of_write(at, source));
            }
        }
    }
}
