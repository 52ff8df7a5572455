//! Codes and phone numbers that were asked for.

use super::Verdict;
use crate::classify::entities::{Code, Message, written_digits};
use crate::classify::taken_back;
use crate::classify::text::{Words, digit};
use crate::model::{Entities, Phone, Region};

/// Words that lead up to a number and say nothing else.
const LEAD_IN: &str = "my|the|a|phone|number|mobile|cell|is|its|it|says|said|here|you|go|use|this|that|s|sure|ok|okay|yes|and|so|code|otp|pin|sms|please|to|i|got|try|now|verification|mi|el|la|numero|telefono|movil|codigo|clave|es|aqui|tienes|si|dice|no|sorry|wait|actually";

/// A text while a code is awaited.
pub(super) fn code(message: &Message<'_>) -> Option<Verdict> {
    let outside = outside_phone(message);
    let corrects = message.phone.is_some() && taken_back::corrects(&outside, true);
    match message.code() {
        Code::Given(_) if !corrects => Some(Verdict::Answer(Box::new(message.common()))),
        _ if message.phone.is_some() => {
            // A possible phone number is no code; given now, it replaces the one the code went to.
            Some(Verdict::Correct(Box::new(Entities { otp_code: None, ..message.common() })))
        }
        Code::TooShort if is_lead_in(&outside) => Some(Verdict::Rejected("too_short")),
        Code::TooLong if is_lead_in(&outside) => Some(Verdict::Rejected("too_long")),
        Code::Absent if is_mixed(message.text) => Some(Verdict::Rejected("letters")),
        _ => None,
    }
}

/// Whether a text is one word of digits and letters, as a mistyped number is.
fn is_mixed(text: &str) -> bool {
    let text = text.trim();
    let letters = text.chars().any(|c| c.is_ascii_alphabetic());
    letters && written_digits(text).len() >= 3 && !text.contains(char::is_whitespace) && !text.contains('@')
}

/// A text while a phone number is awaited: the number, why it is none, or nothing of the kind.
pub(super) fn phone(message: &Message<'_>, region: Option<Region>) -> Option<Result<Entities, &'static str>> {
    if message.phone.is_some() {
        return Some(Ok(Entities { otp_code: None, ..message.common() }));
    }
    let starts = |c: char| digit(c).is_some() || matches!(c, '+' | '＋' | '(');
    let at = message.text.find(starts)?;
    let (lead, tried) = (message.text.get(..at)?, message.text.get(at..)?.trim());
    let digits = written_digits(tried).len();
    let letters = tried.chars().filter(|c| c.is_alphabetic()).count();
    if digits == 0 || (digits < letters && !is_mixed(tried)) || !is_lead_in(&Words::of(lead)) {
        return None;
    }
    let tried = tried.trim_end_matches(['.', '!', ',', ';']);
    Some(match Phone::parse(tried, region) {
        Ok(phone) => Ok(Entities { phone: Some(phone), ..Entities::default() }),
        Err(error) => Err(error.code()),
    })
}

/// Whether the words, numbers apart, only lead up to a number.
pub(super) fn is_lead_in(words: &Words) -> bool {
    let is_number = |word: &str| word.chars().all(|c| digit(c).is_some());
    words.as_slice().iter().all(|word| is_number(word) || LEAD_IN.split('|').any(|l| l == word))
}

/// The words around the phone number.
pub(in crate::classify) fn outside_phone(message: &Message<'_>) -> Words {
    let Some(found) = message.phone else { return message.words.clone() };
    let before = message.text.get(..found.span.start).unwrap_or_default();
    let after = message.text.get(found.span.end..).unwrap_or_default();
    Words::of(&format!("{before} {after}"))
}
