//! Two graphs as a product would have them, and the loaded form.

use super::{catalog, guarded, handler, plain, sources};
use crate::graph::{Catalog, EdgeId, GraphSet, HandlerSpec, Kind, Meanwhile, OutcomeSpec, Say, load};
use crate::model::{Action, Assurance, Slot};

const HANDLERS: &[HandlerSpec] = &[
    handler(
        "classify",
        &[plain("authenticate"), plain("answers"), plain("cancel"), plain("general"), plain("unclear")],
    ),
    handler("cancel_all", &[plain("cancelled")]),
    handler("general", &[]),
    handler("response_agent", &[]),
    handler("collect_phone", &[plain("ready"), plain("missing"), plain("invalid")]),
    handler("send_otp", &[plain("sent"), plain("limited"), plain("undeliverable")]),
    handler(
        "verify_otp",
        &[OutcomeSpec::granting("accepted", Assurance::CodeVerified), plain("rejected"), plain("locked")],
    ),
    guarded("find_user", Assurance::CodeVerified, &[plain("found"), plain("new")]),
    guarded("create_user", Assurance::CodeVerified, &[plain("created")]),
    guarded(
        "create_session",
        Assurance::CodeVerified,
        &[OutcomeSpec::granting("created", Assurance::SignedIn), plain("refused")],
    ),
    guarded("greet", Assurance::SignedIn, &[plain("greeted")]),
];

const REPLIES: &[&str] = &[
    "auth.ask_phone",
    "auth.invalid_phone",
    "auth.ask_otp",
    "auth.wrong_code",
    "auth.limited",
    "auth.locked",
    "auth.ask_name",
    "auth.welcome",
    "auth.refused",
    "root.unclear",
    "root.cancelled",
];

pub(super) const ORCHESTRATOR: &str = r#"[graph]
name = "orchestrator"
version = 1
entry = "classify"

[node.classify]
on = { authenticate = "authenticator", answers = "resume", cancel = "cancel_all", general = "general", unclear = "unclear" }

[node.authenticator]
agent = "authenticator"
on = { asked = "response_agent", done = "response_agent" }

[node.resume]
resume = true
on = { asked = "response_agent", done = "response_agent", idle = "unclear" }

[node.cancel_all]
on.cancelled = { to = "unclear", reply = "root.cancelled", action = "cancelled" }

[node.general]
[node.unclear]
say = "root.unclear"
action = "clarification_needed"

[node.response_agent]
"#;

pub(super) const AUTHENTICATOR: &str = r#"[graph]
name = "authenticator"
version = 2
entry = "collect_phone"

[node.collect_phone]
on = { ready = "send_otp", missing = "ask_phone", invalid = { to = "ask_phone", reply = "auth.invalid_phone", action = "invalid_value" } }

[node.ask_phone]
ask = "phone"
reply = "auth.ask_phone"
action = "phone_requested"
on = { answered = "collect_phone" }

[node.send_otp]
on = { sent = "ask_otp", limited = "refuse", undeliverable = "ask_phone" }

[node.ask_otp]
ask = "otp"
reply = "auth.ask_otp"
action = "otp_sent"
on = { answered = "verify_otp", correct = "collect_phone" }

[node.verify_otp]
on = { accepted = "find_user", rejected = { to = "ask_otp", reply = "auth.wrong_code", action = "otp_invalid" }, locked = { to = "refuse", reply = "auth.locked", action = "account_locked" } }

[node.find_user]
on = { found = "create_session", new = "ask_name" }

[node.ask_name]
ask = "name"
reply = "auth.ask_name"
action = "name_requested"
on = { answered = "create_user" }

[node.create_user]
on = { created = "create_session" }

[node.create_session]
on = { created = "greet", refused = { to = "refuse", reply = "auth.refused", action = "account_locked" } }

[node.greet]
on = { greeted = "welcome" }

[node.welcome]
say = "auth.welcome"
action = "login_successful"

[node.refuse]
say = "auth.limited"
action = "otp_send_limited"
"#;

