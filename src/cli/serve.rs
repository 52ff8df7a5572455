//! `vestibule serve`.

use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, block_on, out};
use crate::app::{App, Doubles};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::{mask, telemetry};

pub(super) fn run(config: Config) -> Result<(), Failure> {
    let traces = telemetry::init(&config.telemetry, Arc::new(SystemClock), mask::line)
        .map_err(|e| Failure::Usage(format!("telemetry: {:#}", anyhow::Error::from(e))))?;
    block_on(async {
        let app = App::build(config, Doubles::default()).await?;
        let serving = app.serve().await?;
        out::line(&format!("Vestibule is listening on http://{}", serving.address()));
        stopped().await?;
        let ended = serving.shutdown().await;
        traces.shutdown().await;
        ended
    })
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stopped() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for signals"),
        _ = terminate.recv() => Ok(()),
    }
}
