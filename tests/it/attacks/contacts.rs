//! Numbers and addresses: whose code changes what, and what a proof of one is worth for another.

use vestibule::model::Actor;
use vestibule::store::{Applied, Expect, Write};

use super::asked_for_a_number;
use crate::support::app::{PHONE, Person, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    two_accounts_that_want_one_number_change_only_themselves,
    a_code_for_one_purpose_is_worth_nothing_for_another,
    a_value_named_in_another_session_is_not_confirmed,
    a_step_up_stands_for_one_act,
    an_address_proves_its_account_and_no_number,
    a_recycled_number_alone_opens_nothing,
    everything_ended_calls_a_change_off,
);

const OTHER: &str = "+14155552672";
const WANTED: &str = "+14155552673";
const ADDRESS: &str = "anna@example.com";

async fn phones(app: &TestApp) -> Vec<String> {
    app.texts("SELECT phone FROM users WHERE phone IS NOT NULL ORDER BY created_at, id").await
}

/// Asks for a change and steps up; gives the code that went to the new number.
async fn pending(app: &TestApp, person: &Person, wanted: &str) -> String {
    app.advance(61);
    let asked = app.say(person, &format!("change my phone number to {wanted}")).await;
    assert_eq!(asked.action(), "step_up_required");
    assert_eq!(app.say(person, &app.code()).await.action(), "pending_verification");
    assert_eq!(app.sms.sent().last().unwrap().to, wanted);
    app.code()
}

// SEC-12
async fn two_accounts_that_want_one_number_change_only_themselves(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let bob = app.sign_in(OTHER).await;
    let of_anna = pending(&app, &anna, WANTED).await;
    let of_bob = pending(&app, &bob, WANTED).await;
    // Read out to the other one, a code changes nobody.
    if of_anna != of_bob {
        assert_eq!(app.say(&bob, &of_anna).await.action(), "otp_invalid");
    }
    assert_eq!(app.say(&bob, &of_bob).await.action(), "identity_updated");
    assert_eq!(phones(&app).await, [PHONE, WANTED]);
    let late = app.say(&anna, &of_anna).await;
    assert_eq!(late.action(), "invalid_value", "{late:?}");
    assert_eq!(phones(&app).await, [PHONE, WANTED]);
    app.finish().await;
}

// SEC-10
async fn a_code_for_one_purpose_is_worth_nothing_for_another(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let of_login = app.code();
    app.advance(61);
    app.say(&anna, &format!("change my phone number to {WANTED}")).await;
    let of_step_up = app.code();
    assert_ne!(of_login, of_step_up, "one in a million; take another seed");
    let taken = app.say(&anna, &of_login).await;
    assert_eq!(taken.action(), "otp_invalid", "the sign-in's code steps nobody up");
    assert_eq!(app.say(&anna, &of_step_up).await.action(), "pending_verification");
    let taken = app.say(&anna, &of_step_up).await;
    assert_eq!(taken.action(), "otp_invalid", "the step-up's code confirms no number");
    // A code that confirms a number is no code to sign in with, not even for the same number.
    let of_change = app.code();
    app.advance(61);
    let mallory = app.awaiting_code(WANTED).await;
    if of_change != app.code() {
        assert_eq!(app.say(&mallory, &of_change).await.action(), "otp_invalid");
    }
    assert_eq!((phones(&app).await, app.count("sessions").await), (vec![PHONE.to_owned()], 1));
    app.finish().await;
}

// D35, SEC-42: who steps up confirms what they named themselves.
async fn a_value_named_in_another_session_is_not_confirmed(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let thief = app.sign_in(PHONE).await;
    let thief = Person { conversation: anna.conversation.clone(), ..thief };
    app.advance(61);
    let asked = app.say(&anna, &format!("change my phone number to {WANTED}")).await;
    assert_eq!(asked.action(), "step_up_required");
    let code = app.code();
    app.say(&thief, &format!("change my phone number to {OTHER}")).await;
    assert_ne!(app.say(&anna, &code).await.action(), "pending_verification");
    for text in ["resend", "resend"] {
        app.advance(61);
        app.say(&thief, text).await;
    }
    assert!(app.sms.sent().iter().all(|sent| sent.to != OTHER), "{:?}", app.sms.sent());
    assert_eq!(phones(&app).await, [PHONE]);
    app.finish().await;
}

// D35
async fn a_step_up_stands_for_one_act(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let code = pending(&app, &anna, WANTED).await;
    assert_eq!(app.say(&anna, &code).await.action(), "identity_updated");
    app.advance(61);
    let again = app.say(&anna, &format!("change my phone number to {OTHER}")).await;
    assert_eq!(again.action(), "step_up_required");
    assert_eq!(app.sms.sent().last().unwrap().to, WANTED, "to the record's number");
    assert_eq!(app.count("challenges WHERE purpose = 'step_up' AND spent_at IS NOT NULL").await, 1);
    app.finish().await;
}

