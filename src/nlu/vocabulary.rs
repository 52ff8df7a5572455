//! From features to sparse vectors: which are known, and how much each tells.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::features::Features;

/// A sparse vector: feature number and weight, each feature once.
pub(super) type Vector = Vec<(u32, f32)>;

/// How much the context counts against the text, whose two blocks count 1 each.
const CONTEXT_WEIGHT: f32 = 0.5;

/// The features seen in training.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Vocabulary {
    numbers: HashMap<u64, u32, BuildHasherDefault<Already>>,
    idf: Vec<f32>,
    unknown: f32,
}

/// What a vocabulary is made of, for keeping it: every feature in the order of its number, how much it tells, and how
/// much an unknown one does.
pub(super) struct Parts {
    pub(super) features: Vec<u64>,
    pub(super) idf: Vec<f32>,
    pub(super) unknown: f32,
}

impl Vocabulary {
    /// Learns the features of all rows, and how rare each is.
    pub(super) fn learn(rows: &[Features]) -> Self {
        let mut seen: HashMap<u64, (u32, u32), BuildHasherDefault<Already>> = HashMap::default();
        for row in rows {
            let mut features: Vec<u64> = row.words.iter().chain(&row.chars).copied().collect();
            features.extend(&row.context);
            features.sort_unstable();
            features.dedup();
            for feature in features {
                let next = u32::try_from(seen.len()).unwrap_or(u32::MAX);
                seen.entry(feature).or_insert((next, 0)).1 += 1;
            }
        }
        let mut counts: Vec<(u32, u32)> = seen.values().copied().collect();
        counts.sort_unstable();
        let total = real(rows.len());
        let idf =
            counts.iter().map(|&(_, df)| ((1.0 + total) / (1.0 + real(df as usize))).ln() + 1.0).collect();
        let numbers = seen.into_iter().map(|(feature, (number, _))| (feature, number)).collect();
        Self { numbers, idf, unknown: (1.0 + total).ln() + 1.0 }
    }

    /// Takes it apart.
    pub(super) fn parts(&self) -> Parts {
        let mut pairs: Vec<(u32, u64)> =
            self.numbers.iter().map(|(feature, number)| (*number, *feature)).collect();
        pairs.sort_unstable();
        let features = pairs.into_iter().map(|(_, feature)| feature).collect();
        Parts { features, idf: self.idf.clone(), unknown: self.unknown }
    }

    /// Puts it together again; `None` where the parts do not fit.
    pub(super) fn of(parts: Parts) -> Option<Self> {
        let numbers: HashMap<u64, u32, _> = parts.features.iter().copied().zip(0..).collect();
        let fits = numbers.len() == parts.idf.len() && parts.features.len() == parts.idf.len();
        fits.then_some(Self { numbers, idf: parts.idf, unknown: parts.unknown })
    }

    /// How many features there are.
    pub(super) fn len(&self) -> usize {
        self.idf.len()
    }

    /// The vector of a text; unknown features are left out.
    pub(super) fn vector(&self, features: &Features) -> Vector {
        let mut out =
            Vec::with_capacity(features.words.len() + features.chars.len() + features.context.len());
        self.block(&features.words, &mut out);
        self.block(&features.chars, &mut out);
        out.extend(features.context.iter().filter_map(|f| Some((*self.numbers.get(f)?, CONTEXT_WEIGHT))));
        out
    }

    /// Sublinear counts times rarity, scaled to length 1, so that a long text does not outweigh a short one. What was
    /// never seen counts towards the length as the rarest of all: a text of unknown words must not look certain.
    fn block(&self, features: &[u64], out: &mut Vector) {
        let mut numbers: Vec<u32> = features.iter().filter_map(|f| self.numbers.get(f).copied()).collect();
        numbers.sort_unstable();
        let unknown = real(features.len() - numbers.len()) * self.unknown * self.unknown;
        let start = out.len();
        for run in numbers.chunk_by(|a, b| a == b) {
            let Some(&number) = run.first() else { continue };
            let idf = self.idf.get(number as usize).copied().unwrap_or_default();
            out.push((number, (1.0 + real(run.len()).ln()) * idf));
        }
        let block = out.get_mut(start..).unwrap_or_default();
        let length = (unknown + block.iter().map(|(_, w)| w * w).sum::<f32>()).sqrt();
        if length > 0.0 {
            for (_, weight) in block {
                *weight /= length;
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows and features stay far below 2^24")]
fn real(count: usize) -> f32 {
    count as f32
}

/// The keys are hashes already.
#[derive(Debug, Default)]
struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, n: u64) {
        // The table takes its buckets from the low bits and its tags from the high ones; FNV mixes the high ones less.
        self.0 = n ^ n.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Context;
    use super::super::features::features;
    use super::*;

    #[test]
    fn unknown_words_weaken_the_known_ones() {
        let none = Context::default();
        let vocabulary =
            Vocabulary::learn(&["log me in", "show my devices"].map(|text| features(text, &none)));
        let weight =
            |text: &str| vocabulary.vector(&features(text, &none)).iter().map(|(_, w)| w * w).sum::<f32>();
        let (known, mixed) = (weight("log me in"), weight("log me zarquon"));
        assert!((known - 2.25).abs() < 1e-4, "two blocks of length 1 and the context: {known}");
        assert!(mixed < known - 0.5, "{mixed} against {known}");
    }
}
