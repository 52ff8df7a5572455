//! Which edges of the graphs the scenarios passed.

use std::collections::BTreeSet;
use std::fmt;

use super::Scenario;
use crate::app::sources::{self, Broken};
use crate::graph::{self, EdgeId, GraphSet};
use crate::prompt::{self, Replies};

/// Edges passed, among all there are.
#[derive(Debug, Clone)]
pub struct Coverage {
    graphs: Vec<(String, Vec<EdgeId>)>,
    passed: BTreeSet<EdgeId>,
}

impl Coverage {
    /// Of these graphs, nothing yet.
    pub fn of(graphs: &GraphSet) -> Self {
        let all = graphs.edges();
        let of = |name: &str| all.iter().filter(|edge| edge.graph == name).cloned().collect();
        let graphs = graphs.graphs().map(|graph| (graph.name.clone(), of(&graph.name))).collect();
        Self { graphs, passed: BTreeSet::new() }
    }

    /// Of the graphs that are compiled in and of the agents that these scenarios load.
    pub fn of_scenarios<'s>(scenarios: impl IntoIterator<Item = &'s Scenario>) -> Result<Self, Broken> {
        Ok(Self::of(&loaded(scenarios)?.1))
    }

    /// Adds edges.
    pub fn add(&mut self, edges: &BTreeSet<EdgeId>) {
        self.passed.extend(edges.iter().cloned());
    }

    /// Edges that were never passed.
    pub fn missing(&self) -> Vec<&EdgeId> {
        self.graphs.iter().flat_map(|(_, edges)| edges).filter(|edge| !self.passed.contains(edge)).collect()
    }
}

/// What is compiled in, and the agents that these scenarios load.
pub(super) fn loaded<'s>(
    scenarios: impl IntoIterator<Item = &'s Scenario>,
) -> Result<(Replies, GraphSet), Broken> {
    let mut options = graph::Options::default();
    for loaded in scenarios.into_iter().map(Scenario::graphs) {
        options.agents.extend(loaded.agents);
        options.addresses.extend(loaded.addresses);
        options.secrets.extend(loaded.secrets);
    }
    options.agents.sort();
    options.agents.dedup();
    sources::load(&prompt::Options::default(), &options)
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, edges) in &self.graphs {
            let passed = edges.iter().filter(|edge| self.passed.contains(edge)).count();
            let per_mille = (passed * 1_000).checked_div(edges.len()).unwrap_or(1_000);
            let (whole, tenth) = (per_mille / 10, per_mille % 10);
            writeln!(f, "{name}: {whole}.{tenth} % of edges ({passed} of {})", edges.len())?;
        }
        for edge in self.missing() {
            writeln!(f, "never passed: {}.{} -> {}", edge.graph, edge.from, edge.outcome)?;
        }
        Ok(())
    }
}
