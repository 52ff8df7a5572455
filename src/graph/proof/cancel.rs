//! Every ask can be left.
//!
//! Each turn begins at the root's entry, whatever is awaited. So the ways out serve every ask of every graph: the outcomes of
//! the entry's handler that steer a conversation away from its question. `cancel` must be one; what is there of the others
//! must keep the same promise, which is that all its paths end the turn without going back into what was paused. That they
//! end at all follows from the proofs of shape.

use super::super::draft::{Draft, DraftEdge};
use super::super::flow::Flow;
use super::super::problem::{Place, Report};
use super::shape::{flow, reach};

const CANCEL: &str = "cancel";
const WAYS_OUT: [&str; 3] = [CANCEL, "start_over", "out_of_scope"];

pub(super) fn check(drafts: &[Draft], root: usize, report: &mut Report<'_>) {
    let Some(draft) = drafts.get(root).filter(|draft| draft.whole) else { return };
    let asks: Vec<String> = drafts
        .iter()
        .flat_map(|draft| draft.nodes.iter().map(move |node| (draft, node)))
        .filter(|(_, node)| node.flow.pauses())
        .map(|(draft, node)| format!("{}.{}", draft.name.text, node.name.text))
        .collect();
    if asks.is_empty() {
        return;
    }
    for (at, why) in obstacles(draft) {
        report.add(at, format!("{why}, so these asks cannot be left: {}", asks.join(", ")));
    }
}

/// What stands in the way of leaving, and where.
fn obstacles(root: &Draft) -> Vec<(Place, String)> {
    let Some(entry) = root.entry.and_then(|entry| root.nodes.get(entry)) else { return Vec::new() };
    let way = |name: &str| entry.edges.iter().find(|edge| edge.outcome.name == name);
    if way(CANCEL).is_none() || !matches!(entry.flow, Flow::Handler(_)) {
        let why = format!("the root's entry `{}` is no handler with an outcome `{CANCEL}`", entry.name.text);
        return vec![(root.entry_at, why)];
    }
    // The turn ends at an ask; what its answer leads to is another turn, which can be left in its own right.
    let onward = flow(root, |flow| !flow.pauses());
    let obstacle = |edge: &DraftEdge| {
        let reached = reach(&onward, edge.to);
        let resume =
            root.nodes.iter().zip(reached).find(|(node, reached)| *reached && node.flow == Flow::Resume)?.0;
        Some((edge.at, format!("`{}` leads to the resume node `{}`", edge.outcome.name, resume.name.text)))
    };
    WAYS_OUT.iter().filter_map(|name| way(name)).filter_map(obstacle).collect()
}
