//! Vestibule: a conversational agent engine that signs people in and looks after their identity inside a chat.
//!
//! The crate is a stack of floors; a module imports only from floors below its own (`tests/it/house.rs` holds it):
//!
//! | floor | modules |
//! |---|---|
//! | 0 | [`model`] [`trace`] [`fetch`] |
//! | 1 | [`crypto`] [`store`] [`graph`] [`prompt`] [`nlu`] [`sms`] [`mail`] [`handoff`] [`bus`] [`limit`] [`mask`] [`clock`] |
//! | 2 | [`classify`] [`dev_outbox`] |
//! | 3 | [`tool`] |
//! | 4 | [`agent`] |
//! | 5 | [`engine`] |
//! | 6 | [`http`] [`worker`] [`telemetry`] |
//! | 7 | [`config`] |
//! | 8 | [`app`] |
//! | 9 | [`scenario`] [`eval`] |
//! | 10 | [`cli`] |

pub mod fetch;
pub mod model;
pub mod trace;

pub mod bus;
pub mod clock;
pub mod crypto;
pub mod graph;
pub mod handoff;
pub mod limit;
pub mod llm;
pub mod mail;
pub mod mask;
pub mod nlu;
pub mod prompt;
pub mod sms;
pub mod store;

pub mod classify;
pub mod dev_outbox;

pub mod tool;

pub mod agent;

pub mod engine;

pub mod http;
pub mod telemetry;
pub mod worker;

pub mod config;

pub mod app;

pub mod eval;
pub mod scenario;

pub mod cli;
