//! Two nodes on one database and one provider, with one of them killed while messages are on their way. Whatever moment it
//! dies at, the provider gets a message once at most, and what nobody can tell about says so.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use vestibule::model::Randomness;

use super::check::outbox_comes_to_rest;
use crate::support::db::{Folder, TestDb, on_both};
use crate::support::fake_twilio::{ACCOUNT, Came, FROM, FakeTwilio, Say, TOKEN};
use crate::support::rows::texts;
use crate::support::server::{Server, command, with_store};

on_both!(threads:
    between_commit_and_claim_another_worker_sends_it,
    between_sending_and_marking_nobody_sends_it_again,
    at_any_moment_a_message_leaves_once_at_most,
);

/// Nodes that are killed in the last test, one after the other.
const KILLS: u32 = 10;
/// People who ask for a code while one node lives.
const PEOPLE: u32 = 5;

const SETTINGS: &[(&str, &str)] = &[
    ("VESTIBULE__WORKER__FIRST_TRY_MS", "300"),
    ("VESTIBULE__WORKER__LEASE_SECONDS", "2"),
    ("VESTIBULE__WORKER__POLL_MS", "50"),
    ("VESTIBULE__SMS__TIMEOUT_MS", "1500"),
    ("VESTIBULE__HTTP__PUBLIC_URL", "https://id.example.com"),
    ("VESTIBULE__LIMITS__NETWORK_SENDS_PER_HOUR", "0"),
    ("VESTIBULE__LIMITS__NETWORK_SENDS_PER_DAY", "0"),
    ("VESTIBULE__LIMITS__NEW_DEVICES_PER_HOUR", "0"),
    ("VESTIBULE__LIMITS__PREFIX_SENDS_PER_HOUR", "0"),
    ("VESTIBULE__LIMITS__PREFIX_CONVERSION_PERCENT", "0"),
    ("TWILIO_ACCOUNT_SID", ACCOUNT),
    ("TWILIO_AUTH_TOKEN", TOKEN),
    ("TWILIO_FROM", FROM),
];

/// A node whose provider is at `provider`.
async fn node(folder: &Folder, db: &TestDb, provider: &str, more: &[(&str, &str)]) -> Server {
    std::fs::create_dir_all(folder.path()).unwrap();
    let own = [("VESTIBULE__SMS__BASE_URL", provider)];
    Server::start(folder.path(), db, &[SETTINGS, &own, more].concat()).await
}

/// Takes messages and says what became of none.
async fn forgetful(say: Say) -> FakeTwilio {
    FakeTwilio::start(move |_, came| if came.method == "GET" { Say::Error(500, 0) } else { say.clone() })
        .await
}

/// Asks for a code; the answer may never come.
async fn asks(url: &str, number: u32) -> Option<Value> {
    let http = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
    let device: Value =
        http.post(format!("{url}/api/devices")).json(&json!({})).send().await.ok()?.json().await.ok()?;
    let body = json!({ "prompt": format!("log in with +1415{}", 6_000_000 + number) });
    let request = http.post(format!("{url}/api/agent/run-sync")).json(&body);
    let token = device.pointer("/data/deviceToken")?.as_str()?;
    request.header("X-Device-Token", token).send().await.ok()?.json().await.ok()
}

/// Every effect: its id and its status.
async fn effects(db: &TestDb) -> BTreeMap<String, String> {
    let rows = texts(db, "SELECT id, status FROM outbox").await;
    rows.into_iter().map(|row| <[String; 2]>::try_from(row).unwrap().into()).collect()
}

