//! Every ask can be left.
//!
//! Each turn begins at the root's entry, whatever is awaited. So one way out serves every ask of every graph: an outcome
//! `cancel` of the entry's handler whose paths all end the turn without going back into what was paused. That they end
//! at all follows from the proofs of shape.

use super::super::draft::Draft;
use super::super::flow::Flow;
use super::super::problem::{Place, Report};
use super::shape::{flow, reach};

const CANCEL: &str = "cancel";

pub(super) fn check(drafts: &[Draft], root: usize, report: &mut Report<'_>) {
    let Some(draft) = drafts.get(root).filter(|draft| draft.whole) else { return };
    let Some((at, why)) = obstacle(draft) else { return };
    let asks: Vec<String> = drafts
        .iter()
        .flat_map(|draft| draft.nodes.iter().map(move |node| (draft, node)))
        .filter(|(_, node)| node.flow.pauses())
        .map(|(draft, node)| format!("{}.{}", draft.name.text, node.name.text))
        .collect();
    if !asks.is_empty() {
        report.add(at, format!("{why}, so these asks cannot be left: {}", asks.join(", ")));
    }
}

/// What stands in the way of cancelling, and where.
fn obstacle(root: &Draft) -> Option<(Place, String)> {
    let entry = root.entry.and_then(|entry| root.nodes.get(entry))?;
    let cancel = entry.edges.iter().find(|edge| edge.outcome.name == CANCEL);
    let Some(cancel) = cancel.filter(|_| matches!(entry.flow, Flow::Handler(_))) else {
        let why = format!("the root's entry `{}` is no handler with an outcome `cancel`", entry.name.text);
        return Some((root.entry_at, why));
    };
    // The turn ends at an ask; what its answer leads to is another turn, which can be cancelled in its own right.
    let reached = reach(&flow(root, |flow| !flow.pauses()), cancel.to);
    let resume =
        root.nodes.iter().zip(reached).find(|(node, reached)| *reached && node.flow == Flow::Resume)?.0;
    Some((cancel.at, format!("`cancel` leads to the resume node `{}`", resume.name.text)))
}
