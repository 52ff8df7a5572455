//! Time as an argument.

use std::fmt::Debug;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// What [`Clock::sleep_until`] gives back.
pub type Sleep<'a> = BoxFuture<'a, ()>;

/// Where every part of the product gets the time from. The system's clock in production, a movable one in the profile
/// `test` and in scenarios.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The present moment, in UTC.
    fn now(&self) -> Timestamp;

    /// Resolves once [`Clock::now`] is at or after `deadline`.
    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_>;
}
