//! No code that is good by itself, in no build and no profile.

use reqwest::Method;
use serde_json::json;
use vestibule::app::{App, Doubles};
use vestibule::model::{Profile, Randomness};

use crate::house::{code, files};
use crate::support::app::{PHONE, Person, TestApp, config, reply};
use crate::support::db::{TestDb, on_both};

on_both!(
    no_code_that_everybody_knows_signs_anybody_in,
    the_production_profile_has_no_development_routes,
    the_production_profile_does_not_start_with_a_pretended_sender,
);

/// What test systems and machine-written code take for a code.
const KNOWN: [&str; 12] = [
    "000000", "111111", "123456", "654321", "121212", "999999", "112233", "123123", "424242", "555555",
    "246810", "012345",
];

/// What could make one build or one code different from all others: a text that could be a code, or a part of the code
/// that is there in some builds only.
fn suspicious(code: &str) -> Vec<String> {
    let could_be = |text: &&str| [4, 6, 8].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let mut found: Vec<String> = code.split('"').filter(could_be).map(str::to_owned).collect();
    let builds = ["debug_assertions", "cfg(feature", "cfg!(feature", "option_env!", "cfg(not(test))"];
    found.extend(builds.into_iter().filter(|build| code.contains(build)).map(str::to_owned));
    found
}

// SEC-51
#[test]
fn no_source_has_a_code_or_a_build_of_its_own() {
    for (file, text) in files("src", ".rs").into_iter().filter(|(file, _)| !file.contains("/tests")) {
        // What the replies are tried out with at the start is shown to nobody and compared with nothing.
        let samples = if file == "src/prompt/samples.rs" { "\"123456\"" } else { "-" };
        assert_eq!(suspicious(&code(&text).replace(samples, "")), Vec::<String>::new(), "{file}");
    }
    assert_eq!(suspicious("if guess == \"123456\" { return true }"), ["123456"]);
    assert_eq!(suspicious("if cfg!(debug_assertions) && guess == TEST {").len(), 1);
    let manifest = include_str!("../../../Cargo.toml");
    assert!(!manifest.contains("[features]"), "every build is the same");
}

async fn tries_them_all(app: &TestApp, phone: &str) {
    let anna = app.awaiting_code(phone).await;
    let derived = app.code();
    for known in KNOWN.into_iter().filter(|known| *known != derived) {
        let told = app.say(&anna, known).await;
        assert!(["otp_invalid", "otp_attempts_exceeded"].contains(&told.action()), "{known}: {told:?}");
    }
    assert_eq!(app.count("sessions").await, 0);
}

// SEC-51
async fn no_code_that_everybody_knows_signs_anybody_in(db: TestDb) {
    for (n, profile) in [Profile::Test, Profile::Dev, Profile::Prod].into_iter().enumerate() {
        let mut config = config(&db);
        config.profile = profile;
        config.limit.otp_max_attempts = 20;
        config.limit.max_login_attempts = 20;
        let doubles = Doubles { randomness: Some(Randomness::seeded(n as u64)), ..Doubles::default() };
        let clock =
            std::sync::Arc::new(vestibule::clock::MovableClock::fixed(crate::support::samples::at(0)));
        let app = TestApp::with_doubles(&db, config, doubles, (&clock, &std::sync::Arc::default())).await;
        // Also the numbers that test systems are known to let in.
        for phone in [format!("+1415555267{n}"), format!("+1500555000{}", 6 + n)] {
            let possible = app.say(&app.device().await, &format!("log in with {phone}")).await;
            if possible.action() == "otp_sent" {
                app.advance(61);
                tries_them_all(&app, &phone).await;
            }
        }
        assert_eq!(app.count("audit WHERE kind = 'otp_verify_ok'").await, 0);
        app.finish().await;
    }
}

// SEC-51
async fn the_production_profile_has_no_development_routes(db: TestDb) {
    let mut config = config(&db);
    config.profile = Profile::Prod;
    let clock = std::sync::Arc::new(vestibule::clock::MovableClock::fixed(crate::support::samples::at(0)));
    let app =
        TestApp::with_doubles(&db, config, Doubles::default(), (&clock, &std::sync::Arc::default())).await;
    app.awaiting_code(PHONE).await;
    for (method, path) in [
        (Method::GET, "/dev/outbox"),
        (Method::POST, "/test/clock"),
        (Method::GET, "/dev/"),
        (Method::GET, "/test/"),
    ] {
        let request = app.request(method, path, &Person::default()).json(&json!({ "advanceMs": 1 }));
        let refused = reply(request).await;
        assert_eq!((refused.status.as_u16(), refused.error()), (404, "NOT_FOUND"), "{path}");
    }
    app.finish().await;
}

// SEC-51
async fn the_production_profile_does_not_start_with_a_pretended_sender(db: TestDb) {
    let mut config = config(&db);
    config.profile = Profile::Prod;
    let refused = App::build(config, Doubles::default()).await.unwrap_err();
    assert!(refused.to_string().contains("sender"), "{refused:#}");
}
