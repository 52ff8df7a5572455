//! `kill -9` again and again while people sign in; afterwards the tables must tell exactly what the people were told.

mod check;
mod client;
mod two_workers;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use vestibule::model::Randomness;

use crate::support::db::{Folder, TestDb, on_both, variable};
use crate::support::server::{Server, lasting_address};
use client::{Client, Journey};

on_both!(threads: nothing_is_lost_or_doubled_by_kill_9);

/// Processes killed on each database, unless the variable `KILLS` says another number.
const KILLS: u32 = 100;
/// People who sign in at the same time.
const CLIENTS: u32 = 8;
/// Most answers a process lives for.
const MOST_ANSWERS: u64 = 6;
/// Longest life of a process in which nothing is answered. Deaths are to follow answers and not the time, or a busy
/// machine would only see processes die that did nothing.
const IDLE: Duration = Duration::from_secs(5);

/// A claim lapses and a code can be asked for again within a second, or a hundred deaths would take an hour. All clients
/// have one address and numbers of one prefix.
const SETTINGS: &[(&str, &str)] = &[
    ("VESTIBULE__WORKER__FIRST_TRY_MS", "300"),
    ("VESTIBULE__WORKER__LEASE_SECONDS", "1"),
    ("VESTIBULE__WORKER__POLL_MS", "50"),
    ("VESTIBULE__LIMITS__OTP_RESEND_SECONDS", "1"),
    ("VESTIBULE__LIMITS__DEVICE_SENDS_PER_DAY", "0"),
    ("VESTIBULE__LIMITS__NETWORK_SENDS_PER_HOUR", "0"),
    ("VESTIBULE__LIMITS__NETWORK_SENDS_PER_DAY", "0"),
    ("VESTIBULE__LIMITS__NEW_DEVICES_PER_HOUR", "0"),
    ("VESTIBULE__LIMITS__PREFIX_SENDS_PER_HOUR", "0"),
    ("VESTIBULE__LIMITS__PREFIX_CONVERSION_PERCENT", "0"),
    ("OTP_SEND_LIMIT_PER_DAY", "100"),
];

/// What clients and the killer share.
pub(crate) struct Shared {
    /// Where all processes listen, one after the other.
    pub(crate) url: String,
    /// The number of the process that lives.
    pub(crate) alive: watch::Receiver<u32>,
    /// Answers given so far.
    pub(crate) answers: watch::Sender<u64>,
    /// Set once enough were killed; whoever is under way comes to an end.
    pub(crate) done: AtomicBool,
}

async fn nothing_is_lost_or_doubled_by_kill_9(db: TestDb) {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let address = lasting_address();
    let settings = [SETTINGS, &[("VESTIBULE__HTTP__ADDR", address.as_str())]].concat();
    let first = Server::start(folder.path(), &db, &settings).await;
    let (born, alive) = watch::channel(0);
    let answers = watch::Sender::new(0);
    let shared = Arc::new(Shared { url: first.url.clone(), alive, answers, done: AtomicBool::new(false) });
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let mut client = Client::new(Arc::clone(&shared), number);
        clients.spawn(async move { client.run().await });
    }
    let killing = async {
        let start = async || Server::start(folder.path(), &db, &settings).await;
        let last = killer(first, start, &born, &shared).await;
        shared.done.store(true, Ordering::SeqCst);
        last
    };
    let ended = async {
        let mut journeys = Vec::<Journey>::new();
        // A client that fails ends the test at once, and not only after the last death.
        while let Some(ended) = clients.join_next().await {
            journeys.extend(ended.unwrap());
        }
        journeys
    };
    let (journeys, last) = futures::join!(ended, killing);
    check::outbox_comes_to_rest(&db).await;
    assert_eq!(last.interrupt().await, Some(0), "the last process ends in order");
    check::everything(&db, &journeys).await;
    let signed_in = journeys.iter().filter(|j| j.session.is_some()).count();
    assert!(signed_in >= CLIENTS as usize, "only {signed_in} signed in");
    let (kills, answers) = (kills(), *shared.answers.borrow());
    let given_up = journeys.len() - signed_in;
    assert!(given_up * 8 <= signed_in, "{given_up} given up, beside {signed_in} sign-ins");
    eprintln!("{kills} kills, {signed_in} sign-ins, {given_up} given up, {answers} answers");
}

fn kills() -> u32 {
    variable("KILLS").map_or(KILLS, |number| number.parse().unwrap())
}

/// Kills and restarts; gives the process that lives on.
async fn killer(
    mut server: Server,
    start: impl AsyncFn() -> Server,
    born: &watch::Sender<u32>,
    shared: &Shared,
) -> Server {
    let mut rng = Randomness::seeded(9).stream("kill");
    let mut answers = shared.answers.subscribe();
    for number in 1..=kills() {
        let enough = *answers.borrow() + rng.random_range(0..=MOST_ANSWERS);
        // Where nobody gets an answer the process dies all the same: then it is its start that is cut short.
        // What it gives back holds the counter's lock, so it must not be kept.
        drop(tokio::time::timeout(IDLE, answers.wait_for(|&n| n >= enough)).await);
        // The moment of death within a turn is what is tried here, and only time tells moments apart.
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..30_000))).await;
        server.kill().await;
        server = start().await;
        born.send_replace(number);
    }
    server
}
