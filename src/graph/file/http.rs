//! The keys of an `http` node.

use toml::de::DeTable;

use super::{Named, Reader, Value};

/// The longest time that one try may be given, in milliseconds.
const LONGEST: u32 = 30_000;
/// The time of a try where none is given, in milliseconds.
const TIME: u32 = 3_000;
/// Most tries after the first.
const MOST_RETRIES: u32 = 5;
/// The keys of `http`.
const KEYS: [&str; 8] = ["method", "url", "body", "headers", "timeout_ms", "retries", "into", "needs"];

/// A call, its names not yet looked up.
#[derive(Debug)]
pub(in crate::graph) struct RawCall {
    pub(in crate::graph) method: Named,
    pub(in crate::graph) url: Named,
    pub(in crate::graph) body: Vec<Named>,
    /// Names of headers, and of secrets.
    pub(in crate::graph) headers: Vec<(Named, Named)>,
    pub(in crate::graph) timeout_ms: u32,
    pub(in crate::graph) retries: u32,
    /// Names of fields, and pointers.
    pub(in crate::graph) into: Vec<(Named, Named)>,
    /// The level that the person must have.
    pub(in crate::graph) needs: Option<Named>,
}

impl Reader<'_, '_> {
    pub(super) fn call(&mut self, value: &Value<'_>) -> Option<RawCall> {
        let table = self.table(value, "http")?;
        self.only(table, &KEYS, "`http`");
        for needed in ["method", "url"].iter().filter(|key| !table.contains_key(**key)) {
            self.problem(value.span().start, format!("`http` needs `{needed}`"));
        }
        let (method, url) = (self.text(table, "method"), self.text(table, "url"));
        Some(RawCall {
            body: table.get("body").map(|value| self.texts(value, "body")).unwrap_or_default(),
            headers: self.pairs(table, "headers"),
            timeout_ms: self.number(table, "timeout_ms", LONGEST).unwrap_or(TIME),
            retries: self.number(table, "retries", MOST_RETRIES).unwrap_or(0),
            into: self.pairs(table, "into"),
            needs: self.text(table, "needs"),
            method: method?,
            url: url?,
        })
    }

    fn number(&mut self, table: &DeTable<'_>, key: &str, most: u32) -> Option<u32> {
        table.get(key).and_then(|value| self.whole(value, key, most))
    }

    /// Names, each with a text, in the order of the file.
    pub(super) fn pairs(&mut self, table: &DeTable<'_>, key: &str) -> Vec<(Named, Named)> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(pairs) = self.table(value, key) else { return Vec::new() };
        let mut rows: Vec<_> = pairs.iter().collect();
        rows.sort_by_key(|(name, _)| name.span().start);
        let mut found = Vec::new();
        for (name, value) in rows {
            let name = self.named(name);
            found.extend(self.string(value, &name.text).map(|text| (name, text)));
        }
        found
    }
}
