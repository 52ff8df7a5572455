//! What comes after an outside agent's answer speaks for nobody.
//!
//! It is told in a turn of its own, which no person's message began and no credential came with. So until the person speaks
//! again, nothing runs but what says, asks, chooses or calls; a handler would find nobody to act for, whatever was proved
//! before.

use super::super::draft::Draft;
use super::super::flow::Flow;
use super::super::problem::Report;
use super::shape::{flow, reach};

pub(super) fn check(draft: &Draft, report: &mut Report<'_>) {
    let onward = flow(draft, |flow| !flow.pauses());
    for (at, node) in draft.nodes.iter().enumerate().filter(|(_, node)| node.flow == Flow::Http) {
        let mut runs: Vec<usize> = Vec::new();
        for edge in &node.edges {
            let reached = reach(&onward, edge.to);
            runs.extend((0..draft.nodes.len()).filter(|&to| to != at && reached.get(to) == Some(&true)));
        }
        let rust = runs.into_iter().filter_map(|to| draft.nodes.get(to)).find(|to| needs_somebody(to.flow));
        if let Some(rust) = rust {
            let what = format!(
                "node `{}` comes after the answer to `{}` in a turn that nobody's message began: only say, ask, goto and \
                 http nodes may",
                rust.name.text, node.name.text
            );
            report.add(rust.name.at, what);
        }
    }
}

fn needs_somebody(flow: Flow) -> bool {
    matches!(flow, Flow::Handler(_) | Flow::Agent(_) | Flow::Agents | Flow::Resume)
}
