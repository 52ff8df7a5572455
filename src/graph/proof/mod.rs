//! What is proved of a set of graphs before it may run.
//!
//! Two sorts of proof. Those that object to a path (a cycle, a circle of calls, a way round the gate) hold for what is
//! there, and are asked of every draft. Those that object to the absence of a path (never reached, no end, no way to
//! cancel) are asked of whole drafts only: of a draft with an edge missing they would blame nodes that are right.
//!
//! Which edges an agent node needs is only known once all graphs are: `returns` tells, before the others, and a graph that
//! lacks one is whole no more.
//!
//! Adding a proof: a function here or in a file beside this one that takes the drafts and adds to the report, a call in
//! [`check`], a broken graph in `tests`.

mod cancel;
mod correct;
mod gate;
mod live;
mod path;
mod returns;
mod shape;
mod stored;
mod unheard;

use petgraph::Graph;
use petgraph::algo::toposort;
use petgraph::graph::NodeIndex;
use petgraph::visit::Dfs;

pub(super) use returns::check as returns;
pub(super) use stored::Needs;

use super::draft::Draft;
use super::flow::Flow;
use super::problem::Report;
use crate::model::Assurance;

/// Asks every proof of the drafts. `complete` says that these are all the graphs there are. Gives what the rules for stored
/// conversations need.
pub(super) fn check(drafts: &[Draft], root: Option<usize>, complete: bool, report: &mut Report<'_>) -> Needs {
    for draft in drafts {
        shape::check(draft, report);
        live::check(draft, report);
        correct::check(draft, report);
    }
    unheard::check(drafts, root, report);
    let calls = calls(drafts);
    shape::circles(drafts, &calls, report);
    if complete {
        stored::check(drafts, root, report);
    }
    let Some(root) = root else { return Needs::new() };
    in_root_only(drafts, root, report);
    needed_is_asked_for(drafts, report);
    if complete && drafts.iter().all(|draft| draft.whole) {
        every_graph_is_reached(drafts, &calls, root, report);
    }
    cancel::check(drafts, root, report);
    // Without an order of calls there is no bottom to start from; the circle is reported already.
    let Ok(order) = toposort(&calls, None) else { return Needs::new() };
    let order: Vec<usize> = order.into_iter().map(NodeIndex::index).collect();
    gate::check(drafts, root, &order, report)
}

/// Which graph calls which; vertices are indexes of drafts.
fn calls(drafts: &[Draft]) -> Graph<(), ()> {
    let mut calls = Graph::new();
    for _ in drafts {
        calls.add_node(());
    }
    for (from, draft) in drafts.iter().enumerate() {
        for node in &draft.nodes {
            for to in callees(drafts, node.flow) {
                calls.update_edge(NodeIndex::new(from), NodeIndex::new(to), ());
                // Whoever waits for a graph may wait for a former version of it.
                for (older, _) in drafts.get(to).into_iter().flat_map(|of| stored::versions(drafts, of)) {
                    calls.update_edge(NodeIndex::new(from), NodeIndex::new(older), ());
                }
            }
        }
    }
    calls
}

/// The drafts that a node may enter.
fn callees(drafts: &[Draft], flow: Flow) -> Vec<usize> {
    match flow {
        Flow::Agent(callee) => vec![callee],
        Flow::Agents => (0..drafts.len()).filter(|&i| drafts.get(i).is_some_and(|d| d.routed)).collect(),
        _ => Vec::new(),
    }
}

fn every_graph_is_reached(drafts: &[Draft], calls: &Graph<(), ()>, root: usize, report: &mut Report<'_>) {
    let mut reached = vec![false; drafts.len()];
    let mut walk = Dfs::new(calls, NodeIndex::new(root));
    while let Some(graph) = walk.next(calls) {
        if let Some(seen) = reached.get_mut(graph.index()) {
            *seen = true;
        }
    }
    let is_open = drafts.get(root).is_some_and(|root| root.nodes.iter().any(|n| n.flow == Flow::Agents));
    let hint = if is_open { ": no node enters it, and no example leads to it" } else { "" };
    for (draft, _) in drafts.iter().zip(reached).filter(|(draft, reached)| !reached && !draft.older) {
        let what = format!("graph `{}` is never reached from the root graph{hint}", draft.name.text);
        report.add(draft.name.at, what);
    }
}

/// A frame is resumed on top of a turn's beginning; resumed from within another frame, it would have to return into a
/// stack that it is itself part of. A message names an agent to the root alone: what any other graph does with it comes later.
fn in_root_only(drafts: &[Draft], root: usize, report: &mut Report<'_>) {
    let Some(draft) = drafts.get(root) else { return };
    for node in draft.nodes.iter().filter(|node| matches!(node.flow, Flow::Http(_))) {
        let what = format!(
            "node `{}`: nobody goes on in the root graph, so no answer would come back to it: call the outside agent in a \
             graph of its own",
            node.name.text
        );
        report.add(node.name.at, what);
    }
    let root = draft.name.text.as_str();
    for draft in drafts.iter().filter(|draft| draft.name.text != root) {
        for node in &draft.nodes {
            let what = match node.flow {
                Flow::Resume => "resume",
                Flow::Agents => "enter agents by the message's name",
                _ => continue,
            };
            report.add(node.name.at, format!("node `{}`: only the root graph may {what}", node.name.text));
        }
    }
}

/// What an agent needs is asked for where it is named by what was said; nothing asks for it where a node enters it.
fn needed_is_asked_for(drafts: &[Draft], report: &mut Report<'_>) {
    for node in drafts.iter().flat_map(|draft| &draft.nodes) {
        if let Flow::Agent(callee) = node.flow
            && let Some(agent) = drafts.get(callee).filter(|agent| agent.needs > Assurance::Anonymous)
        {
            let what = format!(
                "node `{}`: `{}` needs {}, so it is entered by what people say and by no node",
                node.name.text,
                agent.name.text,
                agent.needs.as_str()
            );
            report.add(node.name.at, what);
        }
    }
}
