//! Graphs as they run: proved, indexed, and made of small vectors.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Action, Slot};

/// The position of a node in its graph. It means nothing in another graph, and nothing after a restart: what is stored
/// is the node's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeIx(pub(super) usize);

/// What is said: a key into the replies, and what kind of answer it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Say {
    /// The reply key.
    pub reply: String,
    /// The answer's action.
    pub action: Action,
}

/// What a node does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Runs the Rust handler of that name.
    Handler(&'static str),
    /// Says something, ends the turn and waits for a value.
    Ask {
        /// What it waits for.
        slot: Slot,
        /// What it says, unless the edge that led here says something else.
        say: Say,
    },
    /// Says something and ends its graph.
    Say(Say),
    /// Enters the graph of that name.
    Agent(String),
    /// Goes on in the innermost paused frame.
    Resume,
}

/// Where an outcome leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The outcome.
    pub outcome: &'static str,
    /// The next node.
    pub to: NodeIx,
    /// What the next node, an ask or a say, says instead of its own words.
    pub say: Option<Say>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name, unique in its graph.
    pub name: String,
    /// What it does.
    pub kind: Kind,
    pub(super) edges: Vec<Edge>,
}

impl Node {
    /// The edge of an outcome. A handful of edges is faster to walk than to hash.
    pub fn edge(&self, outcome: &str) -> Option<&Edge> {
        self.edges.iter().find(|edge| edge.outcome == outcome)
    }

    /// Every edge, in the order of the file; none means that the graph ends here.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }
}

/// Something that a person may say to come to a graph: the local classifier learns from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// What is said.
    pub text: String,
    /// Its language, for the people who keep the file.
    pub lang: String,
    /// The slot that is awaited when it is said, if any.
    pub awaiting: Option<Slot>,
}

/// One graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// Its name, unique in the set.
    pub name: String,
    /// Its version, for states that outlive a release.
    pub version: u32,
    /// Where it begins.
    pub entry: NodeIx,
    /// What people say to come here.
    pub examples: Vec<Example>,
    pub(super) nodes: Vec<Node>,
    pub(super) by_name: BTreeMap<String, NodeIx>,
}

impl Graph {
    /// The node at a position of this graph.
    pub fn node(&self, ix: NodeIx) -> Option<&Node> {
        self.nodes.get(ix.0)
    }

    /// The position of a node, as a stored state names it.
    pub fn find(&self, name: &str) -> Option<NodeIx> {
        self.by_name.get(name).copied()
    }

    /// Every node, in the order of the file.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeIx, &Node)> {
        self.nodes.iter().enumerate().map(|(i, node)| (NodeIx(i), node))
    }
}

/// An edge, named for coverage.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EdgeId {
    /// The graph.
    pub graph: String,
    /// The node it leaves.
    pub from: String,
    /// The outcome.
    pub outcome: String,
}

/// A set of graphs that passed every proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GraphSet {
    pub(super) root: Graph,
    /// Every other graph, by name.
    pub(super) others: BTreeMap<String, Graph>,
}

impl GraphSet {
    /// The graph of that name.
    pub fn graph(&self, name: &str) -> Option<&Graph> {
        if self.root.name == name { Some(&self.root) } else { self.others.get(name) }
    }

    /// Every graph: the root, then the others by name.
    pub fn graphs(&self) -> impl Iterator<Item = &Graph> {
        std::iter::once(&self.root).chain(self.others.values())
    }

    /// The graph that every turn begins in.
    pub fn root(&self) -> &Graph {
        &self.root
    }

    /// Every example, with the name of its graph, in the order of [`GraphSet::graphs`].
    pub fn examples(&self) -> impl Iterator<Item = (&str, &Example)> {
        self.graphs().flat_map(|graph| graph.examples.iter().map(|example| (graph.name.as_str(), example)))
    }

    /// Every reply key that a node or an edge says.
    pub fn reply_keys(&self) -> BTreeSet<&str> {
        let mut keys = BTreeSet::new();
        for node in self.graphs().flat_map(|graph| &graph.nodes) {
            if let Kind::Ask { say, .. } | Kind::Say(say) = &node.kind {
                keys.insert(say.reply.as_str());
            }
            keys.extend(node.edges.iter().filter_map(|edge| Some(edge.say.as_ref()?.reply.as_str())));
        }
        keys
    }

    /// Every edge: graphs in the order of [`GraphSet::graphs`], nodes and outcomes in the order of their file.
    pub fn edges(&self) -> Vec<EdgeId> {
        let mut edges = Vec::new();
        for graph in self.graphs() {
            for node in &graph.nodes {
                edges.extend(node.edges.iter().map(|edge| EdgeId {
                    graph: graph.name.clone(),
                    from: node.name.clone(),
                    outcome: edge.outcome.to_owned(),
                }));
            }
        }
        edges
    }
}
