//! How much of a text message a text takes: the alphabet of GSM 03.38, of which one message holds 160 septets. A text with
//! one character outside of it is sent in UCS-2, of which a message holds 70, and is paid for as two or three.
//!
//! It does not know what is said. Adding a character: there are no others; a text is worded around them.

/// What one message holds, in septets.
pub const ONE_MESSAGE: usize = 160;

/// What stands in the basic table beside the letters and digits of ASCII.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà";
/// What is sent as an escape and another septet.
const EXTENDED: &str = "\u{c}^{}\\[~]|€";

/// The septets that a text takes, or the first character that the alphabet lacks.
pub fn septets(text: &str) -> Result<usize, char> {
    text.chars().try_fold(0, |sum, c| match c {
        c if c.is_ascii_alphanumeric() || BASIC.contains(c) => Ok(sum + 1),
        c if EXTENDED.contains(c) => Ok(sum + 2),
        c => Err(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // SEC-43
    #[test]
    fn a_character_takes_one_septet_or_two_or_has_none() {
        let whole = BASIC.chars().chain('a'..='z').chain('A'..='Z').chain('0'..='9');
        assert_eq!(whole.clone().count(), 127, "128 septets, and one of them is the escape");
        assert_eq!(septets(&whole.collect::<String>()), Ok(127));
        assert_eq!(septets(EXTENDED), Ok(2 * EXTENDED.chars().count()));
        assert_eq!(septets("@id.example.com #123456"), Ok(23));
        for odd in ['á', 'í', 'ó', 'ú', 'ç', '`', '’', '•', '\t', '\u{200b}', '😀'] {
            assert_eq!(septets(&format!("12{odd}3")), Err(odd));
        }
    }
}
