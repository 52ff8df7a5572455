//! Whether a number has an account must show in nothing before its code was given back (D5).
//!
//! What can be counted is compared here, exactly; time is measured by `cargo bench --bench enumeration`.

use serde_json::Value;
use vestibule::model::{Randomness, UserId};
use vestibule::store::{User, users};

use super::{asked_for_a_number, wrong};
use crate::support::app::{Person, Reply, TestApp, until};
use crate::support::db::{TestDb, on_both};
use crate::support::samples::{at, done};

on_both!(a_known_number_and_an_unknown_one_are_answered_alike, where_a_wrong_code_is_wrong_shows_in_nothing,);

/// Numbers of each kind.
const PAIRS: usize = 100;

/// Everything of an answer that somebody outside can see, and what it cost inside.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    body: Value,
    /// Names and lengths: what a header says differs in ids and in the time of day.
    headers: Vec<(String, usize)>,
    statements: u64,
}

/// A body without what is drawn anew for each conversation.
fn blank(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let is_drawn =
                    ["conversationId", "messageId", "reference", "device_id"].contains(&key.as_str());
                if is_drawn { *value = Value::Null } else { blank(value) }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank),
        Value::String(text) => {
            if let Some((before, rest)) = text.clone().split_once("(reference ") {
                *text = format!("{before}(reference ..{}", rest.get(2..).unwrap());
            }
        }
        _ => {}
    }
}

fn seen(reply: Reply, statements: u64) -> Seen {
    let mut body = reply.body;
    blank(&mut body);
    let mut headers: Vec<(String, usize)> =
        reply.headers.iter().map(|(name, value)| (name.to_string(), value.len())).collect();
    headers.sort();
    Seen { status: reply.status.as_u16(), body, headers, statements }
}

async fn watched(app: &TestApp, person: &Person, text: &str) -> Seen {
    let before = app.app().store().statements();
    let reply = app.say(person, text).await;
    seen(reply, app.app().store().statements() - before)
}

/// Waits until the worker's first look round, which no turn caused, is over.
async fn at_rest(app: &TestApp) {
    const PINGS: u64 = 20;
    let store = app.app().store();
    app.awaiting_code("+14155550100").await;
    until(async || {
        let before = store.statements();
        for _ in 0..PINGS {
            store.ping().await.unwrap();
        }
        [0, PINGS].contains(&(store.statements() - before))
    })
    .await;
}

/// Accounts with these numbers, made past the conversation.
async fn accounts(app: &TestApp, numbers: &[String]) {
    let mut rng = Randomness::seeded(3).stream("accounts");
    let account = |phone: &String| User {
        id: UserId::new(at(0), &mut rng),
        version: 1,
        phone_key: Some(app.app().keys().lookup("phone", phone)),
        phone: Some(phone.clone()),
        full_name: Some("Anna".to_owned()),
        email: None,
        email_key: None,
        email_verified_at: None,
        locale: None,
        created_at: at(0),
        last_seen_at: at(0),
        closed_at: None,
        deactivated_at: None,
    };
    let writes = numbers.iter().map(account).map(|user| users::insert(&user)).collect();
    done(app.app().store(), writes).await;
}

// SEC-31, D5
async fn a_known_number_and_an_unknown_one_are_answered_alike(db: TestDb) {
    let app = TestApp::start(&db).await;
    // The last four digits are shown, so they are the same.
    let known: Vec<String> = (0..PAIRS).map(|n| format!("+1415{}2671", 200 + n)).collect();
    let unknown: Vec<String> = (0..PAIRS).map(|n| format!("+1415{}2671", 600 + n)).collect();
    accounts(&app, &known).await;
    at_rest(&app).await;
    let mut first: Vec<Seen> = Vec::new();
    for number in known.iter().zip(&unknown).flat_map(|(one, other)| [one, other]) {
        let person = app.device().await;
        let mut turns = vec![watched(&app, &person, &format!("log in with {number}")).await];
        assert_eq!(turns[0].body["data"]["response"]["action"], "otp_sent", "{number}");
        let code = app.code();
        let texts = [
            "resend".to_owned(),
            wrong(std::slice::from_ref(&code), 1),
            wrong(std::slice::from_ref(&code), 2),
            wrong(std::slice::from_ref(&code), 3),
            code.clone(),
        ];
        for text in &texts {
            turns.push(watched(&app, &person, text).await);
        }
        if first.is_empty() {
            first = turns;
            continue;
        }
        for (n, (one, other)) in first.iter().zip(&turns).enumerate() {
            assert_eq!(one, other, "{number}, turn {n}");
        }
    }
    let actions: Vec<&str> =
        first.iter().map(|s| s.body["data"]["response"]["action"].as_str().unwrap()).collect();
    let expected = [
        "otp_sent",
        "otp_send_limited",
        "otp_invalid",
        "otp_invalid",
        "otp_attempts_exceeded",
        "otp_attempts_exceeded",
    ];
    assert_eq!(actions, expected);
    app.finish().await;
}

/// The code with another digit at that place.
fn wrong_at(code: &str, place: usize) -> String {
    let other = |c: char| if c == '9' { '0' } else { char::from(c as u8 + 1) };
    code.chars().enumerate().map(|(n, c)| if n == place { other(c) } else { c }).collect()
}

// SEC-44
async fn where_a_wrong_code_is_wrong_shows_in_nothing(db: TestDb) {
    let app = TestApp::start(&db).await;
    at_rest(&app).await;
    let mut first: Option<Seen> = None;
    for place in 0..6 {
        let person = asked_for_a_number(&app).await;
        let sent = app.say(&person, &format!("+14155552{:03}", 700 + place)).await;
        assert_eq!(sent.action(), "otp_sent");
        let told = watched(&app, &person, &wrong_at(&app.code(), place)).await;
        assert_eq!(told.body["data"]["response"]["data"]["attempts_left"], 2);
        match &first {
            None => first = Some(told),
            Some(first) => assert_eq!(*first, told, "wrong at digit {}", place + 1),
        }
    }
    app.finish().await;
}

// SEC-44: the whole code is compared, in a time that does not depend on where it differs.
#[test]
fn codes_are_compared_in_one_place_and_in_constant_time() {
    let sources = crate::house::files("src", ".rs");
    let codes = crate::house::code(&sources["src/crypto/code.rs"]);
    let body = codes.split("pub fn matches").nth(1).unwrap().split("\n    }").next().unwrap();
    assert!(body.contains("ct_eq(guess.as_bytes())") && !body.contains("=="), "{body}");
    // The digits themselves leave the code to be compared, to be put into a message or given to a provider that words it, and
    // for a scenario's person to read.
    let exposed = |text: &str| text.contains("code.expose()");
    let readers: Vec<&String> = sources
        .iter()
        .filter(|(file, text)| !file.contains("/tests") && exposed(&crate::house::code(text)))
        .map(|(file, _)| file)
        .collect();
    let known = ["src/scenario/player/world.rs", "src/sms/twilio/verify.rs", "src/worker/message.rs"];
    assert_eq!(readers, known);
}
