//! Which scenario shows which repair of a conversation, for which agent and in which language.
//!
//! Every cell comes from what was played: the turn of a move, the agent whose question it met, and the language of its
//! answer. Which cells there have to be is read off the graphs: an agent that asks nothing meets no move, and one whose
//! questions know no `resend` cannot send anything again.
//!
//! Adding a move: a row in [`REPAIRS`]; where a cell of it makes no sense, [`Matrix::senseless`] says why.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Scenario;
use super::coverage::loaded;
use crate::agent::orchestrator;
use crate::app::sources::Broken;
use crate::engine::Passed;
use crate::graph::{Graph, GraphSet, Kind};

/// The graph in which conversations are repaired.
const ROOT: &str = "orchestrator";

/// By what a move is known.
enum By {
    /// One of these edges of the orchestrator: a node and its outcome.
    Root(&'static [(&'static str, &'static str)]),
    /// That outcome of the question that waits.
    Asked(&'static str),
    /// What was set aside is come back to.
    Back,
    /// A message that holds several requests.
    Several,
}

/// The moves.
const REPAIRS: &[(&str, By)] = &[
    ("digress and resume", By::Back),
    ("cancel", By::Root(&[("classify", "cancel")])),
    ("correct", By::Asked("correct")),
    ("resend", By::Asked("resend")),
    ("start over", By::Root(&[("classify", "start_over")])),
    ("repeat", By::Root(&[("classify", "repeat")])),
    ("help", By::Root(&[("classify", "help")])),
    ("several requests", By::Several),
    ("clarify", By::Root(&[("classify", "unclear"), ("classify", "which_of")])),
    ("out of scope", By::Root(&[("classify", "out_of_scope"), ("general_agent", "out_of_scope")])),
];

/// A move that an agent's question met.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The agent.
    pub agent: String,
    /// The move.
    pub repair: &'static str,
    /// The language that was answered in.
    pub language: String,
}

/// The moves of a turn.
pub(super) fn cells(passed: &Passed) -> impl Iterator<Item = Cell> {
    let outermost = |frames: &[crate::agent::Frame]| frames.first().map(|frame| frame.graph.clone());
    let (found, left) = (outermost(&passed.found), outermost(&passed.left));
    let at_root = |node: &str, outcome: &str| {
        passed.steps.iter().any(|step| step.graph == ROOT && step.from == node && step.outcome == outcome)
    };
    let asked = |outcome: &str| {
        let waited = passed.found.last();
        waited.is_some_and(|frame| {
            let is_its = |step: &&crate::graph::EdgeId| step.graph == frame.graph && step.from == frame.node;
            passed.steps.iter().find(is_its).is_some_and(|step| step.outcome == outcome)
        })
    };
    let met = |by: &By| match by {
        By::Root(edges) => {
            found.clone().filter(|_| edges.iter().any(|(node, outcome)| at_root(node, outcome)))
        }
        By::Asked(outcome) => found.clone().filter(|_| asked(outcome)),
        By::Back => left.clone().filter(|_| at_root("come_back", "back")),
        By::Several => found.clone().filter(|_| passed.several),
    };
    let cell = |(repair, by): &(&'static str, By)| {
        Some(Cell { agent: met(by)?, repair, language: passed.language.clone() })
    };
    REPAIRS.iter().filter_map(cell).collect::<Vec<_>>().into_iter()
}

/// An agent, with what its questions know.
#[derive(Debug, Clone)]
struct Agent {
    name: String,
    asks: bool,
    outcomes: BTreeSet<&'static str>,
}

/// Scenarios, by what they show.
#[derive(Debug, Clone)]
pub struct Matrix {
    agents: Vec<Agent>,
    languages: Vec<String>,
    shown: BTreeMap<Cell, BTreeSet<String>>,
}

impl Matrix {
    /// Of the agents that are compiled in and that these scenarios load, in every language; nothing is shown yet.
    pub fn of_scenarios<'s>(scenarios: impl IntoIterator<Item = &'s Scenario>) -> Result<Self, Broken> {
        let (replies, graphs) = loaded(scenarios)?;
        let languages = replies.keys().into_keys().collect();
        let root = graphs.root();
        let mut names: Vec<&str> = root
            .nodes()
            .flat_map(|(_, node)| match &node.kind {
                Kind::Agent(name) => vec![name.as_str()],
                Kind::Agents => graphs
                    .graphs()
                    .map(|g| g.name.as_str())
                    .filter(|name| graphs.routed(name).is_some())
                    .collect(),
                _ => Vec::new(),
            })
            .collect();
        names.sort_unstable();
        names.dedup();
        let agents =
            names.into_iter().filter_map(|name| graphs.graph(name)).map(|graph| agent(&graphs, graph));
        Ok(Self { agents: agents.collect(), languages, shown: BTreeMap::new() })
    }

