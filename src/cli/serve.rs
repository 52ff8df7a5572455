//! `vestibule serve`.

use std::sync::Arc;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, block_on, out};
use crate::app::{App, Doubles};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::fetch::Fetch;
use crate::{mask, telemetry};

pub(super) fn run(config: Config) -> Result<(), Failure> {
    block_on(async { Ok(serve(config).await) })?
}

async fn serve(config: Config) -> Result<(), Failure> {
    let fetch = Fetch::new(&config.fetch).map_err(anyhow::Error::from)?;
    let traces = telemetry::init(&config.telemetry, &fetch, Arc::new(SystemClock), mask::line)
        .map_err(|e| Failure::Usage(format!("telemetry: {:#}", anyhow::Error::from(e))))?;
    let app = App::build(config, Doubles { fetch: Some(fetch), ..Doubles::default() }).await?;
    let serving = app.serve().await?;
    out::line(&format!("Vestibule is listening on http://{}", serving.address()));
    stopped().await?;
    let ended = serving.shutdown().await;
    traces.shutdown().await;
    Ok(ended?)
}

/// Resolves at Ctrl-C or SIGTERM.
async fn stopped() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for signals")?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted.context("cannot listen for signals"),
        _ = terminate.recv() => Ok(()),
    }
}
