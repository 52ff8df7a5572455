//! In the profile `dev`, a server takes up changes of its graphs, agents and replies while it runs.
//!
//! Once a second the files' times and sizes are looked at. Where one differs, everything is read, proved and trained anew, and
//! takes the old one's place as a whole; what does not load leaves the old one in force, and its problems are logged, each with
//! its place. What is compiled in does not change. Turns under way end as they began.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::{sources, understanding};
use crate::config::Config;
use crate::engine::{Engine, Talk};
use crate::llm::Llm;
use crate::model::Profile;

/// Between two looks.
const PAUSE: Duration = Duration::from_secs(1);
/// Folders within folders that are looked at: an agent's, and its versions.
const DEPTH: usize = 2;

/// What is watched: each file, when it was changed, and its length in bytes.
type Look = Vec<(PathBuf, Option<SystemTime>, u64)>;

/// Watches the files of a configuration.
pub(super) struct Watch {
    pub(super) config: Config,
    pub(super) engine: Arc<Engine>,
    /// The language model, which does not change.
    pub(super) llm: Option<Arc<dyn Llm>>,
}

impl Watch {
    /// The watch over a server in `dev`, where there is anything that could change.
    pub(super) fn of(config: &Config, engine: &Arc<Engine>, llm: Option<Arc<dyn Llm>>) -> Option<Self> {
        let is_needed = config.profile == Profile::Dev && folders(config).next().is_some();
        is_needed.then(|| Self { config: config.clone(), engine: Arc::clone(engine), llm })
    }

    /// Looks again and again, until it is stopped.
    pub(super) async fn run(self, stop: CancellationToken) {
        let watch = Arc::new(self);
        let mut seen = look(&watch.config);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            let now = look(&watch.config);
            if now == seen {
                continue;
            }
            seen = now;
            let at_work = Arc::clone(&watch);
            // Training takes a moment, and no turn is to wait for it.
            match tokio::task::spawn_blocking(move || at_work.load()).await {
                Ok(Ok(talk)) => {
                    watch.engine.change(talk);
                    info!("The conversation was loaded anew");
                }
                Ok(Err(problems)) => tell(&problems),
                Err(fault) => error!(error = %fault, "The conversation could not be loaded anew"),
            }
        }
    }

    fn load(&self) -> anyhow::Result<Talk> {
        let (replies, graphs) = sources::load(&self.config.prompt, &self.config.graph)?;
        let classifier = understanding::retrained(&self.config, &graphs, self.llm.clone())?;
        Ok(Talk { graphs: Arc::new(graphs), classifier, replies: Arc::new(replies) })
    }
}

/// One line of the log for each problem.
fn tell(problems: &anyhow::Error) {
    let text = format!("{problems:#}");
    for what in text.lines() {
        error!(what, "The conversation is not loaded anew; the one before is in force");
    }
}

fn folders(config: &Config) -> impl Iterator<Item = &PathBuf> {
    config.graph.folder.iter().chain(&config.graph.agents).chain(&config.prompt.folder)
}

fn look(config: &Config) -> Look {
    let mut look = Look::new();
    for folder in folders(config) {
        add(folder, DEPTH, &mut look);
    }
    look.sort();
    look
}

/// The files of a folder. One that cannot be read, or goes meanwhile, is a change, and is told when it is loaded.
fn add(folder: &Path, depth: usize, look: &mut Look) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        match std::fs::metadata(&path) {
            Ok(about) if about.is_dir() && depth > 1 => add(&path, depth - 1, look),
            Ok(about) if about.is_file() => look.push((path, about.modified().ok(), about.len())),
            _ => {}
        }
    }
}
