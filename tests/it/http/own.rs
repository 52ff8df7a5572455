//! One's own sessions and devices: seen, ended, forgotten; and how many there may be.

use serde_json::{Value, json};
use vestibule::model::Actor;
use vestibule::store::RevocationKind;
use vestibule::tool::SessionLimit;

use crate::support::app::{PHONE, Person, TestApp, reply};
use crate::support::db::{TestDb, on_both};

on_both!(
    sessions_are_seen_and_ended_by_id,
    others_end_or_all,
    a_device_is_forgotten_with_what_it_had,
    a_shared_device_is_each_ones_own,
    what_is_somebody_elses_is_not_found,
    trust_is_made_by_a_code_once,
    whoever_makes_room_is_told,
    where_the_limit_rejects_nobody_is_signed_out,
    a_cookie_goes_with_its_session,
);

const OTHER: &str = "+14155552672";

async fn sessions(app: &TestApp, person: &Person) -> Vec<Value> {
    let listed = app.get("/api/sessions", &person.bearer()).await;
    let sessions = listed.data()["sessions"].as_array().unwrap().clone();
    assert_eq!(listed.data()["count"], sessions.len());
    sessions
}

async fn own_session(app: &TestApp, person: &Person) -> String {
    let all = sessions(app, person).await;
    let current: Vec<&Value> = all.iter().filter(|s| s["isCurrent"] == true).collect();
    assert_eq!(current.len(), 1);
    current[0]["sessionId"].as_str().unwrap().to_owned()
}

async fn noted(app: &TestApp) -> Vec<(RevocationKind, String, String)> {
    let rows = app.app().store().revocations_after(&Actor::System, 0, 99).await.unwrap();
    assert!(rows.is_sorted_by(|a, b| a.seq < b.seq));
    rows.into_iter().map(|r| (r.kind, r.subject, r.reason)).collect()
}

// S2-22, S2-23, D12
async fn sessions_are_seen_and_ended_by_id(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (one, two) = (app.sign_in(PHONE).await, app.sign_in(PHONE).await);
    app.advance(5);
    let listed = sessions(&app, &one).await;
    assert_eq!(listed.len(), 2);
    // The one that asks was used last, by asking.
    assert_eq!((&listed[0]["isCurrent"], &listed[0]["deviceId"]), (&json!(true), &json!(one.device_id)));
    assert_eq!((&listed[1]["isCurrent"], &listed[1]["deviceId"]), (&json!(false), &json!(two.device_id)));
    assert!(!json!(listed).to_string().contains(&one.session.as_deref().unwrap()[4..]));
    let jwt = app.refresh(&two, false).await.data()["accessToken"].as_str().map(str::to_owned);
    let jwt = Person { session: jwt, ..Person::default() };

    let path = format!("/api/sessions/{}", listed[1]["sessionId"].as_str().unwrap());
    assert_eq!(app.delete(&path, &one).await.data(), &json!({ "revoked": 1 }));
    for dead in [&two, &jwt] {
        assert!(!app.is_alive(dead).await, "it dies at once");
    }
    assert_eq!(app.delete(&path, &one).await.error(), "NOT_FOUND", "it has ended");
    assert_eq!(sessions(&app, &one).await.len(), 1);
    let own = own_session(&app, &one).await;
    assert_eq!(app.delete(&format!("/api/sessions/{own}"), &one).await.data(), &json!({ "revoked": 1 }));
    assert!(!app.is_alive(&one).await);
    let two = listed[1]["sessionId"].as_str().unwrap().to_owned();
    let expected = [two, own].map(|id| (RevocationKind::Session, id, "user".to_owned()));
    assert_eq!(noted(&app).await, expected);
    let trusted = app.texts("SELECT device_id FROM trusts WHERE ended_at IS NULL").await;
    assert_eq!(trusted, [one.device_id], "a log-out keeps the trust; a device ended from elsewhere has none");
    app.finish().await;
}

