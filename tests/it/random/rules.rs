//! What must hold after every message, told by the rows and the answer alone.
//!
//! The rules know no engine: what happened comes as data, so that an invented history can be put before them as well.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::ledger::{Asked, Heard, Ledger, Presented, SECOND, Told, digit};
use super::rows::{BYTES, Change, Fields, Rows, number, text};

/// Longest message that is taken, in characters.
const LONGEST: usize = 4_000;
/// How many questions wait behind the one that is asked.
pub(super) const MOST_SET_ASIDE: usize = 3;
/// The form that states are written in.
pub(super) const FORM: u64 = 2;
/// Whoever signed out in the chat may hear the answer again for so long, and an exchanged token is taken for so long.
const ENDED_REPEATS: i64 = 10 * 60 * SECOND;
const EXCHANGED_TAKEN: i64 = 60 * SECOND;

/// A rule that was broken: which, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) rule: &'static str,
    pub(super) how: String,
}

pub(super) fn broken<T>(rule: &'static str, how: impl Into<String>) -> Result<T, Broken> {
    Err(Broken { rule, how: how.into() })
}

/// Messages that were sent at once, what came of each, and what changed meanwhile.
pub(super) struct Happened<'a> {
    pub(super) now: i64,
    pub(super) spoken: &'a [(Asked, Heard)],
    pub(super) before: &'a Rows,
    pub(super) after: &'a Rows,
    pub(super) changes: &'a [Change],
}

/// What is to come of a message.
#[derive(Debug, PartialEq)]
enum Due<'a> {
    Answer,
    Again(&'a Told),
    Refusal(&'static str),
}

/// Whose these tokens are, by the rows: the hashes of a device's token and of a session's.
pub(super) fn presented(rows: &Rows, (device, session): (Option<&str>, Option<&str>), now: i64) -> Presented {
    let mut found = Presented::default();
    if let Some(hash) = device {
        let has = |column: &str| rows.of("devices").find(|row| text(row, column) == Some(hash));
        let (row, is_old) = has("token_hash").map_or((has("old_token_hash"), true), |row| (Some(row), false));
        found.device = row.and_then(|row| text(row, "id")).map(str::to_owned);
        found.repeats_only =
            row.filter(|_| is_old).and_then(|row| text(row, "old_token_message")).map(Into::into);
        found.worthless = row.is_none() || (is_old && found.repeats_only.is_none());
    }
    let Some(hash) = session else { return found };
    let current = rows.of("sessions").find(|row| text(row, "token_hash") == Some(hash));
    let exchanged = rows.row(hash).filter(|row| row.contains_key("spent_at"));
    let row = current.or_else(|| rows.row(text(exchanged?, "session_id")?));
    let Some(row) = row else {
        found.worthless = true;
        return found;
    };
    let user = text(row, "user_id").map(str::to_owned);
    let ended = number(row, "revoked_at");
    let is_over = number(row, "expires_at") <= Some(now) || number(row, "absolute_expires_at") <= Some(now);
    let copied =
        exchanged.and_then(|row| number(row, "spent_at")).is_some_and(|at| now >= at + EXCHANGED_TAKEN);
    let said_bye = text(row, "revoked_message").filter(|_| ended.is_some_and(|at| now < at + ENDED_REPEATS));
    let contradicts = device.is_some() && (found.device.as_deref() != text(row, "device_id"));
    let is_dead = (ended.is_some() || is_over) && said_bye.is_none() || copied && ended.is_none();
    if contradicts || is_dead || found.repeats_only.is_some() || found.worthless {
        found.worthless = true;
    } else {
        found.repeats_only = said_bye.map(str::to_owned);
        found.device = text(row, "device_id").map(str::to_owned);
        found.user.clone_from(&user);
    }
    if copied && ended.is_none() && !is_over {
        found.copied = user;
    }
    found
}

fn due<'a>(asked: &Asked, ledger: &'a Ledger, before: &Rows, now: i64) -> Due<'a> {
    let Presented { repeats_only, worthless, .. } = &asked.presented;
    let Some(owner) = asked.presented.owner().filter(|_| !worthless) else {
        return Due::Refusal("unauthorized");
    };
    let is_visible = |c: char| !c.is_control() && !c.is_whitespace();
    if asked.text.chars().count() > LONGEST || !asked.text.chars().any(is_visible) {
        return Due::Refusal("invalid");
    }
    if repeats_only.as_ref().is_some_and(|only| *only != asked.message_id) {
        return Due::Refusal("unauthorized");
    }
    match ledger.earlier(asked, now) {
        Some((true, told)) => return Due::Again(told),
        Some((false, _)) => return Due::Refusal("conflict"),
        None if repeats_only.is_some() => return Due::Refusal("unauthorized"),
        None => {}
    }
    let named = asked.conversation.as_ref().map(|id| before.row(id).and_then(|row| text(row, "owner")));
    if named.is_some_and(|of| of != Some(owner)) { Due::Refusal("not found") } else { Due::Answer }
}

