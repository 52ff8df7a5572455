//! Secrets that are looked for everywhere they must not be.

use std::sync::Arc;

use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;
use vestibule::telemetry::{self, Lines};

use crate::support::app::{PHONE, Person, Reply, TestApp};
use crate::support::db::{TestDb, on_both};
use crate::support::log::Log;

on_both!(
    no_secret_is_written_anywhere,
    a_spelt_out_code_beside_a_number_is_not_kept,
    the_development_outbox_keeps_nothing_readable,
);

/// Not the number that the questions give as an example.
const CANARY: &str = "+14155552689";
/// A guess that no code of the seeded run equals.
const WRONG: &str = "918273";
const SPELT: &str = "nine one eight two seven three";

/// What was told over HTTP, without the tokens where they belong.
#[derive(Default)]
struct Told(Vec<u8>);

impl Told {
    fn keep(&mut self, reply: &Reply) {
        let mut body = reply.body.clone();
        if let Some(data) = body["data"].as_object_mut() {
            for own in ["session", "deviceToken", "accessToken"] {
                data.remove(own);
            }
        }
        self.0.extend(body.to_string().into_bytes());
        self.0.extend(format!("{:?}", reply.headers).into_bytes());
    }
}

fn contains(place: &[u8], secret: &str) -> bool {
    place.windows(secret.len()).any(|w| w == secret.as_bytes())
}

fn full_width(code: &str) -> String {
    code.chars().map(|c| char::from_u32(u32::from(c) - 0x30 + 0xff10).unwrap()).collect()
}

fn spoken(code: &str) -> String {
    let words = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    code.bytes().map(|b| words[usize::from(b - b'0')]).collect::<Vec<_>>().join(" ")
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |b: u8| u8::try_from(char::from(b).to_digit(16).unwrap()).unwrap();
    text.as_bytes().chunks(2).map(|pair| digit(pair[0]) * 16 + digit(pair[1])).collect()
}

/// Every text and every blob of every table, under `table.column`.
async fn columns(app: &TestApp, is_file: bool) -> Vec<(String, Vec<u8>)> {
    let names = if is_file {
        "SELECT m.name || '.' || p.name || '.' || p.type FROM sqlite_master m, pragma_table_info(m.name) p \
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
    } else {
        "SELECT table_name || '.' || column_name || '.' || data_type FROM information_schema.columns \
         WHERE table_schema = current_schema()"
    };
    let mut found = Vec::new();
    for name in app.texts(names).await {
        let [table, column, kind] = name.split('.').collect::<Vec<_>>().try_into().unwrap();
        let hex = match (is_file, kind) {
            (true, _) => format!("COALESCE(hex(CAST(\"{column}\" AS BLOB)), '')"),
            (false, "bytea") => format!("COALESCE(encode(\"{column}\", 'hex'), '')"),
            (false, _) => {
                format!("COALESCE(encode(convert_to(CAST(\"{column}\" AS TEXT), 'UTF8'), 'hex'), '')")
            }
        };
        for value in app.texts(&format!("SELECT {hex} FROM {table}")).await {
            found.push((format!("{table}.{column}"), unhex(&value)));
        }
    }
    found
}

/// Registers, logs out, signs in again, with wrong codes on the way; gives what must be found nowhere.
async fn flow(app: &TestApp, told: &mut Told) -> Vec<String> {
    let mut secrets = vec![WRONG.to_owned(), full_width(WRONG)];
    let mut anna = app.device().await;
    let mut sessions = Vec::new();
    for round in 0..2 {
        app.advance(61);
        secrets.extend(anna.device.clone());
        told.keep(&app.say(&anna, "log in").await);
        told.keep(&app.say(&anna, "my number is +1 (415) 555-2689").await);
        let code = app.code();
        for wrong in [WRONG.to_owned(), full_width(WRONG)] {
            let refused = app.say(&anna, &wrong).await;
            assert_eq!(refused.action(), "otp_invalid");
            told.keep(&refused);
        }
        let given = if round == 0 { spoken(&code) } else { full_width(&code) };
        let mut done = app.say(&anna, &given).await;
        told.keep(&done);
        if round == 0 {
            assert_eq!(done.action(), "name_requested");
            done = app.say(&anna, "Anna Ångström").await;
            told.keep(&done);
        }
        anna.take(&done);
        // Said again once it is used up, in every spelling, and to somebody else.
        for text in [code.clone(), spoken(&code), full_width(&code), anna.session.clone().unwrap()] {
            told.keep(&app.say(&anna, &text).await);
        }
        secrets.extend([code.clone(), full_width(&code), spoken(&code)]);
        secrets.extend([anna.device.clone().unwrap(), anna.session.clone().unwrap()]);
        told.keep(&app.get("/api/me", &anna).await);
        told.keep(
            &app.get(&format!("/api/me?token={}", anna.session.clone().unwrap()), &Person::default()).await,
        );
        let list = app.get("/api/agent/conversations", &anna).await;
        told.keep(&list);
        for item in list.data()["items"].as_array().unwrap() {
            let path = format!("/api/agent/conversations/{}", item["conversationId"].as_str().unwrap());
            told.keep(&app.get(&path, &anna).await);
            told.keep(&app.get(&format!("{path}/messages?limit=100"), &anna).await);
        }
        let next = app.post("/api/auth/refresh", &anna.bearer(), json!({ "rotate": true })).await;
        told.keep(&next);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        secrets.extend([text(&next.data()["session"]["token"]), text(&next.data()["accessToken"])]);
        sessions.push(anna.session.clone());
        anna.session = Some(text(&next.data()["session"]["token"]));
        told.keep(&app.post("/api/auth/logout", &anna, json!({})).await);
        anna = anna.anonymous();
        anna.conversation = None;
    }
    assert_ne!(sessions[0], sessions[1]);
    secrets
}

