//! Values shared by all nodes on one database: texts, and numbers that are added to.

use super::write::args;
use super::{Error, Store, Write, sql};
use crate::model::Actor;

sql! {
    VALUE = "SELECT value FROM instance WHERE key = $1 AND $2 = 'system'";
    NUMBER = "SELECT number FROM instance WHERE key = $1 AND $2 = 'system'";
    PUT = "INSERT INTO instance (key, value, number) VALUES ($1, $2, 0) \
           ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    ADD = "INSERT INTO instance (key, value, number) VALUES ($1, NULL, $2) \
           ON CONFLICT (key) DO UPDATE SET number = instance.number + excluded.number";
}

impl Store {
    /// A text; nobody but the system gets an answer.
    pub async fn instance_value(&self, actor: &Actor, key: &str) -> Result<Option<String>, Error> {
        let question = (VALUE, args![key, actor.as_str()]);
        Ok(self.record(actor, question, |row| row.maybe_text(0)).await?.flatten())
    }

    /// A number, 0 where nothing was added; nobody but the system gets another answer.
    pub async fn instance_number(&self, actor: &Actor, key: &str) -> Result<i64, Error> {
        let question = (NUMBER, args![key, actor.as_str()]);
        Ok(self.record(actor, question, |row| row.int(0)).await?.unwrap_or(0))
    }
}

/// Sets a text.
pub fn put(key: &str, value: &str) -> Write {
    Write::any(PUT, args![key, value])
}

/// Adds to a number, whoever else adds to it at the same time.
pub fn add(key: &str, delta: i64) -> Write {
    Write::any(ADD, args![key, delta])
}
