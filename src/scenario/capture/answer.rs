//! The line of an answer: what of it may be told, with stand-ins where it names somebody.

use std::fmt::Write as _;

use serde_json::Value;

use super::standin::StandIns;
use super::story::Turn;

/// What nothing is said of: words for the person, and what hangs on them or on the minute.
const UNTOLD: [&str; 4] = ["message", "suggestions", "options", "error_id"];
/// What is only said to be there: ids, times and what is drawn.
const PRESENT: [&str; 12] = [
    "reference",
    "user_id",
    "session_id",
    "device_id",
    "expires_at",
    "created_at",
    "due_at",
    "locked_until",
    "retry_after",
    "last_used_at",
    "sessions",
    "devices",
];
/// What of a context is said.
const CONTEXT: [&str; 5] = ["sub_intent", "authenticated", "is_new_user", "login", "resumed"];
/// The line of an answer.
pub(super) fn answer(turn: &Turn, standins: &mut StandIns, reply: Option<&str>) -> String {
    let mut line = "<".to_owned();
    if let Some(reply) = reply {
        let _ = write!(line, " {reply}");
    }
    let session = if turn.has("session_created") { "yes" } else { "no" };
    let (action, success) = (turn.answer.action.as_str(), turn.answer.success);
    let _ = write!(line, " action={action} success={success} session={session}");
    for (key, value) in &turn.answer.data {
        if !UNTOLD.contains(&key.as_str()) {
            tell(&mut line, (&format!("data.{key}"), key), value, standins);
        }
    }
    for key in CONTEXT {
        if let Some(value) = turn.answer.context.get(key) {
            tell(&mut line, (&format!("context.{key}"), key), value, standins);
        }
    }
    if turn.context("tier") == Some("llm") {
        line.push_str(" context.tier=llm");
    }
    line
}

/// Adds a field, or those of what is nested in it.
fn tell(line: &mut String, (path, key): (&str, &str), value: &Value, standins: &mut StandIns) {
    let told = match value {
        Value::Null => "!".to_owned(),
        _ if PRESENT.contains(&key) => "*".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => standins.told(key, text).map_or_else(|| "*".to_owned(), |text| quoted(&text)),
        Value::Array(all) => {
            for (nth, one) in all.iter().enumerate().filter(|(_, one)| one.is_string()) {
                tell(line, (&format!("{path}.{nth}"), key), one, standins);
            }
            return;
        }
        Value::Object(fields) => {
            for (name, one) in fields {
                tell(line, (&format!("{path}.{name}"), name), one, standins);
            }
            return;
        }
    };
    let _ = write!(line, " {path}={told}");
}

/// A text as it stands behind a `=`: in quotes unless nothing else could be meant.
fn quoted(text: &str) -> String {
    let is_plain = text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if is_plain && !text.is_empty() && !["true", "false", "null"].contains(&text) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}
