//! What models answered, as far as it is stored: where a message was sent, and what the answer shows of it.
//!
//! Neither a model's words nor what it proposed are kept, so both are made up here: a classification with the stored route
//! and confidence, with the entities that the answer can only have come from, and a sentence of our own for small talk.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::standin::StandIns;
use super::story::{Story, Turn};
use crate::llm::{Answer, Ask, Asked, Error, Llm, Sink, Spent};
use crate::mask;

/// The model's name in recordings.
const NAME: &str = "captured";
/// What is said instead of a model's words.
const WORDS: &str = "This is said in the place of what a model said.";
/// Why no model was asked although it might have been.
const UNASKED: [&str; 3] = ["limited", "spelt_out", "no_words"];

/// A model that answers as it did.
#[derive(Debug)]
pub(super) struct Told {
    /// By the letters of a message: what it was taken for, or why nothing was heard.
    heard: Vec<(String, Result<Value, Error>)>,
    /// Messages that were answered in a model's words.
    talk: Vec<String>,
}

impl Told {
    /// What models said in a conversation; `None` where none was asked. `spellings` are its messages as they are played.
    pub(super) fn of(story: &Story, spellings: &[String], standins: &mut StandIns) -> Option<Arc<Self>> {
        let mut told = Self { heard: Vec::new(), talk: Vec::new() };
        for (turn, text) in story.turns.iter().zip(spellings) {
            if let Some(answer) = classified(turn, standins) {
                told.heard.push((letters(text), answer));
            }
            if turn.answer.context.get("generated") == Some(&Value::Bool(true)) {
                told.talk.push(letters(text));
            }
        }
        (!told.heard.is_empty() || !told.talk.is_empty()).then(|| Arc::new(told))
    }

    fn answer(&self, ask: &Ask) -> Asked {
        let answer = if ask.shape.is_some() {
            let message = serde_json::from_str::<Value>(&ask.user).ok();
            let message = message.as_ref().and_then(|told| told.get("message")?.as_str()).map(letters);
            let known = self.heard.iter().find(|(text, _)| Some(text) == message.as_ref());
            known.map_or(Err(Error::Resting), |(_, answer)| answer.clone())
        } else if self.talk.contains(&letters(&ask.user)) {
            Ok(Value::from(WORDS))
        } else {
            Err(Error::Resting)
        };
        let answer = answer.map(|value| match value {
            Value::String(text) => Answer { text, value: None, model: NAME.to_owned() },
            value => Answer { text: value.to_string(), value: Some(value), model: NAME.to_owned() },
        });
        // What it cost is stored for the whole conversation alone.
        let spent = Spent { model: NAME.to_owned(), calls: 1, input: 0, output: 0 };
        Asked { answer, spent: vec![spent] }
    }
}

impl Llm for Told {
    fn models(&self) -> Vec<String> {
        vec![NAME.to_owned()]
    }

    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Asked> {
        Box::pin(std::future::ready(self.answer(ask)))
    }

    fn stream<'a>(&'a self, ask: &'a Ask, sink: Sink<'a>) -> BoxFuture<'a, Asked> {
        let asked = self.answer(ask);
        if let Ok(answer) = &asked.answer {
            sink(&answer.text);
        }
        Box::pin(std::future::ready(asked))
    }
}

/// What a model took a message for, or why it was not heard; `None` where it was not asked.
fn classified(turn: &Turn, standins: &mut StandIns) -> Option<Result<Value, Error>> {
    if turn.context("tier") != Some("llm") {
        let (_, why) = turn.context("reason")?.split_once("; llm: ")?;
        return (!UNASKED.contains(&why)).then(|| Err(Error::named(why).unwrap_or(Error::Resting)));
    }
    let confidence = turn.answer.context.get("confidence").cloned().unwrap_or_else(|| json!(0));
    Some(Ok(json!({
        "sub_intent": turn.context("route").unwrap_or("out_of_scope"),
        "confidence": confidence,
        "entities": entities(turn, standins),
        "missing_entities": [],
        "reasoning": "as it was answered",
    })))
}

/// The entities that an answer can have come from.
fn entities(turn: &Turn, standins: &mut StandIns) -> Value {
    let mut own = |key: &str| turn.data(key).map(|text| standins.text(text));
    let (value, device, new) = (own("value"), own("device_name"), own("new_device_name"));
    let reference = own("session_ref");
    match (turn.data("act"), turn.answer.action.as_str()) {
        (Some("name"), _) => json!({ "field": "name", "value": value }),
        (Some("end_others"), _) => json!({ "action": "revoke", "revoke_all": true, "keep_current": true }),
        (Some("end"), _) => {
            json!({ "action": "revoke", "device_name": device, "session_ref": reference })
        }
        (Some("end_here"), _) => json!({ "action": "revoke", "keep_current": false }),
        (Some("rename"), _) => json!({
            "action": "rename", "device_name": device, "session_ref": reference, "new_device_name": new,
        }),
        (Some("migrate"), _) => json!({ "migration_type": "all" }),
        (_, "devices_listed") => json!({ "action": "devices" }),
        (_, "sessions_listed") => json!({ "action": "view" }),
        (_, "confirmation_requested") => json!({ "action": "revoke", "revoke_all": true }),
        _ => turn.data("field").map_or_else(|| json!({}), |field| json!({ "field": field })),
    }
}

/// The letters of a text, without what is replaced by marks before a model sees it and without the marks.
fn letters(text: &str) -> String {
    let text = mask::replace(text, |_, _| String::new());
    let mut found = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once('<') {
        found.push_str(before);
        rest = after.split_once('>').map_or(after, |(_, after)| after);
    }
    found.push_str(rest);
    found.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase).collect()
}
