//! Messages that no provider takes: tried again while that is of use, given up then, and the truth told meanwhile.

use jiff::SignedDuration;
use serde_json::{Value, json};
use vestibule::store::opt_outs;

use super::{asked, becomes, newest};
use crate::support::app::{PHONE, TestApp, until};
use crate::support::db::{TestDb, on_both};
use crate::support::samples::done;
use crate::support::sms::TestSms;

on_both!(
    what_a_busy_provider_did_not_take_is_handed_over_again,
    a_later_try_that_nobody_answers_is_told_with_its_reference,
    a_provider_is_left_alone_for_as_long_as_it_asks,
    whoever_asks_for_more_time_than_a_code_has_is_asked_no_more,
    a_code_is_given_up_after_so_many_tries,
    a_notice_that_was_given_up_keeps_its_destination_and_a_code_does_not,
    slow_providers_hold_up_their_own_messages_alone,
    a_sign_in_keeps_its_session_where_what_follows_it_is_told_anew,
    a_number_that_wants_no_messages_gets_none,
);

// SEC-38
async fn what_a_busy_provider_did_not_take_is_handed_over_again(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::busy(None));
    app.sms.answers(TestSms::busy(None));
    let (anna, told) = asked(&app).await;
    assert_eq!((told["action"].as_str(), &told["success"]), (Some("otp_sent"), &true.into()));
    let said = told["data"]["message"].as_str().unwrap();
    assert!(said.contains("does not take your code") && !said.contains("sent to"), "{said}");
    assert_eq!(told["data"]["phone"], "+1•••••••2671");
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["queued"]);
    assert_eq!(app.sms.count(), 1);

    // The pause is a second at most before the second try, and two before the third.
    app.advance(2);
    app.handed_over(2).await;
    until(async || app.count("outbox WHERE tries = 2 AND status = 'queued'").await == 1).await;
    app.advance(2);
    becomes(&app, "sent").await;
    assert_eq!(app.sms.count(), 3);
    let texts: Vec<String> = app.sms.sent().into_iter().map(|sent| sent.text).collect();
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    assert_eq!(app.count("audit WHERE kind = 'otp_requested'").await, 1, "one code, asked for once");
    assert_eq!(app.count("audit WHERE kind = 'otp_send_failed'").await, 0);
    assert_eq!(app.count("counters WHERE name = 'otp_sends'").await, 1);
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    app.finish().await;
}

// SEC-38
async fn a_later_try_that_nobody_answers_is_told_with_its_reference(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::busy(None));
    app.sms.answers(TestSms::unknown());
    let (anna, told) = asked(&app).await;
    app.advance(2);
    becomes(&app, "uncertain").await;
    // No turn waits for the second try any more, so it is told in a message of its own.
    let said = |answer: &Value| answer["data"]["message"].as_str().unwrap().to_owned();
    until(async || said(&newest(&app, &anna).await).contains("can't tell whether your code")).await;
    let pushed = newest(&app, &anna).await;
    assert_eq!(pushed["data"]["reference"], told["data"]["reference"]);
    assert!(said(&pushed).contains(pushed["data"]["reference"].as_str().unwrap()), "{pushed}");
    app.finish().await;
}

async fn a_provider_is_left_alone_for_as_long_as_it_asks(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::busy(Some(SignedDuration::from_secs(90))));
    let (anna, _) = asked(&app).await;
    for _ in 0..8 {
        app.advance(11);
        app.get("/ready", &anna).await;
    }
    assert_eq!(app.sms.count(), 1);
    app.advance(3);
    becomes(&app, "sent").await;
    assert_eq!(app.sms.count(), 2);
    app.finish().await;
}

async fn whoever_asks_for_more_time_than_a_code_has_is_asked_no_more(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::busy(Some(SignedDuration::from_hours(1))));
    let (anna, told) = asked(&app).await;
    assert_eq!((told["action"].as_str(), &told["success"]), (Some("otp_not_delivered"), &false.into()));
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["dead"]);
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["void"]);
    app.advance(3_700);
    assert_eq!(app.say(&anna, "+14155552672").await.action(), "otp_sent");
    assert_eq!(app.sms.count(), 2);
    app.finish().await;
}

async fn a_code_is_given_up_after_so_many_tries(db: TestDb) {
    let app = TestApp::start_with(&db, |config| config.worker.max_tries = 3).await;
    for _ in 0..3 {
        app.sms.answers(TestSms::busy(None));
    }
    let (anna, told) = asked(&app).await;
    assert_eq!(told["action"], "otp_sent");
    for tries in 2..=3 {
        app.advance(5);
        app.handed_over(tries).await;
        until(async || {
            app.count(&format!("outbox WHERE tries = {tries} AND status <> 'claimed'")).await == 1
        })
        .await;
    }
    becomes(&app, "dead").await;
    until(async || newest(&app, &anna).await["action"] == "otp_not_delivered").await;
    assert_eq!(app.texts("SELECT kind FROM audit WHERE kind = 'otp_send_failed'").await.len(), 1);
    app.advance(600);
    app.get("/ready", &anna).await;
    assert_eq!(app.sms.count(), 3);
    app.finish().await;
}

