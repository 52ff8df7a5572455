//! Whether a text is any of the labels at all: a small logistic combiner over what the margins look like, fitted on rows
//! that the weights never saw.

/// How many scores are combined.
pub(super) const SCORES: usize = 5;
/// Steps of the descent; the weights hardly move after two hundred.
const STEPS: usize = 300;
/// Keeps the weights small where few rows are outside.
const SHRINKAGE: f64 = 0.001;
/// The share of right answers that may be lost to refusing.
const MAY_BE_LOST: f64 = 0.01;

/// What the margins of a text look like.
pub(super) type Looks = [f64; SCORES];

/// The looks of a text: the largest margin, how far it is above the next, how undecided the probabilities are, how much
/// all labels pull together, and the margin of the rows outside. `probabilities` are those of the margins, from which the
/// last but one follow without a further logarithm of each.
pub(super) fn looks(margins: &[f32], probabilities: &[f64], outside: f32, sharpness: f64) -> Looks {
    let (mut first, mut second, mut mean, mut likeliest) = (f64::NEG_INFINITY, f64::NEG_INFINITY, 0.0, 0.0);
    for (&margin, probability) in margins.iter().zip(probabilities) {
        let margin = f64::from(margin);
        mean += margin * probability;
        if margin > first {
            (first, second, likeliest) = (margin, first, *probability);
        } else {
            second = second.max(margin);
        }
    }
    let pull = sharpness * first - likeliest.max(1e-12).ln();
    [first, first - second, pull - sharpness * mean, pull, f64::from(outside)]
}

/// The looks of a held-out row, and what it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldOut {
    pub(super) looks: Looks,
    /// Whether it is none of the labels.
    pub(super) outside: bool,
    /// Whether its label was told rightly.
    pub(super) right: bool,
}

/// The combiner.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scope {
    /// For each score: its mean, its spread and its weight.
    pub(super) terms: [[f64; 3]; SCORES],
    pub(super) bias: f64,
    /// From here up a text is refused.
    pub(super) threshold: f64,
}

impl Scope {
    /// Fits it; both sides weigh the same, however few rows one has.
    pub(super) fn fit(rows: &[HeldOut]) -> Self {
        let count = float(rows.len().max(1));
        let outside = float(rows.iter().filter(|row| row.outside).count().max(1));
        let mut scope = Self { terms: [[0.0, 1.0, 0.0]; SCORES], bias: 0.0, threshold: 0.5 };
        for (n, [mean, spread, _]) in scope.terms.iter_mut().enumerate() {
            let values = || rows.iter().filter_map(|row| row.looks.get(n).copied());
            *mean = values().sum::<f64>() / count;
            *spread = (values().map(|v| (v - *mean).powi(2)).sum::<f64>() / count).sqrt().max(1e-9);
        }
        for _ in 0..STEPS {
            let (mut slopes, mut bias) = ([0.0; SCORES], 0.0);
            for row in rows {
                let weight = if row.outside { 0.5 / outside } else { 0.5 / (count - outside).max(1.0) };
                let error = (scope.score(&row.looks) - f64::from(u8::from(row.outside))) * weight;
                bias += error;
                for ((slope, look), [mean, spread, _]) in slopes.iter_mut().zip(row.looks).zip(scope.terms) {
                    *slope += error * (look - mean) / spread;
                }
            }
            scope.bias -= bias;
            for ([_, _, weight], slope) in scope.terms.iter_mut().zip(slopes) {
                *weight -= slope + SHRINKAGE * *weight;
            }
        }
        scope.threshold = threshold(&scope, rows);
        scope
    }

    /// From 0, certainly a label, to 1, certainly none.
    pub(super) fn score(&self, looks: &Looks) -> f64 {
        let terms = looks.iter().zip(self.terms);
        let sum: f64 = terms.map(|(look, [mean, spread, weight])| (look - mean) / spread * weight).sum();
        1.0 / (1.0 + (-(self.bias + sum)).exp())
    }
}

/// The score from which on refusing costs no more right answers than may be lost.
fn threshold(scope: &Scope, rows: &[HeldOut]) -> f64 {
    let right = rows.iter().filter(|row| !row.outside && row.right);
    let mut scores: Vec<f64> = right.map(|row| scope.score(&row.looks)).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    let allowed = share(scores.len());
    scores.get(allowed).map_or(0.5, |score| score.next_up())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a hundredth of a count")]
fn share(count: usize) -> usize {
    (float(count) * MAY_BE_LOST) as usize
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::super::calibrate::probabilities;
    use super::*;

    fn looked(margins: &[f32], outside: f32, sharpness: f64) -> Looks {
        looks(margins, &probabilities(margins, sharpness), outside, sharpness)
    }

    #[test]
    fn small_margins_are_outside_and_the_threshold_loses_one_in_a_hundred() {
        let row = |n: u16, outside: bool| {
            let top = if outside { -0.6 } else { 0.4 } + f32::from(n % 10) * 0.05;
            HeldOut { looks: looked(&[top, -1.0, -0.9], -top, 4.0), outside, right: !outside }
        };
        let rows: Vec<HeldOut> = (0..300).map(|n| row(n, n % 3 == 0)).collect();
        let scope = Scope::fit(&rows);
        let refused = |outside: bool| {
            let of = rows.iter().filter(|row| row.outside == outside);
            of.filter(|row| scope.score(&row.looks) >= scope.threshold).count()
        };
        assert_eq!(refused(true), 100);
        assert!(refused(false) <= 2, "{}", refused(false));
    }

    #[test]
    fn looks_tell_the_two_largest_margins_apart() {
        let [first, gap, undecided, pull, _] = looked(&[0.5, -1.0, 0.25], 0.0, 2.0);
        assert!((first - 0.5).abs() < 1e-9 && (gap - 0.25).abs() < 1e-9);
        let entropy: f64 = probabilities(&[0.5, -1.0, 0.25], 2.0).iter().map(|p| -p * p.ln()).sum();
        let sum: f64 = [0.5_f64, -1.0, 0.25].iter().map(|m| (m * 2.0).exp()).sum();
        assert!((undecided - entropy).abs() < 1e-9 && (pull - sum.ln()).abs() < 1e-9);
    }
}
