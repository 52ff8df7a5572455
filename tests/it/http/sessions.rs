//! Sessions: their exchange, their grace, their end.

use std::sync::Arc;

use futures::future::join_all;
use jiff::SignedDuration;
use serde_json::json;
use vestibule::clock::MovableClock;
use vestibule::model::Clock;

use crate::support::app::{PHONE, Person, Reply, TestApp, reply};
use crate::support::db::{TestDb, on_both};

on_both!(
    parallel_refreshes_get_one_successor,
    a_token_is_exchanged_daily,
    an_access_token_lives_fifteen_minutes,
    a_session_slides_thirty_days_and_ends_after_ninety,
    the_least_recently_used_of_six_sessions_goes,
    a_planted_token_is_worth_nothing_after_the_sign_in,
    contradicting_credentials_prove_nothing,
    the_test_clock_moves_every_node,
    an_id_is_no_credential,
    a_clock_an_hour_off_brings_nothing_to_life,
    an_account_is_seen_where_its_sessions_are_used,
);

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 3_600;

// SEC-21, D7
async fn parallel_refreshes_get_one_successor(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let all = join_all((0..20).map(|_| app.refresh(&anna, true))).await;
    for reply in &all {
        assert_eq!(reply.data()["session"], all[0].data()["session"]);
        assert!(reply.data()["accessToken"].is_string());
    }
    assert_ne!(all[0].data()["session"]["token"].as_str(), anna.session.as_deref());
    app.advance(59);
    assert_eq!(app.refresh(&anna, true).await.data()["session"], all[0].data()["session"]);
    assert_eq!((app.count("sessions").await, app.count("spent_tokens").await), (1, 1));
    assert_eq!(app.count("audit WHERE kind = 'session_refreshed'").await, 1);
    assert!(app.is_alive(&anna.with(&all[0])).await);
    app.finish().await;
}

async fn a_token_is_exchanged_daily(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    app.advance(DAY - 1);
    let same = anna.with(&app.refresh(&anna, false).await);
    assert_eq!(same.session, anna.session);
    app.advance(1);
    let next = anna.with(&app.refresh(&anna, false).await);
    assert_ne!(next.session, anna.session);
    assert!(app.is_alive(&next).await);
    app.finish().await;
}

async fn an_access_token_lives_fifteen_minutes(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let fresh = app.refresh(&anna, false).await;
    let token = fresh.data()["accessToken"].as_str().unwrap().to_owned();
    // SEC-19: the parts of a token that was tampered with prove nothing.
    let parts: Vec<&str> = token.split('.').collect();
    let forged = [
        format!("{}.{}.", parts[0], parts[1]),
        format!("eyJhbGciOiJub25lIn0.{}.", parts[1]),
        format!("{}.{}.{}", parts[0], parts[1], parts[0]),
        "x".repeat(60_000),
    ];
    for forged in forged {
        let person = Person { session: Some(forged), ..Person::default() };
        let refused = app.get("/api/me", &person).await;
        // The server's own limit on headers may come first.
        assert!(refused.status == 431 || refused.error() == "UNAUTHORIZED", "{refused:?}");
    }
    let jwt = Person { session: Some(token), ..Person::default() };
    assert_eq!(app.refresh(&jwt, true).await.error(), "UNAUTHORIZED");
    // Five seconds are allowed for clocks that differ.
    app.advance(15 * MINUTE + 4);
    assert!(app.is_alive(&jwt).await);
    app.advance(1);
    assert!(!app.is_alive(&jwt).await);
    app.finish().await;
}

// D7
async fn a_session_slides_thirty_days_and_ends_after_ninety(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut anna = app.sign_in(PHONE).await;
    for day in [29, 58, 87] {
        app.advance(29 * DAY);
        assert!(app.is_alive(&anna).await, "day {day}");
        anna = anna.with(&app.refresh(&anna, false).await);
    }
    app.advance(3 * DAY - 1);
    assert!(app.is_alive(&anna).await);
    app.advance(1);
    assert!(!app.is_alive(&anna).await, "ninety days are over");

    let left = app.sign_in(PHONE).await;
    app.advance(30 * DAY - 1);
    assert!(app.is_alive(&left).await);
    app.advance(1);
    assert!(!app.is_alive(&left).await, "thirty days without a refresh are over");
    app.finish().await;
}

