//! The house's rules, held. Each rule is a function over texts that gives what breaks it, and has a test that shows it
//! something broken.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use vestibule::app::sources;

use vestibule::graph::{self, Graph, draw};
use vestibule::nlu;
use vestibule::prompt::{self, REPLIES};

use crate::support::db::variable;

/// Which module stands on which floor.
const FLOORS: &[(u8, &[&str])] = &[
    (0, &["model", "trace", "fetch"]),
    (
        1,
        &[
            "crypto", "store", "graph", "prompt", "llm", "nlu", "sms", "mail", "handoff", "bus", "limit",
            "mask", "clock",
        ],
    ),
    (2, &["classify", "dev_outbox"]),
    (3, &["tool"]),
    (4, &["agent"]),
    (5, &["engine"]),
    (6, &["http", "worker", "telemetry"]),
    (7, &["config"]),
    (8, &["app"]),
    (9, &["scenario", "eval"]),
    (10, &["cli"]),
];
/// Most lines of a file.
const MOST_LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below a folder of the repository, by their names from there, with their texts.
pub(crate) fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let named = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
    let wanted = found.iter().filter(|path| path.to_str().unwrap().ends_with(ending));
    wanted.map(|path| (named(path), std::fs::read_to_string(path).unwrap())).collect()
}

fn floor(module: &str) -> Option<u8> {
    FLOORS.iter().find(|(_, modules)| modules.contains(&module)).map(|(floor, _)| *floor)
}

/// The text without its comments and unit tests.
pub(crate) fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

/// The modules of the crate that a text names: `crate::a`, `crate::{a, b::c}`.
fn imports(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let name =
            |text: &str| text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
        let Some(group) = rest.strip_prefix('{') else {
            found.insert(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut word = String::new();
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.insert(name(word.trim()));
                    word.clear();
                }
                _ => word.push(c),
            }
        }
        found.insert(name(word.trim()));
    }
    // `crate::Type` gives an empty name: the top has no items of its own but modules.
    found.retain(|name| !name.is_empty());
    found
}

/// Imports that do not go down.
fn sideways(sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut broken = Vec::new();
    for (file, text) in sources {
        let module = file.trim_start_matches("src/").split(['/', '.']).next().unwrap();
        if matches!(module, "lib" | "main") {
            continue;
        }
        let Some(own) = floor(module) else {
            broken.push(format!("{file}: `{module}` stands on no floor"));
            continue;
        };
        for other in imports(&code(text)) {
            if other != module && floor(&other).is_none_or(|other| other >= own) {
                broken.push(format!("{file}: floor {own} imports `{other}`"));
            }
        }
        // `super` from a module's own top is the crate's, where all other modules are.
        let depth = file.trim_end_matches("/mod.rs").matches('/').count();
        if code(text).contains(&"super::".repeat(depth)) {
            broken.push(format!("{file}: `super` leads out of `{module}`"));
        }
    }
    broken
}

#[test]
fn imports_go_down() {
    assert_eq!(sideways(&files("src", ".rs")), Vec::<String>::new());
    let broken =
        |file: &str, text: &str| sideways(&BTreeMap::from([(file.to_owned(), text.to_owned())])).len();
    assert_eq!(broken("src/sms/mod.rs", "use crate::model::{Phone, Secret};\nuse crate::sms::Verdict;"), 0);
    assert_eq!(broken("src/sms/mod.rs", "use crate::store::Store;"), 1);
    assert_eq!(broken("src/tool/otp/mod.rs", "use crate::{agent::Turn, limit, model::{a, engine}};"), 1);
    assert_eq!(broken("src/engine/run.rs", "let x = crate::http::router();"), 1);
    assert_eq!(broken("src/shiny/mod.rs", ""), 1);
    assert_eq!(broken("src/sms/mod.rs", "use super::engine::Engine;"), 1);
    assert_eq!(broken("src/sms/twilio.rs", "use super::Sms;\nuse super::super::engine::Engine;"), 1);
    let folders: BTreeSet<String> = files("src", ".rs")
        .keys()
        .filter_map(|f| f.split('/').nth(1))
        .filter(|m| m.strip_suffix(".rs").is_none())
        .map(str::to_owned)
        .collect();
    let table: BTreeSet<String> = FLOORS.iter().flat_map(|(_, m)| *m).map(|m| (*m).to_owned()).collect();
    assert_eq!(folders, table);
}

fn too_long(sources: &BTreeMap<String, String>) -> Vec<String> {
    let long = sources.iter().filter(|(_, text)| text.lines().count() > MOST_LINES);
    long.map(|(file, text)| format!("{file}: {} lines", text.lines().count())).collect()
}

