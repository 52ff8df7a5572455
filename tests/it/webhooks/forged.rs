//! Whoever is not Twilio (SEC-37).

use serde_json::json;
use sha2::{Digest, Sha256};
use vestibule::sms::Verdict;

use super::{ACCOUNT, Answered, SMS, STATUS, TOKEN, encoded, form, send, signature, start};
use crate::support::app::{PHONE, TestApp};
use crate::support::db::{TestDb, on_both};

on_both!(
    a_forged_request_changes_nothing,
    a_flood_of_forgeries_fills_no_table,
    without_a_token_nobody_is_twilio,
    the_address_is_the_one_that_twilio_called,
    a_body_of_json_has_to_be_the_one_that_was_hashed,
);

const SID: &str = "SM00000000000000000000000000000abc";

type Params = Vec<(&'static str, &'static str)>;

fn params(path: &str) -> Params {
    let (name, value) = if path == SMS { ("Body", "log in") } else { ("MessageStatus", "failed") };
    vec![("AccountSid", ACCOUNT), (name, value), ("From", "+14155552672"), ("MessageSid", SID)]
}

/// Everything that a webhook could change.
async fn rows(app: &TestApp) -> Vec<String> {
    let mut rows = app
        .texts(
            "SELECT status || ' ' || COALESCE(delivery, '-') || ' ' || CAST(delivery_rank AS TEXT) FROM outbox",
        )
        .await;
    rows.extend(app.texts("SELECT status FROM challenges ORDER BY id").await);
    for table in
        ["devices", "conversations", "messages", "inbound_messages", "channel_devices", "opt_outs", "outbox"]
    {
        rows.push(format!("{table} {}", app.count(table).await));
    }
    rows.push(format!("{}", app.count("audit WHERE kind <> 'webhook_bad_signature'").await));
    rows
}

/// A request with that URL, header and body, all of it as given.
async fn raw(app: &TestApp, (path, signature): (&str, &str), (kind, body): (&str, String)) -> Answered {
    let request = app.http.post(format!("{}{path}", app.base)).header("x-twilio-signature", signature);
    send(request.header("content-type", kind).body(body)).await
}

/// Each forgery of a request that was signed, by name.
async fn forgeries(app: &TestApp, path: &str) -> Vec<(&'static str, Answered)> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let params = params(path);
    let url = format!("{}{path}", app.base);
    let good = signature(TOKEN, &url, &params);
    let with = |change: &dyn Fn(&mut Params)| {
        let mut changed = params.clone();
        change(&mut changed);
        (FORM, encoded(&changed))
    };
    let same = || (FORM, encoded(&params));
    let unsigned = app.http.post(&url).header("content-type", FORM).body(encoded(&params));
    let twice = app.http.post(&url).header("x-twilio-signature", &good).header("x-twilio-signature", &good);
    let https = signature(TOKEN, &url.replacen("http", "https", 1), &params);
    let elsewhere = url.replacen(path, if path == SMS { STATUS } else { SMS }, 1);
    let mut foreign = params.clone();
    foreign[0].1 = "AC99999999999999999999999999999999";
    let mut all = vec![
        ("unsigned", send(unsigned).await),
        ("signed twice", send(twice.header("content-type", FORM).body(encoded(&params))).await),
        ("garbage", raw(app, (path, "garbage"), same()).await),
        ("empty", raw(app, (path, ""), same()).await),
        ("another token", raw(app, (path, &signature("x", &url, &params)), same()).await),
        ("an empty token", raw(app, (path, &signature("", &url, &params)), same()).await),
        ("https", raw(app, (path, &https), same()).await),
        ("another route", raw(app, (path, &signature(TOKEN, &elsewhere, &params)), same()).await),
        ("changed", raw(app, (path, &good), with(&|p| p[1].1 = "delivered")).await),
        ("added", raw(app, (path, &good), with(&|p| p.push(("Zone", "")))).await),
        ("left out", raw(app, (path, &good), with(&|p| p.truncate(3))).await),
        ("twice", raw(app, (path, &good), with(&|p| p.push(("MessageSid", "SM1")))).await),
        ("a query", raw(app, (&format!("{path}?effect=x"), &good), same()).await),
        ("as text", raw(app, (path, &good), ("text/plain", encoded(&params))).await),
        ("as JSON", raw(app, (path, &good), ("application/json", "{}".to_owned())).await),
        ("another account", form(app, path, &foreign, |request| request).await),
    ];
    // Names that are no words: the end of one value and the next name are one text to the signature.
    let odd = [("AccountSid", ACCOUNT), ("From", "+14155552671"), ("From+14155552672MessageSid", SID)];
    all.push(("odd names", form(app, path, &odd, |request| request).await));
    all
}

