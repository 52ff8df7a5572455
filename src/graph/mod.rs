//! Conversation graphs: what leads where, as data in TOML, proved before it runs.
//!
//! A graph is a set of nodes. A node is a Rust handler (found by the node's own name, or by `handler`), an `ask` that
//! ends the turn and waits for a value, a `say` that ends the graph, a `goto` that chooses by what is known, a `call`
//! that calls a tool for whoever speaks, an `http` that calls an outside agent and waits for its answer, an `agent`
//! that enters another graph, `agents`, which enters the graph that the message named, or `resume`, which goes on in
//! the innermost paused frame. An `ask` and an `http` may keep what they are answered in *fields*, which texts and
//! guards are given. An ask with `silence` waits for that long and then goes on by `silent`, once, where nothing was
//! said. A node's outcomes lead on by `on`; an edge may carry words that its target, an ask or a say, says instead of
//! its own. A file may hold `[[intent.example]]`s, or utterances beside it: what people say to come to its graph. A
//! graph that has some is *routed*: it counts as entered by the root's `agents` node.
//!
//! [`load`] reads the texts, looks up every name in the [`Catalog`], and proves: every outcome has one edge, every
//! node and graph is reached, every cycle passes an ask, every node comes to an end or an ask, graphs don't call each
//! other in a circle, an agent node has an edge for each way its graph comes back and for no other
//! (`proof/returns.rs`), every ask and call can be left by cancel, and by beginning again and what is out of scope
//! where the root knows these (`proof/cancel.rs`), an answer that is believed can be taken back at the next question
//! (`proof/correct.rs`), answers come to an end of their graph and counted tries are not counted anew for ever
//! (`proof/live.rs`), no handler runs in a turn that an outside agent's answer or silence began, in its graph or in
//! one that waits for it, no case of a `goto` hides another, every text is told what its graph knows, and **the
//! gate**: every path to a handler that needs a level of assurance passes an outcome that grants it, across calls and
//! resumed frames. It reports all problems at once, each with its place. What a resume node means for the gate, and
//! why it raises no false alarm, is told in `proof/gate.rs`.
//!
//! A waiting conversation is kept with the version of its graph. Under a later one it goes on only where `[stored]` of
//! that graph says so, node by node: at a node of it, from its beginning, or *pinned* in the former version, whose file
//! is kept and proved beside it. Each rule is an entry of its own for the gate (`proof/stored.rs`); [`GraphSet::fate`]
//! is the answer.
//!
//! What it does not know: files, handlers' code, the texts of replies, conversations. It runs nothing; the engine walks
//! a [`GraphSet`] and checks each handler's level again.
//!
//! | file | what it does |
//! |---|---|
//! | `file` | reads the shape of one file, with places |
//! | `draft`, `fields`, `calls`, `tools` | look up names |
//! | `pattern`, `guard`, `call`, `silence` | what answers must look like, where they lead, what is asked of others, how long |
//! | `shadow` | cases that are never taken |
//! | `stored` | what becomes of conversations that wait under another version |
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
mod shadow;
mod silence;
mod stored;
mod survey;
#[cfg(test)]
mod tests;
mod tools;

use std::collections::BTreeMap;

pub use call::{Call, Method, Piece};
pub use catalog::{Catalog, HandlerSpec, OutcomeSpec, ToolSpec};
pub use guard::{Guard, Unjudged};
pub use options::{Options, Setting};
pub use pattern::Pattern;
pub use problem::{Problem, Problems};
pub use set::{Edge, EdgeId, Example, Graph, GraphSet, Keep, Kind, Meanwhile, Node, NodeIx, Say};
pub use silence::Silence;
pub use stored::{Fate, Stranded, Then};
pub use survey::{Said, survey};
pub use tools::{Argument, ToolCall};

use draft::{Draft, Names};
use file::RawGraph;
use problem::{Place, Report};

use crate::model::Assurance;

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
    /// A former version of one, as it was, for conversations that are pinned to it.
    Older,
    /// What people say to come to the graph of the file of that name: a line each, as JSON.
    Utterances(String),
}

