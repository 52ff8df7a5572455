//! What a message means: a cascade from the surest and cheapest to the least sure.
//!
//! 1. **Control moves** (`control`): cancel, start over, resend, help, a person, yes, no, whole utterances only; and what takes an
//!    earlier answer back (`taken_back`).
//! 2. **The awaited slot** (`awaited`): a code while a code is awaited is taken by rule, and no model is asked.
//! 3. **Legacy names** (`legacy`): a message that is the name of an intent.
//! 4. **The local classifier** ([`crate::nlu`]), with a calibrated confidence.
//! 5. **A language model**, where one is configured (`asked`, `proposed`), and only for what the local classifier is not
//!    sure of. It is shown a redacted text (`redact`), and what it says is a proposal.
//! 6. Below [`Options::accept`] the answer is marked unclear: the engine asks instead of guessing (D14).
//!
//! A message of several requests, each sure by itself, has all of them beside what it means as a whole (`several`).
//!
//! Small talk is answered by a model too (`generate`), with what it says masked.
//!
//! Entities are read by deterministic rules (`entities`), whichever tier chose the route.
//!
//! It knows no store, no conversation and no wording of answers, and it changes nothing. Without a model it is a pure
//! function of its input. Whether a person *may* do what a route does is not decided here.
//!
//! Adding a control move: its phrases in `control.rs`, a row in `tests/control.rs`. Adding an entity: a file in
//! `entities/`, read in `entities::of_route`. Adding a rule for an awaited slot: `awaited/`. Adding a tier: a step in
//! `cascade.rs`, after everything surer than it.

mod asked;
mod awaited;
mod cascade;
mod control;
mod entities;
mod error;
mod generate;
mod human;
mod language;
mod legacy;
mod options;
mod proposed;
mod redact;
mod schema;
mod several;
mod taken_back;
mod text;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use tokio::time::Instant;

use crate::graph::{Example, GraphSet, Pattern};
use crate::llm::{Llm, Spent};
use crate::model::{Route, Slot, SubIntent, Tier, Understanding};
use crate::nlu::{Context, Model, Row};
use crate::prompt::Prompts;

use asked::Asking;
use cascade::{Cascade, Local};
use entities::Message;
use generate::Generating;
use language::Languages;

pub use control::control_words;
pub use error::Error;
pub use generate::{Generated, SmallTalk};
pub use human::goes_back;
pub use options::Options;
pub use schema::strict_schema;

/// The name of the agent that came before, where a message is that: it still routes, and is to be given up (S2-47).
pub fn deprecated_name(text: &str) -> Option<&'static str> {
    legacy::deprecated(text)
}

/// How many of an agent's examples a language model is told.
const TOLD: usize = 5;
/// The local model is trained with this seed, so that every node and every replay has the same one.
const TRAINING_SEED: u64 = 1;

/// A message and where it fell.
#[derive(Debug, Clone, Default)]
pub struct Input<'a> {
    /// What was said.
    pub text: &'a str,
    /// The slot that is awaited.
    pub awaiting: Option<Slot>,
    /// What the answer must look like, where a text is awaited.
    pub pattern: Option<&'a Pattern>,
    /// Whether the question was just come back to, so that a yes or no is about going on with it.
    pub offered: bool,
    /// Whether what was answered before may be corrected while a text, or a yes or a no, is awaited.
    pub corrects: bool,
    /// The route that is being worked on.
    pub active: Option<Route>,
    /// The question that was asked last, as it was worded; for a model.
    pub question: Option<String>,
    /// What was said before, the oldest first; for a model.
    pub earlier: Vec<String>,
    /// Until when a model may take; its own time where nothing is said.
    pub until: Option<Instant>,
}

/// What a message was heard to mean, and what a model cost.
#[derive(Debug, Clone)]
pub struct Heard {
    /// What it means.
    pub understanding: Understanding,
    /// What was spent on it.
    pub spent: Vec<Spent>,
}

