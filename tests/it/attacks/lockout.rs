//! Limits turned against the person they protect.

use super::{asked_for_a_number, logged_out, wrong};
use crate::support::app::{PHONE, Person, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    a_day_of_lockouts_does_not_keep_a_trusted_device_out,
    a_day_of_burnt_sends_leaves_a_trusted_device_its_own,
);

const HOUR: i64 = 3_600;

/// A wrong code of the length that is due: after many failures eight digits.
fn wrong_now(app: &TestApp, n: usize) -> String {
    let known: Vec<String> = app.sms.sent().iter().map(crate::support::sms::Sent::code).collect();
    let longer = if app.code().len() == 8 { "00" } else { "" };
    format!("{}{longer}", wrong(&known, n))
}

/// Five wrong tries, or as many as are taken. Gives the end of the lock they led to, and whoever made them, where that
/// leaves a code with a try to spare.
async fn lock_out(app: &TestApp) -> (Option<Person>, String) {
    let eve = asked_for_a_number(app).await;
    let mut told = app.say(&eve, PHONE).await;
    let mut tries = 0;
    while told.action() != "account_locked" {
        assert!(tries < 5, "the fifth wrong try did not lock: {told:?}");
        told = app.say(&eve, &wrong_now(app, tries)).await;
        tries += 1;
        if told.action() == "otp_attempts_exceeded" {
            app.advance(61);
            told = app.say(&eve, "resend").await;
        }
    }
    let until = locked_until(app, &eve, "resend").await;
    // The fifth is the second at the second code; a longer code has one try only.
    ((tries == 5 && app.code().len() == 6).then_some(eve), until)
}

async fn locked_until(app: &TestApp, eve: &Person, text: &str) -> String {
    let told = app.say(eve, text).await;
    assert_eq!(told.action(), "account_locked", "{told:?}");
    told.data()["response"]["data"]["locked_until"].as_str().unwrap().to_owned()
}

// SEC-32, D2
async fn a_day_of_lockouts_does_not_keep_a_trusted_device_out(db: TestDb) {
    // The day's sends would save the number from most of the attack.
    let app = TestApp::start_with(&db, |config| config.limit.otp_send_limit_per_day = 1_000).await;
    let mut anna = app.sign_in(PHONE).await;
    app.advance(61);
    let (mut locks, mut tried) = (Vec::new(), 0);
    for hour in 0..24 {
        // Every third hour the victim is in the middle of signing in: as often as one device may ask for a code.
        let pending = if hour % 3 == 0 {
            anna = logged_out(&app, &anna).await;
            assert_eq!(app.say(&anna, &format!("log in with {PHONE}")).await.action(), "otp_sent");
            Some(app.code())
        } else {
            None
        };
        app.advance(61);
        let (eve, until) = lock_out(&app).await;
        // More of the same moves nothing: not a try at a code that lives, and not another device.
        app.advance(61);
        if let Some(eve) = eve {
            let guess = wrong_now(&app, hour);
            assert_eq!(locked_until(&app, &eve, &guess).await, until, "a try moved the lock");
            tried += 1;
        }
        let other = asked_for_a_number(&app).await;
        app.say(&other, PHONE).await;
        assert_eq!(locked_until(&app, &other, "resend").await, until, "a request moved the lock");
        locks.push(until);
        if let Some(code) = pending {
            let done = app.say(&anna, &code).await;
            assert_eq!(done.action(), "login_successful", "in hour {hour}: {done:?}");
            anna.take(&done);
        }
        assert_eq!(app.get("/api/me", &anna).await.status == 200, anna.session.is_some());
        app.advance(HOUR - 5 * 61);
    }
    locks.dedup();
    assert!(tried >= 10, "{tried} tries were made while it was locked");
    assert!(locks.len() >= 15, "the attacker was hardly there: {locks:?}");
    assert_eq!(app.count("audit WHERE kind IN ('login_ok', 'login_after_fail')").await, 9);
    app.finish().await;
}

// SEC-33, D2
async fn a_day_of_burnt_sends_leaves_a_trusted_device_its_own(db: TestDb) {
    let app = TestApp::start_with(&db, |config| {
        config.sms.countries = ["US", "GB"].map(|country| country.parse().unwrap()).to_vec();
    })
    .await;
    let anna = app.sign_in(PHONE).await;
    let anna = logged_out(&app, &anna).await;
    let before = app.sms.count();
    for _ in 0..3 {
        let eve = asked_for_a_number(&app).await;
        app.advance(61);
        app.say(&eve, PHONE).await;
        for _ in 0..4 {
            app.advance(61);
            app.say(&eve, "resend").await;
        }
    }
    // One of the ten was the victim's own, by which the account was made.
    assert_eq!(app.sms.count() - before, 9);
    let eve = asked_for_a_number(&app).await;
    assert_eq!(app.say(&eve, PHONE).await.action(), "otp_send_limited");
    assert_eq!(app.say(&eve, "+14155552672").await.action(), "otp_sent", "another number has its own");
    assert_eq!(app.say(&app.device().await, "log in with +447400123456").await.action(), "otp_sent");

    let mut anna = anna;
    let first = app.say(&anna, &format!("log in with {PHONE}")).await;
    assert_eq!(first.action(), "otp_sent");
    anna.conversation = first.data()["conversationId"].as_str().map(str::to_owned);
    for _ in 0..3 {
        app.advance(61);
        assert_eq!(app.say(&anna, "resend").await.action(), "otp_sent");
    }
    let code = app.code();
    app.advance(61);
    assert_eq!(app.say(&anna, "resend").await.action(), "otp_send_limited", "four of its own and no more");
    assert_eq!(app.say(&anna, &code).await.action(), "login_successful");
    app.finish().await;
}
