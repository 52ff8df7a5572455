//! Turns of one conversation, one after the other, in the order they came.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as Turnstile, OwnedMutexGuard};

/// Fair locks by name. A lock lives as long as somebody holds it or waits.
#[derive(Debug, Default)]
pub(super) struct Queue {
    locks: Mutex<HashMap<String, Weak<Turnstile<()>>>>,
}

impl Queue {
    /// Waits for a conversation's turn to come.
    pub(super) async fn enter(&self, name: &str) -> OwnedMutexGuard<()> {
        self.lock(name).lock_owned().await
    }

    /// Takes the turn where nobody has it or waits for it.
    pub(super) fn enter_if_free(&self, name: &str) -> Option<OwnedMutexGuard<()>> {
        self.lock(name).try_lock_owned().ok()
    }

    fn lock(&self, name: &str) -> Arc<Turnstile<()>> {
        let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = locks.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        if locks.len() >= locks.capacity() {
            // Before the map would grow, what nobody uses goes.
            locks.retain(|_, lock| lock.strong_count() > 0);
        }
        let lock = Arc::new(Turnstile::new(()));
        locks.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_by_name_and_nothing_is_kept() {
        let queue = Queue::default();
        let first = queue.enter("a").await;
        assert!(futures::poll!(std::pin::pin!(queue.enter("a"))).is_pending());
        let other = futures::poll!(std::pin::pin!(queue.enter("b"))).is_ready();
        assert!(other);
        assert!(queue.enter_if_free("a").is_none() && queue.enter_if_free("b").is_some());
        drop(first);
        assert!(futures::poll!(std::pin::pin!(queue.enter("a"))).is_ready());
        for n in 0..1_000 {
            drop(queue.enter(&n.to_string()).await);
        }
        assert!(queue.locks.lock().unwrap().len() < 100);
    }
}