#[test]
fn files_are_short() {
    for folder in ["src", "tests", "benches"] {
        assert_eq!(too_long(&files(folder, ".rs")), Vec::<String>::new());
    }
    assert_eq!(too_long(&BTreeMap::from([("a.rs".to_owned(), "x\n".repeat(MOST_LINES + 1))])).len(), 1);
}

/// What is wrong with a module's front page.
fn front_page(text: &str) -> Option<&'static str> {
    let page: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
    let last = page.split(|line| *line == "//!").next_back().unwrap_or_default();
    match (page.is_empty(), last.iter().any(|line| line.contains("Adding a") || line.contains("Adding to ")))
    {
        (true, _) => Some("has no front page"),
        (_, false) => Some("has a front page that does not end in what adding means"),
        _ => None,
    }
}

#[test]
fn modules_have_a_front_page() {
    let modules = files("src", "/mod.rs").into_iter().filter(|(file, _)| file.matches('/').count() == 2);
    let broken: Vec<_> = modules.filter_map(|(file, text)| Some((file, front_page(&text)?))).collect();
    assert_eq!(broken, Vec::new());
    assert!(front_page("mod x;").is_some());
    assert!(front_page("//! A thing.\n//!\n//! It knows nothing.\nmod x;").is_some());
    assert!(front_page("//! Adding a thing: here.\n//!\n//! More.\nmod x;").is_some());
    assert!(front_page("//! A thing.\n//!\n//! Adding a thing: here.\nmod x;").is_none());
}

/// SQL that only one database takes, or that brings a clock in by the back door.
fn unportable(code: &str) -> Vec<&'static str> {
    const BANNED: &[&str] = &[
        "CURRENT_TIMESTAMP",
        "NOW()",
        "FOR UPDATE",
        "= ANY",
        "SELECT *",
        "ILIKE",
        "SUM(",
        "INSERT OR ",
        "DATETIME(",
    ];
    // A clock's own method is no SQL.
    let upper = code.to_uppercase().replace(".NOW()", "");
    BANNED.iter().copied().filter(|word| upper.contains(word)).collect()
}

#[test]
fn no_sql_of_one_database_outside_the_drivers() {
    // What is in the statements' tables is looked at in `store/schema.rs`; this sees texts that are in none.
    for (file, text) in files("src", ".rs") {
        let code = code(&text);
        if file.starts_with("src/store/") && !file.starts_with("src/store/db/") {
            assert_eq!(unportable(&code), Vec::<&str>::new(), "{file}");
        }
        assert!(file.starts_with("src/store/") || !code.contains("sqlx"), "{file} speaks SQL past the store");
    }
    assert_eq!(unportable("select * from x where at < now()"), ["NOW()", "SELECT *"]);
}

/// Files that call out past `fetch`.
fn past_fetch(sources: &BTreeMap<String, String>) -> Vec<&str> {
    let elsewhere = sources.iter().filter(|(file, _)| !file.starts_with("src/fetch/"));
    elsewhere.filter(|(_, text)| code(text).contains("reqwest")).map(|(file, _)| file.as_str()).collect()
}

// SEC-54
#[test]
fn there_is_one_way_out_over_http() {
    assert_eq!(past_fetch(&files("src", ".rs")), Vec::<&str>::new());
    // A library that brings a client of its own would be another.
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let own =
        |line: &&str| !line.starts_with('#') && !line.starts_with("reqwest = ") && line.contains("reqwest");
    assert_eq!(manifest.lines().filter(own).collect::<Vec<_>>(), Vec::<&str>::new());
    let broken =
        |file: &str, text: &str| past_fetch(&BTreeMap::from([(file.to_owned(), text.to_owned())])).len();
    assert_eq!(broken("src/sms/twilio.rs", "let client = reqwest::Client::new();"), 1);
    assert_eq!(broken("src/sms/twilio.rs", "use reqwest::Client;"), 1);
    assert_eq!(broken("src/sms/twilio.rs", "// Past `reqwest`.\nuse crate::fetch::Fetch;"), 0);
    assert_eq!(broken("src/fetch/way.rs", "use reqwest::Client;"), 0);
}

/// Every reply that a graph can say.
fn said_by_graphs() -> BTreeSet<String> {
    let (_, graphs) = sources::load(&prompt::Options::default(), &graph::Options::default()).unwrap();
    let mut said = BTreeSet::new();
    for (_, node) in graphs.graphs().flat_map(Graph::nodes) {
        let on_edges = node.edges().iter().filter_map(|edge| Some(edge.say.as_ref()?.reply.as_str()));
        said.extend(node.kind.replies().into_iter().chain(on_edges).map(str::to_owned));
    }
    said
}

/// Replies with the words by which people come to agents; an agent may have one.
fn suggested() -> BTreeSet<String> {
    let (_, graphs) = sources::load(&prompt::Options::default(), &graph::Options::default()).unwrap();
    graphs.agents().map(|graph| prompt::suggestion(&graph.name)).collect()
}

