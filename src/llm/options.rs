//! What can be told of language models.

use std::str::FromStr;

use crate::model::Secret;

/// Which models are asked, where, and within what bounds.
#[derive(Debug, Clone)]
pub struct Options {
    /// The server's address up to the version, such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// The key for it; some servers on one's own machine want none.
    pub api_key: Option<Secret>,
    /// The models in order of preference. None means that no model is asked at all.
    pub models: Vec<String>,
    /// Longest wait for one request, in milliseconds.
    pub call_ms: u64,
    /// Longest wait within one turn, retries and other models included, in milliseconds.
    pub turn_ms: u64,
    /// How often a request that may pass is tried again with the same model.
    pub retries: u32,
    /// Most requests under way at once.
    pub concurrency: u32,
    /// Messages a minute that a model is asked about for one owner; 0 is no limit.
    pub owner_per_minute: u32,
    /// The same for one network.
    pub network_per_minute: u32,
    /// Failures in a row after which a model is left alone.
    pub breaker_failures: u32,
    /// For how long, in seconds.
    pub breaker_seconds: u32,
    /// What models cost.
    pub prices: Vec<Price>,
}

/// What a model costs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// The model.
    pub model: String,
    /// A million tokens of prompt, in millionths of the currency.
    pub input: u64,
    /// A million tokens of answer, likewise.
    pub output: u64,
}

/// Reads `MODEL INPUT OUTPUT`, the prices of a million tokens in the currency's own unit.
impl FromStr for Price {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut words = text.split_whitespace();
        let (Some(model), Some(input), Some(output), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(());
        };
        Ok(Self {
            model: model.to_owned(),
            input: millionths(input).ok_or(())?,
            output: millionths(output).ok_or(())?,
        })
    }
}

/// A decimal number of up to six places, without the rounding of floating point.
fn millionths(price: &str) -> Option<u64> {
    let (whole, places) = price.split_once('.').unwrap_or((price, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() > 6 || places.len() > 6 || !all_digits(whole) || !all_digits(places) {
        return None;
    }
    format!("{whole}{places:0<6}").parse().ok()
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_url: "https://api.openai.com/v1".to_owned(),
            api_key: None,
            models: Vec::new(),
            call_ms: 4_000,
            turn_ms: 6_000,
            retries: 1,
            concurrency: 128,
            owner_per_minute: 20,
            network_per_minute: 240,
            breaker_failures: 5,
            breaker_seconds: 30,
            prices: Vec::new(),
        }
    }
}

impl Options {
    /// What tokens of a model cost, in millionths of the currency; 0 for a model without a price.
    pub fn cost(&self, model: &str, input: u64, output: u64) -> u64 {
        let Some(price) = self.prices.iter().find(|price| price.model == model) else { return 0 };
        let millionths =
            input.saturating_mul(price.input).saturating_add(output.saturating_mul(price.output));
        millionths.div_ceil(1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_and_costs_rounded_up() {
        let price: Price = "mini 0.40 1.6".parse().unwrap();
        assert_eq!((price.input, price.output), (400_000, 1_600_000));
        for bad in
            ["mini", "mini 1", "mini 1 2 3", "mini -1 2", "mini 1e3 2", "mini 1 .5", "mini 1 2.1234567"]
        {
            assert!(bad.parse::<Price>().is_err(), "{bad}");
        }
        let options = Options { prices: vec![price], ..Options::default() };
        assert_eq!(options.cost("mini", 1_000_000, 0), 400_000);
        assert_eq!(options.cost("mini", 1, 1), 2);
        assert_eq!(options.cost("other", 9, 9), 0);
    }
}
