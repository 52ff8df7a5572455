//! Crash mode: the same conversation, with the process killed once, at each boundary in turn.
//!
//! What the person sees and what is kept must be the same as without the crash. One difference is declared: a message
//! whose worker died with it is `uncertain`, and what its refusal would have changed stands. Ids and references are drawn
//! anew by the process that comes after, and times may be later by the moment it took to come back.

use serde_json::Value;

use super::player::{self, Played};
use super::report::{Failure, Report};
use super::{Scenario, Setup, format};
use crate::bus::Boundary;

pub(super) async fn play(scenario: &Scenario, setup: &Setup) -> Report {
    let clean = player::run(scenario, setup, None).await;
    let mut report = Report {
        plays: 1,
        latencies: clean.latencies.clone(),
        used: clean.used.clone(),
        ..Report::of(scenario)
    };
    report.edges.clone_from(&clean.edges);
    report.cells.clone_from(&clean.cells);
    if let Some(failure) = clean.failure {
        report.failures.push(failure);
        return report;
    }
    for (at, boundary) in clean.passed.iter().enumerate() {
        let crashed = player::run(scenario, setup, Some(at + 1)).await;
        report.plays += 1;
        report.edges.extend(crashed.edges.iter().cloned());
        if let Some(failure) = difference(&clean, &crashed) {
            report.failures.push(told((at + 1, *boundary), &failure));
        }
    }
    report
}

fn told((number, boundary): (usize, Boundary), failure: &Failure) -> Failure {
    let what = format!("killed at boundary {number} ({boundary:?}): {}", failure.what);
    Failure { line: failure.line, what }
}

/// The first thing that did not end the same.
fn difference(clean: &Played, crashed: &Played) -> Option<Failure> {
    if let Some(failure) = &crashed.failure {
        return Some(failure.clone());
    }
    for (one, two) in clean.said.iter().zip(&crashed.said) {
        let (was, is) = (plain(&one.view), plain(&two.view));
        if two.uncertain {
            continue;
        }
        if let Some(what) = differs(&was, &is, crashed) {
            return Some(Failure { line: one.line, what });
        }
    }
    let line = clean.said.last().map_or(1, |said| said.line);
    for (one, two) in clean.ends.iter().zip(&crashed.ends) {
        if let Some(what) = differs(&plain(one), &plain(two), crashed) {
            return Some(Failure { line, what: format!("in the end, {what}") });
        }
    }
    None
}

fn differs(was: &Value, is: &Value, crashed: &Played) -> Option<String> {
    let (Value::Object(was), Value::Object(is)) = (was, is) else {
        return (was != is).then(|| format!("{is} instead of {was}"));
    };
    // A message that was pushed after a crash has no reply key any more.
    let keyless = is.get("reply").is_some_and(Value::is_null);
    let keys = was.keys().chain(is.keys()).filter(|key| !(keyless && *key == "reply"));
    let null = Value::Null;
    keys.map(|key| (key, was.get(key).unwrap_or(&null), is.get(key).unwrap_or(&null)))
        .find(|(_, was, is)| !format::same(was, is, crashed.late))
        .map(|(key, was, is)| format!("{key} is {is} instead of {was}"))
}

/// A value without what another process draws anew.
fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !["reference", "user_id", "device_id", "session_id"].contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), if key == "context" { known(value) } else { plain(value) }))
            .collect(),
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::String(text) if is_id(text) => Value::String("…".to_owned()),
        Value::String(text) => Value::String(without_reference(text)),
        other => other.clone(),
    }
}

/// A context without how it came to be known: after a crash a question may wait that was answered in the clean play, and
/// the same message is then understood by another rule.
fn known(context: &Value) -> Value {
    let mut context = plain(context);
    if let Some(fields) = context.as_object_mut() {
        fields.retain(|key, _| key != "reason" && key != "scores");
    }
    context
}

/// Whether a text is an id and nothing more: ids begin with the time they were made at.
fn is_id(text: &str) -> bool {
    let Some((kind, rest)) = text.split_once('_') else { return false };
    kind.len() == 3 && rest.len() == 26 && rest.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A text without the two letters that a message is recognised by, in whichever language it names them.
fn without_reference(text: &str) -> String {
    let found =
        ["(reference ", "(referencia "].iter().filter_map(|before| Some((text.find(before)?, *before)));
    let Some((at, before)) = found.min() else { return text.to_owned() };
    let (start, rest) = text.split_at(at);
    let after = rest.split_once(')').map_or("", |(_, after)| after);
    format!("{start}{before}…){}", without_reference(after))
}
