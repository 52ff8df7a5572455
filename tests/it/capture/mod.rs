//! A stored conversation becomes a scenario that passes, and in which nothing of anybody is left.

mod agents;

use std::collections::BTreeSet;

use jiff::SignedDuration;
use serde_json::{Value, json};
use vestibule::model::{Actor, ConversationId};
use vestibule::scenario::capture::{self, Captured, Error, Wanted};
use vestibule::scenario::{Scenario, Setup, play, recordings};

use crate::llm;
use crate::scenarios::assert_passed;
use crate::support::app::{Person, Reply, TestApp, config, until};
use crate::support::db::{Folder, TestDb, on_both, postgres_url};
use crate::support::fake_model::{FakeModel, Reaction};
use crate::support::server::{command, with_store};
use crate::support::sms::TestSms;

on_both!(
    a_registration_and_what_comes_after_tells_nothing_of_anybody,
    an_account_from_before_is_made_before,
    whoever_is_signed_in_stays_so,
    a_conversation_in_spanish_under_settings_of_its_own,
    refusals_and_silence_are_brought_about,
    what_a_model_decided_is_recorded,
    what_cannot_be_captured_says_which_message_and_why,
    the_command_writes_what_replay_plays,
);

/// A number whose last digits are no example's.
const CANARY: &str = "+14155552689";
const NAME: &str = "Quillon Zephyrine";
const EMAIL: &str = "quillon.z@mailbox.org";

/// Somebody who talks, with everything of theirs that must not be told.
struct Talk<'a> {
    app: &'a TestApp,
    person: Person,
    secrets: BTreeSet<String>,
}

impl<'a> Talk<'a> {
    async fn new(app: &'a TestApp) -> Self {
        Self::of(app, app.device().await)
    }

    fn of(app: &'a TestApp, person: Person) -> Self {
        let parts = ["2689", "415555", "quillon", "zephyrine", "marlowe", "mailbox", "scullery"];
        let mut talk = Self { app, person, secrets: parts.map(str::to_owned).into() };
        talk.learn();
        talk
    }

    fn learn(&mut self) {
        let Person { device_id, device, session, conversation } = self.person.clone();
        self.secrets.extend([device, session, conversation].into_iter().flatten());
        self.secrets.insert(device_id);
    }

    /// Says something a moment later; gives the action.
    async fn say(&mut self, text: &str) -> String {
        let mut body = json!({ "prompt": text });
        if let Some(id) = &self.person.conversation {
            body["conversationId"] = json!(id);
        }
        self.turn(body).await
    }

    async fn turn(&mut self, body: Value) -> String {
        self.app.clock.advance(SignedDuration::from_millis(7_345));
        let reply = self.app.turn(&self.person, body).await;
        self.keep(&reply);
        reply.action().to_owned()
    }

    fn keep(&mut self, reply: &Reply) {
        if reply.data()["session"]["token"].is_string() {
            self.person.take(reply);
        }
        self.person.conversation = reply.data()["conversationId"].as_str().map(str::to_owned);
        self.learn();
        for key in ["user_id", "session_id", "device_id"] {
            self.secrets.extend(reply.data()["response"]["data"][key].as_str().map(str::to_owned));
        }
    }

    /// The code that was sent as the n-th message.
    async fn code(&mut self, nth: usize) -> String {
        self.app.handed_over(nth).await;
        let code = self.app.code();
        self.secrets.insert(code.clone());
        code
    }

    async fn captured(&self, wanted: &Wanted) -> Result<Captured, Error> {
        // What the worker still writes down of the last message belongs to it.
        let store = self.app.app().store();
        let system = Actor::System;
        until(async || store.stale_claims(&system, jiff::Timestamp::MAX, 1).await.unwrap().is_empty()).await;
        let id = ConversationId::parse(self.person.conversation.as_deref().unwrap()).unwrap();
        capture::capture(store, &id, wanted).await
    }

    /// Captures, looks for everything that must not be there, and plays what was written on the test's kind of database.
    async fn check(&self, db: &TestDb, wanted: &Wanted) -> Captured {
        let captured = self.captured(wanted).await.unwrap_or_else(|e| panic!("{e}"));
        let beside = recordings::write(&captured.recordings).unwrap();
        let all = format!("{}{beside}", captured.text);
        let low = all.to_lowercase();
        for secret in &self.secrets {
            assert!(!low.contains(&secret.to_lowercase()), "{secret} is told:\n{all}");
        }
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path()).unwrap();
        let file = folder.path().join("captured.md");
        std::fs::write(&file, &captured.text).unwrap();
        if !captured.recordings.is_empty() {
            std::fs::write(Scenario::recordings_of(&file), beside).unwrap();
        }
        let scenario = Scenario::read(&file).unwrap();
        let setup = Setup::new(db.file.is_none().then(postgres_url)).unwrap();
        assert_passed(&play(&scenario, &setup).await);
        captured
    }
}

