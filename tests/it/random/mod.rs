//! Random walks through the whole engine: people say what they should and what nobody should, and after every message it
//! is held that nothing is broken, that nobody is signed in without a code of theirs, that nobody else's rows changed, that
//! nothing secret is kept, and that every state can be left.
//!
//! `draw` draws what is done from a seed, `words` puts it into words, `walk` and `acts` let it happen in an app whose
//! database notes every change (`rows`), `ledger` is what the walk itself knows, and `rules` judges. `honest` shows the
//! rules histories that break them.
//!
//! `RANDOM_TURNS` sets how many things are done on each database, and `RANDOM_SEED` plays one walk again. A walk that fails
//! is made shorter. Adding a thing to do: a row in `draw::What`, its drawing, and its arm in `acts`. Adding a rule: a
//! function in `rules`, its call in `judge`, and a history in `honest` that it refuses.

mod acts;
mod draw;
mod honest;
mod judge;
mod ledger;
mod rows;
mod rules;
mod walk;
mod words;
mod world;

use std::cell::RefCell;
use std::fmt;
use std::io::Write as _;
use std::time::Instant;

use vestibule::app::sources;
use vestibule::graph::GraphSet;
use vestibule::prompt;

use draw::Op;
use rules::Broken;
use walk::{Tally, Walk};

use crate::support::db::{TestDb, on_postgres, on_sqlite, postgres, variable};

/// Things that are done in one walk.
const LENGTH: usize = 500;
/// Walks that are played to make a broken one shorter.
const TRIES: usize = 40;
/// So many things meet all that a run has to meet, and so many what is rare as well.
const FULL: u64 = 2_000;
const LONG: u64 = 10_000;
/// A question that is met so often is left at least once.
const OFTEN: usize = 30;
/// How much of a broken walk is told.
const TOLD: usize = 20;

/// What a run of that length has to meet, or it shows nothing of it.
const MET: &[&str] = &[
    "signed in",
    "said login_successful",
    "said registration_successful",
    "said otp_invalid",
    "said otp_expired",
    "said logged_out",
    "said identity_updated",
    "said pending_verification",
    "did several",
    "came back",
    "asked identity_manager.ask_change_code",
    "asked identity_migrator.ask_type",
    "asked lost_phone.ask_lost_code",
    "asked order_status.ask_number",
    "asked session_manager.ask_confirm",
    "asked session_manager.ask_device",
    "refused conflict",
    "refused invalid",
    "refused not found",
    "refused unauthorized",
];

/// What a long run has to meet besides.
const RARE: &[&str] = &[
    "said account_locked",
    "said otp_attempts_exceeded",
    "asked authenticator.ask_second",
    "asked lost_phone.ask_new_phone",
    "asked order_status.look_up",
];

#[derive(Debug, Clone, Copy)]
enum On {
    Sqlite,
    Postgres,
}

/// A walk that broke a rule: after how many things, which, and what had happened.
struct Failed {
    after: usize,
    broken: Broken,
    lines: Vec<String>,
}

async fn walk(db: TestDb, graphs: &GraphSet, (seed, ops): (u64, &[Op])) -> Result<Tally, Box<Failed>> {
    let mut walk = Walk::begin(&db, graphs, seed).await;
    for (n, op) in ops.iter().enumerate() {
        if let Err(broken) = walk.act(*op).await {
            return Err(Box::new(Failed { after: n + 1, broken, lines: walk.lines }));
        }
    }
    if let Err(broken) = walk.leave_all().await {
        return Err(Box::new(Failed { after: ops.len(), broken, lines: walk.lines }));
    }
    let tally = std::mem::take(&mut walk.tally);
    walk.world.end().await;
    Ok(tally)
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { after, broken: Broken { rule, how }, lines } = self;
        let told = lines[lines.len().saturating_sub(TOLD)..].join("\n");
        write!(f, "after {after} things: {rule}\n{how}\nThe last of them:\n{told}")
    }
}

/// Past the harness, which keeps to itself what a test prints that goes well.
fn tell(what: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{what}");
}

