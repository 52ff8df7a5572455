//! One's own account: changed, taken along and left, each with the proof it needs.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::{PHONE, Person, Reply, TestApp, reply};
use crate::support::db::{TestDb, on_both};

on_both!(
    a_name_is_changed_at_once_and_contacts_by_codes,
    a_step_up_stands_for_one_act_of_its_session,
    an_export_has_all_of_ones_own_and_no_secret,
    a_deleted_account_is_closed_at_once_and_erased_later,
    a_sign_in_calls_a_deletion_off,
);

const OTHER: &str = "+14155552672";
const DAY: i64 = 24 * 60 * 60;

async fn patch(app: &TestApp, person: &Person, body: Value) -> Reply {
    reply(app.request(Method::PATCH, "/api/me", person).json(&body)).await
}

/// A step-up of the session, given back.
async fn stepped_up(app: &TestApp, person: &Person) -> String {
    app.advance(61);
    let before = app.sms.count();
    let begun = app.post("/api/auth/step-up", person, json!({})).await;
    app.handed_over(before + 1).await;
    let id = begun.data()["challengeId"].as_str().unwrap().to_owned();
    let done = app.post("/api/auth/step-up", person, json!({ "challengeId": id, "code": app.code() })).await;
    assert!(done.data()["steppedUpUntil"].is_string());
    id
}

fn with(
    app: &TestApp,
    (method, path): (Method, &str),
    (person, step_up): (&Person, &str),
) -> reqwest::RequestBuilder {
    app.request(method, path, person).header("x-step-up", step_up)
}

// S2-30, S2-31, S2-32, S2-35, D18
async fn a_name_is_changed_at_once_and_contacts_by_codes(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await.bearer();
    let changed = patch(&app, &anna, json!({ "fullName": "Anna Bell" })).await;
    assert_eq!(changed.data()["updatedFields"], json!(["name"]));
    assert_eq!(app.get("/api/me", &anna).await.data()["fullName"], "Anna Bell");
    for (body, status, pointer) in [
        (json!({}), 400, ""),
        (json!({ "fullName": "a\r\nb" }), 422, "/fullName"),
        (json!({ "fullName": "x".repeat(5_000) }), 422, "/fullName"),
        (json!({ "email": "nobody" }), 422, "/email"),
        (json!({ "phone": "call me" }), 422, "/phone"),
        (json!({ "email": "a@example.com", "phone": OTHER }), 400, ""),
    ] {
        let refused = patch(&app, &anna, body).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (status, "VALIDATION_ERROR"));
        assert_eq!(refused.body["error"]["details"]["pointer"], pointer);
    }
    app.advance(61);
    let asked = patch(&app, &anna, json!({ "phone": OTHER })).await;
    assert_eq!(
        (&asked.data()["stepUpRequired"], &asked.data()["pendingVerification"]),
        (&json!(true), &json!(["phone"]))
    );
    let id = asked.data()["challengeId"].clone();
    let unknown = json!({ "challengeId": "chl_00000000000000000000000000", "code": "123456" });
    assert_eq!(patch(&app, &anna, unknown).await.error(), "NOT_FOUND");
    let wrong = patch(&app, &anna, json!({ "challengeId": id, "code": app.wrong_code() })).await;
    assert_eq!(wrong.body["error"]["details"]["attemptsLeft"], 2);
    let sent = patch(&app, &anna, json!({ "challengeId": id, "code": app.code() })).await;
    assert_eq!(
        (&sent.data()["stepUpRequired"], &sent.data()["pendingVerification"]),
        (&json!(false), &json!(["phone"]))
    );
    let id = sent.data()["challengeId"].clone();
    let done = patch(&app, &anna, json!({ "challengeId": id, "code": app.code() })).await;
    assert_eq!(done.data()["updatedFields"], json!(["phone"]));
    assert_eq!(app.texts("SELECT phone FROM users").await, [OTHER]);
    app.finish().await;
}

// D35, SEC-45, SEC-42
async fn a_step_up_stands_for_one_act_of_its_session(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (one, two) = (app.sign_in(PHONE).await.bearer(), app.sign_in(PHONE).await.bearer());
    let refused = app.delete("/api/me", &one).await;
    assert_eq!(refused.body["error"]["details"]["reason"], "step_up_required");
    assert_eq!(app.get("/api/me/export", &one).await.status, 422);
    let id = stepped_up(&app, &one).await;
    for (person, step_up) in [(&two, id.as_str()), (&one, "chl_00000000000000000000000000"), (&one, "x")] {
        let refused = reply(with(&app, (Method::DELETE, "/api/me"), (person, step_up))).await;
        assert_eq!(refused.status, 422);
    }
    assert_eq!(reply(with(&app, (Method::GET, "/api/me/export"), (&one, &id))).await.status, 200);
    // It is used up, and a deletion needs one of its own.
    assert_eq!(reply(with(&app, (Method::DELETE, "/api/me"), (&one, &id))).await.status, 422);
    let late = stepped_up(&app, &one).await;
    app.advance(10 * 60);
    assert_eq!(reply(with(&app, (Method::DELETE, "/api/me"), (&one, &late))).await.status, 422);
    assert!(app.is_alive(&one).await && app.is_alive(&two).await);
    app.finish().await;
}

