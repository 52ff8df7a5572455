//! What graphs say, as far as it can be told before anything is proved: texts of their own are loaded by that.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;
use super::file::{self, RawGraph};
use super::problem::Report;

/// What a graph says: for each reply key that its nodes and edges name, the names of the values that it has for it.
pub type Said = BTreeMap<String, BTreeSet<String>>;

/// What each graph says, by its name. A key that several of its versions say has the values that all of them have. What is
/// wrong with the files is told by [`super::load`].
pub fn survey(sources: &[Source]) -> BTreeMap<String, Said> {
    let mut unheard = Report::new(sources);
    let mut found: BTreeMap<String, Said> = BTreeMap::new();
    for (file, source) in sources.iter().enumerate().filter(|(_, source)| source.is_graph()) {
        let Some(raw) = file::read(file, &source.text, &mut unheard) else { continue };
        let Some(name) = raw.name.as_ref().map(|name| name.text.clone()) else { continue };
        let known = found.entry(name).or_default();
        for (reply, values) in said(&raw) {
            let all = known.entry(reply).or_insert_with(|| values.clone());
            all.retain(|name| values.contains(name));
        }
    }
    found
}

fn said(graph: &RawGraph) -> Said {
    let nodes = graph.nodes.iter().flat_map(|node| node.what.replies());
    let edges = graph.nodes.iter().flat_map(|node| &node.on).filter_map(|edge| edge.say.reply.as_ref());
    let fields = graph.nodes.iter().flat_map(|node| node.what.fields());
    let values: BTreeSet<String> = fields.map(|field| field.text.clone()).collect();
    nodes.chain(edges).map(|reply| (reply.text.clone(), values.clone())).collect()
}
