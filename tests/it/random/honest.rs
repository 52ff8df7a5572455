//! The rules themselves: histories that break each of them are refused by the same code that judges the walks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::ledger::{Asked, CODE_LIFE, Heard, Issued, Ledger, Presented, SECOND, Told};
use super::rows::{Change, Fields, Rows};
use super::rules::{self, Broken, FORM, Happened};

const ANNA: &str = "usr_anna";
const BEN: &str = "usr_ben";

fn fields(value: &Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn change(table: &str, old: Option<&Value>, new: Option<&Value>) -> Change {
    Change { table: table.to_owned(), old: old.map(fields), new: new.map(fields) }
}

fn user(id: &str, phone: &str) -> Value {
    json!({ "id": id, "phone": phone, "email": null, "email_verified_at": null, "version": 1 })
}

/// Anna and Ben have accounts; there is a device, with a conversation, a live code to Anna's number, and sessions of both.
fn rows() -> Rows {
    let mut rows = Rows::default();
    let session = |id: &str, user: &str, hash: &str| {
        json!({
            "id": id, "user_id": user, "device_id": "dev_1", "token_hash": hash, "revoked_at": null,
            "revoked_message": null, "expires_at": 900, "absolute_expires_at": 900,
        })
    };
    for (table, row) in [
        ("users", user(ANNA, "+14155550001")),
        ("users", user(BEN, "+14155550002")),
        (
            "devices",
            json!({ "id": "dev_1", "user_id": null, "token_hash": "d1", "old_token_hash": "d0", "old_token_message": "m-0" }),
        ),
        ("conversations", json!({ "id": "cnv_1", "owner": "dev_1" })),
        ("conversations", json!({ "id": "cnv_2", "owner": BEN })),
        (
            "challenges",
            json!({ "id": "chl_1", "conversation_id": "cnv_1", "status": "live", "attempts": 0, "max_attempts": 3 }),
        ),
        ("sessions", session("ses_new", ANNA, "s1")),
        ("sessions", session("ses_ben", BEN, "s2")),
        ("spent_tokens", json!({ "hash": "s0", "session_id": "ses_new", "spent_at": -60 * SECOND })),
    ] {
        rows.apply(&change(table, None, Some(&row)));
    }
    rows
}

fn ledger() -> Ledger {
    let issued = Issued {
        contact: "+14155550001".into(),
        code: "482913".into(),
        challenge: "chl_1".into(),
        conversation: "cnv_1".into(),
        device: "dev_1".into(),
        at: 0,
        signs_in: true,
    };
    let mut ledger = Ledger::default();
    ledger.issued.push(issued);
    ledger
}

fn says(text: &str) -> Asked {
    let presented = Presented { device: Some("dev_1".into()), ..Presented::default() };
    Asked { presented, message_id: "m-1".into(), text: text.to_owned(), ..Asked::default() }
}

fn told(authenticated: bool, session: Option<(&str, &str)>) -> Told {
    Told {
        conversation: "cnv_1".into(),
        action: "login_successful".into(),
        response: json!({ "data": {}, "context": { "authenticated": authenticated } }),
        session: session.map(|(id, user)| (id.to_owned(), user.to_owned())),
    }
}

/// The whole judgement of one message at a time.
fn judge(
    ledger: &mut Ledger,
    now: i64,
    (asked, heard): (Asked, Heard),
    changes: &[Change],
) -> Result<(), Broken> {
    let before = rows();
    let mut after = before.clone();
    after.apply_all(changes);
    let spoken = [(asked, heard)];
    rules::judge(&Happened { now, spoken: &spoken, before: &before, after: &after, changes }, ledger)
}

fn rule_of(judged: Result<(), Broken>) -> &'static str {
    judged.err().map_or("none", |broken| broken.rule)
}

const SIGNED_IN: &str = "signed in by a code or a live session alone";

#[test]
fn nobody_is_signed_in_without_a_code_of_theirs() {
    let session = || Heard::Told(told(true, Some(("ses_new", ANNA))));
    let of = |now, text: &str, heard| rule_of(judge(&mut ledger(), now, (says(text), heard), &[]));
    assert_eq!(of(1, "my code is 482 913", session()), "none");
    assert_eq!(of(1, "482914", session()), SIGNED_IN);
    assert_eq!(of(CODE_LIFE, "482913", session()), SIGNED_IN);
    // Anna's code opens Anna's account alone.
    let other = Heard::Told(told(true, Some(("ses_ben", BEN))));
    assert_eq!(of(1, "482913", other), SIGNED_IN);
    // Without a session nobody is told that they are signed in.
    assert_eq!(of(1, "482913", Heard::Told(told(true, None))), SIGNED_IN);
    assert_eq!(of(1, "482913", Heard::Told(told(false, None))), "none");
    // It stands for a while, as at the question for a name, and opens one session.
    let mut ledger = ledger();
    let mut judge = |id: &str, now, text: &str, heard| {
        let asked = Asked { message_id: id.to_owned(), ..says(text) };
        rule_of(judge(&mut ledger, now, (asked, heard), &[]))
    };
    assert_eq!(judge("m-1", 1, "482913", Heard::Told(told(false, None))), "none");
    assert_eq!(judge("m-2", CODE_LIFE + 1, "Anna", session()), SIGNED_IN);
    assert_eq!(judge("m-3", CODE_LIFE, "Anna", session()), "none");
    assert_eq!(judge("m-4", CODE_LIFE, "Anna", session()), SIGNED_IN);
    // A repeat brings the session that it brought before, and no other.
    assert_eq!(judge("m-3", CODE_LIFE, "Anna", session()), "none");
    let other = Heard::Told(told(true, Some(("ses_ben", BEN))));
    assert_eq!(judge("m-3", CODE_LIFE, "Anna", other), SIGNED_IN);
}

