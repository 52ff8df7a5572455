//! What a model's provider is shown of a message: marks in the place of whatever is somebody's (SEC-15, SEC-17).
//!
//! The marks are put back into what the model returns, here and nowhere else. What is spelt out in words leaves no trace
//! that could be replaced, so a message that seems to hold a code or number in words is not shown at all.

use std::collections::BTreeMap;

use serde_json::Value;

use super::text::{Words, digit};
use crate::mask::{self, HIDDEN, Kind};
use crate::model::is_at;

/// Shortest run of letters and digits that may be a key.
const KEY_LENGTH: usize = 20;
/// Shortest word with underscores that may be the name of a secret.
const NAME_LENGTH: usize = 6;
/// Longest text that is looked over; a longer one is not shown.
const LONGEST: usize = 2_000;
/// Fewest digits, beside the marks, that may be a code.
pub(super) const MOST_DIGITS: usize = 4;
/// Digits as they are said, as [`Words`] reads them: without accents, in small letters.
const DIGIT_WORDS: &[&str] = &[
    "zero|oh|one|two|three|four|five|six|seven|eight|nine|nought",
    "cero|uno|una|dos|tres|cuatro|cinco|seis|siete|ocho|nueve",
    "null|eins|zwei|zwo|drei|vier|funf|sechs|sieben|acht|neun",
    "un|une|deux|trois|quatre|cinq|six|sept|huit|neuf",
    "um|dois|duas|quatro|sete|oito|nove",
    "uno|due|tre|quattro|cinque|sei|sette|otto",
    "nul|een|twee|drie|vijf|zes|zeven|negen",
    "jeden|dwa|trzy|cztery|piec|szesc|siedem|osiem|dziewiec",
    "sifir|bir|iki|uc|dort|bes|alti|yedi|sekiz|dokuz",
    "ноль|один|два|три|четыре|пять|шесть|семь|восемь|девять",
    "صفر|واحد|اثنان|اثنين|ثلاثة|اربعة|خمسة|ستة|سبعة|ثمانية|تسعة",
    "शून्य|एक|दो|तीन|चार|पांच|छह|सात|आठ|नौ",
];
/// Words that say a digit again.
const AGAIN_WORDS: &str = "double|doble|doppel|triple|treble|dobro|doppio";
/// What stands in a word for a number of two digits, alone or with others, likewise.
const TWO_DIGIT_STEMS: &[&str] = &[
    "eleven",
    "twelve",
    "teen",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "catorce",
    "quince",
    "dieci",
    "veint",
    "treinta",
    "cuarenta",
    "cincuenta",
    "sesenta",
    "setenta",
    "ochenta",
    "noventa",
    "zehn",
    "zwolf",
    "zwanzig",
    "dreissig",
    "dreißig",
    "vierzig",
    "funfzig",
    "sechzig",
    "siebzig",
    "achtzig",
    "neunzig",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "vingt",
    "trente",
    "quarante",
    "cinquante",
    "soixante",
    "undici",
    "dodici",
    "tredici",
    "venti",
    "venta",
    "trenta",
    "quaranta",
    "cinquanta",
    "sessanta",
    "settanta",
    "ottanta",
    "dezes",
    "dezen",
    "dezoito",
    "vinte",
    "trinta",
    "quarenta",
    "cinquenta",
    "sessenta",
    "oitenta",
    "twaalf",
    "tien",
    "twintig",
    "dertig",
    "veertig",
    "vijftig",
    "zestig",
    "zeventig",
    "tachtig",
    "negentig",
    "nascie",
    "dziescia",
    "dziesci",
    "dziesiat",
    "надцать",
    "дцать",
    "десят",
    "сорок",
];
/// The same as whole words, which stand in other words too.
const TWO_DIGIT_WORDS: &str = "ten|diez|once|doce|trece|elf|dix|dez|doze|treze";
const HAN_DIGITS: &str = "零〇一二三四五六七八九";
/// The signs of an address, as they are said.
const AT_WORDS: &str = "at|arroba|arobase|chez|klammeraffe|chiocciola|apenstaartje|malpa|małpa|собака";
const DOT_WORDS: &str = "dot|punto|punkt|point|ponto|punt|kropka|точка";
/// How many words may stand between the two.
const DOMAIN_WORDS: usize = 4;

/// A text with marks, and what they stand for.
#[derive(Debug, Default, Clone)]
pub(super) struct Redacted {
    pub(super) text: String,
    held: BTreeMap<String, String>,
}

