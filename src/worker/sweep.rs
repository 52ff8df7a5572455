//! What is looked for at intervals: effects that nobody works on, and rows that need not be kept any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tracing::{error, warn};

use super::{Error, Worker, millis};
use crate::engine::{OUTSIDE, TIMER};
use crate::handoff;
use crate::mask::chain;
use crate::model::{Actor, EventKind};
use crate::store::outbox::Lane;
use crate::store::{Applied, challenges, channels, counters, outbox, pending, sessions, slots};

/// Most effects taken up in one sweep.
const BATCH: u32 = 64;
/// How long an expired answer is kept (D23).
const ANSWERS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest windows of the table of limits, and a day: thirty days for a counter, one for a slot.
const COUNTS_KEPT: SignedDuration = SignedDuration::from_hours(31 * 24);
const SLOTS_KEPT: SignedDuration = SignedDuration::from_hours(2 * 24);
/// How long the exchanged tokens of an ended session are kept.
const SPENT_TOKENS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How long it is known where a message was to go that never came to an end.
const DESTINATIONS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a text message that came in is known: what a provider signs has no time in it, so one that is sent again is told
/// by its row alone.
const INBOUND_KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
/// How often what need not be kept any more is looked for.
pub(super) const PURGE_EVERY: SignedDuration = SignedDuration::from_hours(1);

impl Worker {
    /// Takes up effects that nobody works on: queued for longer than a node takes with its own, claimed by a worker that
    /// died, or refused and not told of.
    pub async fn sweep(self: &Arc<Self>) {
        let now = self.parts.clock.now();
        let before = now - millis(self.parts.options.first_try_ms);
        for lane in Lane::ALL {
            // What waits for a place has one reserved by the time it is looked for again.
            let free =
                u32::try_from(self.places.of(*lane).available_permits()).unwrap_or(u32::MAX).min(BATCH);
            match self.parts.store.due_effects(&Actor::System, *lane, (before, now), free).await {
                Ok(due) => due.into_iter().for_each(|effect| self.begin(effect.id)),
                Err(e) => error!(error = %e, "Outbox sweep failed"),
            }
        }
        if let Err(e) = self.parts.engine.apply_due_changes(now).await {
            error!(error = %chain(&e), "A change of number could not be made");
        }
        if let Err(e) = self.parts.engine.erase_due_accounts(now).await {
            error!(error = %chain(&e), "An account could not be erased");
        }
        if let Err(e) = self.orphans().await {
            error!(error = %e, "Outbox sweep failed");
        }
        if let Err(e) = self.untold((before, now)).await {
            error!(error = %chain(&e), "Outbox sweep failed");
        }
        self.ask_providers();
    }

    /// Asks providers about what is uncertain, beside everything else: their answers may take long. What has become due
    /// while they were asked is asked about right after.
    fn ask_providers(self: &Arc<Self>) {
        self.ask_again.store(true, Ordering::SeqCst);
        let worker = Arc::clone(self);
        self.tries.spawn(async move {
            while let Ok(asking) = worker.asking.try_lock() {
                if !worker.ask_again.swap(false, Ordering::SeqCst) {
                    return;
                }
                for asked in [worker.settle().await, worker.feed_back().await] {
                    if let Err(e) = asked {
                        error!(error = %chain(&e), "Providers could not be asked");
                    }
                }
                drop(asking);
            }
        });
    }

    /// Refusals that a process marked and then died before it could correct the conversation. Each is a try of its own:
    /// one conversation that cannot be corrected now must not hold up the others.
    async fn untold(self: &Arc<Self>, times: (Timestamp, Timestamp)) -> Result<(), Error> {
        for effect in self.parts.store.untold_effects(&Actor::System, times, BATCH).await? {
            let worker = Arc::clone(self);
            self.tries.spawn(async move {
                let code = effect.error.clone().unwrap_or_default();
                if let Err(e) = worker.refused(&effect, &code).await {
                    error!(effectId = %effect.id, error = %chain(&e), "Correction failed");
                }
            });
        }
        Ok(())
    }

    /// Forgets answers that could not be repeated any more for a week, what no limit's window reaches back to, and the
    /// exchanged tokens of sessions long ended.
    pub(super) async fn purge(&self) {
        let now = self.parts.clock.now();
        let writes = vec![
            pending::purge(now - ANSWERS_KEPT),
            counters::purge(now - COUNTS_KEPT),
            challenges::purge_charges(now - COUNTS_KEPT),
            slots::purge(now - SLOTS_KEPT),
            sessions::purge_spent(now - SPENT_TOKENS_KEPT),
            outbox::forget_destinations(now - DESTINATIONS_KEPT),
            channels::purge(now - INBOUND_KEPT),
        ];
        if let Err(e) = self.parts.store.apply(&Actor::System, writes).await {
            error!(error = %e, "Purge failed");
        }
    }

    async fn orphans(self: &Arc<Self>) -> Result<(), Error> {
        let now = self.parts.clock.now();
        for effect in self.parts.store.stale_claims(&Actor::System, now, BATCH).await? {
            if [OUTSIDE, TIMER, handoff::KIND].contains(&effect.kind.as_str()) {
                let requeued = vec![outbox::requeue(&effect.id, now)];
                if self.parts.store.apply(&Actor::System, requeued).await? == Applied::Done {
                    warn!(effectId = %effect.id, kind = effect.kind, "Effect is worked on again: its worker was lost");
                    self.begin(effect.id);
                }
                continue;
            }
            let mut writes = vec![outbox::orphan(&effect.id, now)];
            writes.extend(self.event(&effect, EventKind::OtpSendFailed, json!({ "code": "worker_lost" })));
            if self.parts.store.apply(&Actor::System, writes).await? == Applied::Done {
                warn!(effectId = %effect.id, "Effect is uncertain: its worker was lost");
            }
        }
        Ok(())
    }
}
