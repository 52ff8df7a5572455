//! A conversation that was paused under other graphs than those that are loaded now.
//!
//! What becomes of it, the graphs say (`graph/stored.rs`). Before a turn looks at what it was waiting for, its frames are
//! brought up to the present version; what begins again or cannot go on is left as it is, and told once the person speaks.
//! The level that a rule needs is the owner's: an account's conversation is spoken in under a session of it, and any other by
//! nobody who is signed in.

use super::{Engine, Error, checkpoint};
use crate::agent::{Frame, Held, State, Work};
use crate::graph::{Fate, Graph, GraphSet, Kind, NodeIx, Stranded};
use crate::model::{Assurance, Owner};
use crate::store::Conversation;

/// What becomes of work that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It goes on as it was paused.
    Stands,
    /// It goes on in another version of a graph.
    Migrated,
    /// It goes on under the former version.
    Pinned,
    /// The agent begins again.
    Restarts,
    /// It cannot go on.
    Stranded(Cause),
}

/// Why work cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The graphs have no place for it.
    Graph(Stranded),
    /// What comes there needs somebody who is signed in.
    SignedOut,
    /// The place waits for an outside agent, and none was called.
    NotCalled,
}

/// Work of a stored conversation that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waits {
    /// The graph that decides what becomes of it, its version, and the node it waits at.
    pub frame: Frame,
    /// Whether it was set aside for something else.
    pub set_aside: bool,
    /// What becomes of it.
    pub standing: Standing,
    /// The node that it goes on at, where it is migrated.
    pub to: Option<String>,
}

/// What of a stored conversation waits, and what becomes of each under these graphs. A state that cannot be read is an error.
pub fn standings(graphs: &GraphSet, conversation: &Conversation) -> Result<Vec<Waits>, Error> {
    let state = checkpoint::decode(&conversation.state)?;
    let has = level(&conversation.owner);
    let works =
        std::iter::once((&state.work, false)).chain(state.set_aside.iter().map(|left| (&left.work, true)));
    let waits = works.filter_map(|(work, set_aside)| {
        let mut now = work.clone();
        let (standing, at) = bring_up(graphs, &mut now, has);
        let frame = work.frames.get(at)?.clone();
        let to = now.frames.get(at).filter(|_| standing == Standing::Migrated);
        Some(Waits { frame, set_aside, standing, to: to.map(|frame| frame.node.clone()) })
    });
    Ok(waits.collect())
}

impl Engine {
    /// The state of a conversation, brought up to the present graphs.
    pub(super) fn state_of(&self, conversation: &Conversation) -> Result<State, Error> {
        let mut state = checkpoint::decode(&conversation.state)?;
        let has = level(&conversation.owner);
        bring_up(&self.talk.graphs, &mut state.work, has);
        for left in &mut state.set_aside {
            match bring_up(&self.talk.graphs, &mut left.work, has).0 {
                Standing::Stands | Standing::Pinned => {}
                Standing::Migrated => {
                    let (graph, node) = left.work.frames.last().and_then(|frame| self.place(frame)).unzip();
                    let asks =
                        graph.zip(node).and_then(|(graph, node)| graph.node(node)).map(|node| &node.kind);
                    if let Some(Kind::Ask { say, .. }) = asks {
                        left.reply.clone_from(&say.reply);
                    }
                }
                // There is no question that it could be come back to with.
                Standing::Restarts | Standing::Stranded(_) => left.lapse(),
            }
        }
        Ok(state)
    }

    /// Where a frame goes on, once it was brought up.
    pub(super) fn place(&self, frame: &Frame) -> Option<(&Graph, NodeIx)> {
        let graph = self.talk.graphs.version(&frame.graph, frame.version)?;
        Some((graph, graph.find(&frame.node)?))
    }

