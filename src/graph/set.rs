//! Graphs as they run: proved, indexed, and made of small vectors.

use std::collections::{BTreeMap, BTreeSet};

use super::call::Call;
use super::guard::Guard;
use super::pattern::Pattern;
use super::silence::Silence;
use super::stored::Then;
use super::tools::ToolCall;
use crate::model::{Action, Assurance, Slot, SubIntent};

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

/// The field that an ask's answer is kept in, and what is done with one that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keep {
    /// The field.
    pub field: String,
    /// What the answer must look like.
    pub pattern: Option<Pattern>,
    /// How many answers that cannot be taken lead to `exhausted`; without it there may be any number.
    pub tries: Option<u32>,
    /// The replies that ask again, one after the other, the last of them from then on.
    pub reprompts: Vec<String>,
}

/// What becomes of a message that comes while another answer to the same question is being looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Meanwhile {
    /// It waits, and is then looked at.
    #[default]
    Queue,
    /// Both are looked at as one answer.
    Coalesce,
    /// It is refused, and may be sent again later.
    Refuse,
}

impl Meanwhile {
    /// The names in graph files, with what each means.
    pub(super) const NAMES: [(&'static str, Self); 3] =
        [("queue", Self::Queue), ("coalesce", Self::Coalesce), ("refuse", Self::Refuse)];
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
        /// Where the answer is kept, unless a handler looks at it.
        keep: Option<Keep>,
        /// What becomes of a message that comes meanwhile.
        meanwhile: Meanwhile,
        /// How long it waits before its outcome `silent`, where it has one.
        silence: Option<Silence>,
    },
    /// Calls an outside agent, says something and waits for its answer.
    Http {
        /// The call.
        call: Call,
        /// What it says meanwhile.
        say: Say,
    },
    /// Calls a tool for whoever speaks.
    Tool(ToolCall),
    /// Goes to the edge `case_N` of the first guard that holds, N counting from 1, or to `else`.
    Goto(Vec<Guard>),
    /// Says something and ends its graph.
    Say(Say),
    /// Enters the graph of that name.
    Agent(String),
    /// Enters the graph that the message was routed to by name.
    Agents,
    /// Goes on in the innermost paused frame.
    Resume,
}

impl Kind {
    /// The reply keys that it says by itself.
    pub fn replies(&self) -> Vec<&str> {
        match self {
            Self::Ask { say, keep, .. } => {
                let again = keep.iter().flat_map(|keep| &keep.reprompts).map(String::as_str);
                std::iter::once(say.reply.as_str()).chain(again).collect()
            }
            Self::Say(say) | Self::Http { say, .. } => vec![say.reply.as_str()],
            _ => Vec::new(),
        }
    }
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
    /// What must be proved of the person before it is entered by name: whoever is not signed in signs in first.
    pub needs: Assurance,
    /// What people say to come here.
    pub examples: Vec<Example>,
    /// The fields that its nodes fill, and its texts and guards are given.
    pub fields: Vec<String>,
    /// What becomes of conversations that wait under an older version, by the names of their nodes there.
    pub stored: BTreeMap<String, Then>,
    pub(super) nodes: Vec<Node>,
    pub(super) by_name: BTreeMap<String, NodeIx>,
}

/// Whether people come to a graph by its name: the graphs of the sub-intents are routed to by the orchestrator's own nodes,
/// and an answer to an ask leads nowhere but back to it.
pub(super) fn is_routed(name: &str, examples: &[Example]) -> bool {
    SubIntent::of_graph(name).is_none() && examples.iter().any(|example| example.awaiting.is_none())
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
    /// Former versions that are kept for who waits under them, by name and version.
    pub(super) older: BTreeMap<(String, u32), Graph>,
}

impl GraphSet {
    /// The graph of that name.
    pub fn graph(&self, name: &str) -> Option<&Graph> {
        if self.root.name == name { Some(&self.root) } else { self.others.get(name) }
    }

    /// That version of a graph: the present one, or one that is kept.
    pub fn version(&self, name: &str, version: u32) -> Option<&Graph> {
        let present = self.graph(name).filter(|graph| graph.version == version);
        present.or_else(|| self.older.get(&(name.to_owned(), version)))
    }

    /// The graphs that an `agents` node enters.
    pub fn agents(&self) -> impl Iterator<Item = &Graph> {
        self.others.values().filter(|graph| is_routed(&graph.name, &graph.examples))
    }

    /// The graph that an `agents` node enters for that name.
    pub fn routed(&self, name: &str) -> Option<&Graph> {
        self.others.get(name).filter(|graph| is_routed(&graph.name, &graph.examples))
    }

    /// Every graph that is entered: the root, then the others by name.
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
        for node in self.graphs().chain(self.older.values()).flat_map(|graph| &graph.nodes) {
            keys.extend(node.kind.replies());
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
