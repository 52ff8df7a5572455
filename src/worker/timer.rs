//! Timers: the time for which a question waited is over.

use tracing::info;

use super::{Error, Worker};
use crate::bus::Boundary;
use crate::store::outbox::Effect;

impl Worker {
    /// Tells the conversation of a claimed timer. What it leads to and the timer's end are one transaction: a worker that dies
    /// in between leaves a timer that is taken up again.
    pub(super) async fn time_is_up(&self, effect: &Effect) -> Result<(), Error> {
        let (engine, claim) = (&self.parts.engine, self.claim_on(effect));
        let told = if effect.not_after > self.parts.clock.now() {
            engine.silent(effect, claim).await
        } else {
            info!(effectId = %effect.id, node = effect.template, "Timer came too late");
            engine.silent_in_vain(effect, claim).await
        };
        told.map_err(|e| Error::Engine(Box::new(e)))?;
        self.parts.boundaries.pass(Boundary::Finished).await;
        Ok(())
    }
}
