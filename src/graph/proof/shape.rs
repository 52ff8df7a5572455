//! The shape of one graph: everything is reached, every cycle waits for the person, everything comes to an end.

use petgraph::Graph;
use petgraph::algo::tarjan_scc;
use petgraph::graph::NodeIndex;
use petgraph::visit::{Dfs, Reversed};

use super::super::draft::Draft;
use super::super::flow::Flow;
use super::super::problem::Report;
use super::callees;

pub(super) fn check(draft: &Draft, report: &mut Report<'_>) {
    if let Some(entry) = draft.entry.filter(|_| draft.whole) {
        let all = flow(draft, |_| true);
        let reached = reach(&all, entry);
        for (node, _) in draft.nodes.iter().zip(reached).filter(|(_, reached)| !reached) {
            report.add(node.name.at, format!("node `{}` is never reached", node.name.text));
        }
        ends(draft, report);
    }
    cycles(draft, report);
}

/// The graph's edges, as far as they leave nodes that `leaves` lets through; vertices are indexes of nodes.
pub(super) fn flow(draft: &Draft, leaves: impl Fn(Flow) -> bool) -> Graph<(), ()> {
    let mut flow = Graph::new();
    for _ in &draft.nodes {
        flow.add_node(());
    }
    for (from, node) in draft.nodes.iter().enumerate().filter(|(_, node)| leaves(node.flow)) {
        for edge in &node.edges {
            flow.update_edge(NodeIndex::new(from), NodeIndex::new(edge.to), ());
        }
    }
    flow
}

/// For each vertex whether a path leads to it.
pub(super) fn reach(graph: &Graph<(), ()>, from: usize) -> Vec<bool> {
    let mut reached = vec![false; graph.node_count()];
    let mut walk = Dfs::new(graph, NodeIndex::new(from));
    while let Some(node) = walk.next(graph) {
        if let Some(seen) = reached.get_mut(node.index()) {
            *seen = true;
        }
    }
    reached
}

/// Walks backwards from every end and every ask, from one added vertex that all of them lead to.
fn ends(draft: &Draft, report: &mut Report<'_>) {
    let mut flow = flow(draft, |_| true);
    let rest = flow.add_node(());
    for (index, node) in draft.nodes.iter().enumerate() {
        if node.flow.pauses() || node.flow.is_end() {
            flow.add_edge(NodeIndex::new(index), rest, ());
        }
    }
    let mut comes_to_rest = vec![false; flow.node_count()];
    let backwards = Reversed(&flow);
    let mut walk = Dfs::new(backwards, rest);
    while let Some(node) = walk.next(backwards) {
        if let Some(seen) = comes_to_rest.get_mut(node.index()) {
            *seen = true;
        }
    }
    for (node, _) in draft.nodes.iter().zip(comes_to_rest).filter(|(_, rests)| !rests) {
        let what = format!("from node `{}` neither an end nor an ask can be reached", node.name.text);
        report.add(node.name.at, what);
    }
}

/// A turn that meets no ask must end, and a call may not lead to itself for ever; so with the asks' edges taken away nothing
/// may be left that goes round.
fn cycles(draft: &Draft, report: &mut Report<'_>) {
    let flow = flow(draft, |flow| !flow.is_ask());
    for cycle in round_trips(&flow) {
        let names: Vec<&str> =
            cycle.iter().filter_map(|&index| Some(draft.nodes.get(index)?.name.text.as_str())).collect();
        let Some(first) = cycle.first().and_then(|&index| draft.nodes.get(index)) else { continue };
        report.add(first.name.at, format!("a cycle without an ask: {}", names.join(" → ")));
    }
}

/// Graphs that call each other in a circle would stack frames without end.
pub(super) fn circles(drafts: &[Draft], calls: &Graph<(), ()>, report: &mut Report<'_>) {
    for circle in round_trips(calls) {
        let names: Vec<&str> =
            circle.iter().filter_map(|&index| Some(drafts.get(index)?.name.text.as_str())).collect();
        let (Some(first), Some(&second)) = (circle.first().and_then(|&i| drafts.get(i)), circle.get(1))
        else {
            continue;
        };
        let call = first.nodes.iter().find(|node| callees(drafts, node.flow).contains(&second));
        let at = call.map_or(first.name.at, |node| node.name.at);
        report.add(at, format!("graphs call each other in a circle: {}", names.join(" → ")));
    }
}

/// One shortest cycle of each knot of the graph, beginning and ending with the knot's first vertex.
fn round_trips(graph: &Graph<(), ()>) -> Vec<Vec<usize>> {
    let mut found: Vec<_> = tarjan_scc(graph)
        .into_iter()
        .filter_map(|knot| knot.into_iter().map(NodeIndex::index).min())
        .filter_map(|first| way_back(graph, first))
        .collect();
    found.sort();
    found
}

/// The shortest path from a vertex back to itself.
fn way_back(graph: &Graph<(), ()>, start: usize) -> Option<Vec<usize>> {
    let mut came: Vec<Option<usize>> = vec![None; graph.node_count()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(here) = queue.pop_front() {
        // petgraph hands the newest edge out first; the file's order makes the printed path a steady one.
        let mut next: Vec<_> = graph.neighbors(NodeIndex::new(here)).map(NodeIndex::index).collect();
        next.reverse();
        for to in next {
            let Some(slot) = came.get_mut(to).filter(|slot| slot.is_none()) else { continue };
            *slot = Some(here);
            queue.push_back(to);
        }
    }
    let mut path = vec![start];
    let mut here = came.get(start).copied().flatten()?;
    while here != start {
        path.push(here);
        here = came.get(here).copied().flatten()?;
    }
    path.push(start);
    path.reverse();
    Some(path)
}
