//! The fields of a graph: what its asks put into them, and what its guards ask of them.

use super::draft::Drafter;
use super::file::{Named, RawGraph, RawKeep, RawNode, What};
use super::guard::Guard;
use super::pattern::Pattern;
use super::problem::Report;
use super::set::{Keep, Meanwhile};
use super::shadow::shadowed;
use crate::model::{FACTS, GIVEN, Slot};

/// Most fields of one graph: they are kept with the conversation.
const MOST: usize = 16;

/// The fields that a graph's nodes fill, in the order of the file.
pub(super) fn fields(graph: &RawGraph, report: &mut Report<'_>) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for name in graph.nodes.iter().flat_map(|node| node.what.fields()) {
        if fields.contains(&name.text) {
            continue;
        }
        let plain = name.text.starts_with(|c: char| c.is_ascii_lowercase())
            && name.text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        if !plain {
            let what = format!("the field `{}` must be lower-case letters, digits and `_`", name.text);
            report.add(name.at, what);
        }
        let is_given = |names: &[&str]| names.contains(&name.text.as_str());
        if is_given(&FACTS) || is_given(&GIVEN) || is_word(&name.text) {
            report.add(
                name.at,
                format!(
                    "a field cannot be called `{}`: the engine gives texts a value of that name",
                    name.text
                ),
            );
        }
        if fields.len() == MOST {
            report.add(name.at, format!("a graph has at most {MOST} fields"));
            break;
        }
        fields.push(name.text.clone());
    }
    fields
}

/// Words of the language of guards and texts.
fn is_word(name: &str) -> bool {
    ["and", "else", "false", "if", "in", "is", "loop", "none", "not", "or", "self", "true"].contains(&name)
}

/// Something is wrong, and was told.
pub(super) struct Told;

impl Drafter<'_, '_, '_> {
    /// What becomes of an ask's answer.
    pub(super) fn keep(&mut self, slot: Option<Slot>, raw: &RawKeep) -> Result<Option<Keep>, Told> {
        let Some(first) = &raw.first else { return Ok(None) };
        let Some(into) = &raw.into else {
            let what = format!("`{}` is of an answer that is kept: say where, by `into`", first.text);
            self.report.add(first.at, what);
            return Err(Told);
        };
        if !matches!(slot, Some(Slot::Text | Slot::Name) | None) {
            // Numbers, addresses and codes are not kept in the clear.
            self.report.add(into.at, "`into` keeps a text or a name; what else is asked for is a handler's");
            return Err(Told);
        }
        let pattern = match (&raw.pattern, raw.finds) {
            (None, true) => {
                self.report.add(first.at, "`find` needs a `pattern`");
                return Err(Told);
            }
            (None, false) => None,
            (Some(pattern), _) if slot == Some(Slot::Name) => {
                self.report.add(pattern.at, "a name has no `pattern`: ask for a text");
                return Err(Told);
            }
            (Some(pattern), finds) => Some(self.pattern(pattern, finds).ok_or(Told)?),
        };
        let named = raw.reprompts.len();
        let reprompts: Vec<String> = raw.reprompts.iter().filter_map(|reply| self.reply(reply)).collect();
        if reprompts.len() < named {
            return Err(Told);
        }
        Ok(Some(Keep { field: into.text.clone(), pattern, tries: raw.tries, reprompts }))
    }

    /// What becomes of a message that comes while another is being looked at.
    pub(super) fn meanwhile(&mut self, raw: Option<&Named>) -> Option<Meanwhile> {
        let Some(raw) = raw else { return Some(Meanwhile::default()) };
        let found = Meanwhile::NAMES.into_iter().find(|(name, _)| *name == raw.text);
        if found.is_none() {
            let names = Meanwhile::NAMES.map(|(name, _)| name).join(", ");
            self.report.add(raw.at, format!("unknown `meanwhile` `{}`; there are: {names}", raw.text));
        }
        found.map(|(_, meanwhile)| meanwhile)
    }

    fn pattern(&mut self, raw: &Named, finds: bool) -> Option<Pattern> {
        let read = Pattern::parse(&raw.text, finds);
        read.map_err(|why| self.report.add(raw.at, format!("`pattern`: {why}"))).ok()
    }

    /// Whether the graph knows everything that a text is told. Where a handler runs, that may know more; the texts of the
    /// product's own that its graphs say are judged with what theirs give.
    pub(super) fn has_values_for(&mut self, reply: &Named) -> bool {
        let is_rust = |node: &RawNode| {
            !matches!(node.what, What::Ask { .. } | What::Http { .. } | What::Goto(_) | What::Say(_))
        };
        let told = self.names.catalog.told.get(&reply.text).filter(|_| !self.raw.iter().any(is_rust));
        let known = |name: &&String| self.fields.contains(name) || FACTS.contains(&name.as_str());
        let Some(unknown) = told.into_iter().flatten().find(|name| !known(name)) else { return true };
        let what = format!("reply `{}` is told `{unknown}`, which is no field of this graph", reply.text);
        self.report.add(reply.at, what);
        false
    }

    /// No case of a goto stands behind one that holds whenever it does.
    pub(super) fn every_case_is_taken(&mut self, node: &Named, guards: &[Option<Named>]) {
        let guards: Vec<&Named> = guards.iter().flatten().collect();
        let texts: Vec<&str> = guards.iter().map(|guard| guard.text.as_str()).collect();
        for never in shadowed(&texts) {
            match guards.get(never) {
                Some(guard) if never == 0 => self.report.add(guard.at, "`when`: this never holds"),
                Some(guard) => {
                    let what = "`when`: this case is never taken: whenever it holds, one before it does";
                    self.report.add(guard.at, what);
                }
                None => {
                    let what = format!(
                        "the last case of `{}` is never taken: one before it always holds",
                        node.text
                    );
                    self.report.add(node.at, what);
                }
            }
        }
    }

    /// The guard over this graph's fields.
    pub(super) fn guard(&mut self, raw: &Named) -> Option<Guard> {
        let read = Guard::parse(&raw.text, self.fields);
        read.map_err(|why| self.report.add(raw.at, format!("`when`: {why}"))).ok()
    }
}