async fn a_registration_and_what_comes_after_tells_nothing_of_anybody(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut anna = Talk::new(&app).await;
    assert_eq!(anna.say("log me in please").await, "phone_requested");
    assert_eq!(anna.say("12345").await, "invalid_value");
    assert_eq!(anna.say("my number is +1 (415) 555-2689").await, "otp_sent");
    let code = anna.code(1).await;
    let wrong = app.wrong_code();
    assert_eq!(anna.say(&wrong).await, "otp_invalid");
    assert_eq!(anna.say("what's the weather in Quillon?").await, "out_of_scope");
    assert_eq!(anna.say(&format!("my code is {code}")).await, "name_requested");
    assert_eq!(anna.say(NAME).await, "registration_successful");
    assert_eq!(anna.say("show my sessions").await, "sessions_listed");
    assert_eq!(anna.say("rename this device to Quillon's scullery phone").await, "device_renamed");
    app.advance(61);
    assert_eq!(anna.say(&format!("change my email to {EMAIL}")).await, "step_up_required");
    let code = anna.code(2).await;
    assert_eq!(anna.say(&code).await, "pending_verification");
    let code = anna.code(3).await;
    assert_eq!(anna.say(&code).await, "identity_updated");
    app.handed_over(4).await;
    assert_eq!(anna.say("Change my name to Marlowe").await, "identity_updated");
    assert_eq!(anna.say("what is my name?").await, "identity_shown");

    let captured = anna.check(&db, &Wanted::default()).await;
    assert_eq!((captured.messages, captured.recordings.len()), (14, 0));
    let text = &captured.text;
    for line in [
        "> my number is +12015550100",
        "> {wrong}",
        "> my code is {code}",
        "! sms to=+12015550100 template=sms.code verdict=accepted",
        "< auth.bad_phone action=invalid_value success=false session=no data.field=phone data.reason=too_short",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line} is not in\n{text}");
    }
    assert!(text.contains("data.full_name=") && text.contains("audit=otp_verify_fail"), "{text}");
    app.finish().await;
}

/// Signs up and lets some time pass.
async fn earlier(app: &TestApp, phone: &str) -> Person {
    let mut anna = Talk::new(app).await;
    anna.say(&format!("log me in, my phone is {phone}")).await;
    let code = anna.code(1).await;
    anna.say(&code).await;
    assert_eq!(anna.say(NAME).await, "registration_successful");
    app.advance(3 * 3_600);
    anna.person
}

async fn an_account_from_before_is_made_before(db: TestDb) {
    let app = TestApp::start(&db).await;
    let before = earlier(&app, CANARY).await;
    let mut anna = Talk::new(&app).await;
    assert_eq!(anna.say("I want to log in").await, "phone_requested");
    assert_eq!(anna.say(CANARY).await, "otp_sent");
    let code = anna.code(2).await;
    assert_eq!(anna.say(&code).await, "login_successful");
    assert_eq!(anna.say("show my sessions").await, "sessions_listed");
    assert_eq!(anna.say("what is my name?").await, "identity_shown");
    let captured = anna.check(&db, &Wanted::default()).await;
    assert!(
        captured.text.contains("& device") && captured.text.contains("data.count=2"),
        "{}",
        captured.text
    );

    // On the device that has the account's trust already.
    app.advance(3_600);
    assert!(app.post("/api/auth/logout", &before, json!({})).await.status.is_success());
    let mut again = Talk::of(&app, Person { session: None, conversation: None, ..before });
    assert_eq!(again.say("I want to log in").await, "phone_requested");
    assert_eq!(again.say(CANARY).await, "otp_sent");
    let code = again.code(3).await;
    assert_eq!(again.say(&code).await, "login_successful");
    let captured = again.check(&db, &Wanted::default()).await;
    assert!(captured.text.contains("& logout") && !captured.text.contains("& device"), "{}", captured.text);
    app.finish().await;
}

