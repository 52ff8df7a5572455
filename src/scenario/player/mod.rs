//! The player: one play of one scenario, on a database of its own.

mod checks;
mod commands;
mod turn;
mod world;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::doubles::Halts;
use super::format::{Budget, Channel, Command, Problems, Scenario, Step, What};
use super::matrix::Cell;
use super::place::Place;
use super::recordings::Exchange;
use super::report::{Failure, Report};
use super::used::Used;
use super::{Setup, process::Stopped};
use crate::bus::Boundary;
use crate::engine::{Answer, Credentials, Elsewhere, Request};
use crate::graph::EdgeId;
use crate::llm::Spent;
use crate::model::{ConversationId, EffectId, EventId, Secret, Verdict};
use world::{Seen, World};

/// What one play came to.
#[derive(Debug, Default)]
pub(super) struct Played {
    pub(super) failure: Option<Failure>,
    pub(super) latencies: Vec<Duration>,
    pub(super) edges: BTreeSet<EdgeId>,
    /// The repairs of conversations that were seen.
    pub(super) cells: BTreeSet<Cell>,
    /// What each turn used, those of repeated messages too.
    pub(super) used: Vec<Used>,
    /// What was answered, in order.
    pub(super) said: Vec<Said>,
    /// What each actor's conversation remembers in the end.
    pub(super) ends: Vec<Value>,
    /// The boundaries that were passed.
    pub(super) passed: Vec<Boundary>,
    /// By how much times may be later than in a play without a crash.
    pub(super) late: SignedDuration,
    /// What language models said and used.
    pub(super) exchanges: Vec<Exchange>,
    pub(super) spent: Vec<Spent>,
    /// What would have gone elsewhere.
    pub(super) elsewhere: Vec<(usize, Elsewhere)>,
}

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) line: usize,
    /// Reply, action, success, message, session, data and context.
    pub(super) view: Value,
    /// Its message's fate is uncertain because its worker died with it, so what was said of it may differ.
    pub(super) uncertain: bool,
}

impl Played {
    pub(super) fn report(self, scenario: &Scenario) -> Report {
        Report {
            failures: self.failure.into_iter().collect(),
            latencies: self.latencies,
            edges: self.edges,
            cells: self.cells,
            used: self.used,
            plays: 1,
            exchanges: self.exchanges,
            spent: self.spent,
            elsewhere: self.elsewhere,
            ..Report::of(scenario)
        }
    }
}

/// Somebody who speaks, as a client keeps them.
#[derive(Debug, Default)]
struct Person {
    device: Option<Secret>,
    session: Option<Secret>,
    sent: u32,
    last: Option<Sent>,
    conversation: Option<ConversationId>,
    /// The last event before the last message, and the conversation it is of.
    before: Option<(ConversationId, EventId)>,
}

/// The last message and its answer.
#[derive(Debug, Clone)]
struct Sent {
    request: Request,
    credentials: Credentials,
    answer: Answer,
}

/// A message on its way to somebody.
#[derive(Debug)]
struct Post {
    /// Whether a line has named it.
    named: bool,
    actor: usize,
    effect: EffectId,
    channel: Channel,
    to: String,
    subject: Option<String>,
    template: String,
    verdict: &'static str,
    /// A notice has none.
    code: Option<String>,
    /// Its worker died with it, before the provider had it.
    lost: bool,
}

/// Why a play ends early; the line is added where it is known.
type Broken = String;

struct Player<'a> {
    scenario: &'a Scenario,
    world: World<'a>,
    people: Vec<Person>,
    posts: Vec<Post>,
    /// How many of the things that the desk was told a line has named.
    desk_named: usize,
    /// How often the desk said something.
    desk_said: u32,
    /// Whether a message that was to be handed over again died with its worker.
    given_up: bool,
    /// Whether the clock was moved since the last answer.
    time_passed: bool,
    said: Vec<Said>,
    latencies: Vec<Duration>,
    elsewhere: Vec<(usize, Elsewhere)>,
    used: Vec<Used>,
    /// Whether it is played as it is, without a crash and without a second classifier.
    is_plain: bool,
}

/// Plays a scenario; with `stop_at`, the process is killed at that boundary and another one goes on.
pub(super) async fn run(scenario: &Scenario, setup: &Setup, stop_at: Option<usize>) -> Played {
    let seen = Seen::default();
    let halts = Arc::new(Halts::new(stop_at));
    let mut played = match Place::make(setup).await {
        Ok(place) => {
            let made = World::start(scenario, setup, &place, (&seen, &halts)).await;
            let played = match made {
                Ok(world) => {
                    let is_plain = stop_at.is_none() && setup.shadow.is_none();
                    Player::new(scenario, world, is_plain).play().await
                }
                Err(what) => broken(1, what),
            };
            match place.remove().await {
                Ok(()) => played,
                Err(e) => Played { failure: played.failure.or(broken(1, e.to_string()).failure), ..played },
            }
        }
        Err(e) => broken(1, format!("no database: {e}")),
    };
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    (played.edges, played.cells) = seen.clone();
    played.passed = halts.passed();
    played
}

