//! `vestibule graph check --against-store`: what becomes of the conversations that are stored under these graphs.
//!
//! The database is only read, and nothing of what a conversation holds is shown but where it waits.

use std::collections::BTreeMap;

use anyhow::anyhow;

use super::out;
use crate::engine::{Cause, Standing, Waits, standings};
use crate::graph::{GraphSet, Stranded};
use crate::model::{Actor, ConversationId};
use crate::store::{self, Store};

/// Rows of a page.
const PAGE: u32 = 500;
/// Most conversations of one place that are named; their number is told in any case.
const NAMED: usize = 20;

/// A graph, its version, the node that waits, and whether it was set aside.
type Place = (String, u32, String, bool);

/// What was found.
#[derive(Debug, Default)]
struct Found {
    read: usize,
    as_they_are: usize,
    unreadable: Vec<ConversationId>,
    /// What changes.
    changed: BTreeMap<Place, Vec<(ConversationId, Waits)>>,
}

/// Walks all stored conversations; an error where one would be stranded.
pub(super) async fn check(options: &store::Options, graphs: &GraphSet) -> anyhow::Result<()> {
    let store = Store::open_to_read(options).await?;
    let found = walk(&store, graphs).await;
    store.close().await;
    tell(&found?)
}

async fn walk(store: &Store, graphs: &GraphSet) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut after: Option<ConversationId> = None;
    loop {
        let page = store.every_conversation(&Actor::System, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        after = Some(last.id.clone());
        for conversation in page {
            found.read += 1;
            let Ok(waits) = standings(graphs, &conversation) else {
                found.unreadable.push(conversation.id);
                continue;
            };
            for wait in waits {
                if wait.standing == Standing::Stands {
                    found.as_they_are += 1;
                    continue;
                }
                let frame = &wait.frame;
                let place = (frame.graph.clone(), frame.version, frame.node.clone(), wait.set_aside);
                found.changed.entry(place).or_default().push((conversation.id.clone(), wait));
            }
        }
    }
}

fn tell(found: &Found) -> anyhow::Result<()> {
    out::line(&format!("{} conversations are stored; {} wait as they are", found.read, found.as_they_are));
    let mut stranded = 0;
    for ((graph, version, node, set_aside), waits) in &found.changed {
        // One place may come to several ends: it depends on who waits there, and on what waits inside.
        let mut ends: BTreeMap<String, Vec<&ConversationId>> = BTreeMap::new();
        for (id, wait) in waits {
            ends.entry(end((graph, node), wait)).or_default().push(id);
        }
        stranded += waits.iter().filter(|(_, wait)| matches!(wait.standing, Standing::Stranded(_))).count();
        let aside = if *set_aside { ", set aside" } else { "" };
        for (end, ids) in ends {
            out::line(&format!("{graph} v{version} {node}{aside}: {} {end}", ids.len()));
            if end.starts_with(STRANDED) {
                name(&ids);
            }
        }
    }
    if !found.unreadable.is_empty() {
        out::line(&format!(
            "{} cannot be read, whatever the graphs are; their rows are kept",
            found.unreadable.len()
        ));
        name(&found.unreadable.iter().collect::<Vec<_>>());
    }
    match stranded {
        0 => Ok(()),
        1 => Err(anyhow!("one conversation would be stranded")),
        many => Err(anyhow!("{many} conversations would be stranded")),
    }
}

fn name(ids: &[&ConversationId]) {
    for id in ids.iter().take(NAMED) {
        out::line(&format!("  {id}"));
    }
    if let Some(more) = ids.len().checked_sub(NAMED).filter(|more| *more > 0) {
        out::line(&format!("  and {more} more"));
    }
}

/// How a line about stranded conversations goes on.
const STRANDED: &str = "stranded";

/// What is to be written to let them go on.
fn advice(graph: &str, node: &str) -> String {
    format!(
        "write into [stored] of `{graph}`: {node} = \"NODE\", \"restart\", or \"pinned\" with the former file kept"
    )
}

fn end((graph, node): (&str, &str), wait: &Waits) -> String {
    match wait.standing {
        Standing::Stands => "as they are".to_owned(),
        Standing::Migrated => {
            format!("migrated to {}", wait.to.as_deref().unwrap_or("a node of this version"))
        }
        Standing::Pinned => "pinned".to_owned(),
        Standing::Restarts if wait.set_aside => "forgotten: the agent would begin again".to_owned(),
        Standing::Restarts => "restarted".to_owned(),
        Standing::Stranded(cause) => {
            let why = match cause {
                Cause::Graph(Stranded::NoGraph) => "no graph is called that".to_owned(),
                Cause::Graph(Stranded::Later) => "they wait under a later version than this one".to_owned(),
                Cause::Graph(Stranded::NoNode) => {
                    "no node of that name waits any more; raise the version".to_owned()
                }
                Cause::Graph(Stranded::NoRule) => advice(graph, node),
                Cause::Graph(Stranded::NoVersion) => {
                    "the version they are pinned to is not kept: put its file into `versions`".to_owned()
                }
                Cause::SignedOut => {
                    "what comes there needs somebody who is signed in; let it restart".to_owned()
                }
                Cause::NotCalled => {
                    "an outside agent's answer would be waited for that nobody asked".to_owned()
                }
            };
            format!("{STRANDED}: {why}")
        }
    }
}
