//! The gate, on one graph, across calls, and across resumed frames.

use super::{broken, graph, problems, sound, sound_set};

const NEEDS: &str = "needs signed_in, and nothing on this path grants it";

/// The edges of a graph that asks first, and of one that may end at once.
const ASKS: &str = "asked = \"stop\"";
const EITHER: &str = "asked = \"stop\", done = \"vault\"";

/// A root that enters `sub`, which comes back by those edges, and goes to `resumed` when it is done in a later turn.
fn root(comes_back: &str, resumed: &str) -> String {
    let lines = format!(
        "[node.route]\non = {{ cancel = \"stop\", go = \"fork\" }}\n\
         [node.fork]\non = {{ left = \"sub\", right = \"back\" }}\n\
         [node.sub]\nagent = \"sub\"\non = {{ {comes_back} }}\n\
         [node.back]\nresume = true\non = {{ asked = \"stop\", done = \"{resumed}\", idle = \"stop\" }}\n\
         [node.stop]\n[node.vault]\n"
    );
    graph("orchestrator", "route", &lines)
}

#[test]
fn a_path_round_the_gate_is_printed() {
    let lines = "[node.login]\non = { in = \"vault\", out = \"step\" }\n[node.step]\non.next = \"vault\"\n[node.vault]\n";
    assert_eq!(
        broken("login", lines),
        [format!("o.toml:9:7: orchestrator.login —out→ orchestrator.step —next→ orchestrator.vault {NEEDS}")]
    );
}

#[test]
fn a_path_through_the_gate_is_right() {
    sound("login", "[node.login]\non = { in = \"vault\", out = \"stop\" }\n[node.vault]\n[node.stop]\n");
}

#[test]
fn two_outcomes_may_cover_all_paths_between_them() {
    let lines = "[node.session]\non = { live = \"vault\", none = \"login\" }\n\
                 [node.login]\non = { in = \"vault\", out = \"stop\" }\n[node.vault]\n[node.stop]\n";
    sound("session", lines);
}

#[test]
fn a_higher_level_opens_a_lower_gate_and_not_the_other_way() {
    sound("login", "[node.login]\non = { in = \"profile\", out = \"stop\" }\n[node.profile]\n[node.stop]\n");
    assert_eq!(
        broken(
            "code",
            "[node.code]\non = { right = \"vault\", wrong = \"stop\" }\n[node.vault]\n[node.stop]\n"
        ),
        [format!("o.toml:7:7: orchestrator.code —right→ orchestrator.vault {NEEDS}")]
    );
    assert_eq!(
        broken("login", "[node.login]\non = { in = \"safe\", out = \"stop\" }\n[node.safe]\n[node.stop]\n"),
        ["o.toml:7:7: orchestrator.login —in→ orchestrator.safe needs stepped_up, \
          and nothing on this path grants it"]
    );
}

#[test]
fn the_entry_itself_may_need_a_level() {
    assert_eq!(broken("vault", "[node.vault]\n"), [format!("o.toml:5:7: orchestrator.vault {NEEDS}")]);
}

#[test]
fn into_a_called_graph() {
    let sub = graph("sub", "step", "[node.step]\non.next = \"vault\"\n[node.vault]\n");
    let call = "[node.step]\non.next = \"sub\"\n[node.sub]\nagent = \"sub\"\non = { done = \"stop\" }\n[node.stop]\n";
    assert_eq!(
        problems(&[("o.toml", &graph("orchestrator", "step", call)), ("s.toml", &sub)]),
        [format!("s.toml:7:7: orchestrator.step —next→ sub.step —next→ sub.vault {NEEDS}")]
    );
    let gated = "[node.login]\non = { in = \"sub\", out = \"stop\" }\n[node.sub]\nagent = \"sub\"\non = { done = \"stop\" }\n[node.stop]\n";
    sound_set(&[("o.toml", &graph("orchestrator", "login", gated)), ("s.toml", &sub)]);
}

