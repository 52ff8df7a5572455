//! Texts that agents bring: they stand beside the product's own, in sections named as the agents' graphs.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Environment;
use serde_json::{Map, Value};

use super::{Problem, REPLIES, Source, compile, entries};
use crate::model::{FACTS, judge_plain_text};

/// A language file of an agent.
#[derive(Debug, Clone)]
pub struct Own {
    /// The file.
    pub source: Source,
    /// The sections that it may have, by their names: those of its agent's graphs.
    pub sections: BTreeMap<String, Section>,
}

/// What a graph needs of its section.
#[derive(Debug, Clone, Default)]
pub struct Section {
    /// The reply keys that it says, each with the names of the values that its text is given, besides
    /// [`crate::model::FACTS`].
    pub said: BTreeMap<String, BTreeSet<String>>,
    /// The reply that is said where its agent is offered.
    pub suggests: String,
}

impl Section {
    /// The values that a reply's text is given, where it is said. What is offered is given none of a graph's.
    fn values(&self, key: &str) -> Option<BTreeSet<String>> {
        if key == self.suggests { Some(BTreeSet::new()) } else { self.said.get(key).cloned() }
    }
}

/// The reply with the words by which people come to the agent of that name, which it may bring: help and questions back
/// offer them.
pub fn suggestion(agent: &str) -> String {
    format!("{agent}.suggest")
}

/// Whether the text can be said whatever its values are.
fn plain(text: &str, values: &BTreeSet<String>) -> Result<(), String> {
    let known = values.iter().cloned().chain(FACTS.map(str::to_owned)).collect();
    judge_plain_text(text, &known)
}

/// Values as they may be.
fn sample(values: &BTreeSet<String>) -> Map<String, Value> {
    let own = values.iter().map(|name| (name.clone(), Value::from("x")));
    let mut sample: Map<String, Value> = own.collect();
    sample.insert("language".to_owned(), "en".into());
    sample.insert("signed_in".to_owned(), true.into());
    sample
}

/// Adds the texts; gives the keys that each language has of them.
pub(super) fn add(
    languages: &mut BTreeMap<String, Environment<'static>>,
    own: &[Own],
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, BTreeSet<String>> {
    let known = languages.keys().cloned().collect::<Vec<_>>().join(", ");
    let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Own { source, sections } in own {
        let Source { language, name, text } = source;
        let Some(environment) = languages.get_mut(language) else {
            let what = format!("nothing else is said in `{language}`; the languages are: {known}");
            problems.push(Problem::new(name, 1, what));
            continue;
        };
        let entries = entries(name, text, problems);
        let said: BTreeSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
        for entry in entries {
            let key = &entry.key;
            let section = sections.get(&entry.section).filter(|_| !is_ours(&entry.section));
            let wrong = match section {
                None => Some(misplaced(&entry.section, sections)),
                Some(section) => match section.values(key) {
                    None => Some(unused(section, &said)),
                    Some(values) => plain(&entry.text, &values)
                        .and_then(|()| compile(environment, key, &entry.text, &sample(&values)))
                        .err(),
                },
            };
            if let Some(what) = wrong {
                problems.push(Problem::at(name, text, entry.at, format!("reply `{key}`: {what}")));
            } else {
                keys.entry(language.clone()).or_default().insert(key.clone());
            }
        }
    }
    for (key, name) in suggestions(own) {
        let without: Vec<&String> = languages
            .keys()
            .filter(|known| !keys.get(*known).is_some_and(|keys| keys.contains(&key)))
            .collect();
        if let (Some(language), true) = (without.first(), without.len() < languages.len()) {
            problems.push(Problem::new(name, 1, format!("reply `{key}` has no text in `{language}`")));
        }
    }
    keys
}

/// The suggestions that there may be, each with the file that may have it.
fn suggestions(own: &[Own]) -> BTreeMap<String, &str> {
    let mut all = BTreeMap::new();
    for Own { source, sections } in own {
        all.extend(sections.values().map(|section| (section.suggests.clone(), source.name.as_str())));
    }
    all
}

/// What is said of a text that nothing says: perhaps its name is not what the graph says.
fn unused(section: &Section, said: &BTreeSet<String>) -> String {
    let without: Vec<&str> =
        section.said.keys().filter(|key| !said.contains(*key)).map(String::as_str).collect();
    match without.as_slice() {
        [] => "is used nowhere".to_owned(),
        some => format!("is used nowhere; its graph says `{}`, which has no text here", some.join("`, `")),
    }
}

/// Whether the product's own texts stand in a section of that name.
fn is_ours(section: &str) -> bool {
    REPLIES.iter().any(|(key, _)| key.split_once('.').is_some_and(|(ours, _)| ours == section))
}

fn misplaced(section: &str, sections: &BTreeMap<String, Section>) -> String {
    let free: Vec<&str> = sections.keys().map(String::as_str).filter(|name| !is_ours(name)).collect();
    match (is_ours(section), free.is_empty()) {
        (true, _) => format!("the section [{section}] is the product's own; name the graph otherwise"),
        (false, true) => "its graph has no name".to_owned(),
        (false, false) => format!("its section is to be named as its graph: [{}]", free.join("] or [")),
    }
}
