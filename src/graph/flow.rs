//! How a conversation moves through a node; this alone is what the proofs ask.

use super::catalog::{
    AGENT_OUTCOMES, ASK_OPTIONS, ASK_OUTCOMES, BOUNDED_OUTCOMES, CONFIRM_OUTCOMES, HTTP_OUTCOMES,
    HandlerSpec, LOOK_OUTCOMES, OutcomeSpec, RESUME_OUTCOMES, SAY_OUTCOMES, TOOL_OUTCOMES, ToolSpec, cases,
};
use crate::model::Assurance;

/// How a conversation moves through a node; this alone is what the proofs ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    Handler(HandlerSpec),
    /// Asks and waits; a question of yes or no is answered by either.
    Ask {
        confirms: bool,
        /// The answer is a code, which is checked and not believed.
        checked: bool,
        /// It counts the answers that it cannot take.
        bounded: bool,
    },
    /// Waits for an outside agent, which only somebody of that level may have called.
    Http(Assurance),
    /// Calls a tool.
    Tool(ToolSpec),
    /// Goes where the first of so many guards says that holds, or elsewhere.
    Goto(usize),
    /// Says and ends its graph.
    Say,
    /// Says and goes on.
    SayOn,
    /// Enters the draft of that index.
    Agent(usize),
    /// Enters the routed draft that the message named.
    Agents,
    Resume,
    Unknown,
}

impl Flow {
    /// Whether the graph ends here.
    pub(super) fn is_end(self) -> bool {
        match self {
            Self::Say => true,
            Self::Handler(spec) => spec.outcomes.is_empty(),
            _ => false,
        }
    }

    /// Whether the person is waited for.
    pub(super) fn is_ask(self) -> bool {
        matches!(self, Self::Ask { .. })
    }

    /// Whether the turn ends here and an answer is waited for: the person's, or an outside agent's.
    pub(super) fn pauses(self) -> bool {
        self.is_ask() || matches!(self, Self::Http(_))
    }

    /// The level that the person must have before it runs.
    pub(super) fn needs(self) -> Assurance {
        match self {
            Self::Handler(spec) => spec.needs,
            Self::Tool(spec) => spec.needs,
            Self::Http(needs) => needs,
            _ => Assurance::Anonymous,
        }
    }

    /// The outcomes that need no edge.
    pub(super) fn options(self) -> &'static [OutcomeSpec] {
        match self {
            Self::Ask { .. } => ASK_OPTIONS,
            // Which of them the graph can come back with is proved once all graphs are there.
            Self::Agent(_) => AGENT_OUTCOMES,
            _ => &[],
        }
    }

    /// The outcomes that each need an edge; `None` where nobody can tell.
    pub(super) fn outcomes(self) -> Option<&'static [OutcomeSpec]> {
        match self {
            Self::Handler(spec) => Some(spec.outcomes),
            Self::Ask { confirms: true, .. } => Some(CONFIRM_OUTCOMES),
            Self::Ask { bounded: true, .. } => Some(BOUNDED_OUTCOMES),
            Self::Ask { .. } => Some(ASK_OUTCOMES),
            Self::Http(_) => Some(HTTP_OUTCOMES),
            Self::Tool(spec) => Some(if spec.refuses { TOOL_OUTCOMES } else { LOOK_OUTCOMES }),
            Self::Goto(guarded) => Some(cases(guarded)),
            Self::Say | Self::Agent(_) => Some(&[]),
            Self::SayOn => Some(SAY_OUTCOMES),
            Self::Agents => Some(AGENT_OUTCOMES),
            Self::Resume => Some(RESUME_OUTCOMES),
            Self::Unknown => None,
        }
    }
}
