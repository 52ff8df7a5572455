//! Names that people give: to themselves and to their devices. One rule, wherever a name comes in.

use unicode_normalization::UnicodeNormalization;

/// Longest name, in characters.
pub const LONGEST_NAME: usize = 80;

/// From so many digits on a name holds a code or a number, which would be shown back unmasked.
const MOST_DIGITS: usize = 6;

/// Why a text cannot be a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// There is nothing to be seen in it.
    #[error("is empty")]
    Empty,
    /// It is too long.
    #[error("is longer than {LONGEST_NAME} characters")]
    TooLong,
    /// It has characters that could break a line or rewrite the sentence it is shown in.
    #[error("has line breaks, control characters or marks that turn the direction of text")]
    ControlCharacters,
    /// A person's name holds no code and no number.
    #[error("has {MOST_DIGITS} digits or more")]
    Digits,
    /// A person's name has a letter.
    #[error("has no letters")]
    NoLetters,
}

impl NameError {
    /// The machine code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::ControlCharacters => "control_characters",
            Self::Digits => "digits",
            Self::NoLetters => "no_letters",
        }
    }
}

/// A person's name, composed and without the space around it. Any script and any picture is taken; what is refused could
/// not be shown back.
pub fn person_name(text: &str) -> Result<String, NameError> {
    let name = device_name(text)?;
    if name.chars().filter(|c| super::digit(*c).is_some()).count() >= MOST_DIGITS {
        return Err(NameError::Digits);
    }
    if name.chars().any(char::is_alphabetic) { Ok(name) } else { Err(NameError::NoLetters) }
}

/// A device's name, likewise; it need have no letter.
pub fn device_name(text: &str) -> Result<String, NameError> {
    let name: String = text.trim_matches(' ').nfc().collect();
    if name.chars().count() > LONGEST_NAME {
        return Err(NameError::TooLong);
    }
    if name.chars().any(|c| c.is_control() || turns_text(c) || matches!(c, '\u{2028}' | '\u{2029}')) {
        return Err(NameError::ControlCharacters);
    }
    if name.chars().all(|c| c.is_whitespace() || super::is_unseen(c)) {
        return Err(NameError::Empty);
    }
    Ok(name)
}

/// Characters that turn the direction of text: in a name they could rewrite the sentence it is shown in.
fn turns_text(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    // SEC-43, SEC-16
    #[test]
    fn names_are_data_or_refused_with_the_reason() {
        for name in
            ["Ada", "José Ñandú", "健太", "ليلى", "Zoë 🎉", "Robert'); DROP TABLE users;--", "<b>x</b>"]
        {
            assert_eq!(person_name(name), Ok(name.to_owned()));
        }
        assert_eq!(person_name("  Ada "), Ok("Ada".to_owned()));
        assert_eq!(device_name("📱"), Ok("📱".to_owned()));
        for (text, error) in [
            ("", NameError::Empty),
            ("\u{200b}", NameError::Empty),
            ("Ada\r\nBcc: x", NameError::ControlCharacters),
            ("Ada\u{202e}", NameError::ControlCharacters),
            ("Ada\0", NameError::ControlCharacters),
            ("Ada\u{2028}", NameError::ControlCharacters),
            ("12", NameError::NoLetters),
            ("call me +1 415 555 2671", NameError::Digits),
            ("Ada 123456", NameError::Digits),
        ] {
            assert_eq!(person_name(text), Err(error), "{text:?}");
        }
        assert_eq!(person_name(&"a".repeat(5_000)), Err(NameError::TooLong));
        assert!(person_name(&"é".repeat(LONGEST_NAME)).is_ok());
    }
}
