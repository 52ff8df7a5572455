//! What the operator's desk is told: again and again while it is worth it, and then the conversation is told that it was not.

use tracing::{info, warn};

use super::{Error, Worker, retry};
use crate::bus::Boundary;
use crate::handoff::{Judged, Notice};
use crate::model::Actor;
use crate::store::outbox::{self, Effect, EffectStatus, Finish};

impl Worker {
    /// Makes one try of a claimed notice. It may be made twice: the desk knows it by its `Idempotency-Key`.
    pub(super) async fn tell_desk(&self, effect: &Effect) -> Result<(), Error> {
        let notice = self.notice(effect);
        let never = |code: &str| Judged::Never(code.to_owned());
        let judged = match (&self.parts.desk, &notice) {
            _ if effect.not_after <= self.parts.clock.now() => never("expired"),
            (None, _) => never("not_configured"),
            (_, Err(_)) => never("unreadable"),
            (Some(desk), Ok(notice)) => desk.tell(&effect.id, notice).await,
        };
        self.parts.boundaries.pass(Boundary::Sent).await;
        let at = self.parts.clock.now();
        let next = at + retry::wait(&self.parts.options, effect, &self.parts.randomness);
        match judged {
            Judged::Taken => self.told_desk(effect).await?,
            Judged::Later(code) if next < effect.not_after => {
                self.again(effect, &code, (next, at)).await?;
            }
            Judged::Later(code) | Judged::Never(code) => {
                warn!(effectId = %effect.id, event = effect.template, code, "The desk is not told");
                let handoff = notice.as_ref().ok().map(|notice| &notice.handoff);
                let ended =
                    self.parts.engine.desk_unreachable(effect, handoff, (self.claim_on(effect), &code)).await;
                ended.map_err(|e| Error::Engine(Box::new(e)))?;
            }
        }
        self.parts.boundaries.pass(Boundary::Finished).await;
        Ok(())
    }

    /// Notes that the desk has it; what it was is erased.
    async fn told_desk(&self, effect: &Effect) -> Result<(), Error> {
        let finish = outbox::finish(Finish {
            effect: &effect.id,
            claim: self.claim_on(effect),
            status: EffectStatus::Sent,
            provider_id: None,
            error: None,
            due_at: None,
            at: self.parts.clock.now(),
        });
        // Where the claim lapsed meanwhile, whoever has it tells the desk again.
        let applied = self.parts.store.apply(&Actor::System, vec![finish]).await?;
        info!(effectId = %effect.id, event = effect.template, applied = ?applied, "Desk told");
        Ok(())
    }

    fn notice(&self, effect: &Effect) -> Result<Notice, Error> {
        let sealed = effect.destination_sealed.as_deref().ok_or(Error::Lacks("destination"))?;
        let plain = self.parts.keys.open(effect.id.as_str(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Lacks("notice"))
    }
}
