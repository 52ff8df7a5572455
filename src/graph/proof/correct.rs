//! Every answer that is believed can be taken back.
//!
//! Whoever notices at a question that the answer before it was wrong says so, and `correct` leads back: to the question of
//! that answer, or to one before it. So an ask that can come next after another needs that edge, unless nothing is left to take
//! back: a code is checked at once, a yes or no is itself the last word, and what was acted upon (a tool called that may
//! refuse, a level granted, an outside agent asked, another graph entered) is done. A question of yes or no needs no such
//! edge, since `no` takes back. At a question for a number or a code it is words about numbers that lead along the edge.

use super::super::draft::{Draft, DraftEdge, DraftNode};
use super::super::flow::Flow;
use super::super::problem::Report;
use super::shape::{flow, reach};

const CORRECT: &str = "correct";

pub(super) fn check(draft: &Draft, report: &mut Report<'_>) {
    if !draft.whole || draft.older {
        return;
    }
    let onward = flow(draft, |flow| !flow.pauses());
    for (later, node) in draft.nodes.iter().enumerate().filter(|(_, node)| may_take_back(node.flow)) {
        let edge = node.edges.iter().find(|edge| edge.outcome.name == CORRECT);
        let back = edge.map(|edge| reach(&onward, edge.to)).unwrap_or_default();
        let leads_before = |earlier: usize| {
            let asks = draft
                .nodes
                .iter()
                .enumerate()
                .zip(&back)
                .filter(|((_, node), back)| **back && node.flow.is_ask());
            asks.map(|((at, _), _)| at).any(|at| {
                let is_before = || {
                    let entry = draft.entry;
                    entry.is_some_and(|entry| answers_lead(draft, entry, (at, Some(later))))
                        && answers_lead(draft, at, (earlier, None))
                };
                at != later && (at == earlier || is_before())
            })
        };
        let stuck = draft.nodes.iter().enumerate().find(|(earlier, asked)| {
            *earlier != later
                && is_believed(asked.flow)
                && comes_next(draft, asked, later)
                && !leads_before(*earlier)
        });
        let Some((_, asked)) = stuck else { continue };
        let (name, before) = (&node.name.text, &asked.name.text);
        let what = match edge {
            None => format!(
                "node `{name}` can come after `{before}`, whose answer nobody could take back there: give it an edge \
                 `{CORRECT}`, such as to `{before}`"
            ),
            Some(_) => format!(
                "`{CORRECT}` of node `{name}` leads to no question before it, and an answer to `{before}` could not be \
                 taken back"
            ),
        };
        report.add(edge.map_or(node.name.at, |edge| edge.at), what);
    }
}

/// Whether a question is there that an answer before it is taken back at.
fn may_take_back(flow: Flow) -> bool {
    matches!(flow, Flow::Ask { confirms: false, .. })
}

/// Whether the answer is taken at its word.
fn is_believed(flow: Flow) -> bool {
    matches!(flow, Flow::Ask { confirms: false, checked: false, .. })
}

/// Whether answers lead from one node to another, if need be with a third not asked on the way.
fn answers_lead(draft: &Draft, from: usize, (to, without): (usize, Option<usize>)) -> bool {
    let mut reached = vec![false; draft.nodes.len()];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if at == to {
            return true;
        }
        let (Some(node), Some(seen)) = (draft.nodes.get(at), reached.get_mut(at)) else { continue };
        if Some(at) != without && !std::mem::replace(seen, true) {
            let is_answer = |edge: &&DraftEdge| {
                !node.flow.is_ask() || ["answered", "yes", "no"].contains(&edge.outcome.name)
            };
            open.extend(node.edges.iter().filter(is_answer).map(|edge| edge.to));
        }
    }
    false
}

/// Whether an answer leads to that node with nothing else asked and nothing acted upon.
fn comes_next(draft: &Draft, asked: &DraftNode, later: usize) -> bool {
    let answered = asked.edges.iter().filter(|edge| edge.outcome.name == "answered");
    let mut open: Vec<usize> = answered.map(|edge| edge.to).collect();
    let mut reached = vec![false; draft.nodes.len()];
    while let Some(at) = open.pop() {
        if at == later {
            return true;
        }
        let (Some(node), Some(seen)) = (draft.nodes.get(at), reached.get_mut(at)) else { continue };
        if std::mem::replace(seen, true) || acts(node.flow) {
            continue;
        }
        let leads_on = |edge: &&DraftEdge| match node.flow {
            Flow::Handler(_) => edge.outcome.grants.is_none(),
            // A call that cannot be made asks nobody.
            Flow::Http(_) => edge.outcome.name == "failed",
            _ => true,
        };
        open.extend(node.edges.iter().filter(leads_on).map(|edge| edge.to));
    }
    false
}

/// Whether what was answered is done with there, or something else is asked first.
fn acts(flow: Flow) -> bool {
    match flow {
        Flow::Tool(tool) => tool.refuses,
        Flow::Agent(_) | Flow::Agents | Flow::Resume | Flow::Ask { .. } => true,
        _ => false,
    }
}
