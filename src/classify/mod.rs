//! What a message means: a cascade from the surest and cheapest to the least sure.
//!
//! 1. **Control moves** (`control`): cancel, start over, resend, correct, help, yes, no; whole utterances only.
//! 2. **The awaited slot** (`awaited`): a code while a code is awaited is taken by rule, and no model is asked.
//! 3. **Legacy names** (`legacy`): a message that is the name of an intent.
//! 4. **The local classifier** ([`crate::nlu`]), with a calibrated confidence.
//! 5. Where a language model is configured its tier stands here, and is asked only what the local one leaves unclear.
//! 6. Below [`Options::accept`] the answer is marked unclear: the engine asks instead of guessing (D14).
//!
//! Entities are read by deterministic rules (`entities`), whichever tier chose the route.
//!
//! It knows no store, no conversation and no wording of answers; it changes nothing and is a pure function of its
//! input. Whether a person *may* do what a route does is not decided here.
//!
//! Adding a control move: its phrases in `control.rs`, a row in `tests/control.rs`. Adding an entity: a file in
//! `entities/`, read in `entities::of_route`. Adding a rule for an awaited slot: `awaited/`. Adding a tier: a step in
//! `cascade.rs`, after everything surer than it.

mod awaited;
mod cascade;
mod control;
mod entities;
mod error;
mod language;
mod legacy;
mod schema;
mod text;

#[cfg(test)]
mod tests;

use crate::model::{Region, Route, Slot, Understanding};
use crate::nlu::Model;

pub use error::Error;
pub use schema::strict_schema;

/// The name of the agent that came before, where a message is that: it still routes, and is to be given up (S2-47).
pub fn deprecated_name(text: &str) -> Option<&'static str> {
    legacy::deprecated(text)
}

/// The language of a message, `en` or `es`, where it plainly is in one of the two.
pub fn language(text: &str) -> Option<&'static str> {
    language::of(&text::Words::of(text))
}

/// The local model is trained with this seed, so that every node and every replay has the same one.
const TRAINING_SEED: u64 = 1;

/// How messages are understood.
#[derive(Debug, Clone)]
pub struct Options {
    /// Below this confidence the engine asks instead of acting.
    pub accept: f64,
    /// The country of phone numbers that are given without a country code.
    pub region: Option<Region>,
}

impl Default for Options {
    fn default() -> Self {
        Self { accept: 0.6, region: Region::parse("US") }
    }
}

/// A message and where it fell.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// What was said.
    pub text: &'a str,
    /// The slot that is awaited.
    pub awaiting: Option<Slot>,
    /// The route that is being worked on.
    pub active: Option<Route>,
}

/// Understands messages.
#[derive(Debug)]
pub struct Classifier {
    options: Options,
    model: Model,
}

impl Classifier {
    /// Trains the local model on the utterances that are built in.
    pub fn new(options: &Options) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&options.accept) {
            return Err(Error::Accept(options.accept));
        }
        let model = Model::train(&crate::nlu::utterances()?, TRAINING_SEED)?;
        Ok(Self { options: options.clone(), model })
    }

    /// What a message means. The same input always gives the same answer.
    pub fn understand(&self, input: &Input<'_>) -> Understanding {
        cascade::run(&self.model, &self.options, input)
    }
}
