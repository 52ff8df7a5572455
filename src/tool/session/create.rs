//! Making a session.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::instrument;

use super::end::{By, end_session};
use crate::crypto::{Token, TokenKind};
use crate::model::{Actor, DeviceId, EventKind, SessionId, UserId};
use crate::store::sessions::{self, Session};
use crate::store::users::User;
use crate::store::{devices, trusts, users};
use crate::tool::contact::Cleared;
use crate::tool::options::SessionLimit;
use crate::tool::otp::{self, CodeVerified};
use crate::tool::{Error, Toolbox};
use crate::trace::TOOL;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// How long the one act that a text message asked for may take, with its questions (D34).
const ONE_ACT: SignedDuration = SignedDuration::from_mins(10);

/// Arguments of `create_session`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct CreateSession {
    /// Who signs in; must be the account of the verified number.
    pub user_id: UserId,
    /// The device; must be the one that verified the code.
    pub device_id: Option<DeviceId>,
}

/// What `create_session` answers. The tokens are not part of it: they go to the caller alone, beside the answer.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CreateSessionAnswer {
    /// The session was made.
    Created(Grant),
    /// No device was named, or not the one that speaks.
    DeviceIdRequired,
    /// The account has all the sessions it may have; nothing was made and none was ended.
    Full {
        /// How many that is.
        limit: u32,
    },
}

/// A session that made room for a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SignedOut {
    /// The session.
    pub session_id: SessionId,
    /// What its device is called.
    pub device_name: Option<String>,
}

/// A new session, and the tokens that come with it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Grant {
    /// The session.
    pub session_id: SessionId,
    /// The account.
    pub user_id: UserId,
    /// When it ends unless it is refreshed.
    #[schemars(with = "String")]
    pub expires_at: Timestamp,
    /// The sessions that made room for it.
    pub signed_out: Vec<SignedOut>,
    /// The session's token.
    #[serde(skip)]
    #[schemars(skip)]
    pub(crate) token: Option<Token>,
    /// The device's new token; the one presented is worth nothing any more.
    #[serde(skip)]
    #[schemars(skip)]
    pub(crate) device_token: Option<Token>,
}

impl Grant {
    /// The tokens of a session, derived from what the device presented: the same again for the same message.
    pub fn derive_tokens(
        keys: &crate::crypto::Keys,
        session: &SessionId,
        presented: &Token,
    ) -> (Token, Token) {
        (
            keys.token(TokenKind::Session, &[session.as_str(), presented.expose()]),
            keys.token(TokenKind::Device, &[presented.expose()]),
        )
    }
}

/// Signs `user` in on the device that verified the code. It rotates the device's token, trusts the device, replaces
/// whatever session the device had and, where there are too many, evicts the least recently used of the others, or
/// refuses, as the configuration says. For whoever writes from a number it does none of that: the session is for what
/// they asked for, has no token that anybody holds, and counts for nothing (D34).
#[instrument(target = TOOL, skip_all, err)]
pub async fn create_session(
    tools: &mut Toolbox,
    (proof, cleared): (&CodeVerified, &Cleared),
    arguments: CreateSession,
    user: &User,
) -> Result<CreateSessionAnswer, Error> {
    let presented = tools.device_token.clone();
    let device = match (&tools.actor, arguments.device_id) {
        (Actor::Device(device), Some(named)) if *device == named => named,
        _ => return Ok(CreateSessionAnswer::DeviceIdRequired),
    };
    if presented.is_none() && !tools.is_by_text() {
        return Ok(CreateSessionAnswer::DeviceIdRequired);
    }
    let is_theirs = user.id == arguments.user_id
        && user.id == *cleared.user()
        && (!proof.is_by_email() || proof.user() == Some(&user.id));
    if !is_theirs || user.phone_key.as_deref() != Some(&proof.identifier_key(tools)) {
        return Ok(CreateSessionAnswer::DeviceIdRequired);
    }
    let Some(signed_out) = make_room(tools, user, &device).await? else {
        return Ok(CreateSessionAnswer::Full { limit: most(tools) });
    };
    otp::forget_sends(tools);
    let id = SessionId::new(tools.now, &mut tools.rng);
    let tokens = match &presented {
        Some(presented) => {
            trust(tools, user, &device).await?;
            let (token, device_token) = Grant::derive_tokens(&tools.keys, &id, presented);
            tools.unit.push(devices::rotate(devices::Rotation {
                device: &device,
                seen_hash: &presented.hash(),
                new_hash: &device_token.hash(),
                message: &tools.message_id,
                user: &user.id,
                at: tools.now,
            }));
            Some((token, device_token))
        }
        // Whoever spoofs a sender speaks as it too: nothing of it is trusted, and the session is nobody's to present.
        None => None,
    };
    let session = new_session(tools, (id, &user.id, device), tokens.as_ref().map(|(token, _)| token));
    tools.unit.push(sessions::insert(&session));
    let detail = json!({ "challenge": proof.challenge().as_str() });
    tools.audit_of(EventKind::SessionCreated, Some(user.id.clone()), Some(session.id.clone()), detail);
    let (token, device_token) = tokens.unzip();
    Ok(CreateSessionAnswer::Created(Grant {
        session_id: session.id,
        user_id: user.id.clone(),
        expires_at: session.expires_at,
        signed_out,
        token,
        device_token,
    }))
}

