//! Floor 1: everything that is kept, in SQLite or Postgres.
//!
//! A turn reads through [`Store`]'s methods and writes by adding [`Write`]s to a [`Unit`]; [`Store::apply`] then runs
//! the whole set in one transaction. What holds here:
//!
//! - Nothing is half kept: a set is applied whole or not at all, whatever becomes of the caller
//!   (`tests/it/store/apply.rs`).
//! - A guard is a condition in the `WHERE` and a count of rows; a count other than the expected is
//!   [`Applied::Stale`], never an error (`tests/it/store/apply.rs`).
//! - Every question takes an [`Actor`] and asks for that actor's rows only, in SQL; somebody else's row is `None`
//!   (`tests/it/store/isolation.rs`).
//! - There is one text for each statement, and both databases take it (`tests/it/store/schema.rs`). Which of the two
//!   it is, is known below `db/` alone.
//!
//! It does not know what a conversation's state, a reply or a counter's marks mean (they are text), what a hash is the
//! hash of, or what time it is.
//!
//! Adding a table: a file in both folders of `migrations/` under the same name, its line in `db/migrate.rs`; a module
//! here with its record, its statements in one `sql!` and its functions; a line in [`STATEMENTS`]; a round trip in
//! `tests/it/store/`. Adding a statement: a line in the table's `sql!`, in the words both databases know.

mod db;
mod error;
mod meter;
mod options;
mod write;

pub mod audit;
pub mod challenges;
pub mod channels;
pub mod contact_changes;
pub mod conversations;
pub mod counters;
pub mod dev_outbox;
pub mod device_data;
pub mod devices;
pub mod erase;
pub mod instance;
pub mod messages;
pub mod model_usage;
pub mod opt_outs;
pub mod outbox;
pub mod pending;
pub mod revocations;
pub mod sessions;
pub mod slots;
pub mod trusts;
pub mod users;

use std::sync::Arc;

use db::{Db, Row, Statements};

pub use audit::StoredEvent;
pub use challenges::{Challenge, ChallengeStatus};
pub use channels::InboundMessage;
pub use contact_changes::{ChangeStatus, ContactChange};
pub use conversations::Conversation;
pub use counters::Counter;
pub use dev_outbox::DevMessage;
pub use device_data::DataList;
pub use devices::{Device, Rotation};
pub use error::Error;
pub use messages::{Message, Role};
pub use meter::Meter;
pub use options::Options;
pub use outbox::{Effect, EffectStatus, Finish, Report};
pub use pending::{PendingResponse, PendingStatus};
pub use revocations::{Revocation, RevocationKind};
pub use sessions::{Found, Session, TokenExchange};
pub use trusts::Trust;
pub use users::User;
pub use write::{Applied, Expect, Unit, Value, Write};

use crate::model::Actor;

/// Names a table's statements and lists them.
macro_rules! sql {
    ($($name:ident = $text:expr;)+) => {
        // Statics and not constants: a statement is known by its address.
        $(static $name: &str = $text;)+

        /// The table's statements by name.
        pub(in crate::store) static STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $text)),+];
    };
}
use sql;

/// A closed set that is stored by name.
macro_rules! named {
    ($(#[$doc:meta])* $set:ident { $($(#[$about:meta])* $variant:ident = $name:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $set {
            $($(#[$about])* $variant),+
        }

        impl $set {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Reads a stored name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl From<$set> for $crate::store::Value {
            fn from(value: $set) -> Self {
                Self::from(value.as_str())
            }
        }
    };
}
use named;

/// Every statement of the store: for each table its statements, by name.
pub static STATEMENTS: &[(&str, &[(&str, &str)])] = &[
    ("conversations", conversations::STATEMENTS),
    ("messages", messages::STATEMENTS),
    ("model_usage", model_usage::STATEMENTS),
    ("pending", pending::STATEMENTS),
    ("users", users::STATEMENTS),
    ("device_data", device_data::STATEMENTS),
    ("devices", devices::STATEMENTS),
    ("sessions", sessions::STATEMENTS),
    ("revocations", revocations::STATEMENTS),
    ("challenges", challenges::STATEMENTS),
    ("counters", counters::STATEMENTS),
    ("slots", slots::STATEMENTS),
    ("trusts", trusts::STATEMENTS),
    ("contact_changes", contact_changes::STATEMENTS),
    ("outbox", outbox::STATEMENTS),
    ("outbox changes", outbox::change::STATEMENTS),
    ("outbox report", outbox::report::STATEMENTS),
    ("opt_outs", opt_outs::STATEMENTS),
    ("channels", channels::STATEMENTS),
    ("audit", audit::STATEMENTS),
    ("dev_outbox", dev_outbox::STATEMENTS),
    ("erase", erase::STATEMENTS),
    ("instance", instance::STATEMENTS),
];

/// An open database. Cheap to clone; the clones share connections.
#[derive(Debug, Clone)]
pub struct Store {
    db: Arc<Db>,
    statements: Arc<Statements>,
}

impl Store {
    /// Opens the database, makes what is missing (folder, file, schema) and brings the tables up to date. Needs a
    /// tokio runtime, on which the writer lives.
    pub async fn open(options: &Options) -> Result<Self, Error> {
        let statements = Arc::new(Statements::default());
        let db = Db::open(options, Arc::clone(&statements)).await?;
        Ok(Self { db: Arc::new(db), statements })
    }

    /// Opens a database that is there, to read it and nothing else: nothing is made or brought up to date, and every set of
    /// writes is refused. One whose tables are of another version may not be readable.
    pub async fn open_to_read(options: &Options) -> Result<Self, Error> {
        let statements = Arc::new(Statements::default());
        let db = Db::open_to_read(options, Arc::clone(&statements)).await?;
        Ok(Self { db: Arc::new(db), statements })
    }

    /// Runs the writes in one transaction, in their order. Dropping this future never splits the set: it is applied
    /// whole or not at all.
    pub async fn apply(&self, actor: &Actor, writes: Vec<Write>) -> Result<Applied, Error> {
        if writes.is_empty() {
            return Ok(Applied::Done);
        }
        Meter::count(writes.len());
        self.db.apply(actor, writes).await
    }

    /// Statements run so far, questions and writes; the brackets of transactions are not counted.
    pub fn statements(&self) -> u64 {
        self.statements.so_far()
    }

    /// Asks whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.db.ping().await
    }

    /// Asks the database to prepare every statement of [`STATEMENTS`]; the first it refuses is the error.
    pub async fn prepare_all(&self) -> Result<(), Error> {
        for (_, sql) in STATEMENTS.iter().flat_map(|(_, statements)| *statements) {
            self.db.prepare(sql).await?;
        }
        Ok(())
    }

    /// Removes the Postgres schema that the options name, with all that is in it; nothing where they name none. For
    /// databases that were made for a test or a scenario and are closed.
    pub async fn erase_schema(options: &Options) -> Result<(), Error> {
        Db::erase_schema(options).await
    }

    /// Takes no more sets, finishes those that wait, and lets the connections go. Every clone is closed by it.
    pub async fn close(&self) {
        self.db.close().await;
    }

    async fn records<T>(
        &self,
        actor: &Actor,
        (sql, args): (&'static str, Vec<Value>),
        read: fn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        Meter::count(1);
        self.db.rows(actor, sql, args).await?.iter().map(read).collect()
    }

    async fn record<T>(
        &self,
        actor: &Actor,
        (sql, args): (&'static str, Vec<Value>),
        read: fn(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        Meter::count(1);
        self.db.rows(actor, sql, args).await?.first().map(read).transpose()
    }
}