/// Replies named in code, as `"auth.x"`. Keys of the configuration look the same, there and in what senders say of them.
fn named_in_code(sources: &BTreeMap<String, String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let says_none = |file: &str| {
        let folders = ["src/prompt/", "src/config/", "src/sms/"];
        folders.iter().any(|folder| file.starts_with(folder)) || file.contains("/tests")
    };
    for (file, text) in sources.iter().filter(|(file, _)| !says_none(file)) {
        let code = code(text);
        for prefix in [
            "\"auth.",
            "\"desk.",
            "\"email.",
            "\"general.",
            "\"identity.",
            "\"lost.",
            "\"migration.",
            "\"sessions.",
            "\"suggest.",
            "\"sms.",
        ] {
            for (at, _) in code.match_indices(prefix) {
                let end = code[at + 1..].find('"').unwrap_or_else(|| panic!("{file}: a text without an end"));
                found.insert(code[at + 1..at + 1 + end].to_owned());
            }
        }
    }
    found
}

#[test]
fn every_reply_is_said_and_every_reply_said_exists() {
    let known: BTreeSet<String> = REPLIES.iter().map(|(key, _)| (*key).to_owned()).collect();
    let mut said = said_by_graphs();
    said.extend(named_in_code(&files("src", ".rs")));
    said.extend(suggested().into_iter().filter(|key| known.contains(key)));
    assert_eq!(known.difference(&said).collect::<Vec<_>>(), Vec::<&String>::new(), "never said");
    assert_eq!(said.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "do not exist");
    let line = "replies.say(language, \"sms.other\", &values)".to_owned();
    assert!(named_in_code(&BTreeMap::from([("src/a.rs".to_owned(), line)])).contains("sms.other"));
}

/// Files of a folder that no source names.
fn orphans(names: &[&str], sources: &BTreeMap<String, String>) -> Vec<String> {
    let is_named = |name: &str| sources.values().any(|text| text.contains(name));
    names.iter().filter(|name| !is_named(name)).map(|name| (*name).to_owned()).collect()
}

#[test]
fn nothing_lies_about_unused() {
    let sources = files("src", ".rs");
    for (folder, ending) in [("graphs", ".toml"), ("prompts", ".toml"), ("prompts", ".html")] {
        let all = files(folder, ending);
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        assert_eq!(orphans(&names, &sources), Vec::<String>::new());
    }
    let labels: BTreeSet<String> = nlu::utterances().unwrap().into_iter().map(|row| row.label).collect();
    let known: BTreeSet<String> = labels.iter().map(|l| format!("fixtures/utterances/{l}.jsonl")).collect();
    assert_eq!(files("fixtures/utterances", "").into_keys().collect::<BTreeSet<_>>(), known);
    // Further fixtures are played by whoever names their folder.
    let mut all = sources;
    all.extend(files("tests", ".rs"));
    for entry in std::fs::read_dir(root().join("fixtures")).unwrap() {
        let name = format!("fixtures/{}", entry.unwrap().file_name().to_str().unwrap());
        assert_eq!(orphans(&[name.as_str()], &all), Vec::<String>::new());
    }
    assert_eq!(orphans(&["graphs/unheard-of.toml"], &files("src", ".rs")).len(), 1);
}

#[test]
fn drawings_are_up_to_date() {
    let (replies, graphs) = sources::load(&prompt::Options::default(), &graph::Options::default()).unwrap();
    let catalog = sources::catalog(&replies, &graph::Options::default());
    let mut kept: BTreeMap<String, String> = files("graphs", ".mmd");
    kept.extend(files("graphs", ".dot"));
    let mut drawn = BTreeMap::new();
    for graph in graphs.graphs() {
        drawn.insert(format!("graphs/{}.mmd", graph.name), draw::mermaid(graph, &catalog));
        drawn.insert(format!("graphs/{}.dot", graph.name), draw::dot(graph, &catalog));
    }
    if variable("UPDATE_DRAWINGS").is_some() {
        for (file, text) in &drawn {
            std::fs::write(root().join(file), text).unwrap();
        }
        return;
    }
    for (file, text) in &drawn {
        let same = kept.remove(file).as_ref() == Some(text);
        assert!(same, "{file} is old: run `UPDATE_DRAWINGS=1 cargo test --test it drawings`");
    }
    assert!(kept.is_empty(), "drawings of no graph: {:?}", kept.keys());
}

#[test]
fn the_changelog_tells_of_this_version() {
    let text = std::fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let version = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    let unreleased = text.split("## [Unreleased]").nth(1).and_then(|rest| rest.split("\n## [").next());
    let tells = unreleased.is_some_and(|section| section.lines().any(|line| line.starts_with("- ")));
    assert!(tells || text.contains(&version), "CHANGELOG.md tells nothing of {version}");
}
