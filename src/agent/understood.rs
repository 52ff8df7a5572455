//! What a model alone took for an act: it is kept, put to the person, and goes on as if it had been said plainly.

use super::handler::{Ended, outcomes};
use super::{Error, Handler, Parked, Registered, Turn};
use crate::graph::Say;
use crate::model::{Action, Entities, Route, SessionAction, SubIntent};

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<KeepRequest>(),
        Registered::of::<HearPlainly>(),
        Registered::of::<RestoreRequest>(),
        Registered::of::<CarryOut>(),
    ]
}

outcomes! {
    /// Whether there is somebody to ask.
    KeepOutcome {
        /// It waits for a yes.
        Kept = "kept",
        /// Nobody is signed in, whose yes it would be.
        SignedOut = "signed_out",
    }
}

/// Keeps what was understood, and tells what it is.
#[derive(Debug)]
pub struct KeepRequest;

impl Handler for KeepRequest {
    const NAME: &'static str = "keep_request";
    type Outcome = KeepOutcome;

    async fn run(turn: &mut Turn) -> Result<KeepOutcome, Error> {
        if !turn.is_signed_in() {
            return Ok(KeepOutcome::SignedOut);
        }
        if let Route::User(sub_intent) = turn.heard.route {
            turn.state.work.understood = Some(Parked::of(turn)?);
            let entities = turn.heard.entities.clone();
            turn.tell("act", act(sub_intent, &entities));
            for (key, value) in [
                ("device_name", entities.device_name),
                ("session_ref", entities.session_ref),
                ("new_device_name", entities.new_device_name),
                ("value", entities.value),
            ] {
                turn.tell(key, value);
            }
        }
        Ok(KeepOutcome::Kept)
    }
}

/// A word for what is to be done, by which the question is worded.
fn act(sub_intent: SubIntent, entities: &Entities) -> &'static str {
    match sub_intent {
        SubIntent::MigrateIdentity => "migrate",
        SubIntent::UpdateIdentity | SubIntent::Authenticate => "name",
        SubIntent::ManageSessions if entities.action == Some(SessionAction::Rename) => "rename",
        SubIntent::ManageSessions if entities.keep_current == Some(true) => "end_others",
        SubIntent::ManageSessions if entities.device_name.is_some() || entities.session_ref.is_some() => {
            "end"
        }
        SubIntent::ManageSessions => "end_here",
    }
}

/// Hears what it is about and nothing of what is to be done: that is asked for once somebody is signed in.
#[derive(Debug)]
pub struct HearPlainly;

impl Handler for HearPlainly {
    const NAME: &'static str = "hear_plainly";
    type Outcome = Ended;

    async fn run(turn: &mut Turn) -> Result<Ended, Error> {
        let phone = turn.heard.entities.phone.take();
        turn.heard.entities = Entities { phone, ..Entities::default() };
        turn.carries_on = true;
        Ok(Ended)
    }
}

/// Hears again what was kept, which the person has confirmed.
#[derive(Debug)]
pub struct RestoreRequest;

impl Handler for RestoreRequest {
    const NAME: &'static str = "restore_request";
    type Outcome = Ended;

    async fn run(turn: &mut Turn) -> Result<Ended, Error> {
        let kept = turn.state.work.understood.take().filter(|kept| kept.waits(turn.tools.now));
        match kept.and_then(|kept| kept.heard(&turn.tools)) {
            Some(heard) => {
                turn.heard = heard;
                turn.carries_on = true;
            }
            None => {
                turn.saying.say(Say { reply: "general.not_meant".to_owned(), action: Action::Cancelled });
            }
        }
        Ok(Ended)
    }
}

outcomes! {
    /// Whether there is something to go on with.
    CarryOutOutcome {
        /// A request that was confirmed.
        Confirmed = "confirmed",
        /// Nothing.
        Nothing = "nothing",
    }
}

/// Goes on with a confirmed request after its question is done.
#[derive(Debug)]
pub struct CarryOut;

impl Handler for CarryOut {
    const NAME: &'static str = "carry_out";
    type Outcome = CarryOutOutcome;

    async fn run(turn: &mut Turn) -> Result<CarryOutOutcome, Error> {
        let goes_on = std::mem::take(&mut turn.carries_on);
        Ok(if goes_on { CarryOutOutcome::Confirmed } else { CarryOutOutcome::Nothing })
    }
}
