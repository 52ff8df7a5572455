//! A conversation as the lines of a scenario.

use jiff::{SignedDuration, SignedDurationRound, Timestamp, Unit};
use serde_json::Value;

use super::answer::answer;
use super::standin::StandIns;
use super::story::{Account, Device, Story, Turn};
use crate::model::Phone;
use crate::store::outbox::{Effect, EffectStatus};

/// How long an account is made before the conversation, where nothing hangs on it.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);
/// The name of whose name nothing is known.
const NOBODY: &str = "Somebody Else";
/// How long codes for one number are apart.
const APART: SignedDuration = SignedDuration::from_secs(61);
/// What comes later than this after its message comes by itself.
const SOON: SignedDuration = SignedDuration::from_secs(5);

/// How a draft is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner<'a> {
    pub(super) title: &'a str,
    pub(super) settings: &'a [(String, String)],
    /// Which spelling of each message.
    pub(super) chosen: &'a [usize],
    /// Whether times are kept to the microsecond, or to the second.
    pub(super) is_exact: bool,
    /// The replies by the order of their messages, where they are known by now.
    pub(super) replies: &'a [String],
}

/// Lines, and which message each belongs to.
#[derive(Debug, Default)]
pub(super) struct Draft {
    lines: Vec<String>,
    of: Vec<Option<usize>>,
    /// The message that lines are of.
    turn: Option<usize>,
    messages: usize,
    passed: SignedDuration,
}

impl Draft {
    /// Writes a conversation.
    pub(super) fn write(story: &Story, standins: &mut StandIns, manner: Manner<'_>) -> Self {
        let mut draft = Self::default();
        draft.line(&format!("# {}", manner.title));
        draft.line("");
        draft.line(
            "Captured. Numbers, addresses, names and words that are not the product's own are stand-ins.",
        );
        draft.line("");
        let others = others(story);
        let taken = taken(story, standins);
        let names = (0..others + usize::from(taken.is_some())).map(actor);
        let actors: Vec<String> = std::iter::once("person".to_owned()).chain(names).collect();
        for name in &actors {
            draft.line(&format!("actor {name}"));
        }
        for (name, value) in manner.settings {
            draft.line(&format!("config {name}={value}"));
        }
        draft.line("");
        let own = own_phone(story, standins);
        if let Some(phone) = &taken {
            draft.register(&format!("@{} ", actor(others)), (phone, NOBODY));
        }
        if let (Some(account), Some(phone)) = (&story.account, own) {
            draft.before(account, (&phone, others), standins);
        }
        draft.passed = SignedDuration::ZERO;
        let begun = story.turns.first().map_or(Timestamp::UNIX_EPOCH, |turn| turn.at);
        for (at, turn) in story.turns.iter().enumerate() {
            draft.turn = Some(at);
            draft.until(turn.at.duration_since(begun), manner.is_exact);
            draft.turn(turn, standins, (at, manner));
            draft.late(turn, (begun, manner.is_exact));
        }
        draft
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        self.lines.iter().fold(String::new(), |text, line| text + line + "\n")
    }

    /// The message that a line, from 1, belongs to; none where it is of what went before.
    pub(super) fn turn_of(&self, line: usize) -> Option<usize> {
        self.of.get(line.checked_sub(1)?).copied().flatten()
    }

    /// A line, from 1.
    pub(super) fn at(&self, line: usize) -> &str {
        line.checked_sub(1).and_then(|at| self.lines.get(at)).map_or("", String::as_str)
    }

    fn line(&mut self, text: &str) {
        self.lines.push(text.to_owned());
        self.of.push(self.turn);
    }

    fn lines(&mut self, texts: &[&str]) {
        for text in texts {
            self.line(text);
        }
    }

    /// Lets time pass until so long after the conversation's beginning.
    fn until(&mut self, time: SignedDuration, is_exact: bool) {
        let second = SignedDurationRound::new().smallest(Unit::Second);
        let time = if is_exact { time } else { time.round(second).unwrap_or(time) };
        let left = time.saturating_sub(self.passed);
        if left.is_positive() {
            self.pass(left);
            self.passed = time;
        }
    }

