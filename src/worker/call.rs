//! Calls to outside agents: made, judged, tried again, and their answers handed to the conversation.

use serde_json::Value;
use tracing::{error, info, warn};

use super::outside::Reached;
use super::{Error, Worker, retry};
use crate::bus::{Answered, Boundary, Delivery};
use crate::engine::{Due, shown};
use crate::mask::chain;
use crate::store::outbox::Effect;

/// How many workers may be lost with a call, beyond its retries, before it counts as failed without being made again.
const LOST: i64 = 2;
/// How often, beyond those, it is tried to tell the conversation so. A store that fails passes; what it refuses does not.
const TOLD: i64 = 3;

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
    pub(super) async fn call(&self, effect: &Effect, due: Result<Due, Error>) -> Result<(), Error> {
        let most = due.as_ref().map_or(0, |due| i64::from(due.retries)) + LOST;
        let judged = match due {
            Ok(due) if effect.not_after > self.parts.clock.now() && effect.tries <= most => {
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
        let answered = Answered { outcome, fields, by: self.name.clone(), nth: effect.tries + 1 };
        // The claim ends with the turn that the answer resumes, in one transaction: until then it is made again.
        if !self.parts.deliveries.report(&effect.id, Delivery::Answered(answered.clone())) {
            let engine = &self.parts.engine;
            let told = match engine.called(effect, &answered).await {
                Err(e) if effect.tries > most + TOLD => {
                    error!(effectId = %effect.id, error = %chain(&e), "Call given up untold");
                    engine.called_in_vain(effect, &answered).await
                }
                told => told,
            };
            told.map_err(|e| Error::Engine(Box::new(e)))?;
        }
        self.parts.boundaries.pass(Boundary::Finished).await;
        Ok(())
    }

    /// What is to be called.
    pub(super) fn due(&self, effect: &Effect) -> Result<Due, Error> {
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
    let value = |pointer: &str| answer.pointer(pointer).map(shown).unwrap_or_default();
    Some(into.iter().map(|(field, pointer)| (field.clone(), value(pointer))).collect())
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
            (format!(r#"{{"status": "{long}"}}"#), &long[..200], ""),
        ] {
            let fields = vec![("status".to_owned(), status.to_owned()), ("eta".to_owned(), eta.to_owned())];
            assert_eq!(judged(200, &body), Judged::Over("ok", fields), "{body:.60}");
        }
        for body in ["", "<html>", "{", "\u{0}"] {
            assert_eq!(judged(200, body), Judged::Over("failed", Vec::new()), "{body}");
        }
    }
}
