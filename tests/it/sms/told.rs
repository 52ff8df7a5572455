//! Whatever Twilio answers: what the person is told, how many messages left, what the rows say. // SEC-38

use serde_json::Value;
use vestibule::sms::Options;

use super::app::with_options;
use super::options;
use crate::support::app::{PHONE, TestApp, until};
use crate::support::db::{TestDb, on_both, on_sqlite};
use crate::support::fake_twilio::{FakeTwilio, Say};

on_both!(a_code_is_not_sent_again_after_an_answer_that_never_came);

/// What comes of an answer.
struct Case {
    says: Say,
    action: &'static str,
    /// Words of the message for the person.
    words: &'static str,
    status: &'static str,
    challenge: &'static str,
}

fn case(says: Say, action: &'static str, words: &'static str, status: &'static str) -> Case {
    let challenge = if action == "otp_sent" { "live" } else { "void" };
    Case { says, action, words, status, challenge }
}

const SENT: &str = "Verification code sent to";
const LATER: &str = "does not take your code";
const UNSURE: &str = "can't tell whether your code";
const NOT: &str = "could not be delivered";

fn cases() -> Vec<Case> {
    let refused = [21211, 21214, 21265, 21408, 21610, 21612, 21614, 21635, 60200, 60205, 60410, 60605];
    let alarms = [(401, 20003), (403, 20003), (404, 20404), (400, 21212), (400, 21606), (400, 21608)];
    let later = [(429, 20429), (400, 21611), (429, 60203)];
    let mut cases = vec![
        case(Say::Created, "otp_sent", SENT, "sent"),
        case(Say::Wait(429, 20429, "2".to_owned()), "otp_sent", LATER, "queued"),
        case(Say::Wait(429, 20429, "3600".to_owned()), "otp_not_delivered", NOT, "dead"),
        case(Say::Error(500, 20500), "otp_sent", UNSURE, "uncertain"),
        case(Say::Error(503, 20503), "otp_sent", UNSURE, "uncertain"),
        case(Say::Hang, "otp_sent", UNSURE, "uncertain"),
        case(Say::Reset, "otp_sent", UNSURE, "uncertain"),
        case(Say::Half, "otp_sent", UNSURE, "uncertain"),
        case(Say::Body(201, "<html>".to_owned()), "otp_sent", UNSURE, "uncertain"),
        case(Say::Error(418, 99_999), "otp_not_delivered", NOT, "failed"),
    ];
    cases.extend(refused.map(|code| case(Say::Error(400, code), "otp_not_delivered", NOT, "failed")));
    cases.extend(
        alarms.map(|(status, code)| case(Say::Error(status, code), "otp_not_delivered", NOT, "failed")),
    );
    cases.extend(later.map(|(status, code)| case(Say::Error(status, code), "otp_sent", LATER, "queued")));
    cases
}

/// Twilio answers so to every message, and knows of none when it is asked.
async fn answering(says: Say) -> FakeTwilio {
    FakeTwilio::start(move |_, came| if came.method == "GET" { Say::Error(500, 0) } else { says.clone() })
        .await
}

fn impatient(url: &str) -> Options {
    Options { timeout_ms: 700, ..options(url) }
}

fn posts(fake: &FakeTwilio) -> usize {
    fake.requests().iter().filter(|came| came.method == "POST").count()
}

async fn asked(app: &TestApp) -> Value {
    let anna = app.device().await;
    app.say(&anna, &format!("log in with {PHONE}")).await.data()["response"].clone()
}

#[tokio::test]
async fn every_answer_is_told_as_it_is() {
    for case in cases() {
        let about = format!("{:?}", case.says);
        let fake = answering(case.says.clone()).await;
        // A database of its own for each: what one person asked for counts for the next.
        let run = async |db: TestDb| {
            let app = with_options(&db, impatient(&fake.url)).await;
            let told = asked(&app).await;
            let message = told["data"]["message"].as_str().unwrap();
            assert_eq!(told["action"], case.action, "{about}: {message}");
            assert!(message.contains(case.words), "{about}: {message}");
            assert_eq!(told["success"], case.action == "otp_sent", "{about}");
            assert_eq!(posts(&fake), 1, "{about}");
            assert_eq!(app.texts("SELECT status FROM outbox").await, [case.status], "{about}");
            assert_eq!(app.texts("SELECT status FROM challenges").await, [case.challenge], "{about}");
            // The budget is charged once, whatever became of the message.
            let marks = app.texts("SELECT marks FROM counters WHERE name = 'otp_sends'").await;
            assert_eq!(
                marks.iter().map(|m| m.split(',').count()).collect::<Vec<_>>(),
                [1],
                "{about}: {marks:?}"
            );
            app.abandon().await;
        };
        on_sqlite(run).await;
    }
}

async fn a_code_is_not_sent_again_after_an_answer_that_never_came(db: TestDb) {
    let fake = answering(Say::Hang).await;
    let app = with_options(&db, impatient(&fake.url)).await;
    let anna = app.device().await;
    app.say(&anna, &format!("log in with {PHONE}")).await;
    for _ in 0..20 {
        app.advance(15);
        app.get("/ready", &anna).await;
    }
    until(async || fake.requests().iter().any(|came| came.method == "GET")).await;
    assert_eq!(posts(&fake), 1);
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["uncertain"]);
    // Whoever asks gets another one, and it is counted.
    app.say(&anna, "resend").await;
    assert_eq!(posts(&fake), 2);
    app.abandon().await;
}
