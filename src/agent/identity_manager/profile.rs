//! Seeing one's own identity, and changing a name or several fields.

use serde_json::json;

use crate::agent::handler::outcomes;
use crate::agent::{Error, Handler, Turn, sealed};
use crate::model::{Action, Assurance, Contact, FieldValue, Phone};
use crate::tool::identity::{
    self, GetUserIdentity, UpdateUserName, UpdateUserNameAnswer, UpdateUserProfile, UpdateUserProfileAnswer,
};
use crate::tool::otp;

use super::change::{CHANGE, has};

outcomes! {
    /// The identity always can be shown.
    ShownOutcome {
        /// Here it is.
        Shown = "shown",
    }
}

/// Shows what is known of the person.
#[derive(Debug)]
pub struct ShowIdentity;

impl Handler for ShowIdentity {
    const NAME: &'static str = "show_identity";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = ShownOutcome;

    async fn run(turn: &mut Turn) -> Result<ShownOutcome, Error> {
        let user = turn.user.clone().ok_or(Error::Unproven(Self::NAME))?;
        let proof = otp::stepped_up(&turn.tools, turn.state.step_up.as_ref()).await?;
        let known = identity::get_user_identity(&user, proof.as_ref(), GetUserIdentity {});
        turn.tell("full_name", known.full_name);
        turn.tell("phone", known.phone);
        turn.tell("email", known.email);
        turn.tell("created_at", known.created_at.to_string());
        Ok(ShownOutcome::Shown)
    }
}

outcomes! {
    /// Whether there is a new name.
    NameOutcome {
        /// The account has it.
        Updated = "updated",
        /// None was given.
        Missing = "missing",
        /// What was given cannot be one.
        Invalid = "invalid",
    }
}

/// Gives the account another name.
#[derive(Debug)]
pub struct UpdateName;

impl Handler for UpdateName {
    const NAME: &'static str = "update_name";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = NameOutcome;

    async fn run(turn: &mut Turn) -> Result<NameOutcome, Error> {
        let user = turn.user.clone().ok_or(Error::Unproven(Self::NAME))?;
        turn.tell("field", "name");
        if let Some(rejected) = &turn.heard.rejected {
            let reason = rejected.reason;
            turn.tell("reason", reason);
            return Ok(NameOutcome::Invalid);
        }
        let Some(full_name) = turn.heard.entities.value.clone() else { return Ok(NameOutcome::Missing) };
        Ok(match identity::update_user_name(&mut turn.tools, &user, &UpdateUserName { full_name }) {
            UpdateUserNameAnswer::Updated { full_name } => {
                turn.state.progress.full_name = Some(full_name.clone());
                turn.tell("updated_value", full_name);
                NameOutcome::Updated
            }
            UpdateUserNameAnswer::Invalid { reason } => {
                turn.tell("reason", reason);
                NameOutcome::Invalid
            }
        })
    }
}

outcomes! {
    /// What became of several changes at once.
    ProfileOutcome {
        /// A contact is to be confirmed.
        Contacts = "contacts",
        /// The name was all there was to change.
        Updated = "updated",
        /// All of it is the account's already.
        Same = "same",
        /// One value cannot be taken; nothing was changed.
        Invalid = "invalid",
    }
}

/// Changes several fields: the name at once, contacts one after the other.
#[derive(Debug)]
pub struct UpdateProfile;

impl Handler for UpdateProfile {
    const NAME: &'static str = "update_profile";
    const NEEDS: Assurance = Assurance::SignedIn;
    type Outcome = ProfileOutcome;

    async fn run(turn: &mut Turn) -> Result<ProfileOutcome, Error> {
        let user = turn.user.clone().ok_or(Error::Unproven(Self::NAME))?;
        let Some(ask) = asked(&turn.heard.entities.changes) else {
            turn.tell("field", "phone");
            turn.tell("reason", "not_a_number");
            return Ok(ProfileOutcome::Invalid);
        };
        let name = ask.full_name.clone();
        match identity::update_user_profile(&mut turn.tools, &user, ask) {
            UpdateUserProfileAnswer::Updated { updated_fields, mut contacts, .. } => {
                contacts.retain(|contact| !has(turn, &user, contact));
                let pending: Vec<&str> = contacts.iter().map(Contact::kind).collect();
                turn.tell("updated_fields", updated_fields.clone());
                turn.tell("pending_verification", pending);
                if let Some(name) = name {
                    turn.values.insert("updated_value".into(), json!(name));
                    turn.values.insert("field".into(), json!("name"));
                    turn.state.progress.full_name = Some(name);
                }
                if contacts.is_empty() {
                    turn.tell("field", if updated_fields.is_empty() { "phone" } else { "name" });
                    let nothing = updated_fields.is_empty();
                    return Ok(if nothing { ProfileOutcome::Same } else { ProfileOutcome::Updated });
                }
                if !updated_fields.is_empty() {
                    lead_with(turn, "identity.updated");
                }
                keep(turn, contacts)?;
                Ok(ProfileOutcome::Contacts)
            }
            UpdateUserProfileAnswer::Invalid { field, reason } => {
                turn.tell("field", field);
                turn.tell("reason", reason);
                Ok(ProfileOutcome::Invalid)
            }
        }
    }
}

/// What is said before the answer; its action stays the answer's.
pub(super) fn lead_with(turn: &mut Turn, reply: &str) {
    turn.saying.lead(reply, Action::IdentityUpdated);
}

/// What is asked for; `None` where the number is none.
fn asked(changes: &[FieldValue]) -> Option<UpdateUserProfile> {
    let value = |field: &str| changes.iter().find(|c| c.field == field).map(|c| c.value.clone());
    let phone_number = match value("phone") {
        Some(number) => Some(Phone::parse(&number, None).ok()?),
        None => None,
    };
    Some(UpdateUserProfile { full_name: value("name"), email: value("email"), phone_number })
}

/// Keeps the contacts to be confirmed, sealed: the first is the change under way.
fn keep(turn: &mut Turn, contacts: Vec<Contact>) -> Result<(), Error> {
    let mut sealed_ones = Vec::new();
    for contact in contacts {
        sealed_ones.push(sealed::seal(turn, CHANGE, &contact)?);
    }
    let mut sealed_ones = sealed_ones.into_iter();
    turn.state.work.change = sealed_ones.next();
    turn.state.work.changes_left = sealed_ones.collect();
    Ok(())
}