/// Judges what happened, and notes in the ledger what it proves.
pub(super) fn judge(happened: &Happened<'_>, ledger: &mut Ledger) -> Result<(), Broken> {
    answered_as_due(happened, ledger)?;
    let told = told(happened);
    for (asked, told) in &told {
        // What is said again is not given again.
        if ledger.earlier(asked, happened.now).is_none() {
            ledger.note_given((asked, &told.conversation), happened.before, happened.now);
        }
    }
    nobody_unproved_is_signed_in(happened, ledger)?;
    nobody_else_is_touched(happened, ledger)?;
    for (asked, told) in told {
        ledger.note_answer(asked, told, happened.now);
    }
    Ok(())
}

/// Each message that was answered, once: what is sent twice at once proves no more than what is sent once.
fn told<'a>(happened: &Happened<'a>) -> Vec<(&'a Asked, &'a Told)> {
    let mut told: Vec<(&Asked, &Told)> = Vec::new();
    for (asked, heard) in happened.spoken {
        if let (Heard::Told(answer), false) =
            (heard, told.iter().any(|(known, _)| known.key() == asked.key()))
        {
            told.push((asked, answer));
        }
    }
    told
}

/// No fault, and no refusal but one that is due; what is said again is answered again.
fn answered_as_due(happened: &Happened<'_>, ledger: &Ledger) -> Result<(), Broken> {
    let alone = happened.spoken.len() == 1;
    for (asked, heard) in happened.spoken {
        let due = due(asked, ledger, happened.before, happened.now);
        let is_right = match (heard, &due) {
            (Heard::Fault(what), _) => return broken("no fault", what),
            (Heard::Told(told), _) if told.action == "internal_error" => {
                return broken("no fault", told.response.to_string());
            }
            (Heard::Told(told), Due::Again(before)) => {
                (&told.conversation, &told.response) == (&before.conversation, &before.response)
            }
            (Heard::Told(_), Due::Answer) => true,
            (Heard::Refused(name), Due::Refusal(due)) => name == due,
            // Of two at once the other may have ended the session, or have said the same.
            (Heard::Refused("conflict" | "unauthorized"), Due::Answer | Due::Again(_)) => !alone,
            _ => false,
        };
        if !is_right {
            return broken("answers and refusals are due", format!("due: {due:?}, got: {heard:?}"));
        }
    }
    Ok(())
}

