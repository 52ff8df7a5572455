//! An agent node has an edge for each way in which its graph comes back to it, and for no other.
//!
//! A graph comes back *asked* where it waits, or one inside it does, and *done* where it ends with nothing in it that waits.
//! What waits is gone on with at the root's resume node; so to a node of the root an agent comes back done only if it may end
//! in the turn that enters it. What `agents` and resume nodes stand for is whatever agents there are: they have both edges
//! always.

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
                if is_possible && !node.named.iter().any(|named| named == outcome) {
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
    let may_end =
        |later: bool| ends(draft, later, |callee| if later { of(callee).done } else { of(callee).at_once });
    Returns { asked: draft.nodes.iter().any(asks), at_once: may_end(false), done: may_end(true) }
}

/// Whether a path leads from the entry to an end; to one in a later turn, if `later`, through what waits for an answer. A graph
/// that goes on because one inside it asks has itself asked, until it asks something that is answered.
fn ends(draft: &Draft, later: bool, done: impl Fn(usize) -> bool) -> bool {
    let mut reached = std::collections::BTreeSet::new();
    let mut open: Vec<(usize, bool)> = draft.entry.map(|entry| (entry, false)).into_iter().collect();
    while let Some((at, waits)) = open.pop() {
        let Some(node) = draft.nodes.get(at).filter(|_| reached.insert((at, waits))) else { continue };
        if node.flow.is_end() && !waits {
            return true;
        }
        let next = node.edges.iter().filter_map(|edge| {
            let waits = match (node.flow, edge.outcome.name) {
                (Flow::Agent(_), "asked") => true,
                (Flow::Agent(callee), _) => return done(callee).then_some((edge.to, waits)),
                // A call that cannot be made has failed at once.
                (Flow::Http(_), "failed") => waits && !later,
                (flow, _) if flow.pauses() => return later.then_some((edge.to, false)),
                _ => waits,
            };
            Some((edge.to, waits))
        });
        open.extend(next);
    }
    false
}
