//! Postgres: a pool, and a transaction for each set that no caller can cut short.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, SqlSafeStr};
use tokio_util::task::TaskTracker;

use super::bundle::{check, taken};
use super::{Row, Statements, bind, migrate};
use crate::model::Actor;
use crate::store::{Applied, Error, Options, Value, Write};

/// How long a caller waits for a connection: a database out of reach has to be told soon.
const PATIENCE: Duration = Duration::from_secs(5);

/// An open server.
#[derive(Debug)]
pub(in crate::store) struct Postgres {
    pool: PgPool,
    tasks: TaskTracker,
    closed: AtomicBool,
    statements: Arc<Statements>,
}

impl Postgres {
    pub(super) async fn open(
        url: &str,
        options: &Options,
        statements: Arc<Statements>,
    ) -> Result<Self, Error> {
        let (server, place) = server(url, options)?;
        let refused = |source: sqlx::Error| Error::Open { place: place.clone(), source: source.into() };
        // Not through the pool, which tries a server that is not there for as long as its callers may wait.
        let mut connection = server.connect().await.map_err(refused)?;
        if let Some(schema) = &options.schema {
            make_schema(&mut connection, schema).await.map_err(refused)?;
        }
        let migrator = migrate::postgres();
        migrator.run(&mut connection).await.map_err(|source| migrate::refused(&place, &migrator, source))?;
        connection.close().await.map_err(refused)?;
        Ok(Self::over(server, options, statements, false))
    }

    pub(super) async fn open_to_read(
        url: &str,
        options: &Options,
        statements: Arc<Statements>,
    ) -> Result<Self, Error> {
        let (server, place) = server(url, options)?;
        let refused = |source: sqlx::Error| Error::Open { place: place.clone(), source: source.into() };
        server.connect().await.map_err(refused)?.close().await.map_err(refused)?;
        Ok(Self::over(server, options, statements, true))
    }

    /// One that is closed from the start takes no sets.
    fn over(server: PgConnectOptions, options: &Options, statements: Arc<Statements>, closed: bool) -> Self {
        // A test before each use would double the round trips of a read; `Session::begin` finds dead connections.
        let pool = PgPoolOptions::new()
            .max_connections(options.connections.max(2))
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .connect_lazy_with(server);
        Self { pool, tasks: TaskTracker::new(), closed: AtomicBool::new(closed), statements }
    }

    pub(super) async fn rows(
        &self,
        actor: &Actor,
        sql: &'static str,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        self.statements.count(1);
        let bound = bind!(PgArguments, args).map_err(Error::of_read)?;
        let mut session = Session::begin(&self.pool, "BEGIN READ ONLY", actor).await?;
        let rows =
            sqlx::query_with(sql, bound).fetch_all(session.connection()?).await.map_err(Error::of_read)?;
        session.end("COMMIT").await?;
        Ok(rows.into_iter().map(Row::Postgres).collect())
    }

    pub(super) async fn apply(&self, actor: &Actor, writes: Vec<Write>) -> Result<Applied, Error> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::Closed);
        }
        self.statements.count(writes.len());
        let (pool, actor) = (self.pool.clone(), actor.clone());
        let task = self.tasks.spawn(async move { apply(&pool, &actor, writes).await });
        // Only a runtime that is shutting down ends the task early.
        task.await.map_err(|_| Error::Closed)?
    }

    pub(super) async fn prepare(&self, sql: &'static str) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await.map_err(Error::of_read)?;
        connection.prepare(sql.into_sql_str()).await.map_err(Error::of_read)?;
        Ok(())
    }

    pub(super) async fn ping(&self) -> Result<(), Error> {
        Session::begin(&self.pool, "BEGIN READ ONLY", &Actor::System).await?.end("COMMIT").await
    }

    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.tasks.close();
        self.tasks.wait().await;
        self.pool.close().await;
    }
}

/// Where the server is, and its name for people.
fn server(url: &str, options: &Options) -> Result<(PgConnectOptions, String), Error> {
    let server = PgConnectOptions::from_str(url)
        .map_err(|source| Error::Open { place: "postgres".to_owned(), source: source.into() })?
        .disable_statement_logging();
    let place = format!(
        "{}:{}/{}",
        server.get_host(),
        server.get_port(),
        server.get_database().unwrap_or_else(|| server.get_username())
    );
    let server = match &options.schema {
        Some(schema) if schema.is_empty() || !schema.bytes().all(is_plain) => {
            return Err(Error::Schema { schema: schema.clone() });
        }
        Some(schema) => server.options([("search_path", schema)]),
        None => server,
    };
    Ok((server, place))
}

