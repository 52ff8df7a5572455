//! What keeps an answer from coming, the breaker, and what is logged of it all.

use std::io::Write;
use std::sync::{Arc, Mutex};

use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use tracing_subscriber::layer::SubscriberExt;
use vestibule::clock::MovableClock;
use vestibule::model::Verdict;
use vestibule::sms::twilio::{Messages, Verify};
use vestibule::sms::{CodeOutcome, Options, Sms, Sought};
use vestibule::telemetry::{self, Lines};

use super::{NUMBER, accepted, clock, later, message, messages, options, outside, refused, sent, unknown};
use crate::support::fake_twilio::{FakeTwilio, Say, TOKEN};
use crate::support::samples::at;

/// Sends by a clock that the test moves, and rests for half a minute after three failures.
fn breaking(url: &str) -> (Messages, Arc<MovableClock>) {
    let options = Options { breaker_failures: 3, breaker_seconds: 30, ..options(url) };
    let moved = clock();
    let (fetch, clock) = outside(&moved);
    (Messages::new(&options, (&fetch, &clock), None).unwrap(), moved)
}

// SEC-38
#[tokio::test]
async fn whom_nobody_could_reach_may_be_tried_again() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    assert_eq!(messages(&options(&url)).send(&message()).await, later("unreachable", None));
    // And a server that speaks no TLS.
    let plain = FakeTwilio::always(Say::Created).await;
    let tls = plain.url.replacen("http:", "https:", 1);
    assert_eq!(messages(&options(&tls)).send(&message()).await, later("unreachable", None));
    assert_eq!(plain.requests().len(), 0);
}

// SEC-38
#[tokio::test]
async fn a_reset_before_anything_was_read_is_no_proof_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = TaskTracker::new().spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_zero_linger().unwrap();
        drop(stream);
        listener.accept().await.is_ok()
    });
    let sender = messages(&Options { timeout_ms: 2_000, ..options(&url) });
    assert_eq!(sender.send(&message()).await, unknown("cut_off"));
    assert!(!task.is_finished(), "nobody came a second time");
    task.abort();
}

