//! Changes of a contact whose time has come (D35). Any node may find one; its guards let one of them make it.

use jiff::Timestamp;

use super::{Caller, Engine, Error};
use crate::mask::chain;
use crate::model::Actor;
use crate::store::contact_changes::ContactChange;
use crate::store::{self, Applied, outbox};
use crate::tool::contact;

/// Most changes made in one sweep.
const BATCH: u32 = 64;

impl Engine {
    /// Brings changes into force that have waited long enough.
    pub async fn apply_due_changes(&self, now: Timestamp) -> Result<(), Error> {
        for change in self.store().due_changes(&Actor::System, now, BATCH).await? {
            // One that cannot be made must not hold up those behind it.
            if let Err(error) = self.apply_due_change(&change).await {
                tracing::error!(changeId = %change.id, error = %chain(&error), "A change could not be made");
            }
        }
        Ok(())
    }

    async fn apply_due_change(&self, change: &ContactChange) -> Result<(), Error> {
        let mut tools = self.session_toolbox(&Caller::system(None));
        contact::apply_due(&mut tools, change).await?;
        let writes = tools.unit.into_writes();
        let queued: Vec<_> = writes.iter().filter_map(outbox::queued).collect();
        match self.store().apply(&Actor::System, writes).await {
            Ok(Applied::Done) => queued.iter().for_each(|effect| self.parts.deliveries.queued(effect)),
            // The account moved meanwhile, another node was faster, or the number was taken in this very moment: the
            // next sweep looks again.
            Ok(Applied::Stale { .. }) | Err(store::Error::Constraint { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
