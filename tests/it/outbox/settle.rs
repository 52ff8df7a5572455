//! Messages of which nobody knows whether they left: looked up, told of by the provider, and never sent again.

use vestibule::model::{Actor, DeliveryStatus};
use vestibule::sms::Sighting;
use vestibule::store::outbox::{self, Report};
use vestibule::store::{Applied, Effect};

use super::{asked, becomes, newest};
use crate::support::app::{PHONE, TestApp, until};
use crate::support::db::{TestDb, on_both};
use crate::support::samples::at;
use crate::support::sms::TestSms;

on_both!(
    the_person_is_told_that_nobody_can_tell,
    a_message_that_the_provider_has_is_settled_as_sent,
    a_message_that_the_provider_never_had_ends_and_is_told_of,
    a_message_that_never_arrived_is_told_of,
    somebody_elses_message_settles_nothing,
    what_a_provider_reports_before_its_answer_goes_before_it,
    a_loss_that_is_reported_before_the_answer_is_told_of,
    reports_never_go_backwards_and_count_once,
    a_second_message_for_one_effect_changes_nothing,
);

fn seen(id: &str, status: DeliveryStatus, error: Option<&str>) -> Sighting {
    Sighting { provider_id: id.to_owned(), status, error: error.map(str::to_owned) }
}

async fn the_one(app: &TestApp) -> Effect {
    app.app().store().effects(&Actor::System, (None, None), 9).await.unwrap().remove(0)
}

/// Waits until the provider was asked so often.
async fn looked_up(app: &TestApp, times: usize) {
    until(async || app.count("outbox").await > 0 && app.sms.sought().len() >= times).await;
}

async fn report(app: &TestApp, provider_id: &str, delivery: DeliveryStatus) -> Applied {
    let effect = the_one(app).await;
    let report = Report { effect: &effect.id, provider_id, delivery, error: None, at: at(1) };
    app.app().store().apply(&Actor::System, outbox::told(report)).await.unwrap()
}

// SEC-38
async fn the_person_is_told_that_nobody_can_tell(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::unknown());
    let (anna, told) = asked(&app).await;
    assert_eq!((told["action"].as_str(), &told["success"]), (Some("otp_sent"), &true.into()));
    let said = told["data"]["message"].as_str().unwrap();
    assert!(said.contains("can't tell whether your code"), "{said}");
    becomes(&app, "uncertain").await;
    // Asked and asked again, the provider says nothing; nothing is concluded from that, and nothing is sent.
    for times in 1..=4 {
        // Longer than the longest pause between two questions.
        app.advance(700);
        looked_up(&app, times).await;
    }
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["uncertain"]);
    assert_eq!(app.sms.count(), 1);
    // Whoever asks for another code gets one, which is counted.
    assert_eq!(app.say(&anna, "resend").await.action(), "otp_sent");
    assert_eq!(app.sms.count(), 2);
    app.finish().await;
}

async fn a_message_that_the_provider_has_is_settled_as_sent(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::unknown());
    app.sms.knows(Some(vec![seen("SM7", DeliveryStatus::Sent, None)]));
    let (anna, _) = asked(&app).await;
    app.advance(4);
    becomes(&app, "sent").await;
    let effect = the_one(&app).await;
    assert_eq!((effect.provider_id.as_deref(), effect.destination_sealed), (Some("SM7"), None));
    assert_eq!(effect.delivery, Some(DeliveryStatus::Sent));
    let sought = app.sms.sought();
    assert_eq!(sought[0].to.e164(), PHONE);
    assert!(sought[0].since < at(0) && sought[0].until > at(0));
    assert_eq!(app.say(&anna, &app.code()).await.action(), "name_requested");
    assert_eq!(app.sms.count(), 1);
    app.finish().await;
}

async fn a_message_that_the_provider_never_had_ends_and_is_told_of(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::unknown());
    app.sms.knows(Some(Vec::new()));
    let (anna, _) = asked(&app).await;
    app.advance(4);
    looked_up(&app, 1).await;
    // It may take the provider a while to list what it has.
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["uncertain"]);
    app.advance(70);
    becomes(&app, "failed").await;
    until(async || newest(&app, &anna).await["action"] == "otp_not_delivered").await;
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["void"]);
    assert_eq!(app.sms.count(), 1);
    app.finish().await;
}

