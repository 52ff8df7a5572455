//! A person's own identity: seeing it, and changing it. A name applies at once; a phone number or an e-mail address is
//! confirmed first, by `contact` (D18).

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::instrument;

use super::contact::request_change;
use super::otp::{SendOtpAnswer, SteppedUp};
use super::{Error, Toolbox};
use crate::model::{Contact, Email, EventKind, Phone, SessionId, UserId, person_name};
use crate::store::users::{self, User};
use crate::trace::TOOL;

/// Arguments of `get_user_identity`: none beyond the session.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct GetUserIdentity {}

/// What `get_user_identity` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct UserIdentity {
    /// The account.
    pub user_id: UserId,
    /// The name.
    pub full_name: Option<String>,
    /// The number; masked without a fresh step-up.
    pub phone: Option<String>,
    /// The verified e-mail address; masked likewise.
    pub email: Option<String>,
    /// When the account was made.
    #[schemars(with = "String")]
    pub created_at: Timestamp,
}

/// What is known of the person. Whole contacts are for those alone who stepped up a short time ago.
#[instrument(target = TOOL, skip_all)]
pub fn get_user_identity(user: &User, proof: Option<&SteppedUp>, _ask: GetUserIdentity) -> UserIdentity {
    let shown = |kind: &str, address: Option<&String>| {
        let contact = address.and_then(|address| Contact::parse(kind, address))?;
        Some(if proof.is_some() { contact.address().to_owned() } else { contact.masked() })
    };
    UserIdentity {
        user_id: user.id.clone(),
        full_name: user.full_name.clone(),
        phone: shown("phone", user.phone.as_ref()),
        email: shown("email", user.email.as_ref().filter(|_| user.email_verified_at.is_some())),
        created_at: user.created_at,
    }
}

/// Arguments of `update_user_name`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UpdateUserName {
    /// The new name: 1 to 80 characters, at least one a letter, no line breaks or marks that turn the direction of text.
    pub full_name: String,
}

/// What `update_user_name` answers.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum UpdateUserNameAnswer {
    /// That is the name now.
    Updated {
        /// The name, as it is kept.
        full_name: String,
    },
    /// That cannot be a name.
    Invalid {
        /// The machine code for why.
        reason: String,
    },
}

/// Gives the account another name.
#[instrument(target = TOOL, skip_all)]
pub fn update_user_name(
    tools: &mut Toolbox,
    user: &User,
    arguments: &UpdateUserName,
) -> UpdateUserNameAnswer {
    match person_name(&arguments.full_name) {
        Ok(full_name) => {
            tools.unit.push(users::set_name(&user.id, user.version, &full_name));
            tools.audit(EventKind::NameChanged, json!({}));
            UpdateUserNameAnswer::Updated { full_name }
        }
        Err(error) => UpdateUserNameAnswer::Invalid { reason: error.code().to_owned() },
    }
}

/// Arguments of `update_user_email`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UpdateUserEmail {
    /// The new address.
    pub email: String,
}

/// Sends a code to the new address; it is the account's once the code was given back. `None` where it is no address.
#[instrument(target = TOOL, skip_all, err)]
pub async fn update_user_email(
    tools: &mut Toolbox,
    proof: &SteppedUp,
    who: (&User, SessionId),
    arguments: UpdateUserEmail,
) -> Result<Option<SendOtpAnswer>, Error> {
    let Ok(email) = Email::parse(&arguments.email) else { return Ok(None) };
    request_change(tools, proof, who, &Contact::Email(email)).await.map(Some)
}

/// Arguments of `update_user_phone`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct UpdateUserPhone {
    /// The new number.
    pub phone_number: Phone,
}

/// Sends a code to the new number; it is the account's once the code was given back.
#[instrument(target = TOOL, skip_all, err)]
pub async fn update_user_phone(
    tools: &mut Toolbox,
    proof: &SteppedUp,
    who: (&User, SessionId),
    arguments: UpdateUserPhone,
) -> Result<SendOtpAnswer, Error> {
    request_change(tools, proof, who, &Contact::Phone(arguments.phone_number)).await
}

/// Arguments of `update_user_profile`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct UpdateUserProfile {
    /// The new name.
    pub full_name: Option<String>,
    /// The new address.
    pub email: Option<String>,
    /// The new number.
    pub phone_number: Option<Phone>,
}

/// What `update_user_profile` answers.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum UpdateUserProfileAnswer {
    /// What could be done at once is done.
    Updated {
        /// The fields that have their new value.
        updated_fields: Vec<String>,
        /// The fields whose new value is confirmed first, in the order in which they come.
        pending_verification: Vec<String>,
        /// The new contacts, in that order.
        #[serde(skip)]
        #[schemars(skip)]
        contacts: Vec<Contact>,
    },
    /// One value cannot be taken, and nothing was changed.
    Invalid {
        /// The field.
        field: String,
        /// The machine code for why.
        reason: String,
    },
}

/// Changes several fields: the name at once, contacts one after the other, each with a step-up and a code of its own.
#[instrument(target = TOOL, skip_all)]
pub fn update_user_profile(
    tools: &mut Toolbox,
    user: &User,
    arguments: UpdateUserProfile,
) -> UpdateUserProfileAnswer {
    let invalid = |field: &str, reason: &str| UpdateUserProfileAnswer::Invalid {
        field: field.to_owned(),
        reason: reason.to_owned(),
    };
    let mut contacts = Vec::new();
    if let Some(email) = arguments.email {
        match Email::parse(&email) {
            Ok(email) => contacts.push(Contact::Email(email)),
            Err(_) => return invalid("email", "not_an_address"),
        }
    }
    if let Some(phone) = arguments.phone_number {
        if let Some(why) = phone.unreachable() {
            return invalid("phone", why.code());
        }
        contacts.push(Contact::Phone(phone));
    }
    let mut updated_fields = Vec::new();
    if let Some(full_name) = arguments.full_name {
        match update_user_name(tools, user, &UpdateUserName { full_name }) {
            UpdateUserNameAnswer::Updated { .. } => updated_fields.push("name".to_owned()),
            UpdateUserNameAnswer::Invalid { reason } => return invalid("name", &reason),
        }
    }
    let pending_verification = contacts.iter().map(|contact| contact.kind().to_owned()).collect();
    UpdateUserProfileAnswer::Updated { updated_fields, pending_verification, contacts }
}