#[test]
fn out_of_a_called_graph() {
    let ends_either_way = "[node.login]\non = { in = \"stop\", out = \"bye\" }\n[node.stop]\n\
                           [node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n";
    assert_eq!(
        problems(&[
            ("o.toml", &root("done = \"vault\"", "stop")),
            ("s.toml", &graph("sub", "login", ends_either_way))
        ]),
        [format!(
            "o.toml:16:7: orchestrator.route —go→ orchestrator.fork —left→ sub.login —out→ sub.bye \
             —done→ orchestrator.vault {NEEDS}"
        )]
    );
}

#[test]
fn a_called_graph_that_ends_only_after_the_grant_opens_the_gate() {
    let asks_until_granted = "[node.login]\non = { in = \"stop\", out = \"ask\" }\n[node.stop]\n\
                              [node.ask]\nask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"login\"\n";
    let sub = graph("sub", "login", asks_until_granted);
    sound_set(&[("o.toml", &root(EITHER, "vault")), ("s.toml", &sub)]);
}

#[test]
fn an_answered_ask_grants_nothing() {
    let sub = "[node.ask]\nask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"vault\"\n[node.vault]\n";
    let call = root(ASKS, "stop").replace("[node.vault]\n", "");
    assert_eq!(
        problems(&[("o.toml", &call), ("s.toml", &graph("sub", "ask", sub))]),
        [format!(
            "s.toml:10:7: orchestrator.route —go→ orchestrator.fork —left→ sub.ask —answered→ sub.vault {NEEDS}"
        )]
    );
}

#[test]
fn out_of_a_resumed_frame() {
    let sub = "[node.step]\non.next = \"ask\"\n\
               [node.ask]\nask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"stop\"\n[node.stop]\n";
    let sub = graph("sub", "step", sub);
    let way = "orchestrator.route —go→ orchestrator.fork —right→ orchestrator.back —resumes→ sub.ask \
               —answered→ sub.stop —done→ orchestrator.vault";
    assert_eq!(
        problems(&[("o.toml", &root(ASKS, "vault")), ("s.toml", &sub)]),
        [format!("o.toml:16:7: {way} {NEEDS}")]
    );
    let middle = "[node.a]\nagent = \"sub\"\non = { asked = \"stop\", done = \"stop\" }\n[node.stop]\n";
    let way = way.replace("—done→", "—done→ middle.stop —done→");
    let root = root(ASKS, "vault").replace("agent = \"sub\"", "agent = \"middle\"");
    assert_eq!(
        problems(&[("o.toml", &root), ("m.toml", &graph("middle", "a", middle)), ("s.toml", &sub)]),
        [format!("o.toml:16:7: {way} {NEEDS}")]
    );
}

#[test]
fn a_resumed_frame_comes_out_of_asked_at_its_next_ask_only() {
    let root = root(ASKS, "stop")
        .replace("resume = true\non = { asked = \"stop\"", "resume = true\non = { asked = \"vault\"");
    let ask = |to: &str| {
        format!("ask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"{to}\"\n")
    };
    let gated = format!(
        "[node.a]\n{}[node.login]\non = {{ in = \"b\", out = \"stop\" }}\n[node.stop]\n[node.b]\n{}",
        ask("login"),
        ask("stop")
    );
    sound_set(&[("o.toml", &root), ("s.toml", &graph("sub", "a", &gated))]);
    let again = format!("[node.a]\n{}", ask("a"));
    assert_eq!(
        problems(&[("o.toml", &root), ("s.toml", &graph("sub", "a", &again))]),
        [
            format!(
                "o.toml:16:7: orchestrator.route —go→ orchestrator.fork —right→ orchestrator.back \
             —resumes→ sub.a —answered→ sub.a —asked→ orchestrator.vault {NEEDS}"
            ),
            "s.toml:5:7: no answer ever leads to an end of the graph from: a".to_owned()
        ]
    );
}

