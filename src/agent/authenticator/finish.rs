//! After the code: finding or making the account, and the session.

use crate::agent::handler::outcomes;
use crate::agent::{Error, Handler, Turn, identity_migrator};
use crate::model::{Assurance, EventKind, Slot};
use crate::tool::account;
use crate::tool::contact::{self, Cleared};
use crate::tool::otp::{self, CheckUserExists, CodeVerified, CreateUser, Purpose};
use crate::tool::session::{self, CreateSession, CreateSessionAnswer};

fn proof(turn: &Turn, of: &'static str) -> Result<CodeVerified, Error> {
    turn.proof.clone().ok_or(Error::Unproven(of))
}

outcomes! {
    /// Whether the verified number has an account.
    FindUserOutcome {
        /// It has.
        Found = "found",
        /// It has none.
        Unknown = "unknown",
    }
}

/// Looks the account up, only after the code (D5).
#[derive(Debug)]
pub struct FindUser;

impl Handler for FindUser {
    const NAME: &'static str = "find_user";
    const NEEDS: Assurance = Assurance::CodeVerified;
    type Outcome = FindUserOutcome;

    async fn run(turn: &mut Turn) -> Result<FindUserOutcome, Error> {
        let proof = proof(turn, Self::NAME)?;
        turn.user = otp::check_user_exists(&turn.tools, &proof, CheckUserExists {}).await?.user;
        // The message that brought the code may bring a name too; it is asked for only by itself.
        turn.heard.entities.value = None;
        Ok(if turn.user.is_some() { FindUserOutcome::Found } else { FindUserOutcome::Unknown })
    }
}

outcomes! {
    /// Whether there is a name.
    TakeNameOutcome {
        /// There is.
        Ready = "ready",
        /// None was given.
        Missing = "missing",
        /// What was given cannot be one.
        Invalid = "invalid",
        /// The code was met too long ago to stand for the number still.
        Lapsed = "lapsed",
    }
}

/// Takes the new person's name from what was said.
#[derive(Debug)]
pub struct TakeName;

impl Handler for TakeName {
    const NAME: &'static str = "take_name";
    type Outcome = TakeNameOutcome;

    async fn run(turn: &mut Turn) -> Result<TakeNameOutcome, Error> {
        if turn.proof.is_none() {
            turn.proof =
                otp::verified(&turn.tools, turn.state.work.challenge.as_ref(), Purpose::Login).await?;
            if turn.proof.is_none() {
                turn.state.progress.code_void();
                return Ok(TakeNameOutcome::Lapsed);
            }
            turn.assurance = turn.assurance.max(Assurance::CodeVerified);
        }
        // An address stands for the account it was verified for, and that one has another number by now.
        if turn.proof.as_ref().is_some_and(CodeVerified::is_by_email) {
            turn.state.progress.code_void();
            return Ok(TakeNameOutcome::Lapsed);
        }
        if let Some(rejected) = turn.heard.rejected.as_ref().filter(|r| r.slot == Slot::Name) {
            let reason = rejected.reason;
            turn.tell("field", Slot::Name.as_str());
            turn.tell("reason", reason);
            return Ok(TakeNameOutcome::Invalid);
        }
        if turn.heard.answers
            && let Some(name) = turn.heard.entities.value.clone()
        {
            turn.state.progress.full_name = Some(name);
        }
        Ok(if turn.state.progress.full_name.is_some() {
            TakeNameOutcome::Ready
        } else {
            TakeNameOutcome::Missing
        })
    }
}

outcomes! {
    /// Whether an account was made.
    CreateUserOutcome {
        /// It was.
        Created = "created",
        /// The number got one in the meantime.
        Exists = "exists",
    }
}

/// Makes the account.
#[derive(Debug)]
pub struct CreateUserNode;

impl Handler for CreateUserNode {
    const NAME: &'static str = "create_user";
    const NEEDS: Assurance = Assurance::CodeVerified;
    type Outcome = CreateUserOutcome;

