//! An agent node has an edge for each way in which its graph comes back to it, and for no other.
//!
//! A graph comes back *asked* where it waits, or one inside it does, and *done* where it ends. What waits is gone on with at
//! the root's resume node; so to a node of the root an agent comes back done only if it may end in the turn that enters it. What
//! `agents` and resume nodes stand for is whatever agents there are: they have both edges always.

use petgraph::algo::toposort;
use petgraph::graph::NodeIndex;

use super::super::draft::{Draft, DraftNode};
use super::super::flow::Flow;
use super::super::problem::{Place, Report};
use super::{calls, stored};

/// How a graph can come back to the node that entered it.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Returns {
    asked: bool,
    /// It may end in the turn that enters it.
    at_once: bool,
    /// It may end after what it asked was answered.
    done: bool,
}

/// Reports missing and dead edges of agent nodes. A graph with one missing is whole no more.
pub(in super::super) fn check(drafts: &mut [Draft], root: Option<usize>, report: &mut Report<'_>) {
    // Of graphs that call each other in a circle nobody can tell; the circle is reported.
    let Ok(order) = toposort(&calls(drafts), None) else { return };
    let mut known = vec![Returns::default(); drafts.len()];
    for at in order.into_iter().rev().map(NodeIndex::index) {
        let found = drafts.get(at).map(|draft| returns(draft, |callee| to_caller(drafts, callee, &known)));
        if let (Some(slot), Some(found)) = (known.get_mut(at), found) {
            *slot = found;
        }
    }
    let mut missing = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        for node in &draft.nodes {
            let Flow::Agent(callee) = node.flow else { continue };
            // A graph with something wrong in it comes back in ways that nobody can tell.
            let Some(agent) = drafts.get(callee).filter(|callee| callee.whole) else { continue };
            let found = to_caller(drafts, callee, &known);
            let done = if Some(at) == root { found.at_once } else { found.done };
            for (outcome, is_possible) in [("asked", found.asked), ("done", done)] {
                let edge = edge(node, outcome);
                if is_possible && edge.is_none() {
                    let what = format!("node `{}` has no edge for its outcome `{outcome}`", node.name.text);
                    report.add(node.name.at, what);
                    missing.push(at);
                } else if let Some(place) = edge.filter(|_| !is_possible && !draft.older) {
                    report.add(place, never(node, agent, outcome));
                }
            }
        }
    }
    for at in missing {
        if let Some(draft) = drafts.get_mut(at) {
            draft.whole = false;
        }
    }
}

fn edge(node: &DraftNode, outcome: &str) -> Option<Place> {
    node.edges.iter().find(|edge| edge.outcome.name == outcome).map(|edge| edge.at)
}

fn never(node: &DraftNode, agent: &Draft, outcome: &str) -> String {
    let why = if outcome == "asked" { "asks nothing" } else { "never ends before it has asked something" };
    format!("`{outcome}` of node `{}` is never taken: `{}` {why}", node.name.text, agent.name.text)
}

/// How a graph comes back to a caller, which may wait for a former version of it.
fn to_caller(drafts: &[Draft], graph: usize, known: &[Returns]) -> Returns {
    let of = |at: usize| known.get(at).copied().unwrap_or_default();
    let versions = drafts.get(graph).into_iter().flat_map(|draft| stored::versions(drafts, draft));
    versions.map(|(older, _)| of(older)).fold(of(graph), |all, older| Returns {
        asked: all.asked || older.asked,
        done: all.done || older.done,
        ..all
    })
}

fn returns(draft: &Draft, of: impl Fn(usize) -> Returns) -> Returns {
    let asks = |node: &DraftNode| match node.flow {
        Flow::Agent(callee) => of(callee).asked,
        flow => flow.pauses(),
    };
    Returns {
        asked: draft.nodes.iter().any(asks),
        at_once: ends(draft, |node| match node.flow {
            Flow::Agent(callee) => of(callee).at_once,
            flow => !flow.pauses(),
        }),
        done: ends(draft, |node| match node.flow {
            Flow::Agent(callee) => of(callee).done,
            _ => true,
        }),
    }
}

/// Whether a path leads from the entry to an end through nodes that `leads_on` lets through. A graph that goes on because one
/// inside it asks comes back asked, wherever it ends.
fn ends(draft: &Draft, leads_on: impl Fn(&DraftNode) -> bool) -> bool {
    let mut reached = vec![false; draft.nodes.len()];
    let mut open: Vec<usize> = draft.entry.into_iter().collect();
    while let Some(at) = open.pop() {
        let (Some(node), Some(seen)) = (draft.nodes.get(at), reached.get_mut(at)) else { continue };
        if std::mem::replace(seen, true) {
            continue;
        }
        if node.flow.is_end() {
            return true;
        }
        let is_agent = matches!(node.flow, Flow::Agent(_));
        let edges = node.edges.iter().filter(|edge| !is_agent || edge.outcome.name == "done");
        open.extend(edges.filter(|_| leads_on(node)).map(|edge| edge.to));
    }
    false
}