/// Removes a schema with all that is in it.
pub(super) async fn erase_schema(url: &str, schema: &str) -> Result<(), Error> {
    if schema.is_empty() || !schema.bytes().all(is_plain) {
        return Err(Error::Schema { schema: schema.to_owned() });
    }
    let refused = |source: sqlx::Error| Error::Open { place: "postgres".to_owned(), source: source.into() };
    let mut connection = PgConnection::connect(url).await.map_err(refused)?;
    let sql: Arc<str> = format!("DROP SCHEMA IF EXISTS {schema} CASCADE").into();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map_err(refused)?;
    connection.close().await.map_err(refused)
}

async fn make_schema(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    let sql: Arc<str> = format!("CREATE SCHEMA IF NOT EXISTS {schema}").into();
    let made = sqlx::raw_sql(AssertSqlSafe(Arc::clone(&sql))).execute(&mut *connection).await;
    if made.is_err() {
        // `IF NOT EXISTS` does not see a schema that another node is making; by the second time it is there.
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    }
    Ok(())
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')
}

/// A connection with an open transaction. Dropped before its end, by an error or by a caller that went away, it closes
/// the connection: back in the pool it would still be in the transaction, and in the name of the old actor.
struct Session(Option<PoolConnection<sqlx::Postgres>>);

impl Session {
    /// Opens a transaction in the actor's name, in one round trip. That trip takes no arguments, hence the check.
    async fn begin(pool: &PgPool, begin: &str, actor: &Actor) -> Result<Self, Error> {
        let name = actor.as_str();
        if !name.bytes().all(is_plain) {
            return Err(Error::Actor);
        }
        let opening: Arc<str> =
            format!("{begin}; SELECT set_config('vestibule.actor', '{name}', true)").into();
        let mut stale_connections = pool.options().get_max_connections();
        loop {
            let mut session = Self(Some(pool.acquire().await.map_err(Error::of_transaction)?));
            let opened = sqlx::raw_sql(AssertSqlSafe(Arc::clone(&opening)))
                .execute(session.connection()?)
                .await
                .map_err(Error::of_transaction);
            match opened {
                Ok(_) => return Ok(session),
                // After a restart of the server every pooled connection is dead once. Nothing was done yet.
                Err(error) if stale_connections > 0 && is_dead(&error) => stale_connections -= 1,
                Err(error) => return Err(error),
            }
        }
    }

    fn connection(&mut self) -> Result<&mut PgConnection, Error> {
        self.0.as_deref_mut().ok_or(Error::Closed)
    }

    /// Ends the transaction and gives the connection back.
    async fn end(mut self, sql: &'static str) -> Result<(), Error> {
        sqlx::raw_sql(sql).execute(self.connection()?).await.map_err(Error::of_transaction)?;
        drop(self.0.take());
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(mut connection) = self.0.take() {
            connection.close_on_drop();
        }
    }
}

fn is_dead(error: &Error) -> bool {
    let Error::Transaction(source) = error else { return false };
    match source.as_ref() {
        sqlx::Error::Io(_) => true,
        // 57P01 to 57P03: the server is going down or coming up.
        sqlx::Error::Database(said) => said.code().is_some_and(|code| code.starts_with("57P")),
        _ => false,
    }
}

async fn apply(pool: &PgPool, actor: &Actor, writes: Vec<Write>) -> Result<Applied, Error> {
    for (at, write) in writes.iter().enumerate() {
        check(at, write.args.len(), taken(write.sql))?;
    }
    let last = writes.len().saturating_sub(1);
    let mut session = Session::begin(pool, "BEGIN", actor).await?;
    for (at, write) in writes.into_iter().enumerate() {
        let bound = bind!(PgArguments, write.args).map_err(|source| Error::of_write(at, source))?;
        let ran = sqlx::query_with(write.sql, bound).execute(session.connection()?).await;
        let holds = match ran {
            Ok(done) => write.expect.holds(done.rows_affected()),
            Err(source) if lost_a_race(&source) => false,
            // The connection still answers, so it is worth keeping; should it not, the failed rollback closes it.
            Err(source) => {
                let error = Error::of_write(at, source);
                session.end("ROLLBACK").await?;
                return Err(error);
            }
        };
        if !holds {
            session.end("ROLLBACK").await?;
            return Ok(Applied::Stale { at });
        }
    }
    match session.end("COMMIT").await {
        Ok(()) => Ok(Applied::Done),
        Err(Error::Transaction(source)) if lost_a_race(&source) => Ok(Applied::Stale { at: last }),
        Err(error) => Err(error),
    }
}

/// A serialization failure or a deadlock: the other transaction won, and trying again is the cure.
fn lost_a_race(error: &sqlx::Error) -> bool {
    (error.as_database_error())
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "40001" || code == "40P01")
}