#[test]
fn a_paused_graph_stays_so_when_it_enters_another() {
    let middle = "[node.a]\nagent = \"asks\"\non = { asked = \"b\", done = \"stop\" }\n\
                  [node.b]\nagent = \"quiet\"\non = { done = \"stop\" }\n[node.stop]\n";
    let asks = "[node.ask]\nask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"login\"\n\
                [node.login]\non = { in = \"stop\", out = \"ask\" }\n[node.stop]\n";
    sound_set(&[
        ("o.toml", &root(ASKS, "vault")),
        ("s.toml", &graph("sub", "a", middle)),
        ("a.toml", &graph("asks", "ask", asks)),
        ("q.toml", &graph("quiet", "stop", "[node.stop]\n")),
    ]);
}

#[test]
fn an_end_before_any_ask_is_not_the_end_of_a_resumed_frame() {
    let refuses_or_asks = "[node.fork]\non = { left = \"stop\", right = \"ask\" }\n[node.stop]\n\
                           [node.ask]\nask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"login\"\n\
                           [node.login]\non = { in = \"stop\", out = \"ask\" }\n";
    let sub = graph("sub", "fork", refuses_or_asks);
    sound_set(&[("o.toml", &root("asked = \"stop\", done = \"stop\"", "vault")), ("s.toml", &sub)]);
    assert_eq!(problems(&[("o.toml", &root(EITHER, "stop")), ("s.toml", &sub)]).len(), 1);
}

#[test]
fn an_ask_that_was_reached_by_a_grant_raises_no_alarm_when_resumed() {
    let sub = "[node.login]\non = { in = \"ask\", out = \"stop\" }\n[node.stop]\n\
               [node.ask]\nask = \"name\"\nreply = \"a.ask\"\naction = \"name_requested\"\non.answered = \"vault\"\n[node.vault]\n";
    let sub = graph("sub", "login", sub);
    sound_set(&[("o.toml", &root("asked = \"stop\", done = \"stop\"", "vault")), ("s.toml", &sub)]);
}

#[test]
fn one_call_does_not_open_the_way_out_of_another() {
    let lines = "[node.login]\non = { in = \"first\", out = \"second\" }\n\
                 [node.first]\nagent = \"sub\"\non = { done = \"vault\" }\n\
                 [node.second]\nagent = \"sub\"\non = { done = \"stop\" }\n[node.vault]\n[node.stop]\n";
    let sub = graph("sub", "stop", "[node.stop]\n");
    sound_set(&[("o.toml", &graph("orchestrator", "login", lines)), ("s.toml", &sub)]);
}

#[test]
fn a_graph_that_comes_out_of_asked_has_paused_and_not_ended() {
    let asks = "[node.ask]\nask = \"otp\"\nreply = \"a.ask\"\naction = \"otp_requested\"\non.answered = \"login\"\n\
                [node.login]\non = { in = \"stop\", out = \"ask\" }\n[node.stop]\n";
    let middle = "[node.a]\nagent = \"inner\"\non = { asked = \"stop\", done = \"stop\" }\n[node.stop]\n";
    let inner = graph("inner", "ask", asks);
    sound_set(&[
        ("o.toml", &root(ASKS, "vault")),
        ("s.toml", &graph("sub", "a", middle)),
        ("i.toml", &inner),
    ]);
    let leaky = inner.replace("out = \"ask\"", "out = \"stop\"");
    assert_eq!(
        problems(&[
            ("o.toml", &root(ASKS, "vault")),
            ("s.toml", &graph("sub", "a", middle)),
            ("i.toml", &leaky)
        ]),
        [format!(
            "o.toml:16:7: orchestrator.route —go→ orchestrator.fork —right→ orchestrator.back —resumes→ inner.ask \
             —answered→ inner.login \
             —out→ inner.stop —done→ sub.stop —done→ orchestrator.vault {NEEDS}"
        )]
    );
}
