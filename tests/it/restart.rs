//! The real binary, stopped in the middle of a login and started again; and two of it on one database.

use serde_json::{Value, json};

use crate::support::db::{Folder, TestDb, on_both};
use crate::support::rows::number;
use crate::support::server::Server;

on_both!(threads: a_login_goes_on_after_ctrl_c, two_processes_share_one_database);

const PHONE: &str = "+14155552671";

/// Somebody with a device, who may speak with any process.
pub(crate) struct Person {
    http: reqwest::Client,
    device: String,
    messages: u32,
}

impl Person {
    pub(crate) async fn new(server: &Server) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let made = http.post(format!("{}/api/devices", server.url)).json(&json!({})).send().await.unwrap();
        let made: Value = made.json().await.unwrap();
        let device = made.pointer("/data/deviceToken").and_then(Value::as_str).unwrap().to_owned();
        Self { http, device, messages: 0 }
    }

    async fn send(&self, server: &Server, id: &str, text: &str) -> Value {
        let request = self.http.post(format!("{}/api/agent/run-sync", server.url));
        let body = json!({ "prompt": text, "messageId": id });
        let answer = request.header("X-Device-Token", &self.device).json(&body).send().await.unwrap();
        answer.json::<Value>().await.unwrap()
    }

    /// Says something new, whatever is answered.
    pub(crate) async fn say_any(&mut self, server: &Server, text: &str) -> Value {
        self.messages += 1;
        self.send(server, &format!("m{}", self.messages), text).await
    }

    /// Says something new and expects that kind of answer.
    pub(crate) async fn say(&mut self, server: &Server, text: &str, action: &str) -> Value {
        let answer = self.say_any(server, text).await;
        let given = answer.pointer("/data/response/action").and_then(Value::as_str);
        assert_eq!(given, Some(action), "{answer}");
        answer
    }

    async fn code(&self, server: &Server) -> String {
        let sent = self.http.get(format!("{}/dev/outbox", server.url)).send().await.unwrap();
        let sent: Value = sent.json().await.unwrap();
        sent.pointer("/data/0/code").and_then(Value::as_str).unwrap().to_owned()
    }
}

fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    folder
}

async fn a_login_goes_on_after_ctrl_c(db: TestDb) {
    let folder = folder();
    let server = Server::start(folder.path(), &db, &[]).await;
    let mut person = Person::new(&server).await;
    person.say(&server, "I want to log in", "phone_requested").await;
    let before = person.say(&server, PHONE, "otp_sent").await;
    assert_eq!(server.interrupt().await, Some(0));

    let server = Server::start(folder.path(), &db, &[]).await;
    assert_eq!(person.send(&server, "m2", PHONE).await, before, "the answer stays the same over a restart");
    let code = person.code(&server).await;
    person.say(&server, &code, "name_requested").await;
    assert_eq!(server.interrupt().await, Some(0));

    let server = Server::start(folder.path(), &db, &[]).await;
    let answer = person.say(&server, "Maria Lopez", "registration_successful").await;
    let session = answer.pointer("/data/session/token").and_then(Value::as_str).unwrap();
    let me = person.http.get(format!("{}/api/me", server.url)).bearer_auth(session).send().await.unwrap();
    assert_eq!(me.status(), 200);
    assert_eq!(number(&db, "SELECT CAST(COUNT(*) AS TEXT) FROM dev_outbox").await, 1);
}

async fn two_processes_share_one_database(db: TestDb) {
    let folder = folder();
    // Both at once, so that both find no tables and no key.
    let (one, other) =
        futures::join!(Server::start(folder.path(), &db, &[]), Server::start(folder.path(), &db, &[]));
    let mut person = Person::new(&one).await;
    person.say(&other, "I want to log in", "phone_requested").await;
    let (here, there) =
        futures::join!(person.send(&one, "phone", PHONE), person.send(&other, "phone", PHONE));
    assert_eq!(here, there, "one message, sent to both");
    assert_eq!(here.pointer("/data/response/action"), Some(&json!("otp_sent")), "{here}");
    let code = person.code(&other).await;
    person.say(&one, &code, "name_requested").await;
    person.say(&other, "Maria Lopez", "registration_successful").await;
    assert_eq!(number(&db, "SELECT CAST(COUNT(*) AS TEXT) FROM dev_outbox").await, 1);
    assert_eq!(number(&db, "SELECT CAST(COUNT(*) AS TEXT) FROM messages").await, 8);
    assert_eq!((one.interrupt().await, other.interrupt().await), (Some(0), Some(0)));
}
