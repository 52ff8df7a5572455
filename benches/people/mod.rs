//! People who register, one message after the other, in process: what the benches of turns share.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures::future::{BoxFuture, try_join_all};
use vestibule::app::{App, Doubles};
use vestibule::config::Config;
use vestibule::engine::{Caller, Credentials, Engine, Request};
use vestibule::model::{Action, Profile};
use vestibule::sms::{Message, Sms, Verdict};

/// How long each concurrency is measured.
const MEASURED: Duration = Duration::from_secs(8);
/// Prefixes that the numbers are spread over.
const EXCHANGES: u64 = 700;
/// Four messages, each with its answer; `PHONE` and `CODE` are put in.
pub(crate) type Turns = [(&'static str, Action); 4];

/// Keeps the newest text for each number.
#[derive(Debug, Default)]
struct Pocket(Mutex<HashMap<String, String>>);

impl Sms for Pocket {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict> {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.insert(message.to.e164().to_owned(), message.text.expose().to_owned());
        Box::pin(async { Verdict::Accepted { provider_id: "pocket".to_owned() } })
    }
}

impl Pocket {
    fn code(&self, phone: &str) -> anyhow::Result<String> {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(phone);
        let text = text.context("no message came")?;
        let mut words = text.split(|c: char| !c.is_ascii_digit());
        Ok(words.find(|word| word.len() == 6).context("the message has no code")?.to_owned())
    }
}

/// What one concurrency gave.
#[derive(Default)]
pub(crate) struct Measured {
    /// Of each of the four turns, in microseconds.
    pub(crate) latencies: [Vec<u64>; 4],
    /// Of each of the four turns, over all registrations; only of use where one turn runs at a time.
    pub(crate) statements: [u64; 4],
}

struct Bench {
    app: App,
    pocket: Arc<Pocket>,
    people: AtomicU64,
}

/// The value below which that share of all is, in milliseconds.
pub(crate) fn share(latencies: &mut [u64], percent: usize) -> f64 {
    latencies.sort_unstable();
    let value = latencies.get((latencies.len() * percent / 100).min(latencies.len().saturating_sub(1)));
    value.map_or(0.0, |&micros| Duration::from_micros(micros).as_secs_f64() * 1_000.0)
}

#[expect(clippy::disallowed_methods, reason = "latency is measured at the rim, by the machine's own clock")]
pub(crate) fn clock() -> Instant {
    Instant::now()
}

/// Lets so many people register at once, again and again.
pub(crate) async fn measure(
    folder: &Path,
    (concurrency, turns): (usize, &Turns),
    change: impl FnOnce(&mut Config),
) -> anyhow::Result<(Measured, Duration)> {
    let mut config = Config { profile: Profile::Test, ..Config::default() };
    change(&mut config);
    config.store.url = format!("sqlite:{}", folder.join("bench.db").display());
    config.crypto.key_file = Some(folder.join("bench.key"));
    let pocket = Arc::new(Pocket::default());
    let doubles = Doubles { sms: Some(Arc::clone(&pocket) as Arc<dyn Sms>), ..Doubles::default() };
    let bench = Bench { app: App::build(config, doubles).await?, pocket, people: AtomicU64::new(0) };
    let start = clock();
    let measured = try_join_all((0..concurrency).map(|_| bench.one_after_the_other(turns, start))).await?;
    let took = start.elapsed();
    bench.app.shutdown().await;
    let mut sum = Measured::default();
    for one in measured {
        for (all, own) in sum.latencies.iter_mut().zip(one.latencies) {
            all.extend(own);
        }
        for (all, own) in sum.statements.iter_mut().zip(one.statements) {
            *all += own;
        }
    }
    Ok((sum, took))
}

impl Bench {
    async fn one_after_the_other(&self, turns: &Turns, start: Instant) -> anyhow::Result<Measured> {
        let mut measured = Measured::default();
        while start.elapsed() < MEASURED {
            let number = self.people.fetch_add(1, Ordering::Relaxed);
            self.register(turns, &phone(number), &mut measured).await?;
        }
        Ok(measured)
    }

    async fn register(&self, turns: &Turns, phone: &str, measured: &mut Measured) -> anyhow::Result<()> {
        let engine = self.app.engine();
        let device = engine.new_device(None, None).await?.token.secret().clone();
        let credentials = Credentials { device_token: Some(device), bearer: None, ip: None };
        let turns = turns.iter().zip(&mut measured.latencies).zip(&mut measured.statements);
        for (((text, wanted), latencies), statements) in turns {
            let code = if text.contains("CODE") { self.pocket.code(phone)? } else { String::new() };
            let text = text.replace("PHONE", phone).replace("CODE", &code);
            let (begun, before) = (clock(), self.app.store().statements());
            let caller =
                engine.authenticate(credentials.clone()).await?.context("the device is not known")?;
            let action = answer(engine, caller, text).await?;
            latencies.push(u64::try_from(begun.elapsed().as_micros())?);
            *statements += self.app.store().statements() - before;
            ensure!(action == *wanted, "wanted {}, got {}", wanted.as_str(), action.as_str());
        }
        Ok(())
    }
}

/// The number of one person. Neighbours differ before their last four digits, or the limit of codes to one prefix would
/// end the bench as it would end a fraud.
fn phone(person: u64) -> String {
    let (line, exchange) = (person / EXCHANGES, person % EXCHANGES);
    format!("+1415{}{line:04}", 200 + exchange)
}

async fn answer(engine: &Arc<Engine>, caller: Caller, text: String) -> anyhow::Result<Action> {
    Ok(engine.turn(caller, Request { text, ..Request::default() }).await?.response.action)
}
