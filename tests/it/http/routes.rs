//! Every route with every kind of caller.

use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::support::app::{PHONE, Person, TestApp, reply};
use crate::support::db::{TestDb, on_both};

on_both!(every_route_knows_every_kind_of_caller);

const SOURCE: &str = include_str!("../../../src/http/mod.rs");

/// The kinds of caller, in the order of the columns of `ROWS`.
const KINDS: [&str; 12] = [
    "nobody",
    "garbage device token",
    "garbage bearer",
    "device",
    "device token of before the sign-in",
    "another device",
    "user by session",
    "user by access token",
    "ended session",
    "cookies without origin",
    "cookies with a foreign origin",
    "cookies with this origin",
];

/// Method, path and the status for each kind. `{own}` is the account's conversation, `{device}` the device's.
/// The log-out is last, because it ends what the others need.
const ROWS: &[(&str, &str, &str)] = &[
    ("GET", "/", "200 200 200 200 200 200 200 200 200 200 200 200"),
    ("GET", "/web/{file}", "200 200 200 200 200 200 200 200 200 200 200 200"),
    ("GET", "/favicon.ico", "204 204 204 204 204 204 204 204 204 204 204 204"),
    ("GET", "/health", "200 200 200 200 200 200 200 200 200 200 200 200"),
    ("GET", "/ready", "200 200 200 200 200 200 200 200 200 200 200 200"),
    ("GET", "/metrics", "200 200 200 200 200 200 200 200 200 200 200 200"),
    ("GET", "/.well-known/jwks.json", "200 200 200 200 200 200 200 200 200 200 200 200"),
    ("GET", "/dev/outbox", "200 200 200 200 200 200 200 200 200 200 200 200"),
    ("POST", "/test/clock", "200 200 200 200 200 200 200 200 200 200 200 200"),
    ("POST", "/webhooks/handoff", "401 401 401 401 401 401 401 401 401 401 401 401"),
    ("POST", "/webhooks/twilio/status", "403 403 403 403 403 403 403 403 403 403 403 403"),
    ("POST", "/webhooks/twilio/sms", "403 403 403 403 403 403 403 403 403 403 403 403"),
    ("POST", "/api/devices", "201 201 201 201 201 201 201 201 201 403 403 201"),
    ("PATCH", "/api/me", "401 401 401 401 401 401 400 400 401 403 403 400"),
    ("DELETE", "/api/me", "401 401 401 401 401 401 422 422 401 403 403 422"),
    ("GET", "/api/me/export", "401 401 401 401 401 401 422 422 401 422 422 422"),
    ("GET", "/api/me", "401 401 401 401 401 401 200 200 401 200 200 200"),
    ("GET", "/api/sessions", "401 401 401 401 401 401 200 200 401 200 200 200"),
    ("DELETE", "/api/sessions", "401 401 401 401 401 401 400 400 401 403 403 400"),
    ("DELETE", "/api/sessions/{own}", "401 401 401 401 401 401 404 404 401 403 403 404"),
    ("GET", "/api/devices", "401 401 401 401 401 401 200 200 401 200 200 200"),
    ("DELETE", "/api/devices/{own}", "401 401 401 401 401 401 404 404 401 403 403 404"),
    ("PATCH", "/api/devices/{own}", "401 401 401 401 401 401 404 404 401 403 403 404"),
    ("GET", "/api/device-data/{kind}", "401 401 401 200 401 200 200 200 401 200 200 200"),
    ("PUT", "/api/device-data/{kind}", "401 401 401 200 401 200 200 200 401 403 403 200"),
    ("GET", "/api/agent/conversations", "401 401 401 200 401 200 200 200 401 200 200 200"),
    ("GET", "/api/agent/conversations/{own}", "401 401 401 404 401 404 200 200 401 200 200 200"),
    ("GET", "/api/agent/conversations/{device}", "401 401 401 200 401 404 404 404 401 404 404 404"),
    ("GET", "/api/agent/conversations/{own}/messages", "401 401 401 404 401 404 200 200 401 200 200 200"),
    ("GET", "/api/agent/conversations/{device}/messages", "401 401 401 200 401 404 404 404 401 404 404 404"),
    ("GET", "/api/agent/usage", "401 401 401 200 401 200 200 200 401 200 200 200"),
    ("POST", "/api/agent/run", "401 401 401 200 401 200 200 200 401 403 403 200"),
    ("POST", "/api/agent/run-sync", "401 401 401 200 401 200 200 200 401 403 403 200"),
    ("POST", "/api/auth/login", "401 401 401 400 401 400 400 400 401 403 403 400"),
    ("POST", "/api/auth/register", "401 401 401 400 401 400 400 400 401 403 403 400"),
    ("POST", "/api/auth/refresh", "401 401 401 401 401 401 200 401 401 403 403 200"),
    ("POST", "/api/auth/step-up", "401 401 401 401 401 401 200 200 401 403 403 200"),
    ("POST", "/api/auth/logout", "401 401 401 401 401 401 200 200 401 403 403 200"),
];

/// How a kind of caller shows itself.
#[derive(Default)]
struct Kind {
    person: Person,
    cookies: Option<String>,
    origin: Option<String>,
}

impl From<Person> for Kind {
    fn from(person: Person) -> Self {
        Self { person, ..Self::default() }
    }
}