async fn until(db: &TestDb, what: impl Fn(&BTreeMap<String, String>) -> bool) {
    for _ in 0..400 {
        if what(&effects(db).await) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not come about: {:?}", effects(db).await);
}

/// How often each effect's message was posted.
fn posted(provider: &FakeTwilio) -> BTreeMap<String, usize> {
    let mut posted = BTreeMap::new();
    for came in provider.requests().iter().filter(|came| came.method == "POST") {
        *posted.entry(effect_of(came)).or_default() += 1;
    }
    posted
}

fn effect_of(came: &Came) -> String {
    let callback = came.field("StatusCallback").unwrap();
    callback.split_once("?effect=").unwrap().1.to_owned()
}

fn count(effects: &BTreeMap<String, String>, status: &str) -> usize {
    effects.values().filter(|s| *s == status).count()
}

/// The first node's provider never reads, and takes one message at a time: so one message is claimed and not sent, and
/// another committed and not claimed, when the node dies.
async fn between_commit_and_claim_another_worker_sends_it(db: TestDb) {
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", deaf.local_addr().unwrap());
    let (one, two) = (Folder::new(), Folder::new());
    let first =
        node(&one, &db, &url, &[("VESTIBULE__WORKER__AT_ONCE", "1"), ("VESTIBULE__SMS__TIMEOUT_MS", "1900")])
            .await;
    let at = first.url.clone();
    let asking = [0, 1].map(|number| asks(&at, number));
    let ready = until(&db, |effects| count(effects, "claimed") == 1 && count(effects, "queued") == 1);
    let killed = async {
        ready.await;
        first.kill().await;
    };
    let (_, ()) = tokio::join!(futures::future::join_all(asking), killed);
    let before = effects(&db).await;
    // The key is in the folder of the one that is dead.
    std::fs::create_dir_all(two.path().join("data")).unwrap();
    std::fs::copy(one.path().join("data/vestibule.key"), two.path().join("data/vestibule.key")).unwrap();

    let provider = forgetful(Say::Created).await;
    let second = node(&two, &db, &provider.url, &[]).await;
    until(&db, |effects| count(effects, "sent") == 1 && count(effects, "uncertain") == 1).await;
    let after = effects(&db).await;
    let posted = posted(&provider);
    for (id, status) in &before {
        let expected = if status == "claimed" { ("uncertain", 0) } else { ("sent", 1) };
        assert_eq!((after[id].as_str(), posted.get(id).copied().unwrap_or(0)), expected, "{id} was {status}");
    }
    assert_eq!(second.interrupt().await, Some(0));
}

async fn between_sending_and_marking_nobody_sends_it_again(db: TestDb) {
    let folder = Folder::new();
    let silent = forgetful(Say::Hang).await;
    let first = node(&folder, &db, &silent.url, &[]).await;
    let at = first.url.clone();
    let asking = asks(&at, 0);
    let killed = async {
        while posted(&silent).is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        first.kill().await;
    };
    let (_, ()) = tokio::join!(asking, killed);
    assert_eq!(count(&effects(&db).await, "claimed"), 1);
    let provider = forgetful(Say::Created).await;
    let second = node(&folder, &db, &provider.url, &[]).await;
    until(&db, |effects| count(effects, "uncertain") == 1).await;
    let shown = {
        let mut list = command(folder.path(), &["outbox", "list", "--status", "uncertain"]);
        with_store(&mut list, &db.options);
        String::from_utf8(list.output().await.unwrap().stdout).unwrap()
    };
    let id = effects(&db).await.into_keys().next().unwrap();
    assert!(shown.contains(&id) && shown.contains("| uncertain | 1 |"), "{shown}");
    // The other node asks what became of it, and sends nothing.
    while provider.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!((posted(&provider).len(), posted(&silent)[&id]), (0, 1));
    assert_eq!(second.interrupt().await, Some(0));
}

async fn at_any_moment_a_message_leaves_once_at_most(db: TestDb) {
    let folder = Folder::new();
    // One message in four gets no answer, so that nodes die while they wait for one too.
    let provider = FakeTwilio::start(|before, came| match came.method.as_str() {
        "GET" => Say::Error(500, 0),
        _ if before % 4 == 3 => Say::Hang,
        _ => Say::Created,
    })
    .await;
    let mut rng = Randomness::seeded(5).stream("kill");
    let mut nodes =
        [node(&folder, &db, &provider.url, &[]).await, node(&folder, &db, &provider.url, &[]).await];
    for round in 0..KILLS {
        let dies = usize::try_from(round % 2).unwrap();
        let asking: Vec<_> = (0..PEOPLE)
            .map(|person| {
                let number = round * PEOPLE + person;
                let url = nodes[usize::try_from(number % 2).unwrap()].url.clone();
                async move { asks(&url, number).await }
            })
            .collect();
        // The moment of death is what is tried here, and only time tells moments apart.
        let moment = Duration::from_micros(rng.random_range(0..250_000));
        let killing = async {
            tokio::time::sleep(moment).await;
            nodes[dies].kill_now().await;
            node(&folder, &db, &provider.url, &[]).await
        };
        let (_, next) = tokio::join!(futures::future::join_all(asking), killing);
        nodes[dies] = next;
    }
    outbox_comes_to_rest(&db).await;
    let (effects, posted) = (effects(&db).await, posted(&provider));
    for (id, status) in &effects {
        let times = posted.get(id).copied().unwrap_or(0);
        let may = match status.as_str() {
            "sent" => times == 1,
            "uncertain" => times <= 1,
            _ => false,
        };
        assert!(may, "{id} is {status} and was posted {times} times");
    }
    assert!(posted.keys().all(|id| effects.contains_key(id)), "a message that nobody queued");
    let (sent, uncertain) = (count(&effects, "sent"), count(&effects, "uncertain"));
    assert!(sent > 0 && uncertain > 0, "{sent} sent, {uncertain} uncertain");
    eprintln!("{KILLS} kills, {sent} messages sent, {uncertain} uncertain");
    for node in nodes {
        assert_eq!(node.interrupt().await, Some(0));
    }
}
