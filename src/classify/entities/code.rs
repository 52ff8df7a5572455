//! One-time codes: four to eight digits, written or spoken.

use super::Message;
use crate::classify::text::{Words, digit, is_unseen};
use crate::model::Slot;

/// What a text says about a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::classify) enum Code {
    /// It gives one, in ASCII digits.
    Given(String),
    /// It gives too few digits.
    TooShort,
    /// It gives too many digits.
    TooLong,
    /// It gives none.
    Absent,
}

/// Words that say a code is spoken of.
const CUES: &str = "sms|code|codes|otp|pin|passcode|password|codigo|clave|codice|kode|验证码|コード|認証コード|رمزي|رمز|الرمز|कोड";
/// Words before "code" that make it another kind.
const OTHER_CODES: &str = "zip|postal|post|area|promo|discount|coupon|gift|country|dress|error|source|bar|qr|product|descuento|status";
/// Words before a number that make it another kind of number, even while a code is awaited.
const OTHER_NUMBERS: &str = "order|invoice|ticket|tracking|year|room|session|device|version|pedido|factura|ano|since|in|january|february|march|april|may|june|july|august|september|october|november|december|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre";
/// Says that the code before it is no good, and so is a complaint.
const COMPLAINTS: &[&str] = &[
    "doesnt|dont|didnt|not|isnt|wont work|working|accepted|valid|correct|right",
    "is|was wrong|invalid|expired|incorrect|rejected",
    "has? expired",
    "no funciona|sirve|vale",
    "es incorrecto|invalido",
    "ha? caducado|expirado|expiro",
];

/// Reads the code of a message.
pub(super) fn find(message: &Message<'_>) -> Code {
    let awaited = message.awaiting == Some(Slot::Otp);
    // Nothing but the digits of a code, while nothing is awaited: a code that comes again after it was used.
    let bare = message.awaiting.is_none() && message.text.trim().bytes().all(|b| b.is_ascii_digit());
    if !awaited && !bare && !speaks_of_code(message.words) {
        return Code::Absent;
    }
    let numbers = numbers(message);
    let usable: Vec<&Number> = numbers.iter().filter(|n| !n.denied).collect();
    let fitting: Vec<&Number> =
        usable.iter().copied().filter(|n| (4..=8).contains(&n.digits.len())).collect();
    match fitting.last() {
        Some(number) if COMPLAINTS.iter().any(|p| number.after.contain(p)) => Code::Absent,
        Some(number) => Code::Given(number.digits.clone()),
        None => match usable.last() {
            Some(number) if number.digits.len() < 4 => Code::TooShort,
            Some(_) => Code::TooLong,
            None => Code::Absent,
        },
    }
}

fn speaks_of_code(words: &Words) -> bool {
    let cues = words.as_slice().iter().enumerate().filter(|(_, word)| {
        CUES.split('|').any(|cue| cue == word.as_str())
            || word.contains("验证码")
            || word.contains("コード")
            || word.ends_with("code")
    });
    let mut cues = cues.peekable();
    cues.peek().is_some()
        && cues.any(|(n, _)| {
            let around = [n.checked_sub(1), Some(n + 1)].into_iter().flatten();
            let around = around.filter_map(|n| words.as_slice().get(n));
            !around.into_iter().any(|word| OTHER_CODES.split('|').any(|other| other == word))
        })
}

/// A run of digits and what stands around it.
#[derive(Debug, Default)]
struct Number {
    digits: String,
    /// Said not to be the code, or to be something else.
    denied: bool,
    after: Words,
}

/// All digits of a text, in ASCII: what a person who was asked for digits has typed.
pub(in crate::classify) fn written_digits(text: &str) -> String {
    text.chars().filter_map(digit).collect()
}

/// A piece of text: digits, or the rest.
#[derive(Debug)]
enum Piece {
    Digits(String),
    Gap(String),
}

fn numbers(message: &Message<'_>) -> Vec<Number> {
    let outside = match message.phone {
        Some(found) => {
            let before = message.text.get(..found.span.start).unwrap_or_default();
            let after = message.text.get(found.span.end..).unwrap_or_default();
            format!("{before} | {after}")
        }
        None => message.text.chars().take(2_000).collect(),
    };
    let pieces = joined(pieces(&outside));
    let mut out: Vec<Number> = Vec::new();
    let mut before = String::new();
    for piece in pieces {
        match piece {
            Piece::Gap(gap) => {
                if let Some(number) = out.last_mut() {
                    number.after = Words::of(&gap);
                    number.denied |= is_measure(&gap);
                }
                before = gap;
            }
            Piece::Digits(digits) => {
                out.push(Number { denied: is_denied(&before), digits, after: Words::default() });
            }
        }
    }
    out
}

/// Whether what stands before a number says that it is no code.
fn is_denied(before: &str) -> bool {
    let touching = before.chars().next_back();
    let glued = touching
        .is_some_and(|c| c.is_alphabetic() && c.is_ascii() || matches!(c, '$' | '€' | '£' | '#' | '@'));
    let words = Words::of(before);
    let last = words.as_slice().last().map(String::as_str).unwrap_or_default();
    glued || last == "not" || last == "isnt" || OTHER_NUMBERS.split('|').any(|other| other == last)
}

/// Whether what follows a number makes it an amount, a time or part of a word.
fn is_measure(after: &str) -> bool {
    let glued = (after.chars().next())
        .is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '%' | '€' | '$' | '£' | '/' | ':'));
    let words = Words::of(after);
    let first = words.as_slice().first().map(String::as_str).unwrap_or_default();
    glued
        || matches!(
            first,
            "dollars" | "euros" | "usd" | "eur" | "percent" | "minutes" | "minute" | "times" | "hours"
        )
}

