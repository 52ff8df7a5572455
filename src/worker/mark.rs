//! What became of a try, in the effect's row and in the audit log.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing::{info, warn};

use super::{Error, Worker, retry, settle};
use crate::bus::Delivery;
use crate::model::{Actor, DeliveryStatus, Event, EventId, EventKind, Verdict};
use crate::store::outbox::{self, Claim, Effect, EffectStatus, Finish, Report};
use crate::store::{Applied, Write, audit};

/// How a try ended.
struct End<'a> {
    status: EffectStatus,
    provider_id: Option<&'a str>,
    code: Option<&'a str>,
    kind: EventKind,
    news: Delivery,
}

impl Worker {
    /// Notes how a try ended, and gives what a turn that waits for it is told. One that went nowhere ends as if it had been
    /// sent, with as many writes; only the event tells.
    pub(super) async fn mark(&self, effect: &Effect, verdict: Option<&Verdict>) -> Result<Delivery, Error> {
        let at = self.parts.clock.now();
        if let Some(Verdict::Later { code, after }) = verdict {
            let wait = retry::wait(&self.parts.options, effect, &self.parts.randomness);
            let next = at + after.map_or(wait, |asked| asked.max(wait));
            if retry::is_worth_it(&self.parts.options, effect, next) {
                return self.again(effect, code, (next, at)).await;
            }
        }
        let end = end(verdict);
        let due_at =
            (end.status == EffectStatus::Uncertain).then(|| settle::first_look(effect, at)).flatten();
        let mut writes = vec![outbox::finish(Finish {
            effect: &effect.id,
            claim: self.claim_on(effect),
            status: end.status,
            provider_id: end.provider_id,
            error: end.code,
            due_at,
            at,
        })];
        let detail =
            json!({ "effect": effect.id.as_str(), "provider_id": end.provider_id, "code": end.code });
        writes.extend(self.event(effect, end.kind, detail));
        let applied = self.parts.store.apply(&Actor::System, writes).await?;
        if applied == Applied::Done {
            info!(effectId = %effect.id, status = end.status.as_str(), code = end.code, "Effect tried");
        }
        match (applied, end.provider_id) {
            // The claim had lapsed, and the effect counts as uncertain: what the provider said settles that.
            (Applied::Stale { .. }, Some(provider_id)) => {
                let delivery = DeliveryStatus::Accepted;
                let report = Report { effect: &effect.id, provider_id, delivery, error: None, at };
                match self.parts.store.apply(&Actor::System, outbox::told(report)).await? {
                    Applied::Done | Applied::Stale { .. } => Ok(Delivery::Stands),
                }
            }
            _ if end.news == Delivery::Uncertain => self.uncertain(effect).await,
            _ => Ok(end.news),
        }
    }

    /// What there is to tell of an answer that never came: nothing, where the provider reported the message meanwhile.
    async fn uncertain(&self, effect: &Effect) -> Result<Delivery, Error> {
        let row = self.parts.store.effect(&Actor::System, &effect.id).await?;
        let is_uncertain = row.is_some_and(|row| row.status == EffectStatus::Uncertain);
        Ok(if is_uncertain { Delivery::Uncertain } else { Delivery::Stands })
    }

    /// This worker's claim on an effect that it read before it claimed it.
    pub(super) fn claim_on(&self, effect: &Effect) -> Claim<'_> {
        Claim { by: &self.name, nth: effect.tries + 1 }
    }

    /// It waits for its next try.
    pub(super) async fn again(
        &self,
        effect: &Effect,
        code: &str,
        (next, at): (Timestamp, Timestamp),
    ) -> Result<Delivery, Error> {
        let writes = vec![outbox::again(&effect.id, self.claim_on(effect), code, (next, at))];
        if self.parts.store.apply(&Actor::System, writes).await? != Applied::Done {
            return Ok(Delivery::Stands);
        }
        warn!(effectId = %effect.id, code, tries = effect.tries + 1, next = %next, "Effect is tried again");
        Ok(Delivery::Delayed)
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

fn end(verdict: Option<&Verdict>) -> End<'_> {
    let (status, provider_id, code) = match verdict {
        None => (EffectStatus::Sent, None, None),
        Some(Verdict::Accepted { provider_id }) => (EffectStatus::Sent, Some(provider_id.as_str()), None),
        Some(Verdict::Refused { code }) => (EffectStatus::Failed, None, Some(code.as_str())),
        Some(Verdict::Later { code, .. }) => (EffectStatus::Dead, None, Some(code.as_str())),
        Some(Verdict::Unknown { code }) => (EffectStatus::Uncertain, None, Some(code.as_str())),
    };
    let (kind, news) = match (status, code) {
        (EffectStatus::Sent, _) if verdict.is_none() => (EventKind::OtpUnaddressed, Delivery::Stands),
        (EffectStatus::Sent, _) => (EventKind::OtpSent, Delivery::Stands),
        (EffectStatus::Uncertain, _) => (EventKind::OtpSendFailed, Delivery::Uncertain),
        (_, code) => (EventKind::OtpSendFailed, Delivery::Refused(code.unwrap_or_default().to_owned())),
    };
    End { status, provider_id, code, kind, news }
}
