//! Phone numbers anywhere in a text. Which characters belong to one, and which digits make one, is [`Phone`]'s to say
//! (D6); here candidate spans are cut out, and one of several numbers is chosen.

use std::ops::Range;

use crate::classify::text::{Words, digit, is_unseen};
use crate::model::{Phone, Region};

/// Fewest digits of a number without a country code: below that it may as well be a code, a year or a price.
const FEWEST_NATIONAL: usize = 9;
/// Most candidates that are looked at; a person gives one or two.
const MOST_CANDIDATES: usize = 32;

/// A number and where it stood.
#[derive(Debug, Clone)]
pub(in crate::classify) struct Found {
    /// The number.
    pub(in crate::classify) phone: Phone,
    /// Its place, in bytes.
    pub(in crate::classify) span: Range<usize>,
    /// How many digits were given.
    pub(in crate::classify) digits: usize,
    /// Whether a country code was given.
    pub(in crate::classify) international: bool,
}

/// The number that is meant. `awaited` says that a number was asked for, so that a short one counts too.
pub(in crate::classify) fn find(text: &str, awaited: bool, region: Option<Region>) -> Option<Found> {
    let mut chosen: Option<Found> = None;
    for span in candidates(text).into_iter().take(MOST_CANDIDATES) {
        let Some(found) = read(text, span, awaited, region) else { continue };
        let Some(before) = &chosen else {
            chosen = Some(found);
            continue;
        };
        let between = text.get(before.span.end..found.span.start).unwrap_or_default();
        let lead = text.get(..before.span.start).unwrap_or_default();
        if replaces(&Words::of(between), &Words::of(lead)) {
            chosen = Some(found);
        }
    }
    chosen
}

/// Whether the second of two numbers is the one that is meant.
fn replaces(between: &Words, lead: &Words) -> bool {
    let corrected = between
        .any("no|wait|sorry|actually|meant|mean|to|but|for|with|rather|correction|perdon|digo|sino|mejor|a|por|oops");
    let first_denied =
        lead.as_slice().last().is_some_and(|word| matches!(word.as_str(), "not" | "no" | "isnt"));
    let second_denied = between.as_slice().last().is_some_and(|word| word == "not")
        || between.contain("instead|rather of|than");
    (corrected || first_denied) && !second_denied
}

fn read(text: &str, span: Range<usize>, awaited: bool, region: Option<Region>) -> Option<Found> {
    let candidate = text.get(span.clone())?;
    let digits = candidate.chars().filter_map(digit).count();
    let (lead, tail) = (text.get(..span.start)?, text.get(span.end..)?);
    let touches = |c: Option<char>| {
        c.is_some_and(|c| c.is_alphanumeric() || matches!(c, '$' | '€' | '£' | '#' | '@' | '_'))
    };
    if touches(lead.chars().next_back()) || touches(tail.chars().next()) || is_extension(tail) {
        return None;
    }
    let international = is_international(candidate);
    if !international && ((digits < FEWEST_NATIONAL && !awaited) || names_something_else(lead)) {
        return None;
    }
    let phone = Phone::parse(candidate, region).ok()?;
    Some(Found { phone, span, digits, international })
}

/// Whether an extension follows: no message can be sent to one.
fn is_extension(tail: &str) -> bool {
    let mut words = tail.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let named =
        words.next().is_some_and(|w| ["ext", "extension", "x"].iter().any(|e| w.eq_ignore_ascii_case(e)));
    named && words.next().is_some_and(|word| word.chars().all(|c| digit(c).is_some()))
}

fn is_international(candidate: &str) -> bool {
    let plain: String =
        candidate.chars().filter(|c| !is_unseen(*c) && !c.is_whitespace() && *c != '(').collect();
    let digits: String = plain.chars().filter_map(digit).take(2).collect();
    plain.starts_with(['+', '＋']) || digits == "00"
}

/// Whether the word before a number says that it is no phone number.
fn names_something_else(lead: &str) -> bool {
    let tail: Vec<&str> = lead.split_whitespace().rev().take(3).collect();
    let tail = Words::of(&tail.into_iter().rev().collect::<Vec<_>>().join(" "));
    tail.any("order|invoice|ticket|tracking|package|parcel|card|account|iban|reference|ref|pedido|factura|paquete|tarjeta")
}

/// Maximal runs of the characters a number may hold, from a plus sign, bracket or digit to a digit.
fn candidates(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut last = ' ';
    for (at, c) in text.char_indices() {
        let is_digit = digit(c).is_some();
        let is_plus = matches!(c, '+' | '＋');
        // A full stop before a space ends a sentence, two numbers never share one plus sign.
        let breaks = is_plus && last != '(' || (c == ' ' && last == '.');
        if breaks || !(is_digit || is_plus || is_separator(c)) {
            out.extend(open.take());
        }
        match &mut open {
            Some(span) if is_digit => span.end = at + c.len_utf8(),
            None if is_digit || is_plus || c == '(' => open = Some(at..at + c.len_utf8()),
            _ => {}
        }
        last = c;
    }
    out.extend(open);
    out
}

fn is_separator(c: char) -> bool {
    matches!(c, '(' | ')' | '-' | '.' | ' ' | '\u{a0}' | '\u{202f}' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        || is_unseen(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_in_sentences() {
        let us = Region::parse("US");
        for (text, want) in [
            ("log me in with +1 415 555 2671 please", Some("+14155552671")),
            ("my number is (415) 555-2671.", Some("+14155552671")),
            ("it's +1 (415) 555-2671, thanks", Some("+14155552671")),
            ("call 0044 20 7946 0018", Some("+442079460018")),
            ("＋１ ４１５ ５５５ ２６７１", Some("+14155552671")),
            ("+١٤١٥٥٥٥٢٦٧١", Some("+14155552671")),
            ("\u{202d}+1 415 555 2671\u{202c}", Some("+14155552671")),
            ("+14155552671. 123456 is the code", Some("+14155552671")),
            ("+14155552671 no wait +14155552672", Some("+14155552672")),
            ("from +14155552671 to +14155552672", Some("+14155552672")),
            ("+14155552671, not +14155552672", Some("+14155552671")),
            ("not +14155552671, +14155552672", Some("+14155552672")),
            ("+14155552671 instead of +14155552672", Some("+14155552671")),
            ("order 4155552671", None),
            ("card 4111 1111 1111 1111", None),
            ("it costs $4155552671", None),
            ("my code is 123456", None),
            ("+1415555267l", None),
            ("+1415555", None),
            ("A4155552671", None),
            ("2024-2025", None),
            ("+", None),
            ("(", None),
        ] {
            let found = find(text, false, us).map(|f| f.phone.e164().to_owned());
            assert_eq!(found.as_deref(), want, "{text:?}");
        }
    }

    #[test]
    fn without_a_region_a_country_code_is_needed() {
        assert!(find("415 555 2671", false, None).is_none());
        assert!(find("+1 415 555 2671", false, None).is_some());
    }
}
