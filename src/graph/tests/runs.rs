//! The gate against every run: small graphs drawn by chance are run in every way an engine could, frames and all, and
//! the nodes that some run comes to without the level they need must be exactly those that the gate objects to.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::{HANDLERS, REPLIES, catalog, graph, sources};
use crate::graph::load;
use crate::model::Assurance;

/// Enough for every run of most of the graphs drawn; a graph with more is judged in one direction only.
const MOST_STATES: usize = 20_000;

type At = (usize, usize);

#[derive(Debug, Clone)]
enum Node {
    Handler { name: &'static str, to: Vec<usize> },
    Ask { to: usize },
    Agent { graph: usize, asked: usize, done: usize },
    Resume { asked: usize, done: usize, idle: usize },
}

/// A call that waits for its graph, and whether something inside the caller waits for the person.
type Call = (At, bool);

/// A moment of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    at: At,
    paused: bool,
    calls: Vec<Call>,
    /// Paused frames, the innermost last: the calls above the ask, and the ask.
    waiting: Vec<(Vec<Call>, At)>,
    level: Assurance,
}

const NAMES: [&str; 3] = ["orchestrator", "sub", "inner"];
const SIZES: [usize; 3] = [8, 5, 4];

fn draw_graphs(dice: &[u8]) -> Vec<Vec<Node>> {
    let mut dice = dice.iter().copied().map(usize::from).cycle();
    let mut roll = move |sides: usize| dice.next().unwrap_or_default() % sides;
    let mut graphs = Vec::new();
    for (graph, &size) in SIZES.iter().enumerate() {
        let mut nodes = Vec::new();
        for _ in 0..size {
            let node = match roll(if graph == 2 { 12 } else { 15 }) {
                0 => Node::Handler { name: "stop", to: Vec::new() },
                1 => Node::Handler { name: "profile", to: Vec::new() },
                2 | 3 => Node::Handler { name: "vault", to: Vec::new() },
                4 | 5 => Node::Handler { name: "login", to: vec![roll(size), roll(size)] },
                6 => Node::Handler { name: "code", to: vec![roll(size), roll(size)] },
                7 | 8 => Node::Handler { name: "fork", to: vec![roll(size), roll(size)] },
                9..12 => Node::Ask { to: roll(size) },
                _ => Node::Agent { graph: graph + 1 + roll(2 - graph), asked: roll(size), done: roll(size) },
            };
            nodes.push(node);
        }
        graphs.push(nodes);
    }
    // Whatever else is drawn, the root can resume and can enter the next graph.
    graphs[0][0] = Node::Handler { name: "fork", to: vec![1, 2] };
    graphs[0][1] = Node::Resume { asked: roll(8), done: roll(8), idle: roll(8) };
    graphs[0][2] = Node::Handler { name: "fork", to: vec![3, roll(8)] };
    graphs[0][3] = Node::Agent { graph: 1, asked: roll(8), done: roll(8) };
    graphs
}

fn write(graphs: &[Vec<Node>]) -> Vec<(String, String)> {
    let text = |(nodes, name): (&Vec<Node>, &str)| {
        let lines: Vec<String> = nodes.iter().enumerate().map(|(i, node)| write_node(i, node)).collect();
        (format!("{name}.toml"), graph(name, "n0", &lines.concat()))
    };
    graphs.iter().zip(NAMES).map(text).collect()
}

fn write_node(i: usize, node: &Node) -> String {
    let (keys, on) = match node {
        Node::Handler { name, to } => {
            let spec = HANDLERS.iter().find(|spec| spec.name == *name).unwrap();
            let on = spec.outcomes.iter().zip(to).map(|(outcome, to)| (outcome.name, *to)).collect();
            (format!("handler = \"{name}\""), on)
        }
        Node::Ask { to } => {
            ("ask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_sent\"".to_owned(), vec![("answered", *to)])
        }
        Node::Agent { graph, asked, done } => {
            (format!("agent = \"{}\"", NAMES[*graph]), vec![("asked", *asked), ("done", *done)])
        }
        Node::Resume { asked, done, idle } => {
            ("resume = true".to_owned(), vec![("asked", *asked), ("done", *done), ("idle", *idle)])
        }
    };
    let on: Vec<String> = on.iter().map(|(outcome, to)| format!("{outcome} = \"n{to}\"")).collect();
    format!("[node.n{i}]\n{keys}\non = {{ {} }}\n", on.join(", "))
}

/// The nodes that the gate objects to.
fn objections(graphs: &[Vec<Node>]) -> BTreeSet<String> {
    let texts = write(graphs);
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let Err(problems) = load(&sources(&texts), &catalog(HANDLERS, REPLIES)) else { return BTreeSet::new() };
    let trespass = |what: &str| Some(what.split_once(" needs ")?.0.rsplit(' ').next()?.to_owned());
    problems
        .0
        .iter()
        .filter(|p| p.what.contains("nothing on this path"))
        .filter_map(|p| trespass(&p.what))
        .collect()
}

impl Moment {
    fn first() -> Self {
        Self { at: (0, 0), paused: false, calls: vec![], waiting: vec![], level: Assurance::Anonymous }
    }

    fn next_turn(self) -> Self {
        Self { waiting: self.waiting, level: self.level, ..Self::first() }
    }

