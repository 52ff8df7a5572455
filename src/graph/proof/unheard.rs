//! What comes after an outside agent's answer, or after silence, speaks for nobody.
//!
//! It is told in a turn of its own, which no person's message began and no credential came with. So until the person speaks
//! again, nothing runs but what says, asks, chooses or calls out for nobody; a handler or a tool would find nobody to act for,
//! whatever was proved before. A graph that waits for another one goes on in that turn as well, where the other ends or asks.
//! The root alone is let off: what it does for every agent alike it does for nobody in particular.

use super::super::draft::{Draft, DraftEdge, DraftNode};
use super::super::flow::Flow;
use super::super::problem::Report;
use super::super::silence::SILENT;
use super::callees;
use super::shape::{flow, reach};
use crate::model::Assurance;

pub(super) fn check(drafts: &[Draft], root: Option<usize>, report: &mut Report<'_>) {
    let unheard: Vec<bool> = (0..drafts.len()).map(|at| goes_on_alone(drafts, at, drafts.len())).collect();
    for (at, draft) in drafts.iter().enumerate() {
        let onward = flow(draft, |flow| !flow.pauses());
        for (from, node) in draft.nodes.iter().enumerate() {
            let pauses = node.flow.pauses();
            let waits_inside =
                || callees(drafts, node.flow).into_iter().any(|to| unheard.get(to) == Some(&true));
            if !pauses && (Some(at) == root || !waits_inside()) {
                continue;
            }
            let mut runs: Vec<usize> = Vec::new();
            for edge in node.edges.iter().filter(|edge| !pauses || is_unheard(node, edge)) {
                let reached = reach(&onward, edge.to);
                let is_run = |to: &usize| (!pauses || *to != from) && reached.get(*to) == Some(&true);
                runs.extend((0..draft.nodes.len()).filter(is_run));
            }
            let mut nodes = runs.into_iter().filter_map(|to| draft.nodes.get(to));
            if let Some(rust) = nodes.find(|to| needs_somebody(to.flow)) {
                let after = match node.flow {
                    Flow::Http(_) => "the answer to",
                    _ if pauses => "silence at",
                    _ => "an outside agent's answer or silence within",
                };
                let what = format!(
                    "node `{}` comes after {after} `{}` in a turn that nobody's message began: only say, ask, goto and \
                     http nodes may",
                    rust.name.text, node.name.text
                );
                report.add(rust.name.at, what);
            }
        }
    }
}

/// Whether nobody's message leads along the edge.
fn is_unheard(from: &DraftNode, edge: &DraftEdge) -> bool {
    matches!(from.flow, Flow::Http(_)) || edge.outcome.name == SILENT && from.flow.is_ask()
}

/// Whether a graph, or one that it enters, goes on where nobody spoke: after an outside agent's answer, or after silence.
/// Graphs that call each other in a circle, which is a problem of its own, are followed no further than there are graphs.
fn goes_on_alone(drafts: &[Draft], at: usize, depth: usize) -> bool {
    let Some(draft) = drafts.get(at).filter(|_| depth > 0) else { return false };
    draft.nodes.iter().any(|node| {
        let inside = || callees(drafts, node.flow).into_iter().any(|to| goes_on_alone(drafts, to, depth - 1));
        node.edges.iter().any(|edge| is_unheard(node, edge)) || inside()
    })
}

fn needs_somebody(flow: Flow) -> bool {
    match flow {
        Flow::Handler(_) | Flow::Tool(_) | Flow::Agent(_) | Flow::Agents | Flow::Resume => true,
        Flow::Http(needs) => needs > Assurance::Anonymous,
        _ => false,
    }
}