    fn pass(&mut self, time: SignedDuration) {
        self.line(&format!("~ {time:#}"));
    }

    /// The sign-up of whoever had an account before, on the device that had it, and the sign-ins elsewhere.
    fn before(&mut self, account: &Account, (phone, others): (&Phone, usize), standins: &mut StandIns) {
        let name = account.name.as_deref().map_or_else(|| NOBODY.to_owned(), |name| standins.text(name));
        self.register("", (phone, &name));
        if let Some(first) = account.email {
            self.pass(APART);
            self.line(&format!("> change my email to {}", standins.email(first)));
            self.lines(&[
                "< identity.step_up",
                "! sms",
                "> {code}",
                "< identity.code_sent",
                "! mail",
                "> {code}",
            ]);
            self.lines(&["< identity.updated", "! sms"]);
        }
        for other in 0..others {
            self.pass(APART);
            let who = format!("@{} ", actor(other));
            self.line(&format!("{who}> log me in, my phone is {}", phone.e164()));
            self.lines(&["< auth.code_sent", "! sms"]);
            self.line(&format!("{who}> {{code}}"));
            self.line("< auth.welcome_back");
        }
        if others > 0 {
            self.line("@person");
        }
        if account.device != Device::SignedIn {
            self.line("& logout");
        }
        if account.device == Device::New {
            self.line("& device");
        }
        let age = if account.is_old { account.age } else { account.age.clamp(APART, A_DAY) };
        self.pass(age);
        self.line("");
    }

    fn register(&mut self, who: &str, (phone, name): (&Phone, &str)) {
        self.line(&format!("{who}> log me in, my phone is {}", phone.e164()));
        self.lines(&["< auth.code_sent", "! sms"]);
        self.line(&format!("{who}> {{code}}"));
        self.line("< auth.ask_name");
        self.line(&format!("{who}> {name}"));
        self.line("< auth.registered session=yes");
        if !who.is_empty() {
            self.line("@person");
        }
    }

    fn turn(&mut self, turn: &Turn, standins: &mut StandIns, (at, manner): (usize, Manner<'_>)) {
        for line in gathered(turn) {
            self.line(&line);
        }
        for effect in soon(turn) {
            if effect.status == EffectStatus::Uncertain {
                self.line("& hang");
            }
        }
        if let Some(code) = refusal(turn) {
            self.line(&format!("& refuse {code}"));
        }
        let spellings = standins.spellings(turn);
        let spelling = manner.chosen.get(at).and_then(|nth| spellings.get(*nth)).or(spellings.first());
        self.line(&format!("> {}", spelling.map_or("", |text| text.trim())));
        let reply = manner.replies.get(self.messages).filter(|reply| !reply.is_empty());
        self.messages += 1;
        self.line(&answer(turn, standins, reply.map(String::as_str)));
        let sent: Vec<&Effect> = soon(turn).filter(|effect| is_handed(effect)).collect();
        for effect in &sent {
            let to = turn.data("phone").filter(|_| effect.kind == "sms" && sent.len() == 1);
            let to = to.and_then(|masked| standins.number_of(masked));
            let to = to.map_or_else(String::new, |phone| format!(" to={}", phone.e164()));
            let verdict = match effect.status {
                EffectStatus::Uncertain => "unknown",
                _ if refusal(turn).is_some() => "refused",
                _ => "accepted",
            };
            self.line(&format!("! {}{to} template={} verdict={verdict}", channel(effect), effect.template));
        }
        if sent.is_empty() {
            self.line("! none");
        }
        let kinds: Vec<&str> = (turn.events.iter())
            .filter(|event| event.at.duration_since(turn.at) <= SOON)
            .map(|event| event.kind.as_str())
            .collect();
        if !kinds.is_empty() {
            self.line(&format!("= audit={}", kinds.join(",")));
        }
    }

    /// What left by itself until the next message.
    fn late(&mut self, turn: &Turn, (begun, is_exact): (Timestamp, bool)) {
        let late = turn.effects.iter().filter(|effect| effect.created_at.duration_since(turn.at) > SOON);
        for effect in late.filter(|effect| is_handed(effect)) {
            self.until(effect.created_at.duration_since(begun), is_exact);
            self.line(&format!("! {} template={}", channel(effect), effect.template));
        }
    }
}

fn soon(turn: &Turn) -> impl Iterator<Item = &Effect> {
    turn.effects.iter().filter(|effect| effect.created_at.duration_since(turn.at) <= SOON)
}

/// Whether a provider was given it.
fn is_handed(effect: &Effect) -> bool {
    ["sms", "email"].contains(&effect.kind.as_str())
}

fn channel(effect: &Effect) -> &'static str {
    if effect.kind == "email" { "mail" } else { "sms" }
}

