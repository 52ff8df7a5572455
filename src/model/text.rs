//! Characters as whoever reads identifiers must see them.

/// Characters that are not seen: soft hyphen, zero-width characters, direction marks, the byte order mark.
pub fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}')
}

/// The ASCII digit that a decimal digit of any common script stands for.
pub fn digit(c: char) -> Option<char> {
    // The first code points of the runs of ten that phones and keyboards produce.
    const ZEROES: [u32; 14] = [
        0x30, 0x0660, 0x06f0, 0x07c0, 0x0966, 0x09e6, 0x0a66, 0x0ae6, 0x0b66, 0x0be6, 0x0e50, 0x0ed0, 0x0f20,
        0xff10,
    ];
    let code = u32::from(c);
    let zero = ZEROES.iter().find(|&&zero| (zero..zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_other_scripts_are_read() {
        assert_eq!("٤४５7x½".chars().filter_map(digit).collect::<String>(), "4457");
    }
}
