//! What graphs say, as far as it can be told before anything is proved: texts of their own are loaded by that.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{self, RawGraph};
use super::problem::Report;
use super::{Holds, Source};

/// What one graph says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The reply keys that its nodes and edges name.
    pub replies: BTreeSet<String>,
    /// The names of the values that it has for them.
    pub values: BTreeSet<String>,
}

/// What each graph says, by its name. What is wrong with the files is told by [`super::load`].
pub fn survey(sources: &[Source]) -> BTreeMap<String, Said> {
    let mut unheard = Report::new(sources);
    let mut found = BTreeMap::new();
    for (file, source) in sources.iter().enumerate().filter(|(_, source)| source.holds == Holds::Graph) {
        let raw = file::read(file, &source.text, &mut unheard);
        let named = raw.and_then(|raw| Some((raw.name.clone()?.text, said(&raw))));
        found.extend(named);
    }
    found
}

fn said(graph: &RawGraph) -> Said {
    let nodes = graph.nodes.iter().flat_map(|node| node.what.replies());
    let edges = graph.nodes.iter().flat_map(|node| &node.on).filter_map(|edge| edge.say.reply.as_ref());
    let replies = nodes.chain(edges).map(|reply| reply.text.clone()).collect();
    let fields = graph.nodes.iter().flat_map(|node| node.what.fields());
    Said { replies, values: fields.map(|field| field.text.clone()).collect() }
}