struct World {
    kinds: Vec<Kind>,
    own: String,
    device: String,
}

fn with_device(token: &str) -> Person {
    Person { device: Some(token.to_owned()), ..Person::default() }
}

fn with_bearer(token: &str) -> Person {
    Person { session: Some(token.to_owned()), ..Person::default() }
}

async fn conversation(app: &TestApp, person: &Person) -> String {
    app.say(person, "hello").await.data()["conversationId"].as_str().unwrap().to_owned()
}

async fn world(app: &TestApp) -> World {
    let old = app.awaiting_code(PHONE).await;
    app.say(&old, &app.code()).await;
    let mut first = old.clone();
    first.take(&app.say(&old, "Anna").await);
    let (second, third, ended) =
        (app.sign_in(PHONE).await, app.sign_in(PHONE).await, app.sign_in(PHONE).await);
    assert_eq!(app.post("/api/auth/logout", &ended, json!({})).await.status, 200);
    let refreshed = app.post("/api/auth/refresh", &second.bearer(), json!({})).await;
    let jwt = refreshed.data()["accessToken"].as_str().unwrap();
    let (device, foreign) = (app.device().await, app.device().await);
    let cookies = format!(
        "vestibule_device={}; vestibule_session={}",
        third.device.as_deref().unwrap(),
        third.session.as_deref().unwrap()
    );
    let cookie = |origin: Option<&str>| Kind {
        person: Person::default(),
        cookies: Some(cookies.clone()),
        origin: origin.map(str::to_owned),
    };
    let (own, of_device) = (conversation(app, &first).await, conversation(app, &device).await);
    let kinds = vec![
        Person::default().into(),
        with_device("dev_garbage").into(),
        with_bearer("ses_garbage").into(),
        Person { conversation: None, ..device }.into(),
        Person { conversation: None, ..old }.into(),
        foreign.into(),
        first.bearer().into(),
        with_bearer(jwt).into(),
        ended.bearer().into(),
        cookie(None),
        cookie(Some("http://evil.test")),
        cookie(Some(&app.base)),
    ];
    World { kinds, own, device: of_device }
}

fn body(path: &str) -> Value {
    match path {
        "/test/clock" => json!({ "advanceMs": 0 }),
        "/api/agent/run" | "/api/agent/run-sync" => json!({ "prompt": "hello" }),
        "/api/device-data/{kind}" => json!({ "items": [] }),
        path if path.starts_with("/api/devices/") => json!({ "name": "Hall" }),
        _ => json!({}),
    }
}

// SEC-18, SEC-36, D34
async fn every_route_knows_every_kind_of_caller(db: TestDb) {
    let app = TestApp::start(&db).await;
    let world = world(&app).await;
    for (method, row, statuses) in ROWS {
        let path = row
            .replace("{file}", "app.js")
            .replace("{kind}", "cart")
            .replace("{own}", &world.own)
            .replace("{device}", &world.device);
        let statuses: Vec<u16> = statuses.split(' ').map(|s| s.parse().unwrap()).collect();
        assert_eq!(statuses.len(), KINDS.len(), "{row}");
        for ((kind, name), expected) in world.kinds.iter().zip(KINDS).zip(statuses) {
            let mut request = app.request(method.parse::<Method>().unwrap(), &path, &kind.person);
            if ["POST", "PATCH", "PUT"].contains(method) {
                request = request.json(&body(row));
            }
            if let Some(cookies) = &kind.cookies {
                request = request.header("cookie", HeaderValue::from_str(cookies).unwrap());
            }
            if let Some(origin) = &kind.origin {
                request = request.header("origin", origin);
            }
            let answer = reply(request).await;
            assert_eq!(answer.status.as_u16(), expected, "{method} {row} by {name}: {:?}", answer.body);
            if row.starts_with("/webhooks/") {
                // Whoever did not sign is told nothing.
                assert_eq!(answer.body, Value::Null);
                continue;
            }
            let code = match expected {
                401 => "UNAUTHORIZED",
                403 => "FORBIDDEN",
                404 => "NOT_FOUND",
                400 => "VALIDATION_ERROR",
                _ => continue,
            };
            assert_eq!(answer.error(), code);
        }
    }
    app.finish().await;
}

/// The routes as the router declares them.
fn declared() -> Vec<(String, String)> {
    let mut found = Vec::new();
    for piece in SOURCE.split(".route(\"").skip(1) {
        let (path, rest) = piece.split_once('"').unwrap();
        let handlers = rest.split(';').next().unwrap();
        let handlers = handlers.split(".route(").next().unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if handlers.contains(&format!("{method}(")) {
                found.push((method.to_uppercase(), path.to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_declared_route_has_a_row() {
    let declared = declared();
    assert!(declared.len() >= 16, "{declared:?}");
    assert_eq!(
        declared.len(),
        SOURCE.matches(".route(\"").count(),
        "a route is declared with one method each"
    );
    let rows: Vec<(String, String)> = ROWS
        .iter()
        .map(|(method, path, _)| {
            ((*method).to_owned(), path.replace("{own}", "{id}").replace("{device}", "{id}"))
        })
        .collect();
    for route in &declared {
        assert!(rows.contains(route), "{route:?} has no row");
    }
    for row in &rows {
        assert!(declared.contains(row), "{row:?} is no route");
    }
}
