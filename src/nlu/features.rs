//! What the model looks at: words and pairs of words, pieces of words, and what was going on.
//!
//! A feature is a 64-bit hash of its kind and characters; among the hundred thousand features of a training set a
//! collision is not to be expected, and would cost one feature its meaning.

use super::row::Context;
use super::text::{Piece, pieces};

/// The features of one text, in three blocks that are weighed separately.
#[derive(Debug, Default)]
pub(super) struct Features {
    /// Words and pairs of words.
    pub(super) words: Vec<u64>,
    /// Pieces of words.
    pub(super) chars: Vec<u64>,
    /// What was going on.
    pub(super) context: Vec<u64>,
}

/// Reads a text and its context.
pub(super) fn features(text: &str, context: &Context) -> Features {
    let pieces = pieces(text);
    let mut out = Features { context: context_features(context, pieces.len()), ..Features::default() };
    let mut before = Hash::new(b'2').text("<start>");
    for piece in &pieces {
        let name = match piece {
            Piece::Word(word) => {
                word_pieces(word, &mut out.chars);
                Hash::new(b'1').text(word)
            }
            Piece::Token(token) => Hash::new(b'1').text(token),
            Piece::Unspaced(run) => {
                unspaced_pieces(run, &mut out);
                Hash::new(b'1').text("<run>")
            }
        };
        out.words.push(name.0);
        out.words.push(before.number(name.0).0);
        before = Hash::new(b'2').number(name.0);
    }
    out.words.push(before.text("<end>").0);
    out
}

/// In-word runs of two to four characters, the word's ends marked.
fn word_pieces(word: &str, out: &mut Vec<u64>) {
    // A run of four holds those of two and three that begin where it does, so that each is hashed on the way.
    let chars: Vec<char> = [' '].into_iter().chain(word.chars()).chain([' ']).collect();
    for start in 0..chars.len() {
        let mut hash = Hash::new(b'c');
        for (n, c) in chars.iter().skip(start).take(4).enumerate() {
            hash = hash.chars(&[*c]);
            if n > 0 {
                out.push(hash.0);
            }
        }
    }
}

/// Characters and pairs of characters of a script that does not part its words.
fn unspaced_pieces(run: &[char], out: &mut Features) {
    out.words.extend(run.iter().map(|&c| Hash::new(b'u').chars(&[c]).0));
    for length in [2, 3] {
        out.chars.extend(run.windows(length).map(|pair| Hash::new(b'u').chars(pair).0));
    }
}

fn context_features(context: &Context, length: usize) -> Vec<u64> {
    let mut out = vec![Hash::new(b'x').text("bias").0];
    if let Some(slot) = &context.awaiting {
        out.push(Hash::new(b'x').text("awaiting=").text(slot).0);
    }
    if let Some(route) = &context.active {
        let active = Hash::new(b'x').text("active=").text(route);
        out.push(active.0);
        // A short text in mid-flow is far likelier an answer than a long one.
        if length <= 3 {
            out.push(active.text(" short").0);
        }
    }
    out
}

/// FNV-1a.
#[derive(Clone, Copy)]
struct Hash(u64);

impl Hash {
    fn new(kind: u8) -> Self {
        Self(0xcbf2_9ce4_8422_2325).bytes(&[kind])
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
        self
    }

    fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    fn number(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    fn chars(self, chars: &[char]) -> Self {
        chars.iter().fold(self, |hash, c| hash.bytes(c.encode_utf8(&mut [0; 4]).as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_and_order_are_features() {
        let none = Context::default();
        let otp = Context { awaiting: Some("otp".into()), active: Some("authenticate".into()) };
        assert_ne!(features("it", &none).context, features("it", &otp).context);
        assert_ne!(features("log me in", &none).words, features("me log in", &none).words);
        assert_eq!(features("Code 123456", &none).words, features("code 654321", &none).words);
    }

    #[test]
    fn a_script_without_spaces_is_cut_into_characters() {
        let none = Context::default();
        let (long, short) = (features("我想登录", &none), features("登录", &none));
        assert!(short.chars.iter().all(|f| long.chars.contains(f)));
        assert!(!short.chars.is_empty());
    }
}
