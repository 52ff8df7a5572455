//! Calls to outside agents that go wrong: none hangs, none is made for ever, none holds up a code, and none speaks to
//! somebody who does not wait any more.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use vestibule::app::{self, Doubles, sources};
use vestibule::clock::MovableClock;
use vestibule::config::Config;
use vestibule::engine::{Due, Talk};
use vestibule::model::{Actor, EffectId, Randomness};
use vestibule::store::{Applied, Expect, Write};
use vestibule::worker::{Outside, Reached};
use vestibule::{graph, prompt};

use crate::support::app::{Person, TestApp, config, until};
use crate::support::db::{Folder, TestDb, on_both};
use crate::support::log::Log;
use crate::support::samples::at;

on_both!(
    a_fault_after_a_late_answer_is_told_as_a_failed_call,
    a_fault_that_cannot_be_told_ends_the_call,
    a_fault_before_the_answer_was_given_leaves_it_standing,
    a_slow_agent_holds_up_no_code,
    a_claim_holds_for_longer_than_the_longest_try,
    what_is_left_is_not_called_any_more,
    what_is_called_already_speaks_to_nobody_who_left,
    a_call_whose_workers_are_lost_is_not_made_for_ever,
    a_call_that_is_worth_nothing_any_more_fails_unmade,
);

/// A parcel is looked up.
const GRAPH: &str = r#"
[graph]
name = "parcels"
version = 1
entry = "look_up"

[node.look_up]
http = { method = "GET", url = "{{ parcels_url }}/last", timeout_ms = 30000, retries = 2, into = { status = "/status" } }
reply = "parcels.looking"
action = "answered"
on = { ok = "by_status", not_found = "say_down", refused = "say_down", failed = "say_down" }

[node.by_status]
goto = [{ when = "status == 'x'", to = "say_sent" }, { to = "say_down" }]

[node.say_sent]
say = "parcels.sent"
action = "answered"

[node.say_down]
say = "parcels.down"
action = "unavailable"
"#;
const TEXTS: &str = "[parcels]\nlooking = \"Looking…\"\nsent = \"Sent.\"\ndown = \"Down.\"\n";
const ASKS: &str = "where is my parcel?";
const SAID: &str = "{\"text\": \"where is my parcel?\", \"lang\": \"en\"}\n{\"text\": \"track my parcel\", \"lang\": \"en\"}\n\
                    {\"text\": \"has my parcel been sent?\", \"lang\": \"en\"}\n";

/// Outside agents that answer in turn as they are told, the last answer from then on, or when they are let.
#[derive(Debug, Default)]
pub(crate) struct Agents {
    answers: Mutex<VecDeque<Reached>>,
    held: Mutex<VecDeque<oneshot::Receiver<()>>>,
    calls: Mutex<usize>,
}

impl Agents {
    pub(crate) fn answer(&self, reached: Reached) {
        self.answers.lock().unwrap().push_back(reached);
    }

    /// The next call is answered once what this gives is used.
    pub(crate) fn hold(&self) -> oneshot::Sender<()> {
        let (let_go, held) = oneshot::channel();
        self.held.lock().unwrap().push_back(held);
        let_go
    }

    pub(crate) fn calls(&self) -> usize {
        *self.calls.lock().unwrap()
    }
}

impl Outside for Agents {
    fn call<'a>(&'a self, _: &'a EffectId, _: &'a Due) -> BoxFuture<'a, Reached> {
        *self.calls.lock().unwrap() += 1;
        let held = self.held.lock().unwrap().pop_front();
        let mut answers = self.answers.lock().unwrap();
        let reached = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        Box::pin(async move {
            if let Some(held) = held {
                held.await.ok();
            }
            reached.unwrap_or(Reached::Silent("unreachable"))
        })
    }
}

fn says(status: &str) -> Reached {
    Reached::Answered { status: 200, body: json!({ "status": status }).to_string().into_bytes() }
}

fn busy() -> Reached {
    Reached::Answered { status: 503, body: Vec::new() }
}

/// An app with the agent.
pub(crate) async fn start(db: &TestDb, change: impl FnOnce(&mut Config)) -> (TestApp, Arc<Agents>, Folder) {
    let folder = Folder::new();
    write(folder.path(), (GRAPH, TEXTS));
    let mut config = config(db);
    config.graph.agents = vec![folder.path().to_owned()];
    config.graph.addresses = vec!["parcels_url=http://127.0.0.1:1".parse().unwrap()];
    change(&mut config);
    let agents = Arc::new(Agents::default());
    let doubles = Doubles {
        randomness: Some(Randomness::seeded(1)),
        outside: Some(Arc::clone(&agents) as _),
        classifier: Some(app::classifier(&config).unwrap()),
        ..Doubles::default()
    };
    let clock = Arc::new(MovableClock::fixed(at(0)));
    (TestApp::with_doubles(db, config, doubles, (&clock, &Arc::default())).await, agents, folder)
}

