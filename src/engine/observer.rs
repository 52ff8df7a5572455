//! What is told of every turn that was committed: the edges it passed, and where in which conversation it found itself.
//!
//! It knows no scenario; whoever watches concludes what was shown.

use std::fmt::{self, Debug};
use std::sync::Arc;

use super::run::Step;
use crate::agent::{Frame, Turn};

/// What edges were passed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// The turn of a message.
    Turn,
    /// What the engine says of itself, after the turn.
    Push,
}

/// A committed turn.
#[derive(Debug, Clone)]
pub struct Passed {
    /// What it was.
    pub occasion: Occasion,
    /// The edges, in order.
    pub steps: Vec<Step>,
    /// The paused graphs that it found, the innermost last: the question that waited is the last one's.
    pub found: Vec<Frame>,
    /// The paused graphs that it left.
    pub left: Vec<Frame>,
    /// The language it was answered in.
    pub language: String,
    /// Whether its message held several requests.
    pub several: bool,
}

impl Passed {
    /// What a turn that has run passed; `found` is what was paused when it began.
    pub(super) fn of(turn: &Turn, (found, steps): (Vec<Frame>, Vec<Step>)) -> Self {
        let is_own = turn.state.next_of.as_ref() == Some(&turn.tools.message_id);
        Self {
            occasion: Occasion::Turn,
            steps,
            found,
            left: turn.state.work.frames.clone(),
            language: turn.tools.language.clone(),
            several: is_own && !turn.state.next.is_empty(),
        }
    }
}

type Watch = dyn Fn(&Passed) + Send + Sync;

/// Is told of every committed turn.
#[derive(Clone)]
pub struct Observer(Arc<Watch>);

impl Observer {
    /// An observer that calls `watch` after each commit.
    pub fn new(watch: impl Fn(&Passed) + Send + Sync + 'static) -> Self {
        Self(Arc::new(watch))
    }

    pub(super) fn tell(&self, passed: &Passed) {
        (self.0)(passed);
    }
}

impl Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}
