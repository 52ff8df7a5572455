//! Floor 4: the handlers behind the nodes of the graphs.
//!
//! A handler looks at the turn (what was heard, the state, what the tools answer), adds data for the reply, and returns
//! an outcome; the graph says where the outcome leads and which reply is said. A handler knows no texts, no node names
//! and no HTTP, and decides nothing that a guard in a tool does not check again.
//!
//! Adding a handler: an outcome enum with `outcomes!` and a type that implements [`Handler`] (`general.rs` is the smallest),
//! in a module named here; a row in [`handlers`]; and its node in a graph file: `[node.NAME]` with `on` and nothing else is the
//! handler of that `NAME`. [`Turn::tell`] gives a value to the answer's data and to its text, `turn.values` to the text alone. A
//! handler that acts for an account has `NEEDS = Assurance::SignedIn` and finds it in `turn.user`. What it must remember while
//! its graph waits may stand in `turn.state.work.fields`, texts by their names, which are forgotten when the agent is done.
//!
//! What people say to an agent is learned with everything else. Where a request to another agent is then understood otherwise,
//! as a scenario shows, a few more ways to say that belong into `fixtures/utterances` or its agent's examples. A language model
//! is told of it too, so recordings of one are old: `vestibule replay --record`, with a model in `llm.models`, makes them anew.
//!
//! Adding an agent that has a handler. One without is a folder of files, told in the README; a folder's texts know the fields
//! of its graph alone, so that a handler's values cannot be said there.
//! 1. `graphs/NAME.toml`, and its row in `GRAPHS` of `src/app/sources.rs`. The kinds of nodes besides handlers are told in the
//!    README's "An agent without Rust". Say what came of something in a `say` that leads on to the `ask`: both are said, and
//!    what is come back to, and repeated, is the question alone. An ask that comes after another needs `correct`, which may lead
//!    to the handler that asked: that finds `Control::Correct` in `turn.heard.control`.
//! 2. What people say to come to it, in the same file: thirty or so for each language, each an `[[intent.example]]` with
//!    `text = "what is my code?"` and `lang = "en"`. The orchestrator's `agents` node enters such a graph by its name, and
//!    nothing else has to name it. An `agent = "NAME"` node is for a graph that a handler's outcome leads to, as `lost_phone` is.
//! 3. `needs = "signed_in"` in its `[graph]`, if it is an account's: whoever is not signed in signs in first and is then
//!    answered, and its handlers may need that level. Elsewhere a `goto` grants it, whose case is `when = "signed_in"` and
//!    nothing else.
//! 4. Its texts: a section `[NAME]` in every `prompts/replies.*.toml`, and for each text a row with sample values in `REPLIES`
//!    of `src/prompt/samples.rs`. `NAME.suggest` is what a person may say to come to it; help and the greeting offer that,
//!    and scenarios that hold these texts change with it.
//! 5. `vestibule graph check`, with no folder named, then `vestibule chat`, which prints the code of a sign-in.
//! 6. Scenarios: `fixtures/scenarios/NAME.md` and `es_NAME.md`, which pass every edge; and, where it asks anything,
//!    `repair_NAME.md` and `es_repair_NAME.md`, which show each move of `docs/matrix.md`, as `repair_sessions.md` does. Where it
//!    asks for a yes or a no, "yes" is an answer; "resend" is what is unclear there.
//! 7. Once every scenario passes, what is drawn and counted is renewed by `UPDATE_DRAWINGS=1 cargo test --test it drawings` and
//!    `UPDATE_MATRIX=1 cargo test --test it every_scenario`.

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
mod saying;
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
pub use saying::{Place, Saying};
pub use state::{Frame, Held, SetAside, State, Work};
pub use turn::{Granted, Offered, Turn, Waiting};

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
