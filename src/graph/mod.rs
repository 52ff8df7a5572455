//! Conversation graphs: what leads where, as data in TOML, proved before it runs.
//!
//! A graph is a set of nodes. A node is a Rust handler (found by the node's own name, or by `handler`), an `ask` that
//! ends the turn and waits for a value, a `say` that ends the graph, a `goto` that chooses by what is known, an `http` that
//! calls an outside agent and waits for its answer, an `agent` that enters another graph, `agents`, which enters the graph
//! that the message named, or `resume`, which goes on in the innermost paused frame. An `ask` and an `http` may keep what
//! they are answered in *fields*, which texts and guards are given. Its outcomes lead on by `on`; an edge may carry words that its target, an ask or a say, says instead of its own. A file may hold
//! `[[intent.example]]`s, or utterances beside it: what people say to come to its graph. A graph that has some is *routed*:
//! it counts as entered by the root's `agents` node.
//!
//! [`load`] reads the texts, looks up every name in the [`Catalog`], and proves: every outcome has one edge, every node
//! and graph is reached, every cycle passes an ask, every node comes to an end or an ask, graphs don't call each other
//! in a circle, every ask and call can be left by cancel, no handler runs in a turn that an outside agent's answer began, and **the gate**: every path to a handler that needs a level of
//! assurance passes an outcome that grants it, across calls and resumed frames. It reports all problems at once, each
//! with its place. What a resume node means for the gate, and why it raises no false alarm, is told in `proof/gate.rs`.
//!
//! What it does not know: files, handlers' code, the texts of replies, conversations. It runs nothing; the engine walks
//! a [`GraphSet`] and checks each handler's level again.
//!
//! | file | what it does |
//! |---|---|
//! | `file` | reads the shape of one file, with places |
//! | `draft`, `fields`, `calls` | look up names |
//! | `pattern`, `guard`, `call` | what answers must look like, where they lead, what is asked of others |
//! | `flow` | how a conversation moves through a node |
//! | `proof` | proves the drafts |
//! | `set` | the loaded form |
//! | `draw` | Mermaid and DOT |
//!
//! Adding a kind of node: its keys in `file/what.rs`, its names in `draft`, its outcomes in `catalog`, a variant of
//! [`Kind`], its steps in `proof/gate.rs`, a shape in `draw`, a broken graph for each mistake in `tests`.

mod call;
mod calls;
mod catalog;
mod draft;
pub mod draw;
mod fields;
mod file;
mod flow;
mod guard;
mod options;
mod pattern;
mod problem;
mod proof;
mod set;
mod survey;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use call::{Call, Method, Piece};
pub use catalog::{Catalog, HandlerSpec, OutcomeSpec};
pub use guard::{Guard, Unjudged};
pub use options::{Options, Setting};
pub use pattern::Pattern;
pub use problem::{Problem, Problems};
pub use set::{Edge, EdgeId, Example, Graph, GraphSet, Keep, Kind, Node, NodeIx, Say};
pub use survey::{Said, survey};

use draft::{Draft, Names};
use file::RawGraph;
use problem::{Place, Report};

/// Most graphs one set may have.
const MAX_GRAPHS: usize = 64;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name that problems give, as a person would open it.
    pub name: String,
    /// Its contents.
    pub text: String,
    /// What it holds.
    pub holds: Holds,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// A graph.
    Graph,
    /// What people say to come to the graph of the file of that name: a line each, as JSON.
    Utterances(String),
}

impl Source {
    /// A graph file.
    pub fn graph(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), holds: Holds::Graph }
    }
}

/// Reads and proves a set of graphs.
pub fn load(sources: &[Source], catalog: &Catalog) -> Result<GraphSet, Problems> {
    let mut report = Report::new(sources);
    if sources.iter().filter(|source| source.holds == Holds::Graph).count() > MAX_GRAPHS {
        report.add(Place { file: MAX_GRAPHS, offset: 0 }, format!("a set has at most {MAX_GRAPHS} graphs"));
        return Err(report.finish());
    }
    let mut raws: Vec<(usize, RawGraph)> = Vec::new();
    let mut all_read = true;
    for (file, source) in sources.iter().enumerate().filter(|(_, source)| source.holds == Holds::Graph) {
        let raw = file::read(file, &source.text, &mut report);
        all_read &= raw.as_ref().is_some_and(|raw| raw.name.is_some());
        raws.extend(raw.map(|raw| (file, raw)));
    }
    add_utterances(sources, &mut raws, &mut report);
    let graphs = index(sources, &raws, &mut report);
    let names = Names { catalog, graphs: &graphs, all_read };
    let mut drafts = Vec::new();
    for (file, raw) in &raws {
        drafts.push(names.draft(Place { file: *file, offset: 0 }, raw, &mut report));
    }
    let root = graphs.get(&catalog.root).copied();
    if root.is_none() && all_read {
        let what = format!("no file holds the root graph `{}`", catalog.root);
        report.add(Place { file: 0, offset: 0 }, what);
    }
    let complete = all_read && graphs.len() == drafts.len();
    proof::check(&drafts, root, complete, &mut report);
    match finish(drafts, root) {
        Some(set) if report.is_empty() => Ok(set),
        _ => Err(report.finish()),
    }
}

/// Adds what stands in files of utterances to the examples of their graphs.
fn add_utterances(sources: &[Source], raws: &mut [(usize, RawGraph)], report: &mut Report<'_>) {
    for (file, source) in sources.iter().enumerate() {
        let Holds::Utterances(of) = &source.holds else { continue };
        let examples = file::utterances(file, &source.text, report);
        let graph = raws.iter_mut().find(|(of_raw, _)| sources.get(*of_raw).is_some_and(|s| s.name == *of));
        if let Some((_, raw)) = graph {
            raw.examples.extend(examples);
        }
    }
}

/// The first graph of each name; later ones of the same name are problems.
fn index(sources: &[Source], raws: &[(usize, RawGraph)], report: &mut Report<'_>) -> BTreeMap<String, usize> {
    let mut graphs: BTreeMap<String, usize> = BTreeMap::new();
    for (index, (_, raw)) in raws.iter().enumerate() {
        let Some(name) = &raw.name else { continue };
        let first = *graphs.entry(name.text.clone()).or_insert(index);
        if first != index {
            let other =
                raws.get(first).and_then(|(file, _)| sources.get(*file)).map_or("", |s| s.name.as_str());
            report.add(name.at, format!("graph `{}` is defined in {other} already", name.text));
        }
    }
    graphs
}

/// Turns drafts without a flaw into graphs; `None` if there is a flaw, which was reported.
fn finish(drafts: Vec<Draft>, root: Option<usize>) -> Option<GraphSet> {
    let mut first = None;
    let mut others = BTreeMap::new();
    for (index, draft) in drafts.into_iter().enumerate() {
        let mut graph = Graph {
            name: draft.name.text,
            version: draft.version,
            entry: NodeIx(draft.entry?),
            examples: draft.examples,
            fields: draft.fields,
            nodes: Vec::new(),
            by_name: BTreeMap::new(),
        };
        for (ix, node) in draft.nodes.into_iter().enumerate() {
            let edges = (node.edges.into_iter())
                .map(|edge| Edge { outcome: edge.outcome.name, to: NodeIx(edge.to), say: edge.say })
                .collect();
            graph.by_name.insert(node.name.text.clone(), NodeIx(ix));
            graph.nodes.push(Node { name: node.name.text, kind: node.kind?, edges });
        }
        if Some(index) == root {
            first = Some(graph);
        } else {
            others.insert(graph.name.clone(), graph);
        }
    }
    Some(GraphSet { root: first?, others })
}
