//! Reads the shape of one graph file: tables, keys and types, each with its place. Names are not looked up here.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Place, Report};

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
    pub(super) nodes: Vec<RawNode>,
    pub(super) examples: Vec<RawExample>,
}

/// Something that a person may say to come to the graph.
#[derive(Debug)]
pub(super) struct RawExample {
    pub(super) text: Named,
    pub(super) lang: Named,
    pub(super) awaiting: Option<Named>,
}

#[derive(Debug)]
pub(super) struct RawNode {
    pub(super) name: Named,
    pub(super) what: What,
    pub(super) on: Vec<RawEdge>,
}

/// The kind of a node, as far as its keys tell.
#[derive(Debug)]
pub(super) enum What {
    Handler(Named),
    Ask {
        slot: Named,
        say: RawSay,
    },
    Say(RawSay),
    Agent(Named),
    Resume,
    /// Something is wrong with the keys, and that was reported.
    Unknown,
}

#[derive(Debug, Default)]
pub(super) struct RawSay {
    pub(super) reply: Option<Named>,
    pub(super) action: Option<Named>,
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

struct Reader<'r, 's> {
    file: usize,
    report: &'r mut Report<'s>,
}

impl Reader<'_, '_> {
    fn problem(&mut self, offset: usize, what: impl Into<String>) {
        self.report.add(Place { file: self.file, offset }, what);
    }

    fn named<S: AsRef<str>>(&self, key: &Spanned<S>) -> Named {
        let at = Place { file: self.file, offset: key.span().start };
        Named { text: key.get_ref().as_ref().to_owned(), at }
    }

    fn graph(&mut self, document: &DeTable<'_>) -> Option<RawGraph> {
        self.only(document, &["graph", "intent", "node"], "the file");
        let (name, version, entry) = self.header(document);
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
        Some(RawGraph { name, version, entry, nodes, examples })
    }

    fn intent(&mut self, value: &Value<'_>) -> Vec<RawExample> {
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
        let table = self.table(value, "example")?;
        self.only(table, &["text", "lang", "awaiting"], "[[intent.example]]");
        for needed in ["text", "lang"].iter().filter(|key| !table.contains_key(**key)) {
            self.problem(value.span().start, format!("[[intent.example]] needs `{needed}`"));
        }
        let (text, lang) = (self.text(table, "text"), self.text(table, "lang"));
        Some(RawExample { text: text?, lang: lang?, awaiting: self.text(table, "awaiting") })
    }

    fn header(&mut self, document: &DeTable<'_>) -> (Option<Named>, u32, Option<Named>) {
        let Some((key, value)) = document.get_key_value("graph") else {
            self.problem(0, "[graph] with `name`, `version` and `entry` is missing");
            return (None, 0, None);
        };
        let Some(table) = self.table(value, "graph") else { return (None, 0, None) };
        self.only(table, &["name", "version", "entry"], "[graph]");
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
        (name, version, self.text(table, "entry"))
    }

    fn version(&mut self, value: &Value<'_>) -> Option<u32> {
        let number = (value.get_ref().as_integer())
            .and_then(|number| u32::from_str_radix(number.as_str(), number.radix()).ok())
            .filter(|&number| number > 0);
        if number.is_none() {
            self.problem(value.span().start, "`version` must be a whole number from 1 up");
        }
        number
    }

    fn node(&mut self, name: Named, value: &Value<'_>) -> RawNode {
        let Some(table) = self.table(value, &name.text) else {
            return RawNode { name, what: What::Unknown, on: Vec::new() };
        };
        let what = self.what(&name, table);
        let on = table.get("on").map(|value| self.edges(value)).unwrap_or_default();
        RawNode { name, what, on }
    }

    fn what(&mut self, name: &Named, table: &DeTable<'_>) -> What {
        let kinds: Vec<&str> = ["handler", "ask", "say", "agent", "resume"]
            .into_iter()
            .filter(|kind| table.contains_key(*kind))
            .collect();
        if kinds.len() > 1 {
            let list = kinds.join("` and `");
            self.report.add(name.at, format!("node `{}` is of more than one kind: `{list}`", name.text));
            return What::Unknown;
        }
        let kind = kinds.first().copied().unwrap_or("handler");
        let known: &[&str] = match kind {
            "ask" => &["ask", "reply", "action", "on"],
            "say" => &["say", "action", "on"],
            _ => &[kind, "on"],
        };
        let place = format!("the {kind} node `{}`", name.text);
        self.only(table, known, &place);
        let needed: &[&str] = match kind {
            "ask" => &["reply", "action"],
            "say" => &["action"],
            _ => &[],
        };
        for key in needed.iter().filter(|key| !table.contains_key(**key)) {
            self.report.add(name.at, format!("{place} needs `{key}`"));
        }
        let what = match kind {
            "ask" => {
                let say = self.say(table, "reply");
                self.text(table, "ask").map(|slot| What::Ask { slot, say })
            }
            "say" => Some(What::Say(self.say(table, "say"))),
            "agent" => self.text(table, "agent").map(What::Agent),
            "resume" => table.get("resume").and_then(|value| self.resume(value)),
            _ if table.contains_key("handler") => self.text(table, "handler").map(What::Handler),
            _ => Some(What::Handler(name.clone())),
        };
        what.unwrap_or(What::Unknown)
    }

    fn resume(&mut self, value: &Value<'_>) -> Option<What> {
        if value.get_ref().as_bool() == Some(true) {
            return Some(What::Resume);
        }
        self.problem(value.span().start, "`resume` can only be true");
        None
    }

    fn say(&mut self, table: &DeTable<'_>, reply: &str) -> RawSay {
        RawSay { reply: self.text(table, reply), action: self.text(table, "action") }
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
                if !table.contains_key("to") {
                    self.report.add(outcome.at, format!("the edge `{}` needs `to`", outcome.text));
                }
                if table.contains_key("reply") != table.contains_key("action") {
                    let what =
                        format!("the edge `{}` needs both `reply` and `action`, or neither", outcome.text);
                    self.report.add(outcome.at, what);
                }
                RawEdge { to: self.text(table, "to"), say: self.say(table, "reply"), outcome }
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
        let at = Place { file: self.file, offset: value.span().start };
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
