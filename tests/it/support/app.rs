//! The production app with doubles, served on a port of its own, and a small client.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use vestibule::app::{App, Doubles, Serving};
use vestibule::clock::MovableClock;
use vestibule::config::Config;
use vestibule::model::{Actor, Clock, Email, Profile, Randomness, Secret};
use vestibule::store::outbox::Lane;
use vestibule::store::{Applied, Expect, Write};

use super::db::TestDb;
use super::samples::at;
use super::sms::TestSms;
use super::trained::trained;
use super::wait::comes_about;
pub(crate) use super::wait::until;

/// A number that is valid and nobody's.
pub(crate) const PHONE: &str = "+14155552671";
/// A served app. Ends with [`TestApp::finish`].
pub(crate) struct TestApp {
    serving: Option<Serving>,
    pub(crate) clock: Arc<MovableClock>,
    pub(crate) sms: Arc<TestSms>,
    pub(crate) http: reqwest::Client,
    pub(crate) base: String,
    store: vestibule::store::Options,
}

/// Whoever speaks, with the tokens held.
#[derive(Debug, Clone, Default)]
pub(crate) struct Person {
    pub(crate) device_id: String,
    pub(crate) device: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) conversation: Option<String>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn data(&self) -> &Value {
        assert!(self.status.is_success(), "{self:?}");
        assert_eq!(self.body["success"], true);
        &self.body["data"]
    }

    pub(crate) fn action(&self) -> &str {
        self.data()["response"]["action"].as_str().unwrap()
    }

    /// The error's code; every error has the whole envelope.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        assert_eq!(self.body["success"], false, "{self:?}");
        let error = &self.body["error"];
        for key in ["code", "message", "errorId"] {
            assert!(error[key].as_str().is_some_and(|t| !t.is_empty()), "{key}: {self:?}");
        }
        assert_eq!(error["errorId"].as_str(), self.headers["x-request-id"].to_str().ok());
        error["code"].as_str().unwrap()
    }

    /// The error without the id that differs from one request to the next.
    pub(crate) fn anonymous_error(&self) -> Value {
        let mut body = self.body.clone();
        body["error"].as_object_mut().unwrap().remove("errorId");
        body
    }
}

/// The settings of a test's app.
pub(crate) fn config(db: &TestDb) -> Config {
    let mut config = Config { profile: Profile::Test, ..Config::default() };
    config.http.addr = ([127, 0, 0, 1], 0).into();
    config.store = db.options.clone();
    // Everybody in a test comes from one address.
    config.limit.network_sends_per_hour = 0;
    config.limit.network_sends_per_day = 0;
    config.limit.new_devices_per_hour = 0;
    config.crypto.key = Some(Secret::new("dGhlIHRlc3RzJyBvd24ga2V5LCAzMiBieXRlcyBsb25nIQ=="));
    config
}

impl TestApp {
    pub(crate) async fn start(db: &TestDb) -> Self {
        Self::start_with(db, |_| {}).await
    }

    /// With a configuration of its own.
    pub(crate) async fn start_with(db: &TestDb, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(db);
        change(&mut config);
        let clock = Arc::new(MovableClock::fixed(at(0)));
        Self::build(db, config, (&clock, &Arc::default()), 1).await
    }

    /// On a database and at a time that another app left. `seed` keeps the ids of the two apart.
    pub(crate) async fn restart(
        db: &TestDb,
        clock: &Arc<MovableClock>,
        sms: &Arc<TestSms>,
        seed: u64,
    ) -> Self {
        Self::build(db, config(db), (clock, sms), seed).await
    }

    /// Another node on the same database, with the same clock and provider.
    pub(crate) async fn beside(&self, db: &TestDb, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(db);
        change(&mut config);
        Self::build(db, config, (&self.clock, &self.sms), 2).await
    }

    async fn build(
        db: &TestDb,
        config: Config,
        (clock, sms): (&Arc<MovableClock>, &Arc<TestSms>),
        seed: u64,
    ) -> Self {
        let randomness = Some(Randomness::seeded(seed));
        Self::with_doubles(db, config, Doubles { randomness, ..Doubles::default() }, (clock, sms)).await
    }

    /// With further doubles; the clock and the provider are put in where there are none.
    pub(crate) async fn with_doubles(
        db: &TestDb,
        config: Config,
        doubles: Doubles,
        (clock, sms): (&Arc<MovableClock>, &Arc<TestSms>),
    ) -> Self {
        let doubles = Doubles {
            clock: Some(doubles.clock.unwrap_or_else(|| Arc::clone(clock) as Arc<dyn Clock>)),
            sms: Some(doubles.sms.unwrap_or_else(|| Arc::clone(sms) as _)),
            mail: doubles.mail.or_else(|| config.mail.smtp_url.is_none().then(|| Arc::clone(sms) as _)),
            classifier: doubles.classifier.or_else(|| trained(&config)),
            ..doubles
        };
        let serving = Box::pin(App::build(config, doubles)).await.unwrap().serve().await.unwrap();
        Self::around(serving, db, (clock, sms))
    }

