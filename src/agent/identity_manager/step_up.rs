//! Step-up: a code of its own before one sensitive act (D35).

use crate::agent::codes::{self, Asked, KnownSendOutcome, checked};
use crate::agent::handler::outcomes;
use crate::agent::{Error, Handler, Turn};
use crate::model::Assurance;
use crate::tool::otp::{self, Purpose, Route, SteppedUp};

outcomes! {
    /// Whether this session stepped up a short time ago.
    StepUpOutcome {
        /// It did, and the act it stands for was not done yet.
        Fresh = "fresh" grants SteppedUp,
        /// It did not.
        Needed = "needed",
    }
}

/// Looks whether a step-up still stands.
#[derive(Debug)]
pub struct StepUp;

impl Handler for StepUp {
    const NAME: &'static str = "step_up";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = StepUpOutcome;

    async fn run(turn: &mut Turn) -> Result<StepUpOutcome, Error> {
        turn.stepped_up = otp::stepped_up(&turn.tools, turn.state.step_up.as_ref()).await?;
        Ok(if turn.stepped_up.is_some() { StepUpOutcome::Fresh } else { StepUpOutcome::Needed })
    }
}

/// Sends a step-up code to the contact of the account's record.
#[derive(Debug)]
pub struct SendStepUp;

impl Handler for SendStepUp {
    const NAME: &'static str = "send_step_up";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = KnownSendOutcome;

    async fn run(turn: &mut Turn) -> Result<KnownSendOutcome, Error> {
        let user = turn.user.clone().ok_or(Error::Unproven(Self::NAME))?;
        let session = turn.tools.actor.session().cloned().ok_or(Error::Unproven(Self::NAME))?;
        let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
        let live = last.is_some_and(|issued| {
            issued.challenge.purpose == Purpose::StepUp.as_str() && issued.challenge.is_live(turn.tools.now)
        });
        let Some((contact, answer)) = otp::send_step_up(&mut turn.tools, &user, session).await? else {
            return Err(Error::Unproven(Self::NAME));
        };
        let route = if contact.phone().is_some() { Route::Sms } else { Route::Email };
        turn.values.insert("to".into(), contact.masked().into());
        codes::note_sent(turn, answer, Asked { route, to: Some(contact.masked()), live })?.known(Self::NAME)
    }
}

checked! {
    /// What became of the step-up's code.
    VerifyStepUpOutcome grants SteppedUp
}

/// Checks the step-up's code.
#[derive(Debug)]
pub struct VerifyStepUp;

impl Handler for VerifyStepUp {
    const NAME: &'static str = "verify_step_up";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = VerifyStepUpOutcome;

    async fn run(turn: &mut Turn) -> Result<VerifyStepUpOutcome, Error> {
        let (outcome, proof) = VerifyStepUpOutcome::of(codes::check(turn, Purpose::StepUp).await?);
        if let Some(proof) = proof {
            turn.state.step_up = Some(proof.challenge().clone());
            turn.stepped_up = SteppedUp::of(&proof);
        }
        Ok(outcome)
    }
}
