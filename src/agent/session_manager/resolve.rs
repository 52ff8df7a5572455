//! Which of the person's sessions or devices a message means: looked up in their own list and nowhere else, so that
//! "not yours" and "not there" are one answer.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use unicode_normalization::UnicodeNormalization;

use crate::model::Entities;

/// One entry of the list, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The session, or the device.
    pub(super) id: String,
    /// Another id it is known by.
    pub(super) other_id: Option<String>,
    /// The device's name.
    pub(super) name: Option<String>,
    /// Since when it is there.
    pub(super) since: Timestamp,
    /// Whether it is the one that speaks.
    pub(super) is_current: bool,
}

/// What was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// One.
    One(Entry),
    /// Several could be meant.
    Several(Vec<Entry>),
    /// None of the list.
    None,
    /// The message names none.
    Unnamed,
}

/// Words that people use for kinds of devices, each with parts of the names that such devices have.
const KINDS: &[(&str, &[&str])] = &[
    ("phone", &["iphone", "android", "pixel", "galaxy s", "phone", "telefono", "movil", "celular"]),
    ("mobile", &["iphone", "android", "pixel", "phone", "mobile", "movil"]),
    ("telefono", &["iphone", "android", "pixel", "phone", "telefono", "movil", "celular"]),
    ("movil", &["iphone", "android", "pixel", "phone", "telefono", "movil", "celular"]),
    ("laptop", &["macbook", "laptop", "notebook", "thinkpad", "portatil"]),
    ("portatil", &["macbook", "laptop", "notebook", "thinkpad", "portatil"]),
    ("tablet", &["ipad", "tablet", "galaxy tab", "tableta"]),
    ("tableta", &["ipad", "tablet", "galaxy tab", "tableta"]),
    ("computer", &["macbook", "laptop", "computer", "desktop", "pc", "imac", "notebook", "ordenador"]),
    ("ordenador", &["macbook", "laptop", "computer", "desktop", "pc", "imac", "ordenador"]),
];

/// Finds what the entities point at.
pub(super) fn resolve(entities: &Entities, list: &[Entry], now: Timestamp) -> Found {
    if let Some(reference) = entities.session_ref.as_deref() {
        return by_reference(reference, list, now);
    }
    match entities.device_name.as_deref() {
        Some(name) => by_name(name, list),
        None => Found::Unnamed,
    }
}

fn by_reference(reference: &str, list: &[Entry], now: Timestamp) -> Found {
    let others = || list.iter().filter(|e| !e.is_current);
    match reference {
        "current" => of(list.iter().filter(|e| e.is_current)),
        "other" => of(others()),
        "oldest" => of(list.iter().min_by_key(|e| e.since)),
        "last" => of(others().max_by_key(|e| e.since)),
        "today" => of(list.iter().filter(|e| days_ago(e.since, now) == 0)),
        "yesterday" => of(list.iter().filter(|e| days_ago(e.since, now) == 1)),
        place_or_id => {
            let place = place_or_id.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            let by_id = |e: &&Entry| e.id == place_or_id || e.other_id.as_deref() == Some(place_or_id);
            of(place.and_then(|n| list.get(n)).or_else(|| list.iter().find(by_id)))
        }
    }
}

/// Whole days of the calendar, in UTC.
fn days_ago(then: Timestamp, now: Timestamp) -> i32 {
    let date = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    date(then).until(date(now)).map_or(i32::MAX, |span| span.get_days())
}

fn by_name(name: &str, list: &[Entry]) -> Found {
    let wanted = folded(name);
    let named = |e: &Entry| e.name.as_deref().map(folded).unwrap_or_default();
    let exact: Vec<&Entry> = list.iter().filter(|e| named(e) == wanted).collect();
    if !exact.is_empty() {
        return of(exact);
    }
    let inside: Vec<&Entry> = list.iter().filter(|e| has_all_words(&named(e), &wanted)).collect();
    if !inside.is_empty() {
        return of(inside);
    }
    let parts = KINDS.iter().find(|(kind, _)| *kind == wanted).map(|(_, parts)| *parts).unwrap_or_default();
    of(list.iter().filter(|e| parts.iter().any(|part| named(e).contains(part))))
}

fn has_all_words(name: &str, wanted: &str) -> bool {
    let words: Vec<&str> = name.split(' ').collect();
    !wanted.is_empty() && wanted.split(' ').all(|w| words.contains(&w))
}

/// Lower case, no accents, words parted by one space.
fn folded(text: &str) -> String {
    let plain: String = text
        .nfkd()
        .flat_map(char::to_lowercase)
        .filter(|c| !matches!(c, '\u{300}'..='\u{36f}'))
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of<'e>(found: impl IntoIterator<Item = &'e Entry>) -> Found {
    let mut found: Vec<Entry> = found.into_iter().cloned().collect();
    match found.len() {
        0 => Found::None,
        1 => found.pop().map_or(Found::None, Found::One),
        _ => Found::Several(found),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    fn list(now: Timestamp) -> Vec<Entry> {
        let entry = |id: &str, name: Option<&str>, hours: i64, is_current| Entry {
            id: id.to_owned(),
            other_id: None,
            name: name.map(str::to_owned),
            since: now - hours.hours(),
            is_current,
        };
        vec![
            entry("a", Some("iPhone 13"), 1, true),
            entry("b", Some("Anna's MacBook Pro"), 60, false),
            entry("c", Some("Galaxy Tab"), 100, false),
            entry("d", None, 200, false),
            entry("e", Some("Old iPhone"), 26, false),
        ]
    }

    // S2-23
    #[test]
    fn references_are_looked_up_in_the_list() {
        let now: Timestamp = "2026-01-15T10:00:00Z".parse().unwrap();
        let list = list(now);
        let id = |entities: Entities| match resolve(&entities, &list, now) {
            Found::One(entry) => entry.id,
            Found::Several(entries) => entries.iter().map(|e| e.id.as_str()).collect::<Vec<_>>().join("+"),
            Found::None => "none".to_owned(),
            Found::Unnamed => "unnamed".to_owned(),
        };
        let by_ref = |r: &str| id(Entities { session_ref: Some(r.to_owned()), ..Entities::default() });
        let by_name = |n: &str| id(Entities { device_name: Some(n.to_owned()), ..Entities::default() });
        for (reference, wanted) in [
            ("current", "a"),
            ("2", "b"),
            ("9", "none"),
            ("0", "none"),
            ("oldest", "d"),
            ("last", "e"),
            ("yesterday", "e"),
            ("today", "a"),
            ("other", "b+c+d+e"),
            ("c", "c"),
            ("ses_somebody_elses", "none"),
        ] {
            assert_eq!(by_ref(reference), wanted, "{reference}");
        }
        for (name, wanted) in [
            ("iphone 13", "a"),
            ("iPhone", "a+e"),
            ("phone", "a+e"),
            ("laptop", "b"),
            ("macbook", "b"),
            ("Galaxy Tab", "c"),
            ("tablet", "c"),
            ("portátil", "b"),
            ("fridge", "none"),
        ] {
            assert_eq!(by_name(name), wanted, "{name}");
        }
        assert_eq!(id(Entities::default()), "unnamed");
    }
}