#[test]
fn what_is_sent_twice_at_once_proves_what_is_sent_once() {
    let both = |one: &str, other: &str| {
        let heard = |user| Heard::Told(told(true, Some(("ses_new", user))));
        let spoken = [(says("482913"), heard(one)), (says("482913"), heard(other))];
        let (before, after) = (&rows(), &rows());
        let happened = Happened { now: 1, spoken: &spoken, before, after, changes: &[] };
        let mut ledger = ledger();
        (rule_of(rules::judge(&happened, &mut ledger)), ledger)
    };
    assert_eq!(both(ANNA, BEN).0, SIGNED_IN);
    let (judged, mut ledger) = both(ANNA, ANNA);
    assert_eq!(judged, "none");
    // The code opened one session, and opens no other.
    let again = Asked { message_id: "m-2".into(), ..says("482913") };
    let heard = Heard::Told(told(true, Some(("ses_new", ANNA))));
    assert_eq!(rule_of(judge(&mut ledger, CODE_LIFE, (again, heard), &[])), SIGNED_IN);
}

#[test]
fn a_code_of_another_place_counts_nothing() {
    let elsewhere = Told { conversation: "cnv_9".into(), ..told(true, Some(("ses_new", ANNA))) };
    let judged = judge(&mut ledger(), 1, (says("482913"), Heard::Told(elsewhere)), &[]);
    assert_eq!(rule_of(judged), SIGNED_IN);
    let mut stranger = says("482913");
    stranger.presented.device = Some("dev_2".into());
    let heard = Heard::Told(told(true, Some(("ses_new", ANNA))));
    assert_eq!(rule_of(judge(&mut ledger(), 1, (stranger, heard), &[])), SIGNED_IN);
}

#[test]
fn a_row_of_somebody_else_is_not_touched() {
    const RULE: &str = "nobody else's rows change";
    let of = |changes: &[Change]| {
        rule_of(judge(&mut ledger(), 1, (says("hello"), Heard::Told(told(false, None))), changes))
    };
    let renamed = json!({ "id": BEN, "phone": "+14155550002", "full_name": "Mallory" });
    assert_eq!(of(&[change("users", Some(&user(BEN, "+14155550002")), Some(&renamed))]), RULE);
    assert_eq!(
        of(&[change("messages", None, Some(&json!({ "id": "msg_1", "conversation_id": "cnv_2" })))]),
        RULE
    );
    assert_eq!(of(&[change("sessions", Some(&json!({ "id": "ses_ben", "user_id": BEN })), None)]), RULE);
    // A table that nobody has heard of yet.
    assert_eq!(of(&[change("notes", None, Some(&json!({ "owner": BEN })))]), RULE);
    assert_eq!(of(&[change("notes", None, Some(&json!({ "owner": "dev_1" })))]), "none");
    assert_eq!(
        of(&[change("messages", None, Some(&json!({ "id": "msg_1", "conversation_id": "cnv_1" })))]),
        "none"
    );
    // A copied token ends what its account had on the device, and nothing of anybody else's.
    let trust = |user: &str| change("trusts", None, Some(&json!({ "user_id": user, "device_id": "dev_1" })));
    assert_eq!(of(&[trust(ANNA)]), RULE);
    let copied = |changes: &[Change]| {
        let presented = rules::presented(&rows(), (Some("d1"), Some("s0")), 1);
        let asked = Asked { presented, ..says("hello") };
        rule_of(judge(&mut ledger(), 1, (asked, Heard::Refused("unauthorized")), changes))
    };
    assert_eq!((copied(&[trust(ANNA)]), copied(&[trust(BEN)])), ("none", RULE));
    // A number's budget is nobody's.
    assert_eq!(of(&[change("counters", None, Some(&json!({ "name": "sends", "subject": "00" })))]), "none");
}

