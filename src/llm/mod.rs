//! Language models behind one door: any server that speaks OpenAI's chat completions.
//!
//! [`OpenAi`] asks models in their order of preference within one deadline: each has a breaker, a remembered dialect (what
//! of strict schemas and of newer parameters its server takes), and a few retries of what may pass. Whatever a server
//! sends, well-formed or not, comes back as an [`Answer`] or as an [`Error`] without content; nothing here panics, hangs
//! or repeats what was said.
//!
//! It does not know what is asked, nor what an answer means: whoever asks hands over a [`Shape`] that says which answers
//! fit. It keeps no text. A model's answer is untrusted input.
//!
//! Adding a fault that passes by itself: a row in [`Error::may_pass`]. Adding a dialect: a rung in `dialect.rs`. Adding a
//! provider that speaks another protocol: a type that implements [`Llm`], chosen in `app`.

mod answer;
mod client;
mod dialect;
mod error;
mod known;
mod options;
mod stream;
mod transport;

use std::fmt::{self, Debug};
use std::sync::Arc;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

pub use answer::json_of;
pub use client::OpenAi;
pub use error::Error;
pub use options::{Options, Price};

/// A language model, or several in order of preference.
pub trait Llm: Debug + Send + Sync {
    /// The models, the preferred one first.
    fn models(&self) -> Vec<String>;

    /// Asks once; takes no longer than the deadline of a turn.
    fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Asked>;

    /// Asks for free text, and hands each piece to `sink` as it comes.
    fn stream<'a>(&'a self, ask: &'a Ask, sink: Sink<'a>) -> BoxFuture<'a, Asked>;
}

/// Takes the pieces of a streamed answer.
pub type Sink<'a> = &'a mut (dyn FnMut(&str) + Send);

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// What the model is told it is.
    pub system: String,
    /// What it is to answer.
    pub user: String,
    /// The form of the answer; free text without one.
    pub shape: Option<Arc<Shape>>,
    /// Longest answer, in tokens.
    pub most_tokens: u32,
    /// Until when there is time, where the turn has asked before; the whole of a turn's time otherwise.
    pub until: Option<Instant>,
}

/// The form of an answer.
pub struct Shape {
    /// Its name, of letters, digits and `_`.
    pub name: &'static str,
    /// Its strict JSON schema.
    pub schema: Value,
    /// Whether an answer has it; a server may ignore the schema.
    pub fits: Box<dyn Fn(&Value) -> bool + Send + Sync>,
}

impl Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape({})", self.name)
    }
}

/// What came of asking.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The answer, or why there is none.
    pub answer: Result<Answer, Error>,
    /// What it cost, by model, failed tries included.
    pub spent: Vec<Spent>,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// What was said.
    pub text: String,
    /// The same as the value of the asked shape.
    pub value: Option<Value>,
    /// Which model said it.
    pub model: String,
}

/// What one model was asked and used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// The model.
    pub model: String,
    /// Requests.
    pub calls: u32,
    /// Tokens of the prompts.
    pub input: u64,
    /// Tokens of the answers.
    pub output: u64,
}
