//! What Rust offers to graph files: handlers with their outcomes, and the reply keys of every language.

use std::collections::{BTreeMap, BTreeSet};

use super::silence::SILENT;
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

/// A tool that a graph file may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToolSpec {
    /// Its name.
    pub name: &'static str,
    /// The level that the person must have before it is called.
    pub needs: Assurance,
    /// The arguments it must be given.
    pub takes: &'static [&'static str],
    /// The arguments it may be given besides.
    pub may_take: &'static [&'static str],
    /// Whether it may refuse.
    pub refuses: bool,
}

/// Everything a graph file may refer to.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// The handlers.
    pub handlers: Vec<HandlerSpec>,
    /// The tools that it may call.
    pub tools: Vec<ToolSpec>,
    /// For each language the reply keys it has.
    pub replies: BTreeMap<String, BTreeSet<String>>,
    /// For each reply key the names of the values that its text is told in some language.
    pub told: BTreeMap<String, BTreeSet<String>>,
    /// The name of the graph that every turn begins in.
    pub root: String,
    /// The names of the addresses that are configured for outside agents.
    pub addresses: BTreeSet<String>,
    /// The names of the secrets that are configured for them.
    pub secrets: BTreeSet<String>,
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
/// it, the news that the message it waits with cannot be delivered, is delayed, or may be lost, and that nobody answered.
pub(super) const ASK_OPTIONS: &[OutcomeSpec] = &[
    OutcomeSpec::new("resend"),
    OutcomeSpec::new("correct"),
    OutcomeSpec::new("email"),
    OutcomeSpec::new("undeliverable"),
    OutcomeSpec::new("delayed"),
    OutcomeSpec::new("uncertain"),
    OutcomeSpec::new(SILENT),
];
/// What an `ask` node that counts its tries answers besides: the last one could not be taken either.
pub(super) const BOUNDED_OUTCOMES: &[OutcomeSpec] =
    &[OutcomeSpec::new("answered"), OutcomeSpec::new("exhausted")];
/// What a `goto` node answers: the first of its cases that holds, or that none did. The number of a node's cases says
/// where its outcomes begin.
pub(super) const CASES: &[OutcomeSpec] = &[
    OutcomeSpec::new("case_8"),
    OutcomeSpec::new("case_7"),
    OutcomeSpec::new("case_6"),
    OutcomeSpec::new("case_5"),
    OutcomeSpec::new("case_4"),
    OutcomeSpec::new("case_3"),
    OutcomeSpec::new("case_2"),
    OutcomeSpec::new("case_1"),
    OutcomeSpec::new("else"),
];
/// Most cases of a `goto` node that have a guard.
pub(super) const MOST_CASES: usize = CASES.len() - 1;

/// The outcomes of so many cases, and of none.
pub(super) fn cases(guarded: usize) -> &'static [OutcomeSpec] {
    CASES.get(MOST_CASES.saturating_sub(guarded)..).unwrap_or_default()
}

/// What an `http` node answers, once the outside agent did or never will: its answer, that there is no such thing, that it
/// refuses, or that no answer could be had.
pub(super) const HTTP_OUTCOMES: &[OutcomeSpec] = &[
    OutcomeSpec::new("ok"),
    OutcomeSpec::new("not_found"),
    OutcomeSpec::new("refused"),
    OutcomeSpec::new("failed"),
];
/// What a `call` node answers: what the tool was asked for is done, or it refused, if it may.
pub(super) const TOOL_OUTCOMES: &[OutcomeSpec] = &[OutcomeSpec::new("ok"), OutcomeSpec::new("refused")];
/// What it answers where the tool only shows something.
pub(super) const LOOK_OUTCOMES: &[OutcomeSpec] = &[OutcomeSpec::new("ok")];
/// What a `say` node answers where the graph goes on after it.
pub(super) const SAY_OUTCOMES: &[OutcomeSpec] = &[OutcomeSpec::new("next")];
/// What an agent node answers: the graph it entered paused at an ask, or ended.
pub(super) const AGENT_OUTCOMES: &[OutcomeSpec] = &[OutcomeSpec::new("asked"), OutcomeSpec::new("done")];
/// What a resume node answers: as an agent node, or nothing was paused.
pub(super) const RESUME_OUTCOMES: &[OutcomeSpec] =
    &[OutcomeSpec::new("asked"), OutcomeSpec::new("done"), OutcomeSpec::new("idle")];