// SEC-37
async fn a_forged_request_changes_nothing(db: TestDb) {
    let app = start(&db).await;
    app.sms.answers(Verdict::Accepted { provider_id: SID.to_owned() });
    app.awaiting_code(PHONE).await;
    let before = rows(&app).await;
    for path in [STATUS, SMS] {
        for (name, answered) in forgeries(&app, path).await {
            assert_eq!(answered, Answered { status: 403, text: String::new() }, "{path}: {name}");
        }
        assert_eq!(rows(&app).await, before, "{path}");
    }
    assert!(app.count("audit WHERE kind = 'webhook_bad_signature'").await > 0);

    // The very same request, signed: it was none of them that failed for another reason.
    assert_eq!(form(&app, STATUS, &params(STATUS), |request| request).await.status, 204);
    assert_ne!(rows(&app).await, before);
    app.finish().await;
}

async fn a_flood_of_forgeries_fills_no_table(db: TestDb) {
    let app = start(&db).await;
    for _ in 0..40 {
        assert_eq!(raw(&app, (SMS, "x"), ("text/plain", String::new())).await.status, 403);
    }
    assert_eq!(app.count("audit").await, 5);
    app.advance(60);
    raw(&app, (SMS, "x"), ("text/plain", String::new())).await;
    assert_eq!(app.count("audit").await, 6);
    app.finish().await;
}

async fn without_a_token_nobody_is_twilio(db: TestDb) {
    let app = TestApp::start(&db).await;
    for token in ["", TOKEN] {
        for path in [STATUS, SMS] {
            let signed = signature(token, &format!("{}{path}", app.base), &params(path));
            let kind = "application/x-www-form-urlencoded";
            assert_eq!(raw(&app, (path, &signed), (kind, encoded(&params(path)))).await.status, 403);
        }
    }
    app.finish().await;
}

async fn the_address_is_the_one_that_twilio_called(db: TestDb) {
    const HEADERS: [(&str, &str); 2] =
        [("x-forwarded-proto", "https"), ("x-forwarded-host", "id.example.com")];
    let url = format!("https://id.example.com{STATUS}");
    let signed = signature(TOKEN, &url, &params(STATUS));
    let call = async |app: &TestApp, headers: &[(&str, &str)]| {
        let request = app.http.post(format!("{}{STATUS}", app.base)).header("x-twilio-signature", &signed);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.body(encoded(&params(STATUS)));
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)))
            .await
            .status
    };
    // Whoever is no trusted proxy says nothing of the address.
    let app = start(&db).await;
    assert_eq!(call(&app, &HEADERS).await, 403);
    let known = |config: &mut vestibule::config::Config| {
        config.sms.account_sid = Some(ACCOUNT.to_owned());
        config.sms.auth_token = Some(vestibule::model::Secret::new(TOKEN));
    };
    let behind = app
        .beside(&db, |config| {
            known(config);
            config.http.trusted_proxies = vec![[127, 0, 0, 1].into()];
        })
        .await;
    assert_eq!((call(&behind, &HEADERS).await, call(&behind, &[]).await), (204, 403));
    behind.finish().await;
    let named = app
        .beside(&db, |config| {
            known(config);
            config.http.public_url = Some("https://id.example.com".to_owned());
        })
        .await;
    assert_eq!(call(&named, &[]).await, 204);
    named.finish().await;
    app.finish().await;
}

async fn a_body_of_json_has_to_be_the_one_that_was_hashed(db: TestDb) {
    let app = start(&db).await;
    app.sms.answers(Verdict::Accepted { provider_id: SID.to_owned() });
    app.awaiting_code(PHONE).await;
    let body = json!({ "MessageSid": SID, "MessageStatus": "delivered", "AccountSid": ACCOUNT }).to_string();
    let hash = Sha256::digest(&body).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let path = format!("{STATUS}?bodySHA256={hash}");
    let signed = signature(TOKEN, &format!("{}{path}", app.base), &[]);
    let kind = "application/json";
    for other in ["{}", "", &body.replace("delivered", "failed")] {
        assert_eq!(raw(&app, (&path, &signed), (kind, other.to_owned())).await.status, 403, "{other}");
    }
    let bare = signature(TOKEN, &format!("{}{STATUS}", app.base), &[]);
    assert_eq!(raw(&app, (STATUS, &bare), (kind, body.clone())).await.status, 403);
    assert_eq!(app.texts("SELECT COALESCE(delivery, '-') FROM outbox").await, ["-"]);
    assert_eq!(raw(&app, (&path, &signed), (kind, body)).await.status, 204);
    assert_eq!(app.texts("SELECT delivery FROM outbox").await, ["delivered"]);
    app.finish().await;
}
