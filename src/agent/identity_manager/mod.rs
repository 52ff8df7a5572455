//! The identity manager: what is known of the person is shown and changed; a name at once, the phone number and the e-mail
//! address with a step-up before and a code after (D18, D35).

mod change;
mod profile;
mod step_up;

pub use change::{ApplyChange, ConfirmChange, RequestChange, ResendChange, TakeChange};
pub use profile::{ShowIdentity, UpdateName, UpdateProfile};
pub use step_up::{SendStepUp, StepUp, VerifyStepUp};

use super::Registered;

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<TakeChange>(),
        Registered::of::<ShowIdentity>(),
        Registered::of::<UpdateName>(),
        Registered::of::<UpdateProfile>(),
        Registered::of::<StepUp>(),
        Registered::of::<SendStepUp>(),
        Registered::of::<VerifyStepUp>(),
        Registered::of::<RequestChange>(),
        Registered::of::<ResendChange>(),
        Registered::of::<ConfirmChange>(),
        Registered::of::<ApplyChange>(),
    ]
}
