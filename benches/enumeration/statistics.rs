//! Whether two samples come from one distribution.

/// What comparing two samples gives.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    /// The medians.
    pub(crate) medians: (f64, f64),
    /// The probability of ranks at least this far apart where there is no difference (Mann and Whitney's test, by its
    /// normal approximation, which is good from a few dozen samples on).
    pub(crate) p: f64,
    /// The largest distance between the two distribution functions (Kolmogorov and Smirnov).
    pub(crate) distance: f64,
}

pub(crate) fn compare(one: &[f64], other: &[f64]) -> Compared {
    let mut all: Vec<(f64, bool)> = one.iter().map(|&v| (v, true)).collect();
    all.extend(other.iter().map(|&v| (v, false)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (n, m) = (real(one.len()), real(other.len()));
    let (mut ranks, mut before, mut distance) = (0.0, 0.0, 0.0_f64);
    let mut seen = (0.0, 0.0);
    for equal in all.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let ours = real(equal.iter().filter(|(_, is_one)| *is_one).count());
        // Equal values share the mean of their ranks.
        ranks += ours * (before + f64::midpoint(real(equal.len()), 1.0));
        before += real(equal.len());
        seen = (seen.0 + ours, seen.1 + real(equal.len()) - ours);
        distance = distance.max((seen.0 / n - seen.1 / m).abs());
    }
    let u = ranks - n * (n + 1.0) / 2.0;
    let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
    let p = two_sided((u - n * m / 2.0) / deviation);
    Compared { medians: (median(one), median(other)), p, distance }
}

pub(crate) fn real(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The probability of a standard normal value at least this far from zero; right to seven digits (Abramowitz and Stegun,
/// 7.1.26).
fn two_sided(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let weights = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    weights.iter().fold(0.0, |sum, weight| (sum + weight) * t) * (-x * x).exp()
}

/// The two tests against samples whose answer is known: a bench that cannot fail tells nothing.
pub(crate) fn is_sound() -> bool {
    let line = |offset: f64| (0..2_000).map(|n| offset + real(n * 7_919 % 2_000)).collect::<Vec<f64>>();
    let (same, shifted) = (compare(&line(0.0), &line(0.5)), compare(&line(0.0), &line(100.0)));
    let normal = [(0.0, 1.0), (1.0, 0.317_310_5), (2.575_829, 0.01)];
    same.p > 0.9
        && same.distance < 0.001
        && shifted.p < 0.01
        && (shifted.distance - 0.05).abs() < 0.001
        && (shifted.medians.1 - shifted.medians.0 - 100.0).abs() < 0.001
        && normal.iter().all(|(z, p)| (two_sided(*z) - p).abs() < 0.000_001)
}
