//! Reads the shape of one graph file: tables, keys and types, each with its place. Names are not looked up here.

mod cases;
mod examples;
mod http;
mod tool;
mod what;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Report};
pub(super) use examples::{RawExample, utterances};
pub(super) use http::RawCall;
pub(super) use tool::RawTool;
pub(super) use what::{RawKeep, RawSay, What};

/// Most nodes one graph may have.
pub(super) const MAX_NODES: usize = 512;

/// A text and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) text: String,
    pub(super) at: Place,
}

/// A graph file, its names not yet looked up.
#[derive(Debug)]
pub(super) struct RawGraph {
    pub(super) name: Option<Named>,
    pub(super) version: u32,
    pub(super) entry: Option<Named>,
    /// What must be proved of the person before it is entered.
    pub(super) needs: Option<Named>,
    pub(super) nodes: Vec<RawNode>,
    pub(super) examples: Vec<RawExample>,
    /// What becomes of conversations that wait under an older version, by the names of their nodes there.
    pub(super) stored: Vec<(Named, Named)>,
}

#[derive(Debug)]
pub(super) struct RawNode {
    pub(super) name: Named,
    pub(super) what: What,
    pub(super) on: Vec<RawEdge>,
}

#[derive(Debug)]
pub(super) struct RawEdge {
    pub(super) outcome: Named,
    pub(super) to: Option<Named>,
    pub(super) say: RawSay,
}

type Value<'i> = Spanned<DeValue<'i>>;

/// Reads one file. `None` means that its graph's contents are unknown, and that this was reported.
pub(super) fn read(file: usize, text: &str, report: &mut Report<'_>) -> Option<RawGraph> {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader { file, report };
    // The parser's recovery may stumble over one mistake several times; the first on each line is the mistake itself.
    let mut lines = Vec::new();
    for error in &errors {
        let offset = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(offset).filter(|&byte| byte == b'\n').count();
        if !lines.contains(&line) {
            lines.push(line);
            reader.problem(offset, format!("not TOML: {}", error.message()));
        }
    }
    if errors.is_empty() { reader.graph(document.get_ref()) } else { None }
}

/// What `[graph]` says.
#[derive(Default)]
struct Header {
    name: Option<Named>,
    version: u32,
    entry: Option<Named>,
    needs: Option<Named>,
}

struct Reader<'r, 's> {
    file: usize,
    report: &'r mut Report<'s>,
}

impl Reader<'_, '_> {
    fn problem(&mut self, offset: usize, what: impl Into<String>) {
        self.report.add(Place { file: self.file, offset }, what);
    }

    fn place<T>(&self, value: &Spanned<T>) -> Place {
        Place { file: self.file, offset: value.span().start }
    }

    fn named<S: AsRef<str>>(&self, key: &Spanned<S>) -> Named {
        let at = self.place(key);
        Named { text: key.get_ref().as_ref().to_owned(), at }
    }

    fn graph(&mut self, document: &DeTable<'_>) -> Option<RawGraph> {
        self.only(document, &["graph", "intent", "node", "stored"], "the file");
        let Header { name, version, entry, needs } = self.header(document);
        let mut nodes = Vec::new();
        if let Some(value) = document.get("node")
            && let Some(table) = self.table(value, "node")
        {
            let mut rows: Vec<_> = table.iter().collect();
            rows.sort_by_key(|(key, _)| key.span().start);
            if let Some((key, _)) = rows.get(MAX_NODES) {
                self.problem(key.span().start, format!("a graph has at most {MAX_NODES} nodes"));
                return None;
            }
            for (key, value) in rows {
                let name = self.named(key);
                self.name_is_plain(&name);
                nodes.push(self.node(name, value));
            }
        }
        let examples = document.get("intent").map(|value| self.intent(value)).unwrap_or_default();
        let stored = self.pairs(document, "stored");
        Some(RawGraph { name, version, entry, needs, nodes, examples, stored })
    }

    fn header(&mut self, document: &DeTable<'_>) -> Header {
        let Some((key, value)) = document.get_key_value("graph") else {
            self.problem(0, "[graph] with `name`, `version` and `entry` is missing");
            return Header::default();
        };
        let Some(table) = self.table(value, "graph") else { return Header::default() };
        self.only(table, &["name", "version", "entry", "needs"], "[graph]");
        for needed in ["name", "version", "entry"] {
            if !table.contains_key(needed) {
                self.problem(key.span().start, format!("[graph] needs `{needed}`"));
            }
        }
        let name = self.text(table, "name");
        if let Some(name) = &name {
            self.name_is_plain(name);
        }
        let version = table.get("version").and_then(|value| self.version(value)).unwrap_or_default();
        Header { name, version, entry: self.text(table, "entry"), needs: self.text(table, "needs") }
    }