#[test]
fn faults_and_refusals_that_are_not_due_are_told() {
    const DUE: &str = "answers and refusals are due";
    let of = |asked, heard| rule_of(judge(&mut ledger(), 1, (asked, heard), &[]));
    assert_eq!(of(says("hi"), Heard::Fault("it broke".into())), "no fault");
    let broken = Told { action: "internal_error".into(), ..told(false, None) };
    assert_eq!(of(says("hi"), Heard::Told(broken)), "no fault");
    for name in ["unauthorized", "not found", "conflict", "invalid"] {
        assert_eq!(of(says("hi"), Heard::Refused(name)), DUE);
    }
    assert_eq!(of(says(" \n"), Heard::Refused("invalid")), "none");
    assert_eq!(of(says(" \n"), Heard::Told(told(false, None))), DUE);
    let foreign = Asked { conversation: Some("cnv_2".into()), ..says("hi") };
    assert_eq!(of(foreign.clone(), Heard::Told(told(false, None))), DUE);
    assert_eq!(of(foreign, Heard::Refused("not found")), "none");
    // The same message is answered alike, and another of its name is refused.
    let mut ledger = ledger();
    ledger.note_answer(&says("hi"), &told(false, None), 0);
    let mut of = |text: &str, heard| rule_of(judge(&mut ledger, 1, (says(text), heard), &[]));
    assert_eq!(of("hi", Heard::Told(told(false, None))), "none");
    assert_eq!(of("hi", Heard::Told(Told { response: json!({}), ..told(false, None) })), DUE);
    assert_eq!(of("ho", Heard::Told(told(false, None))), DUE);
    assert_eq!(of("ho", Heard::Refused("conflict")), "none");
}

#[test]
fn tokens_are_read_by_the_rows() {
    let read = |device, session| rules::presented(&rows(), (device, session), 1);
    assert_eq!(read(Some("d1"), None).owner(), Some("dev_1"));
    assert_eq!(read(Some("d0"), None).repeats_only.as_deref(), Some("m-0"));
    assert_eq!(read(Some("d1"), Some("s1")).owner(), Some(ANNA));
    assert!(read(Some("d2"), None).worthless && read(None, Some("s9")).worthless);
    assert!(read(Some("d0"), Some("s1")).worthless);
    let ended = rules::presented(&rows(), (None, Some("s2")), 900);
    assert!(ended.worthless && ended.owner().is_none());
    assert_eq!(ended.copied, None);
    // An exchanged token that comes back later than a slow client's would is a copy.
    let of = |now| rules::presented(&rows(), (Some("d1"), Some("s0")), now);
    assert_eq!((of(-1).owner(), of(-1).copied), (Some(ANNA), None));
    assert!(of(0).worthless);
    assert_eq!(of(0).copied.as_deref(), Some(ANNA));
}

#[test]
fn what_is_kept_holds_no_code_and_no_number() {
    let codes = BTreeSet::from(["482913".to_owned()]);
    let numbers = ["4155550001".to_owned()];
    let keeps = |table: &str, text: &str| {
        let row = change(table, None, Some(&json!({ "content": text })));
        rule_of(rules::nothing_secret_is_kept(&row, (&codes, &numbers)))
    };
    for text in ["482913", "it is 482 913", "４８２９１３", "call +1 (415) 555-0001"] {
        assert_eq!(keeps("messages", text), "nothing secret is kept", "{text}");
        assert_eq!(keeps("notes", text), "nothing secret is kept", "{text}");
    }
    assert_eq!(keeps("messages", "••••••0001, 482914, 2026-01-15T10:00:00.000001Z"), "none");
    assert_eq!(keeps("users", "+14155550001"), "none");
    // What was drawn or sealed may hold the digits of a code by chance.
    assert_eq!(keeps("messages", "chl_01KF0000ZZ482913ABCDEFGHJK"), "none");
    assert_eq!(keeps("messages", "chl_01KF 482913"), "nothing secret is kept");
    assert_eq!(keeps("outbox", "\\xab482913cd"), "none");
}

#[test]
fn a_state_that_could_not_have_come_about_is_told() {
    let asks = BTreeMap::from([(("authenticator".to_owned(), "ask_otp".to_owned()), "otp")]);
    let state = |(v, aside): (u64, usize), node: &str, otp: Value, verified: bool| {
        let progress = json!({ "otp_code": otp, "session_token": null, "otp_verified": verified, "phone_collected": false });
        let frames = json!([{ "graph": "authenticator", "node": node }]);
        let left = json!({ "work": { "frames": frames }, "reply": "auth.ask_otp" });
        let aside = vec![left; aside];
        let text = json!({ "v": v, "frames": frames, "set_aside": aside, "progress": progress }).to_string();
        rule_of(rules::state_reads(&fields(&json!({ "state": text })), &asks))
    };
    assert_eq!(state((FORM, 3), "ask_otp", Value::Null, false), "none");
    for broken in [
        state((FORM + 1, 0), "ask_otp", Value::Null, false),
        state((FORM, 4), "ask_otp", Value::Null, false),
        state((FORM, 0), "send_otp", Value::Null, false),
        state((FORM, 0), "ask_otp", json!("482913"), false),
        state((FORM, 0), "ask_otp", Value::Null, true),
        rule_of(rules::state_reads(&fields(&json!({ "state": "{" })), &asks)),
    ] {
        assert_eq!(broken, "the state reads");
    }
}
