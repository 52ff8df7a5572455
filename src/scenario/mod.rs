//! Floor 9: conversations that replay.
//!
//! A scenario is a transcript that people can read. [`play`] drives a whole app with it, the one that production builds,
//! with doubles only where the world outside begins: a clock that stands still, seeded randomness, a recording sender.
//! [`play_with_crashes`] plays it again and again, killing the process at another boundary each time; it has to end the
//! same. Each play has a database of its own.
//!
//! What language models said is kept beside a scenario and said again (`recordings`).
//!
//! It does not know HTTP, nor what a right answer is: the files in `fixtures/scenarios/` say that.
//!
//! Adding a scenario: a file in `fixtures/scenarios/`. Adding a kind of line: see `format/mod.rs`. Adding something that
//! a person can do outside the chat: a command, and its arm in `player/commands.rs`.

mod coverage;
mod crash;
mod doubles;
pub mod format;
mod place;
mod player;
mod process;
pub mod recordings;
mod report;

use std::sync::Arc;

pub use coverage::Coverage;
pub use format::{Problem, Problems, Scenario};
pub use report::{Failure, Report, junit, latency};

use crate::classify::{self, Classifier};
use crate::llm::Llm;

/// Where scenarios are played, and what they share.
#[derive(Debug, Clone)]
pub struct Setup {
    /// A Postgres server, in which each play gets a schema of its own; a file for each where there is none.
    database: Option<String>,
    classifier: Arc<Classifier>,
    source: Option<Arc<dyn Llm>>,
    keeps: bool,
    shadow: Option<Arc<Classifier>>,
}

impl Setup {
    /// Files, or schemas of that server. Training the classifier takes longer than many plays, so it is done here.
    pub fn new(database: Option<String>) -> Result<Self, classify::Error> {
        let classifier = Arc::new(Classifier::new(&classify::Options::default())?);
        Ok(Self { database, classifier, source: None, keeps: false, shadow: None })
    }

    /// Asks that model instead of saying what is recorded.
    #[must_use]
    pub fn asking(self, source: Arc<dyn Llm>) -> Self {
        Self { source: Some(source), ..self }
    }

    /// The same, and keeps what it says in the reports; a scenario in which it fails fails.
    #[must_use]
    pub fn recording(self, source: Arc<dyn Llm>) -> Self {
        Self { keeps: true, ..self.asking(source) }
    }

    /// Lets another classifier hear every message too; the reports tell what would go elsewhere.
    #[must_use]
    pub fn shadowed_by(self, shadow: Arc<Classifier>) -> Self {
        Self { shadow: Some(shadow), ..self }
    }
}

/// Plays a scenario once.
pub async fn play(scenario: &Scenario, setup: &Setup) -> Report {
    player::run(scenario, setup, None).await.report(scenario)
}

/// Plays a scenario once as it is, and once for each boundary it passes, with the process killed there.
pub async fn play_with_crashes(scenario: &Scenario, setup: &Setup) -> Report {
    crash::play(scenario, setup).await
}
