//! One-time codes.

use subtle::ConstantTimeEq;

use super::keys::mac;
use crate::model::Secret;

/// A code of six or eight digits, derived when it is needed.
#[derive(Debug, Clone)]
pub struct Code(Secret);

impl Code {
    /// How many digits a code usually has.
    pub const DIGITS: u32 = 6;
    /// How many it has for an identifier that many wrong codes were tried for.
    pub const DIGITS_HARDENED: u32 = 8;

    pub(super) fn derive(pepper: &[u8; 32], parts: &[&[u8]], digits: u32) -> Self {
        let space = 10u32.pow(digits.min(9));
        let mut round = 0u32;
        loop {
            let counter = round.to_be_bytes();
            let mut all = vec![counter.as_slice()];
            all.extend_from_slice(parts);
            let digest = mac(pepper, &all);
            // Values above the last whole multiple are rejected: taking them would make low codes likelier.
            let uniform = digest
                .as_chunks::<4>()
                .0
                .iter()
                .map(|chunk| u32::from_be_bytes(*chunk))
                .find(|&v| v < u32::MAX - u32::MAX % space);
            if let Some(value) = uniform {
                return Self(Secret::new(format!("{:0width$}", value % space, width = digits as usize)));
            }
            round += 1;
        }
    }

    /// Whether `guess` is the code, in a time that does not depend on where they differ.
    pub fn matches(&self, guess: &str) -> bool {
        self.0.expose().as_bytes().ct_eq(guess.as_bytes()).into()
    }

    /// The digits, for the message that carries them.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_six_digits_and_spread_evenly() {
        let mut tens = [0u32; 10];
        for n in 0..5_000u32 {
            let code = Code::derive(&[7; 32], &[&n.to_be_bytes()], 6);
            assert!(code.expose().len() == 6 && code.expose().bytes().all(|b| b.is_ascii_digit()));
            tens[usize::from(code.expose().as_bytes()[0] - b'0')] += 1;
        }
        // 500 expected in each, standard deviation 21.
        assert!(tens.iter().all(|&n| (380..=620).contains(&n)), "{tens:?}");
    }

    #[test]
    fn only_the_whole_code_matches() {
        let code = Code::derive(&[7; 32], &[b"x"], 6);
        assert!(code.matches(code.expose()));
        assert!(!code.matches(&code.expose()[..5]) && !code.matches("") && !code.matches("0123456"));
    }
}
