//! Messages that somebody earns by: to numbers bought by the block, to dear countries, to special numbers (SEC-34).

use reqwest::Method;
use serde_json::{Value, json};
use vestibule::config::Config;
use vestibule::sms::Country;

use super::budgets::{blocked, send};
use super::logged_out;
use crate::support::app::{PHONE, Person, Reply, TestApp, reply, until};
use crate::support::db::{TestDb, on_both};
use crate::support::log::Log;

on_both!(
    five_hundred_numbers_of_one_prefix_stop,
    numbers_that_somebody_earns_by_get_nothing_and_cost_nobody_anything,
    with_every_country_served_only_special_numbers_are_refused,
    a_country_that_is_not_served_tells_nothing_of_its_accounts,
    a_trusted_device_gets_its_code_in_any_country,
    a_step_up_goes_to_the_accounts_own_number_in_any_country,
    a_change_to_a_country_that_is_served_no_more_is_called_off,
    the_interface_refuses_in_the_same_way,
);

const BRITISH: &str = "+447400123456";
/// Valid as they are written, and why no code goes there as the product is delivered.
const REFUSED: [(&str, &str); 11] = [
    ("+19005550123", "special_number"),
    ("+18005550123", "special_number"),
    ("+979123456789", "special_number"),
    ("+34803123456", "special_number"),
    ("+442079460958", "landline"),
    ("+34912345678", "landline"),
    (BRITISH, "country"),
    ("+14169671111", "country"),
    ("+18764567890", "country"),
    ("+88216123456789", "country"),
    ("+883510000000001", "country"),
];

fn everywhere(config: &mut Config) {
    config.sms.countries = vec![Country::All];
}

/// What anything can be counted by, and what can be sent.
async fn traces(app: &TestApp) -> [usize; 4] {
    let mut found = [0; 4];
    for (n, table) in ["outbox", "challenges", "counters", "slots"].into_iter().enumerate() {
        found[n] = app.count(table).await;
    }
    found
}

fn told(reply: &Reply) -> &Value {
    &reply.data()["response"]["data"]
}

// SEC-34, D1
async fn five_hundred_numbers_of_one_prefix_stop(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.sign_in("+14155559999").await;
    let anna = logged_out(&app, &anna).await;
    let (log, _guard) = Log::of(&app);
    let (before, mut stopped) = (app.sms.count(), None);
    for n in 0..500 {
        match send(&app, &format!("+1415555{n:04}")).await.action() {
            "otp_sent" => assert_eq!(stopped, None, "number {n} got a code after the stop"),
            "otp_send_limited" => stopped = stopped.or(Some(n)),
            other => panic!("number {n}: {other}"),
        }
        app.advance(6);
    }
    // Fifty codes have to be over before anybody can tell, hers among them, and those of the ten minutes until then are
    // sent too.
    assert_eq!(stopped, Some(49 + 10 * 60 / 6 - 1));
    assert_eq!(app.sms.count() - before, 148);
    assert_eq!(app.count(&blocked("prefix_conversion")).await, 500 - 148);
    let errors = log.errors();
    assert!(errors.len() == 1 && errors[0].contains("A prefix was stopped"), "it is told once: {errors:?}");
    assert_eq!(send(&app, "+14155562671").await.action(), "otp_sent", "another prefix");
    let hers = app.say(&anna, "log in with +14155559999").await;
    assert_eq!(hers.action(), "otp_sent", "her device is trusted, and her number is in that prefix");
    app.finish().await;
}

