//! Exchanging a session's token for its successor.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::crypto::{Keys, Token, TokenKind};
use crate::model::EventKind;
use crate::store::sessions::{self, Found, Session, TokenExchange};
use crate::tool::Toolbox;

/// How long an exchanged token is still taken, so that requests under way and parallel refreshes do not fail.
pub const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// A token is exchanged at most this often by itself.
const ROTATE_AFTER: SignedDuration = SignedDuration::from_hours(24);
/// Most exchanges within one grace over which the token in force is still found; a client that makes more has no use for
/// the first of its tokens.
const MOST_EXCHANGES: usize = 16;

/// What a presented session token is worth at a moment.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presented {
    /// The session's token.
    Current,
    /// One that was exchanged, within its grace.
    Previous,
    /// One that was exchanged, after its grace: somebody kept a copy.
    Reused,
    /// One that was exchanged later than now. The clock was set back, so whether its grace is over cannot be told: it is
    /// refused, and nobody is accused.
    Untimely,
    /// The session has ended.
    Ended,
}

/// Whether a session has ended, by an act or by its time.
pub fn has_ended(session: &Session, now: Timestamp) -> bool {
    session.revoked_at.is_some() || session.expires_at <= now || session.absolute_expires_at <= now
}

/// Judges a presented token against its session. An ended session's tokens are worth nothing, and their coming back
/// tells nothing any more.
pub fn recognise(found: &Found, now: Timestamp) -> Presented {
    match found.spent_at {
        _ if has_ended(&found.session, now) => Presented::Ended,
        None => Presented::Current,
        Some(at) if now + GRACE < at => Presented::Untimely,
        Some(at) if now < at + GRACE => Presented::Previous,
        Some(_) => Presented::Reused,
    }
}

/// A session's token after a refresh, new or not.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The token to use from now on.
    pub token: Token,
    /// When the session ends unless it is refreshed again.
    pub expires_at: Timestamp,
}

fn successor(keys: &Keys, presented: &Token) -> Token {
    keys.token(TokenKind::Session, &["successor", presented.expose()])
}

/// The token in force, from one that was exchanged: each is derived from the one before it.
fn in_force(keys: &Keys, session: &Session, presented: &Token) -> Option<Token> {
    let chain = std::iter::successors(Some(presented.clone()), |token| Some(successor(keys, token)));
    chain.take(MOST_EXCHANGES + 1).find(|token| token.hash() == session.token_hash)
}

/// Exchanges the presented token, at most daily unless `rotate` asks for it. The successor is derived from the presented
/// token, so that parallel refreshes get the same one; one that was exchanged meanwhile gives the token in force. `None`
/// where that is too many exchanges away.
pub fn refresh_session(
    tools: &mut Toolbox,
    found: &Found,
    presented: &Token,
    rotate: bool,
) -> Option<Refreshed> {
    let session = &found.session;
    let due = session.rotated_at.unwrap_or(session.created_at) + ROTATE_AFTER <= tools.now;
    if found.spent_at.is_some() || !(rotate || due) {
        let token = in_force(&tools.keys, session, presented)?;
        return Some(Refreshed { token, expires_at: session.expires_at });
    }
    let token = successor(&tools.keys, presented);
    let life = SignedDuration::from_hours(24 * i64::from(tools.options.session_expiry_days));
    let expires_at = (tools.now + life).min(session.absolute_expires_at);
    tools.unit.extend(sessions::rotate(TokenExchange {
        session: &session.id,
        seen_hash: &presented.hash(),
        new_hash: &token.hash(),
        at: tools.now,
        new_expires_at: expires_at,
    }));
    tools.audit(EventKind::SessionRefreshed, json!({}));
    Some(Refreshed { token, expires_at })
}
