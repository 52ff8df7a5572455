//! Looks up every name of the graph files: handlers, nodes, agents, slots, actions, replies.
//!
//! A draft is a graph whose names are looked up as far as they are right. A node or an edge that is wrong was reported
//! and is left out, and the draft says so by `whole`: the proofs use it to tell what is missing from what is wrong.

use std::collections::BTreeMap;

use super::Catalog;
use super::catalog::OutcomeSpec;
use super::fields::fields;
use super::file::{Named, RawEdge, RawExample, RawGraph, RawNode, RawSay, What};
use super::flow::Flow;
use super::problem::{Place, Report};
use super::set::{Example, Kind, Say, is_routed};
use super::stored::Rule;
use crate::model::{Action, Assurance, Route, Slot, SubIntent};

/// A graph under proof.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) name: Named,
    pub(super) version: u32,
    pub(super) entry: Option<usize>,
    /// Where the entry is named.
    pub(super) entry_at: Place,
    pub(super) nodes: Vec<DraftNode>,
    pub(super) examples: Vec<Example>,
    pub(super) fields: Vec<String>,
    /// Whether it is entered by name, by what people say.
    pub(super) routed: bool,
    /// What is proved of whoever enters it by name.
    pub(super) needs: Assurance,
    /// It is a former version: nothing enters it but the conversations that wait under it.
    pub(super) older: bool,
    /// What becomes of those that wait under a former version of it.
    pub(super) stored: Vec<Rule>,
    /// Every node and edge is there, so that the absence of a path is a fact about the graph.
    pub(super) whole: bool,
}

#[derive(Debug)]
pub(super) struct DraftNode {
    pub(super) name: Named,
    pub(super) flow: Flow,
    /// What it is when it runs, unless something about it is wrong.
    pub(super) kind: Option<Kind>,
    pub(super) edges: Vec<DraftEdge>,
    /// The outcomes that the file leads on, be the edge right or wrong.
    pub(super) named: Vec<String>,
}

#[derive(Debug)]
pub(super) struct DraftEdge {
    pub(super) outcome: OutcomeSpec,
    pub(super) to: usize,
    pub(super) say: Option<Say>,
    pub(super) at: Place,
}

/// The names that all graphs share.
pub(super) struct Names<'a> {
    pub(super) catalog: &'a Catalog,
    /// The draft of each graph name.
    pub(super) graphs: &'a BTreeMap<String, usize>,
    /// Whether a graph that is not in `graphs` does not exist; false while a file could not be read.
    pub(super) all_read: bool,
}

impl Names<'_> {
    /// Looks up one graph's names. `file` is the place of its first letter.
    pub(super) fn draft(&self, file: Place, raw: &RawGraph, older: bool, report: &mut Report<'_>) -> Draft {
        let by_name = raw.nodes.iter().enumerate().map(|(i, node)| (node.name.text.as_str(), i)).collect();
        let whole = raw.name.is_some();
        let fields = fields(raw, report);
        let mut drafter = Drafter { names: self, by_name, raw: &raw.nodes, fields: &fields, report, whole };
        let mut nodes = Vec::new();
        for node in &raw.nodes {
            nodes.push(drafter.node(node));
        }
        let entry = raw.entry.as_ref().and_then(|entry| drafter.find(entry));
        let is_root = raw.name.as_ref().is_some_and(|name| name.text == self.catalog.root);
        // What a former version said of people's words and of versions before it was of its own time.
        let (examples, stored) =
            if older { ([].as_slice(), [].as_slice()) } else { (&*raw.examples, &*raw.stored) };
        let stored = stored.iter().filter_map(|rule| drafter.rule(rule, is_root)).collect();
        let examples: Vec<_> = examples.iter().map(|example| drafter.example(example, is_root)).collect();
        let needs = drafter.level(raw.needs.as_ref()).unwrap_or(Assurance::Anonymous);
        let whole = drafter.whole && entry.is_some();
        let name = raw.name.clone().unwrap_or_else(|| Named { text: "?".to_owned(), at: file });
        let entry_at = raw.entry.as_ref().map_or(file, |entry| entry.at);
        let routed = !is_root && is_routed(&name.text, &examples);
        if routed && is_route(&name.text) {
            report.add(name.at, format!("`{}` is a route already: name the graph otherwise", name.text));
        }
        if let Some(level) = raw.needs.as_ref().filter(|_| !routed && !older) {
            report.add(level.at, "`needs` is for an agent that people come to by what they say");
        }
        let version = raw.version;
        Draft { name, version, entry, entry_at, nodes, examples, fields, routed, needs, older, stored, whole }
    }
}

