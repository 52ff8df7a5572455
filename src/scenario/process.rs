//! An app in a runtime of its own, so that it can be killed: when the runtime goes, every task of it stays where it is,
//! which is what `kill -9` looks like to the database.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use super::doubles::Halts;
use crate::app::{App, Doubles};
use crate::config::Config;

/// How long anything may take before it counts as hanging. Nothing waits for this long when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there was no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stopped {
    /// The process stopped at its boundary.
    #[error("the process was stopped at a boundary outside a turn")]
    Crashed,
    /// It took too long.
    #[error("no result after {} seconds", PATIENCE.as_secs())]
    Hangs,
    /// Its task ended without a result.
    #[error("the task ended without a result")]
    Lost,
    /// The app could not be built.
    #[error("the app cannot be built: {0}")]
    Unbuildable(String),
}

/// A running app.
#[derive(Debug)]
pub(super) struct Process {
    runtime: Option<Runtime>,
    app: Arc<App>,
    halts: Arc<Halts>,
}

impl Process {
    pub(super) async fn start(config: Config, doubles: Doubles, halts: Arc<Halts>) -> Result<Self, Stopped> {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.map_err(|e| Stopped::Unbuildable(e.to_string()))?;
        let handle = runtime.handle().clone();
        // Building is blocked on and not spawned, because the migrator's future cannot move between threads.
        let building = tokio::task::spawn_blocking(move || handle.block_on(App::build(config, doubles)));
        match tokio::time::timeout(PATIENCE, building).await {
            Ok(Ok(Ok(app))) => Ok(Self { runtime: Some(runtime), app: Arc::new(app), halts }),
            failed => {
                runtime.shutdown_background();
                Err(match failed {
                    Ok(Ok(Err(e))) => Stopped::Unbuildable(format!("{e:#}")),
                    Ok(_) => Stopped::Lost,
                    Err(_) => Stopped::Hangs,
                })
            }
        }
    }

    pub(super) fn app(&self) -> &Arc<App> {
        &self.app
    }

    /// Runs a future inside the process.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Stopped> {
        let Some(runtime) = &self.runtime else { return Err(Stopped::Lost) };
        let task = runtime.spawn(future);
        tokio::select! {
            biased;
            () = self.halts.stopped() => Err(Stopped::Crashed),
            ended = tokio::time::timeout(PATIENCE, task) => match ended {
                Ok(Ok(result)) => Ok(result),
                Ok(Err(_)) => Err(Stopped::Lost),
                Err(_) => Err(Stopped::Hangs),
            },
        }
    }

    /// Ends the app as an operator does.
    pub(super) async fn shutdown(mut self) -> Result<(), Stopped> {
        let Some(runtime) = self.runtime.take() else { return Ok(()) };
        let app = Arc::clone(&self.app);
        drop(self);
        let Some(app) = Arc::into_inner(app) else { return Err(Stopped::Lost) };
        let ended = tokio::time::timeout(PATIENCE, runtime.spawn(app.shutdown())).await;
        end(runtime).await;
        match ended {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Stopped::Lost),
            Err(_) => Err(Stopped::Hangs),
        }
    }

    /// Ends the app as a power cut does.
    pub(super) async fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            end(runtime).await;
        }
    }
}

/// Waits until nothing of the runtime runs any more, so that the next process has the database for itself.
async fn end(runtime: Runtime) {
    let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE)).await;
    // A runtime that does not end in time is left behind; whoever needs its database will say so.
    drop(ended);
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