// SEC-17, D24, D3
async fn no_secret_is_written_anywhere(db: TestDb) {
    let log = Log::default();
    let app = TestApp::start(&db).await;
    let sink = log.clone();
    // No masker: what is held here is that nobody hands a secret to a log, not that one is caught.
    let lines = Lines::new(move || sink.clone(), Arc::clone(&app.clock) as _, str::to_owned);
    let filter = telemetry::filter("off,vestibule=trace").unwrap();
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    let mut told = Told::default();
    let secrets = {
        let _guard = tracing::subscriber::set_default(subscriber);
        flow(&app, &mut told).await
    };
    let log = log.0.lock().unwrap().clone();
    assert!(contains(&log, "Turn answered") && contains(&told.0, "login_successful"));
    let columns = columns(&app, db.file.is_some()).await;
    assert!(columns.iter().any(|(name, value)| name == "messages.content" && contains(value, "log in")));

    let phones = [CANARY, "4155552689", "415 555 2689", "415-555-2689", "(415) 555-2689"];
    for secret in secrets.iter().map(String::as_str).chain(phones) {
        assert!(!contains(&log, secret), "logged: {secret}");
        assert!(!contains(&told.0, secret), "told: {secret}");
        for (name, value) in &columns {
            let is_home = name == "users.phone" && CANARY.ends_with(secret);
            assert_eq!(
                contains(value, secret),
                is_home,
                "{secret} in {name}: {:?}",
                String::from_utf8_lossy(value)
            );
        }
    }
    if let Some(file) = &db.file {
        for part in ["", "-wal"] {
            let path = format!("{}{part}", file.display());
            let bytes = std::fs::read(&path).unwrap();
            for secret in &secrets {
                assert!(!contains(&bytes, secret), "{secret} in store.db{part}");
            }
        }
    }
    app.finish().await;
}

// SEC-17: the development outbox holds whole messages, sealed.
async fn the_development_outbox_keeps_nothing_readable(db: TestDb) {
    let app = TestApp::without_doubles(&db).await;
    let anna = app.device().await;
    app.say(&anna, "log in").await;
    assert_eq!(app.say(&anna, CANARY).await.action(), "otp_sent");
    let outbox = app.get("/dev/outbox", &Person::default()).await;
    let code = outbox.data()[0]["code"].as_str().unwrap().to_owned();
    assert_eq!((code.len(), outbox.data()[0]["to"].as_str()), (6, Some(CANARY)));
    let columns = columns(&app, db.file.is_some()).await;
    assert!(columns.iter().any(|(name, value)| name == "dev_outbox.sealed" && !value.is_empty()));
    for secret in [code.as_str(), CANARY] {
        for (name, value) in &columns {
            assert!(!contains(value, secret), "{secret} in {name}");
        }
    }
    app.finish().await;
}

// SEC-17: the masker hides the digits and would leave the words.
async fn a_spelt_out_code_beside_a_number_is_not_kept(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.awaiting_code(PHONE).await;
    for text in [
        format!("my order is 99887766 and my code is {SPELT}"),
        format!("code {SPELT}"),
        format!("{SPELT}, write to anna@example.com"),
    ] {
        let said = app.say(&anna, &text).await;
        assert!(["otp_invalid", "otp_attempts_exceeded"].contains(&said.action()), "{text}: {said:?}");
    }
    for content in app.texts("SELECT content FROM messages").await {
        assert!(!content.contains("eight two"), "{content}");
    }
    app.finish().await;
}
