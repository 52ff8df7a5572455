//! How many turns a second, and at what cost: the registration of four messages, in process, on SQLite as in production
//! (an answer is given only after its commit, with `synchronous=FULL`). The sender of text messages is a double that
//! takes each message at once.
//!
//! `cargo bench --bench login`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

mod people;

use anyhow::Context;

use people::{Turns, share};
use vestibule::model::Action;

/// The messages of one registration and the answer each must get; phone and code are put in.
const TURNS: Turns = [
    ("I want to log in", Action::PhoneRequested),
    ("PHONE", Action::OtpSent),
    ("CODE", Action::NameRequested),
    ("Maria Lopez", Action::RegistrationSuccessful),
];

/// People who sign in at the same time.
const CONCURRENCY: [usize; 3] = [1, 16, 64];

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    println!("concurrency   turns/s   median ms   p95 ms");
    let mut by_turn = Vec::new();
    for concurrency in CONCURRENCY {
        let folder = std::env::temp_dir().join(format!("vestibule-bench-{}", std::process::id()));
        let measured = runtime.block_on(people::measure(&folder, (concurrency, &TURNS), |_| {}));
        std::fs::remove_dir_all(&folder).context("the folder cannot be removed")?;
        let (measured, took) = measured?;
        let mut all = measured.latencies.concat();
        let rate = u32::try_from(all.len()).map(f64::from)? / took.as_secs_f64();
        println!("{concurrency:>11} {rate:>9.0} {:>11.2} {:>8.2}", share(&mut all, 50), share(&mut all, 95));
        by_turn.push(measured);
    }
    let alone = by_turn.first_mut().context("nothing was measured")?;
    println!("\nOne at a time, with the worker's share and the look at the credential:");
    println!("turn                      median ms   p95 ms   statements");
    for ((wanted, latencies), statements) in TURNS.iter().zip(&mut alone.latencies).zip(alone.statements) {
        let per_turn = f64::from(u32::try_from(statements)?) / f64::from(u32::try_from(latencies.len())?);
        let name = wanted.1.as_str();
        println!("{name:<24} {:>10.2} {:>8.2} {per_turn:>12.1}", share(latencies, 50), share(latencies, 95));
    }
    Ok(())
}
