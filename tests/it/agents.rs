//! Agents that folders add: loaded with what is compiled in, and every mistake told at its place.

use std::path::{Path, PathBuf};

use vestibule::app::sources;
use vestibule::engine::Due;
use vestibule::fetch::{self, Fetch};
use vestibule::model::{EffectId, Randomness};
use vestibule::worker::{Outside, OverHttp, Reached};
use vestibule::{graph, prompt};

use crate::support::db::Folder;
use crate::support::site::{Act, Site};

const GRAPH: &str = "[graph]\nname = \"orders\"\nversion = 1\nentry = \"say\"\n\
                     [node.say]\nsay = \"orders.status\"\naction = \"answered\"\n";
const SAID: &str = "{\"text\": \"where is my order?\", \"lang\": \"en\"}\n";

/// An agent's folder with these files.
fn folder(files: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// What is wrong with it, each line without the folder's name.
fn wrong(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let shown = format!("{}/", folder.path().display());
    load(&[folder.path().to_owned()]).unwrap_err().lines().map(|line| line.replace(&shown, "")).collect()
}

fn load(agents: &[PathBuf]) -> Result<graph::GraphSet, String> {
    let options = graph::Options { agents: agents.to_vec(), ..graph::Options::default() };
    sources::load(&prompt::Options::default(), &options).map(|(_, set)| set).map_err(|e| e.to_string())
}

#[test]
fn a_folder_adds_an_agent_to_those_that_are_compiled_in() {
    let texts = "[orders]\nstatus = \"All is well.\"\n";
    let folder = folder(&[
        ("graph.toml", GRAPH),
        ("replies.en.toml", texts),
        ("replies.es.toml", texts),
        ("utterances.jsonl", SAID),
        ("README.md", "Not read."),
    ]);
    let set = load(&[folder.path().to_owned()]).unwrap();
    assert!(set.routed("orders").is_some() && set.graph("authenticator").is_some());
    assert!(load(&[]).unwrap().routed("orders").is_none());
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let found = wrong(&[
        ("graph.toml", &GRAPH.replace("answered", "answers")),
        (
            "replies.en.toml",
            "[orders]\nstatus = \"{{ number }}\"\nother = \"x\"\n[general]\nhelp = \"x\"\n[order]\nx = \"x\"\n",
        ),
        ("replies.de.toml", "[orders]\nstatus = \"Gut.\"\n"),
        ("utterances.jsonl", "where is my order?\n"),
    ]);
    for expected in [
        "graph.toml:7:10: unknown action `answers`",
        "replies.en.toml:2:1: reply `orders.status`: it has no value `number`",
        "replies.en.toml:3:1: reply `orders.other`: is used nowhere",
        "replies.en.toml:5:1: reply `general.help`: the section [general] is the product's own; name the graph otherwise",
        "replies.en.toml:7:1: reply `order.x`: its section is to be named as its graph: [orders]",
        "replies.de.toml:1:1: nothing else is said in `de`; the languages are: en, es",
        "utterances.jsonl:1:1: no utterance such as",
    ] {
        assert!(found.iter().any(|line| line.starts_with(expected)), "{expected}\n--\n{found:#?}");
    }
}

#[test]
fn a_text_that_a_language_lacks_is_missed_where_it_is_said() {
    let found = wrong(&[
        ("graph.toml", GRAPH),
        ("replies.en.toml", "[orders]\nstatus = \"All is well.\"\n"),
        ("utterances.jsonl", SAID),
    ]);
    assert_eq!(found, ["graph.toml:6:7: reply `orders.status` is missing in: es"]);
}

#[test]
fn a_folder_without_a_graph_is_refused() {
    let nothing = load(&[Path::new("fixtures/nowhere").to_owned()]).unwrap_err();
    assert!(nothing.starts_with("graph.agents: fixtures/nowhere: cannot read"), "{nothing}");
    let texts = wrong(&[("replies.en.toml", "")]);
    assert!(texts.iter().any(|line| line.contains("there is no graph, such as graph.toml")), "{texts:?}");
    let two = wrong(&[("a.toml", GRAPH), ("b.toml", GRAPH), ("utterances.jsonl", SAID)]);
    assert!(two.iter().any(|line| line.contains("utterances.jsonl belongs to graph.toml")), "{two:?}");
}

/// The blocks of the page that tells how an agent is made, in their order.
fn blocks(kind: &str) -> Vec<String> {
    let page = include_str!("../../README.md");
    let section = page.split("## An agent without Rust").nth(1).unwrap().split("\n## ").next().unwrap();
    let begin = format!("```{kind}\n");
    section
        .split(&begin)
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap().replace("\n   ", "\n"))
        .collect()
}