/// The provider's reason for a refusal that came within the turn.
fn refusal(turn: &Turn) -> Option<&str> {
    let code = (turn.answer.action.as_str() == "otp_not_delivered").then(|| turn.data("reason")).flatten()?;
    let is_code = code.len() < 20 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    Some(if is_code { code } else { "refused" })
}

/// A name of somebody beside the person, in small letters as the form has it.
fn actor(nth: usize) -> String {
    let letter = u8::try_from(nth % 26).map_or('z', |nth| char::from(b'a' + nth));
    format!("other{letter}")
}

/// How many further devices the account was signed in on, as the first list of them tells.
fn others(story: &Story) -> usize {
    if story.account.is_none() {
        return 0;
    }
    let lists = ["sessions_listed", "devices_listed"];
    let count = story.turns.iter().find(|turn| lists.contains(&turn.answer.action.as_str()));
    let count = count.and_then(|turn| turn.answer.data.get("count")).and_then(Value::as_u64);
    count.and_then(|count| usize::try_from(count).ok()).unwrap_or(1).saturating_sub(1).min(9)
}

/// The number that turned out to be somebody else's.
fn taken(story: &Story, standins: &mut StandIns) -> Option<Phone> {
    let at = story.turns.iter().position(|turn| turn.data("reason") == Some("taken"))?;
    let before = story.turns.get(..at)?;
    let masked = before.iter().rev().find_map(|turn| turn.data("phone"))?;
    standins.number_of(masked)
}

/// The number of the account: the one that a code went to before the sign-in, or for a step-up.
fn own_phone(story: &Story, standins: &mut StandIns) -> Option<Phone> {
    let signs_in = |turn: &Turn| turn.has("session_created");
    let until = story.turns.iter().position(signs_in).unwrap_or(0);
    let asked = story.turns.iter().take(until).rev().find_map(|turn| turn.data("phone"));
    let shown = || {
        let own = ["step_up_required", "identity_shown"];
        let of = |turn: &&Turn| own.contains(&turn.answer.action.as_str());
        story.turns.iter().filter(of).find_map(|turn| turn.data("phone"))
    };
    match asked.or_else(shown) {
        Some(masked) => standins.number_of(masked),
        None => standins.phone(""),
    }
}

/// What the device has gathered where the answer tells that it was moved.
fn gathered(turn: &Turn) -> Vec<String> {
    let counts = turn.answer.data.get("migration_results").or_else(|| turn.answer.data.get("summary"));
    let Some(counts) = counts else { return Vec::new() };
    let of = |(key, kind): (&str, &str)| {
        let count = counts.get(key).and_then(Value::as_u64).filter(|count| *count > 0)?;
        let item = |n| format!("{{\"id\": \"{kind}-{}-{n}\"}}", turn.number);
        let items: Vec<String> = (1..=count).map(item).collect();
        Some(format!("& visit {kind} [{}]", items.join(", ")))
    };
    [
        ("cart_items", "cart"),
        ("favorites", "favorites"),
        ("history", "history"),
        ("preferences", "preferences"),
    ]
    .into_iter()
    .filter_map(of)
    .collect()
}