// SEC-38
#[tokio::test]
async fn a_provider_that_hangs_costs_the_wait_that_is_configured_and_no_second_request() {
    let fake = FakeTwilio::always(Say::Hang).await;
    let sender = messages(&Options { timeout_ms: 100, ..options(&fake.url) });
    assert_eq!(sent(&sender, &fake).await, (unknown("late"), 1));
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let body = format!(r#"{{"sid": "SM1", "x": "{}"}}"#, "y".repeat(2 * 1024 * 1024));
    let fake = FakeTwilio::always(Say::Body(201, body)).await;
    assert_eq!(sent(&messages(&options(&fake.url)), &fake).await, (unknown("unreadable"), 1));
}

#[test]
fn an_address_that_must_not_be_called_is_told_at_the_start() {
    let (fetch, clock) = outside(&clock());
    for url in ["http://api.example.com", "ftp://127.0.0.1", "https://a:b@api.twilio.com", "nonsense"] {
        assert!(Messages::new(&options(url), (&fetch, &clock), None).is_err(), "{url}");
    }
    let lacks = |change: fn(&mut Options)| {
        let mut options = options("https://api.twilio.com");
        change(&mut options);
        let outside = (&fetch, &clock);
        (Messages::new(&options, outside, None).is_err(), Verify::new(&options, outside, None).is_err())
    };
    assert_eq!(lacks(|_| {}), (false, false));
    assert_eq!(lacks(|o| o.from = None), (true, false));
    assert_eq!(lacks(|o| o.verify_service = None), (false, true));
    assert_eq!(lacks(|o| o.auth_token = None), (true, true));
}

// SEC-38
#[tokio::test]
async fn a_provider_that_fails_too_often_rests_and_is_tried_with_one_message() {
    let fake =
        FakeTwilio::start(|before, _| if before < 4 { Say::Error(500, 20500) } else { Say::Created }).await;
    let (sender, clock) = breaking(&fake.url);
    for requests in 1..=3 {
        assert_eq!(sent(&sender, &fake).await, (unknown("twilio_20500"), requests));
    }
    assert_eq!(sent(&sender, &fake).await, (later("resting", Some(30)), 3));
    clock.advance(SignedDuration::from_secs(10));
    assert_eq!(sent(&sender, &fake).await, (later("resting", Some(20)), 3));
    let sought = Sought { to: message().to, since: at(0), until: at(30) };
    assert_eq!((sender.look_up(&sought).await, fake.requests().len()), (None, 3), "nor is it asked");
    clock.advance(SignedDuration::from_secs(20));
    assert_eq!(sent(&sender, &fake).await, (unknown("twilio_20500"), 4));
    assert_eq!(sent(&sender, &fake).await, (later("resting", Some(30)), 4));
    clock.advance(SignedDuration::from_secs(30));
    assert_eq!(sent(&sender, &fake).await, (accepted(&FakeTwilio::sid(0)), 5));
    assert_eq!(sent(&sender, &fake).await, (accepted(&FakeTwilio::sid(1)), 6));
}

#[tokio::test]
async fn no_number_can_switch_the_provider_off_for_others() {
    for (status, code) in [(400, 21211), (400, 21610), (429, 60203), (429, 60212), (400, 21611), (401, 20003)]
    {
        let fake = FakeTwilio::always(Say::Error(status, code)).await;
        let (sender, _) = breaking(&fake.url);
        for requests in 1..=9 {
            assert_eq!(sent(&sender, &fake).await.1, requests, "{code}");
        }
    }
    // What concerns the account does.
    for say in [Say::Error(429, 20429), Say::Error(503, 20503), Say::Reset, Say::Half] {
        let fake = FakeTwilio::always(say.clone()).await;
        let (sender, _) = breaking(&fake.url);
        for _ in 1..=9 {
            let _ = sender.send(&message()).await;
        }
        assert_eq!(fake.requests().len(), 3, "{say:?}");
    }
}

#[tokio::test]
async fn questions_teach_the_breaker_nothing() {
    let fake = FakeTwilio::always(Say::Error(500, 20500)).await;
    let sought = Sought { to: message().to, since: at(0), until: at(30) };
    let (sender, _) = breaking(&fake.url);
    for _ in 0..5 {
        assert_eq!(sender.look_up(&sought).await, None);
    }
    assert_eq!(sent(&sender, &fake).await, (unknown("twilio_20500"), 6));
}

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Twilio's errors repeat the number, and requests hold code and token.
#[tokio::test]
async fn nothing_of_a_message_or_of_an_error_s_words_is_logged() {
    let log = Log::default();
    let kept = log.clone();
    // With one subscriber alone, a place that another test's thread logs from first is taken to have none.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let lines = Lines::new(move || kept.clone(), clock(), str::to_owned);
    let filter = telemetry::filter("off,vestibule=trace").unwrap();
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(filter).with(lines));
    let mut verdicts: Vec<Verdict> = Vec::new();
    for say in
        [Say::Created, Say::Error(400, 21211), Say::Error(401, 20003), Say::Error(400, 21999), Say::Half]
    {
        let fake = FakeTwilio::always(say).await;
        verdicts.push(messages(&options(&fake.url)).send(&message()).await);
        verdicts.push(super::verify(&options(&fake.url)).send(&message()).await);
        super::verify(&options(&fake.url)).feed_back("VE1", CodeOutcome::Void).await;
    }
    let told = format!("{} {verdicts:?}", String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    assert!(told.contains("twilio_20003") && told.contains("sms.auth_token"), "what to mend is told: {told}");
    assert!(verdicts.contains(&refused("twilio_21999")) && told.contains("not in the table"));
    for secret in [NUMBER, &NUMBER[1..], "326213", TOKEN, "will not do", "Your Vestibule code"] {
        assert!(!told.contains(secret), "{secret}: {told}");
    }
}
