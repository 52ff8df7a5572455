//! What became of an effect, in its row and in the audit log.

use serde_json::{Map, Value, json};
use tracing::info;

use super::{Error, Worker};
use crate::model::{Actor, Event, EventId, EventKind, Verdict};
use crate::store::outbox::{self, Effect, EffectStatus, Finish};
use crate::store::{Applied, Write, audit};

impl Worker {
    /// Ends an effect. One that went nowhere ends as if it had been sent, with as many writes; only the event tells.
    pub(super) async fn mark(&self, effect: &Effect, verdict: Option<&Verdict>) -> Result<(), Error> {
        let at = self.parts.clock.now();
        let (status, provider_id, code, kind) = match verdict {
            Some(Verdict::Accepted { provider_id }) => {
                (EffectStatus::Sent, Some(provider_id), None, EventKind::OtpSent)
            }
            Some(Verdict::Refused { code }) => {
                (EffectStatus::Failed, None, Some(code), EventKind::OtpSendFailed)
            }
            Some(Verdict::Unknown { code } | Verdict::Later { code, .. }) => {
                (EffectStatus::Uncertain, None, Some(code), EventKind::OtpSendFailed)
            }
            None => (EffectStatus::Sent, None, None, EventKind::OtpUnaddressed),
        };
        let mut writes = vec![outbox::finish(Finish {
            effect: &effect.id,
            by: &self.name,
            status,
            provider_id: provider_id.map(String::as_str),
            error: code.map(String::as_str),
            due_at: None,
            at,
        })];
        let detail = json!({ "effect": effect.id.as_str(), "provider_id": provider_id, "code": code });
        writes.extend(self.event(effect, kind, detail));
        if self.parts.store.apply(&Actor::System, writes).await? == Applied::Done {
            info!(effectId = %effect.id, status = status.as_str(), "Effect tried");
        }
        Ok(())
    }

    /// An event about a code's message. A notice has none: what it tells of was noted when it was queued.
    pub(super) fn event(&self, effect: &Effect, kind: EventKind, detail: Value) -> Option<Write> {
        effect.challenge.as_ref()?;
        let at = self.parts.clock.now();
        let mut rng = self.parts.randomness.stream(&format!("event/{}/{}", effect.id, kind.as_str()));
        let detail = match detail {
            Value::Object(map) => map,
            _ => Map::new(),
        };
        Some(audit::insert(&Event {
            id: EventId::new(at, &mut rng),
            at,
            kind,
            user: None,
            device: None,
            session: None,
            conversation: effect.conversation.clone(),
            ip: None,
            detail,
        }))
    }
}
