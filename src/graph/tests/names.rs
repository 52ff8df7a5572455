//! Names that refer to something.

use super::{HANDLERS, broken, catalog, graph, problems, sound, sources};
use crate::graph::load;
use crate::model::Action;

#[test]
fn an_unknown_handler() {
    assert_eq!(broken("nap", "[node.nap]\n"), ["o.toml:5:7: unknown handler `nap`"]);
    let lines = "[node.nap]\nhandler = \"doze\"\n";
    assert_eq!(broken("nap", lines), ["o.toml:6:11: unknown handler `doze`"]);
}

#[test]
fn a_handler_may_go_by_another_name() {
    sound("nap", "[node.nap]\nhandler = \"stop\"\n");
}

#[test]
fn an_unknown_entry() {
    assert_eq!(broken("start", "[node.stop]\n"), ["o.toml:4:9: unknown node `start`"]);
}

/// An action that is none, at that place: what there is instead is told with it.
fn no_action(place: &str, name: &str) -> String {
    let known: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
    format!("o.toml:{place}: unknown action `{name}`; there are: {}", known.join(", "))
}

#[test]
fn an_unknown_slot_action_and_reply() {
    let lines = "[node.route]\non = { cancel = \"bye\", go = \"ask\" }\n\
                 [node.ask]\nask = \"shoe_size\"\nreply = \"a.ask\"\naction = \"shout\"\non = { answered = \"bye\" }\n\
                 [node.bye]\nsay = \"a.hello\"\naction = \"answered\"\n";
    assert_eq!(
        broken("route", lines),
        [
            "o.toml:8:7: unknown slot `shoe_size`".to_owned(),
            no_action("10:10", "shout"),
            "o.toml:13:7: reply `a.hello` is missing in: de, en".to_owned(),
        ]
    );
}

#[test]
fn a_reply_that_one_language_lacks() {
    let mut catalog = catalog(HANDLERS, &["a.bye"]);
    catalog.replies.get_mut("de").unwrap().clear();
    let text = graph("orchestrator", "bye", "[node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n");
    let found = load(&sources(&[("o.toml", &text)]), &catalog).unwrap_err();
    assert_eq!(found.to_string(), "o.toml:6:7: reply `a.bye` is missing in: de");
}

#[test]
fn an_unknown_agent() {
    let lines = "[node.a]\nagent = \"nobody\"\non = { asked = \"stop\", done = \"stop\" }\n[node.stop]\n";
    assert_eq!(broken("a", lines), ["o.toml:6:9: unknown agent graph `nobody`"]);
}

#[test]
fn an_unknown_target() {
    let lines = "[node.fork]\non = { left = \"stop\", right = { to = \"moon\" } }\n[node.stop]\n";
    assert_eq!(broken("fork", lines), ["o.toml:6:38: unknown node `moon`"]);
}

#[test]
fn an_outcome_nobody_declared() {
    let lines = "[node.step]\non = { next = \"stop\", back = \"stop\" }\n[node.stop]\non.more = \"stop\"\n";
    assert_eq!(
        broken("step", lines),
        [
            "o.toml:6:23: unknown outcome `back`; the node has: next",
            "o.toml:8:4: unknown outcome `more`; the node has: none",
        ]
    );
}

#[test]
fn an_outcome_without_an_edge() {
    assert_eq!(
        broken("fork", "[node.fork]\non.left = \"stop\"\n[node.stop]\n"),
        ["o.toml:5:7: node `fork` has no edge for its outcome `right`"]
    );
    assert_eq!(
        broken("step", "[node.step]\n"),
        ["o.toml:5:7: node `step` has no edge for its outcome `next`"]
    );
}

#[test]
fn the_outcomes_of_asks_agents_and_resume() {
    let lines = "[node.a]\nask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\n\
                 [node.b]\nagent = \"sub\"\non = { idle = \"stop\" }\n\
                 [node.c]\nresume = true\non = { done = \"stop\" }\n[node.stop]\n";
    let root = graph("orchestrator", "stop", lines);
    let sub = graph("sub", "stop", "[node.stop]\n");
    assert_eq!(
        problems(&[("o.toml", &root), ("s.toml", &sub)]),
        [
            "o.toml:5:7: node `a` has no edge for its outcome `answered`",
            "o.toml:9:7: node `b` has no edge for its outcome `done`",
            "o.toml:11:8: unknown outcome `idle`; the node has: asked, done",
            "o.toml:12:7: node `c` has no edge for its outcome `asked`",
            "o.toml:12:7: node `c` has no edge for its outcome `idle`",
        ]
    );
}

#[test]
fn an_override_for_a_node_that_says_nothing() {
    let lines =
        "[node.step]\non.next = { to = \"stop\", reply = \"a.bye\", action = \"help\" }\n[node.stop]\n";
    assert_eq!(
        broken("step", lines),
        ["o.toml:6:34: node `stop` says nothing, so there is nothing to override"]
    );
}

#[test]
fn an_override_is_looked_up() {
    let lines = "[node.step]\non.next = { to = \"bye\", reply = \"a.x\", action = \"y\" }\n\
                 [node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n";
    assert_eq!(
        broken("step", lines),
        ["o.toml:6:33: reply `a.x` is missing in: de, en".to_owned(), no_action("6:49", "y")]
    );
}

#[test]
fn a_graph_defined_twice() {
    let text = graph("orchestrator", "stop", "[node.stop]\n");
    assert_eq!(
        problems(&[("a.toml", &text), ("b.toml", &text)]),
        ["b.toml:2:8: graph `orchestrator` is defined in a.toml already"]
    );
}

#[test]
fn no_root() {
    let text = graph("other", "stop", "[node.stop]\n");
    assert_eq!(problems(&[("a.toml", &text)]), ["a.toml:1:1: no file holds the root graph `orchestrator`"]);
}

#[test]
fn everything_at_once_in_the_order_of_files_and_places() {
    let root = graph(
        "orchestrator",
        "fork",
        "[node.fork]\non = { left = \"sun\", right = \"moon\" }\n[node.nap]\n[node.a]\nhandler = \"step\"\non.next = \"a\"\n",
    );
    let sub = graph("sub", "login", "[node.login]\nhandlers = \"x\"\n");
    assert_eq!(
        problems(&[("b.toml", &sub), ("a.toml", &root), ("c.toml", "x")]),
        [
            "a.toml:6:15: unknown node `sun`",
            "a.toml:6:30: unknown node `moon`",
            "a.toml:7:7: unknown handler `nap`",
            "a.toml:8:7: a cycle without an ask: a → a",
            "b.toml:5:7: node `login` has no edge for its outcome `in`",
            "b.toml:5:7: node `login` has no edge for its outcome `out`",
            "b.toml:6:1: unknown key `handlers` in the handler node `login`; known are `handler`, `on`",
            "c.toml:1:2: not TOML: key with no value, expected `=`",
        ]
    );
}