async fn a_message_that_never_arrived_is_told_of(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::unknown());
    app.sms.knows(Some(vec![seen("SM7", DeliveryStatus::Undelivered, Some("30003"))]));
    let (anna, _) = asked(&app).await;
    app.advance(4);
    becomes(&app, "failed").await;
    until(async || newest(&app, &anna).await["data"]["reason"] == "30003").await;
    app.finish().await;
}

async fn somebody_elses_message_settles_nothing(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::unknown());
    let both = vec![seen("SM7", DeliveryStatus::Sent, None), seen("SM8", DeliveryStatus::Failed, None)];
    app.sms.knows(Some(both));
    let (anna, _) = asked(&app).await;
    app.advance(4);
    until(async || app.count("outbox WHERE status = 'uncertain' AND due_at IS NULL").await == 1).await;

    // Of two, one belongs to an effect that is known.
    app.advance(61);
    app.sms.answers(vestibule::model::Verdict::Accepted { provider_id: "SM8".into() });
    assert_eq!(app.say(&anna, "resend").await.action(), "otp_sent");
    app.advance(61);
    app.sms.answers(TestSms::unknown());
    assert_eq!(app.say(&anna, "resend").await.action(), "otp_sent");
    app.advance(4);
    until(async || app.count("outbox WHERE status = 'sent' AND provider_id = 'SM7'").await == 1).await;
    app.finish().await;
}

/// The provider reports while its answer is still awaited, and the answer never comes.
async fn reported_before(db: &TestDb, delivery: DeliveryStatus) -> TestApp {
    let app = TestApp::start(db).await;
    let held = app.sms.hold();
    let anna = app.device().await;
    let provider = async {
        app.handed_over(1).await;
        assert_eq!(report(&app, "SM7", delivery).await, Applied::Done);
        held.send(TestSms::unknown()).unwrap();
    };
    let (told, ()) = tokio::join!(app.say(&anna, "log in with +14155552671"), provider);
    assert_eq!(told.action(), "otp_sent");
    until(async || the_one(&app).await.status.as_str() != "claimed").await;
    assert_eq!(the_one(&app).await.provider_id.as_deref(), Some("SM7"));
    app
}

async fn what_a_provider_reports_before_its_answer_goes_before_it(db: TestDb) {
    let app = reported_before(&db, DeliveryStatus::Delivered).await;
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["sent"]);
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["live"]);
    app.finish().await;
}

async fn a_loss_that_is_reported_before_the_answer_is_told_of(db: TestDb) {
    let app = reported_before(&db, DeliveryStatus::Undelivered).await;
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["failed"]);
    app.advance(3);
    until(async || app.texts("SELECT status FROM challenges").await == ["void"]).await;
    app.finish().await;
}

// SEC-37
async fn reports_never_go_backwards_and_count_once(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(vestibule::model::Verdict::Accepted { provider_id: "SM7".into() });
    asked(&app).await;
    becomes(&app, "sent").await;
    assert_eq!(report(&app, "SM7", DeliveryStatus::Sent).await, Applied::Done);
    for old in [DeliveryStatus::Sent, DeliveryStatus::Accepted, DeliveryStatus::Sending] {
        assert_eq!(report(&app, "SM7", old).await, Applied::Stale { at: 0 }, "{old:?}");
    }
    assert_eq!(report(&app, "SM7", DeliveryStatus::Delivered).await, Applied::Done);
    for late in DeliveryStatus::ALL {
        assert_eq!(report(&app, "SM7", late).await, Applied::Stale { at: 0 }, "{late:?}");
    }
    let effect = the_one(&app).await;
    assert_eq!((effect.status.as_str(), effect.delivery), ("sent", Some(DeliveryStatus::Delivered)));
    app.finish().await;
}

async fn a_second_message_for_one_effect_changes_nothing(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(vestibule::model::Verdict::Accepted { provider_id: "SM7".into() });
    asked(&app).await;
    becomes(&app, "sent").await;
    assert_eq!(report(&app, "SM8", DeliveryStatus::Failed).await, Applied::Stale { at: 0 });
    assert_eq!(app.texts("SELECT status FROM challenges").await, ["live"]);
    app.finish().await;
}
