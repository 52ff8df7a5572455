//! Training: the rows become vectors, weights are fitted on all of them, and what belongs to the weights is fitted on
//! rows that they never saw.

use std::collections::BTreeSet;
use std::thread;

use rand::seq::SliceRandom;

use super::folds::{FOLDS, deal};
use super::scope::{HeldOut, Scope, looks};
use super::svm::{Problem, Weights, train};
use super::vocabulary::{Vector, Vocabulary};
use super::{Error, Model, Row, calibrate, features};
use crate::model::Randomness;

impl Model {
    /// Trains on `rows`. The same rows in the same order with the same seed give the same model.
    pub fn train(rows: &[Row], seed: u64) -> Result<Self, Error> {
        Self::train_with(rows, &[], seed)
    }

    /// Trains on `rows`, and learns from `outside`, whose labels are not looked at, what is none of theirs.
    pub fn train_with(rows: &[Row], outside: &[Row], seed: u64) -> Result<Self, Error> {
        let names: BTreeSet<&str> = rows.iter().map(|row| row.label.as_str()).collect();
        if names.len() < 2 {
            return Err(Error::TooFewLabels { labels: names.len() });
        }
        let names: Vec<&str> = names.into_iter().collect();
        let number = |row: &Row| names.binary_search(&row.label.as_str()).unwrap_or_default();
        let read = |row: &Row| features::features(&row.text, &row.context);
        let inside: Vec<_> = rows.iter().map(read).collect();
        // What is outside has no end, so its words are not learned: they are to look as unknown as those to come.
        let vocabulary = Vocabulary::learn(&inside);
        let vectors = inside.iter().map(|f| vocabulary.vector(f));
        let set = Set {
            vectors: vectors.chain(outside.iter().map(|row| vocabulary.vector(&read(row)))).collect(),
            labels: rows.iter().map(number).chain(outside.iter().map(|_| names.len())).collect(),
            features: vocabulary.len(),
            names: names.len(),
            columns: names.len() + usize::from(!outside.is_empty()),
            seed,
        };
        let (weights, held_out) = set.fit();
        let of_labels: Vec<(&[f32], usize)> = (held_out.iter())
            .filter(|(_, label)| *label < names.len())
            .map(|(margins, label)| (margins.get(..names.len()).unwrap_or_default(), *label))
            .collect();
        let sharpness = calibrate::fit(&of_labels);
        let scope = (!outside.is_empty()).then(|| Scope::fit(&set.looks(&held_out, sharpness)));
        let labels = names.iter().map(|&name| name.to_owned()).collect();
        Ok(Self { labels, vocabulary, weights, sharpness, scope })
    }
}

/// Everything that is trained on.
struct Set {
    vectors: Vec<Vector>,
    /// The label of each row; those outside have the number after the last.
    labels: Vec<usize>,
    features: usize,
    /// How many labels there are.
    names: usize,
    /// How many weights a feature has: one for each label, and one more where there are rows outside.
    columns: usize,
    seed: u64,
}

/// Margins of a row under weights that never saw it, and its label.
type Judged = (Vec<f32>, usize);

impl Set {
    /// The weights from all rows, and every row as judged by weights from the others. The four trainings share nothing
    /// but what they read, so that they run at the same time and give the same numbers as one after another.
    fn fit(&self) -> (Weights, Vec<Judged>) {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.shuffle(&mut Randomness::seeded(self.seed).stream("nlu.folds"));
        let folds = &deal(&self.labels, &order, self.columns);
        thread::scope(|scope| {
            let parts: Vec<_> = (0..FOLDS).map(|fold| scope.spawn(move || self.judge(folds, fold))).collect();
            let weights = self.weights(|_| true);
            let join = |part: thread::ScopedJoinHandle<'_, Vec<Judged>>| {
                part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            (weights, parts.into_iter().flat_map(join).collect())
        })
    }

    /// The rows of one fold, judged by the others.
    fn judge(&self, folds: &[usize], fold: usize) -> Vec<Judged> {
        let is_held_out = |row: usize| folds.get(row) == Some(&fold);
        let weights = self.weights(|row| !is_held_out(row));
        let all = self.vectors.iter().zip(&self.labels).enumerate();
        let judged = all.filter(|(row, _)| is_held_out(*row));
        judged.map(|(_, (vector, label))| (weights.margins(vector), *label)).collect()
    }

    /// Weights from the rows that `take` takes.
    fn weights(&self, take: impl Fn(usize) -> bool) -> Weights {
        let all = self.vectors.iter().zip(self.labels.iter().copied()).enumerate();
        let rows: Vec<(&Vector, usize)> = all.filter(|(n, _)| take(*n)).map(|(_, row)| row).collect();
        let problem = Problem { rows: &rows, features: self.features, labels: self.columns };
        train(&problem, &mut Randomness::seeded(self.seed).stream("nlu.train"))
    }

    fn looks(&self, held_out: &[Judged], sharpness: f64) -> Vec<HeldOut> {
        let look = |(margins, label): &Judged| {
            let (inside, outside) = margins.split_at_checked(self.names).unwrap_or_default();
            let best = inside.iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b)).map(|(n, _)| n);
            let outside = outside.first().copied().unwrap_or_default();
            HeldOut {
                looks: looks(inside, &calibrate::probabilities(inside, sharpness), outside, sharpness),
                outside: *label >= self.names,
                right: best == Some(*label),
            }
        };
        held_out.iter().map(look).collect()
    }
}
