//! Labelled rows, one JSON object a line.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Where a message fell.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Context {
    /// The slot that was awaited.
    pub awaiting: Option<String>,
    /// The intent that was worked on.
    pub active_intent: Option<String>,
    /// The country of numbers without a country code.
    pub region: Option<String>,
}

/// A message and what it means.
#[derive(Debug, Clone, Deserialize)]
pub struct Row {
    /// Its name.
    pub id: String,
    /// Its language.
    #[serde(default)]
    pub lang: String,
    /// What was said.
    pub text: String,
    /// Where it fell.
    #[serde(default)]
    pub context: Context,
    /// What it means.
    pub sub_intent: String,
    /// What else it may mean.
    #[serde(default)]
    pub also: Vec<String>,
    /// What it names.
    #[serde(default)]
    pub entities: Map<String, Value>,
    /// Other right values for each entity; null where it may be absent.
    #[serde(default)]
    pub entities_accept: BTreeMap<String, Vec<Value>>,
    /// Values that would do what was not wanted.
    #[serde(default)]
    pub forbid: BTreeMap<String, Vec<Value>>,
    /// What it is an example of.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// A line that is no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {what}")]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Reads rows; empty lines are passed over.
pub fn read(file: &str, text: &str) -> Result<Vec<Row>, Vec<Problem>> {
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<Row>(line) {
            Ok(row) => rows.push(row),
            Err(e) => problems.push(Problem { file: file.to_owned(), line: n + 1, what: e.to_string() }),
        }
    }
    if rows.is_empty() && problems.is_empty() {
        problems.push(Problem { file: file.to_owned(), line: 1, what: "there is no row".to_owned() });
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}
