//! The account behind a verified number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::instrument;

use super::CodeVerified;
use crate::model::{Actor, EventKind, UserId};
use crate::store::User;
use crate::store::users;
use crate::tool::{Error, Toolbox};
use crate::trace::TOOL;

/// Arguments of `check_user_exists`: none beyond the proof, whose number is looked up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct CheckUserExists {}

/// What `check_user_exists` answers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CheckUserExistsAnswer {
    /// The account, if there is one.
    pub user_id: Option<UserId>,
    #[serde(skip)]
    #[schemars(skip)]
    pub(crate) user: Option<User>,
}

/// The account of the verified number. It asks for the proof, so that nobody learns of an account without it.
#[instrument(target = TOOL, skip_all, err)]
pub async fn check_user_exists(
    tools: &Toolbox,
    proof: &CodeVerified,
    _arguments: CheckUserExists,
) -> Result<CheckUserExistsAnswer, Error> {
    let key = proof.identifier_key(tools);
    let user = tools.store.user_by_phone(&Actor::System, &key).await?;
    // A code that went to an account's address proves that account, and nothing of whoever has the number by now.
    let user = user.filter(|user| !proof.is_by_email() || proof.user() == Some(&user.id));
    Ok(CheckUserExistsAnswer { user_id: user.as_ref().map(|u| u.id.clone()), user })
}

/// Arguments of `create_user`; the number comes from the proof.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CreateUser {
    /// The person's name.
    pub full_name: String,
    /// An unverified e-mail address.
    pub email: Option<String>,
}

/// What `create_user` answers.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CreateUserAnswer {
    /// The account.
    pub user_id: UserId,
    /// Whether it was made now; false where the number had one by then.
    pub created: bool,
    #[serde(skip)]
    #[schemars(skip)]
    pub(crate) user: User,
}

impl JsonSchema for User {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "User".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        UserId::json_schema(generator)
    }
}

/// Makes an account for the verified number, unless it has one by now.
#[instrument(target = TOOL, skip_all, err)]
pub async fn create_user(
    tools: &mut Toolbox,
    proof: &CodeVerified,
    arguments: CreateUser,
) -> Result<CreateUserAnswer, Error> {
    if let Some(user) = check_user_exists(tools, proof, CheckUserExists {}).await?.user {
        return Ok(CreateUserAnswer { user_id: user.id.clone(), created: false, user });
    }
    let phone = proof.phone().filter(|_| !proof.is_by_email()).ok_or(Error::NoPhone)?;
    let user = User {
        id: UserId::new(tools.now, &mut tools.rng),
        version: 1,
        phone: Some(phone.e164().to_owned()),
        phone_key: Some(proof.identifier_key(tools)),
        full_name: Some(arguments.full_name),
        email: arguments.email,
        email_key: None,
        email_verified_at: None,
        locale: Some(tools.language.clone()),
        created_at: tools.now,
        last_seen_at: tools.now,
        closed_at: None,
        deactivated_at: None,
    };
    // Two registrations of one number at once: the second insert touches no row, its turn runs again and finds the first.
    tools.unit.push(users::insert(&user));
    tools.audit_of(EventKind::Register, Some(user.id.clone()), None, serde_json::Value::Null);
    Ok(CreateUserAnswer { user_id: user.id.clone(), created: true, user })
}
