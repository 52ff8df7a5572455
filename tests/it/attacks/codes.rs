//! One code: right ones and wrong ones at once, used twice, replaced, late.

use jiff::SignedDuration;

use super::{asked_for_a_number, at_once, charged, second_node, wrong};
use crate::support::app::{PHONE, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    threads: of_64_right_codes_on_two_nodes_one_signs_in,
    of_200_wrong_codes_on_two_nodes_three_are_compared,
);
on_both!(
    a_used_code_is_worth_nothing_anywhere,
    a_resent_code_ends_the_one_before,
    two_messages_in_swapped_order_are_told_apart_by_their_reference,
    a_code_ends_at_ten_minutes_to_the_millisecond,
    a_verified_code_lapses_at_the_name_to_the_millisecond,
);

// SEC-1
async fn of_64_right_codes_on_two_nodes_one_signs_in(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.advance(61);
    let anna = app.awaiting_code(PHONE).await;
    let right = app.code();
    let other = second_node(&app, &db).await;
    let nodes: Vec<&TestApp> = std::iter::once(&app).chain(&other).collect();
    let all = at_once(&nodes, &anna, 64, |_| right.clone()).await;
    let (signed_in, refused): (Vec<_>, Vec<_>) =
        all.iter().partition(|r| r.status == 200 && r.action() == "login_successful");
    assert_eq!((signed_in.len(), refused.len()), (1, 63));
    for refused in refused {
        assert!(!refused.body.to_string().contains("\"ses_"), "{refused:?}");
    }
    assert_eq!(app.count("sessions").await, 2);
    // The registration and this one.
    assert_eq!(app.count("audit WHERE kind = 'login_ok'").await, 2);
    assert_eq!(app.count("audit WHERE kind = 'session_created'").await, 2);
    if let Some(other) = other {
        other.finish().await;
    }
    app.finish().await;
}

// SEC-2, D1
async fn of_200_wrong_codes_on_two_nodes_three_are_compared(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.awaiting_code(PHONE).await;
    let right = app.code();
    let other = second_node(&app, &db).await;
    let nodes: Vec<&TestApp> = std::iter::once(&app).chain(&other).collect();
    let all = at_once(&nodes, &anna, 200, |n| wrong(std::slice::from_ref(&right), n)).await;
    let compared = all.iter().filter(|r| r.status == 200 && r.action() == "otp_invalid").count();
    assert!(compared <= 2, "{compared} tries were answered with tries left");
    assert_eq!(app.texts("SELECT CAST(attempts AS TEXT) FROM challenges").await, ["3"]);
    assert_eq!(charged(&app).await, 3);
    assert!(app.count("audit WHERE kind = 'otp_verify_fail'").await <= 3);
    for node in &nodes {
        assert_eq!(node.say(&anna, &right).await.action(), "otp_attempts_exceeded");
    }
    assert_eq!((charged(&app).await, app.count("sessions").await), (3, 0));
    if let Some(other) = other {
        other.finish().await;
    }
    app.finish().await;
}

// SEC-7, D3
async fn a_used_code_is_worth_nothing_anywhere(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut anna = app.awaiting_code(PHONE).await;
    let used = app.code();
    assert_eq!(app.say(&anna, &used).await.action(), "name_requested");
    anna.take(&app.say(&anna, "Anna").await);
    let replays = "audit WHERE kind = 'otp_replay'";
    assert_eq!(app.count(replays).await, 0);

    // Where it was used, by whom it was used.
    assert_eq!(app.say(&anna, &used).await.action(), "already_authenticated");
    assert_eq!(app.count(replays).await, 1);
    // By somebody else, who has nothing but the code and the number.
    let eve = asked_for_a_number(&app).await;
    assert_ne!(app.say(&eve, &used).await.action(), "login_successful");
    app.advance(61);
    assert_eq!(app.say(&eve, PHONE).await.action(), "otp_sent");
    assert_eq!(app.say(&eve, &used).await.action(), "otp_invalid");
    assert_eq!(app.count(replays).await, 2, "a used code in another conversation is told apart from a guess");
    // And with the conversation's name, which is not eve's.
    let elsewhere = crate::support::app::Person { conversation: anna.conversation.clone(), ..eve };
    assert_eq!(app.say(&elsewhere, &used).await.error(), "NOT_FOUND");
    // In another session of the same account.
    app.advance(61);
    let second = app.sign_in(PHONE).await;
    assert_eq!(app.say(&second, &used).await.action(), "already_authenticated");
    assert_eq!(app.count("sessions").await, 2);
    app.finish().await;
}

