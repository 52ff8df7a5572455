//! What comes into a turn and what comes out.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Error, Said};
use crate::crypto::Token;
use crate::model::{Actor, ConversationId, NodeResponse, Phone, Secret, SessionId, UserId};

/// Longest message, in characters.
const LONGEST_TEXT: usize = 4_000;
/// Longest `messageId` and `projectId`, in characters.
const LONGEST_NAME: usize = 128;

/// Who calls, as the credentials presented with this request prove.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Who acts.
    pub actor: Actor,
    /// The device's token, where one was presented.
    pub device_token: Option<Token>,
    /// Set where the device's token was exchanged at a sign-in: it still repeats that message and does nothing else.
    pub repeats_only: Option<String>,
    /// The session's token, where one was presented.
    pub session_token: Option<Token>,
    /// The number that a text message came from, as its network says. It is claimed and proves nothing (D4).
    pub claimed: Option<Phone>,
    /// Where the request came from.
    pub ip: Option<String>,
}

impl Caller {
    /// The product itself, on behalf of a caller at that address where there is one.
    pub(super) fn system(ip: Option<String>) -> Self {
        Self {
            actor: Actor::System,
            device_token: None,
            repeats_only: None,
            session_token: None,
            claimed: None,
            ip,
        }
    }
}

/// One message.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The conversation; without one, the current conversation of the project.
    pub conversation: Option<ConversationId>,
    /// The project; each has one current conversation for each owner. Empty means `default`.
    pub project: String,
    /// The client's name for this message: the same again gets the same answer.
    pub message_id: Option<String>,
    /// What was said.
    pub text: String,
    /// The language to answer in.
    pub locale: Option<String>,
    /// What was said in fields, of which `text` is then only what the history shows.
    pub said: Option<Said>,
}

impl Request {
    pub(super) fn check(&self) -> Result<(), Error> {
        let invalid = |pointer, what: String| Err(Error::Invalid { pointer, what });
        let length = self.text.chars().take(LONGEST_TEXT + 1).count();
        if length > LONGEST_TEXT {
            return invalid("/prompt", format!("is longer than {LONGEST_TEXT} characters"));
        }
        if !self.text.chars().any(|c| !c.is_control() && !c.is_whitespace()) {
            return invalid("/prompt", "is empty: say something".to_owned());
        }
        let names = [("/messageId", self.message_id.as_deref()), ("/projectId", Some(self.project.as_str()))];
        for (pointer, name) in names.into_iter().filter_map(|(p, n)| n.map(|n| (p, n))) {
            if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
                return invalid(
                    pointer,
                    format!("must be at most {LONGEST_NAME} characters, none of them a control"),
                );
            }
        }
        if self.message_id.as_deref().is_some_and(|m| m.trim().is_empty()) {
            return invalid("/messageId", "is empty: leave it out or give it a value".to_owned());
        }
        if self.locale.as_deref().is_some_and(|l| l.len() > 35 || !l.bytes().all(is_tag_byte)) {
            return invalid("/locale", "must be a language tag such as `en` or `es-MX`".to_owned());
        }
        Ok(())
    }

    pub(super) fn project(&self) -> &str {
        if self.project.is_empty() { "default" } else { &self.project }
    }

    /// Within what a `messageId` names one message.
    pub(super) fn scope(&self) -> String {
        self.conversation.as_ref().map_or_else(|| format!("project/{}", self.project()), ToString::to_string)
    }

    /// What must be the same where the `messageId` is.
    pub(super) fn body_hash(&self) -> Vec<u8> {
        let locale = self.locale.as_deref().unwrap_or_default();
        Sha256::new().chain_update(locale).chain_update([0]).chain_update(&self.text).finalize().to_vec()
    }
}

fn is_tag_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'-' || b == b'_'
}

/// A turn's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The conversation.
    pub conversation: ConversationId,
    /// The message that was answered, by the client's name for it or ours.
    pub message_id: String,
    /// The answer.
    pub response: NodeResponse,
    /// The key of the reply that was said, for tests and traces; it is no part of what the person is given.
    pub reply: Option<String>,
    /// The session, where this turn signed somebody in. For the caller alone.
    pub session: Option<SessionGrant>,
}

/// A new session and its tokens.
#[derive(Debug, Clone)]
pub struct SessionGrant {
    /// The session's token.
    pub token: Secret,
    /// The session.
    pub session_id: SessionId,
    /// The account.
    pub user_id: UserId,
    /// When it ends unless it is refreshed.
    pub expires_at: Timestamp,
    /// The device's new token.
    pub device_token: Secret,
}
