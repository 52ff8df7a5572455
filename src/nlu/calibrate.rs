//! From margins to probabilities that can be believed.

/// How often the interval of the search is cut; 40 golden cuts leave a relative error of one in 10⁷.
const CUTS: usize = 40;

/// Softmax of the margins times `sharpness`.
pub(super) fn probabilities(margins: &[f32], sharpness: f64) -> Vec<f64> {
    let scaled: Vec<f64> = margins.iter().map(|&m| f64::from(m) * sharpness).collect();
    let top = scaled.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scaled.iter().map(|s| (s - top).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / sum).collect()
}

/// The sharpness (one over the temperature) under which held-out rows are least surprising.
pub(super) fn fit(held_out: &[(Vec<f32>, usize)]) -> f64 {
    let surprise = |log_sharpness: f64| -> f64 {
        (held_out.iter())
            .map(|(margins, label)| {
                let probability = probabilities(margins, log_sharpness.exp()).get(*label).copied();
                -probability.unwrap_or(1.0).max(1e-12).ln()
            })
            .sum()
    };
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.1_f64.ln(), 50.0_f64.ln());
    for _ in 0..CUTS {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if surprise(left) < surprise(right) {
            high = right;
        } else {
            low = left;
        }
    }
    f64::midpoint(low, high).exp()
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
        let row = |label| (vec![1.0_f32, 0.0], label);
        let sure: Vec<_> = (0..100).map(|n| row(usize::from(n == 0))).collect();
        let doubtful: Vec<_> = (0..100).map(|n| row(usize::from(n < 30))).collect();
        let p = probabilities(&[1.0, 0.0], fit(&doubtful))[0];
        assert!((p - 0.7).abs() < 0.01, "{p}");
        assert!((probabilities(&[1.0, 0.0], fit(&sure))[0] - 0.99).abs() < 0.01);
    }
}
