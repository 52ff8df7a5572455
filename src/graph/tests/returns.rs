//! The edges of an agent node are those by which its graph comes back, and no others.

use super::{graph, problems, sound_set};

const ENDS: &str = "[node.here]\nhandler = \"stop\"\n";
const ASKS: &str = "[node.here]\nask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"there\"\n\
                    [node.there]\nhandler = \"stop\"\n";
const EITHER: &str = "[node.here]\nhandler = \"fork\"\non = { left = \"ask\", right = \"there\" }\n[node.ask]\nask = \"otp\"\n\
                      reply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"there\"\n[node.there]\nhandler = \"stop\"\n";

fn root(on: &str) -> String {
    let nodes = format!(
        "[node.route]\non = {{ cancel = \"stop\", go = \"sub\" }}\n[node.sub]\nagent = \"sub\"\non = {{ {on} }}\n[node.stop]\n"
    );
    graph("orchestrator", "route", &nodes)
}

#[test]
fn each_way_back_has_its_edge_and_no_other_has() {
    const ASKED: &str = "asked = \"stop\"";
    const DONE: &str = "done = \"stop\"";
    let both = format!("{ASKED}, {DONE}");
    let missing = |outcome: &str| format!("o.toml:7:7: node `sub` has no edge for its outcome `{outcome}`");
    for (sub, on) in [(ENDS, DONE), (ASKS, ASKED), (EITHER, &both)] {
        sound_set(&[("o.toml", &root(on)), ("s.toml", &graph("sub", "here", sub))]);
    }
    let told =
        |sub: &str, on: &str| problems(&[("o.toml", &root(on)), ("s.toml", &graph("sub", "here", sub))]);
    assert_eq!(told(ENDS, &both), ["o.toml:9:8: `asked` of node `sub` is never taken: `sub` asks nothing"]);
    assert_eq!(
        told(ASKS, &both),
        ["o.toml:9:24: `done` of node `sub` is never taken: `sub` never ends before it has asked something"]
    );
    assert_eq!(told(EITHER, ASKED), [missing("done")]);
    assert_eq!(told(EITHER, DONE), [missing("asked")]);
}

/// Only the root resumes: a graph that waits inside another one comes back to it once it is answered.
#[test]
fn inside_another_graph_what_waited_is_done_later() {
    let middle = |on: &str| {
        let nodes =
            format!("[node.in]\nagent = \"inner\"\non = {{ {on} }}\n[node.there]\nhandler = \"stop\"\n");
        graph("sub", "in", &nodes)
    };
    let (right, root) = (middle("asked = \"there\", done = \"there\""), root("asked = \"stop\""));
    let inner = graph("inner", "here", ASKS);
    sound_set(&[("o.toml", &root), ("s.toml", &right), ("i.toml", &inner)]);
    assert_eq!(
        problems(&[("o.toml", &root), ("s.toml", &middle("asked = \"there\"")), ("i.toml", &inner)]),
        ["s.toml:5:7: node `in` has no edge for its outcome `done`"]
    );
}

/// A call that cannot be made has failed before anybody was asked.
#[test]
fn a_call_may_end_at_once() {
    let calls = "[node.ask]\nhandler = \"fork\"\non = { left = \"here\", right = \"here\" }\n[node.here]\n\
                 http = { method = \"GET\", url = \"{{ orders_url }}/{{ who }}\", into = { who = \"/who\" } }\nreply = \"a.ask\"\n\
                 action = \"answered\"\non = { ok = \"there\", not_found = \"there\", refused = \"there\", failed = \"there\" }\n\
                 [node.there]\nsay = \"a.bye\"\naction = \"answered\"\n";
    let told = problems(&[("o.toml", &root("asked = \"stop\"")), ("s.toml", &graph("sub", "ask", calls))]);
    assert_eq!(told, ["o.toml:7:7: node `sub` has no edge for its outcome `done`"]);
}

/// An edge that leads to nowhere is one mistake, and not a missing edge as well.
#[test]
fn an_edge_that_is_wrong_is_not_missing() {
    assert_eq!(
        problems(&[("o.toml", &root("done = \"nowhere\"")), ("s.toml", &graph("sub", "here", ENDS))]),
        ["o.toml:9:15: unknown node `nowhere`"]
    );
}

/// A graph that cannot be read whole comes back nobody knows how, and no edge of its callers is blamed.
#[test]
fn what_is_wrong_in_an_agent_blames_no_caller() {
    let broken = "[node.here]\nhandler = \"step\"\n";
    assert_eq!(
        problems(&[("o.toml", &root("asked = \"stop\"")), ("s.toml", &graph("sub", "here", broken))]),
        ["s.toml:5:7: node `here` has no edge for its outcome `next`"]
    );
}
