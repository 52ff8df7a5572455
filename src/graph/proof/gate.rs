//! The gate: nobody comes to a handler that needs a level without an outcome on the way that grants it.
//!
//! The criterion is reachability after every granting edge is taken away, one walk for each level. Dominators would ask
//! for one single edge that all paths share, and would so refuse a graph where two different outcomes (a code accepted,
//! a live session found) cover all paths between them.
//!
//! **Calls.** A graph is walked once, from its own entry, with nothing granted, callees before callers. Its *exits*
//! sum it up: whether it can end, and whether it can pause at an ask, with nothing granted on the way. An agent node's
//! `done` and `asked` edges are open if the graph it enters has that exit. So a graph that is called in two places never
//! leads in from one and out to the other.
//!
//! **Resumed frames.** Inside a graph an ask simply leads on by `answered`: whoever answers came to the ask by a path
//! that was walked, with what that path granted; what callers still do after `asked` is not counted for the answer. A
//! resume node is not joined to every ask there is, since that would let a path in at an ask that nobody reaches without
//! the grant; its `done` and `asked` edges are open if some agent that the root enters, with nothing granted, has such
//! an exit *after* an ask. At run time the engine derives the level anew in each turn and checks again, so a grant that
//! was since revoked is not taken on the word of this proof.
//!
//! **Stored conversations.** What waits under a former version goes on where a rule of its graph says (`stored.rs`): one more
//! entry to it, with nothing granted. It has a walk of its own, whose ways out its callers' edges are open for as well. Where
//! that walk trespasses, the rule needs the level, the engine asks for it, and so the walk is none of this level's.
//!
//! A graph that ends after it came out of an `asked` edge has itself paused: something inside it waits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::super::draft::{Draft, DraftEdge};
use super::super::file::Named;
use super::super::flow::Flow;
use super::super::problem::Report;
use super::callees;
use super::path::Paths;
use super::stored::{self, Entry, Needs};
use crate::model::Assurance;

pub(super) fn check(
    drafts: &[Draft],
    root: usize,
    callers_first: &[usize],
    report: &mut Report<'_>,
) -> Needs {
    let (entries, mut needs) = (stored::entries(drafts), Needs::new());
    for level in levels(drafts) {
        let mut walks = Walks { drafts, level, by_graph: BTreeMap::new(), stored: BTreeMap::new() };
        for &graph in callers_first.iter().rev() {
            let walk =
                if graph == root { walks.root(graph) } else { walks.walk(graph, Resumable::default()) };
            walks.by_graph.insert(graph, walk);
            for entry in entries.iter().filter(|entry| entry.graph == graph) {
                match walks.goes_on(entry) {
                    Some(path) => stored::need(&mut needs, entry, (level, &path), report),
                    None => walks.lets_out(entry),
                }
            }
        }
        let entered = walks.entered(root, callers_first);
        let paths = Paths { walks: &walks, entered: &entered };
        for &graph in entered.keys() {
            for (node, state) in walks.trespasses(graph) {
                // A trespass is told even if its path could not be: the gate stays shut.
                let path = paths.print(graph, state).unwrap_or_else(|| node.text.clone());
                let what = format!("{path} needs {}, and nothing on this path grants it", level.as_str());
                report.add(node.at, what);
            }
        }
    }
    needs
}

/// Every level that some node needs; everybody has the lowest.
fn levels(drafts: &[Draft]) -> BTreeSet<Assurance> {
    let nodes = drafts.iter().flat_map(|draft| &draft.nodes);
    nodes.map(|node| node.flow.needs()).filter(|&level| level > Assurance::Anonymous).collect()
}

/// A node, and what the frame went through on its way there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct State {
    pub(super) node: usize,
    /// An ask was answered: what comes now was resumed.
    resumed: bool,
    /// The frame goes on although something inside it waits.
    paused: bool,
}

/// The step that led to a state.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) from: State,
    pub(super) outcome: &'static str,
    pub(super) through: Through,
}

/// What happened between a node and its outcome.
#[derive(Debug, Clone, Copy)]
pub(super) enum Through {
    /// Nothing that is a graph of its own.
    Node,
    /// The agent's graph ran from its entry to this state.
    Agent(usize, State),
    /// A paused frame of that graph ran from one of its asks to this state.
    Frame(usize, State),
}

/// Where a graph can be left with nothing granted: the first state found of each sort.
#[derive(Debug, Default, Clone, Copy)]
struct Exits {
    done: Option<State>,
    done_resumed: Option<State>,
    asked: Option<State>,
    asked_resumed: Option<State>,
}

impl Exits {
    fn note(&mut self, state: State, asked: bool) {
        let slot = match (asked, state.resumed) {
            (false, false) => &mut self.done,
            (false, true) => &mut self.done_resumed,
            (true, false) => &mut self.asked,
            (true, true) => &mut self.asked_resumed,
        };
        slot.get_or_insert(state);
    }
}

