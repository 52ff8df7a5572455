//! The machine of codes and locks, held against a reference (SEC-53, D1, D2, D3).
//!
//! `rules`, `reference` and `tries` are the reference: small, naive and written from the decisions' text. `history` draws
//! what people and the world do; `case` lets it happen on the real engine and on the reference, and compares each answer
//! and each row. `race` lets several things happen at once, on one process and on two: some order of their halves has to
//! explain what was answered and what is left in the rows.
//!
//! `MODEL_CASES` sets how many histories are played and `MODEL_SEED` which. A history that fails is made shorter and told
//! one line for each thing that happened. Adding an event: a row in `history::Op`, its effect in the reference, and its
//! way to the engine in `case`.

mod case;
mod doubles;
mod history;
mod race;
mod reference;
mod rows;
mod rules;
mod tries;
mod world;

use std::cell::RefCell;
use std::fmt::Debug;
use std::io::Write as _;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestError, TestRunner};
use tokio::runtime::Handle;
use vestibule::limit::Options;

use case::Case;
use history::Op;
use rules::Said;
use world::World;

use crate::support::db::{TestDb, on_both, variable};

on_both!(
    threads: histories_are_answered_as_the_decisions_say,
    short_limits_are_kept_as_the_decisions_say,
    what_happens_at_once_has_an_order,
);

/// The default figures, without the budgets that many numbers share.
fn figures() -> Options {
    Options {
        network_sends_per_hour: 0,
        network_sends_per_day: 0,
        prefix_sends_per_hour: 0,
        prefix_conversion_percent: 0,
        new_devices_per_hour: 0,
        hardened_after: 8,
        ..Options::default()
    }
}

/// Figures so small that a short history meets them all.
fn small_figures() -> Options {
    Options {
        otp_max_attempts: 2,
        max_login_attempts: 3,
        otp_send_limit_per_day: 4,
        otp_sends_per_conversation: 3,
        live_codes_per_identifier: 1,
        hardened_after: 3,
        trusted_attempts: 2,
        trusted_extra_sends: 2,
        device_sends_per_day: 8,
        ..figures()
    }
}

fn number(name: &str, default: u32) -> u32 {
    variable(name).map_or(default, |text| text.parse().unwrap())
}

/// Plays drawn histories; the first that fails is made shorter and told.
fn play<S: Strategy>((cases, strategy): (u32, S), play: impl Fn(S::Value) -> Result<usize, String>)
where
    S::Value: Debug,
{
    let (cases, seed) = (number("MODEL_CASES", cases), number("MODEL_SEED", 1));
    let config = Config {
        cases,
        rng_seed: RngSeed::Fixed(seed.into()),
        failure_persistence: None,
        max_shrink_iters: 600,
        ..Config::default()
    };
    let steps = RefCell::new(0_usize);
    let ended = TestRunner::new(config).run(&strategy, |value| match play(value) {
        Ok(played) => {
            *steps.borrow_mut() += played;
            Ok(())
        }
        Err(why) => Err(proptest::test_runner::TestCaseError::fail(why)),
    });
    match ended {
        Ok(()) => {}
        Err(TestError::Fail(why, _)) => panic!("seed {seed}: {why}"),
        Err(TestError::Abort(why)) => panic!("seed {seed}: gave up: {why}"),
    }
    let _ = writeln!(std::io::stderr(), "{cases} histories, {} steps", steps.borrow());
}

/// Drawing and shrinking are not asynchronous; the engine is.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| Handle::current().block_on(future))
}

/// Plays histories one thing after the other. A full run has to meet all of `kinds`, or it shows nothing of them.
async fn sequential(db: TestDb, (limits, kinds): (Options, &[&str]), cases: u32) {
    let world = RefCell::new((World::new(db, limits, 1).await, 0_usize));
    play((cases, history::history(30)), |ops: Vec<Op>| {
        let (world, number) = &mut *world.borrow_mut();
        *number += 1;
        wait(async {
            let mut case = Case::begin(world, *number).await;
            for &op in &ops {
                if let Err(why) = case.step(op).await {
                    return Err(told(&case, &ops, &why));
                }
            }
            let words = case.words.join("\n");
            case.end().await.map_err(|why| format!("{why}\n{} events:\n{words}", ops.len()))?;
            Ok(ops.len())
        })
    });
    let world = world.into_inner().0;
    let _ = writeln!(std::io::stderr(), "{:?}", world.tally);
    let unseen = |kind: &&&str| !world.tally.contains_key(**kind);
    let never: Vec<_> = kinds.iter().filter(unseen).collect();
    let is_drawn_otherwise = variable("MODEL_CASES").or_else(|| variable("MODEL_SEED")).is_some();
    assert!(is_drawn_otherwise || never.is_empty(), "never answered: {never:?}");
    world.end().await;
}

fn told(case: &Case<'_>, ops: &[Op], why: &str) -> String {
    format!("{why}\n{} events:\n{}", ops.len(), case.words.join("\n"))
}

// SEC-53, SEC-3, SEC-4, SEC-5, SEC-6, SEC-8, SEC-9, SEC-11, SEC-32, SEC-33
async fn histories_are_answered_as_the_decisions_say(db: TestDb) {
    sequential(db, (figures(), &Said::KINDS), 15).await;
}

async fn short_limits_are_kept_as_the_decisions_say(db: TestDb) {
    let rare = ["long code", "extra code"];
    let kinds = [&Said::KINDS[..], &rare].concat();
    sequential(db, (small_figures(), &kinds), 25).await;
}

// SEC-1, SEC-2, SEC-53
async fn what_happens_at_once_has_an_order(db: TestDb) {
    race::races(db, small_figures(), 30).await;
}
