//! The stored form of a conversation's state.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Error;
use crate::agent::{self, State};

/// What brings a record of one form to the next: the first of them those of form 1, and so on.
type Upgrade = fn(&mut Map<String, Value>);

/// Every upgrade there is. Adding one raises the form by one; what it reads was written by programs that are still in use.
const UPGRADES: &[Upgrade] = &[to_any_route];

#[derive(Serialize)]
struct Stored<'s> {
    v: usize,
    #[serde(flatten)]
    state: &'s State,
}

/// Why a record is not read.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error("the state is of form {0}, and this program knows forms up to {1}; a later program wrote it")]
    Later(usize, usize),
    #[error("the state has no form")]
    Formless,
}

/// The state as text.
pub(super) fn encode(state: &State) -> Result<String, Error> {
    state.progress.check().map_err(agent::Error::from)?;
    Ok(serde_json::to_string(&Stored { v: form(UPGRADES), state })?)
}

/// The state from text. A record that could not have come about step by step, or of a later form, is refused, and its row is
/// kept.
pub(super) fn decode(text: &str) -> Result<State, Error> {
    let stored = serde_json::from_str(text).map_err(|e| Error::State(Box::new(e)))?;
    let stored = upgraded(stored, UPGRADES).map_err(|e| Error::State(Box::new(e)))?;
    let state: State = serde_json::from_value(stored.into()).map_err(|e| Error::State(Box::new(e)))?;
    state.progress.check().map_err(|e| Error::State(Box::new(e)))?;
    Ok(state)
}

/// Form 1 knew requests that wait for the four identity agents alone.
fn to_any_route(record: &mut Map<String, Value>) {
    if record.contains_key("entities")
        && let Some(sub_intent) = record.remove("sub_intent")
    {
        record.insert("route".to_owned(), serde_json::json!({ "user": sub_intent }));
    }
    for value in record.values_mut() {
        match value {
            Value::Object(inner) => to_any_route(inner),
            Value::Array(all) => all.iter_mut().filter_map(Value::as_object_mut).for_each(to_any_route),
            _ => {}
        }
    }
}

/// The form that records are written in.
fn form(upgrades: &[Upgrade]) -> usize {
    upgrades.len() + 1
}

/// The record in the present form.
fn upgraded(mut stored: Map<String, Value>, upgrades: &[Upgrade]) -> Result<Map<String, Value>, Unread> {
    let of = stored.remove("v").and_then(|v| v.as_u64()).and_then(|v| usize::try_from(v).ok());
    let of = of.filter(|of| *of > 0).ok_or(Unread::Formless)?;
    if of > form(upgrades) {
        return Err(Unread::Later(of, form(upgrades)));
    }
    for upgrade in upgrades.iter().skip(of - 1) {
        upgrade(&mut stored);
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    // S2-9
    #[test]
    fn a_state_reads_back_and_an_impossible_one_does_not() {
        let state = State::default();
        let text = encode(&state).unwrap();
        assert_eq!(decode(&text).unwrap(), state);
        for forged in [
            text.replace("\"otp_verified\":false", "\"otp_verified\":true"),
            text.replace("\"session_created\":false", "\"session_created\":true"),
            text.replace("\"otp_code\":null", "\"otp_code\":\"123456\""),
            text.replace("\"v\":2", "\"v\":3"),
            "{}".to_owned(),
            String::new(),
        ] {
            assert_ne!(forged, text);
            assert!(decode(&forged).is_err(), "{forged}");
        }
    }

    #[test]
    fn requests_of_the_first_form_are_for_one_of_the_four() {
        let request = |route: Value| {
            let mut request = serde_json::json!({ "at": "2026-01-01T00:00:00Z", "confidence": 1.0, "entities": "c2VhbGVk" });
            let as_object = request.as_object_mut().unwrap();
            as_object.extend(route.as_object().unwrap().clone());
            request
        };
        let record = |v: u32, request: &Value| {
            let mut record = serde_json::to_value(State::default()).unwrap();
            record["v"] = v.into();
            record["parked"] = request.clone();
            record["next"] = serde_json::json!([request]);
            record["understood"] = request.clone();
            record.to_string()
        };
        let first = request(serde_json::json!({ "sub_intent": "manage_sessions" }));
        let second = request(serde_json::json!({ "route": { "user": "manage_sessions" } }));
        let read = decode(&record(1, &first)).unwrap();
        assert_eq!(read, decode(&record(2, &second)).unwrap());
        assert_eq!(read.requests().count(), 2);
        assert!(read.work.understood.is_some() && decode(&record(2, &first)).is_err());
    }

    #[test]
    fn an_older_form_is_upgraded_and_a_later_one_refused() {
        let upgrades: &[Upgrade] = &[
            |record| {
                record.insert("second".to_owned(), "made".into());
            },
            |record| {
                let made = record.remove("second");
                record.insert("third".to_owned(), made.into());
            },
        ];
        let read = |text: &str| upgraded(serde_json::from_str(text).unwrap(), upgrades).map(Value::Object);
        assert_eq!(read(r#"{"v": 1}"#).unwrap(), serde_json::json!({ "third": "made" }));
        assert_eq!(read(r#"{"v": 2, "second": "own"}"#).unwrap(), serde_json::json!({ "third": "own" }));
        assert_eq!(read(r#"{"v": 3, "third": "own"}"#).unwrap(), serde_json::json!({ "third": "own" }));
        let later = read(r#"{"v": 4}"#).unwrap_err().to_string();
        assert_eq!(
            later,
            "the state is of form 4, and this program knows forms up to 3; a later program wrote it"
        );
        for formless in ["{}", r#"{"v": 0}"#, r#"{"v": "1"}"#] {
            assert!(matches!(read(formless), Err(Unread::Formless)), "{formless}");
        }
    }
}