#[test]
fn the_agent_of_the_readme_loads() {
    let (toml, said) = (blocks("toml"), blocks("json"));
    let [graph, en, es] = toml.as_slice() else { panic!("{toml:?}") };
    let folder = folder(&[
        ("graph.toml", graph),
        ("replies.en.toml", en),
        ("replies.es.toml", es),
        ("utterances.jsonl", &said[0]),
    ]);
    let mut options = graph::Options { agents: vec![folder.path().to_owned()], ..graph::Options::default() };
    let load = |options: &graph::Options| {
        sources::load(&prompt::Options::default(), options).map(|_| ()).map_err(|e| e.to_string())
    };
    let unset = load(&options).unwrap_err();
    assert!(unset.contains("the address `orders_url` is not configured"), "{unset}");
    options.addresses.push("orders_url=http://127.0.0.1:8099".parse().unwrap());
    assert_eq!(load(&options), Ok(()));
}

fn settings(texts: &[&str]) -> Vec<graph::Setting> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn due(path: &str) -> Due {
    Due {
        method: "GET".to_owned(),
        base: "orders_url".to_owned(),
        path: path.to_owned(),
        body: None,
        headers: vec![("X-Api-Key".to_owned(), "orders_key".to_owned())],
        timeout_ms: 1_000,
        retries: 0,
        into: Vec::new(),
    }
}

fn effect() -> EffectId {
    EffectId::new(jiff::Timestamp::UNIX_EPOCH, &mut Randomness::seeded(1).stream("effect"))
}

/// The door, to an address.
fn door(address: &str) -> Result<OverHttp, fetch::Error> {
    let options = graph::Options {
        addresses: settings(&[&format!("orders_url={address}")]),
        secrets: settings(&["orders_key=k3y", "other_key=other"]),
        ..graph::Options::default()
    };
    OverHttp::new(&Fetch::new(&fetch::Options::default()).unwrap(), &options)
}

#[tokio::test]
async fn a_call_leaves_with_what_its_node_names_and_nothing_else() {
    let site = Site::start(|_, _| Act::ok("{\"status\": \"shipped\"}")).await;
    let door = door(&site.url("/v1")).unwrap();
    let reached = door.call(&effect(), &due("/orders/a%2Fb?full=1")).await;
    assert_eq!(reached, Reached::Answered { status: 200, body: b"{\"status\": \"shipped\"}".to_vec() });
    assert_eq!(format!("{reached:?}"), "Answered(200)");
    let told = Due {
        method: "POST".to_owned(),
        body: Some("{\"n\":\"1\"}".to_owned()),
        headers: Vec::new(),
        ..due("/x")
    };
    door.call(&effect(), &told).await;
    let requests = site.requests();
    let [get, post] = requests.as_slice() else { panic!("{requests:?}") };
    assert!(get.starts_with("GET /v1/orders/a%2Fb?full=1 HTTP/1.1\r\n"), "{get}");
    assert!(
        get.contains("x-api-key: k3y") && !get.contains("other") && !get.contains("idempotency-key"),
        "{get}"
    );
    assert!(post.starts_with("POST /v1/x HTTP/1.1\r\n") && post.ends_with("\r\n\r\n{\"n\":\"1\"}"), "{post}");
    assert!(post.contains(&format!("idempotency-key: {}", effect())) && !post.contains("k3y"), "{post}");
}

#[tokio::test]
async fn a_call_stays_where_it_may_go_and_within_its_bounds() {
    let site = Site::start(|nth, _| match nth {
        0 => Act::redirect(302, "http://127.0.0.1:1/elsewhere"),
        1 => Act::ok(&"x".repeat(64 * 1024 + 1)),
        _ => Act::SayAndHang("HTTP/1.1 200 OK\r\n".to_owned()),
    })
    .await;
    let here = door(&site.url("/v1")).unwrap();
    let short = Due { timeout_ms: 50, ..due("/x") };
    assert_eq!(here.call(&effect(), &due("/x")).await, Reached::Answered { status: 302, body: Vec::new() });
    assert_eq!(here.call(&effect(), &due("/x")).await, Reached::Never("too_large"));
    assert_eq!(here.call(&effect(), &short).await, Reached::Silent("late"));
    assert_eq!(here.call(&effect(), &due("/../v2/x")).await, Reached::Never("not_configured"));
    let unknown = Due { headers: vec![("X-Api-Key".to_owned(), "unset".to_owned())], ..due("/x") };
    assert_eq!(here.call(&effect(), &unknown).await, Reached::Never("not_configured"));
    assert_eq!(site.requests().len(), 3);
    let nobody = door("http://127.0.0.1:1").unwrap();
    assert_eq!(nobody.call(&effect(), &due("/x")).await, Reached::Silent("unreachable"));
    // Plain HTTP leads to this machine only, unless `fetch.allow` says otherwise.
    assert!(door("http://orders.example.com").is_err());
}
