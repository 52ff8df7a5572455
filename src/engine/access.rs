//! Who calls: devices, sessions and access tokens (D7, D8, D34).

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::said::PROJECT;
use super::{Caller, Engine, Error};
use crate::crypto::{Token, TokenKind};
use crate::model::{Actor, ChallengeId, EventKind, Phone, Secret, SessionId, UserId};
use crate::store::devices::Device;
use crate::store::sessions::Session;
use crate::store::{Applied, sessions, users};
use crate::tool::Toolbox;
use crate::tool::device::{self, NewDevice};
use crate::tool::session::{self, Presented};

/// How often a device is tried to be made while others take slots of the same budget.
const MOST_RUNS: usize = 16;

/// What a request presents.
#[derive(Debug, Clone, Default)]
pub struct Credentials {
    /// `X-Device-Token`, or the cookie.
    pub device_token: Option<Secret>,
    /// `Authorization: Bearer`, or the cookie: a session token or an access token.
    pub bearer: Option<Secret>,
    /// Where the request came from.
    pub ip: Option<String>,
}

/// What somebody may see of their own account.
#[derive(Debug)]
pub struct Profile {
    /// The account.
    pub user_id: UserId,
    /// The name.
    pub full_name: Option<String>,
    /// The number, masked.
    pub phone: Option<String>,
    /// The e-mail address, masked.
    pub email: Option<String>,
    /// When the account was made.
    pub created_at: Timestamp,
}

/// How long whoever logged out in a chat can ask for the answer again.
const REPEATS: SignedDuration = SignedDuration::from_mins(10);

/// A code that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenChallenge {
    /// The challenge.
    pub id: ChallengeId,
    /// Whether its code was given back already.
    pub is_met: bool,
}

impl Engine {
    /// Who the presented credentials prove; `None` where there are none, an error where one is worth nothing.
    pub async fn authenticate(&self, presented: Credentials) -> Result<Option<Caller>, Error> {
        let device = match &presented.device_token {
            Some(text) => Some(self.device_of(text).await?),
            None => None,
        };
        let Some(bearer) = &presented.bearer else {
            return Ok(device.map(|(device, repeats_only, token)| Caller {
                actor: Actor::Device(device.id),
                device_token: Some(token),
                repeats_only,
                session_token: None,
                claimed: None,
                ip: presented.ip,
            }));
        };
        let (session, session_token) = self.session_of(bearer, presented.ip.as_deref()).await?;
        let repeats_only = session.revoked_message.clone();
        // Two credentials that contradict each other prove neither.
        if device.as_ref().is_some_and(|(d, repeats, _)| d.id != session.device || repeats.is_some()) {
            return Err(Error::Unauthorized);
        }
        if repeats_only.is_none() {
            self.note_use(&session).await?;
        }
        Ok(Some(Caller {
            actor: Actor::User { user: session.user, session: session.id, device: session.device },
            device_token: device.map(|(_, _, token)| token),
            repeats_only,
            session_token,
            claimed: None,
            ip: presented.ip,
        }))
    }

    async fn device_of(&self, text: &Secret) -> Result<(Device, Option<String>, Token), Error> {
        let token = Token::parse(TokenKind::Device, text.expose()).map_err(|_| Error::Unauthorized)?;
        let found = self.store().device_by_token(&Actor::System, &token.hash()).await?;
        let (device, is_old) = found.ok_or(Error::Unauthorized)?;
        let repeats_only =
            if is_old { Some(device.old_token_message.clone().ok_or(Error::Unauthorized)?) } else { None };
        Ok((device, repeats_only, token))
    }

    async fn session_of(&self, bearer: &Secret, ip: Option<&str>) -> Result<(Session, Option<Token>), Error> {
        let now = self.now();
        let Ok(token) = Token::parse(TokenKind::Session, bearer.expose()) else {
            let claims = self.parts.keys.access_tokens().check(bearer.expose(), now.as_second());
            let claims = claims.map_err(|_| Error::Unauthorized)?;
            let id = SessionId::parse(&claims.sid).map_err(|_| Error::Unauthorized)?;
            let session = self.store().session(&Actor::System, &id).await?.ok_or(Error::Unauthorized)?;
            // An access token dies with its session, however long it says it holds.
            let is_over = session::has_ended(&session, now) && !repeats(&session, now);
            return if is_over || session.user.as_str() != claims.sub {
                Err(Error::Unauthorized)
            } else {
                Ok((session, None))
            };
        };
        let found = self.store().session_by_token(&Actor::System, &token.hash()).await?;
        let found = found.ok_or(Error::Unauthorized)?;
        match session::recognise(&found, now) {
            Presented::Current | Presented::Previous => Ok((found.session, Some(token))),
            Presented::Ended if repeats(&found.session, now) => Ok((found.session, Some(token))),
            Presented::Ended | Presented::Untimely => Err(Error::Unauthorized),
            Presented::Reused => {
                self.end_copied(&found.session, ip).await?;
                Err(Error::Unauthorized)
            }
        }
    }

