//! Calls to outside agents.

use super::{HANDLERS, REPLIES, catalog, graph, problems, sound_set, source};
use crate::graph::{Kind, Method, Piece, load};

const CALL: &str =
    r#"method = "GET", url = "{{ orders_url }}/orders/{{ number }}", into = { status = "/status" }"#;

const ROOT: &str = "[node.route]\non = { cancel = \"end\", go = \"orders\" }\n\
                    [node.orders]\nagent = \"orders\"\non = { asked = \"end\", done = \"end\" }\n\
                    [node.end]\nhandler = \"stop\"\n";

/// The problems of an agent of those nodes.
pub(super) fn broken(entry: &str, nodes: &str) -> Vec<String> {
    let root = graph("orchestrator", "route", ROOT);
    problems(&[("o.toml", &graph("orders", entry, nodes)), ("r.toml", &root)])
}

/// The agent of those nodes is right.
pub(super) fn sound(entry: &str, nodes: &str) {
    let root = graph("orchestrator", "route", ROOT);
    sound_set(&[("o.toml", &graph("orders", entry, nodes)), ("r.toml", &root)]);
}

/// A graph that keeps `number`, calls out on line 18, and goes on to `next` after each outcome.
fn calls(call: &str, next: &str) -> String {
    format!(
        "[node.route]\non = {{ cancel = \"bye\", go = \"ask\" }}\n[node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n\
         [node.ask]\nask = \"text\"\nreply = \"a.ask\"\naction = \"answered\"\ninto = \"number\"\non = {{ answered = \"call\" }}\n\
         [node.call]\nreply = \"a.other\"\nhttp = {{ {call} }}\naction = \"answered\"\n\
         on = {{ ok = \"{next}\", not_found = \"bye\", refused = \"bye\", failed = \"bye\" }}\n"
    )
}

#[test]
fn a_call_names_what_leaves_and_what_comes_back() {
    let post = r#"method = "POST", url = "{{ orders_url }}", body = ["number"], headers = { X-Key = "orders_key" }, timeout_ms = 500, retries = 1"#;
    for (call, method, path, fields) in [
        (CALL, Method::Get, vec![Piece::Text("/orders/".to_owned()), Piece::Field("number".to_owned())], 2),
        (post, Method::Post, Vec::new(), 1),
    ] {
        let nodes = calls(call, "bye");
        sound("route", &nodes);
        let (text, root) = (graph("orders", "route", &nodes), graph("orchestrator", "route", ROOT));
        let sources = [source("o.toml", &text), source("r.toml", &root)];
        let set = load(&sources, &catalog(HANDLERS, REPLIES)).unwrap();
        let orders = set.graph("orders").unwrap();
        assert_eq!(orders.fields.len(), fields);
        let (_, node) = orders.nodes().find(|(_, node)| node.name == "call").unwrap();
        let Kind::Http { call, .. } = &node.kind else { panic!("{node:?}") };
        assert_eq!((call.method, call.base.as_str(), &call.path), (method, "orders_url", &path));
    }
}

