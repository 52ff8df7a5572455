//! Whatever else is new — the conversation, the device, the address, the code, the process —, tries at one number add up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::BoxFuture;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use vestibule::app::Doubles;
use vestibule::bus::{Boundaries, Boundary, Halt};

use super::{charged, restarted, wrong};
use crate::support::app::{PHONE, Person, TestApp, config};
use crate::support::db::{TestDb, on_both};

on_both!(
    fifty_conversations_share_one_count,
    a_day_of_attacks_stays_under_the_cap,
    a_resend_forgets_no_wrong_try,
    a_restart_forgets_no_wrong_try,
    a_turn_that_dies_after_its_guess_was_charged_gives_none_back,
    a_database_that_fails_after_a_guess_gives_none_back,
);

fn codes(app: &TestApp) -> Vec<String> {
    app.sms.sent().iter().map(crate::support::sms::Sent::code).collect()
}

/// A wrong code; gives what was answered.
async fn guess(app: &TestApp, person: &Person, n: usize) -> String {
    app.say(person, &wrong(&codes(app), n)).await.action().to_owned()
}

// SEC-3, D1 (b)
async fn fifty_conversations_share_one_count(db: TestDb) {
    // Every other limit is out of the way: fifty codes live at once, for fifty devices at fifty addresses.
    let app = TestApp::start_with(&db, |config| {
        config.limit.live_codes_per_identifier = 50;
        config.limit.otp_send_limit_per_day = 50;
        config.limit.otp_resend_seconds = 1;
        config.http.trusted_proxies = vec![[127, 0, 0, 1].into()];
    })
    .await;
    let mut people = Vec::new();
    for n in 0..50 {
        let address = format!("198.51.{n}.7");
        let person = app.device().await;
        let asked =
            app.say_from(("x-forwarded-for", &address), &person, &format!("log in with {PHONE}")).await;
        assert_eq!(asked.action(), "otp_sent");
        people.push((person, app.code(), address));
        app.advance(1);
    }
    let mut compared = 0;
    for (n, (person, _, address)) in people.iter().enumerate() {
        for k in 0..3 {
            let text = wrong(&codes(&app), n * 3 + k);
            let told = app.say_from(("x-forwarded-for", address), person, &text).await;
            match told.action() {
                "otp_invalid" | "otp_attempts_exceeded" => compared += 1,
                other => assert_eq!(other, "account_locked"),
            }
        }
    }
    // The fifth wrong one is compared and locks.
    assert_eq!((compared, charged(&app).await), (4, 5));
    assert_eq!(app.count("audit WHERE kind = 'lock_set'").await, 1);
    // A right code while locked is refused and not used up.
    let (person, right, _) = people.last().unwrap();
    assert_eq!(app.say(person, right).await.action(), "account_locked");
    assert_eq!(charged(&app).await, 5);
    assert_eq!(app.count("challenges WHERE status = 'live'").await, 49);
    assert_eq!(app.count("sessions").await, 0);
    app.finish().await;
}

// SEC-3, D1 (b) and (d): what a patient attacker gets with the defaults.
async fn a_day_of_attacks_stays_under_the_cap(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut n = 0;
    for _ in 0..48 {
        let person = app.device().await;
        if app.say(&person, &format!("log in with {PHONE}")).await.action() == "otp_sent" {
            for _ in 0..3 {
                guess(&app, &person, n).await;
                n += 1;
            }
        }
        app.advance(29 * 60);
    }
    // Ten codes of three tries are the most that could be.
    assert_eq!((app.sms.count(), charged(&app).await <= 30), (10, true));
    assert_eq!(app.count("challenges WHERE attempts > 3").await, 0);
    app.finish().await;
}

// SEC-4
async fn a_resend_forgets_no_wrong_try(db: TestDb) {
    let app = TestApp::start(&db).await;
    let eve = app.awaiting_code(PHONE).await;
    for n in 0..2 {
        for k in 0..2 {
            assert_eq!(guess(&app, &eve, n * 2 + k).await, "otp_invalid");
        }
        app.advance(61);
        assert_eq!(app.say(&eve, "resend").await.action(), "otp_sent");
    }
    assert_eq!(guess(&app, &eve, 9).await, "account_locked");
    app.advance(61);
    assert_eq!(app.say(&eve, &app.code()).await.action(), "account_locked");
    assert_eq!(app.say(&eve, "resend").await.action(), "account_locked");
    assert_eq!((app.sms.count(), charged(&app).await), (3, 5));
    app.finish().await;
}