fn write(folder: &Path, (graph, texts): (&str, &str)) {
    std::fs::create_dir_all(folder).unwrap();
    let files = [
        ("graph.toml", graph),
        ("replies.en.toml", texts),
        ("replies.es.toml", texts),
        ("utterances.jsonl", SAID),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
}

/// Somebody asks, and is answered.
async fn asks(app: &TestApp) -> (Person, Value) {
    let mut anna = app.device().await;
    let told = app.turn(&anna, json!({ "prompt": ASKS, "messageId": "m" })).await;
    anna.conversation = told.data()["conversationId"].as_str().map(str::to_owned);
    (anna, told.data()["response"].clone())
}

/// Somebody asks, and is answered before the agent has.
async fn asks_without_waiting(app: &TestApp, agents: &Agents) -> Person {
    let patience = async {
        // The store is asked too, so that whatever waits for it goes on meanwhile.
        until(async || app.app().store().ping().await.is_ok() && agents.calls() == 1).await;
        app.advance(2);
    };
    let ((anna, told), ()) = tokio::join!(asks(app), patience);
    assert_eq!(message(&told), "Looking…");
    anna
}

pub(crate) fn message(response: &Value) -> &str {
    response["data"]["message"].as_str().unwrap()
}

pub(crate) async fn newest(app: &TestApp, person: &Person) -> Value {
    let id = person.conversation.as_deref().unwrap();
    let messages = app.get(&format!("/api/agent/conversations/{id}/messages"), person).await;
    messages.data()["items"][0]["response"].clone()
}

async fn becomes(app: &TestApp, status: &str) {
    until(async || app.texts("SELECT status FROM outbox").await == [status]).await;
}

/// Lets a quarter of an hour pass, by more leases than there are tries.
async fn a_while(app: &TestApp) {
    for _ in 0..18 {
        app.advance(50);
        // Each look at the outbox is over before the next.
        app.get("/ready", &Person::default()).await;
        tokio::task::yield_now().await;
    }
}

/// The agent has lost the text of a parcel that was sent: whoever says it meets a fault.
fn is_at_a_loss(app: &TestApp) {
    let graph = "[graph]\nname = \"parcels\"\nversion = 1\nentry = \"say_down\"\n\
                 [node.say_down]\nsay = \"parcels.down\"\naction = \"unavailable\"\n";
    let folder = Folder::new();
    write(folder.path(), (graph, "[parcels]\ndown = \"Down.\"\n"));
    let options = graph::Options { agents: vec![folder.path().to_owned()], ..graph::Options::default() };
    let (replies, _) = sources::load(&prompt::Options::default(), &options).unwrap();
    let engine = app.app().engine();
    engine.change(Talk { replies: Arc::new(replies), ..engine.talk() });
}

async fn a_fault_after_a_late_answer_is_told_as_a_failed_call(db: TestDb) {
    let (app, agents, _folder) = start(&db, |_| {}).await;
    agents.answer(says("x"));
    let let_go = agents.hold();
    let anna = asks_without_waiting(&app, &agents).await;
    is_at_a_loss(&app);
    let (log, guard) = Log::of(&app);
    let_go.send(()).unwrap();
    becomes(&app, "failed").await;
    drop(guard);
    assert_eq!(message(&newest(&app, &anna).await), "Down.");
    let errors = log.errors();
    assert!(
        errors.len() == 1 && errors[0].contains("err_") && errors[0].contains("parcels.look_up"),
        "{errors:?}"
    );
    a_while(&app).await;
    assert_eq!((agents.calls(), app.count("messages").await), (1, 3));
    app.finish().await;
}

async fn a_fault_that_cannot_be_told_ends_the_call(db: TestDb) {
    let (app, agents, _folder) = start(&db, |_| {}).await;
    agents.answer(says("x"));
    let let_go = agents.hold();
    let anna = asks_without_waiting(&app, &agents).await;
    app.texts("UPDATE conversations SET state = 'torn' RETURNING id").await;
    let_go.send(()).unwrap();
    becomes(&app, "failed").await;
    a_while(&app).await;
    assert_eq!((agents.calls(), app.count("messages").await), (1, 2));
    assert_eq!(message(&newest(&app, &anna).await), "Looking…");
    app.finish().await;
}

async fn a_fault_before_the_answer_was_given_leaves_it_standing(db: TestDb) {
    let (app, agents, _folder) = start(&db, |_| {}).await;
    agents.answer(says("x"));
    let let_go = agents.hold();
    let torn = async {
        until(async || app.app().store().ping().await.is_ok() && agents.calls() == 1).await;
        app.texts("UPDATE conversations SET state = 'torn' RETURNING id").await;
        let_go.send(()).unwrap();
    };
    let ((anna, told), ()) = tokio::join!(asks(&app), torn);
    assert_eq!((told["action"].as_str(), message(&told)), (Some("answered"), "Looking…"));
    becomes(&app, "failed").await;
    a_while(&app).await;
    assert_eq!((agents.calls(), app.count("messages").await), (1, 2));
    let again = app.turn(&anna, json!({ "prompt": ASKS, "messageId": "m" })).await;
    assert_eq!(again.data()["response"], told);
    app.finish().await;
}

async fn a_slow_agent_holds_up_no_code(db: TestDb) {
    let few = |config: &mut Config| (config.worker.at_once, config.worker.calls_at_once) = (1, 1);
    let (app, agents, _folder) = start(&db, few).await;
    agents.answer(says("x"));
    let let_go = agents.hold();
    let anna = asks_without_waiting(&app, &agents).await;
    let bea = app.device().await;
    assert_eq!(app.say(&bea, "log in with +14155552671").await.action(), "otp_sent");
    assert_eq!((app.sms.count(), agents.calls()), (1, 1));
    let_go.send(()).unwrap();
    until(async || message(&newest(&app, &anna).await) == "Sent.").await;
    app.finish().await;
}

async fn a_claim_holds_for_longer_than_the_longest_try(db: TestDb) {
    let (app, agents, _folder) = start(&db, |config| config.worker.lease_seconds = 3).await;
    agents.answer(says("x"));
    let let_go = agents.hold();
    let anna = asks_without_waiting(&app, &agents).await;
    for _ in 0..27 {
        app.advance(1);
        app.get("/ready", &anna).await;
    }
    assert_eq!(
        (app.texts("SELECT status FROM outbox").await, agents.calls()),
        (vec!["claimed".to_owned()], 1)
    );
    let_go.send(()).unwrap();
    until(async || message(&newest(&app, &anna).await) == "Sent.").await;
    assert_eq!(app.texts("SELECT status FROM outbox").await, ["sent"]);
    app.finish().await;
}

async fn what_is_left_is_not_called_any_more(db: TestDb) {
    let (app, agents, _folder) = start(&db, |_| {}).await;
    agents.answer(busy());
    for leaves in ["cancel", "start over", "log in with +14155552671", ASKS] {
        let mut anna = app.device().await;
        let told = app.say(&anna, ASKS).await;
        anna.conversation = told.data()["conversationId"].as_str().map(str::to_owned);
        assert_eq!(message(&told.data()["response"]), "Looking…");
        let before = agents.calls();
        let queued = app.texts("SELECT id FROM outbox WHERE status = 'queued'").await;
        app.say(&anna, leaves).await;
        let ended =
            format!("outbox WHERE id = '{}' AND status = 'failed' AND error = 'called_off'", queued[0]);
        assert_eq!((queued.len(), app.count(&ended).await), (1, 1), "{leaves}");
        // Whoever asks again, or begins again, has asked for a call of its own.
        let own = usize::from([ASKS, "start over"].contains(&leaves));
        assert_eq!(app.count("outbox WHERE kind = 'http' AND status = 'queued'").await, own, "{leaves}");
        app.say(&anna, "cancel").await;
        a_while(&app).await;
        assert_eq!(agents.calls(), before + own, "{leaves}");
    }
    app.finish().await;
}

async fn what_is_called_already_speaks_to_nobody_who_left(db: TestDb) {
    let (app, agents, _folder) = start(&db, |_| {}).await;
    agents.answer(says("x"));
    let let_go = agents.hold();
    let anna = asks_without_waiting(&app, &agents).await;
    assert_eq!(app.say(&anna, "cancel").await.action(), "cancelled");
    let_go.send(()).unwrap();
    becomes(&app, "sent").await;
    assert_eq!(newest(&app, &anna).await["action"], "cancelled");
    assert_eq!(app.count("messages").await, 4);
    app.finish().await;
}

/// Changes the one call that waits.
async fn change(app: &TestApp, sql: &'static str) {
    let write = Write { sql, args: Vec::new(), expect: Expect::Rows(1) };
    assert_eq!(app.app().store().apply(&Actor::System, vec![write]).await.unwrap(), Applied::Done);
}

async fn a_call_whose_workers_are_lost_is_not_made_for_ever(db: TestDb) {
    let (app, agents, _folder) = start(&db, |_| {}).await;
    agents.answer(busy());
    let (anna, _) = asks(&app).await;
    // Two retries, and two workers that may be lost with it.
    change(&app, "UPDATE outbox SET tries = 5 WHERE status = 'queued'").await;
    app.advance(5);
    becomes(&app, "failed").await;
    assert_eq!((agents.calls(), message(&newest(&app, &anna).await)), (1, "Down."));
    app.finish().await;
}

async fn a_call_that_is_worth_nothing_any_more_fails_unmade(db: TestDb) {
    let (app, agents, _folder) = start(&db, |_| {}).await;
    agents.answer(busy());
    let (anna, _) = asks(&app).await;
    app.advance(11 * 60);
    becomes(&app, "failed").await;
    assert_eq!((agents.calls(), message(&newest(&app, &anna).await)), (1, "Down."));
    app.finish().await;
}