// SEC-34
async fn numbers_that_somebody_earns_by_get_nothing_and_cost_nobody_anything(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut eve = app.device().await;
    let before = traces(&app).await;
    for (n, (phone, reason)) in REFUSED.into_iter().enumerate() {
        // More often than any limit allows, and from one conversation.
        for _ in 0..6 {
            let refused = app.say(&eve, &format!("log in with {phone}")).await;
            eve.conversation = refused.data()["conversationId"].as_str().map(str::to_owned);
            assert_eq!(refused.action(), "invalid_value", "{phone}: {refused:?}");
            let why = if reason == "country" { "country_not_served" } else { reason };
            assert_eq!(
                (&told(&refused)["reason"], &told(&refused)["field"]),
                (&json!(why), &json!("phone")),
                "{phone}"
            );
        }
        let events = REFUSED[..=n].iter().filter(|(_, other)| *other == reason).count() * 6;
        assert_eq!(app.count(&blocked(reason)).await, events, "{phone}");
    }
    assert_eq!((traces(&app).await, app.sms.count()), (before, 0));
    assert_eq!(before[..2], [0, 0]);
    // The conversation, the device and the network have all that they had.
    for _ in 0..5 {
        assert_eq!(app.say(&eve, &format!("log in with {PHONE}")).await.action(), "otp_sent");
        app.advance(61);
    }
    assert_eq!(app.sms.sent().iter().map(|sent| sent.to.as_str()).collect::<Vec<_>>(), [PHONE; 5]);
    app.finish().await;
}

// SEC-34
async fn with_every_country_served_only_special_numbers_are_refused(db: TestDb) {
    let app = TestApp::start_with(&db, everywhere).await;
    let mut sent = Vec::new();
    for (phone, reason) in REFUSED {
        let answer = send(&app, phone).await;
        if reason == "country" {
            assert_eq!(answer.action(), "otp_sent", "{phone}");
            sent.push(phone.to_owned());
        } else {
            assert_eq!(
                (answer.action(), &told(&answer)["reason"]),
                ("invalid_value", &json!(reason)),
                "{phone}"
            );
        }
    }
    assert_eq!(app.sms.sent().into_iter().map(|sent| sent.to).collect::<Vec<_>>(), sent);
    assert_eq!(app.count(&blocked("country")).await, 0);
    app.finish().await;
}

/// An answer without what differs from one conversation to the next.
fn words(reply: &Reply) -> Value {
    reply.data()["response"].clone()
}

// SEC-34, SEC-31, D5
async fn a_country_that_is_not_served_tells_nothing_of_its_accounts(db: TestDb) {
    let app = TestApp::start_with(&db, everywhere).await;
    app.sign_in(BRITISH).await;
    let now = app.beside(&db, |_| {}).await;
    let (known, unknown) = (send(&now, BRITISH).await, send(&now, "+447400123457").await);
    assert_eq!((known.action(), words(&known)), ("invalid_value", words(&unknown)));
    assert_eq!(
        (known.status, known.body.to_string().len()),
        (unknown.status, unknown.body.to_string().len())
    );
    assert!(told(&known)["message"].as_str().unwrap().contains("by e-mail"), "{known:?}");
    assert_eq!(now.count(&blocked("country")).await, 2);
    // What works is offered to both, and looks alike.
    let before = now.sms.count();
    app.advance(61);
    for phone in [BRITISH, "+447400123457"] {
        let mut person = now.device().await;
        let refused = now.say(&person, &format!("log in with {phone}")).await;
        person.conversation = refused.data()["conversationId"].as_str().map(str::to_owned);
        assert_eq!(now.say(&person, "by e-mail").await.action(), "otp_sent");
    }
    until(async || now.count("outbox WHERE status = 'queued'").await == 0).await;
    assert_eq!(now.sms.count(), before, "neither has an address");
    now.finish().await;
    app.finish().await;
}

// SEC-34, D2
async fn a_trusted_device_gets_its_code_in_any_country(db: TestDb) {
    let app = TestApp::start_with(&db, everywhere).await;
    let anna = app.sign_in(BRITISH).await;
    let mut anna = logged_out(&app, &anna).await;
    let now = app.beside(&db, |_| {}).await;
    app.advance(61);
    let sent = now.say(&anna, &format!("log in with {BRITISH}")).await;
    assert_eq!(sent.action(), "otp_sent");
    anna.conversation = sent.data()["conversationId"].as_str().map(str::to_owned);
    assert_eq!(now.say(&anna, &now.code()).await.action(), "login_successful");
    // It is trusted by that account, and so for no other number.
    let other =
        now.say(&logged_out(&now, &app.sign_in(PHONE).await).await, "log in with +447400123457").await;
    assert_eq!((other.action(), &told(&other)["reason"]), ("invalid_value", &json!("country_not_served")));
    now.finish().await;
    app.finish().await;
}

