//! One broken graph for each proof, with the exact place and words; and graphs that are right.

mod agents;
mod answers;
mod draw;
mod fields;
mod file;
mod gate;
mod good;
mod http;
mod names;
mod returns;
mod runs;
mod shape;
mod silence;
mod stored;
mod tools;

use std::collections::BTreeMap;

use super::{Catalog, GraphSet, HandlerSpec, OutcomeSpec, Source, ToolSpec, load};
use crate::model::Assurance;

const fn handler(name: &'static str, outcomes: &'static [OutcomeSpec]) -> HandlerSpec {
    HandlerSpec { name, needs: Assurance::Anonymous, outcomes }
}

const fn guarded(name: &'static str, needs: Assurance, outcomes: &'static [OutcomeSpec]) -> HandlerSpec {
    HandlerSpec { name, needs, outcomes }
}

const fn plain(name: &'static str) -> OutcomeSpec {
    OutcomeSpec::new(name)
}

/// Handlers that stand for any: what they are called is what they do to a path.
const HANDLERS: &[HandlerSpec] = &[
    handler("route", &[plain("cancel"), plain("go")]),
    handler("steer", &[plain("cancel"), plain("start_over"), plain("out_of_scope"), plain("go")]),
    handler("step", &[plain("next")]),
    handler("fork", &[plain("left"), plain("right")]),
    handler("stop", &[]),
    handler("code", &[OutcomeSpec::granting("right", Assurance::CodeVerified), plain("wrong")]),
    handler("login", &[OutcomeSpec::granting("in", Assurance::SignedIn), plain("out")]),
    handler("session", &[OutcomeSpec::granting("live", Assurance::SignedIn), plain("none")]),
    handler("prove", &[OutcomeSpec::granting("up", Assurance::SteppedUp), plain("not")]),
    guarded("profile", Assurance::CodeVerified, &[]),
    guarded("vault", Assurance::SignedIn, &[]),
    guarded("safe", Assurance::SteppedUp, &[]),
];

const REPLIES: &[&str] = &["a.ask", "a.other", "a.bye", "a.told"];

fn catalog(handlers: &[HandlerSpec], replies: &[&str]) -> Catalog {
    let keys = || replies.iter().map(|&key| key.to_owned()).collect();
    Catalog {
        handlers: handlers.to_vec(),
        tools: vec![tool("look", &[], false), tool("rename", &["name"], true)],
        replies: BTreeMap::from([("de".to_owned(), keys()), ("en".to_owned(), keys())]),
        told: BTreeMap::from([("a.told".to_owned(), ["number".to_owned(), "language".to_owned()].into())]),
        root: "orchestrator".to_owned(),
        addresses: ["orders_url".to_owned()].into(),
        secrets: ["orders_key".to_owned()].into(),
    }
}

fn tool(name: &'static str, takes: &'static [&'static str], refuses: bool) -> ToolSpec {
    ToolSpec { name, needs: Assurance::SignedIn, takes, may_take: &[], refuses }
}

fn source(name: &str, text: &str) -> Source {
    Source::graph(name, text)
}

fn sources(texts: &[(&str, &str)]) -> Vec<Source> {
    texts.iter().map(|(name, text)| source(name, text)).collect()
}

/// Loads named texts with the handlers of this page.
fn try_load(texts: &[(&str, &str)]) -> Result<GraphSet, Vec<String>> {
    load(&sources(texts), &catalog(HANDLERS, REPLIES))
        .map_err(|problems| problems.to_string().lines().map(str::to_owned).collect())
}

/// The problems of a set of texts.
fn problems(texts: &[(&str, &str)]) -> Vec<String> {
    try_load(texts).expect_err("the graphs are broken")
}

/// The problems of one root graph, whose nodes begin on line 5.
fn broken(entry: &str, nodes: &str) -> Vec<String> {
    problems(&[("o.toml", &graph("orchestrator", entry, nodes))])
}

/// The root graph of those lines is right.
fn sound(entry: &str, nodes: &str) {
    sound_set(&[("o.toml", &graph("orchestrator", entry, nodes))]);
}

fn sound_set(texts: &[(&str, &str)]) {
    assert_eq!(try_load(texts).err(), None);
}

/// A graph file; its nodes begin on line 5.
fn graph(name: &str, entry: &str, nodes: &str) -> String {
    format!("[graph]\nname = \"{name}\"\nversion = 1\nentry = \"{entry}\"\n{nodes}")
}
