//! Codes by e-mail: they sign in, and nothing tells whether there is an address they went to. Notices, which carry none.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use vestibule::model::{EffectId, Randomness};
use vestibule::store::{Effect, outbox};

use crate::support::app::{PHONE, Person, Reply, TestApp, reply, until};
use crate::support::db::{TestDb, on_both};
use crate::support::samples::done;
use crate::support::sms::TestSms;

on_both!(
    a_code_by_email_signs_in_and_ends_the_one_before,
    nothing_tells_an_address_from_none,
    a_refused_email_is_told_to_nobody,
    a_notice_is_sent_and_tells_no_conversation,
    the_development_outbox_shows_emails,
);

const ADDRESS: &str = "anna@example.com";
/// An account with an address that was never verified, and no account.
const UNVERIFIED: &str = "+14155552672";
const NOBODYS: &str = "+14155552673";

/// Waits until the worker has nothing left.
async fn rests(app: &TestApp) {
    until(async || app.count("outbox WHERE status IN ('queued', 'claimed')").await == 0).await;
}

/// Moves the clock, and waits for the sweep that this sets off, so that its questions are not counted as somebody's.
async fn pass_a_minute(app: &TestApp) {
    let store = app.app().store();
    let before = store.statements();
    app.advance(61);
    until(async || store.statements() >= before + 4).await;
    // On a busy machine the sweep may still be at it; it is over once nothing has been asked for a while.
    let mut quiet = 0;
    while quiet < 50 {
        let seen = store.statements();
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        quiet = if store.statements() == seen { quiet + 1 } else { 0 };
    }
}

// D5
async fn a_code_by_email_signs_in_and_ends_the_one_before(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.verified_email(PHONE, ADDRESS).await;
    app.advance(61);
    let anna = app.awaiting_code(PHONE).await;
    let by_sms = app.code();
    app.advance(61);
    let told = app.say(&anna, "email me the code instead").await;
    assert_eq!(told.action(), "otp_sent");
    let data = &told.data()["response"]["data"];
    assert_eq!((data["channel"].as_str(), data.get("phone")), (Some("email"), None));
    app.handed_over(3).await;
    let sent = app.sms.sent().pop().unwrap();
    let (subject, reference) = (sent.subject.clone().unwrap(), data["reference"].as_str().unwrap());
    assert_eq!((sent.channel, sent.to.as_str()), ("email", ADDRESS));
    assert!(sent.text.contains(&format!("(reference {reference})")) && subject.contains(reference));
    assert!(!subject.contains(&sent.code()));
    assert_ne!(sent.code(), by_sms);

    assert_eq!(app.say(&anna, &by_sms).await.action(), "otp_invalid");
    let done = app.say(&anna, &sent.code()).await;
    assert_eq!(done.action(), "login_successful");
    assert!(done.data()["session"]["token"].is_string());
    assert_eq!(
        app.texts("SELECT status FROM challenges ORDER BY issued_at").await,
        ["consumed", "void", "consumed"]
    );
    assert_eq!(app.texts("SELECT kind FROM outbox ORDER BY created_at").await, ["sms", "sms", "email"]);
    app.finish().await;
}

/// An answer without what is drawn anew for each: ids, the reference, the number's last digits and the moment.
fn anonymous(reply: &Reply) -> (u16, Vec<(String, String)>, Value) {
    let mut body = reply.body.clone();
    for id in ["conversationId", "messageId"] {
        body["data"][id] = json!("…");
    }
    let mut text = body.to_string();
    let reference = text.split_once("(reference ").and_then(|(_, rest)| rest.split_once(')'));
    if let Some(reference) = reference.map(|(reference, _)| reference.to_owned()) {
        text = text
            .replace(&format!("\"{reference}\""), "\"…\"")
            .replace(&format!("reference {reference})"), "…");
    }
    for phone in [PHONE, UNVERIFIED, NOBODYS] {
        text = text.replace(&phone[8..], "…");
    }
    let headers = reply.headers.iter().filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    (reply.status.as_u16(), headers.collect(), serde_json::from_str(&text).unwrap())
}