// SEC-34, D35
async fn a_step_up_goes_to_the_accounts_own_number_in_any_country(db: TestDb) {
    let app = TestApp::start_with(&db, everywhere).await;
    let anna = app.sign_in(BRITISH).await;
    // Trust is over, and the session is not.
    let now = app.beside(&db, |config| config.limit.trust_days = 1).await;
    app.advance(25 * 3_600);
    let before = now.sms.count();
    assert_eq!(now.post("/api/auth/step-up", &anna, json!({})).await.status, 200);
    now.handed_over(before + 1).await;
    assert_eq!(now.sms.sent().last().unwrap().to, BRITISH);
    app.advance(61);
    assert_eq!(
        now.say(&logged_out(&now, &anna).await, &format!("log in with {BRITISH}")).await.action(),
        "invalid_value"
    );
    now.finish().await;
    app.finish().await;
}

/// Asks for a change of number and steps up.
async fn change(app: &TestApp, person: &Person, phone: &str) -> Reply {
    app.advance(61);
    let asked = app.say(person, &format!("change my phone number to {phone}")).await;
    assert_eq!(asked.action(), "step_up_required");
    app.say(person, &app.code()).await
}

// SEC-34, D18
async fn a_change_to_a_country_that_is_served_no_more_is_called_off(db: TestDb) {
    let app = TestApp::start_with(&db, everywhere).await;
    let anna = app.sign_in(PHONE).await;
    assert_eq!(change(&app, &anna, BRITISH).await.action(), "pending_verification");
    let now = app.beside(&db, |_| {}).await;
    app.advance(61);
    let before = now.sms.count();
    assert_eq!(now.say(&anna, "resend").await.action(), "cancelled");
    assert_eq!(now.texts("SELECT status FROM contact_changes").await, ["cancelled"]);
    let asked = change(&now, &anna, BRITISH).await;
    assert_eq!((asked.action(), &told(&asked)["reason"]), ("invalid_value", &json!("country_not_served")));
    assert_eq!(now.sms.count() - before, 1, "the step-up's own code and no other");
    assert_eq!(now.count("contact_changes").await, 1);
    // The step-up still stands, for a number that is served.
    assert_eq!(now.say(&anna, "+14155552672").await.action(), "pending_verification");
    now.finish().await;
    app.finish().await;
}

// SEC-34
async fn the_interface_refuses_in_the_same_way(db: TestDb) {
    let app = TestApp::start(&db).await;
    let before = traces(&app).await;
    for (phone, reason) in REFUSED {
        let why = if reason == "country" { "country_not_served" } else { reason };
        let device = app.device().await;
        for path in ["/api/auth/login", "/api/auth/register"] {
            let refused = app.post(path, &device, json!({ "phone": phone })).await;
            assert_eq!(refused.status, 422, "{path} {phone}: {refused:?}");
            assert_eq!(refused.body["error"]["details"]["reason"], why, "{path} {phone}");
        }
    }
    assert_eq!((traces(&app).await, app.sms.count()), (before, 0));
    assert_eq!(app.count("audit WHERE kind = 'otp_blocked'").await, 2 * REFUSED.len());
    let anna = app.sign_in(PHONE).await;
    app.advance(61);
    let patch = async |body: Value| reply(app.request(Method::PATCH, "/api/me", &anna).json(&body)).await;
    let begun = patch(json!({ "phone": BRITISH })).await;
    let step = json!({ "challengeId": begun.data()["challengeId"], "code": app.code() });
    let sent = app.sms.count();
    let refused = patch(step).await;
    assert_eq!(refused.body["error"]["details"]["reason"], "country_not_served", "{refused:?}");
    assert_eq!((refused.status.as_u16(), app.sms.count()), (422, sent));
    app.finish().await;
}
