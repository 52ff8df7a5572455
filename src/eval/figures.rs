//! The arithmetic of measuring: shares with their intervals, calibration, ranking, coverage against risk, latency.

use std::fmt::{self, Display};

use serde::Serialize;

/// Half the width of a normal distribution's middle 95 %.
const Z: f64 = 1.96;
/// Parts that confidence is cut into for the calibration error.
pub(super) const BINS: usize = 15;

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// So many.
    pub right: usize,
    /// Of so many.
    pub of: usize,
}

impl Share {
    pub(super) fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.of += 1;
    }

    /// From 0 to 1.
    pub fn value(self) -> f64 {
        if self.of == 0 { 0.0 } else { float(self.right) / float(self.of) }
    }

    /// Wilson's interval at 95 %.
    pub fn interval(self) -> (f64, f64) {
        let n = float(self.of.max(1));
        let p = self.value();
        let centre = p + Z * Z / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        ((centre - spread) / scale, (centre + spread) / scale)
    }
}

impl Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.interval();
        write!(
            f,
            "{:5.1} % ({} of {}, 95 %: {:.1}–{:.1})",
            self.value() * 100.0,
            self.right,
            self.of,
            low * 100.0,
            high * 100.0
        )
    }
}

/// An answer that was judged: how sure it was, and whether it is right.
pub(super) type Judged = (f64, bool);

/// The answers of one part of the confidence.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Where it begins, from 0 to 1.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// The mean confidence of its answers.
    pub confidence: f64,
    /// How many of them are right.
    pub share: Share,
}

/// How far confidence is from how often it is right.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Calibration {
    /// The mean distance over the answers, from 0 to 1 (ECE).
    pub error: f64,
    /// The parts, also those without an answer.
    pub bins: Vec<Bin>,
}

impl Calibration {
    pub(super) fn of(judged: &[Judged]) -> Self {
        let edge = |n: usize| float(n) / float(BINS);
        let mut bins: Vec<Bin> =
            (0..BINS).map(|n| Bin { from: edge(n), to: edge(n + 1), ..Bin::default() }).collect();
        for &(confidence, right) in judged {
            if let Some(bin) = bins.get_mut(floor(confidence * float(BINS)).min(BINS - 1)) {
                // A sum, until all are in.
                bin.confidence += confidence;
                bin.share.add(right);
            }
        }
        let distances = bins.iter().map(|bin| (bin.confidence - float(bin.share.right)).abs());
        let error = distances.sum::<f64>() / float(judged.len().max(1));
        for bin in &mut bins {
            bin.confidence /= float(bin.share.of.max(1));
        }
        Self { error, bins }
    }
}

/// The share of wrong answers among the surest ones.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Risk {
    /// The share of rows that are answered, the surest first.
    pub coverage: f64,
    /// The confidence of the last of them.
    pub confidence: f64,
    /// How many of them are wrong, from 0 to 1.
    pub risk: f64,
}

/// Most points of a curve; more cannot be told apart when drawn.
const POINTS: usize = 100;

/// Coverage against risk: what would be wrong if only the surest answers were given.
pub(super) fn risks(judged: &[Judged]) -> Vec<Risk> {
    let mut sorted = judged.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut wrong = 0;
    let mut all = Vec::with_capacity(sorted.len());
    for (n, (confidence, right)) in sorted.iter().enumerate() {
        wrong += usize::from(!right);
        // Answers that are equally sure are given together or not at all.
        if sorted.get(n + 1).is_none_or(|(next, _)| next < confidence) {
            let coverage = float(n + 1) / float(sorted.len());
            all.push(Risk { coverage, confidence: *confidence, risk: float(wrong) / float(n + 1) });
        }
    }
    let every = all.len().div_ceil(POINTS).max(1);
    let last = all.len().saturating_sub(1);
    all.into_iter().enumerate().filter(|(n, _)| n % every == 0 || *n == last).map(|(_, risk)| risk).collect()
}

/// The points of a curve nearest to every tenth of the coverage, for a text.
pub(super) fn steps(risks: &[Risk]) -> Vec<&Risk> {
    let mut out: Vec<&Risk> =
        (1..=10).filter_map(|n| risks.iter().find(|r| r.coverage * 10.0 >= float(n))).collect();
    out.dedup();
    out
}

/// How often a row that is meant to score high scores above one that is not (the area under the ROC curve); equal scores
/// count half. `None` where one kind is missing.
pub(super) fn auroc(scores: &[Judged]) -> Option<f64> {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut won) = (0.0, 0.0);
    for tied in sorted.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let high = float(tied.iter().filter(|(_, high)| *high).count());
        let low = float(tied.len()) - high;
        won += high * (below + low / 2.0);
        below += low;
    }
    let high = float(sorted.len()) - below;
    (high > 0.0 && below > 0.0).then(|| won / high / below)
}

/// How long answers took, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Latency {
    /// Half stay under this.
    pub p50: f64,
    /// 90 of 100 stay under this.
    pub p90: f64,
    /// 99 of 100 stay under this.
    pub p99: f64,
}

impl Latency {
    pub(super) fn of(all: &[f64]) -> Self {
        let mut all = all.to_vec();
        all.sort_by(f64::total_cmp);
        let at = |percent: usize| {
            all.get((all.len() * percent / 100).min(all.len().saturating_sub(1))).copied().unwrap_or_default()
        };
        Self { p50: at(50), p90: at(90), p99: at(99) }
    }
}

impl Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} µs p50, {:.1} µs p90, {:.1} µs p99", self.p50, self.p90, self.p99)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
pub(super) fn float(n: usize) -> f64 {
    n as f64
}

/// The whole number below; what is negative or no number counts as 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast saturates, as is wanted")]
pub(super) fn floor(n: f64) -> usize {
    n as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_wilsons_interval() {
        let (low, high) = Share { right: 90, of: 100 }.interval();
        assert!((low - 0.8256).abs() < 0.001 && (high - 0.9448).abs() < 0.001, "{low} {high}");
        assert!(Share::default().interval().0.abs() < 1e-9);
    }

    #[test]
    fn confidence_that_is_always_right_is_calibrated() {
        assert!(Calibration::of(&[(1.0, true), (1.0, true)]).error < 1e-9);
        let half = Calibration::of(&[(1.0, true), (1.0, false), (0.5, true)]);
        assert!((half.error - 1.5 / 3.0).abs() < 1e-9, "{half:?}");
        assert_eq!((half.bins.len(), half.bins[14].share), (BINS, Share { right: 1, of: 2 }));
    }

    #[test]
    fn ranking_counts_pairs_and_halves_ties() {
        let close = |scores: &[Judged], want: f64| (auroc(scores).unwrap() - want).abs() < 1e-9;
        assert!(close(&[(0.9, true), (0.1, false)], 1.0));
        assert!(close(&[(0.5, true), (0.5, false)], 0.5));
        assert!(close(&[(0.9, false), (0.5, true), (0.1, false), (0.7, true)], 0.5));
        assert_eq!(auroc(&[(0.9, true)]), None);
    }

    #[test]
    fn the_surest_answers_come_first() {
        let curve = risks(&[(0.9, true), (0.5, false), (0.9, true), (0.7, true)]);
        let told: Vec<(f64, f64)> = curve.iter().map(|r| (r.coverage, r.risk)).collect();
        assert_eq!(told, [(0.5, 0.0), (0.75, 0.0), (1.0, 0.25)]);
        let latency = Latency::of(&(0..100).map(f64::from).collect::<Vec<_>>());
        assert_eq!((latency.p50, latency.p90, latency.p99), (50.0, 90.0, 99.0));
    }
}
