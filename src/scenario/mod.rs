//! Floor 9: conversations that replay.
//!
//! A scenario is a transcript that people can read. [`play`] drives a whole app with it, the one that production builds,
//! with doubles only where the world outside begins: a clock that stands still, seeded randomness, a recording sender.
//! [`play_with_crashes`] plays it again and again, killing the process at another boundary each time; it has to end the
//! same. Each play has a database of its own.
//!
//! What language models said is kept beside a scenario and said again (`recordings`).
//!
//! What a turn used (`used`) is counted by the play and the turn, whatever runs beside it. Budgets bind the plain play
//! alone: a turn that is run again after a crash, or that a second classifier hears too, uses more.
//!
//! It does not know HTTP, nor what a right answer is: the files in `fixtures/scenarios/` say that.
//!
//! Adding a scenario: a file in `fixtures/scenarios/`, or in the folder of the agent that it shows. Adding a kind of line: see `format/mod.rs`. Adding something that
//! a person can do outside the chat: a command, and its arm in `player/commands.rs`.

pub mod capture;
mod coverage;
mod crash;
mod doubles;
pub mod format;
mod matrix;
mod place;
mod player;
mod process;
pub mod recordings;
mod report;
mod used;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

pub use coverage::Coverage;
pub use format::{Problem, Problems, Scenario};
pub use matrix::{Cell, Matrix};
pub use report::{Failure, Report, junit, latency};
pub use used::{FIGURES, Used};

use crate::app::sources;
use crate::classify::{self, Classifier, Training};
use crate::llm::Llm;
use crate::{graph, prompt};

/// Where scenarios are played, and what they share.
#[derive(Debug, Clone)]
pub struct Setup {
    /// A Postgres server, in which each play gets a schema of its own; a file for each where there is none.
    database: Option<String>,
    /// What understands: trained once for each list of agents' folders, on what people say to every graph there is.
    classifiers: Arc<Mutex<BTreeMap<Vec<PathBuf>, Arc<Classifier>>>>,
    source: Option<Arc<dyn Llm>>,
    keeps: bool,
    shadow: Option<Arc<Classifier>>,
}

/// Scenarios that cannot be played at all.
#[derive(Debug, thiserror::Error)]
pub enum Unprepared {
    /// The graphs or their texts do not load.
    #[error(transparent)]
    Broken(#[from] sources::Broken),
    /// The classifier cannot be trained.
    #[error(transparent)]
    Classifier(#[from] classify::Error),
}

impl Setup {
    /// Files, or schemas of that server. Training the classifier takes longer than many plays, so it is done here.
    pub fn new(database: Option<String>) -> Result<Self, Unprepared> {
        let classifiers = Arc::default();
        let setup = Self { database, classifiers, source: None, keeps: false, shadow: None };
        setup.classifier(&graph::Options::default())?;
        Ok(setup)
    }

    /// The classifier of scenarios that load these agents.
    fn classifier(&self, graphs: &graph::Options) -> Result<Arc<Classifier>, Unprepared> {
        let agents = &graphs.agents;
        let mut trained = self.classifiers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = trained.get(agents) {
            return Ok(Arc::clone(known));
        }
        let options = graph::Options { folder: None, ..graphs.clone() };
        let (_, graphs) = sources::load(&prompt::Options::default(), &options)?;
        let training = Training { graphs: Some(&graphs), cache: None };
        let made = Arc::new(Classifier::trained(&classify::Options::default(), training)?);
        trained.insert(agents.clone(), Arc::clone(&made));
        Ok(made)
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
