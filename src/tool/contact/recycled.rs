//! A number that may have got another owner (D35): its account was not used for a long time, and the device is new.

use jiff::SignedDuration;
use serde_json::json;

use crate::model::{Actor, Email, EventKind, UserId};
use crate::store::users::{self, User};
use crate::tool::otp::{self, CodeVerified, CreateUserAnswer, Purpose};
use crate::tool::session::{By, end_all_trust, end_sessions};
use crate::tool::{Error, Toolbox};

/// Proof that a verified number may open its account: it cannot have got another owner, or a second proof was given.
/// `create_session` asks for it, so that no way through a graph can leave the question out.
#[derive(Debug, Clone)]
pub struct Cleared {
    user: UserId,
}

impl Cleared {
    /// For an account that this very turn made.
    pub fn new_account(answer: &CreateUserAnswer) -> Option<Self> {
        answer.created.then(|| Self { user: answer.user_id.clone() })
    }

    /// By a code that the account's own address gave back.
    pub fn by_address(proof: &CodeVerified, user: &User) -> Option<Self> {
        let is_second = proof.purpose() == Purpose::VerifyEmail || proof.is_by_email();
        (is_second && proof.user() == Some(&user.id)).then(|| Self { user: user.id.clone() })
    }

    /// Whose.
    pub fn user(&self) -> &UserId {
        &self.user
    }
}

/// What a verified number is worth.
#[must_use]
#[derive(Debug, Clone)]
pub enum Recycled {
    /// It opens the account.
    No(Cleared),
    /// It needs a second proof, by this address.
    ByEmail(Email),
    /// It needs a second proof, and the account has none.
    NoProof,
}

/// Judges the account of a number that was just verified on the device that speaks.
pub async fn recycled(tools: &Toolbox, user: &User) -> Result<Recycled, Error> {
    let idle = SignedDuration::from_hours(24 * i64::from(tools.options.recycled_after_days));
    if tools.now <= user.last_seen_at + idle {
        return Ok(Recycled::No(Cleared { user: user.id.clone() }));
    }
    let trust = tools.store.trust(&Actor::System, &user.id, &tools.device()?).await?;
    if trust.is_some_and(|trust| tools.now < trust.last_used_at + tools.limits.trust_life()) {
        return Ok(Recycled::No(Cleared { user: user.id.clone() }));
    }
    Ok(otp::verified_email(user).map_or(Recycled::NoProof, Recycled::ByEmail))
}

/// Closes an account that nobody can prove to be theirs, and gives its number free. What it holds stays where it is and
/// is shown to nobody.
pub async fn detach(tools: &mut Toolbox, proof: &CodeVerified, user: &User) -> Result<(), Error> {
    if user.phone_key.as_deref() != Some(&proof.identifier_key(tools)) {
        return Err(Error::NoPhone);
    }
    // Its guard moves the version on by one.
    end_sessions(tools, user, None, By::ContactChanged).await?;
    end_all_trust(tools, &user.id, By::ContactChanged).await?;
    tools.unit.push(users::detach(&user.id, user.version + 1, tools.now));
    let detail = json!({ "reason": "recycled_number" });
    tools.audit_of(EventKind::AccountDetached, Some(user.id.clone()), None, detail);
    Ok(())
}
