//! Prints the path of a trespass, out of one walk and into the next.

use std::collections::BTreeMap;

use super::gate::{State, Through, Walks};

/// How many calls within calls are written out. A path that calls twice at each depth would double in length with each,
/// and nobody reads that far.
const DEPTH: usize = 2;

pub(super) struct Paths<'a> {
    pub(super) walks: &'a Walks<'a>,
    /// Each graph that is entered, with the graph and state that enters it; none for the root.
    pub(super) entered: &'a BTreeMap<usize, Option<(usize, State)>>,
}

/// A node on a path, and the outcome that led to it.
struct Hop {
    outcome: Option<&'static str>,
    graph: usize,
    node: usize,
}

impl Paths<'_> {
    /// `graph.node —outcome→ graph.node …`, from the root's entry to the state. An agent node is not written out: the
    /// graph that it enters stands in its place.
    pub(super) fn print(&self, graph: usize, state: State) -> Option<String> {
        let mut text = String::new();
        for hop in self.whole(graph, state)? {
            if let Some(outcome) = hop.outcome {
                text.push_str(" —");
                text.push_str(outcome);
                text.push_str("→ ");
            }
            let draft = self.walks.drafts.get(hop.graph)?;
            text.push_str(&draft.name.text);
            text.push('.');
            text.push_str(&draft.nodes.get(hop.node)?.name.text);
        }
        Some(text)
    }

    fn whole(&self, graph: usize, state: State) -> Option<Vec<Hop>> {
        let inside = self.inside(graph, state, DEPTH)?;
        let Some((caller, at)) = *self.entered.get(&graph)? else { return Some(inside) };
        let mut hops = self.whole(caller, at)?;
        take_place(&mut hops, inside);
        Some(hops)
    }

    /// The path from a graph's entry to one of its states.
    fn inside(&self, graph: usize, state: State, depth: usize) -> Option<Vec<Hop>> {
        let walk = self.walks.by_graph.get(&graph)?;
        let mut steps = Vec::new();
        let mut first = state;
        while let Some(step) = walk.step(first) {
            steps.push((step, first));
            first = step.from;
        }
        let mut hops = vec![Hop { outcome: None, graph, node: first.node }];
        for (step, to) in steps.into_iter().rev() {
            match step.through {
                Through::Agent(callee, exit) if depth > 0 => {
                    take_place(&mut hops, self.inside(callee, exit, depth - 1)?);
                }
                Through::Frame(callee, exit) if depth > 0 => {
                    hops.extend(self.resumed(self.inside(callee, exit, depth - 1)?));
                }
                Through::Node | Through::Agent(..) | Through::Frame(..) => {}
            }
            hops.push(Hop { outcome: Some(step.outcome), graph, node: to.node });
        }
        Some(hops)
    }

    /// A resumed frame goes on at an ask; how it came there was another turn.
    fn resumed(&self, hops: Vec<Hop>) -> Vec<Hop> {
        let is_ask = |hop: &Hop| {
            let node = self.walks.drafts.get(hop.graph).and_then(|draft| draft.nodes.get(hop.node));
            node.is_some_and(|node| node.flow.pauses())
        };
        let mut hops: Vec<Hop> = hops.into_iter().skip_while(|hop| !is_ask(hop)).collect();
        if let Some(ask) = hops.first_mut() {
            ask.outcome = Some("resumes");
        }
        hops
    }
}

/// Puts the path through a graph in the place of the agent node that enters it.
fn take_place(hops: &mut Vec<Hop>, mut inside: Vec<Hop>) {
    let agent = hops.pop();
    if let Some(first) = inside.first_mut() {
        first.outcome = agent.and_then(|agent| agent.outcome);
    }
    hops.append(&mut inside);
}
