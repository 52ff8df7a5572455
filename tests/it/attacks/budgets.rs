//! Sending for the money, from many numbers, devices and addresses.

use serde_json::json;
use vestibule::limit;

use crate::support::app::{Person, Reply, TestApp, reply};
use crate::support::db::{TestDb, on_both};
use crate::support::log::Log;

on_both!(
    a_prefix_stops_after_its_hours_budget,
    a_prefix_whose_codes_nobody_gives_back_stops,
    one_address_makes_thirty_devices_an_hour,
    one_network_gets_twenty_codes_an_hour,
    a_forwarding_header_of_a_stranger_changes_nothing,
);

const FORWARDED: &str = "x-forwarded-for";

/// A new device asks for a code for that number.
pub(super) async fn send(app: &TestApp, phone: &str) -> Reply {
    let device = app.device().await;
    app.say(&device, &format!("log in with {phone}")).await
}

/// The same from an address, as a proxy tells it.
async fn send_from(app: &TestApp, header: (&str, &str), phone: &str) -> Reply {
    let device = app.device().await;
    app.say_from(header, &device, &format!("log in with {phone}")).await
}

async fn device_from(app: &TestApp, header: (&str, &str)) -> Reply {
    let request = app.request(reqwest::Method::POST, "/api/devices", &Person::default());
    reply(request.header(header.0, header.1).json(&json!({}))).await
}

pub(super) fn blocked(reason: &str) -> String {
    format!("audit WHERE kind = 'otp_blocked' AND detail LIKE '%{reason}%'")
}

// SEC-34, D1
async fn a_prefix_stops_after_its_hours_budget(db: TestDb) {
    let app = TestApp::start_with(&db, |config| config.limit.prefix_sends_per_hour = 20).await;
    for n in 0..20 {
        assert_eq!(send(&app, &format!("+1415555{:04}", 3_000 + n)).await.action(), "otp_sent");
        app.advance(1);
    }
    for n in 0..5 {
        let refused = send(&app, &format!("+1415555{:04}", 4_000 + n)).await;
        assert_eq!(refused.action(), "otp_send_limited");
        let seconds = refused.data()["response"]["data"]["retry_after"].as_i64().unwrap();
        assert!((3_500..=3_600).contains(&seconds), "{seconds}");
    }
    assert_eq!((app.sms.count(), app.count(&blocked("prefix_sends")).await), (20, 5));
    assert_eq!(send(&app, "+14155563000").await.action(), "otp_sent", "another prefix");
    // The window rolls: what was sent first is over first.
    app.advance(3_600 - 20);
    assert_eq!(send(&app, "+14155554010").await.action(), "otp_sent");
    assert_eq!(send(&app, "+14155554011").await.action(), "otp_send_limited");
    app.finish().await;
}

// SEC-34, D1: fifty codes and none given back.
async fn a_prefix_whose_codes_nobody_gives_back_stops(db: TestDb) {
    let app = TestApp::start(&db).await;
    let (log, _guard) = Log::of(&app);
    for n in 0..50 {
        assert_eq!(send(&app, &format!("+1415555{:04}", 3_000 + n)).await.action(), "otp_sent");
    }
    // As long as they can still be given back, nobody knows.
    assert_eq!(send(&app, "+14155553050").await.action(), "otp_sent");
    assert_eq!(log.errors(), Vec::<String>::new());
    app.advance(10 * 60);
    assert_eq!(send(&app, "+14155553051").await.action(), "otp_send_limited");
    assert_eq!(send(&app, "+14155553052").await.action(), "otp_send_limited");
    let errors = log.errors();
    assert_eq!(errors.len(), 1, "it is told once: {errors:?}");
    assert!(errors[0].contains("A prefix was stopped"), "{errors:?}");
    assert_eq!((app.sms.count(), app.count(&blocked("prefix_conversion")).await), (51, 2));
    assert_eq!(send(&app, "+14155563000").await.action(), "otp_sent", "another prefix");
    app.advance(60 * 60 - 1);
    assert_eq!(send(&app, "+14155553053").await.action(), "otp_send_limited");
    app.advance(1);
    assert_eq!(send(&app, "+14155553053").await.action(), "otp_sent", "the stop is over");
    app.finish().await;
}

