//! What becomes of a conversation that waits under another version of its graph than the one that is loaded.
//!
//! A waiting conversation is kept as the names of its graphs, their versions and their nodes. The present version says by
//! `[stored]`, for each node of a former one, where it goes on. Nothing goes on by itself because a node of that name is
//! still there: what it asks, or leads to, may have become something else.

use super::draft::Drafter;
use super::file::Named;
use super::problem::Place;
use super::{Graph, GraphSet, Kind, NodeIx};
use crate::model::Assurance;

/// The words of `[stored]` that name no node.
const SAME: &str = "same";
const RESTART: &str = "restart";
const PINNED: &str = "pinned";

/// What becomes of conversations that wait at one node of a former version. `needs` is what must be proved of the person
/// whose conversation it is: the paths from there come to a handler that needs it, and nothing on them grants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// They go on at this node.
    At {
        /// The node.
        node: NodeIx,
        /// The level that the person must have.
        needs: Assurance,
    },
    /// The graph begins again, and that is said.
    Restart {
        /// The level that the person must have.
        needs: Assurance,
    },
    /// They go on in the version that they were paused under.
    Pinned {
        /// The level that the person must have.
        needs: Assurance,
    },
}

/// Why nothing becomes of a waiting conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stranded {
    /// No graph is called that.
    NoGraph,
    /// It was paused under a later version than the one that is loaded.
    Later,
    /// The graph has no node of that name that waits, though it is of that version.
    NoNode,
    /// The graph's `[stored]` has no rule for the node.
    NoRule,
    /// It is pinned to a version whose file is not kept, or has no such node.
    NoVersion,
}

/// What becomes of one waiting graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'g> {
    /// It goes on, in that graph, at that node.
    GoesOn {
        /// The graph: another version than the one it was paused under where it is migrated.
        graph: &'g Graph,
        /// The node.
        node: NodeIx,
        /// The level that the person must have, where it is not as it was proved under one version.
        needs: Assurance,
    },
    /// It begins again.
    Restarts {
        /// The graph.
        graph: &'g Graph,
        /// The level that the person must have.
        needs: Assurance,
    },
    /// It cannot go on.
    Stranded(Stranded),
}

impl GraphSet {
    /// What becomes of a graph that waits at that node of that version. `inner` is the graph that waits inside it: what
    /// waits for a graph goes on only where it is entered still.
    pub fn fate(&self, (name, version, node): (&str, u32, &str), inner: Option<&str>) -> Fate<'_> {
        let Some(graph) = self.graph(name) else { return Fate::Stranded(Stranded::NoGraph) };
        let on = |graph, at, needs, missing| match at {
            Some(at) if waits(graph, at, inner) => Fate::GoesOn { graph, node: at, needs },
            _ => Fate::Stranded(missing),
        };
        if graph.version == version {
            return on(graph, graph.find(node), Assurance::Anonymous, Stranded::NoNode);
        }
        if version > graph.version {
            return Fate::Stranded(Stranded::Later);
        }
        match graph.stored.get(node).copied() {
            None => Fate::Stranded(Stranded::NoRule),
            Some(Then::At { node, needs }) => on(graph, Some(node), needs, Stranded::NoNode),
            Some(Then::Restart { needs }) => Fate::Restarts { graph, needs },
            Some(Then::Pinned { needs }) => match self.version(name, version) {
                Some(kept) => on(kept, kept.find(node), needs, Stranded::NoVersion),
                None => Fate::Stranded(Stranded::NoVersion),
            },
        }
    }
}

/// Whether a node waits: for that graph, or, where there is none, for the person or an outside agent.
fn waits(graph: &Graph, at: NodeIx, inner: Option<&str>) -> bool {
    match (graph.node(at).map(|node| &node.kind), inner) {
        (Some(Kind::Agent(entered)), Some(inner)) => entered == inner,
        (Some(Kind::Ask { .. } | Kind::Http { .. }), None) => true,
        _ => false,
    }
}

/// A rule of `[stored]`, its name looked up.
#[derive(Debug)]
pub(super) struct Rule {
    /// The node, as a former version names it.
    pub(super) old: Named,
    /// Where the rule says what becomes of it.
    pub(super) at: Place,
    pub(super) then: Next,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    At(usize),
    Restart,
    Pinned,
}

impl Rule {
    /// The rule as it is kept, with what the proof found that it needs.
    pub(super) fn then(&self, needs: Assurance) -> Then {
        match self.then {
            Next::At(node) => Then::At { node: NodeIx(node), needs },
            Next::Restart => Then::Restart { needs },
            Next::Pinned => Then::Pinned { needs },
        }
    }
}

impl Drafter<'_, '_, '_> {
    /// The rule; what is wrong with it is told, and then no set comes of it.
    pub(super) fn rule(&mut self, (old, to): &(Named, Named), is_root: bool) -> Option<Rule> {
        if is_root {
            self.report.add(old.at, "the root graph has no [stored]: no conversation waits in it");
            return None;
        }
        let word = match to.text.as_str() {
            SAME => Some(None),
            RESTART => Some(Some(Next::Restart)),
            PINNED => Some(Some(Next::Pinned)),
            _ => None,
        };
        if word.is_some() && self.by_name.contains_key(to.text.as_str()) {
            let what =
                format!("`{0}` is a rule here, and a node is called `{0}`: name the node otherwise", to.text);
            self.report.add(to.at, what);
            return None;
        }
        let then = match word {
            Some(Some(then)) => then,
            Some(None) => Next::At(self.goes_on(old, to)?),
            None => Next::At(self.goes_on(to, to)?),
        };
        Some(Rule { old: old.clone(), at: to.at, then })
    }

    /// The node where conversations go on; one that never waits is none.
    fn goes_on(&mut self, name: &Named, to: &Named) -> Option<usize> {
        let Some(found) = self.by_name.get(name.text.as_str()).copied() else {
            let what = format!(
                "no node is called `{}`: a stored conversation goes on at a node of this graph, by its name or `{SAME}`, \
                 or it is `{RESTART}` or `{PINNED}`",
                name.text
            );
            self.report.add(to.at, what);
            return None;
        };
        Some(found)
    }
}
