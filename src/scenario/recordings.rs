//! What language models said, kept beside a scenario (`NAME.llm.jsonl`) and found again by what was asked.
//!
//! A request is known by what it tells the model, word for word. Where a scenario asks something that is not there, it is
//! told what is different since: the prompt, the schema, the models, or what the engine asks. What is kept was redacted
//! before it was asked, and what came back is masked.

use std::sync::{Arc, Mutex, PoisonError};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::llm::{Answer, Ask, Asked, Error, Llm, Sink, Spent};
use crate::mask;

/// Bytes of a hash that are kept: enough to tell texts apart that people write.
const HASH: usize = 6;

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What it was for: the shape's name, or `text`.
    purpose: String,
    /// A hash of what the model was told it is.
    prompt: String,
    /// A hash of the form it was to answer in.
    schema: Option<String>,
    /// The models that could be asked.
    models: Vec<String>,
    /// The version that asked.
    engine: String,
    /// What it was told.
    asked: String,
    /// What it said.
    #[serde(skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    /// Or why it said nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<String>,
    /// What that cost.
    spent: Vec<Spent>,
}

impl Exchange {
    fn of(ask: &Ask, models: Vec<String>) -> Self {
        Self {
            purpose: ask.shape.as_ref().map_or("text", |shape| shape.name).to_owned(),
            prompt: hash(&ask.system),
            schema: ask.shape.as_ref().map(|shape| hash(&shape.schema.to_string())),
            models,
            engine: env!("CARGO_PKG_VERSION").to_owned(),
            asked: ask.user.clone(),
            said: None,
            failed: None,
            spent: Vec::new(),
        }
    }

    fn is_answered_by(&self, other: &Self) -> bool {
        self.purpose == other.purpose
            && self.prompt == other.prompt
            && self.schema == other.schema
            && self.asked == other.asked
            && (self.models.is_empty() || self.models == other.models)
    }

    fn with(mut self, asked: &Asked) -> Self {
        match &asked.answer {
            Ok(answer) => self.said = Some(scrubbed(&answer.text)),
            Err(error) => self.failed = Some(error.code().to_owned()),
        }
        self.spent.clone_from(&asked.spent);
        self
    }

    /// What was said, as if it were said now.
    fn asked(&self, ask: &Ask) -> Asked {
        let model = self.spent.last().map(|spent| spent.model.clone()).unwrap_or_default();
        let answer = match (&self.said, &self.failed) {
            (Some(text), _) => {
                let value = crate::llm::json_of(text);
                match &ask.shape {
                    Some(shape) if !value.as_ref().is_some_and(|value| (shape.fits)(value)) => {
                        Err(Error::Unfit)
                    }
                    Some(_) => Ok(Answer { text: text.clone(), value, model }),
                    None => Ok(Answer { text: text.clone(), value: None, model }),
                }
            }
            (None, code) => Err(code.as_deref().and_then(Error::named).unwrap_or(Error::Garbage)),
        };
        Asked { answer, spent: self.spent.clone() }
    }
}

/// What a model said without what is somebody's: in JSON only its texts are masked, or a number would be none any more.
fn scrubbed(text: &str) -> String {
    match crate::llm::json_of(text) {
        Some(mut value) => {
            scrub(&mut value);
            value.to_string()
        }
        None => mask::text(text),
    }
}

fn scrub(value: &mut Value) {
    match value {
        Value::String(text) => *text = mask::text(text),
        Value::Array(all) => all.iter_mut().for_each(scrub),
        Value::Object(fields) => fields.values_mut().for_each(scrub),
        _ => {}
    }
}

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().take(HASH).fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"))
}

/// Reads recordings, one JSON object a line.
pub fn read(file: &str, text: &str) -> Result<Vec<Exchange>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(n, line)| serde_json::from_str(line).map_err(|e| format!("{file}:{}: {e}", n + 1))).collect()
}

/// Recordings as a file.
pub fn write(exchanges: &[Exchange]) -> Result<String, serde_json::Error> {
    exchanges.iter().map(|exchange| Ok(serde_json::to_string(exchange)? + "\n")).collect()
}

