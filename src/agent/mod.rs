//! Floor 4: the handlers behind the nodes of the graphs.
//!
//! A handler looks at the turn (what was heard, the state, what the tools answer), adds data for the reply, and returns
//! an outcome; the graph says where the outcome leads and which reply is said. A handler knows no texts, no node names
//! and no HTTP, and decides nothing that a guard in a tool does not check again.
//!
//! Adding a handler: an outcome enum with `outcomes!`, a type that implements [`Handler`], a row in [`handlers`], and
//! its node in a graph file. Adding an agent: a graph file of its own, an `agent = "…"` node that leads to it, and the
//! handlers it needs. An agent without a handler is a folder of files, told in the README.

pub mod authenticator;
mod codes;
mod desk;
pub mod general;
mod handler;
pub mod identity_manager;
pub mod identity_migrator;
pub mod lost_phone;
pub mod orchestrator;
mod parked;
pub mod repair;
pub mod response;
mod sealed;
pub mod session_manager;
mod state;
mod suggest;
mod turn;
pub mod understood;

pub use codes::{KnownSendOutcome, SendOutcome, TextOutcome};
pub use desk::{AtDesk, Desk, DeskOutcome, HandedOff, HeardOfDesk, News, Tells};
pub use handler::{Handler, Outcome, Registered, Running};
pub use parked::Parked;
pub use state::{Frame, Held, SetAside, State, Work};
pub use turn::{Granted, Turn, Waiting};

use crate::{prompt, tool};

/// A handler that could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A tool failed.
    #[error("a tool failed")]
    Tool(#[from] tool::Error),
    /// A reply cannot be said.
    #[error("a reply failed")]
    Reply(#[from] prompt::Error),
    /// The state would go where its order forbids.
    #[error("the state refused a step")]
    Jump(#[from] crate::model::IllegalJump),
    /// A handler ran without the proof it needs; the graph's gate and the run-time check should both have seen it.
    #[error("`{0}` ran without the proof it needs")]
    Unproven(&'static str),
    /// A turn ended without anything to say.
    #[error("the turn ended with nothing to say")]
    Silent,
}

/// Every handler.
pub fn handlers() -> Vec<Registered> {
    let mut all = orchestrator::handlers();
    all.extend(authenticator::handlers());
    all.extend(identity_manager::handlers());
    all.extend(identity_migrator::handlers());
    all.extend(lost_phone::handlers());
    all.extend(repair::handlers());
    all.extend(session_manager::handlers());
    all.extend(understood::handlers());
    all.push(Registered::of::<Desk>());
    all.push(Registered::of::<general::General>());
    all.push(Registered::of::<response::ResponseAgent>());
    all
}
