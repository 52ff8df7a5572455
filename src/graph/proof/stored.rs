//! What is proved of conversations that wait under a former version: each rule of `[stored]` leads to a node that waits, what
//! is pinned has its version, and nobody comes to a handler by an old conversation who would not by a new one.
//!
//! **The gate.** A rule is one more entry to its graph, with nothing granted: how a conversation came to the old node is not
//! known any more. Where the paths from there come to a handler that needs a level, the rule needs it too, and the engine
//! asks whether the person has it before it follows the rule. A turn begins with a session at most, so a rule that needs
//! more is refused, with its path. Where a rule leads out of its graph, back to who called it, the callers' edges count as
//! open (`gate.rs`).

use std::collections::BTreeMap;

use super::super::draft::{Draft, DraftNode};
use super::super::flow::Flow;
use super::super::problem::Report;
use super::super::set::Kind;
use super::super::stored::{Next, Rule};
use super::shape::{flow, reach};
use crate::model::Assurance;

/// What each rule needs: of the draft of that index, for the node of that name.
pub(in crate::graph) type Needs = BTreeMap<(usize, String), Assurance>;

/// Where conversations may go on that were paused under a former version.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    /// The draft whose rule it is.
    pub(super) of: usize,
    pub(super) rule: &'a Rule,
    /// The draft that they go on in.
    pub(super) graph: usize,
    pub(super) node: usize,
    /// It begins again there, and is not gone on with.
    pub(super) begins: bool,
}

pub(super) fn check(drafts: &[Draft], root: Option<usize>, report: &mut Report<'_>) {
    for (at, older) in drafts.iter().enumerate().filter(|(_, draft)| draft.older) {
        is_former(drafts, (at, older), root, report);
    }
    for draft in drafts.iter().filter(|draft| !draft.older && draft.whole) {
        for rule in &draft.stored {
            match rule.then {
                Next::At(node) => {
                    if let Some(node) = draft.nodes.get(node) {
                        goes_on(drafts, draft, (rule, node), report);
                    }
                }
                Next::Pinned => is_kept(drafts, draft, rule, report),
                Next::Restart => {}
            }
        }
        for older in versions(drafts, draft).map(|(_, older)| older).filter(|older| older.whole) {
            pinned_to_the_end(draft, older, report);
        }
    }
}

/// The versions of a graph that are kept, with their indexes.
pub(super) fn versions<'a>(drafts: &'a [Draft], of: &'a Draft) -> impl Iterator<Item = (usize, &'a Draft)> {
    drafts.iter().enumerate().filter(|(_, older)| older.older && older.name.text == of.name.text)
}

/// A former version is one of a graph that is there, and the only one of its number.
fn is_former(
    drafts: &[Draft],
    (index, older): (usize, &Draft),
    root: Option<usize>,
    report: &mut Report<'_>,
) {
    let (name, version) = (&older.name.text, older.version);
    let Some(now) = drafts.iter().position(|draft| !draft.older && draft.name.text == *name) else {
        report
            .add(older.name.at, format!("a version of `{name}` is kept, and there is no graph of that name"));
        return;
    };
    if Some(now) == root {
        report.add(older.name.at, "no version of the root graph is kept: no conversation waits in it");
    }
    let present = drafts.get(now).map_or(0, |draft| draft.version);
    if version >= present {
        let what =
            format!("version {version} of `{name}` is no former one: its graph is of version {present}");
        report.add(older.name.at, what);
    }
    let is_same = |draft: &Draft| draft.older && draft.name.text == *name && draft.version == version;
    if drafts.iter().position(is_same) != Some(index) {
        report.add(older.name.at, format!("version {version} of `{name}` is kept already"));
    }
}

