//! Language models: everything a server may send, what a provider is shown, and what its answers can do.

mod faults;
mod injection;
mod provider;
mod recorded;

mod shown;
mod talk;
mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use vestibule::app::Doubles;
use vestibule::clock::MovableClock;
use vestibule::config::Config;
use vestibule::fetch::Fetch;
use vestibule::llm::{OpenAi, Options};
use vestibule::model::Randomness;

use crate::support::app::{TestApp, config};
use crate::support::db::TestDb;
use crate::support::samples::at;

/// Options for a server of a test's own: patient enough for a busy machine, and not more.
fn options(url: &str) -> Options {
    Options {
        base_url: url.to_owned(),
        models: vec!["one".to_owned(), "two".to_owned()],
        call_ms: 3_000,
        turn_ms: 8_000,
        ..Options::default()
    }
}

fn client(options: &Options) -> OpenAi {
    OpenAi::new(options, &fetch(), Arc::new(MovableClock::fixed(at(0))), Randomness::seeded(1)).unwrap()
}

fn fetch() -> Fetch {
    Fetch::new(&vestibule::fetch::Options::default()).unwrap()
}

/// An app that asks that server.
pub(crate) async fn app(db: &TestDb, url: &str, change: impl FnOnce(&mut Config)) -> TestApp {
    let mut config = config(db);
    config.llm = options(url);
    config.llm.owner_per_minute = 0;
    config.llm.network_per_minute = 0;
    change(&mut config);
    TestApp::with_doubles(db, config, seeded(), (&clock(), &Arc::default())).await
}

fn clock() -> Arc<MovableClock> {
    Arc::new(MovableClock::fixed(at(0)))
}

/// Each app of a test makes ids of its own.
fn seeded() -> Doubles {
    static SEED: AtomicU64 = AtomicU64::new(1_000);
    let seed = SEED.fetch_add(1, Ordering::Relaxed);
    Doubles { randomness: Some(Randomness::seeded(seed)), ..Doubles::default() }
}
