//! What becomes of conversations that wait under a former version.

use super::{HANDLERS, REPLIES, catalog, graph, source};
use crate::graph::{Fate, GraphSet, Source, Stranded, load};
use crate::model::Assurance;

const ROOT: &str = "[node.route]\non = { cancel = \"stop\", go = \"resume\" }\n\
                    [node.resume]\nresume = true\non = { asked = \"stop\", done = \"stop\", idle = \"orders\" }\n\
                    [node.orders]\nagent = \"orders\"\non = { asked = \"stop\" }\n[node.stop]\n";
const ASK: &str = "ask = \"text\"\nreply = \"a.ask\"\naction = \"details_requested\"\ninto = \"said\"\n";

/// An agent `orders` of version 2; its nodes begin on line 5.
fn now(nodes: &str) -> String {
    graph("orders", "ask", nodes).replace("version = 1", "version = 2")
}

fn asks(name: &str, to: &str) -> String {
    format!("[node.{name}]\n{ASK}on = {{ answered = \"{to}\" }}\n")
}

fn try_set(nodes: &str, older: &[String]) -> Result<GraphSet, Vec<String>> {
    with_root(ROOT, nodes, older)
}

fn with_root(root: &str, nodes: &str, older: &[String]) -> Result<GraphSet, Vec<String>> {
    let root = graph("orchestrator", "route", root);
    let mut sources = vec![source("o.toml", &root), source("a.toml", &now(nodes))];
    for (nth, text) in older.iter().enumerate() {
        sources.push(Source::older(format!("v{}.toml", nth + 1), text));
    }
    load(&sources, &catalog(HANDLERS, REPLIES))
        .map_err(|e| e.to_string().lines().map(str::to_owned).collect())
}

fn wrong(nodes: &str, older: &[String]) -> Vec<String> {
    try_set(nodes, older).expect_err("the graphs are broken")
}

#[test]
fn each_rule_says_what_becomes_of_its_node() {
    let former = graph("orders", "ask", &(asks("ask", "kept") + &asks("kept", "stop") + "[node.stop]\n"));
    let nodes = asks("ask", "renamed")
        + &asks("renamed", "stop\", correct = \"ask")
        + "[node.stop]\n[stored]\nask = \"same\"\nold = \"renamed\"\ngone = \"restart\"\nkept = \"pinned\"\n";
    let set = try_set(&nodes, &[former]).unwrap();
    let at = |version, node| match set.fate(("orders", version, node), None) {
        Fate::GoesOn { graph, node, needs } => {
            assert_eq!(needs, Assurance::Anonymous);
            format!("v{} {}", graph.version, graph.node(node).unwrap().name)
        }
        Fate::Restarts { graph, .. } => format!("restart {}", graph.name),
        Fate::Stranded(why) => format!("{why:?}"),
    };
    for (version, node, becomes) in [
        (2, "ask", "v2 ask"),
        (2, "kept", "NoNode"),
        (2, "stop", "NoNode"),
        (1, "ask", "v2 ask"),
        (1, "old", "v2 renamed"),
        (1, "gone", "restart orders"),
        (1, "kept", "v1 kept"),
        // By itself nothing goes on, though a node of that name is there.
        (1, "renamed", "NoRule"),
        (3, "ask", "Later"),
    ] {
        assert_eq!(at(version, node), becomes, "{version} {node}");
    }
    assert_eq!(set.fate(("nobody", 1, "ask"), None), Fate::Stranded(Stranded::NoGraph));
    assert_eq!(set.fate(("orders", 2, "ask"), Some("inner")), Fate::Stranded(Stranded::NoNode));
    assert!(set.graph("orders").is_some_and(|graph| graph.version == 2));
}

#[test]
fn a_rule_names_what_is_there() {
    let base = asks("ask", "stop") + "[node.stop]\n";
    let told = |rules: &str, older: &[String]| wrong(&format!("{base}[stored]\n{rules}"), older);
    let mut found = told("gone = \"same\"\nold = \"nowhere\"\nend = \"stop\"\nkept = \"pinned\"\n", &[]);
    let what = "no node is called `gone`: a stored conversation goes on at a node of this graph, by its name or `same`, or it \
                is `restart` or `pinned`";
    assert_eq!(found.remove(0), format!("a.toml:13:8: {what}"));
    assert!(found.remove(0).starts_with("a.toml:14:7: no node is called `nowhere`"), "{found:?}");
    let ends = told("end = \"stop\"\nkept = \"pinned\"\n", &[]);
    assert_eq!(
        ends,
        [
            "a.toml:13:7: node `stop` waits for nothing, so no stored conversation can go on at it: name an ask, an http or an agent node",
            "a.toml:14:8: `kept` is pinned, and no version of `orders` is kept in which it waits: put the former file into the folder `versions` beside this one, such as `versions/graph.v1.toml`",
        ]
    );
    let words = format!(
        "{}[node.stop]\n[node.restart]\nhandler = \"stop\"\n[stored]\nask = \"restart\"\n",
        asks("ask", "stop")
    );
    let what =
        "a.toml:15:7: `restart` is a rule here, and a node is called `restart`: name the node otherwise";
    assert!(wrong(&words, &[]).iter().any(|line| line == what));
    let root = format!("{ROOT}[stored]\nstop = \"restart\"\n");
    assert_eq!(
        with_root(&root, &base, &[]).unwrap_err(),
        ["o.toml:15:1: the root graph has no [stored]: no conversation waits in it"]
    );
}

