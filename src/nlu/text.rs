//! Text as the features see it: folded, lower-cased, with what only identifies somebody replaced by a token.

use unicode_normalization::UnicodeNormalization;

/// Longest text that is read, in characters. More adds no meaning, only time.
const LONGEST: usize = 2_000;

/// One word or token of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// A word in an alphabet.
    Word(String),
    /// A run of characters of a script that does not part its words.
    Unspaced(Vec<char>),
    /// What stands for a number or an address.
    Token(&'static str),
}

/// Cuts a text into pieces.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let folded = folded(text);
    let mut out = Vec::new();
    for chunk in folded.split_whitespace() {
        if is_address(chunk) {
            out.push(Piece::Token("<email>"));
        } else if is_id(chunk) {
            out.push(Piece::Token("<id>"));
        } else {
            cut(chunk, &mut out);
        }
    }
    merge_numbers(out)
}

/// Compatibility forms folded, lower-cased, without apostrophes and what is not seen.
fn folded(text: &str) -> String {
    // Most texts are ASCII, of which nothing needs folding.
    if text.is_ascii() {
        let letters = text.bytes().take(LONGEST).filter(|b| *b != b'\'');
        return letters.map(|b| char::from(b.to_ascii_lowercase())).collect();
    }
    text.chars()
        .take(LONGEST)
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !matches!(c, '\'' | '’' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'))
        .take(LONGEST)
        .collect()
}

fn is_address(chunk: &str) -> bool {
    let Some((name, host)) = chunk.split_once('@') else { return false };
    !name.is_empty() && host.contains('.')
}

/// Whether a chunk is an id such as `ses_01kf0hnq`: letters that say what of, then letters and digits that mean nothing.
fn is_id(chunk: &str) -> bool {
    let Some((kind, rest)) = chunk.split_once('_') else { return false };
    let rest = rest.trim_end_matches(|c: char| c.is_ascii_punctuation());
    (2..=4).contains(&kind.len())
        && kind.chars().all(|c| c.is_ascii_lowercase())
        && rest.len() >= 8
        && rest.chars().all(|c| c.is_ascii_alphanumeric())
        && rest.chars().any(|c| c.is_ascii_digit())
}

/// Cuts a chunk without spaces where its kind of character changes.
fn cut(chunk: &str, out: &mut Vec<Piece>) {
    let mut word = String::new();
    let mut unspaced = Vec::new();
    let mut digits = 0;
    // A trailing space ends whatever is open.
    for c in chunk.chars().chain([' ']) {
        let (is_digit, is_unspaced) = (c.is_numeric(), is_unspaced(c));
        let is_word = !is_digit && !is_unspaced && (c.is_alphabetic() || c == '_' || is_mark(c));
        if !is_word && !word.is_empty() {
            out.push(Piece::Word(std::mem::take(&mut word)));
        }
        if !is_unspaced && !unspaced.is_empty() {
            out.push(Piece::Unspaced(std::mem::take(&mut unspaced)));
        }
        if !is_digit && digits > 0 {
            out.push(Piece::Token(number(digits)));
            digits = 0;
        }
        match c {
            c if is_word => word.push(c),
            c if is_unspaced => unspaced.push(c),
            _ if is_digit => digits += 1,
            '+' => out.push(Piece::Token("<plus>")),
            '?' | '¿' | '؟' => out.push(Piece::Token("<ask>")),
            _ => {}
        }
    }
}

/// Combining marks that composition leaves over.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}')
}

fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{e00}'..='\u{e7f}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

fn number(digits: usize) -> &'static str {
    match digits {
        1..=3 => "<num>",
        4..=8 => "<code>",
        _ => "<phone>",
    }
}

/// Numbers that stand in a row, as those of a phone number or of a code with gaps do, become one.
fn merge_numbers(pieces: Vec<Piece>) -> Vec<Piece> {
    let is_number = |p: &Piece| matches!(p, Piece::Token("<num>" | "<code>" | "<phone>" | "<plus>"));
    let mut out: Vec<Piece> = Vec::with_capacity(pieces.len());
    let mut run: Vec<Piece> = Vec::new();
    for piece in pieces {
        if is_number(&piece) {
            run.push(piece);
            continue;
        }
        out.extend(merged(&run));
        run.clear();
        out.push(piece);
    }
    out.extend(merged(&run));
    out
}

fn merged(run: &[Piece]) -> Option<Piece> {
    match run {
        [] | [Piece::Token("<plus>")] => None,
        [Piece::Token("<plus>"), ..] => Some(Piece::Token("<phone>")),
        [one] => Some(one.clone()),
        [_, _] => Some(Piece::Token("<code>")),
        _ => Some(Piece::Token("<phone>")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let words = pieces(text).into_iter().map(|p| match p {
            Piece::Word(w) => w,
            Piece::Unspaced(chars) => chars.into_iter().collect(),
            Piece::Token(t) => t.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_identifies_somebody_becomes_a_token() {
        for (text, want) in [
            ("Log ME in", "log me in"),
            ("I don't", "i dont"),
            ("my code is 123456.", "my code is <code>"),
            ("it's 12 34", "its <code>"),
            ("session 3", "session <num>"),
            ("+1 (415) 555-2671 please", "<phone> please"),
            ("a.b@example.com?", "<email>"),
            ("where?", "where <ask>"),
            ("ｌｏｇｉｎ", "login"),
            ("我的code是1234", "我的 code 是 <code>"),
            ("update_identity", "update_identity"),
            ("+", ""),
            ("", ""),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }
}
