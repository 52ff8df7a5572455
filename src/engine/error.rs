//! Why a turn gave no answer.

use crate::{agent, crypto, graph, store, tool};

/// What the caller is told where there is no answer. A refusal inside the conversation is an answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is not well-formed.
    #[error("{pointer}: {what}")]
    Invalid {
        /// JSON pointer to the value.
        pointer: &'static str,
        /// What is wrong and what is allowed.
        what: String,
    },
    /// No credential, or one that is worth nothing.
    #[error("no valid credential was presented")]
    Unauthorized,
    /// There is no such thing, or it is somebody else's.
    #[error("not found")]
    NotFound,
    /// The same `messageId` came with another body, or too many turns of one conversation collided.
    #[error("{0}")]
    Conflict(&'static str),
    /// Too many of them; one more fits later.
    #[error("too many requests of this kind; please try again later")]
    TooMany {
        /// When one more fits.
        until: jiff::Timestamp,
        /// When that was judged.
        now: jiff::Timestamp,
    },
    /// The store did not answer.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// Something in the product is broken.
    #[error("a handler failed")]
    Agent(#[from] agent::Error),
    /// A key or a sealed value failed.
    #[error("a key failed")]
    Crypto(#[from] crypto::Error),
    /// The state cannot be read; its row is kept as it is.
    #[error("the conversation's state cannot be read")]
    State(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored answer cannot be read or written.
    #[error("a stored answer cannot be read")]
    Stored(#[from] serde_json::Error),
    /// The graph led a turn where it must not.
    #[error("the graph went wrong at {graph}.{node}: {what}")]
    Graph {
        /// The graph.
        graph: String,
        /// The node.
        node: String,
        /// What happened.
        what: String,
    },
    /// A graph's guard cannot be judged.
    #[error("a guard failed")]
    Guard(#[from] graph::Unjudged),
    /// The turn's task ended without an answer.
    #[error("the turn's task ended without an answer")]
    Lost,
}

impl From<tool::Error> for Error {
    fn from(error: tool::Error) -> Self {
        match error {
            tool::Error::Store(e) => Self::Store(e),
            tool::Error::Contended => Self::Conflict("too many requests at once; please send it again"),
            other => Self::Agent(other.into()),
        }
    }
}

impl Error {
    /// A store's failure stays one, however deep inside a handler it happened: then there is no answer, but an error.
    pub(super) fn surfaced(self) -> Self {
        match self {
            Self::Agent(agent::Error::Tool(e @ (tool::Error::Store(_) | tool::Error::Contended))) => e.into(),
            other => other,
        }
    }

    /// Whether the turn itself went wrong and would again, as one does not whose store failed or that met others too often.
    pub(super) fn is_of_the_turn(&self) -> bool {
        let is_passing = |e: &tool::Error| matches!(e, tool::Error::Store(_) | tool::Error::Contended);
        match self {
            Self::Agent(agent::Error::Tool(e)) => !is_passing(e),
            Self::Store(_) | Self::Conflict(_) | Self::Lost => false,
            _ => true,
        }
    }

    /// Whether this means that something is broken on our side.
    pub fn is_fault(&self) -> bool {
        !matches!(
            self,
            Self::Invalid { .. }
                | Self::Unauthorized
                | Self::NotFound
                | Self::Conflict(_)
                | Self::TooMany { .. }
        )
    }
}
