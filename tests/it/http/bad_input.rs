//! Requests that no client of ours would send.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::app::{Person, Reply, TestApp, reply};
use crate::support::db::{TestDb, on_both};

on_both!(
    values_that_cannot_be_taken_are_named,
    odd_values_that_can_be_taken_are,
    bodies_that_cannot_be_read_are_refused,
    bodies_that_are_too_large_are_refused_unread,
    lists_are_asked_for_within_bounds,
    whatever_is_not_there_is_told_in_the_envelope,
    request_ids_come_back,
    only_this_machines_names_are_answered,
);

const RUN: &str = "/api/agent/run-sync";

async fn send(app: &TestApp, person: &Person, kind: &str, body: impl Into<reqwest::Body>) -> Reply {
    let request = app.request(Method::POST, RUN, person).header("content-type", kind).body(body);
    reply(request).await
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status.as_u16(), reply.error()), (status, code), "{reply:?}");
}

async fn still_answers(app: TestApp) {
    let person = app.device().await;
    assert_eq!(app.say(&person, "hello").await.action(), "answered");
    app.finish().await;
}

// SEC-46
async fn values_that_cannot_be_taken_are_named(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let with = |field: &str, value: Value| {
        let mut body = json!({ "prompt": "hello" });
        body[field] = value;
        body
    };
    let mut cases = vec![("/prompt", json!({}))];
    for value in [Value::Null, json!(123_456), json!(1.5), json!(true), json!([]), json!({ "text": "hi" })] {
        cases.push(("/prompt", with("prompt", value)));
    }
    for text in ["", "   ", "\u{0}\u{1}\u{1b}", "\r\n\t", &"x".repeat(4_001), &"é".repeat(4_001)] {
        cases.push(("/prompt", with("prompt", json!(text))));
    }
    let odd =
        [json!(5), json!(""), json!(" "), json!("a\nb"), json!("a\u{0}"), json!("m".repeat(129)), json!([])];
    cases.extend(odd.into_iter().map(|value| ("/messageId", with("messageId", value))));
    for value in [json!(5), json!("a\u{0}b"), json!("p".repeat(129)), json!({})] {
        cases.push(("/projectId", with("projectId", value)));
    }
    for value in [json!(5), json!("en us"), json!("é"), json!("e".repeat(36))] {
        cases.push(("/locale", with("locale", value)));
    }
    for value in [json!(5), json!([]), json!(true)] {
        cases.push(("/conversationId", with("conversationId", value)));
    }
    for (pointer, body) in cases {
        let reply = app.turn(&anna, body.clone()).await;
        refused(&reply, 400, "VALIDATION_ERROR");
        assert_eq!(reply.body["error"]["details"]["pointer"], pointer, "{body}");
    }
    for id in ["", "nonsense", "usr_00000000000000000000000000", "cnv_", "cnv_' OR 1=1 --"] {
        refused(&app.turn(&anna, with("conversationId", json!(id))).await, 404, "NOT_FOUND");
    }
    let named = app.post("/api/devices", &Person::default(), json!({ "name": "a\nb" })).await;
    refused(&named, 422, "VALIDATION_ERROR");
    assert_eq!(app.count("messages").await, 0);
    still_answers(app).await;
}