// SEC-5
async fn a_restart_forgets_no_wrong_try(db: TestDb) {
    let app = TestApp::start(&db).await;
    let eve = app.awaiting_code(PHONE).await;
    for n in 0..2 {
        assert_eq!(guess(&app, &eve, n).await, "otp_invalid");
    }
    let app = restarted(app, &db, 2).await;
    assert_eq!(guess(&app, &eve, 2).await, "otp_attempts_exceeded");
    app.advance(61);
    assert_eq!(app.say(&eve, "resend").await.action(), "otp_sent");
    assert_eq!(guess(&app, &eve, 3).await, "otp_invalid");
    let app = restarted(app, &db, 3).await;
    // On the other node, where there may be one; else after one more restart.
    let locked = match super::second_node(&app, &db).await {
        Some(other) => {
            let told = guess(&other, &eve, 4).await;
            other.finish().await;
            told
        }
        None => guess(&app, &eve, 4).await,
    };
    assert_eq!(locked, "account_locked");
    let app = restarted(app, &db, 4).await;
    assert_eq!(app.say(&eve, &app.code()).await.action(), "account_locked");
    assert_eq!((app.sms.count(), charged(&app).await), (2, 5));
    app.finish().await;
}

/// What goes wrong at a boundary, where it is armed.
struct Fault {
    armed: AtomicBool,
    at: Boundary,
    strike: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

impl std::fmt::Debug for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fault")
    }
}

impl Halt for Fault {
    fn at(&self, boundary: Boundary) -> BoxFuture<'_, ()> {
        if boundary == self.at && self.armed.swap(false, Ordering::SeqCst) {
            return (self.strike)();
        }
        Box::pin(std::future::ready(()))
    }
}

/// Four wrong tries with nothing amiss, and a fifth in which the fault strikes right after it was charged.
async fn struck(db: &TestDb, fault: &Arc<Fault>) -> (TestApp, Person) {
    let doubles = Doubles {
        boundaries: Boundaries::with(Arc::clone(fault) as _),
        randomness: Some(vestibule::model::Randomness::seeded(1)),
        ..Doubles::default()
    };
    let clock = Arc::new(vestibule::clock::MovableClock::fixed(crate::support::samples::at(0)));
    let app = TestApp::with_doubles(db, config(db), doubles, (&clock, &Arc::default())).await;
    let eve = app.awaiting_code(PHONE).await;
    for n in 0..3 {
        guess(&app, &eve, n).await;
    }
    app.advance(61);
    assert_eq!(app.say(&eve, "resend").await.action(), "otp_sent");
    assert_eq!(guess(&app, &eve, 3).await, "otp_invalid");
    fault.armed.store(true, Ordering::SeqCst);
    let broken = app.say(&eve, &wrong(&codes(&app), 4)).await;
    assert_eq!(broken.status.as_u16(), 500, "{broken:?}");
    assert!(!fault.armed.load(Ordering::SeqCst), "the fault did not strike");
    (app, eve)
}

/// The try and the lock it led to are there, though its turn left nothing else.
async fn nothing_given_back(app: TestApp, eve: &Person) {
    assert_eq!(charged(&app).await, 5);
    assert_eq!(app.say(eve, &app.code()).await.action(), "account_locked");
    assert_eq!(app.say(eve, "resend").await.action(), "account_locked");
    assert_eq!((charged(&app).await, app.sms.count(), app.count("sessions").await), (5, 2, 0));
    app.finish().await;
}

// SEC-6
async fn a_turn_that_dies_after_its_guess_was_charged_gives_none_back(db: TestDb) {
    let fault = Arc::new(Fault {
        armed: AtomicBool::new(false),
        at: Boundary::Charged,
        strike: Box::new(|| Box::pin(async { panic!("the turn's task dies here") })),
    });
    let (app, eve) = struck(&db, &fault).await;
    nothing_given_back(app, &eve).await;
}

async fn run(url: String, schema: Option<String>, sql: String) {
    let sql = AssertSqlSafe(sql);
    if url.starts_with("sqlite:") {
        SqliteConnection::connect(&url).await.unwrap().execute(sql).await.unwrap();
        return;
    }
    let mut db = PgConnection::connect(&url).await.unwrap();
    db.execute(AssertSqlSafe(format!("SET search_path TO {}", schema.unwrap()))).await.unwrap();
    db.execute(sql).await.unwrap();
}

// SEC-6: the database takes no more of the turn, from right after the guess.
async fn a_database_that_fails_after_a_guess_gives_none_back(db: TestDb) {
    let (url, schema) = (db.options.url.clone(), db.options.schema.clone());
    let rename = move |sql: &str| run(url.clone(), schema.clone(), sql.to_owned());
    let away = rename.clone();
    let fault = Arc::new(Fault {
        armed: AtomicBool::new(false),
        at: Boundary::Charged,
        strike: Box::new(move || Box::pin(away("ALTER TABLE messages RENAME TO messages_away"))),
    });
    let (app, eve) = struck(&db, &fault).await;
    rename("ALTER TABLE messages_away RENAME TO messages").await;
    nothing_given_back(app, &eve).await;
}