/// A text as a model may see it; `None` where it may not at all.
pub(super) fn redact(text: &str) -> Option<Redacted> {
    let mut held = BTreeMap::new();
    // Keys first: what digits they have would be taken for numbers, and the rest of them shown.
    let words = harmless(text);
    let words = words.split_inclusive(char::is_whitespace).map(|word| {
        let bare = word.trim();
        if is_secret(bare) { word.replace(bare, &hold(&mut held, "SECRET", bare)) } else { word.to_owned() }
    });
    let plain: String = words.collect();
    let text = mask::replace(&plain, |kind, written| {
        let name = match kind {
            Kind::Token => "SECRET",
            Kind::Email => "EMAIL",
            Kind::Code => "CODE",
            Kind::Phone => "PHONE",
        };
        hold(&mut held, name, written)
    });
    let redacted = Redacted { text, held };
    (!redacted.spells_something_out()).then_some(redacted)
}

impl Redacted {
    /// Whether there is anything beside the marks that a model could judge.
    pub(super) fn has_words(&self) -> bool {
        self.unmarked().chars().any(char::is_alphabetic)
    }

    /// How many digits stand beside the marks, written or named.
    pub(super) fn digits(&self) -> usize {
        Words::of(&self.unmarked()).as_slice().iter().map(|word| digits_in(word)).sum()
    }

    fn unmarked(&self) -> String {
        self.held.keys().fold(self.text.clone(), |text, mark| text.replace(mark.as_str(), " "))
    }

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
    let is_name = inner.len() >= NAME_LENGTH
        && inner.contains('_')
        && inner.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let body = inner.bytes().filter(u8::is_ascii_alphanumeric).count();
    let mixed = inner.bytes().any(|b| b.is_ascii_digit()) && inner.bytes().any(|b| b.is_ascii_alphabetic());
    // An address is long and mixed as well, and has a mark of its own.
    is_name || (body >= KEY_LENGTH && mixed && !inner.contains('@'))
}

impl Redacted {
    /// Whether what is left may still hold a code, a number or an address, in single digits or in words. Neither cues nor
    /// order count here: what is refused for nothing costs an answer of the local classifier, and what is let through a code.
    fn spells_something_out(&self) -> bool {
        if self.text.chars().count() > LONGEST {
            return true;
        }
        let left = self.unmarked();
        // What was masked before, as stored messages are, gives nothing away.
        let left = left.replace(&format!("{HIDDEN}@{HIDDEN}"), " ");
        self.digits() >= MOST_DIGITS || left.contains(is_at) || says_an_address(Words::of(&left).as_slice())
    }
}

fn says_an_address(words: &[String]) -> bool {
    let is = |list: &str, word: &String| list.split('|').any(|sign| sign == word);
    let after = |at: usize| words.iter().skip(at + 1).take(DOMAIN_WORDS);
    words.iter().enumerate().any(|(n, word)| is(AT_WORDS, word) && after(n).any(|word| is(DOT_WORDS, word)))
}

/// How many digits a word stands for: those it is written with, or those it names.
fn digits_in(word: &str) -> usize {
    let written = word.chars().filter(|c| digit(*c).is_some() || HAN_DIGITS.contains(*c)).count();
    if written > 0 {
        return written;
    }
    let named = |list: &str| list.split('|').any(|number| number == word);
    let of_two = named(TWO_DIGIT_WORDS) || TWO_DIGIT_STEMS.iter().any(|stem| word.contains(stem));
    let of_one = named(AGAIN_WORDS) || DIGIT_WORDS.iter().any(|list| named(list));
    if of_two { 2 } else { usize::from(of_one) }
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
            ("550e8400-e29b-41d4-a716-446655440000 it is", "<SECRET_1> it is"),
            ("sk-live-4242-abcdefghijkl9mnopq8rs", "<SECRET_1>"),
            ("see openai_api_key or /reset/12345/abcdef0123456789abc", "see <SECRET_1> or <SECRET_2>"),
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
            "the code one two three four five six doesn't work",
            "it's not one two three four five six",
            "room one two three four five six",
            "four eight, um, one five, um, one six",
            "it is 12, then 34, then 56",
            "4:8:1:5:1:6",
            "vier acht eins fünf eins sechs",
            "quatre huit un cinq un six",
            "twelve thirty-four fifty-six",
            "验证码是一二三四五六",
            "anna at example dot com",
            "double four double one double six",
            "mi código es dieciséis veintitrés veintiocho",
            "zwölf vierunddreißig sechsundfünfzig",
            "dodici trentaquattro cinquantasei",
            "anna @ example.com",
            "jean arobase gmail point com",
        ] {
            assert!(redact(said).is_none(), "{said}");
        }
        let late = format!("{} one two three four five six", "word ".repeat(500));
        assert!(redact(&late).is_none());
        assert!(redact(&mask::text("user: purple anna@example.com dishwasher")).is_some());
        assert!(redact("one of my two phones").is_some());
        assert!(redact("log out session two").is_some());
    }
}
