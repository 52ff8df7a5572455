//! What was learnt of each model, for answers and for streams apart: how often it failed, and what its server takes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use super::dialect::Dialect;
use super::{Error, Options};
use crate::model::Breaker;

/// How long a lower rung is spoken before the strict schema is tried again: servers are updated, and a refusal may have
/// been a passing one.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(1);

/// A model, asked for an answer or for a stream.
pub(super) type Name<'a> = (&'a str, bool);

/// The models that were asked.
#[derive(Debug, Default)]
pub(super) struct Models(Mutex<BTreeMap<(String, bool), Known>>);

#[derive(Debug, Default)]
struct Known {
    breaker: Breaker,
    dialect: Dialect,
    since: Timestamp,
}

impl Models {
    fn of<T>(&self, (model, streams): Name<'_>, with: impl FnOnce(&mut Known) -> T) -> T {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        with(known.entry((model.to_owned(), streams)).or_default())
    }

    /// Whether a request may go to a model.
    pub(super) fn admits(&self, name: Name<'_>, now: Timestamp, options: &Options) -> bool {
        self.of(name, |known| known.breaker.admits(now, rest(options)))
    }

    /// What to speak with a model.
    pub(super) fn dialect(&self, name: Name<'_>, now: Timestamp) -> Dialect {
        self.of(name, |known| {
            let is_old = known.dialect.is_lowered() && now >= known.since + REMEMBERED;
            if is_old { Dialect::default() } else { known.dialect }
        })
    }

    /// A model answered in a dialect.
    pub(super) fn remember(&self, name: Name<'_>, dialect: Dialect, now: Timestamp) {
        let changed = self.of(name, |known| {
            let changed = known.dialect.rung != dialect.rung;
            if changed || !dialect.is_lowered() {
                known.since = now;
            }
            known.dialect = dialect;
            changed
        });
        if changed {
            info!(model = name.0, rung = ?dialect.rung, "Model is asked for the form of its answers in another way");
        }
    }

    /// How it went with a model. What is the message's fault says that the model is there; a wait that was cut short by
    /// others says nothing.
    pub(super) fn learn(&self, name: Name<'_>, error: Option<&Error>, (now, options): (Timestamp, &Options)) {
        let fault = error.filter(|error| {
            let proven = self.of(name, |known| known.dialect.proven);
            !(matches!(error, Error::Refused | Error::CutOff) || (proven && error.is_of_the_message()))
        });
        let Some(error) = fault else { return self.of(name, |known| known.breaker.close()) };
        let asked_for = error.retry_after().and_then(|wait| SignedDuration::try_from(wait).ok());
        let until = now + asked_for.unwrap_or_default().max(rest(options));
        let at_once = error.is_final() || asked_for.is_some_and(|wait| wait > rest(options));
        let rests = self.of(name, |known| known.breaker.fail(options.breaker_failures, until, at_once));
        if rests {
            warn!(model = name.0, error = %error, until = %until, "Model is left alone for a while");
        }
    }
}

fn rest(options: &Options) -> SignedDuration {
    SignedDuration::from_secs(i64::from(options.breaker_seconds))
}
