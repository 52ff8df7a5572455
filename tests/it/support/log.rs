//! A place that log lines are written to.

use std::io::Write;
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt;
use vestibule::telemetry::{self, Lines};

use super::app::TestApp;

/// Everything that was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// What an app logs on this thread, for as long as the guard is held.
    pub(crate) fn of(app: &TestApp) -> (Self, DefaultGuard) {
        let log = Self::default();
        let sink = log.clone();
        let lines = Lines::new(move || sink.clone(), Arc::clone(&app.clock) as _, str::to_owned);
        let filter = telemetry::filter("off,vestibule=info").unwrap();
        let subscriber = tracing_subscriber::registry().with(filter).with(lines);
        (log, tracing::subscriber::set_default(subscriber))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn errors(&self) -> Vec<String> {
        self.text().lines().filter(|line| line.contains("[ERROR]")).map(str::to_owned).collect()
    }
}
