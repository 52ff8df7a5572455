//! Whether time tells who has an account (SEC-31), or where a wrong code is wrong (SEC-44).
//!
//! Numbers with an account and numbers without ask for a code and give a wrong one, in turn, over HTTP on the loopback
//! address, each number once. A difference of the medians of 2 ms, or ranks that differ with p ≤ 0.01, in two runs one
//! after the other, is a failure.
//!
//! `cargo bench --bench enumeration`, with `-- --postgres` on PostgreSQL (`TEST_DATABASE_URL`)

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod statistics;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, ensure};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use vestibule::app::{App, Doubles, Serving};
use vestibule::config::Config;
use vestibule::model::{Actor, Randomness, Secret, UserId};
use vestibule::sms::{Message, Sms, Verdict};
use vestibule::store::{Applied, User, users};

use statistics::compare;

/// Samples of each kind.
const SAMPLES: usize = 2_000;
/// Turns before the first sample, so that every connection and cache is there.
const WARM_UP: usize = 100;
/// What no difference of medians may reach, in milliseconds.
const MOST_APART: f64 = 2.0;
/// What no probability may reach.
const LEAST_P: f64 = 0.01;

/// Keeps the newest code for each number.
#[derive(Debug, Default)]
struct Pocket(Mutex<HashMap<String, String>>);

impl Sms for Pocket {
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Verdict> {
        let code = message.text.expose().split(|c: char| !c.is_ascii_digit()).find(|word| word.len() == 6);
        let mut codes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        codes.insert(message.to.e164().to_owned(), code.unwrap_or_default().to_owned());
        Box::pin(async { Verdict::Accepted { provider_id: "pocket".to_owned() } })
    }
}

/// One question, and the latencies of its two kinds, in milliseconds.
struct Question {
    asks: &'static str,
    kinds: [&'static str; 2],
    latencies: [Vec<f64>; 2],
}

impl Question {
    fn new(asks: &'static str, kinds: [&'static str; 2]) -> Self {
        Self { asks, kinds, latencies: [Vec::new(), Vec::new()] }
    }

    fn note(&mut self, is_first: bool, latency: f64) {
        let [one, other] = &mut self.latencies;
        if is_first { one.push(latency) } else { other.push(latency) }
    }

    /// Prints what was measured; whether it tells the kinds apart.
    fn tells(&self) -> bool {
        let [one, other] = &self.latencies;
        let compared = compare(one, other);
        let apart = (compared.medians.0 - compared.medians.1).abs();
        let tells = apart >= MOST_APART || compared.p <= LEAST_P;
        println!(
            "{:<12} {:<8} {:>7.3} {:<8} {:>7.3} {apart:>8.4} {:>8.4} {:>8.4}  {}",
            self.asks,
            self.kinds.first().unwrap_or(&""),
            compared.medians.0,
            self.kinds.last().unwrap_or(&""),
            compared.medians.1,
            compared.p,
            compared.distance,
            if tells { "apart" } else { "alike" }
        );
        tells
    }
}

fn main() -> anyhow::Result<()> {
    ensure!(statistics::is_sound(), "the tests of this bench do not tell known samples apart");
    let is_postgres = std::env::args().any(|argument| argument == "--postgres");
    let runtime = tokio::runtime::Runtime::new()?;
    println!("{SAMPLES} samples of each kind; medians and their distance in ms");
    println!("asked        kind      median kind      median    apart        p        D");
    let mut suspects: Option<Vec<&'static str>> = None;
    for run in 0..2 {
        let place = Place::new(is_postgres, run);
        let measured = runtime.block_on(place.measured());
        runtime.block_on(place.clear())?;
        let told: Vec<&'static str> = measured?.iter().filter(|q| q.tells()).map(|q| q.asks).collect();
        let before = suspects.take();
        let again: Vec<_> =
            told.into_iter().filter(|asks| before.as_ref().is_none_or(|b| b.contains(asks))).collect();
        if again.is_empty() {
            println!("nothing tells the kinds apart");
            return Ok(());
        }
        suspects = Some(again);
    }
    anyhow::bail!("told apart in two runs: {}", suspects.unwrap_or_default().join(", "))
}

/// Where one run's data is.
struct Place {
    folder: std::path::PathBuf,
    postgres: Option<(String, String)>,
}

#[expect(clippy::disallowed_methods, reason = "the product reads its configuration; a bench has none")]
fn server() -> String {
    std::env::var("TEST_DATABASE_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/test".to_owned())
}

