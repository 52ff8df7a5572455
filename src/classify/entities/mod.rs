//! What a message names: deterministic readers, one file per kind.
//!
//! Phone numbers and codes are read from every message; the rest only once the route is known, since "change",
//! "all" and "name" mean something else on each.

mod code;
mod identity;
mod migration;
mod person;
mod phone;
mod session;
mod target;

use crate::model::{Entities, Region, Route, SessionAction, Slot, SubIntent};

pub(super) use code::{Code, written_digits};
pub(super) use identity::{SEVERAL, asks_for_change, only_email};
pub(super) use migration::{is_forbidden, kind as migration_kind};
pub(super) use person::named;
pub(super) use phone::{Found, find as find_phone};
pub(super) use session::{everything, is_question};
pub(super) use target::keeps_current;

use super::text::Words;

/// A message as the readers see it.
pub(super) struct Message<'a> {
    /// As written.
    pub(super) text: &'a str,
    /// Its words.
    pub(super) words: &'a Words,
    /// What is awaited.
    pub(super) awaiting: Option<Slot>,
    /// The country of numbers without a country code.
    pub(super) region: Option<Region>,
    /// The phone number in it.
    pub(super) phone: Option<&'a Found>,
}

impl<'a> Message<'a> {
    /// A message without a phone number.
    pub(super) fn plain(text: &'a str, words: &'a Words, awaiting: Option<Slot>) -> Self {
        Self { text, words, awaiting, region: None, phone: None }
    }

    /// Reads the phone number, which every other reader must leave alone.
    pub(super) fn phone(text: &str, awaiting: Option<Slot>, region: Option<Region>) -> Option<Found> {
        let found = find_phone(text, matches!(awaiting, Some(Slot::Phone | Slot::NewPhone)), region)?;
        // Nine digits that no number of the country has are a mistyped code rather than a number.
        let mistyped = awaiting == Some(Slot::Otp) && !found.phone.is_valid() && found.digits < 10;
        (!mistyped || found.international).then_some(found)
    }

    /// What every route wants to know.
    pub(super) fn common(&self) -> Entities {
        let otp_code = match code::find(self) {
            Code::Given(code) => Some(code),
            Code::Absent | Code::TooShort | Code::TooLong => None,
        };
        Entities { phone: self.phone.map(|found| found.phone.clone()), otp_code, ..Entities::default() }
    }

    /// The code in it.
    pub(super) fn code(&self) -> Code {
        code::find(self)
    }
}

/// Everything that `route` wants to know.
pub(super) fn of_route(message: &Message<'_>, route: &Route) -> Entities {
    let mut out = message.common();
    match route {
        Route::User(SubIntent::ManageSessions) => {
            let words = message.words.mended(session::VOCABULARY);
            let mut is_rename = false;
            out.action = session::action(&words);
            if out.action == Some(SessionAction::Revoke) {
                out.keep_current = target::keeps_current(&words).then_some(true);
                let everything = session::everything(&words) || out.keep_current == Some(true);
                out.revoke_all = everything.then_some(true);
            }
            if out.action == Some(SessionAction::Rename) {
                out.new_device_name = session::new_name(message.text);
                // A change of the device's name is none of the person's.
                is_rename = true;
            }
            let is_one = matches!(out.action, Some(SessionAction::Revoke | SessionAction::Rename) | None);
            if is_one && out.revoke_all.is_none() {
                pointed(message, &mut out, false);
            }
            // Asked whether all are to be signed out, "only the phone" still asks for signing out.
            let narrows = message.awaiting == Some(Slot::Confirm)
                && words.any("only|just|solo|nur|seulement|apenas")
                && !words.any("dont|not|never|keep|leave");
            if narrows && out.action.is_none() && (out.device_name.is_some() || out.session_ref.is_some()) {
                out.action = Some(SessionAction::Revoke);
            }
            if is_rename {
                parted(&mut out);
            } else {
                also_changed(message, &mut out);
            }
        }
        Route::User(SubIntent::MigrateIdentity) => {
            out.migration_type = migration::kind(message.words);
            out.action = migration::asks_what(message.words).then_some(SessionAction::View);
        }
        Route::User(SubIntent::UpdateIdentity) => identity::change(message, &mut out),
        Route::User(SubIntent::Authenticate) => {
            out.migration_type = migration::also_moved(message.words);
            also_changed(message, &mut out);
        }
        Route::Agent(_) | Route::General | Route::OutOfScope => {}
    }
    out
}

/// "Rename my phone Work Phone": old name and new one in a row, told apart by how they are written.
fn parted(out: &mut Entities) {
    let (None, Some(name)) = (&out.new_device_name, &out.device_name) else { return };
    let kinds = "phone|laptop|tablet|computer|device|pc|watch|tv|movil|portatil|tableta";
    let Some((kind, new)) = name.split_once(' ') else { return };
    let is_new = new.chars().next().is_some_and(char::is_uppercase);
    if is_new && kinds.split('|').any(|k| k == kind) {
        (out.device_name, out.new_device_name) = (Some(kind.to_owned()), Some(new.to_owned()));
    }
}

/// A change of the identity that a message asks for besides what its route does; half of one is none.
fn also_changed(message: &Message<'_>, out: &mut Entities) {
    if !identity::asks_for_change(message.words) {
        return;
    }
    let change = changed(message);
    if change.value.is_some() {
        (out.field, out.value) = (change.field, change.value);
    }
}

/// The session or device that is meant; a short answer counts as one where it was `asked` for.
pub(super) fn pointed(message: &Message<'_>, out: &mut Entities, asked: bool) {
    let target::Target { reference, name } = target::read(message.text, message.words, asked);
    out.session_ref = reference;
    out.device_name = name;
}

/// Field and value of a change.
pub(super) fn changed(message: &Message<'_>) -> Entities {
    let mut out = Entities::default();
    identity::change(message, &mut out);
    out
}

/// What the route still needs before it can do its work.
pub(super) fn missing(route: &Route, entities: &Entities, awaiting: Option<Slot>) -> Vec<&'static str> {
    let mut out = Vec::new();
    match route {
        Route::User(SubIntent::Authenticate) => {
            // A code, a code awaited or a name awaited all follow a phone number that is known.
            let known = entities.otp_code.is_some() || matches!(awaiting, Some(Slot::Otp | Slot::Name));
            if entities.phone.is_none() && !known {
                out.push("phone");
            }
        }
        Route::User(SubIntent::UpdateIdentity) => {
            if entities.field.is_none() {
                out.push("field");
            }
            if entities.value.is_none() {
                out.push("value");
            }
        }
        _ => {}
    }
    out
}
