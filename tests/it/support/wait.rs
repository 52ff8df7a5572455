//! Patience without a clock.

/// Longest patience with a condition, in looks at the store.
const LOOKS: usize = 20_000;

/// Waits for a condition without a clock: each look lets everything else go on.
pub(crate) async fn until(condition: impl AsyncFn() -> bool) {
    assert!(comes_about(condition).await, "the condition did not come about");
}

/// Whether a condition comes about.
pub(crate) async fn comes_about(condition: impl AsyncFn() -> bool) -> bool {
    for _ in 0..LOOKS {
        if condition().await {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}