    /// The first use ends the repeating of a sign-in's tokens; later ones order the sessions by use. The first in each
    /// hour is noted of the account too, by which it is told whether somebody still uses it.
    async fn note_use(&self, session: &Session) -> Result<(), Error> {
        let now = self.now();
        if session.first_used_at.is_some() && now < session.last_used_at + SignedDuration::from_secs(1) {
            return Ok(());
        }
        let mut writes = vec![sessions::touch(&session.id, now)];
        let hour = start_of_hour(now);
        if session.last_used_at < hour {
            writes.push(users::seen(&session.user, now, hour));
        }
        match self.store().apply(&Actor::System, writes).await? {
            Applied::Done => Ok(()),
            Applied::Stale { .. } => Err(Error::Unauthorized),
        }
    }

    /// Makes a device, for a caller from that address where it is known.
    pub async fn new_device(&self, name: Option<String>, ip: Option<String>) -> Result<NewDevice, Error> {
        for _ in 0..MOST_RUNS {
            let mut tools = self.session_toolbox(&Caller::system(ip.clone()));
            let made = match device::new_device(&mut tools, name.clone()).await? {
                Ok(made) => made,
                Err(until) => return Err(Error::TooMany { until, now: tools.now }),
            };
            // Somebody in the same network took the slot: there may be another.
            if self.store().apply(&Actor::System, tools.unit.into_writes()).await? == Applied::Done {
                return Ok(made);
            }
        }
        Err(Error::Conflict("the device could not be made; please try again"))
    }

    fn message_key(&self) -> u64 {
        self.unnamed.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    pub(super) fn session_toolbox(&self, caller: &Caller) -> Toolbox {
        let rng = self.parts.randomness.stream(&format!("session/{}", self.message_key()));
        Toolbox {
            claimed: caller.claimed.clone(),
            ip: caller.ip.clone(),
            ..self.bare_toolbox(caller.actor.clone(), rng)
        }
    }

    /// The caller's own account.
    pub async fn me(&self, caller: &Caller) -> Result<Profile, Error> {
        let user = caller.actor.user().ok_or(Error::Unauthorized)?;
        let user = self.store().user(&caller.actor, user).await?.ok_or(Error::Unauthorized)?;
        Ok(Profile {
            user_id: user.id,
            full_name: user.full_name,
            phone: user.phone.and_then(|p| Phone::parse(&p, None).ok()).map(|p| p.masked()),
            email: user.email.as_deref().map(crate::mask::text),
            created_at: user.created_at,
        })
    }

    /// The challenge that the caller's conversation of fields asked for last.
    pub async fn open_challenge(&self, caller: &Caller) -> Result<Option<OpenChallenge>, Error> {
        let Some(current) = self.store().current_conversation(&caller.actor, PROJECT).await? else {
            return Ok(None);
        };
        let state = super::checkpoint::decode(&current.state)?;
        let is_met = state.progress.otp_verified && !state.progress.session_created;
        Ok(state.work.challenge.map(|id| OpenChallenge { id, is_met }))
    }

    /// Notes that somebody reached for what is not theirs.
    pub async fn note_denied(&self, caller: &Caller, what: &str) -> Result<(), Error> {
        let mut tools = self.session_toolbox(caller);
        tools.audit(EventKind::AuthzDenied, json!({ "what": what }));
        match self.store().apply(&caller.actor, tools.unit.into_writes()).await? {
            Applied::Done | Applied::Stale { .. } => Ok(()),
        }
    }
}

/// Whether a session that a message of its own ended is good for hearing that message's answer again.
fn repeats(session: &Session, now: Timestamp) -> bool {
    session.revoked_message.is_some() && session.revoked_at.is_some_and(|at| now < at + REPEATS)
}

fn start_of_hour(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(3_600)).unwrap_or(at)
}