/// The edge with what a case grants by its guard: `signed_in` alone is the level of that name, which no other guard is
/// known to imply.
fn granted(what: &What, edge: DraftEdge) -> DraftEdge {
    let What::Goto(guards) = what else { return edge };
    let number = edge.outcome.name.strip_prefix("case_").and_then(|number| number.parse::<usize>().ok());
    let guard = number.and_then(|number| guards.get(number.checked_sub(1)?)?.as_ref());
    if guard.is_some_and(|guard| guard.text.trim() == "signed_in") {
        let outcome = OutcomeSpec::granting(edge.outcome.name, Assurance::SignedIn);
        return DraftEdge { outcome, ..edge };
    }
    edge
}

/// Whether messages are routed to that name without any graph.
fn is_route(name: &str) -> bool {
    let ours = [Route::General, Route::OutOfScope];
    SubIntent::parse(name).is_some() || ours.iter().any(|route| route.as_str() == name)
}

/// Drafts one graph.
pub(super) struct Drafter<'a, 'r, 's> {
    pub(super) names: &'a Names<'a>,
    /// The graph's nodes, and where each is.
    pub(super) raw: &'a [RawNode],
    pub(super) by_name: BTreeMap<&'a str, usize>,
    pub(super) fields: &'a [String],
    pub(super) report: &'r mut Report<'s>,
    whole: bool,
}