    /// With the clock that `POST /test/clock` moves, and the development outbox.
    pub(crate) async fn without_doubles(db: &TestDb) -> Self {
        let serving = App::build(config(db), Doubles::default()).await.unwrap().serve().await.unwrap();
        Self::around(serving, db, (&Arc::new(MovableClock::fixed(at(0))), &Arc::default()))
    }

    fn around(serving: Serving, db: &TestDb, (clock, sms): (&Arc<MovableClock>, &Arc<TestSms>)) -> Self {
        Self {
            base: format!("http://{}", serving.address()),
            serving: Some(serving),
            clock: Arc::clone(clock),
            sms: Arc::clone(sms),
            // A proxy of the machine's must not stand between a test and its app.
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            store: db.options.clone(),
        }
    }

    pub(crate) fn app(&self) -> &App {
        self.serving.as_ref().unwrap().app()
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Ends the app. Nothing may be left in the outbox.
    pub(crate) async fn finish(mut self) {
        let far = self.app().clock().now() + SignedDuration::from_hours(24 * 365);
        let store = self.app().store();
        let left = async || {
            let claimed = store.stale_claims(&Actor::System, far, 9).await.unwrap();
            let mut left = claimed;
            // A timer goes nowhere.
            for lane in [Lane::Messages, Lane::Calls] {
                left.extend(store.due_effects(&Actor::System, lane, (far, far), 9).await.unwrap());
            }
            left
        };
        // A notice that no answer waits for may only just be on its way.
        let is_empty = comes_about(async || left().await.is_empty()).await;
        assert!(is_empty, "left in the outbox: {:?}", left().await);
        self.serving.take().unwrap().shutdown().await.unwrap();
    }

    /// Ends an app whose database is gone.
    pub(crate) async fn abandon(mut self) {
        drop(self.serving.take().unwrap().shutdown().await);
    }

    pub(crate) fn request(&self, method: Method, path: &str, person: &Person) -> reqwest::RequestBuilder {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &person.device {
            request = request.header("x-device-token", token);
        }
        if let Some(token) = &person.session {
            request = request.bearer_auth(token);
        }
        request
    }

    /// As somebody whose address is what that header says, where the header is believed.
    pub(crate) async fn say_from(&self, header: (&str, &str), person: &Person, text: &str) -> Reply {
        let mut body = json!({ "prompt": text });
        if let Some(id) = &person.conversation {
            body["conversationId"] = json!(id);
        }
        let request = self.request(Method::POST, "/api/agent/run-sync", person);
        reply(request.header(header.0, header.1).json(&body)).await
    }

    pub(crate) async fn get(&self, path: &str, person: &Person) -> Reply {
        reply(self.request(Method::GET, path, person)).await
    }

    pub(crate) async fn post(&self, path: &str, person: &Person, body: Value) -> Reply {
        reply(self.request(Method::POST, path, person).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str, person: &Person) -> Reply {
        reply(self.request(Method::DELETE, path, person)).await
    }

    /// Asks for the session's next token, or with `rotate` false only where it is due.
    pub(crate) async fn refresh(&self, person: &Person, rotate: bool) -> Reply {
        self.post("/api/auth/refresh", &person.bearer(), json!({ "rotate": rotate })).await
    }

    /// Whether the person's session is taken; what else may happen is a plain 401.
    pub(crate) async fn is_alive(&self, person: &Person) -> bool {
        let me = self.get("/api/me", &person.bearer()).await;
        if me.status != 200 {
            assert_eq!(me.error(), "UNAUTHORIZED");
        }
        me.status == 200
    }

    /// One message, with every field as given.
    pub(crate) async fn turn(&self, person: &Person, body: Value) -> Reply {
        self.post("/api/agent/run-sync", person, body).await
    }

    /// One message in the person's conversation.
    pub(crate) async fn say(&self, person: &Person, text: &str) -> Reply {
        let mut body = json!({ "prompt": text });
        if let Some(id) = &person.conversation {
            body["conversationId"] = json!(id);
        }
        self.turn(person, body).await
    }

    pub(crate) async fn device(&self) -> Person {
        let made = self.post("/api/devices", &Person::default(), json!({})).await;
        let text = |key: &str| made.data()[key].as_str().unwrap().to_owned();
        Person { device_id: text("deviceId"), device: Some(text("deviceToken")), ..Person::default() }
    }

    /// Waits until the provider has been given so many messages.
    pub(crate) async fn handed_over(&self, messages: usize) {
        let store = self.app().store();
        until(async || store.ping().await.is_ok() && self.sms.count() == messages).await;
    }

    /// The code that was sent last.
    pub(crate) fn code(&self) -> String {
        self.sms.sent().last().unwrap().code()
    }

    /// A code that is not the one sent last.
    pub(crate) fn wrong_code(&self) -> String {
        if self.code() == "000000" { "111111".to_owned() } else { "000000".to_owned() }
    }

    /// A new device that has asked for a code in a conversation.
    pub(crate) async fn awaiting_code(&self, phone: &str) -> Person {
        let mut person = self.device().await;
        let asked = self.say(&person, "log in").await;
        assert_eq!(asked.action(), "phone_requested");
        person.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
        assert_eq!(self.say(&person, phone).await.action(), "otp_sent");
        person
    }

    /// Signs in on a new device; registers where the number has no account. The code's minute of rest is waited for.
    pub(crate) async fn sign_in(&self, phone: &str) -> Person {
        self.advance(61);
        let mut person = self.awaiting_code(phone).await;
        let mut done = self.say(&person, &self.code()).await;
        if done.action() == "name_requested" {
            done = self.say(&person, "Anna Ångström").await;
        }
        person.take(&done);
        person
    }

    /// Signs in once more on a device that has an account already, be it signed in there or not.
    pub(crate) async fn sign_in_again(&self, person: &Person, phone: &str) -> (Person, Reply) {
        self.advance(61);
        let mut person = Person { session: None, conversation: None, ..person.clone() };
        let asked = self.turn(&person, json!({ "prompt": "log in", "projectId": "again" })).await;
        person.conversation = asked.data()["conversationId"].as_str().map(str::to_owned);
        assert_eq!(self.say(&person, phone).await.action(), "otp_sent");
        let done = self.say(&person, &self.code()).await;
        if done.action() == "login_successful" {
            person.take(&done);
        }
        (person, done)
    }

    /// Gives the account of a number a verified e-mail address.
    pub(crate) async fn verified_email(&self, phone: &str, address: &str) {
        let (keys, now) = (self.app().keys(), self.app().clock().now());
        let key = Email::parse(address).map(|email| keys.lookup("email", email.key())).unwrap();
        let write = Write {
            sql: "UPDATE users SET email = $1, email_key = $2, email_verified_at = $3 WHERE phone = $4",
            args: vec![address.into(), key.as_slice().into(), now.into(), phone.into()],
            expect: Expect::Rows(1),
        };
        assert_eq!(self.app().store().apply(&Actor::System, vec![write]).await.unwrap(), Applied::Done);
    }

    /// The one column of a question, as text.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        if let Some(file) = self.store.url.strip_prefix("sqlite:") {
            let mut db = SqliteConnection::connect(&format!("sqlite:{file}")).await.unwrap();
            return sqlx::query_scalar(sql).fetch_all(&mut db).await.unwrap();
        }
        let mut db = PgConnection::connect(&self.store.url).await.unwrap();
        let schema = self.store.schema.as_deref().unwrap();
        sqlx::raw_sql(AssertSqlSafe(format!("SET search_path TO {schema}"))).execute(&mut db).await.unwrap();
        sqlx::query_scalar(sql).fetch_all(&mut db).await.unwrap()
    }

