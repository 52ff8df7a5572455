//! The identity manager: changes of the phone number and the e-mail address, with a step-up before and a code after
//! (D18, D35).

mod change;
mod step_up;

pub use change::{ApplyChange, ConfirmChange, RequestChange, ResendChange, TakeChange};
pub use step_up::{SendStepUp, StepUp, VerifyStepUp};

use super::Registered;

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<TakeChange>(),
        Registered::of::<StepUp>(),
        Registered::of::<SendStepUp>(),
        Registered::of::<VerifyStepUp>(),
        Registered::of::<RequestChange>(),
        Registered::of::<ResendChange>(),
        Registered::of::<ConfirmChange>(),
        Registered::of::<ApplyChange>(),
    ]
}
