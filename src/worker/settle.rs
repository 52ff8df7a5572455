//! Effects of which nobody knows whether they left: their provider is asked, until it says or until nothing depends on it.
//!
//! What it has for the number and the time may be somebody else's message. So those that belong to other effects are left
//! out, and where more than one is left nothing is concluded.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tracing::{error, info, warn};

use super::{Error, Worker};
use crate::mask::chain;
use crate::model::{Actor, DeliveryStatus, EventKind, Phone};
use crate::sms::{CodeOutcome, Sighting, Sought};
use crate::store::outbox::{self, Effect, EffectStatus, Report};
use crate::store::{Applied, ChallengeStatus};

/// Most effects asked about in one sweep.
const BATCH: u32 = 16;
/// How soon a provider is asked for the first time.
const FIRST: SignedDuration = SignedDuration::from_secs(3);
/// How long it may take a provider to list what it took.
const LISTED: SignedDuration = SignedDuration::from_secs(60);
/// By how much its clock may differ from ours. It is far less than the pause between two codes for one number, or the one
/// could be taken for the other.
const SKEW: SignedDuration = SignedDuration::from_secs(10);
/// Longest pause between two questions.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);
/// How long after a message was worth something its provider is still asked.
const GIVES_UP: SignedDuration = SignedDuration::from_hours(1);

/// When an effect is looked up first; never where it can't be: mail servers keep no list.
pub(super) fn first_look(effect: &Effect, at: Timestamp) -> Option<Timestamp> {
    (effect.kind == "sms").then(|| at + FIRST)
}

impl Worker {
    /// Asks about every effect whose time for it has come.
    pub(super) async fn settle(&self) -> Result<(), Error> {
        let now = self.parts.clock.now();
        for effect in self.parts.store.uncertain_effects(&Actor::System, now, BATCH).await? {
            // One that fails must not hold up the others; it comes again.
            if let Err(e) = self.look_up(&effect, now).await {
                error!(effectId = %effect.id, error = %chain(&e), "Look-up failed");
                self.ask_again(&effect, now).await?;
            }
        }
        Ok(())
    }

    async fn look_up(&self, effect: &Effect, now: Timestamp) -> Result<(), Error> {
        let sightings = match self.sought(effect)? {
            Some(sought) => self.parts.sms.look_up(&sought).await,
            None => return self.later(effect, None).await,
        };
        // No answer is no news; an empty list is news once the provider had time to write it. One that has others' messages
        // alone is none: a provider that keeps no whole numbers may list only some of a number's.
        let Some(sightings) = sightings else { return self.ask_again(effect, now).await };
        let is_empty = sightings.is_empty();
        let mut ours = self.unclaimed(effect, sightings).await?;
        match (ours.pop(), ours.is_empty()) {
            (Some(one), true) => self.found(effect, one, now).await,
            (Some(_), false) => {
                warn!(effectId = %effect.id, "Effect stays uncertain: several messages may be it");
                self.later(effect, None).await
            }
            (None, _) if !is_empty || now < effect.updated_at + LISTED => self.ask_again(effect, now).await,
            (None, _) => self.absent(effect, now).await,
        }
    }

    fn sought(&self, effect: &Effect) -> Result<Option<Sought>, Error> {
        let Some(sealed) = effect.destination_sealed.as_deref().filter(|_| effect.kind == "sms") else {
            return Ok(None);
        };
        let plain = self.parts.keys.open(effect.id.as_str(), sealed)?;
        let to = std::str::from_utf8(&plain).ok().and_then(|to| Phone::parse(to, None).ok());
        let to = to.ok_or(Error::Lacks("destination"))?;
        Ok(Some(Sought { to, since: effect.created_at - SKEW, until: effect.updated_at + SKEW }))
    }

    /// The sightings that no other effect has.
    async fn unclaimed(&self, effect: &Effect, sightings: Vec<Sighting>) -> Result<Vec<Sighting>, Error> {
        let mut ours = Vec::new();
        for sighting in sightings {
            let owner = self.parts.store.effect_of_provider(&Actor::System, &sighting.provider_id).await?;
            if owner.is_none_or(|owner| owner.id == effect.id) {
                ours.push(sighting);
            }
        }
        Ok(ours)
    }

    async fn found(&self, effect: &Effect, one: Sighting, at: Timestamp) -> Result<(), Error> {
        let report = Report {
            effect: &effect.id,
            provider_id: &one.provider_id,
            delivery: one.status,
            error: one.error.as_deref(),
            at,
        };
        let mut writes = outbox::told(report);
        let kind = if one.status.is_lost() { EventKind::OtpSendFailed } else { EventKind::OtpSent };
        let detail = json!({
            "effect": effect.id.as_str(), "provider_id": one.provider_id, "code": one.error, "looked_up": true,
        });
        writes.extend(self.event(effect, kind, detail));
        if self.parts.store.apply(&Actor::System, writes).await? != Applied::Done {
            return Ok(());
        }
        info!(effectId = %effect.id, delivery = one.status.as_str(), "Effect settled");
        if one.status.is_lost() && effect.tells() {
            self.refused(effect, one.error.as_deref().unwrap_or("undelivered")).await?;
        }
        Ok(())
    }

    /// The provider never had it. It is not sent now: whoever waited for it asks again, and is told so.
    async fn absent(&self, effect: &Effect, at: Timestamp) -> Result<(), Error> {
        const CODE: &str = "not_taken";
        let mut writes = vec![outbox::settle(&effect.id, EffectStatus::Failed, Some(CODE), at)];
        let detail = json!({ "effect": effect.id.as_str(), "code": CODE, "looked_up": true });
        writes.extend(self.event(effect, EventKind::OtpSendFailed, detail));
        if self.parts.store.apply(&Actor::System, writes).await? == Applied::Done {
            info!(effectId = %effect.id, code = CODE, "Effect settled");
            if effect.tells() {
                self.refused(effect, CODE).await?;
            }
        }
        Ok(())
    }

    /// The longer it is uncertain, the longer the next question waits.
    async fn ask_again(&self, effect: &Effect, now: Timestamp) -> Result<(), Error> {
        let pause = now.duration_since(effect.updated_at).clamp(FIRST, LONGEST);
        self.later(effect, Some(now + pause).filter(|_| now < effect.not_after + GIVES_UP)).await
    }

    async fn later(&self, effect: &Effect, due_at: Option<Timestamp>) -> Result<(), Error> {
        match self.parts.store.apply(&Actor::System, vec![outbox::look_again(&effect.id, due_at)]).await? {
            Applied::Done | Applied::Stale { .. } => Ok(()),
        }
    }

    /// Tells a provider that words codes itself how they were used; it counts by that who is worth sending to.
    pub(super) async fn feed_back(&self) -> Result<(), Error> {
        if !self.parts.sms.wants_feedback() {
            return Ok(());
        }
        let at = self.parts.clock.now();
        for (effect, provider_id, status) in
            self.parts.store.settled_codes(&Actor::System, at - GIVES_UP, BATCH).await?
        {
            let given_back = status == ChallengeStatus::Consumed;
            let outcome = if given_back { CodeOutcome::GivenBack } else { CodeOutcome::Void };
            self.parts.sms.feed_back(&provider_id, outcome).await;
            // A code that was given back has arrived.
            let delivery = if given_back { DeliveryStatus::Delivered } else { DeliveryStatus::Sent };
            let report = Report { effect: &effect, provider_id: &provider_id, delivery, error: None, at };
            match self.parts.store.apply(&Actor::System, outbox::told(report)).await? {
                Applied::Done | Applied::Stale { .. } => {}
            }
        }
        Ok(())
    }
}