/// A session with that token, or with one that is gone at once and for a short time where there is none.
fn new_session(
    tools: &mut Toolbox,
    (id, user, device): (SessionId, &UserId, DeviceId),
    token: Option<&Token>,
) -> Session {
    let (life, most) = match token {
        Some(_) => (days(tools.options.session_expiry_days), days(tools.options.session_absolute_days)),
        None => (ONE_ACT, ONE_ACT),
    };
    let token_hash = match token {
        Some(token) => token.hash(),
        None => Token::random(TokenKind::Session, &mut tools.rng).hash(),
    };
    Session {
        id,
        user: user.clone(),
        device,
        token_hash,
        rotated_at: None,
        created_by: tools.message_id.clone(),
        created_at: tools.now,
        expires_at: tools.now + life,
        absolute_expires_at: tools.now + most,
        last_used_at: tools.now,
        first_used_at: None,
        revoked_at: None,
        revoked_by: None,
        revoked_message: None,
    }
}

/// Most sessions an account may have.
fn most(tools: &Toolbox) -> u32 {
    tools.options.max_active_sessions.max(1)
}

/// Ends whatever session this device has, its own or somebody else's, and, beyond the most allowed, the least recently
/// used of the account's others; gives those. `None`, and nothing ended, where there is no room and none is to be made.
/// The guard on the account's row serialises sign-ins of one account, so that a race never leaves one too many.
async fn make_room(
    tools: &mut Toolbox,
    user: &User,
    device: &DeviceId,
) -> Result<Option<Vec<SignedOut>>, Error> {
    let live = if tools.is_by_text() {
        Vec::new()
    } else {
        tools.store.held_sessions(&Actor::System, &user.id, tools.now).await?
    };
    let others: Vec<Session> = live.into_iter().filter(|s| s.device != *device).collect();
    let surplus = (others.len() + 1).saturating_sub(most(tools) as usize);
    if surplus > 0 && tools.options.session_limit == SessionLimit::Reject {
        return Ok(None);
    }
    // The unit makes the account only where no such row could have been read before; then there is nothing to guard.
    if tools.store.user(&Actor::System, &user.id).await?.is_some() {
        tools.unit.push(users::bump(&user.id, user.version, tools.now));
    }
    for session in tools.store.live_sessions_on(&Actor::System, device, tools.now).await? {
        end_session(tools, &session, By::Replaced);
    }
    let mut signed_out = Vec::new();
    for session in others.into_iter().take(surplus) {
        let on = tools.store.device(&Actor::System, &session.device).await?;
        end_session(tools, &session, By::Evicted);
        signed_out.push(SignedOut { session_id: session.id, device_name: on.and_then(|d| d.name) });
    }
    Ok(Some(signed_out))
}

/// A device that gave a code of the account back is trusted by it (D2).
async fn trust(tools: &mut Toolbox, user: &User, device: &DeviceId) -> Result<(), Error> {
    let before = tools.store.trust(&Actor::System, &user.id, device).await?;
    tools.unit.push(trusts::make(&user.id, device, tools.now));
    if before.is_none() {
        let detail = json!({ "device": device.as_str() });
        tools.audit_of(EventKind::DeviceTrusted, Some(user.id.clone()), None, detail);
    }
    Ok(())
}

fn days(days: u32) -> SignedDuration {
    DAY * i32::try_from(days).unwrap_or(i32::MAX)
}
