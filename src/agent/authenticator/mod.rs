//! The authenticator: phone → code → login or registration → session.

mod begin;
mod code;
mod finish;
mod second;

pub(super) use begin::whereabouts;
pub use begin::{Begin, BeginOutcome, CollectPhone, CollectPhoneOutcome};
pub(super) use code::number_under_way;
pub use code::{SendByEmail, SendOtpNode, VerifyOtpNode, VerifyOutcome};
pub use finish::{
    CreateSessionNode, CreateUserNode, CreateUserOutcome, FindUser, FindUserOutcome, SessionOutcome,
    TakeName, TakeNameOutcome,
};
pub use second::{
    DetachAccount, DetachOutcome, SecondProof, SecondProofOutcome, SendSecond, VerifySecond,
    VerifySecondOutcome,
};

use super::Registered;

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<Begin>(),
        Registered::of::<CollectPhone>(),
        Registered::of::<SendOtpNode>(),
        Registered::of::<SendByEmail>(),
        Registered::of::<VerifyOtpNode>(),
        Registered::of::<FindUser>(),
        Registered::of::<SecondProof>(),
        Registered::of::<SendSecond>(),
        Registered::of::<VerifySecond>(),
        Registered::of::<DetachAccount>(),
        Registered::of::<TakeName>(),
        Registered::of::<CreateUserNode>(),
        Registered::of::<CreateSessionNode>(),
    ]
}
