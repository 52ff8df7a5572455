//! The real senders under a whole app, chosen by its configuration.

use std::sync::Arc;

use serde_json::{Value, json};
use vestibule::app::{App, Doubles};
use vestibule::config::Config;
use vestibule::model::{Profile, Secret};
use vestibule::sms::{Options, Sender, Sms};

use super::{messages, options};
use crate::support::app::{PHONE, TestApp, config};
use crate::support::db::{TestDb, on_both, on_sqlite};
use crate::support::fake_twilio::{Came, FakeTwilio, Say};
use crate::support::samples::at;
use crate::support::site::{Act, Site};

on_both!(a_code_by_twilio_signs_in, a_refusal_is_told_at_once);

/// An app that sends by Twilio, with the tests' clock.
pub(super) async fn by_twilio(db: &TestDb, fake: &FakeTwilio) -> TestApp {
    with_options(db, options(&fake.url)).await
}

/// The same, as its options say.
pub(super) async fn with_options(db: &TestDb, options: Options) -> TestApp {
    let sms: Arc<dyn Sms> = Arc::new(messages(&options));
    let clock = Arc::new(vestibule::clock::MovableClock::fixed(at(0)));
    let randomness = Some(vestibule::model::Randomness::seeded(7));
    let doubles = Doubles { sms: Some(sms), randomness, ..Doubles::default() };
    TestApp::with_doubles(db, config(db), doubles, (&clock, &Arc::default())).await
}

fn code(came: &Came) -> String {
    let body = came.field("Body").unwrap().to_owned();
    let mut words = body.split(|c: char| !c.is_ascii_alphanumeric());
    words.find(|word| word.len() == 6 && word.bytes().all(|b| b.is_ascii_digit())).unwrap().to_owned()
}

async fn a_code_by_twilio_signs_in(db: TestDb) {
    let fake = FakeTwilio::always(Say::Created).await;
    let app = by_twilio(&db, &fake).await;
    let person = app.device().await;
    app.say(&person, "log me in").await;
    app.say(&person, PHONE).await;
    let sent = fake.requests();
    assert_eq!(
        (sent.len(), sent[0].field("To"), sent[0].field("ValidityPeriod")),
        (1, Some(PHONE), Some("600"))
    );
    let reply = app.say(&person, &code(&sent[0])).await;
    assert_eq!(reply.action(), "name_requested", "{:?}", reply.data());
    assert_eq!(fake.requests().len(), 1);
    app.finish().await;
}

// SEC-38
async fn a_refusal_is_told_at_once(db: TestDb) {
    let fake = FakeTwilio::always(Say::Error(400, 21211)).await;
    let app = by_twilio(&db, &fake).await;
    let person = app.device().await;
    app.say(&person, "log me in").await;
    let reply = app.say(&person, PHONE).await;
    assert_eq!(fake.requests().len(), 1);
    assert_eq!(reply.action(), "otp_not_delivered", "{:?}", reply.data());
    app.finish().await;
}

/// Asks a real app, built from its configuration alone, for a code.
async fn asks_for_a_code(db: &TestDb, change: impl FnOnce(&mut Config)) {
    let mut config = config(db);
    change(&mut config);
    let serving = App::build(config, Doubles::default()).await.unwrap().serve().await.unwrap();
    let base = format!("http://{}", serving.address());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, token: &str, body: Value| -> Value {
        let request = http.post(format!("{base}{path}")).header("x-device-token", token).json(&body);
        request.send().await.unwrap().json().await.unwrap()
    };
    let device = http.post(format!("{base}/api/devices")).json(&json!({})).send().await.unwrap();
    let device: Value = device.json().await.unwrap();
    let token = device["data"]["deviceToken"].as_str().unwrap();
    for text in ["log me in", PHONE] {
        let said = post("/api/agent/run-sync", token, json!({ "prompt": text })).await;
        assert_eq!(said["success"], true, "{said}");
    }
    serving.shutdown().await.unwrap();
}

#[tokio::test]
async fn the_configuration_says_who_sends() {
    let fake = FakeTwilio::always(Say::Created).await;
    let site = Site::start(|_, _| Act::ok("{}")).await;
    let own = options(&fake.url);
    let gateway = Options {
        sender: Sender::Gateway,
        gateway_url: Some(Secret::new(site.url("/sms"))),
        gateway_secret: Some(Secret::new("a secret of more than sixteen characters")),
        ..own.clone()
    };
    for sms in [
        Options { verify_service: None, ..own.clone() },
        own.clone(),
        gateway,
        Options { sender: Sender::Development, ..own },
    ] {
        on_sqlite(async |db: TestDb| asks_for_a_code(&db, |config| config.sms = sms).await).await;
    }
    let paths: Vec<String> = fake.requests().into_iter().map(|came| came.path).collect();
    let ends = |n: usize, end: &str| paths[n].ends_with(end);
    assert!(paths.len() == 2 && ends(0, "/Messages.json") && ends(1, "/Verifications"), "{paths:?}");
    assert_eq!(fake.requests()[0].field("StatusCallback"), None, "nobody knows where a port of 0 leads");
    assert_eq!(site.requests().len(), 1);
}

#[tokio::test]
async fn a_service_without_a_sender_does_not_start() {
    on_sqlite(async |db: TestDb| {
        let config = Config { profile: Profile::Prod, ..config(&db) };
        let error = format!("{:#}", App::build(config, Doubles::default()).await.unwrap_err());
        for variable in
            ["TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM", "VESTIBULE__SMS__GATEWAY_URL"]
        {
            assert!(error.contains(variable), "{error}");
        }
    })
    .await;
}
