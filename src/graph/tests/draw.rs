//! Drawings, letter by letter.

use super::good::{offered, pair};
use super::{HANDLERS, REPLIES, catalog, graph, sources};
use crate::graph::{draw, load};

const MERMAID: &str = r#"flowchart TD
    %% orchestrator v1
    start(( )) --> n_classify
    n_classify["classify"]
    n_authenticator[["authenticator<br/>enters authenticator"]]
    n_resume{{"resume"}}
    n_cancel_all["cancel_all"]
    n_general["general"]
    n_unclear["unclear<br/>root.unclear (clarification_needed)"]:::say
    n_response_agent["response_agent"]
    n_classify -->|"authenticate"| n_authenticator
    n_classify -->|"answers"| n_resume
    n_classify -->|"cancel"| n_cancel_all
    n_classify -->|"general"| n_general
    n_classify -->|"unclear"| n_unclear
    n_authenticator -->|"asked"| n_response_agent
    n_authenticator -->|"done"| n_response_agent
    n_resume -->|"asked"| n_response_agent
    n_resume -->|"done"| n_response_agent
    n_resume -->|"idle"| n_unclear
    n_cancel_all -->|"cancelled<br/>root.cancelled (cancelled)"| n_unclear
    classDef say fill:none,stroke:none
"#;

const DOT: &str = r#"digraph "orchestrator" {
    label="orchestrator v1";
    start [shape=point];
    "n_route" [shape=box, label="route"];
    "n_ask" [shape=box, style=rounded, label="ask\nwaits for otp\na.\"ask (otp_requested)"];
    "n_check" [shape=box, label="check\nhandler login"];
    "n_vault" [shape=box, label="vault\n⟦needs signed_in⟧"];
    "n_back" [shape=hexagon, label="back"];
    "n_sub" [shape=box, peripheries=2, label="sub\nenters sub"];
    "n_end" [shape=plaintext, label="end\na.bye (answered)"];
    start -> "n_route";
    "n_route" -> "n_end" [label="cancel"];
    "n_route" -> "n_ask" [label="go"];
    "n_ask" -> "n_check" [label="answered"];
    "n_check" -> "n_vault" [label="in\n⟦grants signed_in⟧"];
    "n_check" -> "n_back" [label="out"];
    "n_back" -> "n_sub" [label="asked"];
    "n_back" -> "n_sub" [label="done"];
    "n_back" -> "n_sub" [label="idle"];
    "n_sub" -> "n_end" [label="done\na.other (help)"];
}
"#;

#[test]
fn mermaid() {
    assert_eq!(draw::mermaid(pair().root(), &offered()), MERMAID);
}

#[test]
fn mermaid_shows_asks_and_levels() {
    let set = pair();
    let drawn = draw::mermaid(set.graph("authenticator").unwrap(), &offered());
    for line in [
        r#"    n_ask_otp(["ask_otp<br/>waits for otp<br/>auth.ask_otp (otp_sent)"])"#,
        r#"    n_find_user["find_user<br/>⟦needs code_verified⟧"]"#,
        r#"    n_verify_otp -->|"accepted<br/>⟦grants code_verified⟧"| n_find_user"#,
    ] {
        assert!(drawn.lines().any(|drawn| drawn == line), "{line}\nis not in\n{drawn}");
    }
}

#[test]
fn dot() {
    let lines = r#"[node.route]
on = { cancel = "end", go = "ask" }
[node.ask]
ask = "otp"
reply = 'a."ask'
action = "otp_requested"
on.answered = "check"
[node.check]
handler = "login"
on = { in = "vault", out = "back" }
[node.vault]
[node.back]
resume = true
on = { asked = "sub", done = "sub", idle = "sub" }
[node.sub]
agent = "sub"
on = { done = { to = "end", reply = "a.other", action = "help" } }
[node.end]
say = "a.bye"
action = "answered"
"#;
    let offered = catalog(HANDLERS, &[REPLIES, &["a.\"ask"]].concat());
    let texts = [
        ("o.toml", graph("orchestrator", "route", lines)),
        ("s.toml", graph("sub", "stop", "[node.stop]\n")),
    ];
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let set = load(&sources(&texts), &offered).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(draw::dot(set.root(), &offered), DOT);
}
