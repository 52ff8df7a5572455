//! Calls to outside agents: made, judged, tried again, and their answers handed to the conversation.

use serde_json::Value;
use tracing::{info, warn};

use super::outside::Reached;
use super::{Error, Worker, retry};
use crate::bus::{Answered, Boundary, Delivery};
use crate::engine::Due;
use crate::model::is_unseen;
use crate::store::outbox::Effect;

/// Longest value that is taken of an answer, in characters.
const LONGEST: usize = 200;

/// What one try came to.
#[derive(Debug, PartialEq, Eq)]
enum Judged {
    /// This outcome, with these fields.
    Over(&'static str, Vec<(String, String)>),
    /// It may be tried again; why.
    Again(&'static str),
}

impl Worker {
    /// Makes one try of a claimed call. What fails before it leaves is the call's end: it would fail again.
    pub(super) async fn call(&self, effect: &Effect) -> Result<(), Error> {
        let judged = match self.due(effect) {
            Ok(due) if effect.not_after > self.parts.clock.now() => {
                let reached = self.parts.outside.call(&effect.id, &due).await;
                let is_last = effect.tries >= i64::from(due.retries);
                match judge(&reached, &due.into) {
                    Judged::Again(code) if is_last => {
                        warn!(effectId = %effect.id, code, "Call given up");
                        Judged::Over("failed", Vec::new())
                    }
                    judged => judged,
                }
            }
            _ => Judged::Over("failed", Vec::new()),
        };
        self.parts.boundaries.pass(Boundary::Sent).await;
        let (outcome, fields) = match judged {
            Judged::Again(code) => {
                let at = self.parts.clock.now();
                let next = at + retry::wait(&self.parts.options, effect, &self.parts.randomness);
                self.again(effect, code, (next, at)).await?;
                self.parts.boundaries.pass(Boundary::Finished).await;
                self.parts.deliveries.report(&effect.id, Delivery::Stands);
                return Ok(());
            }
            Judged::Over(outcome, fields) => (outcome, fields),
        };
        info!(effectId = %effect.id, node = effect.template, outcome, "Outside agent called");
        let answered = Answered { outcome, fields, by: self.name.clone() };
        // The claim ends with the turn that the answer resumes, in one transaction: until then it is made again.
        if !self.parts.deliveries.report(&effect.id, Delivery::Answered(answered.clone())) {
            let told = self.parts.engine.called(effect, &answered).await;
            told.map_err(|e| Error::Engine(Box::new(e)))?;
        }
        self.parts.boundaries.pass(Boundary::Finished).await;
        Ok(())
    }

    fn due(&self, effect: &Effect) -> Result<Due, Error> {
        let sealed = effect.destination_sealed.as_deref().ok_or(Error::Lacks("destination"))?;
        let plain = self.parts.keys.open(effect.id.as_str(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Lacks("call"))
    }
}

fn judge(reached: &Reached, into: &[(String, String)]) -> Judged {
    let (status, body) = match reached {
        Reached::Answered { status, body } => (*status, body),
        Reached::Silent(code) => return Judged::Again(code),
        Reached::Never(_) => return Judged::Over("failed", Vec::new()),
    };
    match status {
        200..=299 => match taken(body, into) {
            Some(fields) => Judged::Over("ok", fields),
            None => Judged::Over("failed", Vec::new()),
        },
        404 | 410 => Judged::Over("not_found", Vec::new()),
        408 | 425 | 429 => Judged::Again("busy"),
        400..=499 => Judged::Over("refused", Vec::new()),
        500..=599 => Judged::Again("server_error"),
        _ => Judged::Over("failed", Vec::new()),
    }
}

/// The fields of an answer; `None` where it is no JSON. Whatever else it holds is ignored.
fn taken(body: &[u8], into: &[(String, String)]) -> Option<Vec<(String, String)>> {
    if into.is_empty() {
        return Some(Vec::new());
    }
    let answer: Value = serde_json::from_slice(body).ok()?;
    let value = |pointer: &str| answer.pointer(pointer).map(text).unwrap_or_default();
    Some(into.iter().map(|(field, pointer)| (field.clone(), value(pointer))).collect())
}

/// A value as a text that can be shown: of one line, and not long. What is no single value is none.
fn text(value: &Value) -> String {
    let whole = match value {
        Value::String(text) => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    };
    whole.chars().filter(|c| !c.is_control() && !is_unseen(*c)).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, body: &str) -> Judged {
        let into =
            [("status".to_owned(), "/status".to_owned()), ("eta".to_owned(), "/parcel/0/eta".to_owned())];
        judge(&Reached::Answered { status, body: body.as_bytes().to_vec() }, &into)
    }

    #[test]
    fn what_a_status_means() {
        for (status, expected) in [
            (404, Judged::Over("not_found", Vec::new())),
            (410, Judged::Over("not_found", Vec::new())),
            (401, Judged::Over("refused", Vec::new())),
            (422, Judged::Over("refused", Vec::new())),
            (429, Judged::Again("busy")),
            (500, Judged::Again("server_error")),
            (503, Judged::Again("server_error")),
            (302, Judged::Over("failed", Vec::new())),
            (101, Judged::Over("failed", Vec::new())),
        ] {
            assert_eq!(judged(status, "{}"), expected, "{status}");
        }
        assert_eq!(judge(&Reached::Silent("late"), &[]), Judged::Again("late"));
        assert_eq!(judge(&Reached::Never("too_large"), &[]), Judged::Over("failed", Vec::new()));
    }

    #[test]
    fn what_is_taken_of_an_answer() {
        let long = "x".repeat(1_000);
        for (body, status, eta) in [
            (
                r#"{"status": "shipped", "parcel": [{"eta": "Friday"}], "card": "4111"}"#.to_owned(),
                "shipped",
                "Friday",
            ),
            (r#"{"status": 3, "parcel": [{"eta": true}]}"#.to_owned(), "3", "true"),
            (r#"{"status": null, "parcel": {}}"#.to_owned(), "", ""),
            (r#"{"status": {"a": 1}, "parcel": [{"eta": ["x"]}]}"#.to_owned(), "", ""),
            ("[]".to_owned(), "", ""),
            (
                r#"{"status": "a\u0000b\nc\u202ed", "parcel": [{"eta": "{{ signed_in }}"}]}"#.to_owned(),
                "abcd",
                "{{ signed_in }}",
            ),
            (format!(r#"{{"status": "{long}"}}"#), &long[..LONGEST], ""),
        ] {
            let fields = vec![("status".to_owned(), status.to_owned()), ("eta".to_owned(), eta.to_owned())];
            assert_eq!(judged(200, &body), Judged::Over("ok", fields), "{body:.60}");
        }
        for body in ["", "<html>", "{", "\u{0}"] {
            assert_eq!(judged(200, body), Judged::Over("failed", Vec::new()), "{body}");
        }
    }
}
