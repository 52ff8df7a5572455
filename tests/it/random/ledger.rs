//! What the walk itself knows: which codes went to whom, which were given back rightly, and what was answered.
//!
//! It is filled from the messages that left and from what was said, and shares nothing with the engine that it judges.

use std::collections::HashMap;

use super::rows::{Rows, number, text};

pub(super) const SECOND: i64 = 1_000_000;
/// A code, and the proof that it was given back, hold so long.
pub(super) const CODE_LIFE: i64 = 10 * 60 * SECOND;
/// An answer is repeated for so long.
pub(super) const REPEATED_FOR: i64 = 24 * 60 * 60 * SECOND;

/// A code that left.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) contact: String,
    pub(super) code: String,
    pub(super) challenge: String,
    pub(super) conversation: String,
    pub(super) device: String,
    pub(super) at: i64,
    /// Whether it is one to sign in with.
    pub(super) signs_in: bool,
}

/// A code that was given back in its conversation, on its device, in its life.
#[derive(Debug, Clone)]
struct Given {
    issued: usize,
    at: i64,
    used: bool,
}

/// Whoever speaks, as the credentials read by the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Presented {
    /// The device that the tokens are of.
    pub(super) device: Option<String>,
    /// The account whose live session was presented.
    pub(super) user: Option<String>,
    /// Set where the tokens are good for nothing but hearing this message's answer again.
    pub(super) repeats_only: Option<String>,
    /// The account of a session whose exchanged token came back, so that somebody holds a copy.
    pub(super) copied: Option<String>,
    /// Whether what was presented proves nothing.
    pub(super) worthless: bool,
}

impl Presented {
    /// Whose conversations these credentials reach.
    pub(super) fn owner(&self) -> Option<&str> {
        self.user.as_deref().or(self.device.as_deref())
    }
}

/// A message as it is sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) presented: Presented,
    /// The conversation that is named.
    pub(super) conversation: Option<String>,
    pub(super) project: String,
    pub(super) message_id: String,
    pub(super) text: String,
}

impl Asked {
    pub(super) fn key(&self) -> (String, String, String) {
        let project = if self.project.is_empty() { "default" } else { &self.project };
        let scope = self.conversation.clone().unwrap_or_else(|| format!("project/{project}"));
        (self.presented.owner().unwrap_or_default().to_owned(), scope, self.message_id.clone())
    }
}

/// An answer, as far as it is judged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) conversation: String,
    pub(super) action: String,
    pub(super) response: serde_json::Value,
    /// The session that it brought, and whose that is.
    pub(super) session: Option<(String, String)>,
}

/// What came of a message.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Heard {
    Told(Told),
    /// No answer, but one of the refusals by its name.
    Refused(&'static str),
    /// Something is broken.
    Fault(String),
}

/// The walk's own account.
#[derive(Debug, Clone, Default)]
pub(super) struct Ledger {
    pub(super) issued: Vec<Issued>,
    given: Vec<Given>,
    answered: HashMap<(String, String, String), (String, i64, Told)>,
}

impl Ledger {
    /// The last code of a conversation, if one was sent.
    pub(super) fn code_of(&self, conversation: &str) -> Option<&Issued> {
        self.issued.iter().rev().find(|issued| issued.conversation == conversation)
    }

    /// What the same message was answered with, and whether its body was the same.
    pub(super) fn earlier(&self, asked: &Asked, now: i64) -> Option<(bool, &Told)> {
        let (text, at, told) = self.answered.get(&asked.key())?;
        (now < at + REPEATED_FOR).then_some((*text == asked.text, told))
    }

    pub(super) fn note_answer(&mut self, asked: &Asked, told: &Told, now: i64) {
        self.answered.insert(asked.key(), (asked.text.clone(), now, told.clone()));
    }

    /// Notes the codes that a message gave back rightly; `before` are the rows that it met.
    pub(super) fn note_given(&mut self, (asked, conversation): (&Asked, &str), before: &Rows, now: i64) {
        let said = digits(&asked.text);
        for (at, issued) in self.issued.iter().enumerate() {
            let is_here = issued.conversation == conversation
                && Some(&issued.device) == asked.presented.device.as_ref()
                && (issued.at..issued.at + CODE_LIFE).contains(&now);
            let row = before.row(&issued.challenge);
            let is_live = row.is_some_and(|row| {
                text(row, "status") == Some("live") && number(row, "attempts") < number(row, "max_attempts")
            });
            if is_here && is_live && said.contains(&issued.code) {
                self.given.push(Given { issued: at, at: now, used: false });
            }
        }
    }

    /// The accounts whose number or address was proved in a conversation on a device, a short while ago.
    pub(super) fn proved(&self, (conversation, device): (&str, &str), rows: &Rows, now: i64) -> Vec<String> {
        let fits = self.given.iter().filter(|given| {
            let issued = &self.issued[given.issued];
            issued.conversation == conversation && issued.device == device && now < given.at + CODE_LIFE
        });
        fits.filter_map(|given| rows.owner_of(&self.issued[given.issued].contact).map(str::to_owned))
            .collect()
    }

    /// Takes one proof for a sign-in to an account; false where there is none that was not taken before.
    pub(super) fn take_proof(
        &mut self,
        (conversation, device, user): (&str, &str, &str),
        rows: &Rows,
        now: i64,
    ) -> bool {
        let issued = &self.issued;
        let fits = |given: &&mut Given| {
            let of = &issued[given.issued];
            let is_here = of.conversation == conversation && of.device == device && of.signs_in;
            is_here && !given.used && now < given.at + CODE_LIFE && rows.owner_of(&of.contact) == Some(user)
        };
        self.given.iter_mut().find(fits).map(|given| given.used = true).is_some()
    }
}

const WORDS: [&str; 10] = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];

/// The digits of a text, in whatever script, with nothing between them; words count as digits too.
pub(super) fn digits(text: &str) -> String {
    let mut found = String::new();
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
            continue;
        }
        if let Some(digit) = WORDS.iter().position(|w| *w == word) {
            found.push_str(&digit.to_string());
        }
        word.clear();
        found.extend(digit(c));
    }
    found
}

/// A digit of ASCII, of full width, Arabic, Persian or Devanagari.
pub(super) fn digit(c: char) -> Option<char> {
    let zeros = ['0', '\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}'];
    let value = zeros.iter().find_map(|&zero| (c as u32).checked_sub(zero as u32).filter(|d| *d < 10));
    value.and_then(|value| char::from_digit(value, 10))
}

#[test]
fn digits_are_read_however_they_are_spelt() {
    assert_eq!(digits("my code: 12-3 ４５ ٦"), "123456");
    assert_eq!(digits("one, TWO three"), "123");
    assert_eq!(digits("someone"), "");
}
