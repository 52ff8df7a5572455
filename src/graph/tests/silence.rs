//! Questions that speak up where nobody answers.

use jiff::SignedDuration;

use super::{HANDLERS, REPLIES, broken, catalog, graph, sound, source};
use crate::graph::{Kind, Silence, load};

const SAYS_MORE: &str = "{ to = \"ask\", reply = \"a.other\", action = \"answered\" }";

/// A root graph whose ask has that key on line 13, and that edge besides.
fn asks(key: &str, edge: &str) -> String {
    format!(
        "[node.route]\non = {{ cancel = \"bye\", go = \"ask\" }}\n[node.bye]\nsay = \"a.bye\"\naction = \"answered\"\n\
         [node.ask]\nask = \"text\"\nreply = \"a.ask\"\n{key}\naction = \"answered\"\non = {{ answered = \"bye\"{edge} }}\n"
    )
}

#[test]
fn a_question_says_how_long_it_waits() {
    let minutes = SignedDuration::from_mins;
    for (text, expected, configured) in [
        ("10s", Some(SignedDuration::from_secs(10)), None),
        ("2m", Some(minutes(2)), Some(minutes(9))),
        ("24h", Some(minutes(24 * 60)), None),
        ("configured", Some(minutes(9)), Some(minutes(9))),
        ("configured", None, None),
    ] {
        let nodes = asks(&format!("silence = \"{text}\""), &format!(", silent = {SAYS_MORE}"));
        sound("route", &nodes);
        let text = graph("orchestrator", "route", &nodes);
        let set = load(&[source("o.toml", &text)], &catalog(HANDLERS, REPLIES)).unwrap();
        let (_, node) = set.root().nodes().find(|(_, node)| node.name == "ask").unwrap();
        let Kind::Ask { silence: Some(silence), .. } = node.kind else { panic!("{node:?}") };
        assert_eq!(silence.length(configured), expected);
    }
    let shown = |length| Silence::After(length).to_string();
    assert_eq!(
        [shown(SignedDuration::from_secs(90)), shown(minutes(2)), shown(minutes(120))],
        ["90 s", "2 min", "2 h"]
    );
}

#[test]
fn a_time_and_an_edge_belong_together() {
    let edge = format!(", silent = {SAYS_MORE}");
    assert_eq!(
        broken("route", &asks("silence = \"2m\"", "")),
        ["o.toml:13:11: `silence` needs an edge `silent`, for when nobody answers"]
    );
    assert_eq!(
        broken("route", &asks("", &edge)),
        ["o.toml:15:26: the outcome `silent` needs `silence`: how long the question waits, such as \"2m\""]
    );
    for time in ["9s", "25h", "86401s", "2", "m", "", "2 m", "-2m", "2d", "1.5m", "99999999999999999999s"] {
        let told = broken("route", &asks(&format!("silence = \"{time}\""), &edge));
        let what = "`silence`: it takes a time from 10 seconds to 24 hours, such as \"90s\", \"2m\" or \"1h\", or \"configured\"";
        assert_eq!(told, [format!("o.toml:13:11: {what}")], "{time}");
    }
    let told = broken("route", &asks("silence = 120", &edge));
    assert!(told[0].starts_with("o.toml:13:11: `silence` must be a string, not a number"), "{told:?}");
}

#[test]
fn nobody_is_there_when_nobody_answers() {
    let key = "silence = \"2m\"";
    let stop = "[node.stop]\n";
    let found = broken("route", &format!("{}{stop}", asks(key, ", silent = \"stop\"")));
    assert_eq!(
        found,
        [
            "o.toml:16:7: node `stop` comes after silence at `ask` in a turn that nobody's message began: only say, ask, goto and http nodes may"
        ]
    );
    // An answer is somebody's.
    sound("route", &format!("{}{stop}", asks(key, ", silent = \"bye\", resend = \"stop\"")));
}