pub(super) fn offered() -> Catalog {
    catalog(HANDLERS, REPLIES)
}

pub(super) fn pair() -> GraphSet {
    load(&sources(&[("authenticator.toml", AUTHENTICATOR), ("orchestrator.toml", ORCHESTRATOR)]), &offered())
        .unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn the_pair_loads() {
    let set = pair();
    assert_eq!(set.root().name, "orchestrator");
    assert_eq!(set.graphs().map(|g| g.name.as_str()).collect::<Vec<_>>(), ["orchestrator", "authenticator"]);
    assert_eq!(set.graph("authenticator").unwrap().version, 2);
    assert_eq!(set.graph("orchestrator"), Some(set.root()));
    assert!(set.graph("general").is_none());
}

#[test]
fn a_conversation_can_be_walked() {
    let set = pair();
    let graph = set.graph("authenticator").unwrap();
    let entry = graph.node(graph.entry).unwrap();
    assert_eq!((entry.name.as_str(), &entry.kind), ("collect_phone", &Kind::Handler("collect_phone")));
    let invalid = entry.edge("invalid").unwrap();
    let own_words = Say { reply: "auth.invalid_phone".into(), action: Action::InvalidValue };
    assert_eq!(invalid.say, Some(own_words));
    assert_eq!(entry.edge("missing").unwrap().say, None);
    let say = Say { reply: "auth.ask_phone".into(), action: Action::PhoneRequested };
    let asks = Kind::Ask { slot: Slot::Phone, say, keep: None, meanwhile: Meanwhile::Queue, silence: None };
    assert_eq!(graph.node(invalid.to).unwrap().kind, asks);
    assert!(entry.edge("nonsense").is_none());
    assert_eq!(graph.find("ask_phone"), Some(invalid.to));
    assert_eq!(graph.find("nowhere"), None);
    let agent = set.root().find("authenticator").and_then(|ix| set.root().node(ix)).unwrap();
    assert_eq!(agent.kind, Kind::Agent("authenticator".into()));
}

#[test]
fn every_reply_and_every_edge_is_listed() {
    let set = pair();
    let mut replies = REPLIES.to_vec();
    replies.sort_unstable();
    assert_eq!(set.reply_keys().into_iter().collect::<Vec<_>>(), replies);
    let edges = set.edges();
    assert_eq!(edges.len(), 11 + 19);
    let id = |graph: &str, from: &str, outcome: &str| EdgeId {
        graph: graph.into(),
        from: from.into(),
        outcome: outcome.into(),
    };
    assert_eq!(edges[0], id("orchestrator", "classify", "authenticate"));
    assert_eq!(edges[10], id("orchestrator", "cancel_all", "cancelled"));
    assert_eq!(edges[11], id("authenticator", "collect_phone", "ready"));
}

#[test]
fn the_order_of_the_files_does_not_matter() {
    let texts = [("orchestrator.toml", ORCHESTRATOR), ("authenticator.toml", AUTHENTICATOR)];
    assert_eq!(load(&sources(&texts), &offered()), Ok(pair()));
}

#[test]
fn one_wrong_edge_opens_the_gate_and_the_path_is_printed() {
    let leaky = AUTHENTICATOR.replace("locked = { to = \"refuse\"", "locked = { to = \"ask_name\"");
    let texts = [("orchestrator.toml", ORCHESTRATOR), ("authenticator.toml", leaky.as_str())];
    let found = load(&sources(&texts), &offered()).unwrap_err().to_string();
    let way = "orchestrator.classify —authenticate→ authenticator.collect_phone —ready→ authenticator.send_otp \
               —sent→ authenticator.ask_otp —answered→ authenticator.verify_otp —locked→ authenticator.ask_name \
               —answered→ authenticator.create_user";
    let needs = "needs code_verified, and nothing on this path grants it";
    assert_eq!(
        found.lines().collect::<Vec<_>>(),
        [
            format!("authenticator.toml:36:7: {way} {needs}"),
            format!("authenticator.toml:39:7: {way} —created→ authenticator.create_session {needs}"),
        ]
    );
}