// S2-24, D12
async fn others_end_or_all(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut people = Vec::new();
    for _ in 0..3 {
        people.push(app.sign_in(PHONE).await);
    }
    let stranger = app.sign_in(OTHER).await;
    for bad in ["", "?scope=", "?scope=mine", "?scope=ALL"] {
        assert_eq!(app.delete(&format!("/api/sessions{bad}"), &people[0]).await.error(), "VALIDATION_ERROR");
    }
    let ended = app.delete("/api/sessions?scope=others", &people[0]).await;
    assert_eq!(ended.data(), &json!({ "revoked": 2 }));
    assert!(
        app.is_alive(&people[0]).await && !app.is_alive(&people[1]).await && !app.is_alive(&people[2]).await
    );
    assert_eq!(app.count("trusts WHERE ended_at IS NULL").await, 4);
    assert_eq!(app.delete("/api/sessions?scope=others", &people[0]).await.data(), &json!({ "revoked": 0 }));

    people[1] = app.sign_in(PHONE).await;
    let ended = app.delete("/api/sessions?scope=all", &people[0]).await;
    assert_eq!(ended.data(), &json!({ "revoked": 2 }));
    assert!(!app.is_alive(&people[0]).await && !app.is_alive(&people[1]).await);
    assert!(app.is_alive(&stranger).await);
    assert_eq!(
        app.texts("SELECT device_id FROM trusts WHERE ended_at IS NULL").await,
        [stranger.device_id.as_str()]
    );
    assert_eq!(app.count("audit WHERE kind = 'device_forgotten'").await, 4);
    let reasons: Vec<_> = noted(&app).await.into_iter().map(|(kind, _, why)| (kind.as_str(), why)).collect();
    let expected = [
        ("session", "user"),
        ("session", "user"),
        ("user", "everywhere"),
        ("session", "everywhere"),
        ("session", "everywhere"),
    ];
    assert_eq!(reasons, expected.map(|(kind, why)| (kind, why.to_owned())));
    app.finish().await;
}

// S2-26, D2
async fn a_device_is_forgotten_with_what_it_had(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (one, two) = (app.sign_in(PHONE).await, app.sign_in(PHONE).await);
    let listed = app.get("/api/devices", &one).await;
    assert_eq!(listed.data()["count"], 2);
    let devices = listed.data()["devices"].as_array().unwrap();
    for device in devices {
        assert_eq!(device["isTrusted"], true);
        assert_eq!(device["isCurrent"], device["deviceId"] == one.device_id.as_str());
    }
    let path = format!("/api/devices/{}", two.device_id);
    assert_eq!(app.delete(&path, &one).await.data(), &json!({ "revoked": 1 }));
    assert!(!app.is_alive(&two).await);
    assert_eq!(app.delete(&path, &one).await.error(), "NOT_FOUND");
    assert_eq!(app.get("/api/devices", &one).await.data()["count"], 1);
    assert_eq!(
        app.texts("SELECT device_id FROM trusts WHERE ended_by = 'forgotten'").await,
        [two.device_id.as_str()]
    );
    let reasons: Vec<_> = noted(&app).await.into_iter().map(|(kind, _, why)| (kind.as_str(), why)).collect();
    assert_eq!(reasons, [("session", "forgotten".to_owned()), ("device", "forgotten".to_owned())]);
    // It is still a device, of nobody: whoever holds it signs in anew, and is trusted anew.
    let (again, done) = app.sign_in_again(&two, PHONE).await;
    assert_eq!(done.action(), "login_successful");
    assert!(app.is_alive(&again).await);
    assert_eq!(app.count("audit WHERE kind = 'device_trusted'").await, 3);
    app.finish().await;
}

