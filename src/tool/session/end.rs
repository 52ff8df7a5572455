//! The one place through which sessions end, so that the row, the note that nodes follow and the audit event never part.

use serde_json::json;

use crate::model::{Actor, DeviceId, EffectId, EventKind, SessionId, UserId};
use crate::store::revocations::{self, RevocationKind};
use crate::store::sessions::{self, Session};
use crate::store::users::User;
use crate::store::{trusts, users};
use crate::tool::{Error, Toolbox, notice, otp};

/// By whom or what a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The person ended it: a log-out, here or from another device.
    User,
    /// Somebody signed in on the same device.
    Replaced,
    /// It made room for a newer one.
    Evicted,
    /// An exchanged token came back: somebody kept a copy.
    Reuse,
    /// The person forgot the device.
    Forgotten,
    /// The person ended everything everywhere.
    Everywhere,
    /// The account's deletion was asked for.
    Deleted,
    /// The account's phone number changed.
    ContactChanged,
    /// What a text message asked for is done.
    Channel,
}

impl By {
    /// The name as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Replaced => "replaced",
            Self::Evicted => "evicted",
            Self::Reuse => "reuse",
            Self::Forgotten => "forgotten",
            Self::Everywhere => "everywhere",
            Self::Deleted => "deleted",
            Self::ContactChanged => "contact_changed",
            Self::Channel => "channel",
        }
    }

    fn event(self) -> EventKind {
        match self {
            Self::Evicted => EventKind::SessionEvicted,
            Self::Reuse => EventKind::SessionReuseDetected,
            _ => EventKind::SessionRevoked,
        }
    }
}

/// Ends a session; its tokens, exchanged or not, and the access tokens that name it are refused from the commit on. The
/// unit is stale if it ended before.
pub fn end_session(tools: &mut Toolbox, session: &Session, by: By) {
    let why = (tools.now, by.as_str());
    // Whoever logs out in a chat may not hear the answer, and asks again with a token that is worth nothing else.
    let is_own = tools.actor.session() == Some(&session.id) && !tools.message_id.is_empty();
    let message = is_own.then_some(tools.message_id.as_str());
    tools.unit.push(sessions::revoke(&session.id, (by.as_str(), message), tools.now));
    tools.unit.push(revocations::insert(RevocationKind::Session, session.id.as_str(), why));
    let (user, id) = (Some(session.user.clone()), Some(session.id.clone()));
    tools.audit_of(by.event(), user, id, json!({ "by": by.as_str() }));
}

/// Ends the session of one act that a text message asked for, if the act itself has not (D34).
pub fn end_channel_session(tools: &mut Toolbox, user: &UserId, session: &SessionId) {
    let by = By::Channel;
    let why = (tools.now, by.as_str());
    tools.unit.push(sessions::close(session, by.as_str(), tools.now));
    tools.unit.push(revocations::insert(RevocationKind::Session, session.as_str(), why));
    tools.audit_of(by.event(), Some(user.clone()), Some(session.clone()), json!({ "by": by.as_str() }));
}

/// Ends the account's live sessions but `keep`, and gives their number. The guard on the account's row makes a sign-in
/// at the same time come before or after it, never in between, where its session would be overlooked.
pub async fn end_sessions(
    tools: &mut Toolbox,
    user: &User,
    keep: Option<&SessionId>,
    by: By,
) -> Result<u32, Error> {
    tools.unit.push(users::bump(&user.id, user.version, tools.now));
    let live = tools.store.live_sessions(&Actor::System, &user.id, tools.now).await?;
    let mut ended = 0;
    for session in live.iter().filter(|s| Some(&s.id) != keep) {
        end_session(tools, session, by);
        ended += 1;
    }
    Ok(ended)
}

/// Ends the trust between an account and a device, where there is one.
pub async fn end_trust(tools: &mut Toolbox, user: &UserId, device: &DeviceId, by: By) -> Result<(), Error> {
    let trusted = tools.store.trust(&Actor::System, user, device).await?.is_some();
    tools.unit.push(trusts::end(user, device, (tools.now, by.as_str())));
    if trusted {
        forgotten(tools, user, device, by);
    }
    Ok(())
}

/// Ends all trust of an account; where everything ends everywhere, the nodes are told that whatever it had is over.
pub async fn end_all_trust(tools: &mut Toolbox, user: &UserId, by: By) -> Result<(), Error> {
    let why = (tools.now, by.as_str());
    tools.unit.push(trusts::end_all(user, why));
    if matches!(by, By::Everywhere | By::Deleted) {
        tools.unit.push(revocations::insert(RevocationKind::User, user.as_str(), why));
    }
    for trust in tools.store.trusts_of(&Actor::System, user).await? {
        forgotten(tools, user, &trust.device, by);
    }
    Ok(())
}

/// Ends a session of which an exchanged token came back, with the trust in its device, and queues a message to its
/// owner. Who of the two holders is the thief cannot be told, so neither keeps anything.
pub async fn end_copied(tools: &mut Toolbox, session: &Session) -> Result<Option<EffectId>, Error> {
    end_session(tools, session, By::Reuse);
    end_trust(tools, &session.user, &session.device, By::Reuse).await?;
    let Some(user) = tools.store.user(&Actor::System, &session.user).await? else { return Ok(None) };
    let Some(contact) = otp::own_contact(&user) else { return Ok(None) };
    let template = if contact.phone().is_some() { "sms.session_reuse" } else { "email.session_reuse" };
    notice::queue(tools, &user, &contact, template).map(Some)
}

fn forgotten(tools: &mut Toolbox, user: &UserId, device: &DeviceId, by: By) {
    let detail = json!({ "by": by.as_str(), "device": device.as_str() });
    tools.audit_of(EventKind::DeviceForgotten, Some(user.clone()), None, detail);
}
