//! No question is asked for ever.
//!
//! Every ask can be left by what the root has for all of them (`cancel.rs`): `cancel`, and whatever else a message is routed
//! to, since each turn begins at the root's entry. What a graph itself must do is to lead on: answers come to an end of it in the
//! end, and an ask that counts its tries does not begin to count again by itself.

use petgraph::graph::NodeIndex;
use petgraph::visit::{Dfs, Reversed};

use super::super::draft::Draft;
use super::super::flow::Flow;
use super::super::problem::Report;
use super::shape::{flow, reach};

/// The outcome of an ask whose tries are used up.
const EXHAUSTED: &str = "exhausted";

pub(super) fn check(draft: &Draft, report: &mut Report<'_>) {
    if draft.whole {
        answers_lead_on(draft, report);
    }
    let onward = flow(draft, |flow| !flow.pauses());
    for (at, node) in draft.nodes.iter().enumerate().filter(|(_, node)| node.flow.is_ask()) {
        let used_up = node.edges.iter().find(|edge| edge.outcome.name == EXHAUSTED);
        let Some(edge) = used_up.filter(|edge| reach(&onward, edge.to).get(at) == Some(&true)) else {
            continue;
        };
        let what = format!(
            "`{EXHAUSTED}` leads back to `{}` with nothing else asked: its tries would be counted anew, without end",
            node.name.text
        );
        report.add(edge.at, what);
    }
}

/// Walks backwards from every end. What comes to none is a circle of questions that no answer leads out of.
fn answers_lead_on(draft: &Draft, report: &mut Report<'_>) {
    let mut all = flow(draft, |_| true);
    let end = all.add_node(());
    for (at, _) in draft.nodes.iter().enumerate().filter(|(_, node)| node.flow.is_end()) {
        all.add_edge(NodeIndex::new(at), end, ());
    }
    let backwards = Reversed(&all);
    let mut walk = Dfs::new(backwards, end);
    let mut ends = vec![false; all.node_count()];
    while let Some(node) = walk.next(backwards) {
        if let Some(seen) = ends.get_mut(node.index()) {
            *seen = true;
        }
    }
    let circle: Vec<_> = draft
        .nodes
        .iter()
        .zip(ends)
        .filter(|(node, ends)| !ends && waits(node.flow))
        .map(|(node, _)| node)
        .collect();
    let Some(first) = circle.first() else { return };
    let names: Vec<&str> = circle.iter().map(|node| node.name.text.as_str()).collect();
    let what = format!("no answer ever leads to an end of the graph from: {}", names.join(", "));
    report.add(first.name.at, what);
}

fn waits(flow: Flow) -> bool {
    flow.pauses()
}