    fn version(&mut self, value: &Value<'_>) -> Option<u32> {
        let number = number(value);
        if number.is_none() {
            self.problem(value.span().start, "`version` must be a whole number from 1 up");
        }
        number
    }

    /// A whole number from 1 to `most`.
    fn whole(&mut self, value: &Value<'_>, key: &str, most: u32) -> Option<u32> {
        let number = number(value).filter(|&number| number <= most);
        if number.is_none() {
            self.problem(value.span().start, format!("`{key}` must be a whole number from 1 to {most}"));
        }
        number
    }

    /// A text, or a list of texts.
    fn texts(&mut self, value: &Value<'_>, key: &str) -> Vec<Named> {
        match value.get_ref().as_array() {
            Some(list) => list.iter().filter_map(|one| self.string(one, key)).collect(),
            None => self.string(value, key).into_iter().collect(),
        }
    }

    fn node(&mut self, name: Named, value: &Value<'_>) -> RawNode {
        let Some(table) = self.table(value, &name.text) else {
            return RawNode { name, what: What::Unknown, on: Vec::new() };
        };
        let what = self.what(&name, table);
        let on = match (table.get("on"), table.get("goto")) {
            (_, Some(cases)) => self.case_edges(cases),
            (Some(on), None) => self.edges(on),
            (None, None) => Vec::new(),
        };
        RawNode { name, what, on }
    }

    fn edges(&mut self, value: &Value<'_>) -> Vec<RawEdge> {
        let Some(table) = self.table(value, "on") else { return Vec::new() };
        let mut rows: Vec<_> = table.iter().collect();
        rows.sort_by_key(|(key, _)| key.span().start);
        rows.into_iter().map(|(key, value)| self.edge(self.named(key), value)).collect()
    }

    fn edge(&mut self, outcome: Named, value: &Value<'_>) -> RawEdge {
        match value.get_ref() {
            DeValue::String(_) => {
                let to = self.string(value, &outcome.text);
                RawEdge { outcome, to, say: RawSay::default() }
            }
            DeValue::Table(table) => {
                self.only(table, &["to", "reply", "action"], &format!("the edge `{}`", outcome.text));
                self.edge_of(outcome, table)
            }
            other => {
                let what = format!(
                    "`{}` must be a node's name or {{ to, reply, action }}, not {}",
                    outcome.text,
                    type_name(other)
                );
                self.problem(value.span().start, what);
                RawEdge { outcome, to: None, say: RawSay::default() }
            }
        }
    }

    fn only(&mut self, table: &DeTable<'_>, known: &[&str], place: &str) {
        for key in table.keys() {
            let name = key.get_ref();
            if !known.contains(&name.as_ref()) {
                let known = known.join("`, `");
                self.problem(
                    key.span().start,
                    format!("unknown key `{name}` in {place}; known are `{known}`"),
                );
            }
        }
    }

    fn name_is_plain(&mut self, name: &Named) {
        let plain = name.text.starts_with(|c: char| c.is_ascii_lowercase())
            && name.text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !plain {
            let what = format!("the name `{}` must be lower-case letters, digits and `_`", name.text);
            self.report.add(name.at, what);
        }
    }

    fn text(&mut self, table: &DeTable<'_>, key: &str) -> Option<Named> {
        table.get(key).and_then(|value| self.string(value, key))
    }

    fn string(&mut self, value: &Value<'_>, key: &str) -> Option<Named> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let what = format!("`{key}` must be a string, not {}", type_name(value.get_ref()));
            self.problem(value.span().start, what);
        }
        let at = self.place(value);
        Some(Named { text: text?.to_owned(), at })
    }

    fn table<'v, 'i>(&mut self, value: &'v Value<'i>, key: &str) -> Option<&'v DeTable<'i>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            let what = format!("`{key}` must be a table, not {}", type_name(value.get_ref()));
            self.problem(value.span().start, what);
        }
        table
    }
}

/// A whole number from 1 up.
fn number(value: &Value<'_>) -> Option<u32> {
    let read = |number: &toml::de::DeInteger<'_>| u32::from_str_radix(number.as_str(), number.radix()).ok();
    value.get_ref().as_integer().and_then(read).filter(|&number| number > 0)
}

fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