/// Nobody is told that they are signed in but whoever presented a live session, or gave back a code of that account in
/// this conversation in its life; and each such code opens one session.
fn nobody_unproved_is_signed_in(happened: &Happened<'_>, ledger: &mut Ledger) -> Result<(), Broken> {
    const RULE: &str = "signed in by a code or a live session alone";
    let firsts = told(happened);
    for (asked, heard) in happened.spoken {
        let Heard::Told(told) = heard else { continue };
        let first =
            firsts.iter().find(|(first, answer)| first.key() == asked.key() && !std::ptr::eq(*answer, told));
        let before = ledger.earlier(asked, happened.now).map(|(_, before)| before.clone());
        if let Some(before) = before.or_else(|| first.map(|(_, answer)| (*answer).clone())) {
            if told.session.is_some() && told.session != before.session {
                return broken(RULE, "a repeat brought another session");
            }
            continue;
        }
        let device = asked.presented.device.clone().unwrap_or_default();
        let mut own = asked.presented.user.clone();
        if let Some((session, user)) = &told.session {
            let row = happened.after.row(session);
            let is_theirs = row.is_some_and(|row| {
                text(row, "user_id") == Some(user) && text(row, "device_id") == Some(&device)
            });
            let place = (told.conversation.as_str(), device.as_str(), user.as_str());
            if !is_theirs || !ledger.take_proof(place, happened.after, happened.now) {
                return broken(RULE, format!("a session for {user} without a code: {told:?}"));
            }
            own = Some(user.clone());
        }
        let Value::Object(response) = &told.response else { return broken(RULE, "an answer that is none") };
        if response["context"]["authenticated"] == true && own.is_none() {
            return broken(RULE, format!("authenticated without a proof: {told:?}"));
        }
        let named = response["data"].get("user_id").and_then(Value::as_str);
        if named.is_some_and(|named| own.as_deref() != Some(named)) {
            return broken(RULE, format!("another account is named: {told:?}"));
        }
    }
    Ok(())
}

/// Whose rows a message may change.
fn reached(happened: &Happened<'_>, ledger: &Ledger) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    for (asked, heard) in happened.spoken.iter().filter(|(asked, _)| !asked.presented.worthless) {
        reached.extend(asked.presented.device.iter().chain(&asked.presented.user).cloned());
        if let (Heard::Told(told), Some(device)) = (heard, &asked.presented.device) {
            for rows in [happened.before, happened.after] {
                reached.extend(ledger.proved((&told.conversation, device), rows, happened.now));
            }
        }
    }
    reached
}

/// A message changes no row of somebody else's, but for what is said here.
pub(super) fn nobody_else_is_touched(happened: &Happened<'_>, ledger: &Ledger) -> Result<(), Broken> {
    let reached = reached(happened, ledger);
    for change in happened.changes {
        let concerned = happened.after.concerned(change);
        if concerned.iter().any(|id| !reached.contains(id)) && !is_declared(happened, &reached, change) {
            let what = format!("{concerned:?} of {reached:?}: {change:?}");
            return broken("nobody else's rows change", what);
        }
    }
    Ok(())
}

fn is_declared(happened: &Happened<'_>, reached: &BTreeSet<String>, change: &Change) -> bool {
    let Some(fields) = change.new.as_ref().or(change.old.as_ref()) else { return false };
    let table = change.table.as_str();
    let is_of = |column: &str| text(fields, column).is_some_and(|id| reached.contains(id));
    let copied = || happened.spoken.iter().filter_map(|(asked, _)| asked.presented.copied.as_ref());
    let noted = ["audit", "revocations", "sessions", "spent_tokens"].contains(&table);
    let warned = ["outbox", "trusts"].contains(&table);
    match table {
        // Whose the device was before is told by its row; whoever holds its token now is not that account.
        "devices" if is_of("id") => true,
        // The account that a code is to prove is not proved by it yet.
        "challenges" => text(fields, "conversation_id").is_some_and(|id| is_owned(happened, reached, id)),
        // A token that was exchanged comes back: whoever kept a copy ends what it was for, and its owner is told.
        _ if (noted || warned)
            && copied().any(|user| happened.after.concerned(change) == [user.clone()].into()) =>
        {
            true
        }
        // A sign-in ends what somebody else had left open on this device.
        _ if noted => {
            let signed_in =
                |(_, heard): &(Asked, Heard)| matches!(heard, Heard::Told(told) if told.session.is_some());
            let id = ["session_id", "subject", "id"].iter().find_map(|column| text(fields, column));
            let session = id.and_then(|id| happened.after.row(id));
            let device = session.and_then(|row| text(row, "device_id"));
            happened.spoken.iter().any(signed_in) && device.is_some_and(|device| reached.contains(device))
        }
        _ => false,
    }
}

