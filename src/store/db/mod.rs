//! The one place that knows which database it is. Everything above speaks of statements, values and rows.

mod bundle;
mod migrate;
mod postgres;
mod row;
mod sqlite;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) use row::Row;

use super::options::Target;
use super::write::{Applied, Value, Write};
use super::{Error, Options};
use crate::model::Actor;

/// How many statements were run.
#[derive(Debug, Default)]
pub(super) struct Statements(AtomicU64);

impl Statements {
    fn count(&self, statements: usize) {
        self.0.fetch_add(statements as u64, Ordering::Relaxed);
    }

    /// The number so far.
    pub(super) fn so_far(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The databases this product runs on.
#[derive(Debug)]
pub(super) enum Db {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Db {
    /// Opens, makes what is missing and migrates.
    pub(super) async fn open(options: &Options, statements: Arc<Statements>) -> Result<Self, Error> {
        Ok(match options.target()? {
            Target::Sqlite(path) => {
                Self::Sqlite(sqlite::Sqlite::open(path, options.connections, statements).await?)
            }
            Target::Postgres(url) => {
                Self::Postgres(postgres::Postgres::open(&url, options, statements).await?)
            }
        })
    }

    /// Opens what is there, to read it and nothing else.
    pub(super) async fn open_to_read(options: &Options, statements: Arc<Statements>) -> Result<Self, Error> {
        Ok(match options.target()? {
            Target::Sqlite(path) => {
                Self::Sqlite(sqlite::Sqlite::open_to_read(path, options.connections, statements).await?)
            }
            Target::Postgres(url) => {
                Self::Postgres(postgres::Postgres::open_to_read(&url, options, statements).await?)
            }
        })
    }

    /// Removes the schema that the options name.
    pub(super) async fn erase_schema(options: &Options) -> Result<(), Error> {
        match (options.target()?, &options.schema) {
            (Target::Postgres(url), Some(schema)) => postgres::erase_schema(&url, schema).await,
            _ => Ok(()),
        }
    }

    /// Runs one question and gives all its rows.
    pub(super) async fn rows(
        &self,
        actor: &Actor,
        sql: &'static str,
        args: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(db) => db.rows(sql, args).await,
            Self::Postgres(db) => db.rows(actor, sql, args).await,
        }
    }

    /// Runs a set of writes in one transaction.
    pub(super) async fn apply(&self, actor: &Actor, writes: Vec<Write>) -> Result<Applied, Error> {
        match self {
            Self::Sqlite(db) => db.apply(writes).await,
            Self::Postgres(db) => db.apply(actor, writes).await,
        }
    }

    /// Prepares a statement without running it.
    pub(super) async fn prepare(&self, sql: &'static str) -> Result<(), Error> {
        match self {
            Self::Sqlite(db) => db.prepare(sql).await,
            Self::Postgres(db) => db.prepare(sql).await,
        }
    }

    /// Asks whether the database answers.
    pub(super) async fn ping(&self) -> Result<(), Error> {
        match self {
            Self::Sqlite(db) => db.ping().await,
            Self::Postgres(db) => db.ping().await,
        }
    }

    /// Takes no more sets, finishes those that wait, and lets the connections go.
    pub(super) async fn close(&self) {
        match self {
            Self::Sqlite(db) => db.close().await,
            Self::Postgres(db) => db.close().await,
        }
    }
}

/// The arguments in the driver's own form. One text for two drivers whose traits have no common bound worth writing.
macro_rules! bind {
    ($arguments:ty, $values:expr) => {{
        use sqlx::Arguments as _;
        let mut bound = <$arguments>::default();
        let mut failed = None;
        for value in $values {
            let added = match value {
                $crate::store::Value::Text(v) => bound.add(v),
                $crate::store::Value::MaybeText(v) => bound.add(v),
                $crate::store::Value::Int(v) => bound.add(v),
                $crate::store::Value::MaybeInt(v) => bound.add(v),
                $crate::store::Value::Bytes(v) => bound.add(v),
                $crate::store::Value::MaybeBytes(v) => bound.add(v),
            };
            if let Err(source) = added {
                failed = Some(sqlx::Error::Encode(source));
                break;
            }
        }
        match failed {
            None => Ok(bound),
            Some(error) => Err(error),
        }
    }};
}
use bind;
