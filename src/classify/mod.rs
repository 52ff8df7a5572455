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

use std::path::Path;

use crate::graph::{Example, GraphSet};
use crate::model::{Region, Route, Slot, SubIntent, Understanding};
use crate::nlu::{Context, Model, Row};

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

/// What the local model learns besides the utterances that are built in, and where it is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct Training<'a> {
    /// The graphs whose examples it learns.
    pub graphs: Option<&'a GraphSet>,
    /// The folder of models that were trained before; without one it is trained at every start.
    pub cache: Option<&'a Path>,
}

impl Classifier {
    /// Trains the local model on the utterances that are built in.
    pub fn new(options: &Options) -> Result<Self, Error> {
        Self::trained(options, Training::default())
    }

    /// The same, with the graphs' examples, and with a model that was kept where there is one.
    pub fn trained(options: &Options, training: Training<'_>) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&options.accept) {
            return Err(Error::Accept(options.accept));
        }
        let mut rows = crate::nlu::utterances()?;
        rows.extend(training.graphs.into_iter().flat_map(GraphSet::examples).map(row));
        let model = Model::load_or_train(&rows, TRAINING_SEED, training.cache)?;
        Ok(Self { options: options.clone(), model })
    }

    /// What a message means. The same input always gives the same answer.
    pub fn understand(&self, input: &Input<'_>) -> Understanding {
        cascade::run(&self.model, &self.options, input)
    }
    /// How likely the local model finds it, from 0 to 1, that a message is nobody's work here: small talk, or outside the
    /// scope.
    pub fn outside(&self, input: &Input<'_>) -> f64 {
        let context = Context {
            awaiting: input.awaiting.map(|slot| slot.as_str().to_owned()),
            active: input.active.as_ref().map(|route| route.as_str().to_owned()),
        };
        let scores = self.model.classify(input.text, &context);
        let outside = scores.iter().filter(|s| matches!(s.label, "general" | "out_of_scope"));
        outside.map(|s| s.probability).sum()
    }
}

/// A graph's example as a row: the four graphs of the seed's intents stand for these, any other for itself.
fn row((graph, example): (&str, &Example)) -> Row {
    let label = match graph {
        "authenticator" => SubIntent::Authenticate.as_str(),
        "session_manager" => SubIntent::ManageSessions.as_str(),
        "identity_migrator" => SubIntent::MigrateIdentity.as_str(),
        "identity_manager" => SubIntent::UpdateIdentity.as_str(),
        other => other,
    };
    let awaiting = example.awaiting.map(|slot| slot.as_str().to_owned());
    let active = awaiting.is_some().then(|| label.to_owned());
    Row { text: example.text.clone(), label: label.to_owned(), context: Context { awaiting, active } }
}
