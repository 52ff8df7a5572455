//! Floor 0: the nouns of the product and their rules.
//!
//! Everything here is pure: no I/O, no async functions, no clock of its own. It does not know stores, graphs or
//! providers. What a value promises it promises at construction (`Phone::parse`, `Email::parse`, `Id::parse`), so that inner code never
//! checks again.
//!
//! Adding a noun: a file here, parsed at the door, with its wire form (`Serialize`) beside it; a secret gets neither
//! `Display` nor `Serialize`. Adding a row to a closed set (an action, an audit event): one line in its table, in
//! `response.rs` or `event.rs`.

mod actor;
mod auth;
mod breaker;
mod classification;
mod clock;
mod contact;
mod control;
mod email;
mod event;
mod id;
mod name;
mod phone;
mod profile;
mod response;
mod rng;
mod secret;
mod text;
mod verdict;
mod wording;

pub use actor::{Actor, Owner};
pub use auth::{Assurance, AuthProgress, IllegalJump};
pub use breaker::Breaker;
pub use classification::{
    Entities, FieldValue, MigrationType, Rejected, Route, SessionAction, Slot, SubIntent,
    SubIntentClassification, Tier, Understanding,
};
pub use clock::{Clock, Sleep};
pub use contact::Contact;
pub use control::Control;
pub use email::{Email, EmailError, is_at, may_hold};
pub use event::{Event, EventKind};
pub use id::{
    ChallengeId, ContactChangeId, ConversationId, DeviceId, EffectId, EventId, IdError, MessageId, SessionId,
    UserId,
};
pub use name::{LONGEST_NAME, NameError, device_name, person_name};
pub use phone::{Phone, PhoneError, Region, Unreachable};
pub use profile::{Profile, UnknownProfile};
pub use response::{Action, NodeResponse};
pub use rng::{Randomness, TurnRng};
pub use secret::Secret;
pub use text::{digit, is_unseen};
pub use verdict::{DeliveryStatus, Verdict};
pub use wording::{judge_guard, judge_plain_text, judge_text, short as template_error};

/// What texts and guards of agents' graphs are given besides what was said: the two letters of the language, and whether
/// somebody is signed in.
pub const FACTS: [&str; 2] = ["language", "signed_in"];

/// The names of the other values that the engine gives to texts by itself, whichever agent is at work: a field of that name
/// would be another value there.
pub const GIVEN: [&str; 15] = [
    "also",
    "by_agent",
    "by_text",
    "channel",
    "error_id",
    "expires_at",
    "message",
    "options",
    "phone",
    "question",
    "reason",
    "reference",
    "suggestions",
    "waiting",
    "why",
];