// SEC-45, S3-40
async fn an_export_has_all_of_ones_own_and_no_secret(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (anna, bo) = (app.sign_in(PHONE).await, app.sign_in(OTHER).await);
    app.say(&bo.bearer(), "hello from Bo").await;
    app.say(&anna.bearer(), "hello from Anna").await;
    let id = stepped_up(&app, &anna.bearer()).await;
    let all = reply(with(&app, (Method::GET, "/api/me/export"), (&anna.bearer(), &id))).await;
    let data = all.data();
    assert_eq!(data["profile"]["phone"], PHONE);
    assert_eq!(
        (data["devices"].as_array().unwrap().len(), data["sessions"].as_array().unwrap().len()),
        (1, 1)
    );
    let text = data.to_string();
    assert!(text.contains("hello from Anna") && !text.contains("hello from Bo") && !text.contains(OTHER));
    for secret in [anna.session.as_deref().unwrap(), anna.device.as_deref().unwrap()] {
        assert!(!text.contains(secret));
    }
    assert!(!text.to_lowercase().contains("hash") && !text.contains("sealed") && !text.contains("pepper"));
    assert_eq!(app.count("audit WHERE kind = 'export_made'").await, 1);
    app.finish().await;
}

// D32, SEC-45, S2-55
async fn a_deleted_account_is_closed_at_once_and_erased_later(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (anna, elsewhere) = (app.sign_in(PHONE).await, app.sign_in(PHONE).await);
    app.say(&anna.bearer(), "hello from Anna").await;
    let bo = app.sign_in(OTHER).await;
    let id = stepped_up(&app, &anna.bearer()).await;
    let user = app.texts(&format!("SELECT id FROM users WHERE phone = '{PHONE}'")).await.remove(0);
    let done = reply(with(&app, (Method::DELETE, "/api/me"), (&anna.bearer(), &id))).await;
    assert_eq!(done.data(), &json!({ "erasedAfterDays": 30 }));
    assert!(!app.is_alive(&anna).await && !app.is_alive(&elsewhere).await && app.is_alive(&bo).await);
    app.advance(29 * DAY);
    app.app().engine().erase_due_accounts(app.app().clock().now()).await.unwrap();
    assert_eq!(app.count("users").await, 2);
    app.advance(DAY + 1);
    app.app().engine().erase_due_accounts(app.app().clock().now()).await.unwrap();
    assert_eq!(app.count("users").await, 1);
    for rows in [
        format!("messages WHERE owner = '{user}'"),
        format!("conversations WHERE owner = '{user}'"),
        format!("sessions WHERE user_id = '{user}'"),
        format!("devices WHERE user_id = '{user}'"),
        format!("trusts WHERE user_id = '{user}'"),
        format!("challenges WHERE user_id = '{user}'"),
        "messages WHERE content LIKE '%hello from Anna%'".to_owned(),
    ] {
        assert_eq!(app.count(&rows).await, 0, "{rows}");
    }
    assert_eq!(app.count(&format!("audit WHERE kind = 'delete_done' AND user_id = '{user}'")).await, 1);
    assert!(app.count("conversations").await > 0, "Bo's stay");
    // The number is free for an account that sees nothing of the old one.
    let new = app.sign_in(PHONE).await;
    assert_ne!(app.get("/api/me", &new).await.data()["userId"], user.as_str());
    let seen = app.get("/api/agent/conversations", &new).await;
    assert!(!seen.body.to_string().contains("hello from Anna"));
    app.finish().await;
}

// D32
async fn a_sign_in_calls_a_deletion_off(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let id = stepped_up(&app, &anna.bearer()).await;
    assert_eq!(reply(with(&app, (Method::DELETE, "/api/me"), (&anna.bearer(), &id))).await.status, 200);
    app.advance(10 * DAY);
    let (again, told) = app.sign_in_again(&app.device().await, PHONE).await;
    let data = &told.data()["response"]["data"];
    assert_eq!(data["reactivated"], true);
    assert!(data["message"].as_str().unwrap().contains("that is called off"));
    app.advance(21 * DAY);
    app.app().engine().erase_due_accounts(app.app().clock().now()).await.unwrap();
    assert!(app.is_alive(&again).await);
    let events = app.texts("SELECT kind FROM audit WHERE kind LIKE 'delete_%' ORDER BY at, id").await;
    assert_eq!(events, ["delete_requested", "delete_cancelled"]);
    app.finish().await;
}