impl Source {
    /// A graph file.
    pub fn graph(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), holds: Holds::Graph }
    }

    /// A former version of a graph.
    pub fn older(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), holds: Holds::Older }
    }

    /// Whether it holds a graph, of whichever version.
    fn is_graph(&self) -> bool {
        matches!(self.holds, Holds::Graph | Holds::Older)
    }
}

/// Reads and proves a set of graphs.
pub fn load(sources: &[Source], catalog: &Catalog) -> Result<GraphSet, Problems> {
    let mut report = Report::new(sources);
    if sources.iter().filter(|source| source.is_graph()).count() > MAX_GRAPHS {
        report.add(Place { file: MAX_GRAPHS, offset: 0 }, format!("a set has at most {MAX_GRAPHS} graphs"));
        return Err(report.finish());
    }
    let (mut raws, all_read) = read(sources, &mut report);
    add_utterances(sources, &mut raws, &mut report);
    let graphs = index(sources, &raws, &mut report);
    let names = Names { catalog, graphs: &graphs, all_read };
    let mut drafts = Vec::new();
    for (file, raw) in &raws {
        let older = is_older(sources, *file);
        drafts.push(names.draft(Place { file: *file, offset: 0 }, raw, older, &mut report));
    }
    let root = graphs.get(&catalog.root).copied();
    if root.is_none() && all_read {
        let what = format!("no file holds the root graph `{}`", catalog.root);
        report.add(Place { file: 0, offset: 0 }, what);
    }
    let complete = all_read && graphs.len() == drafts.iter().filter(|draft| !draft.older).count();
    proof::returns(&mut drafts, root, &mut report);
    let needs = proof::check(&drafts, root, complete, &mut report);
    match finish(drafts, root, &needs) {
        Some(set) if report.is_empty() => Ok(set),
        _ => Err(report.finish()),
    }
}

/// The graphs of the files, and whether all of them could be read.
fn read(sources: &[Source], report: &mut Report<'_>) -> (Vec<(usize, RawGraph)>, bool) {
    let (mut raws, mut all_read) = (Vec::new(), true);
    for (file, source) in sources.iter().enumerate().filter(|(_, source)| source.is_graph()) {
        let raw = file::read(file, &source.text, report);
        all_read &= raw.as_ref().is_some_and(|raw| raw.name.is_some());
        raws.extend(raw.map(|raw| (file, raw)));
    }
    (raws, all_read)
}

fn is_older(sources: &[Source], file: usize) -> bool {
    sources.get(file).is_some_and(|source| source.holds == Holds::Older)
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

/// The first graph of each name; later ones of the same name are problems. A former version is none of them: nothing enters
/// it by its name.
fn index(sources: &[Source], raws: &[(usize, RawGraph)], report: &mut Report<'_>) -> BTreeMap<String, usize> {
    let mut graphs: BTreeMap<String, usize> = BTreeMap::new();
    for (index, (file, raw)) in raws.iter().enumerate() {
        let Some(name) = raw.name.as_ref().filter(|_| !is_older(sources, *file)) else { continue };
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
fn finish(drafts: Vec<Draft>, root: Option<usize>, needs: &proof::Needs) -> Option<GraphSet> {
    let (mut first, mut others, mut older) = (None, BTreeMap::new(), BTreeMap::new());
    for (index, draft) in drafts.into_iter().enumerate() {
        let needed = |old: &str| needs.get(&(index, old.to_owned())).copied().unwrap_or(Assurance::Anonymous);
        let rule = |rule: &stored::Rule| (rule.old.text.clone(), rule.then(needed(&rule.old.text)));
        let mut graph = Graph {
            stored: draft.stored.iter().map(rule).collect(),
            name: draft.name.text,
            version: draft.version,
            entry: NodeIx(draft.entry?),
            needs: draft.needs,
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
        } else if draft.older {
            older.insert((graph.name.clone(), graph.version), graph);
        } else {
            others.insert(graph.name.clone(), graph);
        }
    }
    Some(GraphSet { root: first?, others, older })
}
