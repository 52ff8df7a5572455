//! What stands for what is somebody's: numbers and addresses that are nobody's, invented names, and filler for every word
//! that is not in the product's own vocabulary, whatever it means.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::story::{Story, Turn};
use crate::mask::HIDDEN;
use crate::model::{Phone, Region};
use crate::{classify, nlu};

/// Names of people that everybody knows, in the order in which they are taken.
const NAMES: [&str; 16] = [
    "grace",
    "hopper",
    "emmy",
    "noether",
    "lise",
    "meitner",
    "alan",
    "turing",
    "niels",
    "bohr",
    "hedy",
    "lamarr",
    "chien",
    "shiung",
    "sofja",
    "kowalewski",
];
/// Words that mean nothing, not even that nothing is meant: the usual filler is known as such.
const FILLER: [&str; 12] = [
    "zorbel", "quimby", "vandil", "mirtok", "pelluk", "tarvin", "noxby", "werdal", "culpex", "dromel",
    "fintar", "gasvok",
];
/// What stands around a name, in the languages that are asked for one in.
const FRAME: &[&str] = &[
    "my", "name", "is", "i", "am", "m", "im", "call", "me", "it", "its", "s", "the", "please", "you", "can",
    "mi", "nombre", "es", "soy", "llamo", "yo", "por", "favor", "puedes", "llamarme",
];
/// A number that is refused, by why.
const REFUSED: &[(&str, &[&str])] = &[
    ("too_short", &["12345"]),
    ("too_long", &["+1 201 555 0123 00000"]),
    ("not_a_number", &["+999 201 555 0123"]),
    ("not_reachable", &["+1 201 155 0123"]),
    ("landline", &["+44 20 7946 0958"]),
    ("special_number", &["+1 900 555 0123", "+44 70 1234 5678"]),
    ("country_missing", &["201 555 0123"]),
    ("country_not_served", &["+44 7400 123456", "+1 416 967 1111", "+49 1512 3456789"]),
    ("not_a_domain", &["somebody@example..com"]),
    ("no_at", &["somebody.example.com"]),
];
/// What tokens begin with.
const TOKENS: [&str; 3] = ["dev_", "ses_", "key_"];
/// Of an answer's texts those that are the person's words, and those that are the product's own.
const FREE: [&str; 5] = ["full_name", "updated_value", "value", "device_name", "new_device_name"];
const OWN: [&str; 10] = [
    "field",
    "reason",
    "channel",
    "act",
    "next",
    "limit",
    "login",
    "sub_intent",
    "updated_fields",
    "pending_verification",
];
/// Most spellings of one message that are tried.
const MOST: usize = 16;

/// A part of a stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Plain(String),
    Code,
    /// By its last four digits.
    Phone(String),
    /// By its first character.
    Email(char),
}

/// The stand-ins of one conversation: the same thing always gets the same one.
#[derive(Debug)]
pub(super) struct StandIns {
    vocabulary: BTreeSet<String>,
    /// Words that are names, and words that are to stay; in small letters.
    names: BTreeSet<String>,
    keep: BTreeSet<String>,
    /// Every word that the original has: no stand-in is one of them.
    original: BTreeSet<String>,
    words: BTreeMap<String, String>,
    /// Of each number, the country that it seems to be of; and what stands for it.
    regions: BTreeMap<String, Region>,
    phones: BTreeMap<String, Phone>,
    emails: BTreeMap<char, String>,
}

impl StandIns {
    /// For a conversation; `keep` are words that are nobody's.
    pub(super) fn of(story: &Story, keep: &[String]) -> Result<Self, nlu::Error> {
        let rows = nlu::utterances()?;
        let said = rows.iter().flat_map(|row| words(&row.text));
        let vocabulary = said.chain(classify::control_words().map(str::to_owned)).collect();
        let mut found = Self {
            vocabulary,
            names: story.names.iter().flat_map(|name| words(name)).collect(),
            keep: keep.iter().flat_map(|word| words(word)).collect(),
            original: story.names.iter().flat_map(|name| words(name)).collect(),
            words: BTreeMap::new(),
            regions: BTreeMap::new(),
            phones: BTreeMap::new(),
            emails: BTreeMap::new(),
        };
        for turn in &story.turns {
            found.original.extend(words(&turn.text));
            if turn.context("reason").is_some_and(|reason| reason.starts_with("rule: name while")) {
                found.names.extend(words(&turn.text).filter(|word| !FRAME.contains(&word.as_str())));
            }
            found.learn(turn);
        }
        Ok(found)
    }

