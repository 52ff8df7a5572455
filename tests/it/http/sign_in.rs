//! Signing in without the chat: the chat's own limits and proofs, and nothing that tells more.

use serde_json::{Value, json};

use crate::support::app::{PHONE, Person, Reply, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    registering_and_logging_in_take_two_requests,
    a_name_can_come_after_the_code,
    tries_count_together_with_the_chats,
    limits_and_odd_values_are_told,
    another_devices_challenge_is_not_there,
    a_name_that_is_a_command_is_a_name,
);

const OTHER: &str = "+14155552672";

async fn login(app: &TestApp, person: &Person, body: Value) -> Reply {
    app.post("/api/auth/login", person, body).await
}

async fn begun(app: &TestApp, person: &Person, phone: &str) -> String {
    let begun = login(app, person, json!({ "phone": phone })).await;
    begun.data()["challengeId"].as_str().unwrap_or_else(|| panic!("{begun:?}")).to_owned()
}

// S2-10, S2-11, S2-13, S3-37, D5
async fn registering_and_logging_in_take_two_requests(db: TestDb) {
    let app = TestApp::start(&db).await;
    let device = app.device().await;
    let asked = app.post("/api/auth/register", &device, json!({ "phone": "+1 (415) 555-2671" })).await;
    assert_eq!(asked.data()["reference"].as_str().unwrap().len(), 2);
    let id = asked.data()["challengeId"].clone();
    let body = json!({ "challengeId": id, "code": app.code(), "fullName": "Jane Doe" });
    let done = app.post("/api/auth/register", &device, body).await;
    let mut jane = device;
    jane.take(&done);
    let me = app.get("/api/me", &jane).await;
    assert_eq!(me.data()["fullName"], "Jane Doe");

    app.advance(61);
    let other = app.device().await;
    let known = login(&app, &other, json!({ "phone": PHONE })).await;
    let unknown = login(&app, &app.device().await, json!({ "phone": OTHER })).await;
    let keys = |reply: &Reply| reply.data().as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!((known.status, keys(&known)), (unknown.status, keys(&unknown)));
    // The newest code is the unknown number's; the one before it was Jane's.
    let id = begun(&app, &app.device().await, "+14155552673").await;
    assert!(id.starts_with("chl_"));
    app.finish().await;
}

// D5, D7
async fn a_name_can_come_after_the_code(db: TestDb) {
    let app = TestApp::start(&db).await;
    let device = app.device().await;
    let id = begun(&app, &device, PHONE).await;
    let code = app.code();
    let asked = login(&app, &device, json!({ "challengeId": id, "code": code })).await;
    assert_eq!(asked.data(), &json!({ "nameRequired": true, "challengeId": id }));
    let bad = json!({ "challengeId": id, "code": code, "fullName": "a\r\nb" });
    assert_eq!(login(&app, &device, bad).await.body["error"]["details"]["pointer"], "/fullName");
    let done =
        login(&app, &device, json!({ "challengeId": id, "code": code, "fullName": "Will Hand" })).await;
    let mut will = device.clone();
    will.take(&done);
    assert!(app.is_alive(&will).await);
    // The token of before the sign-in is worth nothing.
    assert_eq!(login(&app, &device, json!({ "phone": PHONE })).await.error(), "UNAUTHORIZED");
    app.advance(61);
    let (again, _) = app.sign_in_again(&app.device().await, PHONE).await;
    assert_eq!(app.get("/api/me", &again).await.data()["fullName"], "Will Hand");
    app.finish().await;
}

// SEC-16
async fn a_name_that_is_a_command_is_a_name(db: TestDb) {
    let app = TestApp::start(&db).await;
    for (n, name) in ["Help Me", "Cancel", "log me out", "no"].into_iter().enumerate() {
        let device = app.device().await;
        let id = begun(&app, &device, &format!("+1415555268{n}")).await;
        let body = json!({ "challengeId": id, "code": app.code(), "fullName": name });
        let mut person = device;
        person.take(&login(&app, &person, body).await);
        assert_eq!(app.get("/api/me", &person).await.data()["fullName"], name);
    }
    app.finish().await;
}

// SEC-3, SEC-4, D1
async fn tries_count_together_with_the_chats(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.awaiting_code(PHONE).await;
    for _ in 0..2 {
        assert_eq!(app.say(&anna, &app.wrong_code()).await.action(), "otp_invalid");
    }
    app.advance(61);
    let device = app.device().await;
    let id = begun(&app, &device, PHONE).await;
    let wrong = json!({ "challengeId": id, "code": app.wrong_code() });
    let first = login(&app, &device, wrong.clone()).await;
    assert_eq!(first.status, 422);
    let details = &first.body["error"]["details"];
    assert_eq!((&details["reason"], &details["attemptsLeft"]), (&json!("otp_invalid"), &json!(2)));
    assert_eq!(login(&app, &device, wrong.clone()).await.status, 422);
    let locked = login(&app, &device, wrong).await;
    assert_eq!((locked.status.as_u16(), locked.error()), (429, "RATE_LIMIT_EXCEEDED"));
    assert!(locked.body["error"]["details"]["lockedUntil"].is_string());
    let right = login(&app, &device, json!({ "challengeId": id, "code": app.code() })).await;
    assert!(right.status == 429 || right.status == 422, "{right:?}");
    app.advance(61);
    assert_eq!(login(&app, &app.device().await, json!({ "phone": PHONE })).await.status, 429);
    assert_eq!(app.count("sessions").await, 0);
    app.finish().await;
}

// SEC-46
async fn limits_and_odd_values_are_told(db: TestDb) {
    let app = TestApp::start(&db).await;
    let device = app.device().await;
    let id = begun(&app, &device, PHONE).await;
    let soon = login(&app, &device, json!({ "phone": PHONE })).await;
    assert_eq!((soon.status.as_u16(), soon.error()), (429, "RATE_LIMIT_EXCEEDED"));
    assert!(soon.headers.contains_key("retry-after"));
    for (body, status, pointer) in [
        (json!({}), 400, "/phone"),
        (json!({ "phone": 1 }), 400, "/phone"),
        (json!({ "phone": "call me" }), 422, "/phone"),
        (json!({ "phone": "+1 415 555 2671 ext 5" }), 422, "/phone"),
        (json!({ "challengeId": id }), 400, "/code"),
        (json!({ "challengeId": id, "code": "12345678901" }), 422, "/code"),
        (json!({ "challengeId": id, "code": "log me in" }), 422, "/code"),
    ] {
        let refused = login(&app, &device, body.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (status, "VALIDATION_ERROR"), "{body}");
        assert_eq!(refused.body["error"]["details"]["pointer"], pointer);
    }
    assert_eq!(login(&app, &Person::default(), json!({ "phone": PHONE })).await.error(), "UNAUTHORIZED");
    app.finish().await;
}

// SEC-10, SEC-11, SEC-18
async fn another_devices_challenge_is_not_there(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (anna, eve) = (app.device().await, app.device().await);
    let id = begun(&app, &anna, PHONE).await;
    let code = app.code();
    begun(&app, &eve, OTHER).await;
    for id in [id.as_str(), "chl_00000000000000000000000000", "nonsense"] {
        let refused = login(&app, &eve, json!({ "challengeId": id, "code": code })).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (404, "NOT_FOUND"));
    }
    assert_eq!(app.count("charges").await, 0);
    let done = login(&app, &anna, json!({ "challengeId": id, "code": code, "fullName": "Anna" })).await;
    assert_eq!(done.status, 200);
    app.finish().await;
}
