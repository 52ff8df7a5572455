//! What kind a node is, and the keys that each kind has.

use toml::de::DeTable;

use super::{Named, RawCall, RawTool, Reader, Value};

/// The kind of a node, as far as its keys tell.
#[derive(Debug)]
pub(in crate::graph) enum What {
    Handler(Named),
    Ask {
        slot: Named,
        say: RawSay,
        keep: RawKeep,
        meanwhile: Option<Named>,
        silence: Option<Named>,
    },
    Http {
        call: RawCall,
        say: RawSay,
    },
    Tool(RawTool),
    /// Its cases are its edges; this is what they ask, the last of them nothing.
    Goto(Vec<Option<Named>>),
    Say(RawSay),
    Agent(Named),
    Agents,
    Resume,
    /// Something is wrong with the keys, and that was reported.
    Unknown,
}

/// What becomes of an ask's answer.
#[derive(Debug, Default)]
pub(in crate::graph) struct RawKeep {
    pub(in crate::graph) into: Option<Named>,
    pub(in crate::graph) pattern: Option<Named>,
    pub(in crate::graph) finds: bool,
    pub(in crate::graph) tries: Option<u32>,
    pub(in crate::graph) reprompts: Vec<Named>,
    /// The first of its keys, of which all others need `into`.
    pub(in crate::graph) first: Option<Named>,
}

#[derive(Debug, Default)]
pub(in crate::graph) struct RawSay {
    pub(in crate::graph) reply: Option<Named>,
    pub(in crate::graph) action: Option<Named>,
}

impl What {
    /// The replies that the node itself names.
    pub(in crate::graph) fn replies(&self) -> impl Iterator<Item = &Named> {
        let (say, again) = match self {
            Self::Ask { say, keep, .. } => (Some(say), keep.reprompts.as_slice()),
            Self::Say(say) | Self::Http { say, .. } => (Some(say), [].as_slice()),
            _ => (None, [].as_slice()),
        };
        say.and_then(|say| say.reply.as_ref()).into_iter().chain(again)
    }

    /// The fields that the node fills.
    pub(in crate::graph) fn fields(&self) -> Vec<&Named> {
        match self {
            Self::Ask { keep, .. } => keep.into.iter().collect(),
            Self::Http { call, .. } => call.into.iter().map(|(field, _)| field).collect(),
            Self::Tool(tool) => tool.into.iter().map(|(field, _)| field).collect(),
            _ => Vec::new(),
        }
    }
}

/// The keys that make a node what it is; a node with none of them is a handler by its own name.
const KINDS: [&str; 9] = ["handler", "ask", "say", "goto", "call", "http", "agent", "agents", "resume"];
/// The keys that say what becomes of an ask's answer.
const KEEP: [&str; 5] = ["into", "pattern", "find", "tries", "reprompt"];
/// Most tries that an ask counts.
const MOST_TRIES: u32 = 10;

impl Reader<'_, '_> {
    pub(super) fn what(&mut self, name: &Named, table: &DeTable<'_>) -> What {
        let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| table.contains_key(*kind)).collect();
        if kinds.len() > 1 {
            let list = kinds.join("` and `");
            self.report.add(name.at, format!("node `{}` is of more than one kind: `{list}`", name.text));
            return What::Unknown;
        }
        let kind = kinds.first().copied().unwrap_or("handler");
        let known: &[&str] = match kind {
            "ask" => {
                const ASK: &[&str] = &[
                    "ask",
                    "reply",
                    "action",
                    "into",
                    "pattern",
                    "find",
                    "tries",
                    "reprompt",
                    "meanwhile",
                    "silence",
                    "on",
                ];
                ASK
            }
            "say" => &["say", "action", "on"],
            "http" => &["http", "reply", "action", "on"],
            "call" => &["call", "with", "into", "on"],
            // Its edges stand in it.
            "goto" => &["goto"],
            _ => &[kind, "on"],
        };
        let place = format!("the {kind} node `{}`", name.text);
        self.only(table, known, &place);
        let needed: &[&str] = match kind {
            "ask" | "http" => &["reply", "action"],
            "say" => &["action"],
            _ => &[],
        };
        for key in needed.iter().filter(|key| !table.contains_key(**key)) {
            self.report.add(name.at, format!("{place} needs `{key}`"));
        }
        let what = match kind {
            "ask" => {
                let (say, keep) = (self.say(table, "reply"), self.keep(table));
                let (meanwhile, silence) = (self.text(table, "meanwhile"), self.text(table, "silence"));
                self.text(table, "ask").map(|slot| What::Ask { slot, say, keep, meanwhile, silence })
            }
            "say" => Some(What::Say(self.say(table, "say"))),
            "http" => {
                let say = self.say(table, "reply");
                table.get("http").and_then(|value| self.call(value)).map(|call| What::Http { call, say })
            }
            "call" => self.tool(table).map(What::Tool),
            "goto" => table.get("goto").and_then(|value| self.cases(value)).map(What::Goto),
            "agent" => self.text(table, "agent").map(What::Agent),
            "agents" => self.switch(table, kind).then_some(What::Agents),
            "resume" => self.switch(table, kind).then_some(What::Resume),
            _ if table.contains_key("handler") => self.text(table, "handler").map(What::Handler),
            _ => Some(What::Handler(name.clone())),
        };
        what.unwrap_or(What::Unknown)
    }

    fn keep(&mut self, table: &DeTable<'_>) -> RawKeep {
        let first = KEEP.iter().find_map(|key| table.get_key_value(*key)).map(|(key, _)| self.named(key));
        RawKeep {
            into: self.text(table, "into"),
            pattern: self.text(table, "pattern"),
            finds: self.switch(table, "find"),
            tries: table.get("tries").and_then(|value| self.whole(value, "tries", MOST_TRIES)),
            reprompts: table.get("reprompt").map(|value| self.texts(value, "reprompt")).unwrap_or_default(),
            first,
        }
    }

    /// Whether a key that can only be true is.
    fn switch(&mut self, table: &DeTable<'_>, key: &str) -> bool {
        let Some(value): Option<&Value<'_>> = table.get(key) else { return false };
        let is_on = value.get_ref().as_bool() == Some(true);
        if !is_on {
            self.problem(value.span().start, format!("`{key}` can only be true"));
        }
        is_on
    }

    pub(super) fn say(&mut self, table: &DeTable<'_>, reply: &str) -> RawSay {
        RawSay { reply: self.text(table, reply), action: self.text(table, "action") }
    }
}
