//! Tools that a graph file calls by name.

use super::{broken, http, sound};

/// A root graph that keeps `name` and calls a tool on line 15, for whoever the guard on line 13 lets through.
fn calls(guard: &str, call: &str) -> String {
    format!(
        "[node.route]\non = {{ cancel = \"bye\", go = \"ask\" }}\n[node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n\
         [node.ask]\nask = \"text\"\nreply = \"a.ask\"\naction = \"answered\"\ninto = \"name\"\non.answered = \"who\"\n\
         [node.who]\ngoto = [{{ when = \"{guard}\", to = \"call\" }}, {{ to = \"bye\" }}]\n[node.call]\n{call}\n"
    )
}

const RENAME: &str =
    "call = \"rename\"\nwith = { name = \"{{ name }}\" }\non = { ok = \"bye\", refused = \"bye\" }";

#[test]
fn a_tool_is_called_for_whoever_is_signed_in() {
    sound("route", &calls("signed_in", RENAME));
    sound("route", &calls(" signed_in ", "call = \"look\"\ninto = { shown = \"/name\" }\non.ok = \"bye\""));
    for guard in ["name", "not signed_in", "signed_in or name", "name == 'signed_in'"] {
        let found = broken("route", &calls(guard, RENAME));
        assert_eq!(
            found,
            ["o.toml:18:7: orchestrator.route —go→ orchestrator.ask —answered→ orchestrator.who —case_1→ \
              orchestrator.call needs signed_in, and nothing on this path grants it"],
            "{guard}"
        );
    }
}

#[test]
fn every_mistake_of_a_call_has_its_place() {
    for (call, expected) in [
        (
            "call = \"verify_otp\"\non.ok = \"bye\"",
            "o.toml:19:8: no tool `verify_otp` may be called by a graph file; there are: look, rename",
        ),
        (
            "call = \"rename\"\non = { ok = \"bye\", refused = \"bye\" }",
            "o.toml:19:8: `rename` needs `name`, by `with`",
        ),
        (
            "call = \"look\"\nwith = { name = \"x\" }\non.ok = \"bye\"",
            "o.toml:20:10: `look` takes no `name`; it takes: none",
        ),
        (
            "call = \"rename\"\nwith = { name = \"{{ nam }}\" }\non = { ok = \"bye\", refused = \"bye\" }",
            "o.toml:20:17: `nam` is no field of this graph; there are: name",
        ),
        (
            "call = \"look\"\ninto = { shown = \"name\" }\non.ok = \"bye\"",
            "o.toml:20:18: `name` is no JSON pointer such as /status",
        ),
        (
            "call = \"look\"\non = { ok = \"bye\", refused = \"bye\" }",
            "o.toml:20:20: unknown outcome `refused`; the node has: ok",
        ),
        (
            "call = \"rename\"\nwith = { name = \"x\" }\non.ok = \"bye\"",
            "o.toml:18:7: node `call` has no edge for its outcome `refused`",
        ),
        (
            "call = \"look\"\nreply = \"a.ask\"\non.ok = \"bye\"",
            "o.toml:20:1: unknown key `reply` in the call node `call`; known are `call`, `with`, `into`, `on`",
        ),
    ] {
        let found = broken("route", &calls("signed_in", call));
        assert!(found.iter().any(|problem| problem == expected), "{expected}\n{found:#?}");
    }
}

#[test]
fn what_needs_somebody_is_not_called_where_nobody_spoke() {
    let call = "http = { method = \"GET\", url = \"{{ orders_url }}\" }\nreply = \"a.ask\"\naction = \"answered\"\n\
                on = { ok = \"look\", not_found = \"bye\", refused = \"bye\", failed = \"bye\" }\n\
                [node.look]\ncall = \"look\"\non.ok = \"bye\"";
    let found = http::broken("route", &calls("signed_in", call));
    let expected = "o.toml:23:7: node `look` comes after the answer to `call`";
    assert!(found.len() == 1 && found[0].starts_with(expected), "{found:#?}");
}

#[test]
fn a_call_outside_may_need_somebody_too() {
    let call = |level: &str| {
        format!(
            "http = {{ method = \"GET\", url = \"{{{{ orders_url }}}}\", needs = \"{level}\" }}\nreply = \"a.ask\"\n\
             action = \"answered\"\non = {{ ok = \"bye\", not_found = \"bye\", refused = \"bye\", failed = \"bye\" }}"
        )
    };
    http::sound("route", &calls("signed_in", &call("signed_in")));
    let found = http::broken("route", &calls("name", &call("signed_in")));
    assert!(
        found.len() == 1 && found[0].ends_with("needs signed_in, and nothing on this path grants it"),
        "{found:#?}"
    );
    let found = http::broken("route", &calls("signed_in", &call("stepped_up")));
    assert_eq!(found, ["o.toml:19:60: unknown level `stepped_up`; what may be needed is `signed_in`"]);
}
