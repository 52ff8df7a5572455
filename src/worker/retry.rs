//! When a message that no provider takes is tried again, and when no more.

use jiff::{SignedDuration, Timestamp};
use rand::RngExt;

use super::{Options, millis};
use crate::model::Randomness;
use crate::store::outbox::Effect;

/// What a message needs at the least to be of use once it arrives: time to be read and typed.
const TO_READ: SignedDuration = SignedDuration::from_secs(30);

/// The pause before an effect's next try: it doubles with each, and is of another length each time, or all who failed at
/// once would come again at once.
pub(super) fn wait(options: &Options, effect: &Effect, randomness: &Randomness) -> SignedDuration {
    let most = options.retry_most_seconds.saturating_mul(1_000);
    let doublings = u32::try_from(effect.tries).unwrap_or(u32::MAX).min(32);
    let longest = options.retry_ms.saturating_mul(1_u64 << doublings).min(most).max(2);
    let mut rng = randomness.stream(&format!("retry/{}/{}", effect.id, effect.tries));
    millis(rng.random_range(longest / 2..=longest))
}

/// Whether a try at that time is one too many, or comes too late to be of use. `effect` is as it was before this try.
pub(super) fn is_worth_it(options: &Options, effect: &Effect, next: Timestamp) -> bool {
    effect.tries + 1 < i64::from(options.max_tries) && next + TO_READ < effect.not_after
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EffectId;

    fn tried(tries: i64) -> Effect {
        let mut rng = Randomness::seeded(1).stream("effect");
        let id = EffectId::new(Timestamp::UNIX_EPOCH, &mut rng);
        let times = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_secs(600));
        Effect { tries, ..Effect::waiting(id, "sms", "sms.code", times) }
    }

    #[test]
    fn pauses_double_up_to_the_longest_and_differ() {
        let (options, randomness) = (Options::default(), Randomness::seeded(1));
        let pause = |tries| wait(&options, &tried(tries), &randomness).as_millis();
        for (tries, longest) in [(0, 1_000), (1, 2_000), (2, 4_000), (5, 32_000), (6, 60_000), (900, 60_000)]
        {
            assert!((longest / 2..=longest).contains(&pause(tries)), "{tries}: {}", pause(tries));
        }
        let lengths: std::collections::BTreeSet<_> = (6..40).map(pause).collect();
        assert!(lengths.len() > 20, "{lengths:?}");
    }

    #[test]
    fn it_ends_after_so_many_tries_and_before_the_message_is_worth_nothing() {
        let options = Options::default();
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        assert!(is_worth_it(&options, &tried(0), at(569)));
        assert!(!is_worth_it(&options, &tried(0), at(570)));
        assert!(is_worth_it(&options, &tried(6), at(1)));
        assert!(!is_worth_it(&options, &tried(7), at(1)), "eight tries are the most");
    }
}