/// Cuts a text into digits and the rest; spoken digits become digits.
fn pieces(text: &str) -> Vec<Piece> {
    let mut out = Vec::new();
    let mut repeat = 1;
    for run in runs(text) {
        if run.chars().any(|c| digit(c).is_some()) {
            out.push(Piece::Digits(run.chars().filter_map(digit).collect()));
        } else if let Some(times) = repetition(&run) {
            repeat = times;
            continue;
        } else if let Some(spoken) = spoken(&run) {
            out.push(Piece::Digits(spoken.to_string().repeat(repeat)));
        } else {
            out.push(Piece::Gap(run.clone()));
            if run.chars().all(|c| c == ' ') {
                continue;
            }
        }
        repeat = 1;
    }
    out
}

/// Runs of one kind of character: digits, letters, the rest. Characters that are not seen are left out.
fn runs(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut last = 0;
    for c in text.chars().filter(|c| !is_unseen(*c)) {
        let kind = if digit(c).is_some() {
            1
        } else if c.is_alphabetic() || c == '\'' {
            2
        } else {
            3
        };
        match out.last_mut() {
            Some(run) if kind == last => run.push(c),
            _ => out.push(c.to_string()),
        }
        last = kind;
    }
    out
}

/// Digits that only a space, a hyphen or the like parts are one number; neighbouring gaps are one gap.
fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    let mut pieces = pieces.into_iter().peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Digits(digits) => match out.last_mut() {
                Some(Piece::Digits(number)) => number.push_str(&digits),
                _ => out.push(Piece::Digits(digits)),
            },
            Piece::Gap(gap) => {
                let inside = matches!(out.last(), Some(Piece::Digits(_)))
                    && matches!(pieces.peek(), Some(Piece::Digits(next)) if is_joint(&gap, next));
                match out.last_mut() {
                    _ if inside => {}
                    Some(Piece::Gap(open)) => open.push_str(&gap),
                    _ => out.push(Piece::Gap(gap)),
                }
            }
        }
    }
    out
}

/// Whether a gap stands inside a number. A comma or full stop does only between
/// single digits, as when they are spoken, or before a group of three.
fn is_joint(gap: &str, next: &str) -> bool {
    let parted = gap.contains([',', '.']);
    (!parted || next.len() == 1 || (next.len() == 3 && gap.len() == 1))
        && gap.chars().count() <= 3
        && gap
            .chars()
            .all(|c| matches!(c, ' ' | '-' | ',' | '.' | '\u{a0}' | '\u{202f}' | '\u{2010}'..='\u{2015}'))
        && gap != ". "
}

fn repetition(run: &str) -> Option<usize> {
    match run.to_lowercase().as_str() {
        "double" | "doble" => Some(2),
        "triple" => Some(3),
        _ => None,
    }
}

/// The digit that a word says, in English or Spanish.
fn spoken(run: &str) -> Option<u8> {
    const DIGITS: [&[&str]; 10] = [
        &["zero", "oh", "nought", "cero"],
        &["one", "uno"],
        &["two", "dos"],
        &["three", "tres"],
        &["four", "cuatro"],
        &["five", "cinco"],
        &["six", "seis"],
        &["seven", "siete"],
        &["eight", "ocho"],
        &["nine", "nueve"],
    ];
    let run = run.to_lowercase();
    let digit = DIGITS.iter().position(|names| names.contains(&run.as_str()))?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, awaiting: Option<Slot>) -> Code {
        let words = Words::of(text);
        let phone = Message::phone(text, awaiting, None);
        find(&Message { phone: phone.as_ref(), ..Message::plain(text, &words, awaiting) })
    }

    #[test]
    fn codes_are_read_however_they_are_given() {
        for (text, want) in [
            ("My code is 1234", "1234"),
            ("123456", "123456"),
            ("12 34 56", "123456"),
            ("123-456", "123456"),
            ("123.456", "123456"),
            ("1 2 3 4 5 6", "123456"),
            ("１２３４５６", "123456"),
            ("٠٠١٢٣٤", "001234"),
            ("one two three four five six", "123456"),
            ("One, two, three, four, five, six.", "123456"),
            ("double one two three four", "11234"),
            ("uno dos tres cuatro cinco seis", "123456"),
            ("it's 123456 no wait 654321", "654321"),
            ("not 123456, 654321", "654321"),
            ("654321 not 123456", "654321"),
            ("12345678", "12345678"),
            ("123456.", "123456"),
            ("the code is 12\u{200b}34", "1234"),
            ("my number is +14155552671 and the code 998877", "998877"),
        ] {
            assert_eq!(code(text, Some(Slot::Otp)), Code::Given(want.into()), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_code_is_not_taken_for_one() {
        for (text, awaiting, want) in [
            ("in 1984 I was born", None, Code::Absent),
            ("it cost 4500 dollars", None, Code::Absent),
            ("it cost 4500 dollars", Some(Slot::Otp), Code::Absent),
            ("order 123456", Some(Slot::Otp), Code::Absent),
            ("12345a", Some(Slot::Otp), Code::Absent),
            ("on 21 November 2026", Some(Slot::Otp), Code::TooShort),
            ("my zip code is 94110", None, Code::Absent),
            ("my promo code is 5544", None, Code::Absent),
            ("the code 123456 doesn't work", Some(Slot::Otp), Code::Absent),
            ("+1 415 555 2671", Some(Slot::Otp), Code::Absent),
            ("123", Some(Slot::Otp), Code::TooShort),
            ("123456789", Some(Slot::Otp), Code::TooLong),
            ("send me a code", None, Code::Absent),
            ("", Some(Slot::Otp), Code::Absent),
        ] {
            assert_eq!(code(text, awaiting), want, "{text:?}");
        }
    }
}