// D11
async fn the_least_recently_used_of_six_sessions_goes(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut people = Vec::new();
    for _ in 0..5 {
        people.push(app.sign_in(PHONE).await);
    }
    app.advance(10);
    assert!(app.is_alive(&people[0]).await);
    let newest = app.sign_in(PHONE).await;
    assert!(app.is_alive(&newest).await);
    assert!(app.is_alive(&people[0]).await, "it was used last");
    assert!(!app.is_alive(&people[1]).await, "it was used before all others");
    assert_eq!(app.count("sessions WHERE revoked_at IS NULL").await, 5);
    app.finish().await;
}

// SEC-20, SEC-55
async fn a_planted_token_is_worth_nothing_after_the_sign_in(db: TestDb) {
    let app = TestApp::start(&db).await;
    let planted = app.awaiting_code(PHONE).await;
    let mut victim = planted.clone();
    app.say(&victim, &app.code()).await;
    victim.take(&app.say(&victim, "Anna").await);
    for path in ["/api/agent/conversations", "/api/me", "/api/sessions", "/api/devices"] {
        assert_eq!(app.get(path, &planted).await.error(), "UNAUTHORIZED", "{path}");
    }
    let forgotten = app.delete(&format!("/api/devices/{}", planted.device_id), &planted).await;
    assert_eq!(forgotten.error(), "UNAUTHORIZED");
    assert_eq!(app.refresh(&planted, true).await.error(), "UNAUTHORIZED");
    // The trust is the device's, and the device is whoever has its token.
    assert_eq!(app.texts("SELECT device_id FROM trusts").await, [victim.device_id.as_str()]);
    assert_eq!(app.say(&planted, "hello").await.error(), "UNAUTHORIZED");
    assert_eq!(app.turn(&planted, json!({ "prompt": "hello" })).await.error(), "UNAUTHORIZED");
    assert!(app.is_alive(&victim).await);
    app.finish().await;
}

async fn contradicting_credentials_prove_nothing(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let stranger = app.device().await;
    assert_ne!(stranger.device_id, anna.device_id);
    let mixed = Person { device: stranger.device.clone(), ..anna.clone() };
    assert_eq!(app.get("/api/me", &mixed).await.error(), "UNAUTHORIZED");
    assert!(app.is_alive(&anna).await);
    app.finish().await;
}

async fn the_test_clock_moves_every_node(db: TestDb) {
    let (one, two) = (TestApp::without_doubles(&db).await, TestApp::without_doubles(&db).await);
    let anna = one.awaiting_code(PHONE).await;
    let now = |reply: &Reply| reply.data()["now"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let nobody = Person::default();
    let before = now(&one.post("/test/clock", &nobody, json!({ "advanceMs": 0 })).await);
    let after = now(&one.post("/test/clock", &nobody, json!({ "advanceMs": 600_000 })).await);
    assert!((after - before).total(jiff::Unit::Second).unwrap() >= 600.0);
    for bad in
        [json!({}), json!({ "advanceMs": -1 }), json!({ "advanceMs": 0.5 }), json!({ "advanceMs": "1" })]
    {
        let refused = one.post("/test/clock", &nobody, bad).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (400, "VALIDATION_ERROR"));
        assert_eq!(refused.body["error"]["details"]["pointer"], "/advanceMs");
    }
    // The other node knows that the code has expired.
    let sent = one.get("/dev/outbox?to=14155552671", &nobody).await;
    let code = sent.data()[0]["code"].as_str().unwrap().to_owned();
    assert_eq!(two.say(&anna, &code).await.action(), "otp_expired");
    one.finish().await;
    two.finish().await;
}

