//! A set of writes as one text, so that SQLite's thread is called once for a set and not once for a statement.

use std::collections::HashMap;
use std::sync::Arc;

use crate::store::{Error, Write};

/// Sets of one shape share a text. Turns have a few dozen shapes; the bound is for what nobody foresaw, and is equal
/// to the number of texts the writer's connection keeps prepared.
pub(super) const SHAPES: usize = 256;

/// What ends the set before and begins the next. The transaction therefore has the savepoint `one` open at all times.
const HEAD: &str = "RELEASE one; SAVEPOINT one";

/// How many results come before that of the first write.
pub(super) const HEAD_STATEMENTS: usize = 2;

/// Statements are told apart by where they are: all of them are statics.
type Shape = Vec<(usize, usize)>;

#[derive(Debug, Clone)]
struct Bundle {
    sql: Arc<str>,
    arity: Arc<[usize]>,
}

/// The texts made so far.
#[derive(Debug, Default)]
pub(super) struct Bundles {
    known: HashMap<Shape, Bundle>,
}

impl Bundles {
    /// The text of a set. SQLite binds null for an argument that is missing, so the numbers are compared here.
    pub(super) fn text(&mut self, writes: &[Write]) -> Result<Arc<str>, Error> {
        let shape: Shape = writes.iter().map(|w| (w.sql.as_ptr().addr(), w.sql.len())).collect();
        if self.known.len() >= SHAPES && !self.known.contains_key(&shape) {
            self.known.clear();
        }
        let bundle = self.known.entry(shape).or_insert_with(|| make(writes));
        for (at, (write, &taken)) in writes.iter().zip(bundle.arity.iter()).enumerate() {
            check(at, write.args.len(), taken)?;
        }
        Ok(Arc::clone(&bundle.sql))
    }
}

/// Refuses a write with more or fewer arguments than its statement takes.
pub(super) fn check(at: usize, given: usize, taken: usize) -> Result<(), Error> {
    if given == taken { Ok(()) } else { Err(Error::Arguments { at, given, taken }) }
}

fn make(writes: &[Write]) -> Bundle {
    let mut sql = HEAD.to_owned();
    let mut arity = Vec::with_capacity(writes.len());
    let mut offset = 0;
    for write in writes {
        sql.push_str("; ");
        let taken = renumber(write.sql, offset, &mut sql);
        arity.push(taken);
        offset += taken;
    }
    Bundle { sql: sql.into(), arity: arity.into() }
}

/// Copies a statement with every `$n` as `$(n + offset)`; gives the highest `n`.
fn renumber(sql: &str, offset: usize, out: &mut String) -> usize {
    let mut pieces = sql.split('$');
    out.push_str(pieces.next().unwrap_or_default());
    let mut highest = 0;
    for piece in pieces {
        let digits = piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = piece.split_at(digits);
        out.push('$');
        if let Ok(n) = number.parse::<usize>() {
            highest = highest.max(n);
            out.push_str(&(n + offset).to_string());
        }
        out.push_str(rest);
    }
    highest
}

/// How many arguments a statement takes.
pub(super) fn taken(sql: &str) -> usize {
    renumber(sql, 0, &mut String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(sql: &'static str, args: usize) -> Write {
        Write::any(sql, vec![crate::store::Value::Int(1); args])
    }

    #[test]
    fn each_statement_gets_numbers_of_its_own() {
        static INSERT: &str = "INSERT INTO t VALUES ($1, $2, $1)";
        static UPDATE: &str = "UPDATE t SET a = $12 WHERE b = $1";
        let text = Bundles::default().text(&[write(INSERT, 2), write(UPDATE, 12), write(INSERT, 2)]).unwrap();
        assert_eq!(
            &*text,
            "RELEASE one; SAVEPOINT one; INSERT INTO t VALUES ($1, $2, $1); \
             UPDATE t SET a = $14 WHERE b = $3; INSERT INTO t VALUES ($15, $16, $15)"
        );
    }

    #[test]
    fn a_wrong_number_of_arguments_is_refused_even_for_a_known_shape() {
        static DELETE: &str = "DELETE FROM t WHERE a = $1";
        let mut bundles = Bundles::default();
        assert!(bundles.text(&[write(DELETE, 1)]).is_ok());
        let refused = bundles.text(&[write(DELETE, 1), write(DELETE, 0)]);
        assert!(matches!(refused, Err(Error::Arguments { at: 1, given: 0, taken: 1 })));
        assert!(matches!(bundles.text(&[write(DELETE, 2)]), Err(Error::Arguments { at: 0, .. })));
    }

    #[test]
    fn the_memory_of_shapes_is_bounded() {
        static DELETE: &str = "DELETE FROM t";
        let mut bundles = Bundles::default();
        for length in 1..=SHAPES + 1 {
            let set: Vec<Write> = (0..length).map(|_| write(DELETE, 0)).collect();
            assert!(bundles.text(&set).is_ok());
        }
        assert_eq!(bundles.known.len(), 1);
    }
}