/// A model that says what was recorded, or what another one says, which it then records.
#[derive(Debug)]
pub(super) struct Recorder {
    known: Mutex<Vec<Exchange>>,
    /// The models that are configured for the scenario.
    models: Vec<String>,
    source: Option<Arc<dyn Llm>>,
    /// Whether what fails is told, because it is to be kept.
    keeps: bool,
    misses: Mutex<Vec<String>>,
    spent: Mutex<Vec<Spent>>,
}

impl Recorder {
    /// Says what is known.
    pub(super) fn playing(known: Vec<Exchange>, models: Vec<String>) -> Self {
        Self {
            known: Mutex::new(known),
            models,
            source: None,
            keeps: false,
            misses: Mutex::default(),
            spent: Mutex::default(),
        }
    }

    /// Asks a model; with `keeps` what it says is to be kept, and a request that fails breaks the scenario.
    pub(super) fn asking(source: Arc<dyn Llm>, keeps: bool) -> Self {
        Self { source: Some(source), keeps, ..Self::playing(Vec::new(), Vec::new()) }
    }

    /// Everything that is known by now.
    pub(super) fn known(&self) -> Vec<Exchange> {
        lock(&self.known).clone()
    }

    /// What was asked and is not there, since the last look.
    pub(super) fn misses(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.misses))
    }

    /// What was used.
    pub(super) fn spent(&self) -> Vec<Spent> {
        lock(&self.spent).clone()
    }

    async fn answer(&self, ask: &Ask) -> Asked {
        let asked = self.found(ask).await;
        lock(&self.spent).extend(asked.spent.iter().cloned());
        asked
    }

    async fn found(&self, ask: &Ask) -> Asked {
        let wanted =
            Exchange::of(ask, self.source.as_ref().map_or_else(|| self.models.clone(), |s| s.models()));
        let found = lock(&self.known).iter().find(|known| wanted.is_answered_by(known)).cloned();
        match (found, &self.source) {
            (Some(known), _) => known.asked(ask),
            (None, Some(source)) => {
                let asked = source.ask(ask).await;
                if let (true, Err(error)) = (self.keeps, &asked.answer) {
                    lock(&self.misses).push(format!("the model failed, and that is not kept: {error}"));
                }
                let kept = wanted.with(&asked);
                let told = kept.asked(ask);
                lock(&self.known).push(kept);
                told
            }
            (None, None) => {
                let miss = missing(&wanted, &lock(&self.known));
                lock(&self.misses).push(miss);
                Asked { answer: Err(Error::Resting), spent: Vec::new() }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Llm for Recorder {
    fn models(&self) -> Vec<String> {
        self.models.clone()
    }

    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Asked> {
        Box::pin(self.answer(ask))
    }

    fn stream<'a>(&'a self, ask: &'a Ask, sink: Sink<'a>) -> BoxFuture<'a, Asked> {
        Box::pin(async move {
            let asked = self.answer(ask).await;
            if let Ok(answer) = &asked.answer {
                answer.text.split_inclusive(' ').for_each(sink);
            }
            asked
        })
    }
}

/// Why nothing that is known answers a request: what is different since, and how.
fn missing(wanted: &Exchange, known: &[Exchange]) -> String {
    let of_purpose = || known.iter().filter(|known| known.purpose == wanted.purpose);
    let again = "record it again with --record";
    if let Some(same) = of_purpose().find(|known| known.asked == wanted.asked) {
        let changed =
            |what: &str, was: &str, is: &str| format!("the {what} is another one ({was} became {is})");
        let none = || "none".to_owned();
        let mut drifted = Vec::new();
        if same.prompt != wanted.prompt {
            drifted.push(changed("prompt", &same.prompt, &wanted.prompt));
        }
        if same.schema != wanted.schema {
            let [was, is] = [&same.schema, &wanted.schema].map(|s| s.clone().unwrap_or_else(none));
            drifted.push(changed("schema", &was, &is));
        }
        if !wanted.models.is_empty() && same.models != wanted.models {
            drifted.push(changed("list of models", &same.models.join(", "), &wanted.models.join(", ")));
        }
        let drifted = drifted.join(", and ");
        return format!("what a model said to this was recorded by {}, and {drifted}: {again}", same.engine);
    }
    let Some(nearest) = of_purpose().max_by_key(|known| alike(&known.asked, &wanted.asked)) else {
        return format!(
            "a model is asked here and nothing of the kind is recorded: {again}\n  + {}",
            wanted.asked
        );
    };
    let told = difference(&nearest.asked, &wanted.asked);
    format!("the engine asks a model something else than what was recorded: {again}\n{told}")
}

/// How many characters two texts have in common at their ends.
fn alike(one: &str, two: &str) -> usize {
    let start = one.chars().zip(two.chars()).take_while(|(a, b)| a == b).count();
    start + one.chars().rev().zip(two.chars().rev()).take_while(|(a, b)| a == b).count()
}

/// The fields that differ; the texts themselves where they have none.
fn difference(was: &str, is: &str) -> String {
    let fields = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    let (Some(was_fields), Some(is_fields)) = (fields(was), fields(is)) else {
        return format!("  - {was}\n  + {is}");
    };
    let differing = is_fields.iter().filter(|(name, value)| was_fields.get(*name) != Some(value));
    let line = |(name, value): (&String, &Value)| {
        let before = was_fields.get(name).cloned().unwrap_or_default();
        format!("  - {name}: {before}\n  + {name}: {value}")
    };
    differing.map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(system: &str, user: &str) -> Ask {
        Ask { system: system.into(), user: user.into(), shape: None, most_tokens: 9, until: None }
    }

    fn recorded() -> Vec<Exchange> {
        let text = r#"{"purpose":"text","prompt":"PROMPT","schema":null,"models":["m"],"engine":"0.0.9","asked":"{\"message\":\"hi\",\"awaiting\":null}","said":"hello","spent":[]}"#;
        read("x.llm.jsonl", &text.replace("PROMPT", &hash("be kind"))).unwrap()
    }

    #[tokio::test]
    async fn what_was_recorded_is_said_again() {
        let known = recorded();
        assert_eq!(read("x", &write(&known).unwrap()).unwrap(), known);
        let recorder = Recorder::playing(known, Vec::new());
        let ask = ask("be kind", r#"{"message":"hi","awaiting":null}"#);
        let mut streamed = String::new();
        let asked = recorder.stream(&ask, &mut |piece| streamed.push_str(piece)).await;
        assert_eq!((asked.answer.unwrap().text.as_str(), streamed.as_str()), ("hello", "hello"));
        assert!(recorder.misses().is_empty());
    }

    #[test]
    fn what_is_kept_is_masked_and_stays_what_it_was() {
        let said =
            scrubbed(r#"{"confidence": 0.975, "entities": {"value": "write to a@b.example, 123456"}}"#);
        assert_eq!(said, r#"{"confidence":0.975,"entities":{"value":"write to a••••••@••••••, ••••••"}}"#);
        assert_eq!(scrubbed("call 123456"), "call ••••••");
    }

    #[tokio::test]
    async fn a_miss_says_what_is_different() {
        for (system, user, models, told) in [
            ("be rude", r#"{"message":"hi","awaiting":null}"#, vec![], "the prompt is another one"),
            (
                "be kind",
                r#"{"message":"hi","awaiting":null}"#,
                vec!["n"],
                "the list of models is another one (m became n)",
            ),
            (
                "be kind",
                r#"{"message":"ho","awaiting":null}"#,
                vec![],
                "  - message: \"hi\"\n  + message: \"ho\"",
            ),
        ] {
            let models = models.into_iter().map(str::to_owned).collect();
            let recorder = Recorder::playing(recorded(), models);
            assert!(recorder.ask(&ask(system, user)).await.answer.is_err());
            let misses = recorder.misses();
            assert!(misses.len() == 1 && misses[0].contains(told), "{misses:?}");
        }
        let none = Recorder::playing(Vec::new(), Vec::new());
        none.ask(&ask("s", "u")).await.answer.unwrap_err();
        assert!(none.misses()[0].contains("nothing of the kind is recorded"));
        assert!(read("f", "{}\n").unwrap_err().starts_with("f:1: "));
    }
}
