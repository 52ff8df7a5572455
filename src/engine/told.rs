//! What a provider says of a message after it took it, and of requests that say they are a provider's.

use std::sync::Arc;

use serde_json::json;
use tracing::{error, info};

use super::{Caller, Engine, Error};
use crate::limit;
use crate::model::{Actor, DeliveryStatus, EffectId, EventKind};
use crate::store::outbox::{self, Effect, EffectStatus, Report};
use crate::store::{Applied, Unit};

/// What a provider says.
#[derive(Debug, Clone)]
pub struct Told {
    /// The effect, where the provider was told of it.
    pub effect: Option<EffectId>,
    /// The provider's name for the message.
    pub provider_id: String,
    /// How far it came.
    pub delivery: DeliveryStatus,
    /// The provider's code for why it came no further.
    pub code: Option<String>,
}

impl Engine {
    /// Notes what a provider says of a message, once, and never backwards; that one was lost is told in the conversation
    /// that waits for it. What is said of nothing that is known is nothing.
    pub async fn told(self: &Arc<Self>, told: Told) -> Result<(), Error> {
        let engine = self.present();
        // Whoever hangs up changes nothing.
        let task = self.tasks.spawn(async move { engine.note_told(&told).await });
        task.await.map_err(|_| Error::Lost)?
    }

    async fn note_told(&self, told: &Told) -> Result<(), Error> {
        let found = match &told.effect {
            Some(id) => self.store().effect(&Actor::System, id).await?,
            None => self.store().effect_of_provider(&Actor::System, &told.provider_id).await?,
        };
        let Some(effect) = found.filter(|effect| effect.kind == "sms") else { return Ok(()) };
        if let Some(known) = effect.provider_id.as_deref().filter(|known| *known != told.provider_id) {
            error!(effectId = %effect.id, known, other = %told.provider_id, "A provider took one message twice");
            return Ok(());
        }
        let lost = told.delivery.is_lost();
        let code = told.code.as_deref().unwrap_or(told.delivery.as_str());
        let mut tools = self.session_toolbox(&Caller::system(None));
        tools.conversation.clone_from(&effect.conversation);
        tools.unit.extend(outbox::told(Report {
            effect: &effect.id,
            provider_id: &told.provider_id,
            delivery: told.delivery,
            error: lost.then_some(code),
            at: tools.now,
        }));
        if let (Some(kind), true) = (news(&effect, lost), effect.challenge.is_some()) {
            let detail = json!({
                "effect": effect.id.as_str(), "provider_id": told.provider_id, "code": lost.then_some(code),
            });
            tools.audit(kind, detail);
        }
        let unit: Unit = std::mem::take(&mut tools.unit);
        if self.store().apply(&Actor::System, unit.into_writes()).await? != Applied::Done {
            return Ok(());
        }
        info!(effectId = %effect.id, delivery = told.delivery.as_str(), "Delivery told");
        if lost && effect.tells() {
            self.undeliverable(&effect, code).await?;
        }
        Ok(())
    }

    /// Notes a request that nobody signed who may. More than a few in a minute of one network are not noted, or a flood of
    /// them would fill the log.
    pub async fn note_bad_signature(&self, ip: Option<String>, what: &str) -> Result<(), Error> {
        let network = ip.as_deref().and_then(limit::network).unwrap_or_default();
        if !self.forgeries.take(&network) {
            return Ok(());
        }
        let mut tools = self.session_toolbox(&Caller::system(ip));
        tools.audit(EventKind::WebhookBadSignature, json!({ "what": what }));
        match self.store().apply(&Actor::System, tools.unit.into_writes()).await? {
            Applied::Done | Applied::Stale { .. } => Ok(()),
        }
    }
}

/// The event that it is, where it is one: that a message went out is noted already where its provider said so at once.
fn news(effect: &Effect, lost: bool) -> Option<EventKind> {
    match (lost, effect.status) {
        (true, _) => Some(EventKind::OtpSendFailed),
        (false, EffectStatus::Uncertain) => Some(EventKind::OtpSent),
        _ => None,
    }
}
