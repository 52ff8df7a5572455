//! What texts there are and what they are told, for the graphs' proofs.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Environment;

use super::{REPLIES, Replies};

impl Replies {
    /// The keys of each language, for the graphs' proofs.
    pub fn keys(&self) -> BTreeMap<String, BTreeSet<String>> {
        let all = |language| {
            let ours = REPLIES.iter().map(|(key, _)| (*key).to_owned());
            ours.chain(self.own.get(language).into_iter().flatten().cloned()).collect()
        };
        self.languages.keys().map(|language| (language.clone(), all(language))).collect()
    }

    /// For each key the names of the values that its text uses in some language.
    pub fn told(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (key, template) in self.languages.values().flat_map(Environment::templates) {
            told.entry(key.to_owned()).or_default().extend(template.undeclared_variables(false));
        }
        told
    }
}
