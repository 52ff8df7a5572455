//! What can go wrong with the database. A guard that does not hold is no error: it is [`super::Applied::Stale`].

use std::error::Error as Cause;
use std::sync::Arc;

/// A fault of the database or of what is in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address names no database this product can use.
    #[error("`{scheme}` is no database address: it has to be `sqlite:PATH` or `postgres://…`")]
    Address {
        /// The part before the first colon; the rest may hold a password.
        scheme: String,
    },
    /// A schema name that would have to be quoted.
    #[error("`{schema}` is no schema name: a-z, 0-9 and _ only")]
    Schema {
        /// The name as given.
        schema: String,
    },
    /// The file or server cannot be reached.
    #[error("cannot open the database at {place}")]
    Open {
        /// The file, or host, port and database.
        place: String,
        /// What the system said.
        #[source]
        source: Box<dyn Cause + Send + Sync>,
    },
    /// A newer version of the product has been here.
    #[error(
        "the database at {place} is of version {found}, and this program knows versions up to {known}: \
         start the newer program"
    )]
    Newer {
        /// The file, or host, port and database.
        place: String,
        /// The version found.
        found: i64,
        /// The last version this program knows.
        known: i64,
    },
    /// The tables cannot be brought up to date.
    #[error("cannot bring the database at {place} up to date")]
    Migrate {
        /// The file, or host, port and database.
        place: String,
        /// What the database said.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// A question failed.
    #[error("the database did not answer a question")]
    Read(#[source] sqlx::Error),
    /// A row breaks a rule of the tables: a duplicate, a missing parent. Nothing of the set was kept.
    #[error("write {at} of the set breaks a rule of the tables")]
    Constraint {
        /// The write, counted from 0.
        at: usize,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// A statement failed. Nothing of the set was kept.
    #[error("write {at} of the set failed")]
    Write {
        /// The write, counted from 0.
        at: usize,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The transaction could not be opened or closed. With a server that went away in mid-commit, the set may have
    /// been kept. Sets that share a transaction share the cause.
    #[error("the transaction failed")]
    Transaction(#[source] Arc<sqlx::Error>),
    /// A write has another number of arguments than its statement.
    #[error("write {at} of the set has {given} arguments where its statement takes {taken}")]
    Arguments {
        /// The write, counted from 0.
        at: usize,
        /// How many it has.
        given: usize,
        /// How many it needs.
        taken: usize,
    },
    /// A stored value is not what its column promises.
    #[error("column `{column}` holds what it never should")]
    Corrupt {
        /// The column's name.
        column: String,
        /// Why the value was refused.
        #[source]
        source: Box<dyn Cause + Send + Sync>,
    },
    /// The actor's name could not stand inside a statement.
    #[error("the actor's name has a character outside a-z, 0-9 and _")]
    Actor,
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl Error {
    /// A failed statement, sorted by what the database said.
    pub(super) fn of_write(at: usize, source: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind as Kind;
        let rule = source.as_database_error().is_some_and(|error| {
            matches!(
                error.kind(),
                Kind::UniqueViolation
                    | Kind::ForeignKeyViolation
                    | Kind::NotNullViolation
                    | Kind::CheckViolation
                    | Kind::ExclusionViolation
            )
        });
        if rule { Self::Constraint { at, source } } else { Self::Write { at, source } }
    }

    /// A pool that is closed means that the store is.
    pub(super) fn of_read(source: sqlx::Error) -> Self {
        if matches!(source, sqlx::Error::PoolClosed) { Self::Closed } else { Self::Read(source) }
    }

    /// As [`Error::of_read`], for the ends of a transaction.
    pub(super) fn of_transaction(source: sqlx::Error) -> Self {
        if matches!(source, sqlx::Error::PoolClosed) {
            Self::Closed
        } else {
            Self::Transaction(source.into())
        }
    }
}
