//! Asking Twilio what became of a message whose answer did not come.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use vestibule::model::DeliveryStatus;
use vestibule::sms::{Sighting, Sms, Sought};

use super::openapi::wrong;
use super::{message, messages, options, verify};
use crate::support::fake_twilio::{ACCOUNT, FakeTwilio, Say};
use crate::support::samples::at;

fn sought() -> Sought {
    Sought { to: message().to, since: at(10), until: at(40) }
}

fn date(at: Timestamp) -> String {
    rfc2822::to_string(&at.to_zoned(TimeZone::UTC)).unwrap()
}

fn listed(sid: &str, seconds: i64, status: &str) -> Value {
    json!({
        "sid": sid, "status": status, "date_created": date(at(seconds)), "error_code": null,
        "direction": "outbound-api", "to": "+1415555XXXX", "new_since_yesterday": {},
    })
}

fn page(messages: &[Value], next: Option<&str>) -> String {
    json!({ "messages": messages, "next_page_uri": next, "page": 0, "page_size": 100 }).to_string()
}

async fn found(say: Say) -> Option<Vec<Sighting>> {
    let fake = FakeTwilio::always(say).await;
    messages(&options(&fake.url)).look_up(&sought()).await
}

async fn found_in(messages: &[Value]) -> Option<Vec<Sighting>> {
    found(Say::Body(200, page(messages, None))).await
}

fn sighting(id: &str, status: DeliveryStatus) -> Sighting {
    Sighting { provider_id: id.to_owned(), status, error: None }
}

#[tokio::test]
async fn what_was_made_within_the_time_is_found() {
    let all = [
        listed("SM1", 9, "sent"),
        listed("SM2", 10, "queued"),
        listed("SM3", 25, "delivered"),
        listed("SM4", 40, "teleported"),
        listed("SM5", 41, "sent"),
    ];
    let wanted = [
        sighting("SM2", DeliveryStatus::Accepted),
        sighting("SM3", DeliveryStatus::Delivered),
        sighting("SM4", DeliveryStatus::Accepted),
    ];
    assert_eq!(found_in(&all).await.as_deref(), Some(wanted.as_slice()));
    // What has left is not listed under its number any more, so that nothing is no answer.
    assert_eq!((found_in(&[]).await, found_in(&all[..1]).await), (None, None));
    let mut lost = listed("SM6", 20, "undelivered");
    lost["error_code"] = json!(30003);
    let mut inbound = listed("SM7", 20, "received");
    inbound["direction"] = json!("inbound");
    // An answer to a text that came in is no message that was handed over.
    let mut answer = listed("SM8", 20, "sent");
    answer["direction"] = json!("outbound-reply");
    let error = Some("twilio_30003".to_owned());
    let wanted = Sighting { error, ..sighting("SM6", DeliveryStatus::Undelivered) };
    assert_eq!(found_in(&[lost, inbound, answer]).await, Some(vec![wanted]));
}

#[tokio::test]
async fn dates_of_any_zone_are_moments() {
    let mut message = listed("SM1", 0, "sent");
    for (text, is_found) in [
        (date(at(20)), true),
        (date(at(20)).replace("+0000", "GMT"), true),
        (date(at(20)).replace("+0000", "+0100"), false),
        (date(at(20 + 3_600)).replace("+0000", "+0100"), true),
    ] {
        message["date_created"] = json!(text);
        assert_eq!(found_in(std::slice::from_ref(&message)).await.is_some(), is_found, "{text}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_no_answer() {
    let body = |body: &str| Say::Body(200, body.to_owned());
    for say in [
        body(""),
        body("{}"),
        body("[]"),
        body(r#"{"messages": 7}"#),
        body("<html>hello</html>"),
        Say::Body(204, String::new()),
        Say::Error(500, 20500),
        Say::Error(404, 20404),
        Say::Wait(429, 20429, "1".to_owned()),
        Say::Reset,
        Say::Half,
        Say::Redirect("/elsewhere".to_owned()),
    ] {
        assert_eq!(found(say.clone()).await, None, "{say:?}");
    }
    for (key, value) in
        [("date_created", json!(null)), ("date_created", json!("soon")), ("sid", json!("../x"))]
    {
        let mut bad = listed("SM1", 20, "sent");
        bad[key] = value;
        assert_eq!(found_in(&[listed("SM2", 20, "sent"), bad]).await, None, "{key}");
    }
}

#[tokio::test]
async fn pages_are_followed_within_the_account_and_up_to_a_bound() {
    let own = format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json");
    let fake = FakeTwilio::start(move |before, came| {
        assert_eq!(came.path, own);
        let next = "https://evil.example/2010-04-01/Elsewhere.json?To=%2B14155552671&PageSize=100&Page=1&PageToken=PAx";
        let next = (before == 0).then_some(next);
        Say::Body(200, page(&[listed(&format!("SM{before}"), 20, "sent")], next))
    })
    .await;
    let found = messages(&options(&fake.url)).look_up(&sought()).await.unwrap();
    let ids: Vec<&str> = found.iter().map(|sighting| sighting.provider_id.as_str()).collect();
    assert_eq!(ids, ["SM0", "SM1"]);
    let all = fake.requests();
    let asked = |n: usize, name: &str| all[n].query.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    assert_eq!(asked(0, "To").as_deref(), Some(super::NUMBER));
    assert_eq!(asked(0, "DateSent>"), Some(at(10).strftime("%Y-%m-%d").to_string()));
    assert_eq!(asked(1, "PageToken").as_deref(), Some("PAx"));
    assert!(all.iter().all(|came| came.header("authorization").is_some()));
    assert_eq!(all.iter().flat_map(wrong).collect::<Vec<_>>(), Vec::<String>::new());

    let endless = FakeTwilio::always(Say::Body(200, page(&[], Some("/x?Page=1&PageToken=PAy")))).await;
    assert_eq!(messages(&options(&endless.url)).look_up(&sought()).await, None);
    assert_eq!(endless.requests().len(), 5);
}

#[tokio::test]
async fn codes_of_verify_are_in_no_list() {
    let fake = FakeTwilio::always(Say::Body(200, page(&[], None))).await;
    assert_eq!(verify(&options(&fake.url)).look_up(&sought()).await, None);
    assert_eq!(fake.requests().len(), 0);
}
