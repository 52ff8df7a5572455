//! What is proved of a set of graphs before it may run.
//!
//! Two sorts of proof. Those that object to a path (a cycle, a circle of calls, a way round the gate) hold for what is
//! there, and are asked of every draft. Those that object to the absence of a path (never reached, no end, no way to
//! cancel) are asked of whole drafts only: of a draft with an edge missing they would blame nodes that are right.
//!
//! Adding a proof: a function here or in a file beside this one that takes the drafts and adds to the report, a call in
//! [`check`], a broken graph in `tests`.

mod cancel;
mod gate;
mod path;
mod shape;

use petgraph::Graph;
use petgraph::algo::toposort;
use petgraph::graph::NodeIndex;
use petgraph::visit::Dfs;

use super::draft::{Draft, Flow};
use super::problem::Report;

/// Asks every proof of the drafts. `complete` says that these are all the graphs there are.
pub(super) fn check(drafts: &[Draft], root: Option<usize>, complete: bool, report: &mut Report<'_>) {
    for draft in drafts {
        shape::check(draft, report);
    }
    let calls = calls(drafts);
    shape::circles(drafts, &calls, report);
    let Some(root) = root else { return };
    resumes_in_root_only(drafts, root, report);
    if complete && drafts.iter().all(|draft| draft.whole) {
        every_graph_is_reached(drafts, &calls, root, report);
    }
    cancel::check(drafts, root, report);
    // Without an order of calls there is no bottom to start from; the circle is reported already.
    if let Ok(order) = toposort(&calls, None) {
        let order: Vec<usize> = order.into_iter().map(NodeIndex::index).collect();
        gate::check(drafts, root, &order, report);
    }
}

/// Which graph calls which; vertices are indexes of drafts.
fn calls(drafts: &[Draft]) -> Graph<(), ()> {
    let mut calls = Graph::new();
    for _ in drafts {
        calls.add_node(());
    }
    for (from, draft) in drafts.iter().enumerate() {
        for node in &draft.nodes {
            if let Flow::Agent(to) = node.flow {
                calls.update_edge(NodeIndex::new(from), NodeIndex::new(to), ());
            }
        }
    }
    calls
}

fn every_graph_is_reached(drafts: &[Draft], calls: &Graph<(), ()>, root: usize, report: &mut Report<'_>) {
    let mut reached = vec![false; drafts.len()];
    let mut walk = Dfs::new(calls, NodeIndex::new(root));
    while let Some(graph) = walk.next(calls) {
        if let Some(seen) = reached.get_mut(graph.index()) {
            *seen = true;
        }
    }
    for (draft, _) in drafts.iter().zip(reached).filter(|(_, reached)| !reached) {
        report
            .add(draft.name.at, format!("graph `{}` is never reached from the root graph", draft.name.text));
    }
}

/// A frame is resumed on top of a turn's beginning; resumed from within another frame, it would have to return into a
/// stack that it is itself part of.
fn resumes_in_root_only(drafts: &[Draft], root: usize, report: &mut Report<'_>) {
    let Some(root) = drafts.get(root).map(|draft| draft.name.text.as_str()) else { return };
    for draft in drafts.iter().filter(|draft| draft.name.text != root) {
        for node in draft.nodes.iter().filter(|node| node.flow == Flow::Resume) {
            report.add(node.name.at, format!("node `{}`: only the root graph may resume", node.name.text));
        }
    }
}