// SEC-34, D1
async fn one_address_makes_thirty_devices_an_hour(db: TestDb) {
    let app = TestApp::start_with(&db, |config| {
        config.limit.new_devices_per_hour = limit::Options::default().new_devices_per_hour;
        config.http.trusted_proxies = vec![[127, 0, 0, 1].into()];
    })
    .await;
    for n in 0..30 {
        let made = device_from(&app, (FORWARDED, "198.51.100.7")).await;
        assert_eq!(made.status, 201, "device {n}");
        app.advance(1);
    }
    let refused = device_from(&app, (FORWARDED, "198.51.100.7")).await;
    assert_eq!((refused.status.as_u16(), refused.error()), (429, "RATE_LIMIT_EXCEEDED"));
    assert_eq!(refused.headers["retry-after"], "3570");
    assert_eq!(app.count("devices").await, 30);
    assert_eq!(device_from(&app, (FORWARDED, "198.51.100.8")).await.status, 201, "the neighbour is another");
    // The host part of an IPv6 address is the customer's to choose.
    for n in 0..30 {
        let made = device_from(&app, (FORWARDED, &format!("2001:db8:1:2:{n}::{n}"))).await;
        assert_eq!(made.status, 201, "device {n}");
    }
    assert_eq!(device_from(&app, (FORWARDED, "2001:db8:1:2:ffff::1")).await.status, 429);
    assert_eq!(device_from(&app, (FORWARDED, "2001:db8:1:3::1")).await.status, 201);
    app.advance(3_570);
    assert_eq!(device_from(&app, (FORWARDED, "198.51.100.7")).await.status, 201);
    app.finish().await;
}

// SEC-34, SEC-41, D1
async fn one_network_gets_twenty_codes_an_hour(db: TestDb) {
    let app = TestApp::start_with(&db, |config| {
        config.limit.network_sends_per_hour = limit::Options::default().network_sends_per_hour;
        config.limit.network_sends_per_day = limit::Options::default().network_sends_per_day;
        config.http.trusted_proxies = vec![[127, 0, 0, 1].into()];
    })
    .await;
    // Each in a prefix of its own, so that nothing but the network's budget is in the way.
    let mut prefixes = 200..;
    let mut number = || format!("+1415{}2671", prefixes.next().unwrap());
    let inside: [fn(usize) -> String; 2] =
        [|n| format!("198.51.100.{n}"), |n| format!("2001:db8:7:7:{:x}::{n:x}", n * 257)];
    let outside = ["198.51.101.7", "2001:db8:7:8::1"];
    for (inside, outside) in inside.into_iter().zip(outside) {
        for n in 0..20 {
            let sent = send_from(&app, (FORWARDED, &inside(n)), &number()).await;
            assert_eq!(sent.action(), "otp_sent", "{}", inside(n));
        }
        for n in 20..25 {
            let refused = send_from(&app, (FORWARDED, &inside(n)), &number()).await;
            assert_eq!(refused.action(), "otp_send_limited", "{}", inside(n));
        }
        assert_eq!(send_from(&app, (FORWARDED, outside), &number()).await.action(), "otp_sent");
    }
    assert_eq!(app.count(&blocked("network_sends_hour")).await, 10);
    // Sixty a day, however they are spread over it.
    for _ in 0..2 {
        app.advance(3_600);
        for n in 0..20 {
            let sent = send_from(&app, (FORWARDED, &inside[0](n)), &number()).await;
            assert_eq!(sent.action(), "otp_sent");
        }
    }
    app.advance(3_600);
    assert_eq!(send_from(&app, (FORWARDED, "198.51.100.1"), &number()).await.action(), "otp_send_limited");
    assert_eq!(app.count(&blocked("network_sends_day")).await, 1);
    app.finish().await;
}

// SEC-41
async fn a_forwarding_header_of_a_stranger_changes_nothing(db: TestDb) {
    let app = TestApp::start_with(&db, |config| {
        config.limit.network_sends_per_hour = 5;
        config.limit.new_devices_per_hour = 30;
    })
    .await;
    let headers = ["x-forwarded-for", "forwarded", "cf-connecting-ip", "x-real-ip", "true-client-ip"];
    let value = |header: &str, n: usize| match header {
        "forwarded" => format!("for=198.51.{n}.7"),
        _ => format!("198.51.{n}.7"),
    };
    for (n, header) in headers.into_iter().enumerate() {
        let sent = send_from(&app, (header, &value(header, n)), &format!("+1415555{:04}", 3_000 + n)).await;
        assert_eq!(sent.action(), "otp_sent");
    }
    for (n, header) in headers.into_iter().enumerate() {
        let refused =
            send_from(&app, (header, &value(header, 9 + n)), &format!("+1415555{:04}", 4_000 + n)).await;
        assert_eq!(refused.action(), "otp_send_limited", "{header} was believed");
    }
    for n in 0..20 {
        let header = headers[n % headers.len()];
        assert_eq!(device_from(&app, (header, &value(header, 100 + n))).await.status, 201);
    }
    for header in headers {
        let refused = device_from(&app, (header, &value(header, 99))).await;
        assert_eq!(refused.status, 429, "{header} was believed");
    }
    assert_eq!(app.texts("SELECT DISTINCT ip FROM audit WHERE ip IS NOT NULL").await, ["127.0.0.1"]);
    app.finish().await;
}
