//! The product over HTTP, as an attacker and as a careful client see it.

mod account;
mod bad_input;
mod canary;
mod chat_sessions;
mod delivery;
mod device_data;
mod email_channel;
mod own;
mod races;
mod reuse;
mod routes;
mod sessions;
mod sign_in;
mod turns;

pub(crate) use email_channel::notice;
