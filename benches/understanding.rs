//! What it takes to understand a message, tier by tier, and how many turns a second there are where a language model that
//! takes 300 ms is asked in each. The model is a server in this process that waits and answers.
//!
//! `cargo bench --bench understanding`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod people;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use vestibule::app;
use vestibule::classify::{Classifier, Input};
use vestibule::config::Config;
use vestibule::model::{Action, Slot, Tier};

/// Conversations at the same time.
const CONVERSATIONS: usize = 64;
/// How long the model takes.
const MODEL: Duration = Duration::from_millis(300);
/// How often each tier is asked.
const ASKED: usize = 2_000;

/// Messages with words in them: for a bare number or code no model is asked.
const TURNS: people::Turns = [
    ("I want to log in", Action::PhoneRequested),
    ("my number is PHONE", Action::OtpSent),
    ("the code is CODE", Action::NameRequested),
    ("Maria Lopez", Action::RegistrationSuccessful),
];

#[derive(Debug, Clone)]
struct Model {
    takes: Duration,
    calls: Arc<AtomicU64>,
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(tiers())?;
    runtime.block_on(turns())
}

async fn tiers() -> anyhow::Result<()> {
    let (url, _) = serve(Duration::ZERO).await?;
    let mut config = Config::default();
    config.llm.base_url = url;
    config.llm.models = vec!["bench".to_owned()];
    let classifier = app::classifier(&config)?;
    println!("tier     median µs    p95 µs    ({ASKED} messages one after the other)");
    for (tier, text, awaiting) in [
        (Tier::Rule, "482913", Some(Slot::Otp)),
        (Tier::Local, "log me out of my old laptop please", None),
        (Tier::Llm, "die geräte-übersicht wäre jetzt fein", None),
    ] {
        let input = Input { text, awaiting, ..Input::default() };
        let mut latencies = asked(&classifier, &input, tier).await?;
        let (median, p95) = (people::share(&mut latencies, 50), people::share(&mut latencies, 95));
        println!("{:<6} {median:>11.1} {p95:>9.1}", tier.as_str());
    }
    Ok(())
}

/// Latencies in nanoseconds, so that [`people::share`], which divides by a thousand, gives microseconds.
async fn asked(classifier: &Classifier, input: &Input<'_>, tier: Tier) -> anyhow::Result<Vec<u64>> {
    let mut latencies = Vec::with_capacity(ASKED);
    for _ in 0..ASKED {
        let begun = people::clock();
        let heard = classifier.hear(input, || true).await;
        latencies.push(u64::try_from(begun.elapsed().as_nanos())?);
        ensure!(heard.understanding.tier == tier, "{} was asked", heard.understanding.tier.as_str());
    }
    Ok(latencies)
}

async fn turns() -> anyhow::Result<()> {
    let (url, calls) = serve(MODEL).await?;
    let folder = std::env::temp_dir().join(format!("vestibule-bench-{}", std::process::id()));
    let measured = people::measure(&folder, (CONVERSATIONS, &TURNS), |config| {
        config.classify.tiers = vec![Tier::Llm];
        config.llm.base_url = url;
        config.llm.models = vec!["bench".to_owned()];
        config.llm.owner_per_minute = 0;
    })
    .await;
    std::fs::remove_dir_all(&folder).context("the folder cannot be removed")?;
    let (measured, took) = measured?;
    let mut all = measured.latencies.concat();
    let rate = f64::from(u32::try_from(all.len())?) / took.as_secs_f64();
    let most = f64::from(u32::try_from(CONVERSATIONS)?) / MODEL.as_secs_f64();
    println!(
        "\n{CONVERSATIONS} conversations, a model of {} ms in every turn: {rate:.0} turns/s of {most:.0} at most, \
         {:.1} ms in the median, {:.1} at p95; {} turns, {} requests to the model",
        MODEL.as_millis(),
        people::share(&mut all, 50),
        people::share(&mut all, 95),
        all.len(),
        calls.load(Ordering::Relaxed),
    );
    Ok(())
}

async fn serve(takes: Duration) -> anyhow::Result<(String, Arc<AtomicU64>)> {
    let model = Model { takes, calls: Arc::default() };
    let calls = Arc::clone(&model.calls);
    let router = Router::new().route("/v1/chat/completions", post(complete)).with_state(model);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    tokio_util::task::TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    Ok((url, calls))
}

async fn complete(State(model): State<Model>) -> Json<Value> {
    model.calls.fetch_add(1, Ordering::Relaxed);
    tokio::time::sleep(model.takes).await;
    let answer = json!({
        "sub_intent": "authenticate", "confidence": 0.97, "entities": {}, "missing_entities": [], "reasoning": "",
    });
    Json(json!({
        "choices": [{ "message": { "content": answer.to_string() }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 900, "completion_tokens": 40 },
    }))
}