/// Understands messages.
#[derive(Debug)]
pub struct Classifier {
    options: Options,
    model: Arc<Model>,
    /// The routes that graphs add, each with things that people say to it.
    agents: Vec<(String, String)>,
    languages: Languages,
    asking: Option<Asking>,
    generating: Option<Generating>,
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
        options.check()?;
        let learned: Vec<Row> = training.graphs.into_iter().flat_map(GraphSet::examples).map(row).collect();
        let mut rows = crate::nlu::utterances()?;
        let claimed = claimed(&learned);
        let is_free = |row: &Row| !claimed.contains(text::Words::of(&row.text).as_slice());
        rows.retain(|row| !matches!(row.label.as_str(), "general" | "out_of_scope") || is_free(row));
        rows.extend(learned);
        let model = Arc::new(Model::load_or_train(&rows, TRAINING_SEED, training.cache)?);
        let agents = training.graphs.map(agents).unwrap_or_default();
        let said = training.graphs.into_iter().flat_map(GraphSet::examples);
        let languages =
            Languages::learned(said.map(|(_, example)| (example.text.as_str(), example.lang.as_str())));
        Ok(Self { options: options.clone(), model, agents, languages, asking: None, generating: None })
    }

    /// The same local model with a language model beside it.
    pub fn beside(
        &self,
        options: &Options,
        llm: &Arc<dyn Llm>,
        prompts: &Arc<Prompts>,
    ) -> Result<Self, Error> {
        options.check()?;
        Ok(Self {
            options: options.clone(),
            model: Arc::clone(&self.model),
            agents: self.agents.clone(),
            languages: self.languages.clone(),
            asking: Some(Asking::new(Arc::clone(llm), prompts, &self.agents, options.window)?),
            generating: Some(Generating::new(Arc::clone(llm), Arc::clone(prompts))),
        })
    }

    /// The language of a message, such as `en`, where it plainly is in one that is known.
    pub fn language(&self, text: &str) -> Option<&str> {
        self.languages.of(text)
    }

    /// What a message means to the tiers on this machine. The same input always gives the same answer.
    pub fn understand(&self, input: &Input<'_>) -> Understanding {
        self.cascade(input, |cascade| cascade.local_tiers().understanding)
    }

    /// What a message means, a language model asked where the other tiers are not sure and `may_ask` says so. A model that
    /// fails changes nothing.
    pub async fn hear(&self, input: &Input<'_>, may_ask: impl FnOnce() -> bool) -> Heard {
        let Local { understanding, sure } = self.cascade(input, local_tiers);
        let asking = self.asking.as_ref().filter(|_| !sure && self.options.has(Tier::Llm));
        let Some(asking) = asking else { return Heard { understanding, spent: Vec::new() } };
        if !may_ask() {
            let reasoning = format!("{}; llm: limited", understanding.reasoning);
            return Heard { understanding: Understanding { reasoning, ..understanding }, spent: Vec::new() };
        }
        let (proposal, spent) = asking.propose(input).await;
        let understanding = match proposal {
            Ok(proposal) => self.cascade(input, |cascade| cascade.with(understanding, proposal)),
            Err(why) => {
                tracing::debug!(why, "Model not heard");
                Understanding {
                    reasoning: format!("{}; llm: {why}", understanding.reasoning),
                    ..understanding
                }
            }
        };
        Heard { understanding, spent }
    }

    /// Answers small talk with a model's words; each masked piece goes to `sink` as it comes. Nothing where there is no
    /// model, or nothing usable came of it.
    pub async fn generate(&self, talk: &SmallTalk<'_>, sink: &mut (dyn FnMut(&str) + Send)) -> Generated {
        match &self.generating {
            Some(generating) => generating.answer(talk, sink).await,
            None => Generated::default(),
        }
    }

    /// Whether small talk can be answered with a model's words.
    pub fn generates(&self) -> bool {
        self.generating.is_some()
    }

    /// How many messages before this one a model is shown.
    pub fn window(&self) -> u32 {
        if self.asking.is_some() { self.options.window } else { 0 }
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

    fn cascade<T>(&self, input: &Input<'_>, run: impl FnOnce(&Cascade<'_>) -> T) -> T {
        let words = text::Words::of(input.text);
        let region = self.options.region;
        let phone = Message::phone(input.text, input.awaiting, region);
        let plain = Message::plain(input.text, &words, input.awaiting);
        let message = Message { phone: phone.as_ref(), region, ..plain };
        run(&Cascade { model: &self.model, options: &self.options, input, message })
    }
}

fn local_tiers(cascade: &Cascade<'_>) -> Local {
    cascade.local_tiers()
}

/// The route of that name. What is not one of ours is a graph's, whose examples the local model learned.
fn named_route(name: &str) -> Route {
    match (SubIntent::parse(name), name) {
        (Some(sub_intent), _) => Route::User(sub_intent),
        (None, "general") => Route::General,
        (None, "out_of_scope") => Route::OutOfScope,
        (None, agent) => Route::Agent(agent.to_owned()),
    }
}

/// The routes that graphs add, each with the first things that people say to it.
fn agents(graphs: &GraphSet) -> Vec<(String, String)> {
    let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (graph, example) in graphs.examples() {
        let label = row((graph, example)).label;
        if matches!(named_route(&label), Route::Agent(_)) {
            said.entry(label).or_default().push(&example.text);
        }
    }
    let about = |all: Vec<&str>| {
        format!("messages such as “{}”", all.iter().take(TOLD).copied().collect::<Vec<_>>().join("”, “"))
    };
    said.into_iter().map(|(name, all)| (name, about(all))).collect()
}

/// What some agent does is nobody's work no more, whatever is awaited: the words of all that people say to come to one.
fn claimed(learned: &[Row]) -> BTreeSet<Vec<String>> {
    let comes = learned.iter().filter(|row| row.context.awaiting.is_none());
    comes.map(|row| text::Words::of(&row.text).as_slice().to_vec()).collect()
}

/// A graph's example as a row: the four graphs of the seed's intents stand for these, any other for itself.
fn row((graph, example): (&str, &Example)) -> Row {
    let label = SubIntent::of_graph(graph).map_or(graph, |sub_intent| sub_intent.as_str());
    let awaiting = example.awaiting.map(|slot| slot.as_str().to_owned());
    let active = awaiting.is_some().then(|| label.to_owned());
    Row { text: example.text.clone(), label: label.to_owned(), context: Context { awaiting, active } }
}