#[test]
fn every_mistake_of_a_call_has_its_place() {
    for (call, expected) in [
        (r#"method = "GET""#, "o.toml:18:8: `http` needs `url`"),
        (
            r#"method = "PUT", url = "{{ orders_url }}""#,
            "o.toml:18:19: unknown method `PUT`; there are: GET, POST",
        ),
        (
            r#"method = "GET", url = "https://orders.example.com/x""#,
            "o.toml:18:32: `url`: it begins with a configured address, such as {{ orders_url }}/orders/{{ order_number }}",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}.evil/x""#,
            "o.toml:18:32: `url`: a `/` stands behind the configured address",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}{{ number }}""#,
            "o.toml:18:32: `url`: a `/` stands behind the configured address",
        ),
        (r#"method = "GET", url = "{{ orders_url""#, "o.toml:18:32: `url`: a `{{` is not closed"),
        (
            r#"method = "GET", url = "{{ shop_url }}/x""#,
            "o.toml:18:32: the address `shop_url` is not configured: graph.addresses = [\"shop_url=https://orders.example.com\"]",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}/{{ nmber }}""#,
            "o.toml:18:32: `nmber` is no field of this graph; there are: number",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}", body = ["number"]"#,
            "o.toml:18:60: a GET has no `body`",
        ),
        (
            r#"method = "POST", url = "{{ orders_url }}", body = ["phone"]"#,
            "o.toml:18:61: `phone` is no field of this graph; there are: number",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}", headers = { Host = "orders_key" }"#,
            "o.toml:18:64: the header `Host` is set by itself",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}", headers = { X-Key = "key" }"#,
            "o.toml:18:72: the secret `key` is not configured: graph.secrets = [\"key=…\"]",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}", into = { status = "status" }"#,
            "o.toml:18:70: `status` is no JSON pointer such as /status",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}", retries = 6"#,
            "o.toml:18:62: `retries` must be a whole number from 1 to 5",
        ),
        (
            r#"method = "GET", url = "{{ orders_url }}", timeout_ms = 30001"#,
            "o.toml:18:65: `timeout_ms` must be a whole number from 1 to 30000",
        ),
    ] {
        let found = broken("route", &calls(call, "bye"));
        assert!(found.iter().any(|problem| problem == expected), "{expected}\n{found:#?}");
    }
}

#[test]
fn a_call_that_leads_to_itself_is_a_cycle_without_an_ask() {
    assert_eq!(broken("route", &calls(CALL, "call")), ["o.toml:16:7: a cycle without an ask: call → call"]);
    sound("route", &calls(CALL, "ask"));
}

#[test]
fn nobody_is_there_when_an_answer_comes() {
    let stop = "[node.stop]\n";
    let expected = "comes after the answer to `call` in a turn that nobody's message began: only say, ask, goto and http nodes may";
    let found = broken("route", &format!("{}{stop}", calls(CALL, "stop")));
    assert_eq!(found, [format!("o.toml:21:7: node `stop` {expected}")]);
    let through =
        "[node.choose]\ngoto = [{ when = \"status\", to = \"stop\" }, { to = \"bye\" }]\n[node.stop]\n";
    let found = broken("route", &format!("{}{through}", calls(CALL, "choose")));
    assert_eq!(found, [format!("o.toml:23:7: node `stop` {expected}")]);
    // Once the person has spoken again, somebody is.
    let asked = "[node.more]\nask = \"confirm\"\nreply = \"a.ask\"\naction = \"answered\"\non = { yes = \"stop\", no = \"call\" }\n[node.stop]\n";
    sound("route", &format!("{}{asked}", calls(CALL, "more")));
}

#[test]
fn nor_is_anybody_in_a_graph_that_waits_for_the_one_that_called() {
    let outer = |to: &str, rest: &str| {
        format!("[node.enter]\nagent = \"orders\"\non = {{ asked = \"{to}\", done = \"{to}\" }}\n{rest}")
    };
    let set = |outer: &str| {
        let root = ROOT.replace("agent = \"orders\"", "agent = \"outer\"");
        let root = graph("orchestrator", "route", &root);
        let (inner, outer) = (graph("orders", "route", &calls(CALL, "bye")), graph("outer", "enter", outer));
        load(
            &[source("r.toml", &root), source("i.toml", &inner), source("x.toml", &outer)],
            &catalog(HANDLERS, REPLIES),
        )
        .map_err(|e| e.to_string())
    };
    let expected = "x.toml:8:7: node `stop` comes after an outside agent's answer or silence within `enter` in a turn that nobody's \
                    message began: only say, ask, goto and http nodes may";
    assert_eq!(set(&outer("stop", "[node.stop]\n")).unwrap_err(), expected);
    set(&outer("bye", "[node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n")).unwrap();
}

#[test]
fn the_root_waits_for_no_outside_agent() {
    let text = graph("orchestrator", "route", &calls(CALL, "bye"));
    assert_eq!(
        problems(&[("o.toml", &text)]),
        [
            "o.toml:16:7: node `call`: nobody goes on in the root graph, so no answer would come back to it: call the outside agent in a graph of its own"
        ]
    );
}
