//! How far a message came, as Twilio tells it: twice, late, out of order, too early.

use serde_json::json;
use vestibule::sms::Verdict;

use super::{ACCOUNT, STATUS, form, sid, start, tells};
use crate::support::app::{PHONE, Person, TestApp, until};
use crate::support::db::{TestDb, on_both};
use crate::support::sms::TestSms;

on_both!(
    a_status_never_goes_backwards,
    a_lost_code_is_told_of_and_is_worth_nothing,
    a_code_that_was_used_is_not_lost_any_more,
    what_is_told_before_the_worker_knows_holds,
    what_was_uncertain_is_settled,
    a_second_message_for_one_effect_changes_nothing,
    what_says_nothing_does_nothing,
    that_an_email_was_lost_is_told_to_nobody,
);

/// Somebody who waits for a code in a message of that name.
async fn awaiting(app: &TestApp, sid: &str) -> Person {
    app.sms.answers(Verdict::Accepted { provider_id: sid.to_owned() });
    app.awaiting_code(PHONE).await
}

async fn outbox(app: &TestApp) -> String {
    let mut rows = app.texts("SELECT status || ' ' || COALESCE(delivery, '-') FROM outbox").await;
    assert_eq!(rows.len(), 1);
    rows.remove(0)
}

async fn last_said(app: &TestApp, person: &Person) -> (usize, String) {
    let id = person.conversation.as_deref().unwrap();
    let said = app.get(&format!("/api/agent/conversations/{id}/messages"), person).await;
    let items = said.data()["items"].as_array().unwrap();
    (items.len(), items[0]["response"]["action"].as_str().unwrap_or_default().to_owned())
}

// SEC-37
async fn a_status_never_goes_backwards(db: TestDb) {
    let app = start(&db).await;
    let sid = sid();
    awaiting(&app, &sid).await;
    for (word, expected) in [
        ("sent", "sent sent"),
        ("queued", "sent sent"),
        ("sending", "sent sent"),
        ("delivered", "sent delivered"),
        ("sent", "sent delivered"),
        ("undelivered", "sent delivered"),
        ("failed", "sent delivered"),
        ("delivered", "sent delivered"),
    ] {
        assert_eq!(tells(&app, (&sid, word)).await, 204);
        assert_eq!(outbox(&app).await, expected, "after {word}");
    }
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["live"]);
    assert_eq!(app.count("audit WHERE kind = 'otp_send_failed'").await, 0);
    app.finish().await;
}

async fn a_lost_code_is_told_of_and_is_worth_nothing(db: TestDb) {
    let app = start(&db).await;
    let sid = sid();
    let anna = awaiting(&app, &sid).await;
    let (before, _) = last_said(&app, &anna).await;
    let params = [
        ("MessageSid", sid.as_str()),
        ("MessageStatus", "undelivered"),
        ("ErrorCode", "30005"),
        ("AccountSid", ACCOUNT),
        ("RawDlrDoneDate", "2601011200"),
        ("SomethingNew", ""),
    ];
    // What is said again is no news.
    for _ in 0..3 {
        assert_eq!(form(&app, STATUS, &params, |request| request).await.status, 204);
        assert_eq!(last_said(&app, &anna).await, (before + 1, "otp_not_delivered".to_owned()));
    }
    assert_eq!(outbox(&app).await, "failed undelivered");
    assert_eq!(app.texts("SELECT error FROM outbox").await, ["twilio_30005"]);
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["void"]);
    assert_eq!(app.count("audit WHERE kind = 'otp_send_failed'").await, 1);
    assert_ne!(app.say(&anna, &app.code()).await.action(), "name_requested");
    assert_eq!(app.say(&anna, "+14155552672").await.action(), "otp_sent");
    app.finish().await;
}

async fn a_code_that_was_used_is_not_lost_any_more(db: TestDb) {
    let app = start(&db).await;
    let sid = sid();
    let mut anna = awaiting(&app, &sid).await;
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    assert_eq!(tells(&app, (&sid, "failed")).await, 204);
    assert_eq!(last_said(&app, &anna).await.1, "name_requested");
    anna.take(&app.say(&anna, "Anna").await);
    assert!(app.is_alive(&anna).await);
    app.finish().await;
}

async fn what_is_told_before_the_worker_knows_holds(db: TestDb) {
    let app = start(&db).await;
    let (sid, held, mut anna) = (sid(), app.sms.hold(), app.device().await);
    let asked = app.say(&anna, "log in").await;
    anna.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
    let early = async {
        app.handed_over(1).await;
        let effect = app.texts("SELECT id FROM outbox WHERE status = 'claimed'").await.remove(0);
        let path = format!("{STATUS}?effect={effect}");
        let params = [("MessageSid", sid.as_str()), ("MessageStatus", "failed"), ("AccountSid", ACCOUNT)];
        let told = form(&app, &path, &params, |request| request);
        let answer = async {
            until(async || app.count("outbox WHERE delivery = 'failed'").await == 1).await;
            held.send(Verdict::Accepted { provider_id: sid.clone() }).unwrap();
        };
        let (told, ()) = tokio::join!(told, answer);
        assert_eq!(told.status, 204);
    };
    tokio::join!(app.say(&anna, PHONE), early);
    assert_eq!(last_said(&app, &anna).await.1, "otp_not_delivered");
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["void"]);
    assert_eq!(app.texts("SELECT delivery FROM outbox").await, ["failed"]);
    app.finish().await;
}