async fn a_shared_device_is_each_ones_own(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let elsewhere = app.sign_in(PHONE).await;
    app.sign_in(OTHER).await;
    let (bo, done) = app.sign_in_again(&anna, OTHER).await;
    assert_eq!(done.action(), "login_successful");
    // One device has one session: Anna's was replaced, and the note says whose.
    assert!(!app.is_alive(&anna).await && app.is_alive(&bo).await);
    assert_eq!(app.count("audit a JOIN sessions s ON s.id = a.session_id AND s.user_id = a.user_id WHERE a.kind = 'session_revoked'").await, 1);
    app.advance(100);
    assert!(app.is_alive(&bo).await);
    let listed = app.get("/api/devices", &elsewhere).await;
    let shared = listed.data()["devices"]
        .as_array()
        .unwrap()
        .iter()
        .find(|d| d["deviceId"] == anna.device_id.as_str());
    let last_seen: jiff::Timestamp = shared.unwrap()["lastSeenAt"].as_str().unwrap().parse().unwrap();
    let bo_came = app.texts("SELECT CAST(MAX(created_at) AS TEXT) FROM sessions").await.remove(0);
    assert!(last_seen.as_microsecond() < bo_came.parse().unwrap(), "when Bo was there is Bo's business");
    let path = format!("/api/devices/{}", anna.device_id);
    assert_eq!(app.delete(&path, &elsewhere).await.data(), &json!({ "revoked": 0 }));
    assert!(app.is_alive(&bo).await, "what it has of Bo stays");
    assert_eq!(app.count("trusts WHERE ended_at IS NULL").await, 3);
    assert_eq!(app.get("/api/devices", &bo).await.data()["count"], 2);
    app.finish().await;
}

// SEC-18
async fn what_is_somebody_elses_is_not_found(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (anna, bo) = (app.sign_in(PHONE).await, app.sign_in(OTHER).await);
    let session = own_session(&app, &anna).await;
    let unknown = "ses_00000000000000000000000000".to_owned();
    let mut bodies = Vec::new();
    for id in [&session, &unknown, &"nonsense".to_owned(), &anna.device_id] {
        bodies.push(app.delete(&format!("/api/sessions/{id}"), &bo).await);
    }
    for id in [&anna.device_id, &session, &"..%2f".to_owned(), &app.device().await.device_id] {
        bodies.push(app.delete(&format!("/api/devices/{id}"), &bo).await);
    }
    for refused in &bodies {
        assert_eq!((refused.status.as_u16(), refused.error()), (404, "NOT_FOUND"));
        assert_eq!(refused.anonymous_error(), bodies[0].anonymous_error());
    }
    assert_eq!(app.count("audit WHERE kind = 'authz_denied'").await, bodies.len());
    for path in [format!("/api/sessions/{session}"), format!("/api/devices/{}", anna.device_id)] {
        let device_alone = app.delete(&path, &app.device().await).await;
        assert_eq!(device_alone.error(), "UNAUTHORIZED");
    }
    assert!(app.is_alive(&anna).await);
    assert_eq!(noted(&app).await, []);
    app.finish().await;
}

// D2, D11
async fn trust_is_made_by_a_code_once(db: TestDb) {
    let app = TestApp::start(&db).await;
    let stranger = app.awaiting_code(PHONE).await;
    app.say(&stranger, &app.wrong_code()).await;
    assert_eq!(app.count("trusts").await, 0);
    let anna = app.sign_in(PHONE).await;
    let trust = "SELECT device_id || ' ' || CAST(made_at AS TEXT) FROM trusts";
    let before = app.texts(trust).await;
    let (again, _) = app.sign_in_again(&anna, PHONE).await;
    assert_eq!(app.texts(trust).await, before, "it goes on");
    assert_eq!(app.count("audit WHERE kind = 'device_trusted'").await, 1);
    // The same device replaces its own session.
    assert!(!app.is_alive(&anna).await && app.is_alive(&again).await);
    let reasons: Vec<_> = noted(&app).await.into_iter().map(|(_, _, why)| why).collect();
    assert_eq!(reasons, ["replaced"]);
    app.finish().await;
}

