//! What tests share.

pub(crate) mod app;
pub(crate) mod db;
pub(crate) mod fake_model;
pub(crate) mod fake_twilio;
pub(crate) mod graphs;
pub(crate) mod log;
pub(crate) mod rows;
pub(crate) mod samples;
pub(crate) mod server;
pub(crate) mod site;
pub(crate) mod sms;
pub(crate) mod smtp;
mod trained;
pub(crate) mod wait;
