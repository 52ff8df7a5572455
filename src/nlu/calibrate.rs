//! From margins to probabilities that can be believed.

/// Most steps of the search; Newton's need about seven.
const STEPS: usize = 40;

/// Softmax of the margins times `sharpness`.
pub(super) fn probabilities(margins: &[f32], sharpness: f64) -> Vec<f64> {
    let scaled: Vec<f64> = margins.iter().map(|&m| f64::from(m) * sharpness).collect();
    let top = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scaled.iter().map(|s| (s - top).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}

/// The sharpness (one over the temperature) under which held-out rows are least surprising: where the slope of their
/// surprise, which only grows, is zero. Newton's steps, kept inside what is known to hold the zero.
pub(super) fn fit(held_out: &[(&[f32], usize)]) -> f64 {
    let (mut low, mut high) = (0.1, 50.0);
    let mut sharpness = 5.0;
    for _ in 0..STEPS {
        let (slope, bend) = slope(held_out, sharpness);
        if slope > 0.0 {
            high = sharpness;
        } else {
            low = sharpness;
        }
        let next = sharpness - slope / bend.max(1e-12);
        let next = if next > low && next < high { next } else { f64::midpoint(low, high) };
        if (next - sharpness).abs() < 1e-6 * sharpness {
            break;
        }
        sharpness = next;
    }
    sharpness
}

/// First and second derivative of the surprise: of each row, how far the expected margin is above that of its label,
/// and how much the margins vary.
fn slope(held_out: &[(&[f32], usize)], sharpness: f64) -> (f64, f64) {
    let (mut slope, mut bend) = (0.0, 0.0);
    for &(margins, label) in held_out {
        let probabilities = probabilities(margins, sharpness);
        let expected = |power: i32| -> f64 {
            (margins.iter().zip(&probabilities)).map(|(&m, p)| p * f64::from(m).powi(power)).sum()
        };
        let mean = expected(1);
        slope += mean - margins.get(label).map_or(0.0, |&m| f64::from(m));
        bend += expected(2) - mean * mean;
    }
    (slope, bend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_sum_to_one_and_keep_the_order() {
        let p = probabilities(&[0.5, -1.0, 0.2], 3.0);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(p[0] > p[2] && p[2] > p[1]);
    }

    #[test]
    fn margins_that_are_often_wrong_are_flattened() {
        let row = |label| (&[1.0_f32, 0.0][..], label);
        let sure: Vec<_> = (0..100).map(|n| row(usize::from(n == 0))).collect();
        let doubtful: Vec<_> = (0..100).map(|n| row(usize::from(n < 30))).collect();
        let p = probabilities(&[1.0, 0.0], fit(&doubtful))[0];
        assert!((p - 0.7).abs() < 0.01, "{p}");
        assert!((probabilities(&[1.0, 0.0], fit(&sure))[0] - 0.99).abs() < 0.01);
    }
}
