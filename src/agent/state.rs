//! What a conversation remembers between its turns.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::parked::Parked;
use super::session_manager::SessionTask;
use crate::model::{AuthProgress, ChallengeId};

/// A graph that waits at one of its `ask` nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The graph.
    pub graph: String,
    /// The version it was paused under.
    pub version: u32,
    /// The `ask` node.
    pub node: String,
}

/// A conversation's state. It grants nothing: rights come from the credential presented and from the store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Paused graphs, the innermost last.
    pub frames: Vec<Frame>,
    /// How far the sign-in has come.
    pub progress: AuthProgress,
    /// The challenge issued last.
    pub challenge: Option<ChallengeId>,
    /// The challenge that was met first, where two proofs are asked for.
    #[serde(default)]
    pub first_proof: Option<ChallengeId>,
    /// The step-up that stands for one act.
    #[serde(default)]
    pub step_up: Option<ChallengeId>,
    /// The value that a contact is to be changed to, sealed, in base 64, until its code is sent.
    #[serde(default)]
    pub change: Option<String>,
    /// Further values that are to be changed after it, likewise.
    #[serde(default)]
    pub changes_left: Vec<String>,
    /// The number that is lost, likewise.
    #[serde(default)]
    pub old_number: Option<String>,
    /// What waits for somebody to sign in.
    #[serde(default)]
    pub parked: Option<Parked>,
    /// What a model understood, and waits for a yes.
    #[serde(default)]
    pub understood: Option<Parked>,
    /// What the question that waits was asked with, so that it can be asked again in the same words.
    #[serde(default)]
    pub question: Map<String, Value>,
    /// What is to be done with sessions and waits for more to be said.
    #[serde(default)]
    pub sessions: Option<SessionTask>,
    /// The number a code is wanted for and could not be sent to yet, sealed, in base 64.
    pub wanted: Option<String>,
}
