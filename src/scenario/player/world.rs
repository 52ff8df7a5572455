//! What is around a conversation: the process, the clock, the provider, the database.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Broken, stopped};
use crate::app::Doubles;
use crate::bus::Boundaries;
use crate::clock::MovableClock;
use crate::config::{Config, Sources};
use crate::crypto::Keys;
use crate::engine::{Elsewhere, OUTSIDE, Observer, Occasion, Shadow, TIMER};
use crate::graph::EdgeId;
use crate::handoff;
use crate::llm::Llm;
use crate::model::{Actor, Clock, EffectId, Randomness, Secret};
use crate::scenario::Setup;
use crate::scenario::doubles::{Backend, Halts, People, Provider};
use crate::scenario::format::{Channel, Scenario};
use crate::scenario::matrix::{self, Cell};
use crate::scenario::place::{NextGraphs, Place};
use crate::scenario::process::{Process, Stopped};
use crate::scenario::recordings::Recorder;
use crate::scenario::used::Used;
use crate::store::outbox::{Effect, EffectStatus};
use crate::store::{self, Store};
use crate::tool::otp;
use crate::worker::Outside;

/// The key of every scenario's app; what is sealed under it protects nothing.
const KEY: &str = "c2NlbmFyaW9zIGFyZSBwbGF5ZWQgd2l0aCB0aGlzIGtleQ==";
/// A first try is over at once: nobody has to move the clock by seconds to get on after a crash, and the times in a
/// transcript stay what they are.
const FIRST_TRY_MS: i64 = 1;
/// More effects than a scenario has.
const MANY: u32 = 1_000;

/// The edges that were passed, and the repairs that they showed.
pub(super) type Seen = Arc<Mutex<(BTreeSet<EdgeId>, BTreeSet<Cell>)>>;

pub(super) struct World<'a> {
    pub(super) clock: Arc<MovableClock>,
    pub(super) provider: Arc<Provider>,
    pub(super) backend: Arc<Backend>,
    pub(super) people: Arc<People>,
    /// By how much times may be later than in the transcript.
    pub(super) late: SignedDuration,
    /// What says what language models said.
    pub(super) recorder: Option<Arc<Recorder>>,
    elsewhere: Arc<Mutex<Vec<Elsewhere>>>,
    /// Edges that turns passed so far.
    steps: Arc<AtomicU64>,
    /// Effects whose worker was killed while it had them.
    pub(super) abandoned: BTreeSet<EffectId>,
    process: Option<Process>,
    config: Config,
    scenario: &'a Scenario,
    setup: &'a Setup,
    seen: Seen,
    halts: Arc<Halts>,
    started: u64,
    /// The folder of the graphs, where they are not those compiled in.
    graphs: Option<NextGraphs>,
}

/// An effect whose worker was killed, with what its message would have said.
pub(super) struct Abandoned {
    pub(super) effect: Effect,
    /// How it would have left; `None` is not at all.
    pub(super) channel: Option<Channel>,
    pub(super) to: String,
    pub(super) code: Option<String>,
}

impl<'a> World<'a> {
    pub(super) async fn start(
        scenario: &'a Scenario,
        setup: &'a Setup,
        place: &Place,
        (seen, halts): (&Seen, &Arc<Halts>),
    ) -> Result<Self, Broken> {
        let config = config(scenario, place)?;
        let models = config.llm.models.clone();
        let playing = || Arc::new(Recorder::playing(scenario.recordings.clone(), models.clone()));
        let recorder = match &setup.source {
            Some(source) => Some(Arc::new(Recorder::asking(Arc::clone(source), setup.keeps))),
            // A scenario that configures models speaks with none of them but those that were recorded.
            None => (!scenario.recordings.is_empty() || !models.is_empty()).then(playing),
        };
        let mut world = Self {
            recorder,
            elsewhere: Arc::default(),
            steps: Arc::default(),
            clock: Arc::new(MovableClock::fixed(scenario.clock)),
            provider: Arc::default(),
            backend: Arc::default(),
            people: Arc::default(),
            late: SignedDuration::ZERO,
            abandoned: BTreeSet::new(),
            process: None,
            config,
            scenario,
            setup,
            seen: Arc::clone(seen),
            halts: Arc::clone(halts),
            started: 0,
            graphs: None,
        };
        world.boot().await?;
        Ok(world)
    }

