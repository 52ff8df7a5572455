//! The tests that need more than one module: one program, so that they are linked once.

#![cfg(test)]

mod addresses;
mod after_sign_in;
mod against;
mod agents;
mod attacks;
mod calls;
mod capture;
mod chat;
mod contacts;
mod fetch;
mod handoff;
mod house;
mod http;
mod kill;
mod languages;
mod limits;
mod llm;
mod mail;
mod meanwhile;
mod model;
mod nested;
mod offers;
mod outbox;
mod random;
mod readme;
mod reload;
mod restart;
mod scenarios;
mod silence;
mod sms;
mod store;
mod suggestions;
mod support;
mod texts;
mod traces;
mod webhooks;