async fn whoever_is_signed_in_stays_so(db: TestDb) {
    let app = TestApp::start(&db).await;
    let before = earlier(&app, CANARY).await;
    let mut anna = Talk::of(&app, Person { conversation: None, ..before });
    let first = json!({ "prompt": "what is my name?", "projectId": "later" });
    assert_eq!(anna.turn(first).await, "identity_shown");
    assert_eq!(anna.say("my name is Marlowe").await, "identity_updated");
    assert_eq!(anna.say("change my phone number to +1 415 555 2688").await, "step_up_required");
    let code = anna.code(2).await;
    assert_eq!(anna.say(&code).await, "pending_verification");
    let code = anna.code(3).await;
    assert_eq!(anna.say(&code).await, "identity_updated");
    app.handed_over(4).await;
    let captured =
        anna.check(&db, &Wanted { title: Some("Signed in".to_owned()), ..Wanted::default() }).await;
    assert!(captured.text.starts_with("# Signed in\n"), "{}", captured.text);
    assert!(!captured.text.contains("& device") && !captured.text.contains("& logout"), "{}", captured.text);
    app.finish().await;
}

async fn a_conversation_in_spanish_under_settings_of_its_own(db: TestDb) {
    let change = |config: &mut vestibule::config::Config| {
        config.sms.countries = vec!["ES".parse().unwrap()];
        config.limit.otp_max_attempts = 1;
    };
    let app = TestApp::start_with(&db, change).await;
    let mut anna = Talk::new(&app).await;
    anna.secrets.extend(["9944".to_owned(), "611".to_owned()]);
    assert_eq!(anna.say("quiero iniciar sesión").await, "phone_requested");
    assert_eq!(anna.say("+34 611 229 944").await, "otp_sent");
    anna.code(1).await;
    let wrong = app.wrong_code();
    assert_eq!(anna.say(&wrong).await, "otp_attempts_exceeded");
    let mut own = config(&db);
    change(&mut own);
    let wanted = Wanted { settings: own.of_conversations(), ..Wanted::default() };
    let captured = anna.check(&db, &wanted).await;
    for line in
        ["config VESTIBULE__LIMITS__OTP_MAX_ATTEMPTS=1", "config VESTIBULE__SMS__COUNTRIES=ES", "> +346"]
    {
        assert!(captured.text.contains(line), "{line} is not in\n{}", captured.text);
    }
    // Under other settings it is another conversation, and that is told.
    let Err(Error::Parts(parts)) = anna.captured(&Wanted::default()).await else { panic!("it was captured") };
    assert!(parts.number == Some(3) && parts.what.contains("got invalid_value"), "{parts}");
    app.finish().await;
}

async fn refusals_and_silence_are_brought_about(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut anna = Talk::new(&app).await;
    app.sms.answers(TestSms::refused());
    assert_eq!(anna.say(&format!("log me in, my phone is {CANARY}")).await, "otp_not_delivered");
    app.sms.answers(TestSms::unknown());
    assert_eq!(anna.say("+1 415 555 2688").await, "otp_sent");
    let code = anna.code(2).await;
    assert_eq!(anna.say(&code).await, "name_requested");
    let captured = anna.check(&db, &Wanted::default()).await;
    for line in ["& refuse 30003", "& hang", "verdict=refused", "verdict=unknown"] {
        assert!(captured.text.contains(line), "{line} is not in\n{}", captured.text);
    }
    app.finish().await;
}

async fn what_a_model_decided_is_recorded(db: TestDb) {
    let server = FakeModel::start(|_, body| {
        let said = body["messages"][1]["content"].as_str().unwrap_or_default().to_owned();
        if body["response_format"].is_null() {
            return Reaction::streams(&["Well, Quillon, ", "I am fine."]);
        }
        if said.contains("heiße") {
            let entities = json!({ "field": "name", "value": "Marlowe Zephyrine" });
            return Reaction::classifies("update_identity", 0.95, &entities);
        }
        if said.contains("übersicht") {
            return Reaction::classifies("manage_sessions", 0.93, &json!({ "action": "devices" }));
        }
        Reaction::classifies("general", 0.97, &json!({}))
    })
    .await;
    let app = llm::app(&db, &server.url, |_| {}).await;
    let before = earlier(&app, CANARY).await;
    let mut anna = Talk::of(&app, Person { conversation: None, ..before });
    let first = json!({ "prompt": "die geräte-übersicht wäre jetzt fein", "projectId": "later" });
    assert_eq!(anna.turn(first).await, "devices_listed");
    assert_eq!(anna.say("seit heute heiße ich Marlowe Zephyrine").await, "confirmation_requested");
    assert_eq!(anna.say("yes").await, "identity_updated");
    assert_eq!(anna.say("na du, wie war dein tag so").await, "answered");
    let captured = anna.check(&db, &Wanted::default()).await;
    assert!(captured.text.contains("context.tier=llm"), "{}", captured.text);
    let said = recordings::write(&captured.recordings).unwrap();
    assert_eq!(captured.recordings.len(), 4, "{said}");
    assert!(
        said.contains("\"model\":\"captured\"") && said.contains("in the place of what a model said"),
        "{said}"
    );
    app.finish().await;
}

