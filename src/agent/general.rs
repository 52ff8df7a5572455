//! The general agent: small talk, and questions that are nobody's here.
//!
//! Without a language model it says honestly what can be done. With one the engine says it in the model's words; the model
//! has no tools, is told nothing of the person, and changes nothing.

use super::handler::outcomes;
use super::{Error, Handler, Turn};
use crate::model::Route;

outcomes! {
    /// What is talked about.
    GeneralOutcome {
        /// Greetings, thanks, small talk.
        SmallTalk = "small_talk",
        /// Something that cannot be done here.
        OutOfScope = "out_of_scope",
    }
}

/// Answers what is no agent's work.
#[derive(Debug)]
pub struct General;

impl Handler for General {
    const NAME: &'static str = "general_agent";
    type Outcome = GeneralOutcome;

    async fn run(turn: &mut Turn) -> Result<GeneralOutcome, Error> {
        turn.generate = true;
        Ok(match turn.heard.route {
            Route::General => GeneralOutcome::SmallTalk,
            _ => GeneralOutcome::OutOfScope,
        })
    }
}