// D4: a code that went to an account's address proves that account. Who has the number by now is another question.
async fn an_address_proves_its_account_and_no_number(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.verified_email(PHONE, ADDRESS).await;
    for next_owner in [false, true] {
        app.advance(61);
        let mallory = app.awaiting_code(PHONE).await;
        app.advance(61);
        let before = app.sms.count();
        assert_eq!(app.say(&mallory, "by e-mail").await.action(), "otp_sent");
        app.handed_over(before + 1).await;
        let sent = app.sms.sent().into_iter().rev().find(|sent| sent.to == ADDRESS).unwrap();
        let moved = moved_away(&app, next_owner).await;
        let done = app.say(&mallory, &sent.code()).await;
        assert_eq!(done.action(), "otp_expired", "{done:?}");
        assert!(done.data()["session"].is_null());
        moved_back(&app, moved).await;
    }
    assert_eq!(app.count("sessions").await, 1);
    app.finish().await;
}

/// The number leaves its account, and is perhaps another's then.
async fn moved_away(app: &TestApp, next_owner: bool) -> Vec<u8> {
    let key = app.app().keys().lookup("phone", PHONE);
    let mut writes = vec![Write {
        sql: "UPDATE users SET phone_key = NULL WHERE phone_key = $1",
        args: vec![key.as_slice().into()],
        expect: Expect::Rows(1),
    }];
    if next_owner {
        writes.push(Write {
            sql: "INSERT INTO users (id, version, phone, phone_key, created_at, last_seen_at) \
                  SELECT 'usr_01rfctss288tn3pwr6tz1h2xen', 1, phone, $1, created_at, last_seen_at FROM users",
            args: vec![key.as_slice().into()],
            expect: Expect::Rows(1),
        });
    }
    assert_eq!(app.app().store().apply(&Actor::System, writes).await.unwrap(), Applied::Done);
    key
}

async fn moved_back(app: &TestApp, key: Vec<u8>) {
    let free = Write {
        sql: "UPDATE users SET phone_key = NULL WHERE phone_key = $1",
        args: vec![key.as_slice().into()],
        expect: Expect::Any,
    };
    let back = Write {
        sql: "UPDATE users SET phone_key = $1 WHERE email_key IS NOT NULL",
        args: vec![key.as_slice().into()],
        expect: Expect::Rows(1),
    };
    assert_eq!(app.app().store().apply(&Actor::System, vec![free, back]).await.unwrap(), Applied::Done);
}

// SEC-26
async fn a_recycled_number_alone_opens_nothing(db: TestDb) {
    const DAYS_120: i64 = 120 * 24 * 3_600;
    let app = TestApp::start(&db).await;
    app.sign_in(PHONE).await;
    app.sign_in(OTHER).await;
    app.verified_email(PHONE, ADDRESS).await;
    app.advance(DAYS_120);
    let mut stranger = asked_for_a_number(&app).await;
    app.say(&stranger, PHONE).await;
    let before = app.sms.count();
    let asked = app.say(&stranger, &app.code()).await;
    assert_eq!(asked.action(), "second_proof_required");
    assert!(asked.data()["session"].is_null());
    // Neither another word nor a name gets round it.
    for text in ["log in", "My name is Anna", "no", "skip it"] {
        let told = app.say(&stranger, text).await;
        assert!(told.data()["session"].is_null(), "{told:?}");
    }
    assert_eq!(app.count("sessions WHERE revoked_at IS NULL").await, 2, "those that had expired");
    app.handed_over(before + 1).await;
    let second = app.sms.sent().into_iter().rev().find(|sent| sent.to == ADDRESS).unwrap().code();
    let done = app.say(&stranger, &second).await;
    assert_eq!(done.action(), "login_successful");
    stranger.take(&done);
    // An account that has nothing else stays closed, and its number is free.
    let heir = app.awaiting_code(OTHER).await;
    let told = app.say(&heir, &app.code()).await;
    assert_eq!(told.action(), "second_proof_required");
    assert_eq!(app.say(&heir, "Bob").await.action(), "registration_successful");
    assert_eq!(app.count("users WHERE closed_at IS NOT NULL AND phone IS NULL").await, 1);
    assert_eq!(app.count("audit WHERE kind = 'account_detached'").await, 1);
    app.finish().await;
}

// SEC-42
async fn everything_ended_calls_a_change_off(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in(PHONE).await;
    let code = pending(&app, &anna, WANTED).await;
    let ended = app.request(reqwest::Method::DELETE, "/api/sessions?scope=all", &anna);
    assert_eq!(ended.send().await.unwrap().status(), 200);
    assert_eq!(app.count("contact_changes WHERE status = 'cancelled'").await, 1);
    let told = app.say(&anna, &code).await;
    assert_eq!(told.error(), "UNAUTHORIZED");
    assert_eq!(phones(&app).await, [PHONE]);
    app.finish().await;
}
