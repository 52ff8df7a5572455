//! What people say to come to a graph: `[[intent.example]]` in its file, or a line each in a file of utterances beside it.

use serde::Deserialize;
use toml::de::DeTable;

use super::{Named, Reader, Value, type_name};
use crate::graph::problem::{Place, Report};

/// Something that a person may say to come to the graph.
#[derive(Debug)]
pub(in crate::graph) struct RawExample {
    pub(in crate::graph) text: Named,
    pub(in crate::graph) lang: Named,
    pub(in crate::graph) awaiting: Option<Named>,
}

/// A line of a file of utterances.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    lang: String,
    awaiting: Option<String>,
}

/// Reads a file of utterances. What a line lacks is told at its place; blank lines are skipped.
pub(in crate::graph) fn utterances(file: usize, text: &str, report: &mut Report<'_>) -> Vec<RawExample> {
    let mut examples = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let at = Place { file, offset };
        offset += line.len();
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<Line>(line) {
            Ok(Line { text, lang, awaiting }) => {
                let named = |text| Named { text, at };
                examples.push(RawExample {
                    text: named(text),
                    lang: named(lang),
                    awaiting: awaiting.map(named),
                });
            }
            Err(error) => {
                let why = error.to_string();
                // The parser counts lines within the one line that it saw.
                let why = why.rsplit_once(" at line").map_or(why.as_str(), |(why, _)| why);
                let example = r#"{"text": "where is my order?", "lang": "en"}"#;
                report.add(at, format!("no utterance such as {example}: {why}"));
            }
        }
    }
    examples
}

impl Reader<'_, '_> {
    pub(super) fn intent(&mut self, value: &Value<'_>) -> Vec<RawExample> {
        let Some(table) = self.table(value, "intent") else { return Vec::new() };
        self.only(table, &["example"], "[intent]");
        let Some(value) = table.get("example") else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let what = format!("`example` must be an array, not {}", type_name(value.get_ref()));
            self.problem(value.span().start, what);
            return Vec::new();
        };
        list.iter().filter_map(|example| self.example(example)).collect()
    }

    fn example(&mut self, value: &Value<'_>) -> Option<RawExample> {
        let table: &DeTable<'_> = self.table(value, "example")?;
        self.only(table, &["text", "lang", "awaiting"], "[[intent.example]]");
        for needed in ["text", "lang"].iter().filter(|key| !table.contains_key(**key)) {
            self.problem(value.span().start, format!("[[intent.example]] needs `{needed}`"));
        }
        let (text, lang) = (self.text(table, "text"), self.text(table, "lang"));
        Some(RawExample { text: text?, lang: lang?, awaiting: self.text(table, "awaiting") })
    }
}