/// Says the same as each person, and holds that it is answered alike, for as many statements, the worker's included.
async fn alike(app: &TestApp, people: &mut [Person; 3], said: [&str; 3]) -> Value {
    let store = app.app().store();
    let mut answers = Vec::new();
    // What an earlier turn or a move of the clock set going is nobody's answer.
    rests(app).await;
    for (person, said) in people.iter_mut().zip(said) {
        let before = store.statements();
        let answer = app.say(person, said).await;
        rests(app).await;
        let statements = store.statements() - before;
        person.conversation = answer.data()["conversationId"].as_str().map(str::to_owned);
        answers.push((anonymous(&answer), statements));
    }
    assert_eq!(answers[0], answers[1], "{said:?}: an address and an unverified one");
    assert_eq!(answers[0], answers[2], "{said:?}: an account and none");
    answers.swap_remove(0).0.2
}

// D5, SEC-31
async fn nothing_tells_an_address_from_none(db: TestDb) {
    let app = TestApp::start(&db).await;
    for phone in [PHONE, UNVERIFIED] {
        app.sign_in(phone).await;
    }
    app.verified_email(PHONE, ADDRESS).await;
    let unverify =
        format!("UPDATE users SET email = 'eve@example.com' WHERE phone = '{UNVERIFIED}' RETURNING id");
    assert_eq!(app.texts(&unverify).await.len(), 1);
    let mut people = [app.device().await, app.device().await, app.device().await];
    pass_a_minute(&app).await;
    alike(&app, &mut people, ["log in"; 3]).await;
    alike(&app, &mut people, [PHONE, UNVERIFIED, NOBODYS]).await;
    let at_once = alike(&app, &mut people, ["by e-mail"; 3]).await;
    assert_eq!(at_once["data"]["response"]["action"], "otp_send_limited");
    let by_sms = app.sms.count();
    pass_a_minute(&app).await;
    let sent = alike(&app, &mut people, ["by e-mail"; 3]).await;
    assert_eq!(sent["data"]["response"]["action"], "otp_sent");
    assert_eq!(app.sms.count(), by_sms + 1, "one of them has an address");
    alike(&app, &mut people, ["what's the weather?"; 3]).await;
    let wrong = app.wrong_code();
    for action in ["otp_invalid", "otp_invalid", "otp_attempts_exceeded"] {
        let refused = alike(&app, &mut people, [wrong.as_str(); 3]).await;
        assert_eq!(refused["data"]["response"]["action"], action);
    }
    // The challenges' rows are for nobody's eyes; that no code opens one that went nowhere is.
    let nowhere =
        "SELECT c.id FROM challenges c JOIN outbox o ON o.challenge_id = c.id WHERE o.kind = 'none'";
    assert_eq!(app.texts(nowhere).await.len(), 2);
    assert_eq!(app.texts("SELECT DISTINCT status FROM outbox WHERE kind <> 'sms'").await, ["sent"]);
    let events = "SELECT kind FROM audit WHERE kind IN ('otp_sent', 'otp_unaddressed') ORDER BY seq";
    let tail: Vec<String> = app.texts(events).await.into_iter().rev().take(3).collect();
    assert_eq!(tail, ["otp_unaddressed", "otp_unaddressed", "otp_sent"]);
    app.finish().await;
}

// D5: a refusal told to whoever asked would say that there is an address.
async fn a_refused_email_is_told_to_nobody(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.verified_email(PHONE, ADDRESS).await;
    app.advance(61);
    let anna = app.awaiting_code(PHONE).await;
    app.advance(61);
    app.sms.answers(TestSms::refused());
    assert_eq!(app.say(&anna, "by e-mail").await.action(), "otp_sent");
    rests(&app).await;
    let said = app.count("messages").await;
    // The sweep tells of refusals that nobody was told of.
    pass_a_minute(&app).await;
    pass_a_minute(&app).await;
    assert_eq!(app.count("messages").await, said);
    assert_eq!(app.texts("SELECT status FROM outbox WHERE kind = 'email'").await, ["failed"]);
    assert_eq!(app.count("challenges WHERE status = 'live'").await, 1);
    assert_eq!(app.count("audit WHERE kind = 'otp_send_failed'").await, 1);
    assert_eq!(app.count("audit WHERE kind = 'otp_blocked'").await, 0);
    assert_eq!(app.say(&anna, &app.wrong_code()).await.action(), "otp_invalid");
    app.finish().await;
}

