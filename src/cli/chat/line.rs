//! Whom the chat speaks with.

use anyhow::Context;
use serde_json::Value;

use super::embedded::Embedded;
use super::keep::Tokens;
use super::remote::Remote;
use crate::config::Config;
use crate::model::{Contact, Secret};

/// An answer to a message.
pub(super) struct Answer {
    pub(super) text: String,
    /// What is listed before the text: sessions or devices, a line each, where the text ends with another question.
    pub(super) before: Vec<String>,
    /// What is listed after it: sessions, devices, or the choices of a question.
    pub(super) after: Vec<String>,
    /// Whether a person answers from now on.
    pub(super) handed_off: bool,
    /// Whether somebody is signed in after it.
    pub(super) authenticated: bool,
    /// What to present from now on, where this message signed somebody in.
    pub(super) tokens: Option<Tokens>,
}

impl Answer {
    /// Reads a node's response.
    pub(super) fn of(response: &Value, tokens: Option<Tokens>) -> Self {
        let data = response.get("data").cloned().unwrap_or_default();
        let list = |keys: &[&str]| keys.iter().find_map(|key| data.get(key)?.as_array()).cloned();
        let text = data.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
        // Choices that the message itself names are not told twice.
        let is_told = |entry: &Value| {
            entry.get("label").and_then(Value::as_str).is_some_and(|label| text.contains(label))
        };
        let lines = |keys: &[&str]| -> Vec<String> {
            let shown = list(keys).into_iter().flatten().filter(|entry| !is_told(entry));
            shown.enumerate().map(|(n, entry)| line_of(n + 1, &entry)).collect()
        };
        let (mut before, mut after) = (lines(&["sessions", "devices"]), lines(&["options"]));
        let comes_back = response.pointer("/context/back_to").is_some_and(Value::is_string);
        if !comes_back && after.is_empty() {
            std::mem::swap(&mut before, &mut after);
        }
        Self {
            before,
            after,
            text: text.clone(),
            handed_off: response.get("action") == Some(&Value::from("handed_off")),
            authenticated: response.pointer("/context/authenticated") == Some(&Value::Bool(true)),
            tokens,
        }
    }
}

fn line_of(number: usize, entry: &Value) -> String {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let name = text("label").or_else(|| text("device_name")).unwrap_or("a device without a name");
    let since = text("created_at").map(|at| format!(", since {}", to_the_minute(at))).unwrap_or_default();
    let this = if entry.get("is_current") == Some(&Value::Bool(true)) { " (this one)" } else { "" };
    format!("{number}. {name}{since}{this}")
}

/// A time as people read it; what is none is shown as it is.
fn to_the_minute(at: &str) -> String {
    let read = at.parse::<jiff::Timestamp>();
    read.map_or_else(|_| at.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

/// A message of the development outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    /// The channel it took: `sms` or `email`.
    pub(super) channel: String,
    /// The number or address, masked.
    pub(super) to: String,
    pub(super) text: String,
    /// Tells two messages of the same words apart.
    pub(super) at: String,
}

/// A message that was said to this person.
pub(super) struct Said {
    pub(super) id: String,
    pub(super) text: String,
}

/// Why there is no answer.
pub(super) enum Fault {
    /// What was presented is worth nothing.
    Refused,
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

enum Kind {
    Embedded(Box<Embedded>),
    Remote(Remote),
}

/// An engine in this process, or a server.
pub(super) struct Line {
    kind: Kind,
    /// The newest message that was seen.
    newest: Option<Sent>,
}

impl Line {
    pub(super) async fn open(config: Config, url: Option<&str>) -> anyhow::Result<Self> {
        let kind = match url {
            Some(url) => Kind::Remote(Remote::new(url)?),
            None => {
                Kind::Embedded(Box::new(Embedded::open(config).await.context("the engine cannot start")?))
            }
        };
        Ok(Self { kind, newest: None })
    }

    pub(super) async fn new_device(&self) -> Result<Secret, Fault> {
        match &self.kind {
            Kind::Embedded(line) => line.new_device().await,
            Kind::Remote(line) => line.new_device().await,
        }
    }

    /// Says something; the same id again is the same message.
    pub(super) async fn turn(&self, tokens: &Tokens, text: &str, id: &str) -> Result<Answer, Fault> {
        match &self.kind {
            Kind::Embedded(line) => line.turn(tokens, text, id).await,
            Kind::Remote(line) => line.turn(tokens, text, id).await,
        }
    }

    /// The last thing that was said to this person.
    pub(super) async fn last_answer(&self, tokens: &Tokens) -> Result<Option<String>, Fault> {
        Ok(self.said(tokens).await?.into_iter().next().map(|said| said.text))
    }

    /// What was last said to this person, the newest first.
    pub(super) async fn said(&self, tokens: &Tokens) -> Result<Vec<Said>, Fault> {
        match &self.kind {
            Kind::Embedded(line) => line.said(tokens).await,
            Kind::Remote(line) => line.said(tokens).await,
        }
    }

    pub(super) async fn logout(&self, tokens: &Tokens) -> Result<(), Fault> {
        match &self.kind {
            Kind::Embedded(line) => line.logout(tokens).await,
            Kind::Remote(line) => line.logout(tokens).await,
        }
    }

    /// Messages of the development outbox since the last look, the oldest first; none where there is no such outbox.
    pub(super) async fn new_messages(&mut self) -> anyhow::Result<Vec<Sent>> {
        let all = match &self.kind {
            Kind::Embedded(line) => line.messages().await?,
            Kind::Remote(line) => line.messages().await?,
        };
        let seen = self.newest.take();
        self.newest = all.first().cloned().or_else(|| seen.clone());
        let mut new: Vec<Sent> = all.into_iter().take_while(|sent| seen.as_ref() != Some(sent)).collect();
        new.reverse();
        Ok(new)
    }

    pub(super) async fn close(self) {
        if let Kind::Embedded(line) = self.kind {
            line.close().await;
        }
    }
}

/// A number or an address as it may be shown.
pub(super) fn masked(address: &str) -> String {
    let contact = ["phone", "email"].iter().find_map(|kind| Contact::parse(kind, address));
    contact.map_or_else(|| "•••".to_owned(), |contact| contact.masked())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_stands_before_the_question_that_is_come_back_to_and_choices_after_it() {
        let device =
            json!({ "device_name": "Laptop", "created_at": "2026-01-15T10:00:07.123Z", "is_current": true });
        let listed = "1. Laptop, since 2026-01-15 10:00 UTC (this one)";
        let of = |response: Value| {
            let answer = Answer::of(&response, None);
            (answer.before, answer.after)
        };
        let own = json!({ "data": { "message": "You have 1 device.", "devices": [device] }, "context": {} });
        assert_eq!(of(own), (Vec::new(), vec![listed.to_owned()]));
        let comes_back = json!({
            "data": { "message": "You have 1 device. Which one?", "devices": [device], "options": [{ "label": "Phone" }] },
            "context": { "back_to": "manage_sessions" },
        });
        assert_eq!(of(comes_back), (vec![listed.to_owned()], vec!["1. Phone".to_owned()]));
    }
}