async fn what_cannot_be_captured_says_which_message_and_why(db: TestDb) {
    let app = TestApp::start(&db).await;
    let store = app.app().store();
    let nobody = ConversationId::parse("cnv_01kb7m3k5z9q8x7w6v5t4s3r2p").unwrap();
    let missing = capture::capture(store, &nobody, &Wanted::default()).await.unwrap_err();
    assert!(
        missing.to_string().contains("there is no conversation cnv_01kb7m3k5z9q8x7w6v5t4s3r2p"),
        "{missing}"
    );

    // A report that came after the answer.
    let mut anna = Talk::new(&app).await;
    let late = app.sms.hold();
    let text = format!("log me in, my phone is {CANARY}");
    let asking = anna.say(&text);
    let waits = async {
        app.handed_over(1).await;
        app.advance(3);
    };
    let (action, ()) = futures::join!(asking, waits);
    assert_eq!(action, "otp_sent");
    late.send(TestSms::refused()).unwrap();
    until(async || app.count("messages").await == 3).await;
    let pushed = anna.captured(&Wanted::default()).await.unwrap_err().to_string();
    assert!(pushed.starts_with("message 3 cannot be captured: the engine said it of itself"), "{pushed}");

    // What only a word that may be somebody's made clear.
    let mut ben = Talk::new(&app).await;
    assert_eq!(ben.say("loginn").await, "phone_requested");
    assert_eq!(ben.say("¡olvídalo!").await, "cancelled");
    let unclear = ben.captured(&Wanted::default()).await.unwrap_err().to_string();
    assert!(unclear.starts_with("message 1 is not answered as it was: line 8 of the draft"), "{unclear}");
    assert!(unclear.ends_with("if they are nobody's, keep them with --keep loginn"), "{unclear}");
    let kept = Wanted { keep: vec!["loginn".to_owned()], ..Wanted::default() };
    let captured = ben.check(&db, &kept).await;
    assert!(
        captured.text.contains("\n> loginn\n") && captured.text.contains("\n> ¡olvídalo!\n"),
        "{}",
        captured.text
    );
    app.finish().await;
}

async fn the_command_writes_what_replay_plays(db: TestDb) {
    let app = TestApp::start(&db).await;
    let mut anna = Talk::new(&app).await;
    assert_eq!(anna.say("I want to log in").await, "phone_requested");
    assert_eq!(anna.say(CANARY).await, "otp_sent");
    let id = anna.person.conversation.clone().unwrap();
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let run = async |arguments: &[&str]| {
        let mut command = command(folder.path(), arguments);
        with_store(&mut command, &db.options);
        let output = command.output().await.unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), text)
    };
    let (code, text) = run(&["capture", &id]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("# A captured conversation\n") && !text.contains("2689"), "{text}");
    let (code, told) = run(&["capture", &id, "--out", "case.md", "--title", "Asks for a code"]).await;
    assert_eq!(
        (code, told.as_str()),
        (Some(0), "2 messages are in case.md; read it before you give it to anybody\n")
    );
    let (code, told) = run(&["capture", &id, "--out", "case.md"]).await;
    assert_eq!((code, told.contains("cannot write case.md")), (Some(1), true), "{told}");
    for arguments in [&["replay", "case.md"][..], &["replay", "--crash", "case.md"]] {
        let (code, told) = run(arguments).await;
        assert_eq!((code, told.contains("ok      case.md: Asks for a code")), (Some(0), true), "{told}");
    }
    for (id, exit, what) in
        [("cnv_x", 2, "is no conversation's id"), ("cnv_01kb7m3k5z9q8x7w6v5t4s3r2p", 1, "there is no")]
    {
        let (code, told) = run(&["capture", id]).await;
        assert_eq!((code, told.contains(what)), (Some(exit), true), "{told}");
    }
    app.finish().await;
}
