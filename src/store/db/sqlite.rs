//! SQLite: a file, a pool that reads, and the one task that writes.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Executor, SqlSafeStr};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bundle::SHAPES;
use super::writer::{Job, Writer};
use super::{Row, Statements, bind, migrate};
use crate::store::{Applied, Error, Value, Write};

/// How long a writer of another process, or a free reader, is waited for.
const BUSY: Duration = Duration::from_secs(5);

/// Between two tries to make the file a write-ahead one.
const PAUSE: Duration = Duration::from_millis(10);

/// Sets that may wait for the writer before callers have to queue.
const WAITING: usize = 1024;

/// An open file.
#[derive(Debug)]
pub(in crate::store) struct Sqlite {
    reads: SqlitePool,
    sets: mpsc::Sender<Job>,
    stop: CancellationToken,
    tasks: TaskTracker,
    statements: Arc<Statements>,
}

impl Sqlite {
    pub(super) async fn open(
        path: PathBuf,
        connections: u32,
        statements: Arc<Statements>,
    ) -> Result<Self, Error> {
        let place = path.display().to_string();
        let refused =
            |source: Box<dyn std::error::Error + Send + Sync>| Error::Open { place: place.clone(), source };
        make_file(&path).map_err(|source| refused(source.into()))?;

        let base = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(BUSY)
            .foreign_keys(true)
            .disable_statement_logging();
        let writing = base
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .statement_cache_capacity(SHAPES);
        let mut connection = first(&writing).await.map_err(|source| refused(source.into()))?;
        let migrator = migrate::sqlite();
        // SQLite has no lock of sqlx's for migrations; within a write transaction, a second process that starts at the
        // same time waits and finds the work done.
        let mut locked =
            connection.begin_with("BEGIN IMMEDIATE").await.map_err(|source| refused(source.into()))?;
        migrator.run(&mut *locked).await.map_err(|source| migrate::refused(&place, &migrator, source))?;
        locked.commit().await.map_err(|source| refused(source.into()))?;
        // The readers come after the writer, who makes the shared memory file that they may not make.
        let reads = SqlitePoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(BUSY)
            .test_before_acquire(false)
            .connect_with(base.read_only(true))
            .await
            .map_err(|source| refused(source.into()))?;

        let (sets, queue) = mpsc::channel(WAITING);
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        let writer = Writer::new(writing, connection, Arc::clone(&statements));
        tasks.spawn(writer.run(queue, stop.clone()));
        Ok(Self { reads, sets, stop, tasks, statements })
    }

    pub(super) async fn open_to_read(
        path: PathBuf,
        connections: u32,
        statements: Arc<Statements>,
    ) -> Result<Self, Error> {
        let place = path.display().to_string();
        let base = SqliteConnectOptions::new()
            .filename(&path)
            .busy_timeout(BUSY)
            .disable_statement_logging()
            .read_only(true);
        let reads = SqlitePoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(BUSY)
            .test_before_acquire(false)
            .connect_with(base)
            .await
            .map_err(|source| Error::Open { place, source: source.into() })?;
        // Nobody takes what is sent, so every set is refused.
        let (sets, _) = mpsc::channel(1);
        Ok(Self { reads, sets, stop: CancellationToken::new(), tasks: TaskTracker::new(), statements })
    }

    pub(super) async fn rows(&self, sql: &'static str, args: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.statements.count(1);
        let bound = bind!(SqliteArguments, args).map_err(Error::of_read)?;
        let rows = sqlx::query_with(sql, bound).fetch_all(&self.reads).await.map_err(Error::of_read)?;
        Ok(rows.into_iter().map(Row::Sqlite).collect())
    }

    pub(super) async fn apply(&self, writes: Vec<Write>) -> Result<Applied, Error> {
        let (verdict, answer) = oneshot::channel();
        self.sets.send(Job { writes, verdict }).await.map_err(|_| Error::Closed)?;
        answer.await.map_err(|_| Error::Closed)?
    }

    pub(super) async fn prepare(&self, sql: &'static str) -> Result<(), Error> {
        let mut connection = self.reads.acquire().await.map_err(Error::of_read)?;
        connection.prepare(sql.into_sql_str()).await.map_err(Error::of_read)?;
        Ok(())
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        let mut connection = self.reads.acquire().await.map_err(Error::of_read)?;
        connection.ping().await.map_err(Error::of_read)?;
        // The connection's own ping only asks its thread; the file is asked by a question.
        self.rows("SELECT COUNT(*) FROM instance", Vec::new()).await.map(drop)
    }

    pub(super) async fn close(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.reads.close().await;
    }
}

/// The first connection makes the file a write-ahead one. SQLite answers "locked" at once, without waiting, where two
/// would do that at the same time; so it is tried again until the usual wait is over.
async fn first(writing: &SqliteConnectOptions) -> Result<SqliteConnection, sqlx::Error> {
    let mut left = BUSY.as_millis() / PAUSE.as_millis();
    loop {
        match writing.connect().await {
            Err(error) if left > 0 && is_busy(&error) => {
                left -= 1;
                tokio::time::sleep(PAUSE).await;
            }
            ended => return ended,
        }
    }
}

/// Whether another connection holds the file: `SQLITE_BUSY` (5), in any of its extended forms.
fn is_busy(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Makes the folder and the file, the latter for the owner's eyes alone; SQLite gives its side files the same mode.
fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