async fn what_was_uncertain_is_settled(db: TestDb) {
    let app = start(&db).await;
    app.sms.answers(TestSms::unknown());
    let anna = app.awaiting_code(PHONE).await;
    assert_eq!(outbox(&app).await, "uncertain -");
    let effect = app.texts("SELECT id FROM outbox").await.remove(0);
    let sid = sid();
    let params = [("MessageSid", sid.as_str()), ("MessageStatus", "sent"), ("AccountSid", ACCOUNT)];
    for _ in 0..2 {
        let told = form(&app, &format!("{STATUS}?effect={effect}"), &params, |request| request).await;
        assert_eq!((told.status, outbox(&app).await.as_str()), (204, "sent sent"));
    }
    assert_eq!(app.count("audit WHERE kind = 'otp_sent'").await, 1);
    // From then on its name is known.
    assert_eq!(tells(&app, (&sid, "delivered")).await, 204);
    assert_eq!(outbox(&app).await, "sent delivered");
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    assert_eq!(app.sms.count(), 1);
    app.finish().await;
}

async fn a_second_message_for_one_effect_changes_nothing(db: TestDb) {
    let app = start(&db).await;
    let (first, second) = (sid(), sid());
    awaiting(&app, &first).await;
    let effect = app.texts("SELECT id FROM outbox").await.remove(0);
    let params = [("MessageSid", second.as_str()), ("MessageStatus", "failed"), ("AccountSid", ACCOUNT)];
    let told = form(&app, &format!("{STATUS}?effect={effect}"), &params, |request| request).await;
    assert_eq!((told.status, outbox(&app).await.as_str()), (204, "sent -"));
    assert_eq!(app.texts("SELECT provider_id FROM outbox").await, [first]);
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["live"]);
    app.finish().await;
}

async fn what_says_nothing_does_nothing(db: TestDb) {
    let app = start(&db).await;
    let known = sid();
    awaiting(&app, &known).await;
    assert_eq!(tells(&app, (&known, "a_word_of_tomorrow")).await, 204);
    assert_eq!(tells(&app, (&sid(), "failed")).await, 204);
    for (path, params) in [
        (STATUS.to_owned(), vec![("MessageSid", known.as_str())]),
        (STATUS.to_owned(), vec![("MessageStatus", "failed")]),
        (STATUS.to_owned(), vec![("MessageSid", "a b"), ("MessageStatus", "failed")]),
        (
            STATUS.to_owned(),
            vec![("MessageSid", &known), ("MessageStatus", "failed"), ("MessageStatus", "sent")],
        ),
    ] {
        let params = [params, vec![("AccountSid", ACCOUNT)]].concat();
        let refused = form(&app, &path, &params, |request| request).await;
        let body: serde_json::Value = serde_json::from_str(&refused.text).unwrap();
        assert_eq!((refused.status, &body["error"]["code"]), (400, &json!("VALIDATION_ERROR")), "{params:?}");
    }
    for effect in ["x", "eff_00000000000000000000000000"] {
        let params = [("MessageSid", known.as_str()), ("MessageStatus", "failed"), ("AccountSid", ACCOUNT)];
        let told = form(&app, &format!("{STATUS}?effect={effect}"), &params, |request| request).await;
        assert_eq!(told.status, 204);
    }
    assert_eq!(outbox(&app).await, "sent -");
    // Whoever has the token need not name the account.
    let bare = [("MessageSid", known.as_str()), ("MessageStatus", "sent")];
    assert_eq!(form(&app, STATUS, &bare, |request| request).await.status, 204);
    assert_eq!(outbox(&app).await, "sent sent");
    app.finish().await;
}

// D5: that there was an e-mail to lose would tell that there is an address.
async fn that_an_email_was_lost_is_told_to_nobody(db: TestDb) {
    let app = start(&db).await;
    app.sign_in(PHONE).await;
    app.verified_email(PHONE, "anna@example.com").await;
    app.advance(61);
    let anna = app.awaiting_code(PHONE).await;
    app.advance(61);
    let known = sid();
    app.sms.answers(Verdict::Accepted { provider_id: known.clone() });
    assert_eq!(app.say(&anna, "by e-mail").await.action(), "otp_sent");
    app.handed_over(3).await;
    until(async || app.count("outbox WHERE kind = 'email' AND status = 'sent'").await == 1).await;
    let before = last_said(&app, &anna).await;
    assert_eq!(tells(&app, (&known, "failed")).await, 204);
    assert_eq!(last_said(&app, &anna).await, before);
    assert_eq!(app.say(&anna, &app.code()).await.action(), "login_successful");
    app.finish().await;
}
