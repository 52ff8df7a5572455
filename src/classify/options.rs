//! What the classifier can be told.

use super::Error;
use crate::model::{Region, Tier};

/// How messages are understood.
#[derive(Debug, Clone)]
pub struct Options {
    /// Below this confidence the engine asks instead of acting.
    pub accept: f64,
    /// From this confidence on of the local classifier no language model is asked.
    pub sure: f64,
    /// The country of phone numbers that are given without a country code.
    pub region: Option<Region>,
    /// Who is asked. Whatever a tier leaves open the next one hears; the local classifier has the last word where no
    /// language model answers.
    pub tiers: Vec<Tier>,
    /// How many messages before this one a language model is shown, redacted.
    pub window: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { accept: 0.6, sure: 0.9, region: Region::parse("US"), tiers: Tier::ALL.to_vec(), window: 0 }
    }
}

impl Options {
    /// Whether a tier is asked.
    pub fn has(&self, tier: Tier) -> bool {
        self.tiers.contains(&tier)
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let bad = [self.accept, self.sure].into_iter().find(|share| !(0.0..=1.0).contains(share));
        bad.map_or(Ok(()), |share| Err(Error::Threshold(share)))
    }
}