/// What comes of a text that is no scenario.
pub(super) fn unreadable(problems: &Problems) -> Played {
    let first = problems.0.first();
    broken(
        first.map_or(1, |problem| problem.line),
        first.map(|problem| problem.what.clone()).unwrap_or_default(),
    )
}

fn broken(line: usize, what: String) -> Played {
    Played { failure: Some(Failure { line, what }), ..Played::default() }
}

fn stopped(why: &Stopped) -> Broken {
    why.to_string()
}

impl<'a> Player<'a> {
    fn new(scenario: &'a Scenario, world: World<'a>, is_plain: bool) -> Self {
        Self {
            scenario,
            world,
            people: scenario.actors.iter().map(|_| Person::default()).collect(),
            posts: Vec::new(),
            desk_named: 0,
            desk_said: 0,
            given_up: false,
            time_passed: false,
            said: Vec::new(),
            latencies: Vec::new(),
            elsewhere: Vec::new(),
            used: Vec::new(),
            is_plain,
        }
    }

    async fn play(mut self) -> Played {
        let mut failure = None;
        for step in &self.scenario.steps {
            if let Err(what) = self.step(step).await {
                failure = Some(Failure { line: step.line, what });
                break;
            }
        }
        let mut ends = Vec::new();
        if failure.is_none() {
            let line = self.scenario.steps.last().map_or(1, |step| step.line);
            match self.end().await {
                Ok(found) => ends = found,
                Err(what) => failure = Some(Failure { line, what }),
            }
        }
        let failure = failure.or_else(|| self.overspent());
        let late = self.world.late;
        let recorder = self.world.recorder.take();
        let (exchanges, spent) = recorder.map(|r| (r.known(), r.spent())).unwrap_or_default();
        let ended = self.world.end().await;
        let failure = failure.or_else(|| ended.err().map(|what| Failure { line: 1, what }));
        Played {
            failure,
            latencies: self.latencies,
            used: self.used,
            said: self.said,
            ends,
            late,
            exchanges,
            spent,
            elsewhere: self.elsewhere,
            ..Played::default()
        }
    }

    /// The first budget of the whole scenario that was not kept to.
    fn overspent(&self) -> Option<Failure> {
        let used = self.used.iter().copied().sum();
        let broken = |budget: &Budget| {
            let what = self.check_budget(&budget.fields, used).err()?;
            Some(Failure { line: budget.line, what })
        };
        self.scenario.budgets.iter().find_map(broken)
    }

    async fn step(&mut self, step: &Step) -> Result<(), Broken> {
        match &step.what {
            What::Say(pieces) => {
                self.time_passed = false;
                let text = self.text(pieces)?;
                self.say(step, text).await
            }
            What::Answer(fields) => {
                if std::mem::take(&mut self.time_passed) {
                    self.hear_news(step.actor).await?;
                }
                self.check_answer(fields)
            }
            What::Sent(wanted) => self.check_sent(wanted.as_ref()),
            What::Holds(fields) => self.check_holds(step.actor, fields).await,
            What::Pass(time) => {
                self.time_passed = true;
                self.world.clock.advance(*time);
                self.pass(step.actor).await
            }
            What::Do(command) => self.command(step.actor, command).await,
        }
    }

    async fn command(&mut self, actor: usize, command: &Command) -> Result<(), Broken> {
        match command {
            Command::Device => self.new_device(actor),
            Command::Restart => self.world.restart().await,
            Command::Regraph(agent) => self.world.regraph(agent.as_deref()).await,
            Command::Repeat => self.repeat(actor).await,
            Command::Logout => self.logout(actor).await,
            Command::Put { kind, items, signed_out } => {
                self.put(actor, (*kind, items.clone()), *signed_out).await
            }
            Command::Refuse(code) => {
                self.world.provider.will_say(Verdict::Refused { code: code.clone() });
                Ok(())
            }
            Command::Later(code) => {
                self.world.provider.will_say(Verdict::Later { code: code.clone(), after: None });
                Ok(())
            }
            Command::Backend(answer) => {
                self.world.backend.answers(answer.clone());
                Ok(())
            }
            Command::Desk(does) => self.desk(actor, does).await,
            Command::Hang => {
                self.world.provider.will_say(Verdict::Unknown { code: "timeout".to_owned() });
                Ok(())
            }
        }
    }
}
