//! Clocks that are wrong, and clocks that are set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use vestibule::app::Doubles;
use vestibule::clock::MovableClock;
use vestibule::config::Config;
use vestibule::model::{Clock, Randomness, Sleep};

use super::{charged, wrong};
use crate::support::app::{PHONE, Person, TestApp, config};
use crate::support::db::{TestDb, on_both};
use crate::support::samples::at;

on_both!(
    nodes_whose_clocks_differ_a_little_count_together,
    a_clock_that_is_an_hour_off_takes_no_code,
    a_clock_that_steps_back_frees_no_send,
    a_clock_that_steps_back_lengthens_a_lock_by_its_step_at_most,
    a_clock_that_steps_back_frees_no_budget,
);

const HOUR: i64 = 3_600;

/// A clock that can be set, back too.
#[derive(Debug)]
struct Settable {
    base: Arc<MovableClock>,
    seconds: AtomicI64,
}

impl Settable {
    fn step(&self) -> SignedDuration {
        SignedDuration::from_secs(self.seconds.load(Ordering::SeqCst))
    }

    fn set(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for Settable {
    fn now(&self) -> Timestamp {
        self.base.now() + self.step()
    }

    fn sleep_until(&self, deadline: Timestamp) -> Sleep<'_> {
        self.base.sleep_until(deadline - self.step())
    }
}

async fn start(db: &TestDb, change: impl FnOnce(&mut Config)) -> (TestApp, Arc<Settable>) {
    let base = Arc::new(MovableClock::fixed(at(0)));
    let clock = Arc::new(Settable { base: Arc::clone(&base), seconds: AtomicI64::new(0) });
    let doubles = Doubles {
        clock: Some(Arc::clone(&clock) as _),
        randomness: Some(Randomness::seeded(1)),
        ..Doubles::default()
    };
    let mut config = config(db);
    change(&mut config);
    (TestApp::with_doubles(db, config, doubles, (&base, &Arc::default())).await, clock)
}

fn detail(value: &Value) -> &Value {
    &value["response"]["data"]
}

// SEC-48: what a node says whose clock is not the one by which the code was made, or is not any more.
async fn a_clock_that_is_an_hour_off_takes_no_code(db: TestDb) {
    let (app, clock) = start(&db, |_| {}).await;
    let anna = app.awaiting_code(PHONE).await;
    let code = app.code();
    for off in [-HOUR, -61, 601, HOUR] {
        clock.set(off);
        assert_eq!(app.say(&anna, &code).await.action(), "otp_expired", "{off} s");
    }
    assert_eq!(charged(&app).await, 0);
    // Clocks of two nodes are allowed to be a minute apart.
    clock.set(-60);
    assert_eq!(app.say(&anna, &code).await.action(), "name_requested");
    // The proof that stands until the name is given is from no other time either.
    clock.set(-HOUR);
    assert_eq!(app.say(&anna, "Anna").await.action(), "otp_expired");
    assert_eq!(app.count("sessions").await, 0);
    app.finish().await;
}

// SEC-48, SEC-5
async fn nodes_whose_clocks_differ_a_little_count_together(db: TestDb) {
    let (app, clock) = start(&db, |_| {}).await;
    let anna = app.awaiting_code(PHONE).await;
    let code = app.code();
    for (n, (off, left)) in [(0, 2), (-2, 1)].into_iter().enumerate() {
        clock.set(off);
        let told = app.say(&anna, &wrong(std::slice::from_ref(&code), n)).await;
        assert_eq!((told.action(), &detail(told.data())["attempts_left"]), ("otp_invalid", &json!(left)));
    }
    clock.set(-1);
    assert_eq!(app.say(&anna, &code).await.action(), "name_requested");
    app.finish().await;
}

// SEC-48
async fn a_clock_that_steps_back_frees_no_send(db: TestDb) {
    let (app, clock) = start(&db, |_| {}).await;
    let anna = app.awaiting_code(PHONE).await;
    for _ in 0..4 {
        app.advance(61);
        assert_eq!(app.say(&anna, "resend").await.action(), "otp_sent");
    }
    // The conversation's five are used up, whatever the clock says.
    for off in [-HOUR, -24 * HOUR, -48 * HOUR, 0] {
        clock.set(off);
        assert_eq!(app.say(&anna, "resend").await.action(), "otp_send_limited", "{off} s");
    }
    assert_eq!(app.sms.count(), 5);
    app.finish().await;
}

// SEC-48, D2
async fn a_clock_that_steps_back_lengthens_a_lock_by_its_step_at_most(db: TestDb) {
    let (app, clock) = start(&db, |_| {}).await;
    let eve = app.awaiting_code(PHONE).await;
    let guess = async |n: usize| {
        let codes: Vec<String> = app.sms.sent().iter().map(crate::support::sms::Sent::code).collect();
        app.say(&eve, &wrong(&codes, n)).await
    };
    for n in 0..3 {
        guess(n).await;
    }
    app.advance(61);
    app.say(&eve, "resend").await;
    guess(3).await;
    let locked = guess(4).await;
    assert_eq!(locked.action(), "account_locked");
    let until = detail(locked.data())["locked_until"].clone();
    for off in [-HOUR, -1] {
        clock.set(off);
        let still = app.say(&eve, "resend").await;
        assert_eq!((still.action(), &detail(still.data())["locked_until"]), ("account_locked", &until));
    }
    // Back by an hour for good: the lock ends an hour and half an hour later, and no second after that.
    clock.set(-HOUR);
    app.advance(HOUR + 30 * 60 - 1);
    assert_eq!(app.say(&eve, "resend").await.action(), "account_locked");
    app.advance(1);
    assert_eq!(app.say(&eve, "resend").await.action(), "otp_sent");
    assert_eq!(charged(&app).await, 5);
    app.finish().await;
}

// SEC-48
async fn a_clock_that_steps_back_frees_no_budget(db: TestDb) {
    let (app, clock) = start(&db, |config| {
        config.limit.network_sends_per_hour = 3;
        config.limit.new_devices_per_hour = 8;
    })
    .await;
    let numbers = ["+14155552671", "+14155552672", "+14155552673", "+14155552674"];
    for number in &numbers[..3] {
        let sent = app.say(&app.device().await, &format!("log in with {number}")).await;
        assert_eq!(sent.action(), "otp_sent");
    }
    for off in [-HOUR / 2, -1, HOUR - 1] {
        clock.set(off);
        let refused = app.say(&app.device().await, &format!("log in with {}", numbers[3])).await;
        assert_eq!(refused.action(), "otp_send_limited", "{off} s");
    }
    clock.set(-HOUR);
    for status in [201, 201, 429] {
        let made = app.post("/api/devices", &Person::default(), json!({})).await;
        assert_eq!(made.status, status);
    }
    app.finish().await;
}
