//! What Rust offers to graph files: handlers with their outcomes, and the reply keys of every language.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::Assurance;

/// One outcome of a handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeSpec {
    /// The name used in `on`.
    pub name: &'static str,
    /// The level that somebody has who got this outcome, where it raises one.
    pub grants: Option<Assurance>,
}

impl OutcomeSpec {
    /// An outcome that grants nothing.
    pub const fn new(name: &'static str) -> Self {
        Self { name, grants: None }
    }

    /// An outcome after which the person has the level.
    pub const fn granting(name: &'static str, level: Assurance) -> Self {
        Self { name, grants: Some(level) }
    }

    /// Whether this outcome is enough for the level.
    pub(super) fn reaches(&self, level: Assurance) -> bool {
        self.grants.is_some_and(|granted| granted >= level)
    }
}

/// One handler written in Rust.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandlerSpec {
    /// The name used in graph files.
    pub name: &'static str,
    /// The level that the person must have before it runs.
    pub needs: Assurance,
    /// Everything it can answer; none makes its node an end.
    pub outcomes: &'static [OutcomeSpec],
}

/// Everything a graph file may refer to.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The handlers.
    pub handlers: Vec<HandlerSpec>,
    /// For each language the reply keys it has.
    pub replies: BTreeMap<String, BTreeSet<String>>,
    /// The name of the graph that every turn begins in.
    pub root: String,
}

impl Catalog {
    /// The handler of that name.
    pub fn handler(&self, name: &str) -> Option<&HandlerSpec> {
        self.handlers.iter().find(|spec| spec.name == name)
    }

    /// The languages that have no text for the key.
    pub(super) fn languages_without(&self, reply: &str) -> Vec<&str> {
        (self.replies.iter()).filter(|(_, keys)| !keys.contains(reply)).map(|(l, _)| l.as_str()).collect()
    }
}

/// What an `ask` node answers: the awaited value came in a later turn.
pub(super) const ASK_OUTCOMES: &[OutcomeSpec] = &[OutcomeSpec::new("answered")];
/// What an `ask` node for a yes or no answers.
pub(super) const CONFIRM_OUTCOMES: &[OutcomeSpec] = &[OutcomeSpec::new("yes"), OutcomeSpec::new("no")];
/// What an `ask` node may answer besides: a move that steers the conversation, where the question knows what to do with
/// it, and the news that the message it waits with cannot be delivered, is delayed, or may be lost.
pub(super) const ASK_OPTIONS: &[OutcomeSpec] = &[
    OutcomeSpec::new("resend"),
    OutcomeSpec::new("correct"),
    OutcomeSpec::new("email"),
    OutcomeSpec::new("lost"),
    OutcomeSpec::new("undeliverable"),
    OutcomeSpec::new("delayed"),
    OutcomeSpec::new("uncertain"),
];
/// What a `say` node answers where the graph goes on after it.
pub(super) const SAY_OUTCOMES: &[OutcomeSpec] = &[OutcomeSpec::new("next")];
/// What an agent node answers: the graph it entered paused at an ask, or ended.
pub(super) const AGENT_OUTCOMES: &[OutcomeSpec] = &[OutcomeSpec::new("asked"), OutcomeSpec::new("done")];
/// What a resume node answers: as an agent node, or nothing was paused.
pub(super) const RESUME_OUTCOMES: &[OutcomeSpec] =
    &[OutcomeSpec::new("asked"), OutcomeSpec::new("done"), OutcomeSpec::new("idle")];