/// Conversations go on where somebody is waited for; and where a former version is kept, for the same thing.
fn goes_on(drafts: &[Draft], draft: &Draft, (rule, to): (&Rule, &DraftNode), report: &mut Report<'_>) {
    if !is_waiting(to.flow) {
        let what = format!(
            "node `{}` waits for nothing, so no stored conversation can go on at it: name an ask, an http or an agent node",
            to.name.text
        );
        report.add(rule.at, what);
    }
    for (_, older) in versions(drafts, draft) {
        let Some(from) = older.nodes.iter().find(|node| node.name.text == rule.old.text) else { continue };
        if waits_for(from) != waits_for(to) {
            let (was, is) = (waits_for(from), waits_for(to));
            let what = format!(
                "`{}` waits for {was} in version {}, and `{}` for {is}: what is said next would be an answer to another \
                 question",
                from.name.text, older.version, to.name.text
            );
            report.add(rule.at, what);
        }
    }
}

fn is_waiting(flow: Flow) -> bool {
    flow.pauses() || matches!(flow, Flow::Agent(_))
}

/// What a node waits for, in words.
fn waits_for(node: &DraftNode) -> String {
    match &node.kind {
        Some(Kind::Ask { slot, .. }) => format!("`{}`", slot.as_str()),
        Some(Kind::Http { .. }) => "an outside agent".to_owned(),
        Some(Kind::Agent(name)) => format!("the graph `{name}`"),
        _ => "nothing".to_owned(),
    }
}

/// What is pinned goes on in its version, so that must be there.
fn is_kept(drafts: &[Draft], draft: &Draft, rule: &Rule, report: &mut Report<'_>) {
    let waits = |node: &DraftNode| node.name.text == rule.old.text && is_waiting(node.flow);
    if !versions(drafts, draft).any(|(_, older)| older.nodes.iter().any(waits)) {
        let what = format!(
            "`{}` is pinned, and no version of `{}` is kept in which it waits: put the former file into the folder \
             `versions` beside this one, such as `versions/graph.v1.toml`",
            rule.old.text, draft.name.text
        );
        report.add(rule.at, what);
    }
}

/// Whoever goes on under a former version comes to its other questions, and pauses there.
fn pinned_to_the_end(draft: &Draft, older: &Draft, report: &mut Report<'_>) {
    let all = flow(older, |_| true);
    for rule in draft.stored.iter().filter(|rule| rule.then == Next::Pinned) {
        let Some(from) = older.nodes.iter().position(|node| node.name.text == rule.old.text) else {
            continue;
        };
        for (node, _) in older.nodes.iter().zip(reach(&all, from)).filter(|(_, reached)| *reached) {
            let has_rule = draft.stored.iter().any(|rule| rule.old.text == node.name.text);
            if is_waiting(node.flow) && !has_rule {
                let what = format!(
                    "whoever is pinned here comes to `{}` of version {}, and [stored] does not say what becomes of that",
                    node.name.text, older.version
                );
                report.add(rule.at, what);
            }
        }
    }
}

/// Every place where a former version's conversation may go on.
pub(super) fn entries(drafts: &[Draft]) -> Vec<Entry<'_>> {
    let mut found = Vec::new();
    for (of, draft) in drafts.iter().enumerate().filter(|(_, draft)| !draft.older) {
        for rule in &draft.stored {
            let entry = |graph, node, begins| Entry { of, rule, graph, node, begins };
            match rule.then {
                Next::At(node) => found.push(entry(of, node, false)),
                Next::Restart => found.extend(draft.entry.map(|node| entry(of, node, true))),
                Next::Pinned => {
                    let at = |older: &Draft| older.nodes.iter().position(|n| n.name.text == rule.old.text);
                    let kept = versions(drafts, draft);
                    found.extend(kept.filter_map(|(graph, older)| Some(entry(graph, at(older)?, false))));
                }
            }
        }
    }
    found
}

/// A rule that leads to a handler needs what that needs; more than a session nobody has who only comes back.
pub(super) fn need(
    needs: &mut Needs,
    entry: &Entry<'_>,
    (level, path): (Assurance, &str),
    report: &mut Report<'_>,
) {
    if level > Assurance::SignedIn {
        let what = format!(
            "a stored conversation would go on here: {path} needs {}, and nothing on this path grants it",
            level.as_str()
        );
        report.add(entry.rule.at, what);
    }
    let needed = needs.entry((entry.of, entry.rule.old.text.clone())).or_insert(level);
    *needed = (*needed).max(level);
}