    /// Which country a number is of: an answer shows its country code, the row of a message to it the country itself.
    fn learn(&mut self, turn: &Turn) {
        let sent_to = turn.effects.iter().find_map(|effect| Region::parse(effect.country.as_deref()?));
        for value in turn.answer.data.values().filter_map(serde_json::Value::as_str) {
            let Some((code, tail)) = masked_phone(value) else { continue };
            let coded = Region::of_country_code(code);
            let sent_to = sent_to.filter(|region| region.country_code() == Some(code));
            if let Some(region) = sent_to.or(coded) {
                self.regions.insert(tail.to_owned(), region);
            }
        }
        for part in parts(&turn.text) {
            if let Part::Phone(tail) = part {
                self.regions.entry(tail).or_insert_with(|| sent_to.unwrap_or(Region::AMERICA));
            }
        }
    }

    /// The ways in which a message may have been meant, the likeliest first.
    pub(super) fn spellings(&mut self, turn: &Turn) -> Vec<String> {
        let mut all = vec![String::new()];
        for part in parts(&turn.text) {
            let choices = self.choices(&part, turn);
            all = choices
                .iter()
                .flat_map(|choice| all.iter().map(move |before| format!("{before}{choice}")))
                .take(MOST)
                .collect();
        }
        all
    }

    fn choices(&mut self, part: &Part, turn: &Turn) -> Vec<String> {
        let reason = turn.data("reason").unwrap_or_default();
        let refused = REFUSED.iter().find(|(why, _)| *why == reason).map_or(&[][..], |(_, texts)| *texts);
        let refused = refused.iter().map(|text| (*text).to_owned());
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        match part {
            Part::Plain(text) => vec![self.text(text)],
            Part::Code if turn.has("otp_verify_fail") || turn.has("otp_burnt") => {
                own(&["{wrong}", "{code:1}", "{code}"])
            }
            Part::Code => refused
                .filter(|text| text.len() < 9)
                .chain(own(&["{code}", "{code:1}", "{wrong}", "12345"]))
                .collect(),
            Part::Phone(tail) => {
                let own = self.phone(tail).map(|phone| phone.e164().to_owned());
                refused.filter(|text| text.len() > 9).chain(own).collect()
            }
            Part::Email(first) => {
                let own = self.email(*first);
                refused.filter(|text| !text.starts_with('+')).chain([own]).collect()
            }
        }
    }

    /// A number for the one with these last digits; `None` where all examples stand for others.
    pub(super) fn phone(&mut self, tail: &str) -> Option<Phone> {
        if let Some(known) = self.phones.get(tail) {
            return Some(known.clone());
        }
        let region = self.regions.get(tail).copied().unwrap_or(Region::AMERICA);
        let phone = self.free_phone(region)?;
        self.phones.insert(tail.to_owned(), phone.clone());
        Some(phone)
    }

    /// A number for the one that an answer shows masked.
    pub(super) fn number_of(&mut self, masked: &str) -> Option<Phone> {
        self.phone(masked_phone(masked)?.1)
    }

    /// A number that is not the stand-in of any other, and whose last digits are nobody's here.
    fn free_phone(&self, region: Region) -> Option<Phone> {
        let is_free = |phone: &Phone| {
            let tail = phone.masked();
            self.regions.keys().all(|taken| !tail.ends_with(taken.as_str()))
                && self.phones.values().all(|taken| taken != phone)
        };
        let of = |region| (0..100).filter_map(move |nth| Phone::example(region, nth));
        of(region).chain(of(Region::AMERICA)).find(is_free)
    }

    /// An address for the ones with this first character.
    pub(super) fn email(&mut self, first: char) -> String {
        let next = self.emails.len();
        let name = ["mail", "post", "inbox", "letters", "box"].get(next).copied().unwrap_or("other");
        let first = first.to_lowercase().next().unwrap_or(first);
        self.emails.entry(first).or_insert_with(|| format!("{name}{}@example.com", next + 1)).clone()
    }

