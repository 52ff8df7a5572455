//! The operator's desk, as it is told and as it tells; and whoever would like to be it.

mod command;
mod forged;
mod told;
mod words;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use vestibule::config::Config;
use vestibule::model::{Clock, Secret};

use crate::support::app::{Person, Reply, TestApp, reply, until};
use crate::support::db::TestDb;
use crate::support::fake_twilio::Came;
use crate::support::site::{Act, Site};

const SECRET: &str = "a secret of more than sixteen characters";
const PATH: &str = "/webhooks/handoff";

/// A desk that takes everything.
async fn desk() -> Site {
    Site::start(|_, _| Act::ok("")).await
}

fn configured(config: &mut Config, desk: &Site) {
    config.handoff.url = Some(Secret::new(desk.url("/desk")));
    config.handoff.secret = Some(Secret::new(SECRET));
}

async fn start(db: &TestDb, desk: &Site) -> TestApp {
    TestApp::start_with(db, |config| configured(config, desk)).await
}

/// Somebody on a new device who was handed to the desk; their conversation is known.
async fn handed_off(app: &TestApp) -> Person {
    let mut person = app.device().await;
    let answer = app.say(&person, "talk to a human").await;
    assert_eq!(answer.action(), "handed_off", "{answer:?}");
    person.conversation = answer.data()["conversationId"].as_str().map(str::to_owned);
    person
}

fn signature(secret: &str, second: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{second}.{body}").as_bytes());
    mac.finalize().into_bytes().iter().fold("v1=".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The second that it is for the app.
fn second(app: &TestApp) -> i64 {
    app.clock.now().as_second()
}

/// A request of the desk as it signs one, before it is sent.
fn signed(app: &TestApp, second: i64, body: &str) -> reqwest::RequestBuilder {
    let second = second.to_string();
    let request = app.http.post(format!("{}{PATH}", app.base)).header("content-type", "application/json");
    let request = request.header("vestibule-signature", signature(SECRET, &second, body));
    request.header("vestibule-timestamp", second).body(body.to_owned())
}

async fn calls(app: &TestApp, body: &Value) -> Reply {
    reply(signed(app, second(app), &body.to_string())).await
}

fn says(id: &str, person: &Person, text: &str) -> Value {
    json!({ "id": id, "conversation": person.conversation, "event": "message", "text": text })
}

fn releases(id: &str, person: &Person) -> Value {
    json!({ "id": id, "conversation": person.conversation, "event": "release" })
}

/// What stands in somebody's conversation, the newest first.
async fn messages(app: &TestApp, person: &Person) -> Vec<Value> {
    let id = person.conversation.as_deref().unwrap();
    let found = app.get(&format!("/api/agent/conversations/{id}/messages"), person).await;
    found.data()["items"].as_array().unwrap().clone()
}

/// What the desk was told, once it was told so much.
async fn told(app: &TestApp, desk: &Site, requests: usize) -> Vec<(Came, Value)> {
    let store = app.app().store();
    until(async || store.ping().await.is_ok() && desk.requests().len() >= requests).await;
    let read = |request: &String| {
        let body = request.split_once("\r\n\r\n").unwrap().1;
        (Came::parse(request), serde_json::from_str(body).unwrap())
    };
    desk.requests().iter().map(read).collect()
}