    /// The number of rows.
    pub(crate) async fn count(&self, rows: &str) -> usize {
        self.texts(&format!("SELECT CAST(COUNT(*) AS TEXT) FROM {rows}")).await[0].parse().unwrap()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        let is_finished = self.serving.is_none() || std::thread::panicking();
        assert!(is_finished, "the app was not finished, so its outbox was not looked at");
    }
}

impl Person {
    /// Takes over the tokens of an answer that signed this person in.
    #[track_caller]
    pub(crate) fn take(&mut self, reply: &Reply) {
        let session = &reply.data()["session"];
        self.session = Some(session["token"].as_str().unwrap_or_else(|| panic!("{reply:?}")).to_owned());
        self.device = session["deviceToken"].as_str().map(str::to_owned);
        self.conversation = reply.data()["conversationId"].as_str().map(str::to_owned);
    }

    /// With the session's token from a refresh.
    pub(crate) fn with(&self, refreshed: &Reply) -> Self {
        let token = refreshed.data()["session"]["token"].as_str().map(str::to_owned);
        Self { session: token, ..self.clone() }
    }

    /// With the device's token alone.
    pub(crate) fn anonymous(&self) -> Self {
        Self { session: None, ..self.clone() }
    }

    /// With the session's token alone.
    pub(crate) fn bearer(&self) -> Self {
        Self { device: None, ..self.clone() }
    }
}

/// Sends a request and reads its envelope.
pub(crate) async fn reply(request: reqwest::RequestBuilder) -> Reply {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::Null);
    Reply { status, headers, body }
}