// SEC-23
async fn an_id_is_no_credential(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let (own, session) = (anna.device_id.clone(), app.texts("SELECT id FROM sessions").await.remove(0));
    for id in [&own, &session] {
        let as_token = [
            Person { device: Some(id.clone()), ..Person::default() },
            Person { session: Some(id.clone()), ..Person::default() },
        ];
        for person in as_token {
            assert_eq!(app.get("/api/sessions", &person).await.error(), "UNAUTHORIZED");
            assert_eq!(app.say(&person, "hello").await.error(), "UNAUTHORIZED");
        }
        for (name, value) in [
            ("x-device-id", id.clone()),
            ("cookie", format!("vestibule_device={id}")),
            ("cookie", format!("vestibule_session={id}")),
        ] {
            let request = app.request(reqwest::Method::GET, "/api/devices", &Person::default());
            assert_eq!(reply(request.header(name, value)).await.error(), "UNAUTHORIZED");
        }
    }
    // Beside a stranger's own token, in the body or the headers, an id changes nothing.
    let stranger = app.device().await;
    let body = json!({ "prompt": "log in", "deviceId": own, "device_id": own, "sessionId": session });
    let request = app.request(reqwest::Method::POST, "/api/agent/run-sync", &stranger);
    let heard = reply(request.header("x-device-id", &own).json(&body)).await;
    assert_eq!(heard.action(), "phone_requested");
    assert_eq!(app.get("/api/sessions", &stranger).await.error(), "UNAUTHORIZED");
    assert!(app.is_alive(&anna).await);
    app.finish().await;
}

// SEC-48
async fn a_clock_an_hour_off_brings_nothing_to_life(db: TestDb) {
    const HOUR: i64 = 3_600;
    let app = TestApp::start(&db).await;
    let (anna, gone) = (app.sign_in(PHONE).await, app.sign_in(PHONE).await);
    let early = app.sign_in(PHONE).await;
    let next = anna.with(&app.refresh(&anna, true).await);
    assert_eq!(app.post("/api/auth/logout", &gone, json!({})).await.status, 200);
    let (then, sms) = (app.clock.now(), app.sms.clone());
    app.finish().await;

    // An hour back: what ended stays ended, what lives goes on, and an exchanged token gets no second minute.
    let back = Arc::new(MovableClock::fixed(then - SignedDuration::from_secs(HOUR)));
    let app = TestApp::restart(&db, &back, &sms, 2).await;
    assert!(!app.is_alive(&gone).await, "it was ended");
    assert!(app.is_alive(&next).await && app.is_alive(&early).await);
    assert!(!app.is_alive(&anna).await, "its minute cannot be told any more");
    assert!(app.is_alive(&next).await, "and nobody is accused for that");
    app.advance(HOUR - 59);
    assert!(app.is_alive(&anna).await, "a clock less than a minute off is no reason to refuse");
    // Forward again, to the second where thirty days without a refresh are over.
    app.advance(59 + 30 * DAY - 1);
    assert!(app.is_alive(&next).await && !app.is_alive(&gone).await);
    app.advance(1);
    assert!(!app.is_alive(&next).await && !app.is_alive(&early).await);
    app.finish().await;
}

// D35
async fn an_account_is_seen_where_its_sessions_are_used(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let seen = async || app.texts("SELECT CAST(last_seen_at AS TEXT) FROM users").await.remove(0);
    let version = async || app.texts("SELECT CAST(version AS TEXT) FROM users").await.remove(0);
    let (first, guarded) = (seen().await, version().await);
    app.advance(2 * 3_600);
    assert!(app.is_alive(&anna).await);
    let later = seen().await;
    assert_eq!(later, app.clock.now().as_microsecond().to_string());
    assert_ne!(later, first);
    app.advance(2);
    assert!(app.is_alive(&anna).await);
    assert_eq!(seen().await, later, "once an hour is often enough");
    assert_eq!(version().await, guarded, "nothing that is serialised depends on it");
    app.finish().await;
}
