//! Twilio: its Messages, its Verify, and what it signs.
//!
//! It does not know what comes in at the rim: [`is_signed`], [`status`] and [`code`] read what Twilio reports, for
//! whoever takes it there. Nothing that Twilio says in words is kept.
//!
//! Adding an error: a row in `errors.rs`. Adding a call: a file beside `lookup.rs`, with its operation in
//! `fixtures/twilio/`, which the tests hold every request against.

mod client;
mod errors;
mod lookup;
mod messages;
mod signature;
mod verify;

pub(super) use errors::{PREFIX, reason};
pub use errors::{code, reported};
pub use messages::Messages;
pub use signature::is_signed;
pub use verify::Verify;

use crate::model::DeliveryStatus;

/// How far a message came, by Twilio's word for it; `None` for a word that is new, or of messages that come in.
pub fn status(word: &str) -> Option<DeliveryStatus> {
    Some(match word {
        "accepted" | "queued" | "scheduled" => DeliveryStatus::Accepted,
        "sending" => DeliveryStatus::Sending,
        "sent" => DeliveryStatus::Sent,
        // Of a text in several parts that came in part, the person has at least one.
        "delivered" | "read" | "partially_delivered" => DeliveryStatus::Delivered,
        "undelivered" => DeliveryStatus::Undelivered,
        "failed" | "canceled" => DeliveryStatus::Failed,
        _ => return None,
    })
}