/// Plays a walk on a database of its own.
async fn play(on: On, graphs: &GraphSet, walked: (u64, &[Op])) -> Result<Tally, Box<Failed>> {
    let ended = RefCell::new(None);
    let played = |db| async { *ended.borrow_mut() = Some(walk(db, graphs, walked).await) };
    match on {
        On::Sqlite => on_sqlite(played).await,
        On::Postgres => on_postgres("random", played).await,
    }
    ended.into_inner().expect("the walk was played")
}

/// Takes out what a broken walk does not need to break the same rule.
async fn shorter(on: On, graphs: &GraphSet, (seed, ops): (u64, Vec<Op>), failed: Box<Failed>) -> Box<Failed> {
    let (mut ops, mut failed, mut tries) = (ops, failed, TRIES);
    ops.truncate(failed.after);
    let mut piece = ops.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < ops.len() {
            if tries == 0 {
                return failed;
            }
            tries -= 1;
            let end = (at + piece).min(ops.len());
            let fewer = [&ops[..at], &ops[end..]].concat();
            match play(on, graphs, (seed, &fewer)).await {
                Err(again) if again.broken.rule == failed.broken.rule => {
                    (ops, failed) = (fewer, again);
                    ops.truncate(failed.after);
                }
                _ => at = end,
            }
        }
        piece /= 2;
    }
    failed
}

fn asked(name: &str) -> Option<u64> {
    variable(name)
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} has to be a number, not `{text}`")))
}

/// Walks until so many things were done.
async fn walks(on: On, turns: u64) {
    let (_, graphs) = sources::load(&prompt::Options::default(), &world::graphs()).unwrap();
    let length = LENGTH as u64;
    let (wanted, again) = (asked("RANDOM_TURNS"), asked("RANDOM_SEED"));
    let turns = wanted.unwrap_or(turns);
    let is_full = again.is_none() && turns >= FULL;
    let (mut tally, began) = (Tally::new(), now());
    let seeds = again.map_or(1..=turns.div_ceil(length), |seed| seed..=seed);
    for seed in seeds.clone() {
        let ops = draw::walk(seed, LENGTH);
        match play(on, &graphs, (seed, &ops)).await {
            Ok(met) => met.into_iter().for_each(|(kind, times)| *tally.entry(kind).or_default() += times),
            Err(failed) => {
                // Making it shorter takes a while; what is known is told before.
                tell(&format!("{on:?}, RANDOM_SEED={seed}: {failed}\nIt is made shorter."));
                let failed = shorter(on, &graphs, (seed, ops), failed).await;
                panic!("{on:?}, RANDOM_SEED={seed}, made shorter: {failed}");
            }
        }
    }
    let (seconds, messages) =
        (began.elapsed().as_secs_f64(), count(&tally, "said ") + count(&tally, "refused "));
    tell(&format!("{on:?}: {messages} messages in {seconds:.1} s\n{tally:?}"));
    let met = if is_full { MET } else { &[] };
    let rare = if is_full && turns >= LONG { RARE } else { &[] };
    let never: Vec<_> = met.iter().chain(rare).filter(|kind| !tally.contains_key(**kind)).collect();
    assert!(never.is_empty(), "never met: {never:?}");
    let stuck = never_left(&tally);
    assert!(stuck.is_empty(), "asked {OFTEN} times or more, and never left: {stuck:?}");
}

/// Questions that were met often and never left.
fn never_left(tally: &Tally) -> Vec<&str> {
    let asked = tally.iter().filter(|(_, times)| **times >= OFTEN);
    let asked = asked.filter_map(|(kind, _)| kind.strip_prefix("asked "));
    asked.filter(|ask| !tally.contains_key(&format!("left {ask}"))).collect()
}

fn count(tally: &Tally, beginning: &str) -> usize {
    tally.iter().filter(|(kind, _)| kind.starts_with(beginning)).map(|(_, times)| times).sum()
}

#[expect(clippy::disallowed_methods, reason = "how long the walks took is told, and decides nothing")]
fn now() -> Instant {
    Instant::now()
}

// SEC-53
#[tokio::test]
async fn whatever_is_said_the_promises_hold_on_sqlite() {
    walks(On::Sqlite, FULL).await;
}

#[tokio::test]
async fn whatever_is_said_the_promises_hold_on_postgres() {
    if postgres("random walks").await.is_some() {
        walks(On::Postgres, 1_000).await;
    }
}
