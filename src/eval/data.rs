//! Sets of intents to train and to test on: our own JSON lines, CLINC150's JSON, BANKING77's CSV.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Problem;
use crate::nlu::{self, Context};

/// Which part is wanted of a file that holds several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The rows to train on.
    Train,
    /// The rows to measure on.
    Test,
}

/// A set of intents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// The rows that have an intent.
    pub rows: Vec<nlu::Row>,
    /// The rows that have none of them.
    pub outside: Vec<nlu::Row>,
    /// Of each row in the file's order, whether it is one of these.
    pub order: Vec<bool>,
}

/// A line of ours.
#[derive(Deserialize)]
struct Line {
    text: String,
    #[serde(alias = "label", alias = "category", alias = "sub_intent")]
    intent: String,
}

/// Reads a set. The form is told by the text: CSV has a heading, CLINC150 is one object of splits, of which the `part` is
/// taken, and else there is one JSON object a line. Rows whose intent is `outside` have none.
pub fn read_data(file: &str, text: &str, part: Part, outside: &str) -> Result<Data, Vec<Problem>> {
    let text = text.trim_start_matches('\u{feff}');
    let rows = if text.trim_start().starts_with('{') {
        match serde_json::from_str::<BTreeMap<String, Vec<(String, String)>>>(text) {
            Ok(splits) => Ok(split(splits, part)),
            Err(_) => json_lines(file, text),
        }
    } else {
        csv_rows(file, text)
    }?;
    let mut data = Data::default();
    for (text, label) in rows {
        let row = nlu::Row { text, label, context: Context::default() };
        data.order.push(row.label == outside);
        if row.label == outside { data.outside.push(row) } else { data.rows.push(row) }
    }
    if data.rows.is_empty() {
        return Err(vec![problem(file, 1, "there is no row with an intent")]);
    }
    Ok(data)
}

type Pair = (String, String);

fn problem(file: &str, line: usize, what: impl Into<String>) -> Problem {
    Problem { file: file.to_owned(), line, what: what.into() }
}

/// CLINC150's splits: `train` and `oos_train`, or `test` and `oos_test`.
fn split(mut splits: BTreeMap<String, Vec<Pair>>, part: Part) -> Vec<Pair> {
    let names = match part {
        Part::Train => ["train", "oos_train"],
        Part::Test => ["test", "oos_test"],
    };
    names.iter().flat_map(|name| splits.remove(*name).unwrap_or_default()).collect()
}

fn json_lines(file: &str, text: &str) -> Result<Vec<Pair>, Vec<Problem>> {
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<Line>(line) {
            Ok(line) => rows.push((line.text, line.intent)),
            Err(error) => problems.push(problem(file, n + 1, error.to_string())),
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

/// The columns of a CSV file that its heading calls text and intent.
fn csv_rows(file: &str, text: &str) -> Result<Vec<Pair>, Vec<Problem>> {
    let mut records = csv(text).into_iter();
    let heading = records.next().map(|record| record.fields).unwrap_or_default();
    let column = |names: &[&str]| heading.iter().position(|field| names.contains(&field.trim()));
    let columns = column(&["text"]).zip(column(&["intent", "category", "label", "sub_intent"]));
    let Some((text, intent)) = columns else {
        return Err(vec![problem(file, 1, "a heading with `text` and `intent` or `category` is missing")]);
    };
    let (mut rows, mut problems) = (Vec::new(), Vec::new());
    for mut record in records {
        let field = |n: usize, record: &mut Record| record.fields.get_mut(n).map(std::mem::take);
        match (field(text, &mut record), field(intent, &mut record)) {
            (Some(text), Some(intent)) => rows.push((text, intent.trim().to_owned())),
            _ => problems.push(problem(file, record.line, "the row has too few fields")),
        }
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

/// A row of a CSV file and the line it begins on.
#[derive(Debug, PartialEq)]
struct Record {
    line: usize,
    fields: Vec<String>,
}

/// Reads CSV as RFC 4180 has it: a quoted field may hold commas, line ends, and quotes written twice. Empty lines are
/// passed over.
fn csv(text: &str) -> Vec<Record> {
    let mut out = Vec::new();
    let mut record = Record { line: 1, fields: Vec::new() };
    let (mut field, mut quoted, mut line) = (String::new(), false, 1);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => record.fields.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                record.fields.push(std::mem::take(&mut field));
                out.push(std::mem::replace(&mut record, Record { line, fields: Vec::new() }));
            }
            c => field.push(c),
        }
    }
    record.fields.push(field);
    out.push(record);
    out.retain(|record| record.fields.iter().any(|field| !field.is_empty()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, part: Part) -> Result<(Vec<Pair>, usize), String> {
        let data = read_data("f", text, part, "oos").map_err(|problems| problems[0].to_string())?;
        let rows = data.rows.into_iter().map(|row| (row.text, row.label)).collect();
        Ok((rows, data.outside.len()))
    }

    fn pair(text: &str, label: &str) -> Pair {
        (text.to_owned(), label.to_owned())
    }

    #[test]
    fn csv_fields_may_hold_commas_quotes_and_lines() {
        let text = "text,category\r\n\"Hi, \"\"you\"\"\nthere\",a\n\nplain \"x\" y,b\n,oos\n";
        let (rows, outside) = read(text, Part::Train).unwrap();
        assert_eq!(rows, [pair("Hi, \"you\"\nthere", "a"), pair("plain \"x\" y", "b")]);
        assert_eq!(outside, 1);
        assert_eq!(
            read("text,category\n\"a\nb\",x\nshort\n", Part::Test).unwrap_err(),
            "f:4: the row has too few fields"
        );
        assert!(read("a,b\n1,2\n", Part::Test).unwrap_err().contains("heading"));
    }

    #[test]
    fn an_object_of_splits_gives_the_part_that_is_wanted() {
        let text = r#"{"train": [["a", "x"]], "oos_train": [["b", "oos"]], "test": [["c", "y"]], "val": [["d", "z"]]}"#;
        assert_eq!(read(text, Part::Train), Ok((vec![pair("a", "x")], 1)));
        assert_eq!(read(text, Part::Test), Ok((vec![pair("c", "y")], 0)));
    }

    #[test]
    fn lines_of_json_are_read_and_bad_ones_are_named() {
        let good = r#"{"text": "a", "intent": "x", "id": 7}"#;
        assert_eq!(read(&format!("{good}\n\n{good}"), Part::Test).unwrap().0.len(), 2);
        assert!(read(&format!("{good}\n{{}}"), Part::Test).unwrap_err().starts_with("f:2: "));
        assert!(read("", Part::Test).is_err());
    }
}
