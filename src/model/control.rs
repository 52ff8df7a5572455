//! Moves: what is said of the conversation itself.

use serde::{Deserialize, Serialize};

/// A move that steers the conversation itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// Leave what was begun.
    Cancel,
    /// Forget what was begun and begin again.
    StartOver,
    /// Send the code again.
    Resend,
    /// The last answer was wrong: "no, it's +1…", "wrong number".
    Correct,
    /// Send the code by e-mail instead.
    Email,
    /// The number given cannot be used any more: "I lost my phone".
    Lost,
    /// What can be done here?
    Help,
    /// "I want to talk to a person."
    Human,
    /// What was said last, once more.
    Repeat,
    /// Yes.
    Yes,
    /// No.
    No,
}

impl Control {
    /// The name in graph files and traces.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::StartOver => "start_over",
            Self::Resend => "resend",
            Self::Correct => "correct",
            Self::Email => "email",
            Self::Lost => "lost",
            Self::Help => "help",
            Self::Human => "human",
            Self::Repeat => "repeat",
            Self::Yes => "yes",
            Self::No => "no",
        }
    }
}
