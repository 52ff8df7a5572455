//! The session manager: a person's own sessions and devices are listed, ended and named (S2-22…28, D11, D12).

mod act;
mod request;
mod resolve;

pub use act::{EndAll, EndOne, EndOthers, ListDevices, ListSessions, LogOut, RenameDevice};
pub use request::{SessionTask, TakeSessionRequest};

use super::Registered;

pub(super) fn handlers() -> Vec<Registered> {
    vec![
        Registered::of::<TakeSessionRequest>(),
        Registered::of::<ListSessions>(),
        Registered::of::<ListDevices>(),
        Registered::of::<LogOut>(),
        Registered::of::<EndOne>(),
        Registered::of::<EndOthers>(),
        Registered::of::<EndAll>(),
        Registered::of::<RenameDevice>(),
    ]
}
