//! Writes as data: a statement, its arguments, and how many rows it has to touch.

use jiff::Timestamp;

use crate::model::Owner;

/// One argument of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// Text or null.
    MaybeText(Option<String>),
    /// An integer, a time in microseconds, or 0 and 1.
    Int(i64),
    /// The same or null.
    MaybeInt(Option<i64>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Bytes or null.
    MaybeBytes(Option<Vec<u8>>),
}

macro_rules! value_from {
    ($($from:ty, $value:ident => $made:expr;)+) => {
        $(impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $made
            }
        })+
    };
}

value_from! {
    &str, v => Self::Text(v.to_owned());
    &String, v => Self::Text(v.clone());
    String, v => Self::Text(v);
    Option<&str>, v => Self::MaybeText(v.map(str::to_owned));
    &Option<String>, v => Self::MaybeText(v.clone());
    &Owner, v => Self::Text(v.as_str().to_owned());
    i64, v => Self::Int(v);
    u32, v => Self::Int(v.into());
    bool, v => Self::Int(v.into());
    Option<i64>, v => Self::MaybeInt(v);
    Timestamp, v => Self::Int(v.as_microsecond());
    Option<Timestamp>, v => Self::MaybeInt(v.map(Timestamp::as_microsecond));
    &[u8], v => Self::Bytes(v.to_owned());
    &Vec<u8>, v => Self::Bytes(v.clone());
    &Option<Vec<u8>>, v => Self::MaybeBytes(v.clone());
    Option<&[u8]>, v => Self::MaybeBytes(v.map(<[u8]>::to_vec));
}

macro_rules! value_from_id {
    ($($id:ident),+) => {
        $(impl From<&crate::model::$id> for Value {
            fn from(id: &crate::model::$id) -> Self {
                Self::Text(id.as_str().to_owned())
            }
        }

        impl From<&Option<crate::model::$id>> for Value {
            fn from(id: &Option<crate::model::$id>) -> Self {
                Self::MaybeText(id.as_ref().map(|id| id.as_str().to_owned()))
            }
        })+
    };
}

value_from_id!(
    UserId,
    DeviceId,
    SessionId,
    ConversationId,
    MessageId,
    ChallengeId,
    ContactChangeId,
    EffectId,
    EventId
);

/// The arguments of a statement, each turned into a [`Value`].
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::store::Value::from($value)),*] };
}
pub(super) use args;

/// How many rows a write has to touch for its set to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// Exactly this many; anything else is [`Applied::Stale`].
    Rows(u64),
    /// Any number, none included.
    Any,
}

impl Expect {
    /// Whether the count is as expected.
    pub fn holds(self, rows: u64) -> bool {
        match self {
            Self::Rows(expected) => rows == expected,
            Self::Any => true,
        }
    }
}

/// One statement of a set, not yet run.
#[derive(Debug, Clone)]
pub struct Write {
    /// One of the store's statements.
    pub sql: &'static str,
    /// Its arguments, `$1` first.
    pub args: Vec<Value>,
    /// How many rows it has to touch.
    pub expect: Expect,
}

impl Write {
    /// A write that has to touch exactly one row.
    pub(super) fn one(sql: &'static str, args: Vec<Value>) -> Self {
        Self { sql, args, expect: Expect::Rows(1) }
    }

    /// A write that may touch any number of rows.
    pub(super) fn any(sql: &'static str, args: Vec<Value>) -> Self {
        Self { sql, args, expect: Expect::Any }
    }
}

/// What became of a set.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Every write is kept.
    Done,
    /// Nothing is kept: a guard did not hold. Read again and try again.
    Stale {
        /// The first write whose count was not the expected one, from 0.
        at: usize,
    },
}

/// A turn's writes, in the order they will run. Dropping it drops a list.
#[derive(Debug, Default)]
pub struct Unit {
    writes: Vec<Write>,
}

impl Unit {
    /// An empty unit.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a write at the end.
    pub fn push(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// How many writes there are.
    pub fn len(&self) -> usize {
        self.writes.len()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// The writes, for [`super::Store::apply`].
    pub fn into_writes(self) -> Vec<Write> {
        self.writes
    }
}

impl Extend<Write> for Unit {
    fn extend<I: IntoIterator<Item = Write>>(&mut self, writes: I) {
        self.writes.extend(writes);
    }
}