    /// What stands for a text of an answer; `None` where nothing of it may be told.
    pub(super) fn told(&mut self, key: &str, text: &str) -> Option<String> {
        if let Some((_, tail)) = masked_phone(text) {
            let is_masked = text.contains('•');
            let own = self.phone(tail)?;
            return Some(if is_masked { own.masked() } else { own.e164().to_owned() });
        }
        if text.contains('@') {
            let first = text.chars().next()?;
            let own = crate::model::Email::parse(&self.email(first)).ok()?;
            return text.contains('•').then(|| own.masked());
        }
        if FREE.contains(&key) && !text.starts_with('+') {
            return Some(self.text(text));
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c == '_';
        (OWN.contains(&key) && !text.is_empty() && text.chars().all(is_plain)).then(|| text.to_owned())
    }

    /// A text with stand-ins for every word that is not the product's own, on one line.
    pub(super) fn text(&mut self, text: &str) -> String {
        let mut out = String::new();
        for (run, is_word) in runs(text) {
            if is_word {
                out.push_str(&self.word(run));
            } else {
                out.extend(run.chars().map(|c| if c.is_control() || "{}".contains(c) { ' ' } else { c }));
            }
        }
        out
    }

    fn word(&mut self, word: &str) -> String {
        let low = word.to_lowercase();
        let is_capital = word.chars().next().is_some_and(char::is_uppercase);
        if low.chars().all(|c| c.is_ascii_digit()) {
            return if low.len() < 3 { low } else { "100".to_owned() };
        }
        if TOKENS.iter().any(|kind| word.strip_prefix(kind) == Some(HIDDEN)) {
            return word.to_owned();
        }
        let is_known =
            [low.as_str(), &without_accents(&low)].into_iter().any(|word| self.vocabulary.contains(word))
                || FRAME.contains(&low.as_str());
        let is_name = self.names.contains(&low) && !FRAME.contains(&low.as_str());
        if !is_name && (is_known || self.keep.contains(&low)) {
            return word.to_owned();
        }
        let own = match self.words.get(&low) {
            Some(known) => known.clone(),
            None => self.free_word(&low, is_name || is_capital),
        };
        self.words.insert(low, own.clone());
        let is_loud = word.chars().count() > 1 && word.chars().all(char::is_uppercase);
        match own.chars().next().filter(|_| is_capital) {
            Some(_) if is_loud => own.to_uppercase(),
            Some(first) => first.to_uppercase().chain(own.chars().skip(1)).collect(),
            None => own,
        }
    }

    /// A stand-in that is no word of the original's and stands for no other.
    fn free_word(&self, low: &str, is_name: bool) -> String {
        let list: &[&str] = if is_name { &NAMES } else { &FILLER };
        let again = ('a'..='z').flat_map(|letter| list.iter().map(move |word| format!("{word}{letter}")));
        let mut all = list.iter().map(|word| (*word).to_owned()).chain(again);
        let is_free = |word: &String| {
            let is_new = !self.original.contains(word) && !self.vocabulary.contains(word);
            is_new && self.words.values().all(|taken| taken != word)
        };
        all.find(is_free).unwrap_or_else(|| "x".repeat(low.chars().count()))
    }

    /// Words that were replaced and were in small letters: they may have meant something.
    pub(super) fn replaced(&mut self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (run, is_word) in runs(text) {
            if is_word && self.word(run) != run && !self.names.contains(&run.to_lowercase()) {
                found.push(run.to_lowercase());
            }
        }
        found
    }
}

/// A masked number's country code and last digits.
fn masked_phone(text: &str) -> Option<(i32, &str)> {
    let rest = text.strip_prefix('+')?;
    let (code, tail) = if let Some((code, tail)) = rest.split_once('•') {
        (code.parse().ok()?, tail.trim_start_matches('•'))
    } else {
        // Whole, as whoever proved it again is shown it.
        let masked = Phone::parse(text, None).ok()?.masked();
        let code = masked.trim_start_matches('+').split('•').next()?.parse().ok()?;
        (code, text.get(text.len().checked_sub(4)?..)?)
    };
    (tail.len() == 4 && tail.bytes().all(|b| b.is_ascii_digit())).then_some((code, tail))
}

/// The parts of a stored message.
fn parts(text: &str) -> Vec<Part> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(HIDDEN) {
        plain.push_str(before);
        let tail: String = after.chars().take_while(char::is_ascii_digit).collect();
        let domain = after.strip_prefix('@').and_then(|rest| rest.strip_prefix(HIDDEN));
        let (part, after) = match domain {
            Some(rest) if !plain.is_empty() => (plain.pop().map_or(Part::Code, Part::Email), rest),
            _ if tail.len() == 4 => (Part::Phone(tail), after.get(4..).unwrap_or_default()),
            _ => (Part::Code, after),
        };
        let is_token = TOKENS.iter().any(|kind| plain.ends_with(kind));
        if is_token && part == Part::Code {
            plain.push_str(HIDDEN);
        } else {
            found.push(Part::Plain(std::mem::take(&mut plain)));
            found.push(part);
        }
        rest = after;
    }
    plain.push_str(rest);
    found.push(Part::Plain(plain));
    found
}

/// A text in runs that are words, and runs between them.
fn runs(text: &str) -> Vec<(&str, bool)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '•';
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = is_word(first);
        let end = rest.find(|c| is_word(c) != kind).unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        found.push((run, kind));
        rest = after;
    }
    found
}

/// A word as the rules that steer a conversation know it.
fn without_accents(word: &str) -> String {
    word.nfd().filter(|c| !is_combining_mark(*c)).collect()
}

/// The words of a text, in small letters.
fn words(text: &str) -> impl Iterator<Item = String> {
    let own = runs(text).into_iter().filter(|(_, is_word)| *is_word);
    own.map(|(run, _)| run.to_lowercase()).collect::<Vec<_>>().into_iter()
}