impl Place {
    fn new(is_postgres: bool, run: usize) -> Self {
        let name = format!("vestibule_bench_{}_{run}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        Self { folder, postgres: is_postgres.then(|| (server(), name)) }
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        config.http.addr = ([127, 0, 0, 1], 0).into();
        config.crypto.key_file = Some(self.folder.join("bench.key"));
        config.store.url = format!("sqlite:{}", self.folder.join("bench.db").display());
        if let Some((url, schema)) = &self.postgres {
            config.store.url.clone_from(url);
            config.store.schema = Some(schema.clone());
        }
        // Everybody comes from one address and has a number of one prefix.
        config.limit.network_sends_per_hour = 0;
        config.limit.network_sends_per_day = 0;
        config.limit.new_devices_per_hour = 0;
        config.limit.prefix_sends_per_hour = 0;
        config.limit.prefix_conversion_percent = 0;
        config
    }

    async fn measured(&self) -> anyhow::Result<[Question; 3]> {
        let pocket = Arc::new(Pocket::default());
        let doubles = Doubles { sms: Some(Arc::clone(&pocket) as Arc<dyn Sms>), ..Doubles::default() };
        let serving = App::build(self.config(), doubles).await?.serve().await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let bench = Bench { base: format!("http://{}", serving.address()), http, pocket };
        accounts(&serving).await?;
        let measured = bench.all().await;
        serving.shutdown().await?;
        measured
    }

    async fn clear(&self) -> anyhow::Result<()> {
        std::fs::remove_dir_all(&self.folder).context("the folder cannot be removed")?;
        if let Some((url, schema)) = &self.postgres {
            let mut server = PgConnection::connect(url).await?;
            sqlx::raw_sql(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS {schema} CASCADE")))
                .execute(&mut server)
                .await?;
        }
        Ok(())
    }
}

/// Even numbers have an account, odd ones have none.
fn number(n: usize) -> String {
    format!("+1415{}", 2_000_000 + n)
}

async fn accounts(serving: &Serving) -> anyhow::Result<()> {
    let app = serving.app();
    let now = app.clock().now();
    let mut rng = Randomness::system().stream("accounts");
    for n in (0..2 * (SAMPLES + WARM_UP)).step_by(2) {
        let phone = number(n);
        let user = User {
            id: UserId::new(now, &mut rng),
            version: 1,
            phone_key: Some(app.keys().lookup("phone", &phone)),
            phone: Some(phone),
            full_name: Some("Maria Lopez".to_owned()),
            email: None,
            email_key: None,
            email_verified_at: None,
            locale: None,
            created_at: now,
            last_seen_at: now,
            closed_at: None,
            deactivated_at: None,
        };
        let applied = app.store().apply(&Actor::System, vec![users::insert(&user)]).await?;
        ensure!(applied == Applied::Done, "an account was not made");
    }
    Ok(())
}

struct Bench {
    base: String,
    http: reqwest::Client,
    pocket: Arc<Pocket>,
}

#[expect(clippy::disallowed_methods, reason = "latency is measured at the rim, by the machine's own clock")]
fn clock() -> Instant {
    Instant::now()
}

impl Bench {
    async fn all(&self) -> anyhow::Result<[Question; 3]> {
        let mut asked = Question::new("a code", ["known", "unknown"]);
        let mut wrong = Question::new("wrong code", ["known", "unknown"]);
        let mut place = Question::new("wrong at", ["digit 1", "digit 6"]);
        for round in 0..SAMPLES + WARM_UP {
            // Who comes first, and where the code is wrong, change places evenly.
            let mut two = [2 * round, 2 * round + 1];
            if round % 2 == 1 {
                two.reverse();
            }
            for n in two {
                let is_at_first = (round / 2 + n) % 2 == 0;
                let (sent, tried) = self.sample(&number(n), if is_at_first { 0 } else { 5 }).await?;
                if round >= WARM_UP {
                    asked.note(n % 2 == 0, sent);
                    wrong.note(n % 2 == 0, tried);
                    place.note(is_at_first, tried);
                }
            }
        }
        Ok([asked, wrong, place])
    }

    /// How long asking for a code took, and how long a wrong one.
    async fn sample(&self, phone: &str, place: usize) -> anyhow::Result<(f64, f64)> {
        let made = self.post("/api/devices", None, &json!({})).await?.0;
        let token = made.pointer("/data/deviceToken").and_then(Value::as_str).context("no device")?;
        let token = Secret::new(token);
        self.say(&token, "I want to log in", "phone_requested").await?;
        let sent = self.say(&token, phone, "otp_sent").await?;
        let code = self.pocket.0.lock().unwrap_or_else(PoisonError::into_inner).remove(phone);
        let wrong: String = (code.context("no message came")?.chars().enumerate())
            .map(|(n, digit)| if n == place { other(digit) } else { digit })
            .collect();
        let tried = self.say(&token, &wrong, "otp_invalid").await?;
        Ok((sent, tried))
    }

    async fn say(&self, token: &Secret, text: &str, wanted: &str) -> anyhow::Result<f64> {
        let (answer, took) =
            self.post("/api/agent/run-sync", Some(token), &json!({ "prompt": text })).await?;
        let action = answer.pointer("/data/response/action").and_then(Value::as_str);
        ensure!(action == Some(wanted), "wanted {wanted}, got {answer}");
        Ok(took)
    }

    /// The answer, and how long it took to the last byte.
    async fn post(&self, path: &str, token: Option<&Secret>, body: &Value) -> anyhow::Result<(Value, f64)> {
        let mut request = self.http.post(format!("{}{path}", self.base)).json(body);
        if let Some(token) = token {
            request = request.header("x-device-token", token.expose());
        }
        let request = request.build()?;
        let begun = clock();
        let bytes = self.http.execute(request).await?.bytes().await?;
        let took = begun.elapsed().as_secs_f64() * 1_000.0;
        Ok((serde_json::from_slice(&bytes)?, took))
    }
}

/// Another digit.
fn other(digit: char) -> char {
    if digit == '9' { '0' } else { char::from_u32(u32::from(digit) + 1).unwrap_or('0') }
}