/// The exits of paused frames, with the graph of each.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Resumable {
    done: Option<(usize, State)>,
    asked: Option<(usize, State)>,
}

/// Everything of one graph that is reached from its entry with nothing granted.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// For each state the step that led there; none for the entry.
    came: BTreeMap<State, Option<Step>>,
    /// The states, nearest first.
    order: Vec<State>,
    exits: Exits,
}

impl Walk {
    pub(super) fn step(&self, state: State) -> Option<Step> {
        self.came.get(&state).copied().flatten()
    }
}

pub(super) struct Walks<'a> {
    pub(super) drafts: &'a [Draft],
    level: Assurance,
    pub(super) by_graph: BTreeMap<usize, Walk>,
    /// The ways out of each graph for stored conversations that go on in it.
    stored: BTreeMap<usize, Exits>,
}

impl Walks<'_> {
    /// The root's walk decides which frames can be paused, and these decide how far the root's walk goes: it is walked
    /// again until nothing new is found, which is after three times at the most.
    fn root(&self, graph: usize) -> Walk {
        let mut resumable = Resumable::default();
        loop {
            let walk = self.walk(graph, resumable);
            let mut found = resumable;
            for callee in walk.order.iter().flat_map(|state| self.callees(graph, *state)) {
                let Some(exits) = self.by_graph.get(&callee).map(|walk| walk.exits) else { continue };
                found.done = found.done.or(exits.done_resumed.map(|state| (callee, state)));
                found.asked = found.asked.or(exits.asked_resumed.map(|state| (callee, state)));
            }
            for (&callee, exits) in &self.stored {
                found.done = found.done.or(exits.done_resumed.map(|state| (callee, state)));
                found.asked = found.asked.or(exits.asked_resumed.map(|state| (callee, state)));
            }
            if found == resumable {
                return walk;
            }
            resumable = found;
        }
    }

    fn walk(&self, graph: usize, resumable: Resumable) -> Walk {
        // Nobody enters a graph that needs the level with nothing granted.
        let open = self.drafts.get(graph).filter(|draft| draft.needs < self.level);
        let entry = open.and_then(|draft| draft.entry);
        let start = entry.map(|node| State { node, resumed: false, paused: false });
        self.walk_from(graph, start.into_iter().collect(), resumable)
    }

    /// The walk of a stored conversation. What is entered at an agent node comes back from the graph that waits inside it.
    fn walk_on(&self, entry: &Entry<'_>) -> Walk {
        let node = self.drafts.get(entry.graph).and_then(|draft| draft.nodes.get(entry.node));
        let mut starts = vec![State { node: entry.node, resumed: true, paused: false }];
        if let Some(node) = node.filter(|node| matches!(node.flow, Flow::Agent(_)) && !entry.begins) {
            let back = |edge: &DraftEdge| State {
                node: edge.to,
                resumed: true,
                paused: edge.outcome.name == "asked",
            };
            starts = node.edges.iter().map(back).collect();
        }
        self.walk_from(entry.graph, starts, Resumable::default())
    }

    /// The path on which a stored conversation comes to a handler without what that needs; `None` where it never does.
    fn goes_on(&self, entry: &Entry<'_>) -> Option<String> {
        let walk = self.walk_on(entry);
        let path = self.trespass(entry.graph, &walk)?;
        let node = self.drafts.get(entry.graph)?.nodes.get(entry.node)?;
        let is_agent = matches!(node.flow, Flow::Agent(_)) && !entry.begins;
        let name =
            || format!("{}.{} → ", self.drafts.get(entry.graph).map_or("", |d| &d.name.text), node.name.text);
        Some(if is_agent { name() + &path } else { path })
    }

    /// Its graph's callers go on once it is done, or asks again.
    fn lets_out(&mut self, entry: &Entry<'_>) {
        let exits = self.walk_on(entry).exits;
        let known = self.stored.entry(entry.of).or_default();
        known.done_resumed = known.done_resumed.or(exits.done_resumed);
        known.asked_resumed = known.asked_resumed.or(exits.asked_resumed);
    }

    /// The first trespass of a walk, in its graph or in one that it enters, as a path.
    fn trespass(&self, graph: usize, walk: &Walk) -> Option<String> {
        let draft = self.drafts.get(graph)?;
        for &state in &walk.order {
            let node = draft.nodes.get(state.node)?;
            if node.flow.needs() == self.level {
                return Some(way(draft, walk, state));
            }
            for callee in callees(self.drafts, node.flow) {
                let inside = self.by_graph.get(&callee).and_then(|walk| self.trespass(callee, walk));
                if let Some(inside) = inside {
                    return Some(format!("{} → {inside}", way(draft, walk, state)));
                }
            }
        }
        None
    }

    fn walk_from(&self, graph: usize, starts: Vec<State>, resumable: Resumable) -> Walk {
        let mut walk = Walk::default();
        let Some(draft) = self.drafts.get(graph) else { return walk };
        walk.came.extend(starts.iter().map(|&start| (start, None)));
        let mut queue = VecDeque::from(starts);
        while let Some(state) = queue.pop_front() {
            walk.order.push(state);
            let Some(node) = draft.nodes.get(state.node) else { continue };
            if node.flow.pauses() {
                walk.exits.note(state, true);
            } else if node.flow.is_end() {
                walk.exits.note(state, state.paused);
            }
            for edge in &node.edges {
                for (next, through) in self.next(node.flow, edge, (state, resumable)) {
                    walk.came.entry(next).or_insert_with(|| {
                        queue.push_back(next);
                        Some(Step { from: state, outcome: edge.outcome.name, through })
                    });
                }
            }
        }
        walk
    }

    /// The states that an edge leads to, with nothing granted.
    fn next(
        &self,
        flow: Flow,
        edge: &DraftEdge,
        (state, resumable): (State, Resumable),
    ) -> Vec<(State, Through)> {
        let here = State { node: edge.to, ..state };
        let asked = edge.outcome.name == "asked";
        match flow {
            Flow::Handler(_) | Flow::Goto(_) if edge.outcome.reaches(self.level) => Vec::new(),
            Flow::Handler(_) | Flow::Tool(_) | Flow::Unknown | Flow::Say | Flow::SayOn | Flow::Goto(_) => {
                vec![(here, Through::Node)]
            }
            Flow::Ask { .. } | Flow::Http(_) => {
                vec![(State { resumed: true, paused: false, ..here }, Through::Node)]
            }
            Flow::Agent(_) | Flow::Agents => {
                let back = |callee: usize| {
                    let mut exits = self.by_graph.get(&callee).map(|walk| walk.exits).unwrap_or_default();
                    let stored = self.stored.get(&callee).copied().unwrap_or_default();
                    exits.done_resumed = exits.done_resumed.or(stored.done_resumed);
                    exits.asked_resumed = exits.asked_resumed.or(stored.asked_resumed);
                    let (first, later) = if asked {
                        (exits.asked, exits.asked_resumed)
                    } else {
                        (exits.done, exits.done_resumed)
                    };
                    let first = first.map(|exit| (State { paused: state.paused || asked, ..here }, exit));
                    let later = later.map(|exit| (State { resumed: true, paused: asked, ..here }, exit));
                    let ways = first.into_iter().chain(later);
                    ways.map(move |(to, exit)| (to, Through::Agent(callee, exit))).collect::<Vec<_>>()
                };
                callees(self.drafts, flow).into_iter().flat_map(back).collect()
            }
            Flow::Resume if edge.outcome.name == "idle" => vec![(here, Through::Node)],
            Flow::Resume => {
                let frame = if asked { resumable.asked } else { resumable.done };
                frame.into_iter().map(|(graph, exit)| (here, Through::Frame(graph, exit))).collect()
            }
        }
    }

    fn callees(&self, graph: usize, state: State) -> Vec<usize> {
        let node = self.drafts.get(graph).and_then(|draft| draft.nodes.get(state.node));
        node.map(|node| callees(self.drafts, node.flow)).unwrap_or_default()
    }

    /// The graphs that can be entered with nothing granted, each with the graph and state that enters it.
    fn entered(&self, root: usize, callers_first: &[usize]) -> BTreeMap<usize, Option<(usize, State)>> {
        let mut entered = BTreeMap::from([(root, None)]);
        for &graph in callers_first {
            if !entered.contains_key(&graph) {
                continue;
            }
            let order = self.by_graph.get(&graph).map(|walk| walk.order.as_slice()).unwrap_or_default();
            for &state in order {
                for callee in self.callees(graph, state) {
                    entered.entry(callee).or_insert(Some((graph, state)));
                }
            }
        }
        entered
    }

    /// The nodes of a graph that need this very level and are reached without it, each with the nearest state; a lower
    /// level has its own walk.
    fn trespasses(&self, graph: usize) -> Vec<(&Named, State)> {
        let Some((draft, walk)) = self.drafts.get(graph).zip(self.by_graph.get(&graph)) else {
            return Vec::new();
        };
        let mut found: BTreeMap<usize, (&Named, State)> = BTreeMap::new();
        for &state in &walk.order {
            if let Some(node) = draft.nodes.get(state.node)
                && node.flow.needs() == self.level
            {
                found.entry(state.node).or_insert((&node.name, state));
            }
        }
        found.into_values().collect()
    }
}

/// The way through one graph to a state of its walk.
fn way(draft: &Draft, walk: &Walk, state: State) -> String {
    let name = |node: usize| draft.nodes.get(node).map_or("", |node| node.name.text.as_str());
    let mut hops = vec![format!("{}.{}", draft.name.text, name(state.node))];
    let mut here = state;
    while let Some(step) = walk.step(here) {
        hops.push(format!("{}.{} —{}→ ", draft.name.text, name(step.from.node), step.outcome));
        here = step.from;
    }
    hops.reverse();
    hops.concat()
}