fn is_owned(happened: &Happened<'_>, reached: &BTreeSet<String>, conversation: &str) -> bool {
    let owner = happened.after.row(conversation).and_then(|row| text(row, "owner"));
    owner.is_some_and(|owner| reached.contains(owner))
}

/// What is kept of what was said, and of answers, holds no code and no whole number.
pub(super) fn nothing_secret_is_kept(
    change: &Change,
    (codes, numbers): (&BTreeSet<String>, &[String]),
) -> Result<(), Broken> {
    // Contacts are kept where they belong, and what people name their things is theirs.
    if ["users", "devices", "device_data"].contains(&change.table.as_str()) {
        return Ok(());
    }
    for (column, value) in change.new.iter().flatten() {
        let Some(kept) = value.as_str().filter(|kept| !kept.starts_with(BYTES)) else { continue };
        if let Some(secret) = secret(&without_ids(kept), codes, numbers) {
            return broken(
                "nothing secret is kept",
                format!("{secret} in {}.{column}: {kept}", change.table),
            );
        }
    }
    Ok(())
}

/// A text without the ids in it: their letters and digits are drawn, and now and then are those of a code.
fn without_ids(kept: &str) -> String {
    let (mut plain, mut rest) = (String::new(), kept);
    while let Some(at) = rest.find('_') {
        let (before, after) = rest.split_at(at + 1);
        plain.push_str(before);
        let drawn = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
        rest = if drawn == 26 { &after[drawn..] } else { after };
    }
    plain + rest
}

fn secret(kept: &str, codes: &BTreeSet<String>, numbers: &[String]) -> Option<String> {
    let (mut run, mut all, mut runs) = (String::new(), String::new(), Vec::new());
    for c in kept.chars().chain(['.']) {
        if let Some(digit) = digit(c) {
            run.push(digit);
            all.push(digit);
            continue;
        }
        runs.push(std::mem::take(&mut run));
        if !matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '\u{a0}') || c == '.' && all.len() > 40 {
            runs.push(std::mem::take(&mut all));
        }
    }
    runs.push(all);
    let held = |number: &&String| runs.iter().any(|run| run.contains(number.as_str()));
    let code = runs.iter().find(|run| codes.contains(*run)).cloned();
    code.or_else(|| numbers.iter().find(held).cloned())
}

/// A conversation's state reads as one that came about step by step: known questions, and no secret in the record.
pub(super) fn state_reads(row: &Fields, asks: &BTreeMap<(String, String), &str>) -> Result<(), Broken> {
    const RULE: &str = "the state reads";
    let state: Value = match serde_json::from_str(text(row, "state").unwrap_or_default()) {
        Ok(state) => state,
        Err(e) => return broken(RULE, e.to_string()),
    };
    let Some(frames) = state["frames"].as_array() else { return broken(RULE, "there are no frames") };
    let known = |frame: &Value| {
        let name = |key: &str| frame[key].as_str().unwrap_or_default().to_owned();
        asks.contains_key(&(name("graph"), name("node")))
    };
    // What was set aside is as whole as what is worked on.
    let aside = state["set_aside"].as_array().map(Vec::as_slice).unwrap_or_default();
    let left = |left: &Value| left["work"]["frames"].as_array().and_then(|f| f.last()).is_some_and(known);
    let progress = &state["progress"];
    let is_whole = state["v"] == FORM
        && frames.last().is_none_or(known)
        && aside.len() <= MOST_SET_ASIDE
        && aside.iter().all(left)
        && progress["otp_code"].is_null()
        && progress["session_token"].is_null()
        && (progress["otp_verified"] == false || progress["phone_collected"] == true);
    if is_whole { Ok(()) } else { broken(RULE, state.to_string()) }
}