/// A notice as a tool queues it. Its words are those of any text that needs no values.
pub(crate) fn notice(app: &TestApp, name: &str, (kind, to): (&str, &str)) -> Effect {
    let now = app.app().clock().now();
    let mut rng = Randomness::seeded(9).stream(name);
    let id = EffectId::new(now, &mut rng);
    let destination_sealed = app.app().keys().seal(&mut rng, id.as_str(), to.as_bytes()).unwrap();
    let times = (now, now + SignedDuration::from_secs(600));
    Effect {
        locale: "en".to_owned(),
        destination_sealed: Some(destination_sealed),
        ..Effect::waiting(id, kind, "auth.ask_resend", times)
    }
}

async fn a_notice_is_sent_and_tells_no_conversation(db: TestDb) {
    let app = TestApp::start(&db).await;
    // A conversation that waits for a code, which no notice's fate may disturb.
    let anna = app.awaiting_code(PHONE).await;
    let (said, noted) = (app.count("messages").await, app.count("audit").await);
    let late = notice(&app, "late", ("sms", PHONE));
    let late = Effect { not_after: late.created_at, ..late };
    app.sms.answers(TestSms::refused());
    for notice in [notice(&app, "one", ("sms", PHONE)), notice(&app, "two", ("email", ADDRESS)), late] {
        done(app.app().store(), vec![outbox::insert(&notice)]).await;
        pass_a_minute(&app).await;
        rests(&app).await;
    }
    let sent = app.sms.sent();
    let sent: Vec<_> =
        sent.iter().skip(1).map(|s| (s.channel, s.to.as_str(), s.subject.as_deref())).collect();
    assert_eq!(
        sent,
        [("sms", PHONE, None), ("email", ADDRESS, Some("About your Vestibule account"))],
        "the one that came too late is not sent"
    );
    assert_eq!(
        app.texts("SELECT status FROM outbox ORDER BY updated_at").await,
        ["sent", "failed", "sent", "failed"]
    );
    assert_eq!(app.count("messages").await, said);
    assert_eq!(app.count("audit").await, noted, "the events are those of codes");
    assert_eq!(app.say(&anna, &app.sms.sent()[0].code()).await.action(), "name_requested");
    app.finish().await;
}

async fn the_development_outbox_shows_emails(db: TestDb) {
    let app = TestApp::without_doubles(&db).await;
    let mut anna = app.device().await;
    let asked = app.say(&anna, "log in with +14155552671").await;
    anna.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
    let nobody = Person::default();
    let sent = app.get("/dev/outbox?to=%2B14155552671", &nobody).await;
    let sms = &sent.data()[0];
    assert_eq!((sms["channel"].as_str(), &sms["subject"]), (Some("sms"), &Value::Null));
    app.say(&anna, sms["code"].as_str().unwrap()).await;
    anna.take(&app.say(&anna, "Anna Ångström").await);
    app.verified_email(PHONE, ADDRESS).await;

    let mut other = app.device().await;
    let asked = app.say(&other, "log in").await;
    other.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
    let minute = json!({ "advanceMs": 61_000 });
    reply(app.request(Method::POST, "/test/clock", &nobody).json(&minute)).await.data();
    assert_eq!(app.say(&other, PHONE).await.action(), "otp_sent");
    reply(app.request(Method::POST, "/test/clock", &nobody).json(&minute)).await.data();
    assert_eq!(app.say(&other, "by e-mail").await.action(), "otp_sent");
    rests(&app).await;
    let mine = app.get("/dev/outbox?to=Anna@Example.com", &nobody).await;
    let [mail] = mine.data().as_array().unwrap().as_slice() else { panic!("{mine:?}") };
    assert_eq!((mail["channel"].as_str(), mail["to"].as_str()), (Some("email"), Some(ADDRESS)));
    let reference = mail["reference"].as_str().unwrap();
    assert_eq!(mail["subject"], format!("Your Vestibule code (reference {reference})"));
    assert_eq!(app.get("/dev/outbox", &nobody).await.data().as_array().unwrap().len(), 3);
    assert_eq!(app.say(&other, mail["code"].as_str().unwrap()).await.action(), "login_successful");
    app.finish().await;
}
