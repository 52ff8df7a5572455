//! `vestibule outbox`, by the real binary.

use vestibule::model::Actor;
use vestibule::store::Effect;

use crate::http::notice;
use crate::support::app::{PHONE, TestApp, until};
use crate::support::db::{Folder, TestDb, on_both};
use crate::support::samples::done;
use crate::support::server::{command, with_store};
use crate::support::sms::TestSms;

on_both!(
    dead_messages_are_listed_counted_and_released,
    what_may_not_be_released_says_why,
    a_timer_is_no_message,
);

/// Runs the command; gives its exit code and both outputs.
async fn outbox(db: &TestDb, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let all: Vec<&str> = std::iter::once("outbox").chain(arguments.iter().copied()).collect();
    let mut command = command(folder.path(), &all);
    with_store(&mut command, &db.options);
    let output = command.output().await.unwrap();
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code(), text)
}

/// An app on the system's clock, as the command is, with one dead notice.
async fn with_a_dead_notice(db: &TestDb) -> (TestApp, Effect) {
    let app = TestApp::start_with(db, |config| config.worker.max_tries = 1).await;
    app.clock.set_offset(app_lag(&app));
    let notice = notice(&app, "dead", ("sms", PHONE));
    app.sms.answers(TestSms::busy(None));
    done(app.app().store(), vec![vestibule::store::outbox::insert(&notice)]).await;
    app.advance(3);
    until(async || app.count("outbox WHERE status = 'dead'").await == 1).await;
    (app, notice)
}

/// From the tests' beginning of time to now.
#[expect(clippy::disallowed_methods, reason = "the command asks the system for the time")]
fn app_lag(app: &TestApp) -> jiff::SignedDuration {
    jiff::Timestamp::now().duration_since(vestibule::model::Clock::now(&*app.clock))
}

async fn dead_messages_are_listed_counted_and_released(db: TestDb) {
    let (app, notice) = with_a_dead_notice(&db).await;
    let (code, listed) = outbox(&db, &["list", "--status", "dead"]).await;
    assert_eq!(code, Some(0), "{listed}");
    let row = listed.lines().find(|line| line.contains(notice.id.as_str())).unwrap();
    assert!(row.contains("| sms | auth.ask_resend |") && row.contains("| dead | 1 | 20429 |"), "{row}");
    assert!(!listed.contains("2671") && !listed.contains("415"), "{listed}");
    let (_, none) = outbox(&db, &["list", "--status", "sent"]).await;
    assert!(!none.contains(notice.id.as_str()), "{none}");
    let (_, counted) = outbox(&db, &["stats"]).await;
    assert!(counted.contains("| sms | dead | 1 |"), "{counted}");

    let metrics = app.http.get(format!("{}/metrics", app.base)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("vestibule_outbox_effects{kind=\"sms\",status=\"dead\"} 1"), "{metrics}");

    let (code, released) = outbox(&db, &["retry", "--all"]).await;
    assert_eq!((code, released.contains("waits to be tried again")), (Some(0), true), "{released}");
    app.advance(3);
    until(async || app.texts("SELECT status FROM outbox").await == ["sent"]).await;
    assert_eq!(app.sms.count(), 2);
    let (_, again) = outbox(&db, &["retry", "--all"]).await;
    assert!(again.contains("No dead message"), "{again}");
    app.finish().await;
}

async fn what_may_not_be_released_says_why(db: TestDb) {
    let app = TestApp::start(&db).await;
    app.sms.answers(TestSms::unknown());
    app.awaiting_code(PHONE).await;
    let effect = app.app().store().effects(&Actor::System, (None, None), 1).await.unwrap().remove(0);
    let (code, refused) = outbox(&db, &["retry", effect.id.as_str()]).await;
    assert_eq!(code, Some(1), "{refused}");
    assert!(
        refused.contains("nothing is ever sent twice") && refused.contains("1 of 1 messages"),
        "{refused}"
    );
    for (id, what) in [("eff_x", "is no message's id"), ("--status", "unexpected argument")] {
        let (code, told) = outbox(&db, &["retry", id]).await;
        assert!(code != Some(0) && told.contains(what), "{told}");
    }
    let (code, told) = outbox(&db, &["list", "--status", "lost"]).await;
    assert_eq!((code, told.contains("it is one of queued, claimed")), (Some(2), true), "{told}");
    app.finish().await;
}

async fn a_timer_is_no_message(db: TestDb) {
    let app = TestApp::start_with(&db, |config| config.graph.silence_seconds = 120).await;
    app.clock.set_offset(app_lag(&app));
    app.awaiting_code(PHONE).await;
    assert_eq!(app.texts("SELECT kind FROM outbox ORDER BY kind").await, ["sms", "timer"]);
    let (_, listed) = outbox(&db, &["list"]).await;
    let (_, counted) = outbox(&db, &["stats"]).await;
    assert!(listed.contains("| sms |") && counted.contains("| sms | sent | 1 |"), "{listed}{counted}");
    let metrics = app.http.get(format!("{}/metrics", app.base)).send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("vestibule_outbox_oldest_waiting_seconds 0"), "{metrics}");
    assert!(!counted.contains("The one that waits longest"), "{counted}");
    for text in [listed, counted, metrics] {
        assert!(!text.contains("timer"), "{text}");
    }
    app.finish().await;
}
