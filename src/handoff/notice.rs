//! What the desk is told: masked as it is stored, so that no code and no whole number is in it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{ConversationId, EffectId};

/// One thing that the desk is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// What happened.
    #[serde(flatten)]
    pub what: What,
    /// The conversation.
    pub conversation: ConversationId,
    /// This hand-over of it: another one has another name.
    pub handoff: EffectId,
    /// The language that is spoken, as two letters.
    pub language: String,
    /// When.
    pub at: Timestamp,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", rename_all_fields = "camelCase")]
pub enum What {
    /// A conversation is the desk's from now on.
    Began {
        /// The agent whose question waited, where one did.
        about: Option<String>,
        /// Whether somebody is signed in. It says nothing of who, and gives the desk no right.
        signed_in: bool,
        /// The message that asked for a person.
        text: String,
        /// What was said before it, the oldest first.
        messages: Vec<Line>,
    },
    /// The person said something.
    Message {
        /// Its place in the conversation: what is told later may come sooner.
        seq: i64,
        /// The words.
        text: String,
    },
    /// The engine answers again.
    Released {
        /// Who ended it: `person`, `operator` (by the command line), `silence` (of the desk).
        by: String,
    },
}

/// Something that was said.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// `user` or `assistant`.
    pub role: String,
    /// The words.
    pub text: String,
}

impl What {
    /// Its name in the request, and in the outbox.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Began { .. } => "began",
            Self::Message { .. } => "message",
            Self::Released { .. } => "released",
        }
    }
}

/// What people said is in it.
impl fmt::Debug for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The same of one line.
impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({})", self.role)
    }
}
