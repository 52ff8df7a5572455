//! What a client says in fields instead of words.
//!
//! A form has no sentence to understand: its fields are parsed at the door and go into the turn as what they are. So no
//! classifier is asked, no model is told, and a name that is also a command is a name.

use super::{Answer, Caller, Engine, Error, Request};
use crate::model::{Contact, Entities, Phone, Route, SubIntent, Understanding};

/// The project whose conversation such turns take place in.
pub(super) const PROJECT: &str = "api";

/// One field, or those that belong together.
#[derive(Debug, Clone)]
pub enum Said {
    /// A number to sign in with.
    SignIn(Phone),
    /// A code, as its digits.
    Code(String),
    /// The name that was asked for.
    Name(String),
    /// What a contact is to be.
    Change(Contact),
}

impl Said {
    /// Reads a code: its digits and nothing else.
    pub fn code(digits: &str) -> Option<Self> {
        let is_code = (4..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        is_code.then(|| Self::Code(digits.to_owned()))
    }

    /// What stands for it in the conversation's history, before that is masked.
    fn text(&self) -> String {
        match self {
            Self::SignIn(phone) => phone.e164().to_owned(),
            Self::Code(code) => code.clone(),
            Self::Name(name) => name.clone(),
            Self::Change(contact) => contact.address().to_owned(),
        }
    }

    /// What it means to a conversation that works on `active`.
    pub(super) fn heard(&self, active: Option<Route>) -> Understanding {
        let sign_in = Route::User(SubIntent::Authenticate);
        let mut entities = Entities::default();
        let (route, answers) = match self {
            Self::SignIn(phone) => {
                entities.phone = Some(phone.clone());
                (sign_in, false)
            }
            Self::Code(code) => {
                entities.otp_code = Some(code.clone());
                (active.unwrap_or(sign_in), true)
            }
            Self::Name(name) => {
                entities.value = Some(name.clone());
                (active.unwrap_or(sign_in), true)
            }
            Self::Change(contact) => {
                entities.field = Some(contact.kind().to_owned());
                entities.value = Some(contact.identity().to_owned());
                (Route::User(SubIntent::UpdateIdentity), false)
            }
        };
        Understanding { answers, ..Understanding::by_rule(route, entities, "rule: said in fields") }
    }
}

impl Engine {
    /// One turn of the caller's conversation of fields.
    pub async fn say(self: &std::sync::Arc<Self>, caller: &Caller, said: Said) -> Result<Answer, Error> {
        let text = said.text();
        let request = Request { project: PROJECT.to_owned(), text, said: Some(said), ..Request::default() };
        self.turn(caller.clone(), request).await
    }
}
