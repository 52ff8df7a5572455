//! A code is good for one number, in one conversation, on one device.

use serde_json::json;

use super::{asked_for_a_number, charged};
use crate::support::app::{PHONE, Person, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    a_code_for_one_number_signs_nobody_in_by_another,
    a_code_read_out_in_the_victims_chat_satisfies_neither_chat,
    a_code_of_the_victims_chat_satisfies_no_other,
);

const OTHER: &str = "+14155552672";

// SEC-10
async fn a_code_for_one_number_signs_nobody_in_by_another(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.advance(61);
    let victims = app.count("sessions").await;

    // Another number is named after the code was sent: in the same conversation.
    let eve = app.awaiting_code(OTHER).await;
    let own = app.code();
    assert_eq!(app.say(&eve, "wrong number").await.action(), "phone_requested");
    assert_eq!(app.say(&eve, PHONE).await.action(), "otp_sent");
    assert_eq!(app.say(&eve, &own).await.action(), "otp_invalid");

    // On one device, in two conversations at once.
    app.advance(61);
    let mut both = Vec::new();
    let device = app.device().await;
    for (project, number) in [("one", OTHER), ("two", PHONE)] {
        let text = format!("log in with {number}");
        let sent = app.turn(&device, json!({ "prompt": text, "projectId": project })).await;
        assert_eq!(sent.action(), "otp_sent");
        let conversation = sent.data()["conversationId"].as_str().map(str::to_owned);
        both.push((Person { conversation, ..device.clone() }, app.code()));
    }
    let [(one, own), (two, victims_code)] = both.try_into().unwrap();
    assert_eq!(app.say(&two, &own).await.action(), "otp_invalid");
    assert_eq!(app.say(&one, &victims_code).await.action(), "otp_invalid");
    assert_eq!(app.count("sessions").await, victims);
    // Each is still good where it belongs: a code in the wrong place is a wrong try there, and nothing here.
    assert_eq!(app.say(&one, &own).await.action(), "name_requested");
    app.finish().await;
}

// SEC-11
async fn a_code_read_out_in_the_victims_chat_satisfies_neither_chat(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.advance(61);
    let eve = app.awaiting_code(PHONE).await;
    let asked_by_eve = app.code();
    let attempts = "SELECT CAST(attempts AS TEXT) FROM challenges WHERE status = 'live' ORDER BY issued_at";

    // The victim has no code of their own: there is nothing to compare with.
    let anna = asked_for_a_number(&app).await;
    let told = app.say(&anna, &asked_by_eve).await;
    assert!(!told.body.to_string().contains("\"ses_"), "{told:?}");
    assert_eq!(app.texts(attempts).await, ["0"]);

    // And with one of their own, it is a wrong try at theirs and none at the attacker's.
    app.advance(61);
    assert_eq!(app.say(&anna, PHONE).await.action(), "otp_sent");
    let own = app.code();
    assert_eq!(app.say(&anna, &asked_by_eve).await.action(), "otp_invalid");
    assert_eq!(app.texts(attempts).await, ["0", "1"]);
    assert_eq!(app.say(&eve, "log in").await.action(), "otp_requested", "the attacker's chat still waits");
    assert_eq!(app.count("sessions").await, 1);
    assert_eq!(app.say(&anna, &own).await.action(), "login_successful");
    assert_eq!(app.say(&eve, "log in").await.action(), "otp_requested", "and it does after the victim is in");
    assert_eq!(app.count("sessions").await, 2);
    app.finish().await;
}

// SEC-11: the other way, and with the conversation's own name.
async fn a_code_of_the_victims_chat_satisfies_no_other(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.advance(61);
    let anna = app.awaiting_code(PHONE).await;
    let code = app.code();
    app.advance(61);
    let eve = app.awaiting_code(PHONE).await;
    assert_eq!(app.say(&eve, &code).await.action(), "otp_invalid");
    let before = charged(&app).await;
    let intruder = Person { conversation: anna.conversation.clone(), ..eve };
    let refused = app.say(&intruder, &code).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (404, "NOT_FOUND"));
    assert_eq!((charged(&app).await, app.count("sessions").await), (before, 1));
    assert_eq!(app.say(&anna, &code).await.action(), "login_successful");
    app.finish().await;
}
