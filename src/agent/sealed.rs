//! Contacts that a conversation has to remember between turns: sealed in its state, never plain (D16).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Error, Turn};
use crate::model::Contact;
use crate::tool;

/// Seals a contact for this conversation, and for this session where there is one, under the name of what it is for.
pub(super) fn seal(turn: &mut Turn, name: &str, contact: &Contact) -> Result<String, Error> {
    let record = record(turn, name);
    let plain = format!("{}:{}", contact.kind(), contact.address());
    let tools = &mut turn.tools;
    let sealed = tools.keys.seal(&mut tools.rng, &record, plain.as_bytes()).map_err(tool::Error::from)?;
    Ok(STANDARD.encode(sealed))
}

/// Opens what [`seal`] made in this conversation, and in this session where there is one, under that name; what was made
/// elsewhere is as good as nothing.
pub(super) fn open(turn: &Turn, name: &str, sealed: Option<&String>) -> Option<Contact> {
    let sealed = STANDARD.decode(sealed?).ok()?;
    let plain = turn.tools.keys.open(&record(turn, name), &sealed).ok()?;
    let (kind, address) = std::str::from_utf8(&plain).ok()?.split_once(':')?;
    Contact::parse(kind, address)
}

fn record(turn: &Turn, name: &str) -> String {
    let conversation = turn.tools.conversation.as_ref().map(ToString::to_string).unwrap_or_default();
    // An account's sessions share its conversations: a value that one of them named is none that another confirms.
    let session = turn.tools.actor.session().map(ToString::to_string).unwrap_or_default();
    format!("{name}/{conversation}/{session}")
}
