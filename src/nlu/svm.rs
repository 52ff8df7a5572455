//! One-against-rest linear support vector machines with squared hinge loss, by dual coordinate descent.
//!
//! All labels are descended together: a row's features are then read once for all of them, and the weights of one
//! feature lie side by side.

use rand::seq::SliceRandom;

use super::vocabulary::Vector;
use crate::model::TurnRng;

/// Cost of a violated margin. Larger fits the rows closer.
const COST: f32 = 1.0;
/// Passes over the rows at most; the weights hardly move after ten.
const PASSES: usize = 12;
/// A pass in which no gradient was larger than this was the last.
const TOLERANCE: f32 = 0.05;

/// The rows to separate.
pub(super) struct Problem<'a> {
    /// Vector and label of each row.
    pub(super) rows: &'a [(&'a Vector, usize)],
    /// How many features there are.
    pub(super) features: usize,
    /// How many labels there are.
    pub(super) labels: usize,
}

/// The weights: those of one feature side by side, one for each label.
#[derive(Debug)]
pub(super) struct Weights {
    flat: Vec<f32>,
    labels: usize,
}

impl Weights {
    /// One margin for each label.
    pub(super) fn margins(&self, vector: &Vector) -> Vec<f32> {
        let mut out = vec![0.0; self.labels];
        self.margins_into(vector, &mut out);
        out
    }

    fn margins_into(&self, vector: &Vector, out: &mut [f32]) {
        out.fill(0.0);
        for &(feature, value) in vector {
            for (margin, weight) in out.iter_mut().zip(self.of(feature)) {
                *margin += weight * value;
            }
        }
    }

    fn of(&self, feature: u32) -> &[f32] {
        let start = feature as usize * self.labels;
        self.flat.get(start..start + self.labels).unwrap_or_default()
    }

    fn step(&mut self, vector: &Vector, steps: &[f32]) {
        for &(feature, value) in vector {
            let start = feature as usize * self.labels;
            let weights = self.flat.get_mut(start..start + self.labels).unwrap_or_default();
            for (weight, step) in weights.iter_mut().zip(steps) {
                *weight += step * value;
            }
        }
    }
}

/// Separates each label from the rest.
pub(super) fn train(problem: &Problem<'_>, rng: &mut TurnRng) -> Weights {
    let labels = problem.labels;
    let mut weights = Weights { flat: vec![0.0; problem.features * labels], labels };
    let damping = damping(problem);
    let squares: Vec<f32> = problem.rows.iter().map(|(v, _)| v.iter().map(|(_, w)| w * w).sum()).collect();
    let mut duals = vec![0.0_f32; problem.rows.len() * labels];
    let mut order: Vec<usize> = (0..problem.rows.len()).collect();
    let (mut margins, mut steps) = (vec![0.0; labels], vec![0.0; labels]);
    for _ in 0..PASSES {
        order.shuffle(rng);
        let mut largest = 0.0_f32;
        for &row in &order {
            let (Some(&(vector, label)), Some(&square)) = (problem.rows.get(row), squares.get(row)) else {
                continue;
            };
            weights.margins_into(vector, &mut margins);
            let own = duals.get_mut(row * labels..(row + 1) * labels).unwrap_or_default();
            let mut moved = false;
            for (n, dual) in own.iter_mut().enumerate() {
                let side = if n == label { 1.0 } else { -1.0 };
                let [rest, positive] = damping.get(n).copied().unwrap_or([1.0; 2]);
                let damp = if n == label { positive } else { rest };
                let margin = margins.get(n).copied().unwrap_or_default();
                let gradient = side * margin - 1.0 + damp * *dual;
                let projected = if *dual > 0.0 { gradient } else { gradient.min(0.0) };
                let next = if projected.abs() > 1e-4 {
                    (*dual - gradient / (square + damp)).max(0.0)
                } else {
                    *dual
                };
                largest = largest.max(projected.abs());
                moved |= (next - *dual).abs() > 0.0;
                if let Some(step) = steps.get_mut(n) {
                    *step = (next - *dual) * side;
                }
                *dual = next;
            }
            if moved {
                weights.step(vector, &steps);
            }
        }
        if largest < TOLERANCE {
            break;
        }
    }
    weights
}

/// The diagonal that the squared hinge adds, for the rest and for the label itself. A label's few rows weigh as much
/// as the many of the rest, else the rare label would never be answered.
fn damping(problem: &Problem<'_>) -> Vec<[f32; 2]> {
    let mut counts = vec![0_u16; problem.labels];
    for (_, label) in problem.rows {
        if let Some(count) = counts.get_mut(*label) {
            *count = count.saturating_add(1);
        }
    }
    let total: f32 = counts.iter().map(|&n| f32::from(n)).sum();
    (counts.iter())
        .map(|&n| {
            let (own, rest) = (f32::from(n).max(1.0), (total - f32::from(n)).max(1.0));
            [rest, own].map(|share| 1.0 / (2.0 * COST * (total / (2.0 * share)).sqrt()))
        })
        .collect()
}
