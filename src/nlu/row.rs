//! Training rows: their wire form, and the utterances that are built in.

use serde::Deserialize;

use super::Error;

/// One utterance and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What was said.
    pub text: String,
    /// What it means.
    pub label: String,
    /// What was going on.
    pub context: Context,
}

/// What was going on when something was said. Names, not types: the model learns them as tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// The awaited slot.
    pub awaiting: Option<String>,
    /// The route that is being worked on.
    pub active: Option<String>,
}

/// A line of a file. `lang` is for the people who keep the files.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    #[serde(rename = "lang")]
    _lang: String,
    awaiting: Option<String>,
    active: Option<String>,
}

/// Reads the lines of one file, all of them of one label. Blank lines are skipped.
pub fn parse_rows(label: &str, file: &str, lines: &str) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    for (n, line) in lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|source| Error::Malformed {
            file: file.to_owned(),
            line: n + 1,
            source,
        })?;
        if line.text.trim().is_empty() {
            return Err(Error::EmptyText { file: file.to_owned(), line: n + 1 });
        }
        let context = Context { awaiting: line.awaiting, active: line.active };
        rows.push(Row { text: line.text, label: label.to_owned(), context });
    }
    Ok(rows)
}

/// The files compiled in: label, name, content.
macro_rules! files {
    ($($label:literal),* $(,)?) => {
        [$((
            $label,
            concat!("fixtures/utterances/", $label, ".jsonl"),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/utterances/", $label, ".jsonl")),
        )),*]
    };
}

/// Every utterance that is compiled in.
pub fn utterances() -> Result<Vec<Row>, Error> {
    let files = files![
        "authenticate",
        "manage_sessions",
        "migrate_identity",
        "update_identity",
        "general",
        "out_of_scope"
    ];
    let mut rows = Vec::new();
    for (label, file, lines) in files {
        rows.extend(parse_rows(label, file, lines)?);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    #[test]
    fn a_bad_line_is_named_with_file_and_line() {
        let good = r#"{"text": "hi", "lang": "en"}"#;
        for (bad, start) in [
            ("{", "f.jsonl:3: not an utterance"),
            (r#"{"lang": "en"}"#, "f.jsonl:3: not an utterance"),
            (r#"{"text": "hi", "lang": "en", "colour": "red"}"#, "f.jsonl:3: not an utterance"),
            (r#"{"text": "  ", "lang": "en"}"#, "f.jsonl:3: the text is empty"),
        ] {
            let error = parse_rows("general", "f.jsonl", &format!("{good}\n\n{bad}\n")).unwrap_err();
            assert_eq!(error.to_string(), start, "{bad}");
        }
    }

    #[test]
    fn the_built_in_utterances_are_many_and_each_is_there_once() {
        let rows = utterances().unwrap();
        let mut counts = BTreeMap::new();
        let mut seen = HashSet::new();
        for row in &rows {
            *counts.entry(row.label.as_str()).or_insert(0) += 1;
            let key = (&row.text, &row.context.awaiting, &row.context.active);
            assert!(seen.insert(key), "twice: {}", row.text);
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|&n| n >= 150) && counts["out_of_scope"] >= 300, "{counts:?}");
    }
}
