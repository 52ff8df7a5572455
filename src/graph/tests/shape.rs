//! Reached, ended, left: the shape of paths.

use super::{broken, graph, problems, sound, sound_set};

const ASK: &str = "ask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\n";

#[test]
fn a_node_that_is_never_reached() {
    let lines = "[node.stop]\n[node.step]\non.next = \"stop\"\n";
    assert_eq!(broken("stop", lines), ["o.toml:6:7: node `step` is never reached"]);
}

#[test]
fn a_missing_edge_blames_no_other_node() {
    let lines = "[node.step]\non.next = \"stopp\"\n[node.stop]\n";
    assert_eq!(broken("step", lines), ["o.toml:6:11: unknown node `stopp`"]);
}

#[test]
fn a_graph_that_is_never_reached() {
    let root = graph("orchestrator", "stop", "[node.stop]\n");
    let called = "[node.a]\nagent = \"lost_too\"\non = { done = \"stop\" }\n[node.stop]\n";
    assert_eq!(
        problems(&[
            ("o.toml", &root),
            ("s.toml", &graph("lost", "a", called)),
            ("t.toml", &graph("lost_too", "stop", "[node.stop]\n")),
        ]),
        [
            "s.toml:2:8: graph `lost` is never reached from the root graph",
            "t.toml:2:8: graph `lost_too` is never reached from the root graph",
        ]
    );
}

#[test]
fn a_cycle_without_an_ask_is_printed() {
    let lines = "[node.fork]\non = { left = \"stop\", right = \"b\" }\n[node.b]\nhandler = \"step\"\non.next = \"c\"\n\
                 [node.c]\nhandler = \"fork\"\non = { left = \"b\", right = \"stop\" }\n[node.stop]\n";
    assert_eq!(broken("fork", lines), ["o.toml:7:7: a cycle without an ask: b → c → b"]);
}

#[test]
fn a_cycle_through_an_ask_is_right() {
    let lines = format!(
        "[node.route]\non = {{ cancel = \"stop\", go = \"a\" }}\n[node.a]\n{ASK}on.answered = \"b\"\n\
         [node.b]\nhandler = \"fork\"\non = {{ left = \"a\", right = \"stop\" }}\n[node.stop]\n"
    );
    sound("route", &lines);
}

#[test]
fn a_node_with_neither_an_end_nor_an_ask_ahead() {
    let lines = "[node.fork]\non = { left = \"stop\", right = \"b\" }\n[node.b]\nhandler = \"step\"\non.next = \"c\"\n\
                 [node.c]\nhandler = \"step\"\non.next = \"c\"\n[node.stop]\n";
    assert_eq!(
        broken("fork", lines),
        [
            "o.toml:7:7: from node `b` neither an end nor an ask can be reached",
            "o.toml:10:7: a cycle without an ask: c → c",
            "o.toml:10:7: from node `c` neither an end nor an ask can be reached",
        ]
    );
}

#[test]
fn an_ask_is_rest_enough() {
    let lines = format!(
        "[node.route]\non = {{ cancel = \"stop\", go = \"a\" }}\n[node.a]\n{ASK}on.answered = \"stop\"\non.resend = \"a\"\n[node.stop]\n"
    );
    sound("route", &lines);
}

#[test]
fn graphs_that_call_each_other_in_a_circle() {
    let calls = |agent: &str| {
        format!("[node.stop]\n[node.a]\nagent = \"{agent}\"\non = {{ asked = \"stop\", done = \"stop\" }}\n")
    };
    assert_eq!(
        problems(&[
            ("o.toml", &graph("orchestrator", "a", &calls("x"))),
            ("x.toml", &graph("x", "a", &calls("y"))),
            ("y.toml", &graph("y", "a", &calls("x"))),
        ]),
        ["x.toml:6:7: graphs call each other in a circle: x → y → x"]
    );
}

#[test]
fn only_the_root_resumes() {
    let call = "[node.a]\nagent = \"sub\"\non = { done = \"stop\" }\n[node.stop]\n";
    let sub =
        "[node.a]\nresume = true\non = { asked = \"stop\", done = \"stop\", idle = \"stop\" }\n[node.stop]\n";
    assert_eq!(
        problems(&[("o.toml", &graph("orchestrator", "a", call)), ("s.toml", &graph("sub", "a", sub))]),
        ["s.toml:5:7: node `a`: only the root graph may resume"]
    );
}