    async fn boot(&mut self) -> Result<(), Broken> {
        let told = Arc::clone(&self.seen);
        let passed = Arc::clone(&self.steps);
        let observer = Observer::new(move |turn| {
            if turn.occasion == Occasion::Turn {
                passed.fetch_add(turn.steps.len() as u64, Ordering::Relaxed);
            }
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            told.0.extend(turn.steps.iter().cloned());
            told.1.extend(matrix::cells(turn));
        });
        let learned = || self.setup.classifier(&self.config.graph).map_err(|e| e.to_string());
        let own = self.scenario.config.iter().any(|(name, _)| name.starts_with("VESTIBULE__CLASSIFY"));
        // Another process draws other things: with the same seed it would make the ids of the one before again.
        let seed = self.scenario.seed.wrapping_add(self.started.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        self.started += 1;
        let doubles = Doubles {
            clock: Some(Arc::clone(&self.clock) as Arc<dyn Clock>),
            randomness: Some(Randomness::seeded(seed)),
            sms: Some(Arc::clone(&self.provider) as Arc<dyn crate::sms::Sms>),
            mail: Some(Arc::clone(&self.provider) as Arc<dyn crate::mail::Mail>),
            boundaries: Boundaries::with(Arc::clone(&self.halts) as Arc<dyn crate::bus::Halt>),
            observer: Some(observer),
            llm: self.recorder.clone().map(|recorder| recorder as Arc<dyn Llm>),
            shadow: self.setup.shadow.clone().map(|classifier| {
                let told = Arc::clone(&self.elsewhere);
                let tell = move |what| told.lock().unwrap_or_else(PoisonError::into_inner).push(what);
                Shadow::new(classifier, tell)
            }),
            fetch: None,
            outside: Some(Arc::clone(&self.backend) as Arc<dyn Outside>),
            desk: Some(Arc::clone(&self.people) as Arc<dyn crate::handoff::Desk>),
            classifier: if own { None } else { Some(learned()?) },
        };
        let process = Process::start(self.config.clone(), doubles, Arc::clone(&self.halts)).await;
        self.process = Some(process.map_err(|e| stopped(&e))?);
        Ok(())
    }

    /// What turns have used so far but for statements, which are counted where a turn runs.
    pub(super) fn used(&self) -> Used {
        let spent = self.recorder.as_ref().map(|recorder| recorder.spent()).unwrap_or_default();
        Used { steps: self.steps.load(Ordering::Relaxed), ..Used::of_models(&spent) }
    }

    /// What would have gone elsewhere since the last look.
    pub(super) fn elsewhere(&self) -> Vec<Elsewhere> {
        std::mem::take(&mut self.elsewhere.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn process(&self) -> Result<&Process, Stopped> {
        self.process.as_ref().ok_or(Stopped::Lost)
    }

    /// Asks the store, inside the process.
    pub(super) async fn ask<T, F>(
        &self,
        question: impl FnOnce(Store) -> F + Send + 'static,
    ) -> Result<T, Broken>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, store::Error>> + Send + 'static,
    {
        let process = self.process().map_err(|e| stopped(&e))?;
        let store = process.app().store().clone();
        let answer = process.run(async move { question(store).await }).await;
        answer.map_err(|e| stopped(&e))?.map_err(|e| format!("the store failed: {e}"))
    }

    /// Waits until the worker has done everything that is to be done by now.
    pub(super) async fn settle(&self) -> Result<(), Broken> {
        let now = self.clock.now();
        let (abandoned, halts) = (self.abandoned.clone(), Arc::clone(&self.halts));
        let work = move |store: Store| async move {
            let system = Actor::System;
            loop {
                let is_due = !store.due_changes(&system, now, MANY).await?.is_empty();
                // In one look: between two, one that is claimed, or is queued again, could pass unseen.
                let effects = store.open_effects(&system, MANY).await?;
                let is_open = effects.iter().any(|effect| match effect.status {
                    EffectStatus::Queued => effect.due_at.is_some_and(|at| at <= now),
                    EffectStatus::Claimed => {
                        effect.claimed_until.is_some_and(|until| until <= now)
                            || !abandoned.contains(&effect.id)
                    }
                    _ => false,
                });
                let is_untold = !store.untold_effects(&system, (Timestamp::MAX, now), MANY).await?.is_empty();
                if !is_due && !is_open && !is_untold && halts.is_between_tries() {
                    return Ok(());
                }
                tokio::task::yield_now().await;
            }
        };
        self.ask(work).await.map_err(|what| format!("the worker does not come to rest: {what}"))
    }

    /// The same; false where the process was stopped at its boundary meanwhile.
    pub(super) async fn settle_or_crash(&self) -> Result<bool, Broken> {
        match self.settle().await {
            Ok(()) => Ok(true),
            Err(_) if self.halts.has_stopped() => Ok(false),
            Err(what) => Err(what),
        }
    }

    /// Moves the clock past the time for which an answer is provisional: twice the wait for its message's first try.
    pub(super) fn moment(&mut self) {
        let moment = SignedDuration::from_millis(2 * FIRST_TRY_MS);
        self.clock.advance(moment);
        self.late += moment;
    }

    /// Stops and starts, as an operator does.
    pub(super) async fn restart(&mut self) -> Result<(), Broken> {
        if let Some(process) = self.process.take() {
            process.shutdown().await.map_err(|e| stopped(&e))?;
        }
        self.boot().await?;
        self.settle().await
    }

    /// Stops, and starts with graphs of another version.
    pub(super) async fn regraph(&mut self, agent: Option<&Path>) -> Result<(), Broken> {
        if let Some(folder) = agent {
            self.config.graph.agents = vec![folder.to_owned()];
            return self.restart().await;
        }
        let graphs = NextGraphs::write().map_err(|e| format!("graphs of another version: {e}"))?;
        self.config.graph.folder = Some(graphs.folder().to_owned());
        self.graphs = Some(graphs);
        self.restart().await
    }

    /// Kills what is left of a stopped process and starts another one; gives what the dead worker had claimed.
    pub(super) async fn recover(&mut self) -> Result<Vec<Abandoned>, Broken> {
        if let Some(process) = self.process.take() {
            process.kill().await;
        }
        self.halts = Arc::new(Halts::new(None));
        self.boot().await?;
        let found = self.claimed().await?;
        // What may be worked on twice is, once its dead worker's claim has ended.
        let (calls, messages): (Vec<_>, _) =
            found.into_iter().partition(|a| a.channel.is_none() && is_again(&a.effect));
        if let Some(lease) = self.longest(calls.iter().map(|call| &call.effect)) {
            self.clock.advance(lease);
            self.late += lease;
        }
        let found: Vec<Abandoned> = messages;
        self.abandoned.extend(found.iter().map(|a| a.effect.id.clone()));
        self.settle().await?;
        Ok(found)
    }

    async fn claimed(&self) -> Result<Vec<Abandoned>, Broken> {
        let app = self.process().map_err(|e| stopped(&e))?.app();
        let (keys, own) = (Arc::clone(app.shared_keys()), app.worker_name().to_owned());
        let effects = self
            .ask(|store| async move { store.stale_claims(&Actor::System, Timestamp::MAX, MANY).await })
            .await?;
        let mut found = Vec::new();
        // The new process works from its first moment on, and what it has claimed is not abandoned.
        for effect in effects.into_iter().filter(|e| e.claimed_by.as_ref() != Some(&own)) {
            let mut to = String::new();
            if let Some(sealed) = &effect.destination_sealed {
                let plain = keys.open(effect.id.as_str(), sealed).map_err(|e| e.to_string())?;
                to = String::from_utf8(plain.to_vec()).map_err(|e| e.to_string())?;
            }
            let channel = match effect.kind.as_str() {
                "sms" => Some(Channel::Sms),
                "email" => Some(Channel::Mail),
                _ => None,
            };
            let code = self.code_in(&effect, (&keys, &to)).await?;
            found.push(Abandoned { effect, channel, to, code });
        }
        Ok(found)
    }

    /// The code a message would have carried; a notice has none.
    async fn code_in(&self, effect: &Effect, (keys, to): (&Keys, &str)) -> Result<Option<String>, Broken> {
        let Some((id, of)) = effect.challenge.clone().zip(effect.conversation.clone()) else {
            return Ok(None);
        };
        let row =
            self.ask(move |store| async move { store.challenge(&Actor::System, &of, &id).await }).await?;
        let row = row.ok_or("an effect names a challenge that is not there")?;
        let code = otp::code_of(keys, &row, to).ok_or("a challenge's pepper is out of use")?;
        Ok(Some(code.expose().to_owned()))
    }

    /// Moves the clock past every lease; nothing may be claimed then.
    pub(super) async fn let_leases_end(&self) -> Result<(), Broken> {
        let claimed = self
            .ask(|store| async move { store.stale_claims(&Actor::System, Timestamp::MAX, MANY).await })
            .await?;
        let lease = i64::try_from(self.config.worker.lease_seconds).unwrap_or(i64::MAX);
        let longest = self.longest(claimed.iter()).unwrap_or_default();
        self.clock.advance(longest.max(SignedDuration::from_secs(lease)));
        self.settle().await
    }

    /// How long the longest of these claims holds from now on; none where there is none.
    fn longest<'e>(&self, claimed: impl Iterator<Item = &'e Effect>) -> Option<SignedDuration> {
        let until = claimed.filter_map(|effect| effect.claimed_until).max()?;
        Some(until.duration_since(self.clock.now()).max(SignedDuration::ZERO))
    }

    pub(super) async fn end(&mut self) -> Result<(), Broken> {
        match self.process.take() {
            Some(process) => process.shutdown().await.map_err(|e| stopped(&e)),
            None => Ok(()),
        }
    }
}

/// Whether another worker takes it up.
fn is_again(effect: &Effect) -> bool {
    [OUTSIDE, TIMER, handoff::KIND].contains(&effect.kind.as_str())
}

fn config(scenario: &Scenario, place: &Place) -> Result<Config, Broken> {
    let own = |name: &str, value: String| (name.to_owned(), value);
    let mut env = vec![
        own("VESTIBULE__WORKER__FIRST_TRY_MS", FIRST_TRY_MS.to_string()),
        own("VESTIBULE__WORKER__POLL_MS", "10".to_owned()),
    ];
    env.extend(scenario.config.iter().cloned());
    let mut config = Config::load(&Sources { file: None, env }).map_err(|problems| problems.to_string())?;
    config.store = place.options.clone();
    config.crypto.key = Some(Secret::new(KEY));
    config.crypto.key_file = None;
    Ok(config)
}