// D11
async fn whoever_makes_room_is_told(db: TestDb) {
    let app = TestApp::start_with(&db, |config| config.tool.max_active_sessions = 2).await;
    let named = app.post("/api/devices", &Person::default(), json!({ "name": "Anna's phone" })).await;
    let token = named.data()["deviceToken"].as_str().map(str::to_owned);
    let first = app.sign_in(PHONE).await;
    let named = Person { device: token, ..Person::default() };
    let (named, done) = app.sign_in_again(&named, PHONE).await;
    assert!(done.data()["response"]["data"].get("signed_out").is_none());
    let session = own_session(&app, &named).await;
    assert!(app.is_alive(&first).await);
    app.advance(2);
    assert!(app.is_alive(&first).await);
    let (newest, done) = app.sign_in_again(&app.device().await, PHONE).await;
    let data = &done.data()["response"]["data"];
    assert_eq!(data["signed_out"], json!([{ "session_id": session, "device_name": "Anna's phone" }]));
    let said = data["message"].as_str().unwrap();
    assert!(
        said.starts_with("Welcome back! You're now logged in.") && said.contains("Anna's phone"),
        "{said}"
    );
    assert!(app.is_alive(&newest).await && app.is_alive(&first).await && !app.is_alive(&named).await);
    assert_eq!(noted(&app).await, [(RevocationKind::Session, session, "evicted".to_owned())]);
    app.finish().await;
}

// D11, S2-28
async fn where_the_limit_rejects_nobody_is_signed_out(db: TestDb) {
    let app = TestApp::start_with(&db, |config| config.tool.session_limit = SessionLimit::Reject).await;
    let mut people = Vec::new();
    for _ in 0..5 {
        people.push(app.sign_in(PHONE).await);
    }
    let newcomer = app.device().await;
    let (sixth, refused) = app.sign_in_again(&newcomer, PHONE).await;
    let response = &refused.data()["response"];
    assert_eq!((refused.action(), &response["success"]), ("session_limit", &json!(false)));
    assert_eq!(
        (&response["data"]["limit"], &response["context"]["authenticated"]),
        (&json!(5), &json!(false))
    );
    assert_eq!(refused.data()["session"], Value::Null);
    assert_eq!(app.count("sessions").await, 5);
    assert_eq!(app.count("trusts").await, 5, "nothing was made");
    assert_eq!(noted(&app).await, []);
    assert_eq!(app.get("/api/me", &sixth).await.error(), "UNAUTHORIZED");
    for person in &people {
        assert!(app.is_alive(person).await);
    }
    let (replaced, done) = app.sign_in_again(&people[2], PHONE).await;
    assert_eq!(done.action(), "login_successful");
    assert!(app.is_alive(&replaced).await && !app.is_alive(&people[2]).await);
    // One ends, and there is room.
    assert_eq!(app.post("/api/auth/logout", &people[0].bearer(), json!({})).await.status, 200);
    let (sixth, done) = app.sign_in_again(&newcomer, PHONE).await;
    assert_eq!(done.action(), "login_successful");
    assert!(app.is_alive(&sixth).await);
    assert_eq!(app.count("sessions WHERE revoked_at IS NULL").await, 5);
    app.finish().await;
}

async fn a_cookie_goes_with_its_session(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (one, _two) = (app.sign_in(PHONE).await, app.sign_in(PHONE).await);
    let cookie = format!("vestibule_session={}", one.session.as_deref().unwrap());
    for (scope, goes) in [("others", false), ("all", true)] {
        let path = format!("/api/sessions?scope={scope}");
        let request = app.request(reqwest::Method::DELETE, &path, &Person::default());
        let ended = reply(request.header("cookie", &cookie).header("origin", &app.base)).await;
        assert_eq!(ended.data(), &json!({ "revoked": 1 }));
        let set = ended.headers.get("set-cookie").map(|c| c.to_str().unwrap().to_owned());
        assert_eq!(set.is_some_and(|c| c.starts_with("vestibule_session=; ")), goes, "{scope}");
    }
    app.finish().await;
}