    /// Adds what a scenario showed.
    pub fn add(&mut self, scenario: &str, cells: &BTreeSet<Cell>) {
        for cell in cells {
            self.shown.entry(cell.clone()).or_default().insert(scenario.to_owned());
        }
    }

    /// Why there is no such cell, where there cannot be one.
    fn senseless(agent: &Agent, by: &By) -> Option<&'static str> {
        match by {
            _ if !agent.asks => Some("it asks nothing"),
            By::Asked(outcome) if !agent.outcomes.contains(outcome) => Some("none of its questions knows it"),
            By::Back if !orchestrator::comes_back(&agent.name) => {
                Some("asking for something else leaves it for good")
            }
            _ => None,
        }
    }

    /// The cells that no scenario shows.
    pub fn missing(&self) -> Vec<Cell> {
        let mut missing = Vec::new();
        for language in &self.languages {
            for (repair, by) in REPAIRS {
                for agent in self.agents.iter().filter(|agent| Self::senseless(agent, by).is_none()) {
                    let (agent, language) = (agent.name.clone(), language.clone());
                    missing.push(Cell { agent, repair, language });
                }
            }
        }
        missing.retain(|cell| !self.shown.contains_key(cell));
        missing
    }

    fn cell(&self, language: &str, (repair, by): (&'static str, &By), agent: &Agent) -> String {
        let cell = Cell { agent: agent.name.clone(), repair, language: language.to_owned() };
        let Some(shown) = self.shown.get(&cell) else {
            return Self::senseless(agent, by).map_or_else(String::new, |_| "–".to_owned());
        };
        let first = shown.first().cloned().unwrap_or_default();
        if shown.len() > 1 { format!("{first} +{}", shown.len() - 1) } else { first }
    }
}

fn agent(graphs: &GraphSet, graph: &Graph) -> Agent {
    let (mut outcomes, mut asks) = (BTreeSet::new(), false);
    let (mut open, mut seen) = (vec![graph], BTreeSet::new());
    while let Some(graph) = open.pop() {
        if !seen.insert(graph.name.as_str()) {
            continue;
        }
        for (_, node) in graph.nodes() {
            match &node.kind {
                Kind::Ask { .. } => {
                    asks = true;
                    outcomes.extend(node.edges().iter().map(|edge| edge.outcome));
                }
                Kind::Agent(name) => open.extend(graphs.graph(name)),
                _ => {}
            }
        }
    }
    Agent { name: graph.name.clone(), asks, outcomes }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, language) in self.languages.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            writeln!(f, "## {language}\n")?;
            let names: Vec<&str> = self.agents.iter().map(|agent| agent.name.as_str()).collect();
            writeln!(f, "| | {} |\n|---|{}", names.join(" | "), "---|".repeat(names.len()))?;
            for (repair, by) in REPAIRS {
                let row: Vec<String> =
                    self.agents.iter().map(|agent| self.cell(language, (*repair, by), agent)).collect();
                writeln!(f, "| {repair} | {} |", row.join(" | "))?;
            }
        }
        writeln!(f)?;
        for agent in &self.agents {
            let mut why: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for (repair, by) in REPAIRS {
                if let Some(reason) = Self::senseless(agent, by) {
                    why.entry(reason).or_default().push(repair);
                }
            }
            for (reason, repairs) in why {
                writeln!(f, "- – {}: {}: {reason}", agent.name, repairs.join(", "))?;
            }
        }
        Ok(())
    }
}