#[test]
fn asks_that_cannot_be_left_for_want_of_cancel() {
    let root = "[node.a]\nagent = \"sub\"\non = { asked = \"stop\" }\n[node.stop]\n";
    let sub =
        format!("[node.b]\n{ASK}on.answered = \"c\"\n[node.c]\n{ASK}on.answered = \"stop\"\n[node.stop]\n");
    assert_eq!(
        problems(&[("o.toml", &graph("orchestrator", "a", root)), ("s.toml", &graph("sub", "b", &sub))]),
        ["o.toml:4:9: the root's entry `a` is no handler with an outcome `cancel`, \
          so these asks cannot be left: sub.b, sub.c"]
    );
}

#[test]
fn asks_that_cannot_be_left_because_cancel_resumes() {
    let lines = format!(
        "[node.route]\non = {{ cancel = \"step\", go = \"a\" }}\n[node.step]\non.next = \"back\"\n\
         [node.back]\nresume = true\non = {{ asked = \"stop\", done = \"stop\", idle = \"stop\" }}\n\
         [node.a]\n{ASK}on.answered = \"stop\"\n[node.stop]\n"
    );
    assert_eq!(
        broken("route", &lines),
        [
            "o.toml:6:8: `cancel` leads to the resume node `back`, so these asks cannot be left: orchestrator.a"
        ]
    );
}

#[test]
fn asks_that_cannot_be_left_because_another_way_out_resumes() {
    let root = |start_over: &str, out_of_scope: &str| {
        format!(
            "[node.steer]\non = {{ cancel = \"stop\", start_over = \"{start_over}\", out_of_scope = \"{out_of_scope}\", go = \"a\" }}\n\
             [node.back]\nresume = true\non = {{ asked = \"stop\", done = \"stop\", idle = \"a\" }}\n\
             [node.a]\n{ASK}on.answered = \"back\"\n[node.stop]\n"
        )
    };
    sound("steer", &root("a", "stop"));
    let resumes = |way: &str, at: usize| {
        format!(
            "o.toml:6:{at}: `{way}` leads to the resume node `back`, so these asks cannot be left: orchestrator.a"
        )
    };
    assert_eq!(
        broken("steer", &root("back", "back")),
        [resumes("start_over", 25), resumes("out_of_scope", 46)]
    );
}

#[test]
fn a_resume_that_only_a_later_turn_comes_to_is_no_obstacle_to_cancel() {
    let root = format!(
        "[node.route]\non = {{ cancel = \"a\", go = \"back\" }}\n[node.a]\n{ASK}on.answered = \"back\"\n\
         [node.back]\nresume = true\non = {{ asked = \"stop\", done = \"stop\", idle = \"stop\" }}\n[node.stop]\n"
    );
    sound_set(&[("o.toml", &graph("orchestrator", "route", &root))]);
}

#[test]
fn no_question_is_asked_for_ever() {
    let ask = |name: &str, keys: &str, on: &str| {
        format!(
            "[node.{name}]\nask = \"text\"\nreply = \"a.ask\"\naction = \"details_requested\"\ninto = \"x\"\n{keys}on = {{ {on} }}\n"
        )
    };
    let root = "[node.route]\non = { cancel = \"stop\", go = \"a\" }\n[node.stop]\n";
    let circle = ask("a", "", "answered = \"b\", correct = \"b\"")
        + &ask("b", "", "answered = \"a\", correct = \"a\"");
    assert_eq!(
        broken("route", &format!("{root}{circle}")),
        ["o.toml:8:7: no answer ever leads to an end of the graph from: a, b"]
    );
    let counted = ask("a", "tries = 2\n", "answered = \"stop\", exhausted = \"again\"")
        + "[node.again]\nhandler = \"fork\"\non = { left = \"a\", right = \"stop\" }\n";
    assert_eq!(
        broken("route", &format!("{root}{counted}")),
        [
            "o.toml:14:27: `exhausted` leads back to `a` with nothing else asked: its tries would be counted anew, without end"
        ]
    );
    let other = ask("a", "tries = 2\n", "answered = \"stop\", exhausted = \"b\", correct = \"b\"")
        + &ask("b", "", "answered = \"a\"");
    sound("route", &format!("{root}{other}"));
}
