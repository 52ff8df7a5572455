//! Conversation graphs: what leads where, as data in TOML, proved before it runs.
//!
//! A graph is a set of nodes. A node is a Rust handler (found by the node's own name, or by `handler`), an `ask` that
//! ends the turn and waits for a value, a `say` that ends the graph, an `agent` that enters another graph, or `resume`,
//! which goes on in the innermost paused frame. Its outcomes lead on by `on`; an edge may carry words that its target,
//! an ask or a say, says instead of its own. A file may hold `[[intent.example]]`s: what people say to come to its graph.
//!
//! [`load`] reads the texts, looks up every name in the [`Catalog`], and proves: every outcome has one edge, every node
//! and graph is reached, every cycle passes an ask, every node comes to an end or an ask, graphs don't call each other
//! in a circle, every ask can be left by cancel, and **the gate**: every path to a handler that needs a level of
//! assurance passes an outcome that grants it, across calls and resumed frames. It reports all problems at once, each
//! with its place. What a resume node means for the gate, and why it raises no false alarm, is told in `proof/gate.rs`.
//!
//! What it does not know: files, handlers' code, the texts of replies, conversations. It runs nothing; the engine walks
//! a [`GraphSet`] and checks each handler's level again.
//!
//! | file | what it does |
//! |---|---|
//! | `file` | reads the shape of one file, with places |
//! | `draft` | looks up names |
//! | `proof` | proves the drafts |
//! | `set` | the loaded form |
//! | `draw` | Mermaid and DOT |
//!
//! Adding a kind of node: its keys in `file::What`, its names in `draft`, its outcomes in `catalog`, a variant of
//! [`Kind`], its steps in `proof/gate.rs`, a shape in `draw`, a broken graph for each mistake in `tests`.

mod catalog;
mod draft;
pub mod draw;
mod file;
mod options;
mod problem;
mod proof;
mod set;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use catalog::{Catalog, HandlerSpec, OutcomeSpec};
pub use options::Options;
pub use problem::{Problem, Problems};
pub use set::{Edge, EdgeId, Example, Graph, GraphSet, Kind, Node, NodeIx, Say};

use draft::{Draft, Names};
use file::RawGraph;
use problem::{Place, Report};

/// Most graphs one set may have.
const MAX_GRAPHS: usize = 64;

/// One graph file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name that problems give, as a person would open it.
    pub name: String,
    /// Its contents.
    pub text: String,
}

/// Reads and proves a set of graphs.
pub fn load(sources: &[Source], catalog: &Catalog) -> Result<GraphSet, Problems> {
    let mut report = Report::new(sources);
    if sources.len() > MAX_GRAPHS {
        report.add(Place { file: MAX_GRAPHS, offset: 0 }, format!("a set has at most {MAX_GRAPHS} graphs"));
        return Err(report.finish());
    }
    let mut raws: Vec<(usize, RawGraph)> = Vec::new();
    for (file, source) in sources.iter().enumerate() {
        raws.extend(file::read(file, &source.text, &mut report).map(|raw| (file, raw)));
    }
    let graphs = index(sources, &raws, &mut report);
    let all_read = raws.len() == sources.len() && raws.iter().all(|(_, raw)| raw.name.is_some());
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