async fn a_notice_that_was_given_up_keeps_its_destination_and_a_code_does_not(db: TestDb) {
    let app = TestApp::start_with(&db, |config| config.worker.max_tries = 1).await;
    app.sms.answers(TestSms::busy(None));
    asked(&app).await;
    assert_eq!(app.count("outbox WHERE status = 'dead' AND destination_sealed IS NULL").await, 1);
    let notice = crate::http::notice(&app, "one", ("sms", PHONE));
    app.sms.answers(TestSms::busy(None));
    done(app.app().store(), vec![vestibule::store::outbox::insert(&notice)]).await;
    app.advance(3);
    until(async || app.count("outbox WHERE status = 'dead' AND destination_sealed IS NOT NULL").await == 1)
        .await;
    // Nobody needs to know it for ever.
    app.advance(8 * 24 * 3_600);
    until(async || app.count("outbox WHERE destination_sealed IS NOT NULL").await == 0).await;
    app.finish().await;
}

async fn slow_providers_hold_up_their_own_messages_alone(db: TestDb) {
    let app = TestApp::start_with(&db, |config| config.worker.at_once = 1).await;
    let held = app.sms.hold();
    let (anna, bob) = (app.device().await, app.device().await);
    // The first sweep asks about what is uncertain, which counts as a try.
    until(async || app.count("outbox").await == 0 && app.app().tries() == 0).await;
    let first = app.say(&anna, "log in with +14155552671");
    let second = async {
        app.handed_over(1).await;
        let told = app.say(&bob, "log in with +14155552672");
        let patience = async {
            // The worker hears of it when its turn has begun to wait; the time must not pass before.
            let ping = async || app.app().store().ping().await.is_ok();
            until(async || ping().await && app.app().tries() == 2).await;
            app.advance(2);
        };
        tokio::join!(told, patience).0
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.action(), second.action()), ("otp_sent", "otp_sent"));
    // The second one waits for the place, and is handed over once.
    app.advance(20);
    app.get("/ready", &bob).await;
    assert_eq!(app.sms.count(), 1);
    held.send(vestibule::model::Verdict::Accepted { provider_id: "SM1".into() }).unwrap();
    app.handed_over(2).await;
    until(async || app.count("outbox WHERE status = 'sent'").await == 2).await;
    assert_eq!(app.sms.count(), 2);
    app.finish().await;
}

// SEC-55
async fn a_sign_in_keeps_its_session_where_what_follows_it_is_told_anew(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    let laptop = app.device().await;
    app.advance(61);
    let asked = app.say(&laptop, "change my email to ada@example.com").await;
    let conversation = asked.data()["conversationId"].as_str().unwrap().to_owned();
    let turn =
        |prompt: &str, id: &str| json!({ "prompt": prompt, "messageId": id, "conversationId": conversation });
    assert_eq!(app.turn(&laptop, turn(PHONE, "m1")).await.action(), "otp_sent");
    app.advance(61);
    app.sms.answers(TestSms::busy(None));
    let signs_in = turn(&app.code(), "m2");
    let told = app.turn(&laptop, signs_in.clone()).await;
    let said = told.data()["response"]["data"]["message"].as_str().unwrap();
    assert!(said.starts_with("Welcome back") && said.contains("does not take your code"), "{said}");
    assert_eq!(told.data()["response"]["context"]["login"], "login_successful");
    assert!(told.data()["session"]["token"].is_string(), "{}", told.data());
    assert_eq!(app.turn(&laptop, signs_in).await.data(), told.data());
    app.advance(2);
    until(async || app.count("outbox WHERE status = 'sent'").await == 3).await;
    app.finish().await;
}

async fn a_number_that_wants_no_messages_gets_none(db: TestDb) {
    let app = TestApp::start(&db).await;
    let key = app.app().keys().lookup("phone", PHONE);
    let now = app.app().clock().now();
    done(app.app().store(), vec![opt_outs::insert(&key, now)]).await;
    let (anna, told) = asked(&app).await;
    assert_eq!(told["action"], "otp_not_delivered");
    assert_eq!(told["data"]["reason"], "opted_out");
    assert_eq!(app.sms.count(), 0);
    done(app.app().store(), vec![opt_outs::delete(&key)]).await;
    app.advance(61);
    assert_eq!(app.say(&anna, PHONE).await.action(), "otp_sent");
    app.finish().await;
}
