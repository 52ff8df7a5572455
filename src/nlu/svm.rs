//! One-against-rest linear support vector machines with squared hinge loss, by dual coordinate descent.
//!
//! All labels are descended together: a row's features are then read once for all of them, and the weights of one
//! feature lie side by side.

use rand::seq::SliceRandom;

use super::vocabulary::Vector;
use crate::model::TurnRng;

/// Cost of a violated margin. Larger fits the rows closer; on held-out rows of two public sets 0.5 is better than 1 and
/// 0.3.
const COST: f32 = 0.5;
/// Passes over the rows at most; answers on held-out rows do not change after eight.
const PASSES: usize = 8;
/// A pass in which no dual moved further than this was the last.
const TOLERANCE: f32 = 0.01;
/// A step shorter than this is not taken.
const SHORTEST_STEP: f32 = 1e-4;

/// A step is written label by label where fewer than one in so many moves.
const FEW: usize = 6;

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
#[derive(Debug, PartialEq)]
pub(super) struct Weights {
    pub(super) flat: Vec<f32>,
    pub(super) labels: usize,
}

impl Weights {
    /// One margin for each label.
    pub(super) fn margins(&self, vector: &Vector) -> Vec<f32> {
        let mut out = vec![0.0; self.labels];
        self.margins_into(vector, &mut out);
        out
    }

    /// Four features at a time, so that the margins are read and written a quarter as often.
    fn margins_into(&self, vector: &Vector, out: &mut [f32]) {
        out.fill(0.0);
        let mut four = vector.chunks_exact(4);
        for chunk in &mut four {
            let &[a, b, c, d] = chunk else { continue };
            let weights = self.of(a.0).iter().zip(self.of(b.0)).zip(self.of(c.0)).zip(self.of(d.0));
            for (margin, (((wa, wb), wc), wd)) in out.iter_mut().zip(weights) {
                *margin += (wa * a.1 + wb * b.1) + (wc * c.1 + wd * d.1);
            }
        }
        for &(feature, value) in four.remainder() {
            for (margin, weight) in out.iter_mut().zip(self.of(feature)) {
                *margin += weight * value;
            }
        }
    }

    fn of(&self, feature: u32) -> &[f32] {
        let start = feature as usize * self.labels;
        self.flat.get(start..start + self.labels).unwrap_or_default()
    }

    /// Most labels stand far off a row once the first passes are over, and then only the few that move are written.
    fn step(&mut self, vector: &Vector, steps: &[f32]) {
        let moving = |(_, step): &(usize, f32)| step.abs() > SHORTEST_STEP;
        let few: Vec<(usize, f32)> = steps.iter().copied().enumerate().filter(moving).collect();
        let is_few = few.len() * FEW < steps.len();
        for &(feature, value) in vector {
            let start = feature as usize * self.labels;
            let weights = self.flat.get_mut(start..start + self.labels).unwrap_or_default();
            if is_few {
                for &(label, step) in &few {
                    if let Some(weight) = weights.get_mut(label) {
                        *weight += step * value;
                    }
                }
            } else {
                for (weight, step) in weights.iter_mut().zip(steps) {
                    *weight += step * value;
                }
            }
        }
    }
}

/// Separates each label from the rest.
pub(super) fn train(problem: &Problem<'_>, rng: &mut TurnRng) -> Weights {
    let labels = problem.labels;
    let mut weights = Weights { flat: vec![0.0; problem.features * labels], labels };
    let (rest, own) = damping(problem);
    let squares: Vec<f32> = problem.rows.iter().map(|(v, _)| v.iter().map(|(_, w)| w * w).sum()).collect();
    let mut duals = vec![0.0_f32; problem.rows.len() * labels];
    let mut order: Vec<usize> = (0..problem.rows.len()).collect();
    let (mut margins, mut steps) = (vec![0.0; labels], vec![0.0; labels]);
    for _ in 0..PASSES {
        order.shuffle(rng);
        let mut farthest = 0.0_f32;
        for &row in &order {
            let (Some(&(vector, label)), Some(&square)) = (problem.rows.get(row), squares.get(row)) else {
                continue;
            };
            weights.margins_into(vector, &mut margins);
            let duals = duals.get_mut(row * labels..(row + 1) * labels).unwrap_or_default();
            let own = own.get(label).copied().unwrap_or(1.0);
            let far =
                descend(&Step { square, label, own, rest: &rest, margins: &margins }, duals, &mut steps);
            farthest = farthest.max(far);
            if far > SHORTEST_STEP {
                weights.step(vector, &steps);
            }
        }
        if farthest < TOLERANCE {
            break;
        }
    }
    weights
}

/// What a row's step starts from.
struct Step<'a> {
    /// The row's squared length.
    square: f32,
    /// Its label.
    label: usize,
    /// The damping of its own label.
    own: f32,
    /// The damping of every other.
    rest: &'a [f32],
    /// Where it stands.
    margins: &'a [f32],
}

/// Moves a row's duals to where their gradient is zero, and gives the longest way. The loop takes every label for one of
/// the rest, so that it has no branch and runs on vectors; the row's own label is mended after it.
fn descend(step: &Step<'_>, duals: &mut [f32], steps: &mut [f32]) -> f32 {
    let before = duals.get(step.label).copied().unwrap_or_default();
    let mut farthest = 0.0_f32;
    for (n, (((dual, moved), margin), damp)) in
        duals.iter_mut().zip(steps.iter_mut()).zip(step.margins).zip(step.rest).enumerate()
    {
        let gradient = damp * *dual - margin - 1.0;
        let next = (*dual - gradient / (step.square + damp)).max(0.0);
        *moved = *dual - next;
        farthest = farthest.max(if n == step.label { 0.0 } else { moved.abs() });
        *dual = next;
    }
    let own = duals.get_mut(step.label).zip(steps.get_mut(step.label)).zip(step.margins.get(step.label));
    if let Some(((dual, moved), margin)) = own {
        let gradient = step.own * before + margin - 1.0;
        *dual = (before - gradient / (step.square + step.own)).max(0.0);
        *moved = *dual - before;
        farthest = farthest.max(moved.abs());
    }
    farthest
}

/// The diagonal that the squared hinge adds, for the rest of each label and for the label itself. A label's few rows
/// weigh as much as the many of the rest, else the rare label would never be answered.
fn damping(problem: &Problem<'_>) -> (Vec<f32>, Vec<f32>) {
    let mut counts = vec![0_u16; problem.labels];
    for (_, label) in problem.rows {
        if let Some(count) = counts.get_mut(*label) {
            *count = count.saturating_add(1);
        }
    }
    let total: f32 = counts.iter().map(|&n| f32::from(n)).sum();
    let damp = |share: f32| 1.0 / (2.0 * COST * (total / (2.0 * share)).sqrt());
    (counts.iter()).map(|&n| (damp((total - f32::from(n)).max(1.0)), damp(f32::from(n).max(1.0)))).unzip()
}
