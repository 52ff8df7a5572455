//! The tests that need more than one module: one program, so that they are linked once.

#![cfg(test)]

mod agents;
mod attacks;
mod capture;
mod chat;
mod contacts;
mod fetch;
mod house;
mod http;
mod kill;
mod limits;
mod llm;
mod mail;
mod model;
mod outbox;
mod readme;
mod restart;
mod scenarios;
mod sms;
mod store;
mod suggestions;
mod support;
mod texts;
mod traces;
mod webhooks;