    fn go(self, to: usize) -> Self {
        Self { at: (self.at.0, to), ..self }
    }

    /// Goes back to whoever called this graph.
    fn back(mut self, graphs: &[Vec<Node>], asked: bool) -> Self {
        let Some((at, paused)) = self.calls.pop() else { return self.next_turn() };
        let to = match &graphs[at.0][at.1] {
            Node::Agent { asked: to, .. } | Node::Resume { asked: to, .. } if asked => *to,
            Node::Agent { done, .. } | Node::Resume { done, .. } => *done,
            other => panic!("{other:?} calls nothing"),
        };
        Self { at: (at.0, to), paused: paused || asked, ..self }
    }

    fn next(self, graphs: &[Vec<Node>]) -> Vec<Self> {
        match &graphs[self.at.0][self.at.1] {
            Node::Handler { to, .. } if to.is_empty() => {
                let asked = self.paused;
                vec![self.back(graphs, asked)]
            }
            Node::Handler { name, to } => {
                let spec = HANDLERS.iter().find(|spec| spec.name == *name).unwrap();
                let after = |(outcome, to): (&crate::graph::OutcomeSpec, &usize)| {
                    let level = outcome.grants.map_or(self.level, |granted| granted.max(self.level));
                    Self { level, ..self.clone().go(*to) }
                };
                spec.outcomes.iter().zip(to).map(after).collect()
            }
            Node::Ask { .. } => {
                let mut paused = self;
                let calls = paused.calls.iter().map(|(at, _)| (*at, false)).collect();
                paused.waiting.push((calls, paused.at));
                // What the callers still do in this turn is not held to come before the answer.
                vec![paused.clone().next_turn(), paused.back(graphs, true)]
            }
            Node::Agent { graph, .. } => {
                let mut called = self;
                called.calls.push((called.at, called.paused));
                vec![Self { at: (*graph, 0), paused: false, ..called }]
            }
            Node::Resume { idle, .. } => self.resume(graphs, *idle),
        }
    }

    /// The frame's last way out leads through the resume node, or through the agent node that entered it: the proof
    /// holds for an engine of either make.
    fn resume(mut self, graphs: &[Vec<Node>], idle: usize) -> Vec<Self> {
        let Some((calls, ask)) = self.waiting.pop() else { return vec![self.go(idle)] };
        let Node::Ask { to } = graphs[ask.0][ask.1] else { panic!("only asks wait") };
        let mut by_resume = calls.clone();
        if let Some(first) = by_resume.first_mut() {
            first.0 = self.at;
        }
        let on = |calls| Self { at: (ask.0, to), paused: false, calls, ..self.clone() };
        vec![on(calls), on(by_resume)]
    }
}

/// The nodes that some run comes to without their level, and whether every run was tried.
fn trespasses(graphs: &[Vec<Node>]) -> (BTreeSet<String>, bool) {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::from([Moment::first()]);
    let mut open = vec![Moment::first()];
    while let Some(moment) = open.pop() {
        let (graph, node) = moment.at;
        if let Node::Handler { name, .. } = &graphs[graph][node]
            && HANDLERS.iter().any(|spec| spec.name == *name && spec.needs > moment.level)
        {
            found.insert(format!("{}.n{node}", NAMES[graph]));
        }
        for mut next in moment.next(graphs) {
            // An engine may forget the oldest frame; two of them show everything that more of them could.
            next.waiting.drain(..next.waiting.len().saturating_sub(2));
            if seen.contains(&next) {
                continue;
            }
            if seen.len() >= MOST_STATES {
                return (found, false);
            }
            seen.insert(next.clone());
            open.push(next);
        }
    }
    (found, true)
}

/// One seed for every machine: a test that fails for one person fails for all.
fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2026),
        ..ProptestConfig::with_cases(400)
    }
}

/// Two nodes of lines that nearly make sense, sometimes with a line that makes none.
fn lines() -> impl Strategy<Value = String> {
    let value = "(1|true|\"(stop|fork|otp|a\\.bye|answered)\"|\\{ (next|left|to) = \"(stop|fork)\" \\})";
    let key = "(ask|say|agent|resume|handler|on|on\\.(next|left|right|answered)|action|reply)";
    let body = || prop::string::string_regex(&format!("({key} = {value}\n){{0,4}}")).unwrap();
    let noise = prop_oneof![3 => Just(String::new()), 1 => ".{0,9}"];
    (body(), body(), noise).prop_map(|(fork, stop, noise)| {
        graph("orchestrator", "fork", &format!("[node.fork]\n{fork}[node.stop]\n{stop}{noise}"))
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_gate_objects_to_what_some_run_does_and_to_nothing_else(dice in prop::collection::vec(any::<u8>(), 96)) {
        let graphs = draw_graphs(&dice);
        let objected = objections(&graphs);
        let (trespassed, all) = trespasses(&graphs);
        prop_assert!(trespassed.is_subset(&objected), "not seen: {trespassed:?} in {objected:?}: {graphs:?}");
        if all {
            prop_assert_eq!(&objected, &trespassed, "{:?}", graphs);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in lines()) {
        if let Err(problems) = load(&sources(&[("o.toml", &text)]), &catalog(HANDLERS, REPLIES)) {
            prop_assert!(!problems.0.is_empty());
        }
    }
}
