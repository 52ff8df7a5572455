//! Answers to what was asked: while a slot is awaited, a deterministic rule accepts a text, refuses it with a reason,
//! or leaves it to the rest of the cascade.
//!
//! It does not know where the conversation goes from there. Adding a slot: an arm in [`judge`] and its rows in
//! `classify/tests/awaited.rs`.

mod name;
mod number;
mod text;

use super::entities::{self, Message};
use super::text::Words;
use crate::graph::Pattern;
use crate::model::{Control, Entities, LONGEST_NAME, Region, SessionAction, Slot, is_at};
pub(super) use number::outside_phone;
pub(super) use text::fits;

/// What a rule says about a text.
pub(super) enum Verdict {
    /// It fills the slot.
    Answer(Box<Entities>),
    /// It was meant to fill the slot and cannot.
    Rejected(&'static str),
    /// It corrects what was given before.
    Correct(Box<Entities>),
    /// Yes or no.
    Confirmed(Control),
}

/// Longest reference to a device or kind of data that counts as an answer, in words.
const LONGEST_REFERENCE: usize = 6;

/// What some rules need to know besides the text.
pub(super) struct Rules<'a> {
    /// The country of numbers without a country code.
    pub(super) region: Option<Region>,
    /// What a text must look like.
    pub(super) pattern: Option<&'a Pattern>,
}

/// Judges a text by the rule of the awaited slot. `other` says whether the text is clearly another request.
pub(super) fn judge(message: &Message<'_>, rules: &Rules<'_>, other: impl Fn() -> bool) -> Option<Verdict> {
    let region = rules.region;
    match message.awaiting? {
        Slot::Otp => number::code(message),
        Slot::Phone => {
            number::phone(message, region).map(|verdict| verdict.map_or_else(Verdict::Rejected, answer))
        }
        Slot::NewPhone => number::phone(message, region).map(|verdict| match verdict {
            Ok(found) => {
                let value = found.phone.as_ref().map(|p| p.e164().to_owned());
                answer(Entities { field: Some("phone".into()), value, ..found })
            }
            Err(reason) => Verdict::Rejected(reason),
        }),
        Slot::Name => name::judge(message.text, message.words, other).map(value_or_reason),
        Slot::DeviceName => name::judge_device(message.text, other).map(|read| match read {
            Ok(name) => answer(Entities {
                action: Some(SessionAction::Rename),
                value: Some(name.clone()),
                new_device_name: Some(name),
                ..Entities::default()
            }),
            Err(reason) => Verdict::Rejected(reason),
        }),
        Slot::Email => email(message),
        Slot::Field => field(message),
        Slot::Device => device(message, other),
        Slot::MigrationType => migration_type(message),
        Slot::Text => text::judge(message.text, rules.pattern, other).map(value_or_reason),
        Slot::Confirm => super::control::confirmation(message.words).map(Verdict::Confirmed),
    }
}

fn answer(entities: Entities) -> Verdict {
    Verdict::Answer(Box::new(entities))
}

fn value_or_reason(read: Result<String, &'static str>) -> Verdict {
    read.map_or_else(Verdict::Rejected, |value| {
        answer(Entities { value: Some(value), ..Entities::default() })
    })
}

fn email(message: &Message<'_>) -> Option<Verdict> {
    let text = message.text;
    match entities::only_email(text) {
        Ok(email) => {
            let (field, value) = (Some("email".to_owned()), Some(email.key().to_owned()));
            Some(answer(Entities { field, value, ..Entities::default() }))
        }
        Err(reason) => {
            let short = text.split_whitespace().take(LONGEST_REFERENCE + 1).count() <= LONGEST_REFERENCE;
            let tried = text.contains(is_at) && (short || reason == entities::SEVERAL);
            // "My number is …" is about another field.
            let is_number = message.phone.is_some()
                && number::is_lead_in(&outside_phone(message))
                && !message.words.any("phone|number|mobile|cell|telefono|numero|movil|celular");
            let reason = if tried { reason } else { "not_an_address" };
            (tried || is_number).then_some(Verdict::Rejected(reason))
        }
    }
}

fn field(message: &Message<'_>) -> Option<Verdict> {
    let unsupported = message.words.any("password|address|birthday|birth|card|contrasena|direccion|device");
    let is_email = message.words.contain("email|mail|e address|mail");
    if message.words.len() > LONGEST_REFERENCE || (unsupported && !is_email) {
        return None;
    }
    let changed = entities::changed(message);
    changed.field.is_some().then(|| answer(changed))
}

/// A device is meant by its number, its place in the list or its name; the engine looks it up by the words.
fn device(message: &Message<'_>, other: impl Fn() -> bool) -> Option<Verdict> {
    let text = message.text.trim();
    let fits = (1..=LONGEST_REFERENCE).contains(&message.words.len()) && text.chars().count() <= LONGEST_NAME;
    let asks = text.contains(['?', '¿', '؟']) || text.chars().any(char::is_control);
    if !fits || asks || forbids(message.words) || other() {
        return None;
    }
    let keep_current = entities::keeps_current(message.words).then_some(true);
    let revoke_all = (entities::everything(message.words) || keep_current.is_some()).then_some(true);
    // A device is asked for to be signed out; where it is to be named, the request before says so and stands.
    let action = Some(SessionAction::Revoke);
    let mut found =
        Entities { value: Some(text.to_owned()), revoke_all, keep_current, action, ..Entities::default() };
    if revoke_all.is_none() {
        entities::pointed(message, &mut found, true);
    }
    Some(answer(found))
}

/// Whether a text says what is not to be done: nothing in it is a device to be signed out.
fn forbids(words: &Words) -> bool {
    let denied = "dont|not|never|keep|leave|wont|cant|cannot|deja|dejes|manten|nunca|tampoco";
    let is_number = words.as_slice().get(1).is_some_and(|word| word.chars().all(|c| c.is_ascii_digit()));
    let corrects = words.start("no|nope the|my|el|la|mi|sorry|i|it|its|number") || is_number;
    words.any(denied) || (words.any("no") && !corrects)
}

fn migration_type(message: &Message<'_>) -> Option<Verdict> {
    let kind = entities::migration_kind(message.words)?;
    let asks = message.text.contains(['?', '¿', '؟']);
    let short = message.words.len() <= LONGEST_REFERENCE;
    (short && !asks).then(|| answer(Entities { migration_type: Some(kind), ..Entities::default() }))
}
