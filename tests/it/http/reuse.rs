//! Exchanged tokens that come back.

use serde_json::{Value, json};
use vestibule::model::Actor;

use crate::support::app::{PHONE, Person, TestApp, until};
use crate::support::db::{TestDb, on_both};

on_both!(
    an_exchanged_token_that_comes_back_ends_its_family,
    however_old_it_is,
    a_grace_leads_to_the_token_in_force,
    an_ended_session_accuses_nobody,
    exchanged_tokens_are_forgotten_long_after_the_end,
);

const DAY: i64 = 24 * 3_600;

async fn rotated(app: &TestApp, person: &Person) -> Person {
    person.with(&app.refresh(person, true).await)
}

// SEC-21, D2
async fn an_exchanged_token_that_comes_back_ends_its_family(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let elsewhere = app.sign_in(PHONE).await;
    let refreshed = app.refresh(&anna, true).await;
    let next = anna.with(&refreshed);
    let jwt = refreshed.data()["accessToken"].as_str().map(str::to_owned);
    let jwt = Person { session: jwt, ..Person::default() };
    let messages = app.sms.count();
    app.advance(60);
    assert!(app.is_alive(&next).await && app.is_alive(&jwt).await);

    assert_eq!(app.refresh(&anna, false).await.error(), "UNAUTHORIZED");
    for dead in [&next, &jwt, &anna] {
        assert!(!app.is_alive(dead).await);
        assert_eq!(app.refresh(dead, true).await.error(), "UNAUTHORIZED");
    }
    assert!(app.is_alive(&elsewhere).await, "another session is another family");
    let device = app.texts("SELECT device_id FROM sessions WHERE revoked_by = 'reuse'").await;
    assert_eq!(device, [anna.device_id.as_str()]);
    assert_eq!(app.texts("SELECT device_id FROM trusts WHERE ended_by = 'reuse'").await, device);
    assert_eq!(
        app.texts("SELECT device_id FROM trusts WHERE ended_at IS NULL").await,
        [elsewhere.device_id.as_str()]
    );
    assert_eq!(app.count("audit WHERE kind = 'session_reuse_detected'").await, 1);
    let forgotten = app.texts("SELECT detail FROM audit WHERE kind = 'device_forgotten'").await;
    let forgotten: Vec<Value> = forgotten.iter().map(|d| serde_json::from_str(d).unwrap()).collect();
    assert_eq!(forgotten, [json!({ "by": "reuse", "device": anna.device_id })]);
    let noted = app.app().store().revocations_after(&Actor::System, 0, 9).await.unwrap();
    assert_eq!(noted.len(), 1);
    assert_eq!(noted[0].reason, "reuse");

    // The owner is told once, on the number of the account, in one plain message without a code.
    app.handed_over(messages + 1).await;
    let told = app.sms.sent().pop().unwrap();
    assert_eq!(told.to, PHONE);
    assert!(told.text.len() < 160 && told.text.is_ascii(), "{}", told.text);
    assert!(told.text.contains("used again") && !told.text.contains(|c: char| c.is_ascii_digit()));
    until(async || {
        app.count("outbox WHERE status = 'sent' AND destination_sealed IS NULL").await == messages + 1
    })
    .await;
    app.finish().await;
}

// SEC-21
async fn however_old_it_is(db: TestDb) {
    let app = TestApp::start(&db).await;
    for exchanges in [2, 5] {
        let messages = app.sms.count() + 1;
        let first = app.sign_in(PHONE).await;
        let mut last = first.clone();
        for _ in 0..exchanges {
            app.advance(61);
            last = rotated(&app, &last).await;
        }
        assert!(app.is_alive(&last).await);
        assert!(!app.is_alive(&first).await);
        assert!(!app.is_alive(&last).await, "after {exchanges} exchanges");
        app.handed_over(messages + 1).await;
    }
    assert_eq!(app.count("audit WHERE kind = 'session_reuse_detected'").await, 2);
    assert_eq!(app.count("sessions WHERE revoked_at IS NULL").await, 0);
    app.finish().await;
}

// SEC-21: whoever comes late within the minute gets the token in force, and not one that would end the family later.
async fn a_grace_leads_to_the_token_in_force(db: TestDb) {
    let app = TestApp::start(&db).await;
    let first = app.sign_in(PHONE).await;
    let second = rotated(&app, &first).await;
    app.advance(30);
    let third = rotated(&app, &second).await;
    for late in [&first, &second] {
        assert!(app.is_alive(late).await);
        assert_eq!(rotated(&app, late).await.session, third.session);
    }
    assert_eq!(app.count("audit WHERE kind = 'session_refreshed'").await, 2);
    let mut last = third.clone();
    for _ in 0..15 {
        last = rotated(&app, &last).await;
    }
    assert_eq!(app.refresh(&first, true).await.error(), "UNAUTHORIZED", "too many exchanges away");
    assert_eq!(rotated(&app, &second).await.session, last.session);
    assert!(app.is_alive(&last).await);
    assert_eq!(app.count("audit WHERE kind = 'session_reuse_detected'").await, 0);
    app.finish().await;
}

async fn an_ended_session_accuses_nobody(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (left, idle) = (app.sign_in(PHONE).await, app.sign_in(PHONE).await);
    let next = rotated(&app, &left).await;
    rotated(&app, &idle).await;
    assert_eq!(app.post("/api/auth/logout", &next.bearer(), json!({})).await.status, 200);
    app.advance(61);
    assert!(!app.is_alive(&left).await);
    app.advance(30 * DAY);
    assert!(!app.is_alive(&idle).await);
    assert_eq!(app.count("audit WHERE kind = 'session_reuse_detected'").await, 0);
    assert_eq!(app.count("trusts WHERE ended_at IS NOT NULL").await, 0);
    app.finish().await;
}

async fn exchanged_tokens_are_forgotten_long_after_the_end(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (left, stays) = (app.sign_in(PHONE).await, app.sign_in(PHONE).await);
    let next = rotated(&app, &left).await;
    assert_eq!(app.post("/api/auth/logout", &next.bearer(), json!({})).await.status, 200);
    let mut stays = rotated(&app, &stays).await;
    for _ in 0..3 {
        app.advance(29 * DAY);
        stays = rotated(&app, &stays).await;
    }
    assert!(app.is_alive(&stays).await);
    assert_eq!(app.count("spent_tokens").await, 5);
    app.advance(3 * DAY + 3_600);
    until(async || app.count("spent_tokens").await == 4).await;
    app.finish().await;
}
