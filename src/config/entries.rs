//! What the file and the environment give, key by key.

use std::collections::BTreeSet;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{KEYS, Key};
use super::problem::{Place, Problem};
use super::value::Raw;

/// A value for a known key.
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) value: Raw,
    pub(super) place: Place,
}

/// What stands in a file. A text that is no TOML is a problem for each of its errors, and gives what the sound lines
/// hold: on the others the parser guesses, and a secret may turn up where a key should be.
pub(super) fn of_file(name: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut broken = BTreeSet::new();
    for error in errors {
        // Only the message: the error's own display repeats the line, which may hold a secret.
        let place = Place::at(name, text, error.span().map_or(0, |span| span.start));
        broken.extend(place.line());
        problems.push(Problem::new(place, error.message().replace('\n', ", ")));
    }
    let mut walk = Walk { name, text, broken, problems, entries: Vec::new() };
    walk.table("", table.get_ref());
    walk.entries
}

struct Walk<'a> {
    name: &'a str,
    text: &'a str,
    broken: BTreeSet<usize>,
    problems: &'a mut Vec<Problem>,
    entries: Vec<Entry>,
}

impl Walk<'_> {
    fn table(&mut self, section: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let dot = if section.is_empty() { "" } else { "." };
            let path = format!("{section}{dot}{}", name.get_ref().escape_debug());
            let place = Place::at(self.name, self.text, name.span().start);
            if place.line().is_some_and(|line| self.broken.contains(&line)) {
                continue;
            }
            self.key(&path, place, value);
        }
    }

    fn key(&mut self, path: &str, place: Place, value: &Spanned<DeValue<'_>>) {
        if let Some(key) = Key::find(path) {
            let place = Place::at(self.name, self.text, value.span().start);
            return self.entries.push(Entry { key, value: raw(value.get_ref()), place });
        }
        let section = format!("{path}.");
        let is_section = KEYS.iter().any(|key| key.path.starts_with(&section));
        match value.get_ref() {
            // An unknown section is told by its keys, which are more likely to resemble something.
            DeValue::Table(table) if is_section || !table.is_empty() => self.table(path, table),
            _ if is_section => {
                self.problems.push(Problem::new(place, format!("`{path}` is a section: [{path}]")));
            }
            _ => self.problems.push(Problem::unknown(place, path, str::to_owned)),
        }
    }
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.clone().into_owned()),
        DeValue::Integer(digits) => {
            i64::from_str_radix(digits.as_str(), digits.radix()).map_or(Raw::Other("huge number"), Raw::Whole)
        }
        DeValue::Float(digits) => digits.as_str().parse().map_or(Raw::Other("number"), Raw::Real),
        DeValue::Boolean(_) => Raw::Other("truth value"),
        DeValue::Datetime(_) => Raw::Other("time"),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| raw(item.get_ref())).collect()),
        DeValue::Table(_) => Raw::Other("table"),
    }
}

const PREFIX: &str = "VESTIBULE__";

/// What the environment gives: first the names shared with other tools, then our own, which win.
pub(super) fn of_environment(env: &[(String, String)], problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut shared = Vec::new();
    let mut own = Vec::new();
    for (name, value) in env {
        let place = Place::Variable { name: name.clone() };
        let ours = name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX));
        match of_variable(name) {
            Some(_) if value.contains(char::REPLACEMENT_CHARACTER) => {
                problems.push(Problem::new(place, "the value is not UTF-8"));
            }
            Some(key) => {
                let entry = Entry { key, value: Raw::Word(value.clone()), place };
                if ours { own.push(entry) } else { shared.push(entry) }
            }
            None if ours => problems.push(Problem::unknown(place, &path(name), variable)),
            None => {}
        }
    }
    shared.extend(own);
    shared
}

/// The key that a variable sets.
pub(super) fn of_variable(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.alias == Some(name) || variable(key.path) == *name)
}

/// The variables that set the key of that path; none where there is no such key.
pub(super) fn variables_of(path: &str) -> Vec<String> {
    let Some(key) = Key::find(path) else { return Vec::new() };
    std::iter::once(variable(path)).chain(key.alias.map(str::to_owned)).collect()
}

/// `http.addr` as `VESTIBULE__HTTP__ADDR`.
fn variable(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "__").to_ascii_uppercase())
}

/// `VESTIBULE__HTTP__ADDR` as `http.addr`.
fn path(variable: &str) -> String {
    let rest = variable.get(PREFIX.len()..).unwrap_or_default();
    rest.replace("__", ".").to_ascii_lowercase().escape_debug().to_string()
}