    /// The graph that begins again, where one does, and the frames that wait for it.
    pub(super) fn restarts<'g>(&'g self, frames: &[Frame]) -> Option<(&'g Graph, Vec<Frame>)> {
        let fates = fates(&self.talk.graphs, frames);
        let first = fates.iter().position(|fate| matches!(fate, Fate::Restarts { .. }))?;
        let Some(Fate::Restarts { graph, .. }) = fates.get(first) else { return None };
        Some((graph, frames.get(..first)?.to_vec()))
    }
}

/// The level that whoever speaks in a conversation has.
fn level(owner: &Owner) -> Assurance {
    match owner {
        Owner::User(_) => Assurance::SignedIn,
        Owner::Device(_) => Assurance::Anonymous,
    }
}

fn fates<'g>(graphs: &'g GraphSet, frames: &[Frame]) -> Vec<Fate<'g>> {
    let inner = frames.iter().skip(1).map(|frame| Some(frame.graph.as_str())).chain([None]);
    let fate = |(frame, inner): (&Frame, _)| graphs.fate((&frame.graph, frame.version, &frame.node), inner);
    frames.iter().zip(inner).map(fate).collect()
}

/// Brings work up to the present graphs, unless it begins again or cannot go on; tells which frame decided that.
fn bring_up(graphs: &GraphSet, work: &mut Work, has: Assurance) -> (Standing, usize) {
    let (standing, at) = brought_up(graphs, work, has);
    work.held = match standing {
        Standing::Stands | Standing::Migrated | Standing::Pinned => Held::No,
        Standing::Restarts => Held::BeginsAgain,
        Standing::Stranded(_) => Held::Stranded,
    };
    (standing, at)
}

fn brought_up(graphs: &GraphSet, work: &mut Work, has: Assurance) -> (Standing, usize) {
    let fates = fates(graphs, &work.frames);
    let last = fates.len().saturating_sub(1);
    let barred = fates.iter().enumerate().find_map(|(at, fate)| match *fate {
        Fate::Stranded(why) => Some((Standing::Stranded(Cause::Graph(why)), at)),
        Fate::GoesOn { needs, .. } | Fate::Restarts { needs, .. } if needs > has => {
            Some((Standing::Stranded(Cause::SignedOut), at))
        }
        _ => None,
    });
    let begins = || fates.iter().position(|fate| matches!(fate, Fate::Restarts { .. }));
    if let Some(barred) = barred.or_else(|| begins().map(|at| (Standing::Restarts, at))) {
        return barred;
    }
    let (mut standing, mut is_moved) = ((Standing::Stands, last), false);
    let mut frames = Vec::new();
    for (at, (fate, frame)) in fates.into_iter().zip(&work.frames).enumerate() {
        let Fate::GoesOn { graph, node: ix, .. } = fate else { continue };
        let Some(node) = graph.node(ix) else { continue };
        let is_former = graphs.graph(&graph.name).is_some_and(|present| present.version != graph.version);
        match (is_former, graph.version != frame.version) {
            (true, _) => standing = (Standing::Pinned, at),
            (false, true) => {
                (standing, is_moved) = ((Standing::Migrated, at), true);
                if matches!(node.kind, Kind::Http { .. }) && work.call.is_none() {
                    return (Standing::Stranded(Cause::NotCalled), at);
                }
            }
            (false, false) => {}
        }
        frames.push(Frame { graph: graph.name.clone(), version: graph.version, node: node.name.clone() });
    }
    if is_moved {
        // Another question may be told other fields, and has had no wrong answers.
        for name in graphs.graph(frames.last().map_or("", |f| &f.graph)).into_iter().flat_map(|g| &g.fields) {
            let known = work.fields.get(name).cloned().unwrap_or_default();
            work.question.insert(name.clone(), known.into());
        }
        if frames.last().map(|frame| &frame.node) != work.frames.last().map(|frame| &frame.node) {
            work.misses = 0;
        }
    }
    work.frames = frames;
    standing
}
