//! Whoever writes by text message, as a caller (D4, D34).
//!
//! The network says which number a message is from, and may be lied to. So a device stands for the number: it has a token
//! that nobody has, is trusted by nobody, and what it says has the rights of a stranger. A code that was sent to the number
//! makes a session for the one act that was asked for; it ends with the act, and no answer carries anything of it.

use super::commit::StoredAnswer;
use super::{Caller, Engine, Error, Inbound};
use crate::agent::Turn;
use crate::crypto::{Token, TokenKind};
use crate::model::{Actor, DeviceId, Phone, SessionId, UserId};
use crate::store::devices::{self, Device};
use crate::store::{Applied, channels};
use crate::tool::session;

/// How often a device is looked up again because another node was about to make it.
const MOST_RUNS: usize = 4;

impl Engine {
    /// Who speaks in a message: a session whose question waits, or else the device that stands for the number. A message
    /// that was heard before speaks for whom it spoke for then, and only hears its answer again; `None` where that is
    /// nobody any more.
    pub(super) async fn channel_caller(&self, said: &Inbound) -> Result<Option<Caller>, Error> {
        let device = self.channel_device(&said.from).await?;
        let heard = self.store().inbound_message(&Actor::System, &said.provider_id).await?;
        let repeats_only = heard.as_ref().map(|_| said.provider_id.clone());
        let found = match heard {
            Some(heard) if heard.device != device => return Ok(None),
            Some(heard) => match heard.session {
                Some(id) => match self.store().session(&Actor::System, &id).await? {
                    None => return Ok(None),
                    found => found,
                },
                None => None,
            },
            None => self.store().live_sessions_on(&Actor::System, &device, self.now()).await?.pop(),
        };
        let actor = match found {
            Some(row) => Actor::User { user: row.user, session: row.id, device: row.device },
            None => Actor::Device(device),
        };
        Ok(Some(Caller {
            actor,
            device_token: None,
            repeats_only,
            session_token: None,
            claimed: Some(said.from.clone()),
            // It is the provider's, from which everybody writes.
            ip: None,
        }))
    }

    /// The device that stands for a number, made at its first message.
    pub(super) async fn channel_device(&self, from: &Phone) -> Result<DeviceId, Error> {
        let key = self.parts.keys.lookup("channel", &format!("sms:{}", from.e164()));
        for _ in 0..MOST_RUNS {
            if let Some(known) = self.store().channel_device(&Actor::System, &key).await? {
                return Ok(known);
            }
            let mut tools = self.session_toolbox(&Caller::system(None));
            let id = DeviceId::new(tools.now, &mut tools.rng);
            tools.unit.push(devices::insert(&Device {
                id: id.clone(),
                user: None,
                name: None,
                token_hash: Token::random(TokenKind::Device, &mut tools.rng).hash(),
                old_token_hash: None,
                old_token_message: None,
                rotated_at: None,
                created_at: tools.now,
                last_seen_at: tools.now,
            }));
            tools.unit.push(channels::insert(&key, &id, tools.now));
            if self.store().apply(&Actor::System, tools.unit.into_writes()).await? == Applied::Done {
                return Ok(id);
            }
        }
        Err(Error::Conflict("the device could not be made; please try again"))
    }

    /// Ends the session that a text message's turn spoke for, or made. What was parked is carried out under it first.
    pub(super) fn end_with_turn(&self, turn: &mut Turn, stored: &StoredAnswer) {
        let left = match (&stored.session, &turn.tools.actor) {
            _ if stored.follow_up.is_some() => None,
            (Some(new), _) => Some((new.user_id.clone(), new.session_id.clone())),
            (None, Actor::User { user, session, .. }) => Some((user.clone(), session.clone())),
            _ => None,
        };
        if let Some((user, session)) = left {
            self.end_unless_asked(turn, (&user, &session));
        }
    }

    /// Ends the session of a text message's act with the turn, unless the turn asks something about that very act.
    pub(super) fn end_unless_asked(&self, turn: &mut Turn, (user, id): (&UserId, &SessionId)) {
        let asks = self.waiting(&turn.state.work).is_some();
        if turn.tools.is_by_text() && turn.is_signed_in() && !asks {
            session::end_channel_session(&mut turn.tools, user, id);
        }
    }

    /// Ends it without a turn, because the act will not be done.
    pub(super) async fn end_channel_session(&self, actor: &Actor) -> Result<(), Error> {
        let Actor::User { user, session, .. } = actor else { return Ok(()) };
        let mut tools = self.session_toolbox(&Caller { actor: actor.clone(), ..Caller::system(None) });
        session::end_channel_session(&mut tools, user, session);
        match self.store().apply(&Actor::System, tools.unit.into_writes()).await? {
            Applied::Done | Applied::Stale { .. } => Ok(()),
        }
    }
}
