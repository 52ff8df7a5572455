//! The words of a line: `name=value`, with quotes where a value has spaces.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// What a field must be.
#[derive(Debug, Clone, PartialEq)]
pub enum Wanted {
    /// Anything but nothing.
    Present,
    /// Nothing.
    Absent,
    /// This.
    Equal(Value),
    /// A whole number, and none above this one.
    AtMost(u64),
}

/// A field and what it must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Its path, with dots.
    pub path: String,
    /// What it must be.
    pub wanted: Wanted,
}

impl Field {
    /// The value as text, where it is to be one.
    pub fn text(&self) -> String {
        match &self.wanted {
            Wanted::Present => "*".to_owned(),
            Wanted::Absent => "!".to_owned(),
            Wanted::Equal(Value::String(text)) => text.clone(),
            Wanted::Equal(value) => value.to_string(),
            Wanted::AtMost(most) => format!("{most} at most"),
        }
    }

    /// Whether `actual` is what was wanted. Times may be later by as much as `late`.
    pub fn holds(&self, actual: Option<&Value>, late: SignedDuration) -> bool {
        let actual = actual.filter(|v| !v.is_null());
        match (&self.wanted, actual) {
            (Wanted::Present, found) => found.is_some(),
            (Wanted::Absent | Wanted::Equal(Value::Null), found) => found.is_none(),
            (Wanted::Equal(wanted), Some(found)) => same(wanted, found, late),
            (Wanted::AtMost(most), Some(found)) => found.as_u64().is_some_and(|found| found <= *most),
            (Wanted::Equal(_) | Wanted::AtMost(_), None) => false,
        }
    }
}

/// Whether two values are the same; numbers by value, and times if `found` is later by `late` at most.
pub(crate) fn same(wanted: &Value, found: &Value, late: SignedDuration) -> bool {
    match (wanted, found) {
        (Value::String(wanted), Value::String(found)) if wanted != found => {
            let time = |text: &str| text.parse::<Timestamp>().ok();
            let (Some(wanted), Some(found)) = (time(wanted), time(found)) else { return false };
            found >= wanted && found.duration_since(wanted) <= late
        }
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, late))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|found| same(v, found, late)))
        }
        _ => wanted == found,
    }
}

/// A word and whether it was a field.
#[derive(Debug, PartialEq)]
pub(super) enum Word {
    Bare(String),
    Field(Field),
}

/// Splits a line into words.
pub(super) fn split(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (word, after) = next(rest)?;
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

fn next(text: &str) -> Result<(Word, &str), String> {
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let (word, after) = text.split_at(end);
    let Some((path, value)) = word.split_once('=') else { return Ok((Word::Bare(word.to_owned()), after)) };
    if path.is_empty() {
        return Err(format!("`{word}` lacks a name before the `=`"));
    }
    if let Some(path) = path.strip_suffix('<') {
        let most =
            value.parse().map_err(|_| format!("`{path}<=` wants a whole number, such as {path}<=12"))?;
        return Ok((Word::Field(Field { path: path.to_owned(), wanted: Wanted::AtMost(most) }), after));
    }
    let field = |wanted| Word::Field(Field { path: path.to_owned(), wanted });
    let Some(_) = value.strip_prefix('"') else { return Ok((field(bare(path, value)?), after)) };
    let quoted = text.get(path.len() + 1..).unwrap_or_default();
    // A quoted value is written as in JSON, so that quotes and line ends can stand in it.
    let mut values = serde_json::Deserializer::from_str(quoted).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => {
            let after = quoted.get(values.byte_offset()..).unwrap_or_default();
            if after.starts_with(|c: char| !c.is_whitespace()) {
                return Err(format!("`{path}`: something stands right behind the closing quote"));
            }
            Ok((field(Wanted::Equal(value)), after))
        }
        _ => Err(format!("`{path}`: the quoted value does not end, or holds an unknown escape")),
    }
}

fn bare(path: &str, value: &str) -> Result<Wanted, String> {
    Ok(match value {
        "" => return Err(format!("`{path}=` lacks a value; \"\" is the empty one")),
        "*" => Wanted::Present,
        "!" => Wanted::Absent,
        "true" => Wanted::Equal(Value::Bool(true)),
        "false" => Wanted::Equal(Value::Bool(false)),
        "null" => Wanted::Equal(Value::Null),
        // A plus sign is no number in JSON, so that phone numbers stay text.
        other => Wanted::Equal(
            serde_json::from_str::<serde_json::Number>(other)
                .map_or_else(|_| Value::String(other.to_owned()), Value::Number),
        ),
    })
}