impl Drafter<'_, '_, '_> {
    /// The example; what is wrong with it is reported, and then no set comes of it.
    fn example(&mut self, raw: &RawExample, is_root: bool) -> Example {
        if is_root {
            self.report.add(raw.text.at, "the root graph has no examples: every message enters it");
        }
        if !raw.text.text.chars().any(char::is_alphanumeric) {
            self.report.add(raw.text.at, "an example must say something");
        }
        let is_tag = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if !(2..=35).contains(&raw.lang.text.len()) || !raw.lang.text.chars().all(is_tag) {
            let what = format!("`{}` is no language, such as `en` or `hi-Latn`", raw.lang.text);
            self.report.add(raw.lang.at, what);
        }
        let awaiting = match &raw.awaiting {
            Some(named) => {
                let slot = Slot::parse(&named.text);
                if slot.is_none() {
                    self.report.add(named.at, format!("unknown slot `{}`", named.text));
                }
                slot
            }
            None => None,
        };
        Example { text: raw.text.text.clone(), lang: raw.lang.text.clone(), awaiting }
    }

    fn node(&mut self, raw: &RawNode) -> DraftNode {
        let (flow, kind) = self.kind(raw);
        let mut edges = Vec::new();
        for edge in &raw.on {
            match self.edge(flow, edge) {
                Some(edge) => edges.push(granted(&raw.what, edge)),
                None => self.whole = false,
            }
        }
        for outcome in flow.outcomes().unwrap_or_default() {
            if !raw.on.iter().any(|edge| edge.outcome.text == outcome.name) {
                self.whole = false;
                let what = format!("node `{}` has no edge for its outcome `{}`", raw.name.text, outcome.name);
                self.report.add(raw.name.at, what);
            }
        }
        self.whole &= flow != Flow::Unknown;
        let named = raw.on.iter().map(|edge| edge.outcome.text.clone()).collect();
        DraftNode { name: raw.name.clone(), flow, kind, edges, named }
    }

    fn kind(&mut self, raw: &RawNode) -> (Flow, Option<Kind>) {
        match &raw.what {
            What::Handler(name) => {
                if let Some(spec) = self.names.catalog.handler(&name.text) {
                    return (Flow::Handler(*spec), Some(Kind::Handler(spec.name)));
                }
                self.report.add(name.at, format!("unknown handler `{}`", name.text));
                (Flow::Unknown, None)
            }
            What::Ask { slot, say, keep, meanwhile, silence } => {
                let found = Slot::parse(&slot.text);
                if found.is_none() {
                    self.report.add(slot.at, format!("unknown slot `{}`", slot.text));
                }
                let bounded = keep.tries.is_some();
                let (confirms, checked) = (found == Some(Slot::Confirm), found == Some(Slot::Otp));
                let flow = Flow::Ask { confirms, checked, bounded };
                let (say, keep) = (self.say(say), self.keep(found, keep).ok());
                let silence = self.silence(raw, silence.as_ref()).ok();
                let meanwhile = self.meanwhile(meanwhile.as_ref());
                let asked = found.zip(say).zip(keep).zip(meanwhile).zip(silence);
                let kind = asked.map(|((((slot, say), keep), meanwhile), silence)| Kind::Ask {
                    slot,
                    say,
                    keep,
                    meanwhile,
                    silence,
                });
                (flow, kind)
            }
            What::Http { call, say } => {
                let (say, call) = (self.say(say), self.call(call));
                let needs = call.as_ref().map_or(Assurance::Anonymous, |call| call.needs);
                (Flow::Http(needs), call.zip(say).map(|(call, say)| Kind::Http { call, say }))
            }
            What::Tool(call) => {
                let Some((spec, call)) = self.tool(call) else { return (Flow::Unknown, None) };
                (Flow::Tool(spec), Some(Kind::Tool(call)))
            }
            What::Goto(guards) => {
                self.every_case_is_taken(&raw.name, guards);
                let guards: Vec<_> = guards.iter().flatten().map(|guard| self.guard(guard)).collect();
                (Flow::Goto(guards.len()), guards.into_iter().collect::<Option<_>>().map(Kind::Goto))
            }
            What::Say(say) => {
                let flow = if raw.on.is_empty() { Flow::Say } else { Flow::SayOn };
                (flow, self.say(say).map(Kind::Say))
            }
            What::Agent(name) => {
                if let Some(&graph) = self.names.graphs.get(&name.text) {
                    return (Flow::Agent(graph), Some(Kind::Agent(name.text.clone())));
                }
                if self.names.all_read {
                    self.report.add(name.at, format!("unknown agent graph `{}`", name.text));
                }
                (Flow::Unknown, None)
            }
            What::Agents => (Flow::Agents, Some(Kind::Agents)),
            What::Resume => (Flow::Resume, Some(Kind::Resume)),
            What::Unknown => (Flow::Unknown, None),
        }
    }

    /// Looks up both words before it gives up, so that an unknown reply does not hide an unknown action.
    fn say(&mut self, raw: &RawSay) -> Option<Say> {
        let reply = raw.reply.as_ref().and_then(|reply| self.reply(reply));
        let action = raw.action.as_ref().and_then(|action| {
            let found = Action::parse(&action.text);
            if found.is_none() {
                let known: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
                let what = format!("unknown action `{}`; there are: {}", action.text, known.join(", "));
                self.report.add(action.at, what);
            }
            found
        });
        Some(Say { reply: reply?, action: action? })
    }

    pub(super) fn reply(&mut self, reply: &Named) -> Option<String> {
        let missing = self.names.catalog.languages_without(&reply.text);
        if missing.is_empty() {
            return self.has_values_for(reply).then(|| reply.text.clone());
        }
        self.report.add(reply.at, format!("reply `{}` is missing in: {}", reply.text, missing.join(", ")));
        None
    }

    fn edge(&mut self, from: Flow, raw: &RawEdge) -> Option<DraftEdge> {
        let outcome = from.outcomes().and_then(|needed| {
            let declared: Vec<OutcomeSpec> = needed.iter().chain(from.options()).copied().collect();
            self.outcome(&declared, &raw.outcome)
        });
        let to = raw.to.as_ref().and_then(|to| self.find(to));
        let say = to.and_then(|to| self.override_say(raw, to));
        Some(DraftEdge { outcome: outcome?, to: to?, say, at: raw.outcome.at })
    }

    fn outcome(&mut self, declared: &[OutcomeSpec], name: &Named) -> Option<OutcomeSpec> {
        let found = declared.iter().find(|spec| spec.name == name.text);
        if found.is_none() {
            let names: Vec<_> = declared.iter().map(|spec| spec.name).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            self.report.add(name.at, format!("unknown outcome `{}`; the node has: {known}", name.text));
        }
        found.copied()
    }

    fn override_say(&mut self, raw: &RawEdge, to: usize) -> Option<Say> {
        let given = raw.say.reply.as_ref().or(raw.say.action.as_ref())?;
        let target = self.raw.get(to)?;
        if !matches!(target.what, What::Ask { .. } | What::Http { .. } | What::Say(_) | What::Unknown) {
            let what = format!("node `{}` says nothing, so there is nothing to override", target.name.text);
            self.report.add(given.at, what);
        }
        self.say(&raw.say)
    }

    fn find(&mut self, name: &Named) -> Option<usize> {
        let found = self.by_name.get(name.text.as_str()).copied();
        if found.is_none() {
            self.report.add(name.at, format!("unknown node `{}`", name.text));
        }
        found
    }
}