// SEC-8
async fn a_resent_code_ends_the_one_before(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.awaiting_code(PHONE).await;
    let old = app.code();
    app.advance(61);
    assert_eq!(app.say(&anna, "resend").await.action(), "otp_sent");
    let new = app.code();
    assert_ne!(old, new);
    assert_eq!(app.say(&anna, &old).await.action(), "otp_invalid");
    assert_eq!(app.texts("SELECT status FROM challenges ORDER BY issued_at").await, ["void", "live"]);
    assert_eq!(app.say(&anna, &new).await.action(), "name_requested");
    app.finish().await;
}

// SEC-8, D3
async fn two_messages_in_swapped_order_are_told_apart_by_their_reference(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = asked_for_a_number(&app).await;
    let mut shown = Vec::new();
    for text in [PHONE, "resend"] {
        let told = app.say(&anna, text).await;
        assert_eq!(told.action(), "otp_sent");
        let reference = told.data()["response"]["data"]["reference"].as_str().unwrap().to_owned();
        assert!(told.data()["result"].as_str().unwrap().contains(&format!("(reference {reference})")));
        shown.push(reference);
        app.advance(61);
    }
    assert_ne!(shown[0], shown[1]);
    // They arrive the other way round; the person reads the text whose letters the chat shows.
    let mut arrived = app.sms.sent();
    arrived.reverse();
    let named = |reference: &str| format!("(reference {reference})");
    let live = arrived.iter().find(|sms| sms.text.contains(&named(&shown[1]))).unwrap().code();
    let dead = arrived.iter().find(|sms| sms.text.contains(&named(&shown[0]))).unwrap().code();
    let reminded = app.say(&anna, "log in").await;
    assert_eq!(reminded.data()["response"]["data"]["reference"], shown[1].as_str());
    assert_eq!(app.say(&anna, &dead).await.action(), "otp_invalid");
    assert_eq!(app.say(&anna, &live).await.action(), "name_requested");
    app.finish().await;
}

const MINUTES: i64 = 10 * 60 * 1_000;

// SEC-9: valid for ten minutes from issue, and at ten minutes no more.
async fn a_code_ends_at_ten_minutes_to_the_millisecond(db: TestDb) {
    let app = TestApp::start(&db).await;
    for (after, action) in
        [(MINUTES - 1, "name_requested"), (MINUTES, "otp_expired"), (MINUTES + 1, "otp_expired")]
    {
        let anna = app.awaiting_code(&format!("+1415555{}", 2_700 + after % 100)).await;
        let code = app.code();
        app.clock.advance(SignedDuration::from_millis(after));
        assert_eq!(app.say(&anna, &code).await.action(), action, "after {after} ms");
    }
    assert_eq!(charged(&app).await, 1, "nothing is compared with a code that is over");
    app.finish().await;
}

// SEC-9: also on the way that registers, where the code is met before the name is given.
async fn a_verified_code_lapses_at_the_name_to_the_millisecond(db: TestDb) {
    let app = TestApp::start(&db).await;
    let cases =
        [(MINUTES - 1, "registration_successful"), (MINUTES, "otp_expired"), (MINUTES + 1, "otp_expired")];
    for (n, (after, action)) in cases.into_iter().enumerate() {
        let anna = app.awaiting_code(&format!("+1415555{}", 2_700 + n)).await;
        assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
        app.clock.advance(SignedDuration::from_millis(after));
        assert_eq!(app.say(&anna, "Anna").await.action(), action, "after {after} ms");
    }
    assert_eq!((app.count("users").await, app.count("sessions").await), (1, 1));
    app.finish().await;
}
