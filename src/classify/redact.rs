//! What a model's provider is shown of a message: marks in the place of whatever is somebody's (SEC-15, SEC-17).
//!
//! The marks are put back into what the model returns, here and nowhere else. What is spelt out in words leaves no trace
//! that could be replaced, so a message that seems to hold a code or number in words is not shown at all.

use std::collections::BTreeMap;

use serde_json::Value;

use super::entities::{Code, Message};
use super::text::Words;
use crate::mask::{self, Kind};
use crate::model::Slot;

/// Shortest run of letters and digits that may be a key.
const KEY_LENGTH: usize = 20;

/// A text with marks, and what they stand for.
#[derive(Debug, Default, Clone)]
pub(super) struct Redacted {
    pub(super) text: String,
    held: BTreeMap<String, String>,
}

/// A text as a model may see it; `None` where it may not at all.
pub(super) fn redact(text: &str) -> Option<Redacted> {
    let mut held = BTreeMap::new();
    let plain = harmless(text);
    let marked = mask::replace(&plain, |kind, written| {
        let name = match kind {
            Kind::Token => "SECRET",
            Kind::Email => "EMAIL",
            Kind::Code => "CODE",
            Kind::Phone => "PHONE",
        };
        hold(&mut held, name, written)
    });
    let words = marked.split_inclusive(char::is_whitespace).map(|word| {
        let bare = word.trim();
        if !bare.contains('<') && is_secret(bare) {
            word.replace(bare, &hold(&mut held, "SECRET", bare))
        } else {
            word.to_owned()
        }
    });
    let redacted = Redacted { text: words.collect(), held };
    (!spells_something_out(&redacted.text)).then_some(redacted)
}

impl Redacted {
    /// Puts back what the marks of a model's answer stand for. A mark that was never made stays as it is and names nothing.
    pub(super) fn restore(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for (mark, written) in &self.held {
                    if text.contains(mark.as_str()) {
                        *text = text.replace(mark.as_str(), written);
                    }
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|value| self.restore(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.restore(value)),
            _ => {}
        }
    }
}

/// Angle brackets are the marks' own, and what is not seen would hide a mark or a number from the reader.
fn harmless(text: &str) -> String {
    let seen = text.chars().filter(|c| !crate::model::is_unseen(*c) && !is_tag(*c));
    seen.map(|c| match c {
        '<' | '＜' => '(',
        '>' | '＞' => ')',
        c => c,
    })
    .collect()
}

/// Characters that only machines read.
fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}') || (c.is_control() && !c.is_whitespace())
}

fn hold(held: &mut BTreeMap<String, String>, kind: &str, written: &str) -> String {
    if let Some((mark, _)) = held.iter().find(|(_, known)| *known == written) {
        return mark.clone();
    }
    let start = format!("<{kind}_");
    let n = held.keys().filter(|mark| mark.starts_with(&start)).count() + 1;
    let mark = format!("{start}{n}>");
    held.insert(mark.clone(), written.to_owned());
    mark
}

/// The name of a secret, such as `OPENAI_API_KEY`, or something long that no word is.
fn is_secret(word: &str) -> bool {
    let inner = word.trim_matches(|c: char| c.is_ascii_punctuation() && c != '_');
    let is_name = inner.len() >= 5
        && inner.contains('_')
        && inner.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
    let body = inner.bytes().filter(u8::is_ascii_alphanumeric).count();
    let mixed = inner.bytes().any(|b| b.is_ascii_digit()) && inner.bytes().any(|b| b.is_ascii_alphabetic());
    is_name || (body >= KEY_LENGTH && mixed)
}

/// Whether the marked text still reads as a code, or as more digits than one: those are in words.
fn spells_something_out(marked: &str) -> bool {
    let words = Words::of(marked);
    let message = Message::plain(marked, &words, Some(Slot::Otp));
    !matches!(message.code(), Code::Absent | Code::TooShort)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_stand_for_what_is_somebodys_and_are_put_back() {
        for (said, shown) in [
            ("my code is 123456", "my code is <CODE_1>"),
            ("+1 (415) 555-2671, or 415 555 2672!", "<PHONE_1>, or <PHONE_2>!"),
            ("change anna@example.com to bea@example.com", "change <EMAIL_1> to <EMAIL_2>"),
            ("12 34 56 and again 12 34 56", "<CODE_1> and again <CODE_1>"),
            ("what is OPENAI_API_KEY?", "what is <SECRET_1>"),
            ("sk-proj-abc123def456ghi789jkl is mine", "<SECRET_1> is mine"),
            ("<CODE_1> is <b>mine</b>", "<SECRET_1> is (b)mine(/b)"),
            ("log out session 2", "log out session 2"),
            ("1\u{200b}23456 \u{e0041}", "<CODE_1> "),
            ("ｍｙ code １２３４５６", "ｍｙ code <CODE_1>"),
        ] {
            assert_eq!(redact(said).unwrap().text, shown, "{said}");
        }
        let redacted = redact("change it to anna@example.com").unwrap();
        let mut said = json!({ "value": "<EMAIL_1>", "all": [{ "v": "<EMAIL_1> <EMAIL_9>" }], "n": 1 });
        redacted.restore(&mut said);
        assert_eq!(
            said,
            json!({ "value": "anna@example.com", "all": [{ "v": "anna@example.com <EMAIL_9>" }], "n": 1 })
        );
    }

    #[test]
    fn what_is_spelt_out_is_not_shown() {
        for said in [
            "one two three four five six",
            "the code is one two three, four five six please",
            "uno dos tres cuatro cinco seis",
            "double four one two three three",
        ] {
            assert!(redact(said).is_none(), "{said}");
        }
        assert!(redact("one of my two phones").is_some());
        assert!(redact("log out session two").is_some());
    }
}