    async fn run(turn: &mut Turn) -> Result<CreateUserOutcome, Error> {
        let proof = proof(turn, Self::NAME)?;
        let full_name = turn.state.progress.full_name.clone().ok_or(Error::Unproven(Self::NAME))?;
        let answer = otp::create_user(&mut turn.tools, &proof, CreateUser { full_name, email: None }).await?;
        turn.state.progress.is_new_user = answer.created;
        turn.cleared = Cleared::new_account(&answer);
        turn.user = Some(answer.user);
        Ok(if answer.created { CreateUserOutcome::Created } else { CreateUserOutcome::Exists })
    }
}

outcomes! {
    /// How the sign-in ended.
    SessionOutcome {
        /// Into an account that was there.
        Welcome = "welcome_back" grants SignedIn,
        /// Into an account made now.
        Registered = "registered" grants SignedIn,
        /// Not at all: the account has all the sessions it may have.
        Full = "full",
    }
}

/// Makes the session.
#[derive(Debug)]
pub struct CreateSessionNode;

impl Handler for CreateSessionNode {
    const NAME: &'static str = "create_session";
    const NEEDS: Assurance = Assurance::CodeVerified;
    type Outcome = SessionOutcome;

    async fn run(turn: &mut Turn) -> Result<SessionOutcome, Error> {
        let proof = proof(turn, Self::NAME)?;
        let user = turn.user.clone().ok_or(Error::Unproven(Self::NAME))?;
        let cleared = turn.cleared.clone().ok_or(Error::Unproven(Self::NAME))?;
        let device_id = turn.tools.actor.device().cloned();
        let ask = CreateSession { user_id: user.id.clone(), device_id };
        let grant = match session::create_session(&mut turn.tools, (&proof, &cleared), ask, &user).await? {
            CreateSessionAnswer::Created(grant) => grant,
            CreateSessionAnswer::Full { limit } => {
                // The code is used up, and the next try begins with a number again.
                turn.state.work.challenge = None;
                turn.state.progress.start_over();
                turn.tell("limit", limit);
                return Ok(SessionOutcome::Full);
            }
            CreateSessionAnswer::DeviceIdRequired => return Err(Error::Unproven(Self::NAME)),
        };
        let is_new = turn.state.progress.is_new_user;
        if let Some(token) = &grant.token {
            turn.state.progress.mark_authenticated(user.id.clone(), token.secret())?;
        }
        let detail = serde_json::json!({ "session": grant.session_id.as_str() });
        let kind = if proof.wrong_before() { EventKind::LoginAfterFail } else { EventKind::LoginOk };
        turn.tools.audit_of(kind, Some(user.id.clone()), Some(grant.session_id.clone()), detail);
        turn.assurance = Assurance::SignedIn;
        turn.tell("user_id", user.id.as_str());
        identity_migrator::after_sign_in(turn, &user.id).await?;
        let called_off = account::call_deletion_off(&mut turn.tools, &user);
        turn.values.insert("reactivated".into(), called_off.into());
        if called_off {
            turn.tell("reactivated", true);
        }
        let signed_out = serde_json::to_value(&grant.signed_out).unwrap_or_default();
        if !grant.signed_out.is_empty() {
            turn.tell("signed_out", signed_out.clone());
        }
        turn.values.insert("signed_out".into(), signed_out);
        let change = contact::waiting_change(&turn.tools, &user).await?;
        turn.values.insert("pending_change".into(), change.is_some().into());
        if let Some((field, due)) = change {
            turn.tell("pending_change", serde_json::json!({ "field": field, "due_at": due.to_string() }));
        }
        turn.values.insert("name".into(), user.full_name.unwrap_or_default().into());
        let goes_on = turn.state.requests().any(|request| request.waits(turn.tools.now));
        turn.values.insert("by_text".into(), turn.tools.is_by_text().into());
        turn.values.insert("goes_on".into(), goes_on.into());
        turn.context.insert("is_new_user".into(), is_new.into());
        turn.granted.session = Some(grant);
        turn.state.next_of = Some(turn.tools.message_id.clone());
        Ok(if is_new { SessionOutcome::Registered } else { SessionOutcome::Welcome })
    }
}