// SEC-28, SEC-46
async fn odd_values_that_can_be_taken_are(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let texts = [
        "x".repeat(4_000),
        "é".repeat(4_000),
        "hello\u{0}world".to_owned(),
        "\u{202e}hello\u{200b}\u{feff}\r\n\u{1b}[31m".to_owned(),
        "'; DROP TABLE users; -- $1 ? :x {{ code }} {% raw %}".to_owned(),
    ];
    for text in &texts {
        let said = app.turn(&anna, json!({ "prompt": text, "surprise": { "a": [1, 2.5, null] } })).await;
        assert_eq!(said.status, 200, "{text:?}: {said:?}");
    }
    assert_eq!(app.count("messages WHERE role = 'user'").await, texts.len());
    let last = app.get("/api/agent/conversations", &anna).await.data()["items"][0]["conversationId"].clone();
    let said = app.get(&format!("/api/agent/conversations/{}/messages", last.as_str().unwrap()), &anna).await;
    let stored: Vec<_> = said.data()["items"].as_array().unwrap().iter().map(|m| &m["content"]).collect();
    assert!(stored.contains(&&json!(texts[4])), "stored as it was said");

    // Of a key that comes twice the last counts.
    let twice = r#"{"prompt": 5, "prompt": "hello"}"#;
    assert_eq!(send(&app, &anna, "application/json; charset=utf-8", twice).await.action(), "answered");
    let mut many = String::from(r#"{"prompt":"hello""#);
    for n in 0.. {
        let key = format!(r#","{n:x}":0"#);
        if many.len() + key.len() >= 1024 * 1024 {
            break;
        }
        many.push_str(&key);
    }
    many.push('}');
    assert_eq!(send(&app, &anna, "application/json", many).await.action(), "answered");
    still_answers(app).await;
}

// SEC-36, SEC-46
async fn bodies_that_cannot_be_read_are_refused(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let deep = format!(r#"{{"prompt":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let bodies: [&[u8]; 12] = [
        b"[\"prompt\"]",
        b"\"hello\"",
        b"null",
        b"{\"prompt\":",
        b"{\"prompt\": 012345}",
        b"{\"prompt\": 1e999}",
        b"{\"prompt\": \"\\ud800\"}",
        b"{\"prompt\": \"\xff\xfe\"}",
        b"{\"prompt\": \"\x00\"}",
        b"{\"prompt\": \"hello\"} {}",
        b"\xef\xbb\xbf{\"prompt\": \"hello\"}",
        deep.as_bytes(),
    ];
    for body in bodies {
        let reply = send(&app, &anna, "application/json", body.to_vec()).await;
        refused(&reply, 400, "VALIDATION_ERROR");
        assert_eq!(reply.body["error"]["details"]["pointer"], "");
    }
    let good = r#"{"prompt":"hello"}"#;
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""]
    {
        refused(&send(&app, &anna, kind, good).await, 415, "VALIDATION_ERROR");
    }
    let request = app.request(Method::POST, RUN, &anna).header("content-type", "application/json");
    let packed = vec![0x1f_u8, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    refused(&reply(request.header("content-encoding", "gzip").body(packed)).await, 415, "VALIDATION_ERROR");
    assert_eq!(app.count("messages").await, 0);
    still_answers(app).await;
}

/// Writes bytes and reads until the server has no more to say.
async fn raw(app: &TestApp, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(app.base.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server may hang up before it has read all; what it said is what counts.
    let _refused = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _reset = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

// SEC-46
async fn bodies_that_are_too_large_are_refused_unread(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let token = anna.device.clone().unwrap();
    let head = |rest: &str| {
        format!(
            "POST {RUN} HTTP/1.1\r\nhost: localhost\r\nx-device-token: {token}\r\n\
             content-type: application/json\r\nconnection: close\r\n{rest}\r\n\r\n"
        )
    };
    // The length alone is enough; not one byte of the body has to arrive.
    for length in ["10485760", "1048577"] {
        let answer = raw(&app, &head(&format!("content-length: {length}")), b"").await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.contains("PAYLOAD_TOO_LARGE") && answer.contains("errorId"), "{answer}");
    }
    // Without a length it is counted.
    let mut chunks = Vec::new();
    for _ in 0..40 {
        chunks.extend_from_slice(b"8000\r\n");
        chunks.extend_from_slice(&vec![b' '; 0x8000]);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    let answer = raw(&app, &head("transfer-encoding: chunked"), &chunks).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
    still_answers(app).await;
}

async fn lists_are_asked_for_within_bounds(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    let id = app.say(&anna, "hello").await.data()["conversationId"].as_str().unwrap().to_owned();
    let list = "/api/agent/conversations".to_owned();
    let messages = format!("{list}/{id}/messages");
    for path in [&list, &messages] {
        for limit in ["0", "101", "-1", "1.5", "abc", "", "99999999999999999999", "%00"] {
            let reply = app.get(&format!("{path}?limit={limit}"), &anna).await;
            refused(&reply, 400, "VALIDATION_ERROR");
            assert_eq!(reply.body["error"]["details"]["pointer"], "?limit");
        }
        for cursor in ["x", "1.x", "%27", "9999999999999999999999.cnv_1"] {
            let reply = app.get(&format!("{path}?cursor={cursor}"), &anna).await;
            refused(&reply, 400, "VALIDATION_ERROR");
            assert_eq!(reply.body["error"]["details"]["pointer"], "?cursor");
        }
        for query in ["limit=1&limit=2", "cursor=1&cursor=2"] {
            refused(&app.get(&format!("{path}?{query}"), &anna).await, 400, "VALIDATION_ERROR");
        }
        assert_eq!(app.get(&format!("{path}?limit=100&unknown=1"), &anna).await.status, 200);
    }
    refused(&app.get(&format!("{list}?archived=maybe"), &anna).await, 400, "VALIDATION_ERROR");
    refused(&app.get("/dev/outbox?to=1&to=2", &anna).await, 400, "VALIDATION_ERROR");

    // A page ends with the cursor of the next, and no item comes twice.
    let mut seen = Vec::new();
    let mut next = format!("{messages}?limit=1");
    loop {
        let page = app.get(&next, &anna).await;
        let page = page.data();
        seen.extend(page["items"].as_array().unwrap().iter().map(|m| m["role"].clone()));
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        next = format!("{messages}?limit=1&cursor={cursor}");
    }
    assert_eq!(seen, ["assistant", "user"]);
    app.finish().await;
}

async fn whatever_is_not_there_is_told_in_the_envelope(db: TestDb) {
    let app = TestApp::start(&db).await;
    let anna = app.device().await;
    for path in
        ["/api/nothing", "/api/agent/conversations/%ff", "/web/%ff", "/web/..%2fCargo.toml", "/api/me/"]
    {
        refused(&app.get(path, &anna).await, 404, "NOT_FOUND");
    }
    for (method, path) in [
        (Method::GET, RUN),
        (Method::PUT, "/api/me"),
        (Method::PUT, "/api/devices"),
        (Method::OPTIONS, RUN),
        (Method::from_bytes(b"BREW").unwrap(), "/health"),
    ] {
        refused(&reply(app.request(method, path, &anna)).await, 405, "VALIDATION_ERROR");
    }
    still_answers(app).await;
}

// SEC-49
async fn request_ids_come_back(db: TestDb) {
    let app = TestApp::start(&db).await;
    let nobody = Person::default();
    let id = async |given: &str| {
        let answer = reply(app.request(Method::GET, "/api/me", &nobody).header("x-request-id", given)).await;
        assert_eq!(answer.error(), "UNAUTHORIZED");
        answer.headers["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(id("abc-1.x_Y").await, "abc-1.x_Y");
    for odd in ["{\"level\":\"ERROR\"}", "a b", "\u{1b}[31m", "", &"x".repeat(65)] {
        if let Ok(value) = reqwest::header::HeaderValue::from_str(odd) {
            assert!(id(value.to_str().unwrap()).await.starts_with("req_"), "{odd}");
        }
    }
    let fine = app.get("/health", &nobody).await;
    assert!(fine.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
    assert_eq!(app.get("/api/me", &nobody).await.headers["cache-control"], "no-store");
    app.finish().await;
}

async fn only_this_machines_names_are_answered(db: TestDb) {
    let app = TestApp::start(&db).await;
    for host in ["evil.test", "localhost.evil.test", "10.0.0.1:80", "127.0.0.1.evil.test"] {
        for path in ["/", "/dev/outbox", "/health", "/api/me"] {
            let request = app.http.get(format!("{}{path}", app.base)).header("host", host);
            refused(&reply(request).await, 403, "FORBIDDEN");
        }
    }
    let without = raw(&app, "GET /dev/outbox HTTP/1.0\r\n\r\n", b"").await;
    assert!(without.contains(" 403 "), "{without}");
    still_answers(app).await;
}