#[test]
fn a_kept_version_is_a_former_one_and_says_the_same() {
    let nodes = asks("ask", "stop") + "[node.stop]\n";
    let former = |version: u32, name: &str, nodes: &str| {
        graph(name, "ask", nodes).replace("version = 1", &format!("version = {version}"))
    };
    assert_eq!(
        wrong(
            &nodes,
            &[
                former(2, "orders", &nodes),
                former(1, "others", &nodes),
                former(1, "orders", &nodes),
                former(1, "orders", &nodes)
            ]
        ),
        [
            "v1.toml:2:8: version 2 of `orders` is no former one: its graph is of version 2",
            "v2.toml:2:8: a version of `others` is kept, and there is no graph of that name",
            "v4.toml:2:8: version 1 of `orders` is kept already",
        ]
    );
    let confirm = "[node.ask]\nask = \"confirm\"\nreply = \"a.ask\"\naction = \"details_requested\"\n\
                   on = { yes = \"stop\", no = \"stop\" }\n[node.stop]\n";
    assert_eq!(
        wrong(&format!("{nodes}[stored]\nask = \"same\"\n"), &[former(1, "orders", confirm)]),
        [
            "a.toml:13:7: `ask` waits for `confirm` in version 1, and `ask` for `text`: what is said next would be an answer to another question"
        ]
    );
}

#[test]
fn whoever_is_pinned_comes_to_an_end() {
    let former = asks("ask", "next") + &asks("next", "stop") + "[node.stop]\n";
    let nodes = asks("ask", "stop") + "[node.stop]\n";
    let told =
        |rules: &str| try_set(&format!("{nodes}[stored]\n{rules}"), &[graph("orders", "ask", &former)]);
    assert_eq!(
        told("ask = \"pinned\"\n").unwrap_err(),
        [
            "a.toml:13:7: whoever is pinned here comes to `next` of version 1, and [stored] does not say what becomes of that"
        ]
    );
    told("ask = \"pinned\"\nnext = \"restart\"\n").unwrap();
}

/// Whoever was paused in front of nothing that needs a level does not come to one by the next version.
#[test]
fn the_gate_holds_for_stored_conversations() {
    let needs = |set: &GraphSet, node| match set.fate(("orders", 1, node), None) {
        Fate::GoesOn { needs, .. } | Fate::Restarts { needs, .. } => needs,
        Fate::Stranded(why) => panic!("{why:?}"),
    };
    // A new conversation comes to `behind` only signed in, so the graph is right; an old one may not be.
    let nodes = |to: &str| {
        "[node.ask]\nhandler = \"login\"\non = { in = \"behind\", out = \"stop\" }\n".to_owned()
            + &asks("behind", to)
            + "[node.vault]\n[node.stop]\n[stored]\nold = \"behind\"\nagain = \"restart\"\n"
    };
    // It may end at once.
    let ends = ROOT.replace("{ asked = \"stop\" }", "{ asked = \"stop\", done = \"stop\" }");
    let set = with_root(&ends, &nodes("vault"), &[]).unwrap();
    assert_eq!(needs(&set, "old"), Assurance::SignedIn);
    assert_eq!(needs(&set, "again"), Assurance::Anonymous);
    let in_front = "[node.ask]\nhandler = \"session\"\non = { live = \"vault\", none = \"behind\" }\n"
        .to_owned()
        + &asks("behind", "stop")
        + "[node.vault]\n[node.stop]\n[stored]\nold = \"behind\"\n";
    assert_eq!(needs(&with_root(&ends, &in_front, &[]).unwrap(), "old"), Assurance::Anonymous);

    let safe = "[node.ask]\nhandler = \"prove\"\non = { up = \"behind\", not = \"stop\" }\n".to_owned()
        + &asks("behind", "safe")
        + "[node.safe]\n[node.stop]\n[stored]\nold = \"behind\"\n";
    assert_eq!(
        with_root(&ends, &safe, &[]).unwrap_err(),
        [
            "a.toml:17:7: a stored conversation would go on here: orders.behind —answered→ orders.safe needs stepped_up, and nothing on this path grants it"
        ]
    );
}
