//! The trained model.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;

use super::folds::{FOLDS, deal};
use super::svm::{Problem, Weights, train};
use super::vocabulary::{Vector, Vocabulary};
use super::{Context, Error, Row, calibrate, features};
use crate::model::Randomness;

/// A trained model.
#[derive(Debug)]
pub struct Model {
    labels: Vec<String>,
    vocabulary: Vocabulary,
    weights: Weights,
    sharpness: f64,
}

/// A label and how likely it is meant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score<'m> {
    /// The label.
    pub label: &'m str,
    /// From 0 to 1; over many texts, 0.8 is right four times out of five.
    pub probability: f64,
}

/// Every label, the likeliest first. The probabilities sum to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores<'m>(Vec<Score<'m>>);

impl<'m> Scores<'m> {
    /// The likeliest label.
    pub fn best(&self) -> Option<Score<'m>> {
        self.0.first().copied()
    }

    /// The next likeliest.
    pub fn second(&self) -> Option<Score<'m>> {
        self.0.get(1).copied()
    }

    /// All of them, the likeliest first.
    pub fn iter(&self) -> impl Iterator<Item = Score<'m>> + '_ {
        self.0.iter().copied()
    }
}

impl Model {
    /// Trains on `rows`. The same rows in the same order with the same seed give the same model.
    pub fn train(rows: &[Row], seed: u64) -> Result<Self, Error> {
        let labels: BTreeMap<&str, usize> = rows.iter().map(|row| (row.label.as_str(), 0)).collect();
        if labels.len() < 2 {
            return Err(Error::TooFewLabels { labels: labels.len() });
        }
        let names: Vec<&str> = labels.into_keys().collect();
        let number = |row: &Row| names.binary_search(&row.label.as_str()).unwrap_or_default();
        let features: Vec<_> = rows.iter().map(|r| features::features(&r.text, &r.context)).collect();
        let vocabulary = Vocabulary::learn(&features);
        let vectors: Vec<Vector> = features.iter().map(|f| vocabulary.vector(f)).collect();
        let set = Set {
            vectors,
            labels: rows.iter().map(number).collect(),
            vocabulary: &vocabulary,
            names: &names,
        };
        let held_out = set.held_out(seed);
        let weights = set.weights(|_| true, seed);
        let labels = names.iter().map(|&n| n.to_owned()).collect();
        Ok(Self { labels, weights, sharpness: calibrate::fit(&held_out), vocabulary })
    }

    /// What `text` means, as far as the model can tell.
    pub fn classify(&self, text: &str, context: &Context) -> Scores<'_> {
        let vector = self.vocabulary.vector(&features::features(text, context));
        let probabilities = calibrate::probabilities(&self.weights.margins(&vector), self.sharpness);
        let scores = self.labels.iter().zip(probabilities);
        let mut scores: Vec<Score<'_>> =
            scores.map(|(label, probability)| Score { label, probability }).collect();
        scores.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        Scores(scores)
    }
}

/// Everything that is trained on.
struct Set<'a> {
    vectors: Vec<Vector>,
    labels: Vec<usize>,
    vocabulary: &'a Vocabulary,
    names: &'a [&'a str],
}

impl Set<'_> {
    /// Weights from the rows that `take` takes.
    fn weights(&self, take: impl Fn(usize) -> bool, seed: u64) -> Weights {
        let all = self.vectors.iter().zip(self.labels.iter().copied()).enumerate();
        let rows: Vec<(&Vector, usize)> = all.filter(|(n, _)| take(*n)).map(|(_, row)| row).collect();
        let problem = Problem { rows: &rows, features: self.vocabulary.len(), labels: self.names.len() };
        train(&problem, &mut Randomness::seeded(seed).stream("nlu.train"))
    }

    /// The margins of every row under weights that never saw it.
    fn held_out(&self, seed: u64) -> Vec<(Vec<f32>, usize)> {
        let mut order: Vec<usize> = (0..self.labels.len()).collect();
        order.shuffle(&mut Randomness::seeded(seed).stream("nlu.folds"));
        let folds = deal(&self.labels, &order, self.names.len());
        let mut out = Vec::with_capacity(self.labels.len());
        for fold in 0..FOLDS {
            let is_held_out = |row: usize| folds.get(row) == Some(&fold);
            let weights = self.weights(|row| !is_held_out(row), seed);
            let all = self.vectors.iter().zip(&self.labels).enumerate();
            let judged = all.filter(|(row, _)| is_held_out(*row));
            out.extend(judged.map(|(_, (vector, label))| (weights.margins(vector), *label)));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::utterances;
    use super::*;

    fn rows(pairs: &[(&str, &str)]) -> Vec<Row> {
        let row = |&(text, label): &(&str, &str)| Row {
            text: text.to_owned(),
            label: label.to_owned(),
            context: Context::default(),
        };
        pairs.iter().map(row).collect()
    }

    #[test]
    fn the_same_rows_and_seed_give_the_same_answers_and_other_rows_others() {
        let all = utterances().unwrap();
        let (some, rest) = all.split_at(700);
        let [a, b] = [0, 1].map(|_| Model::train(some, 7).unwrap());
        let other = Model::train(rest, 7).unwrap();
        let text = "please move my basket";
        let none = Context::default();
        assert_eq!(a.classify(text, &none), b.classify(text, &none));
        let sum: f64 = a.classify(text, &none).iter().map(|score| score.probability).sum();
        assert!((sum - 1.0).abs() < 1e-9);
        assert_ne!(a.classify(text, &none), other.classify(text, &none));
    }

    #[test]
    fn one_label_cannot_be_told_from_nothing() {
        assert!(matches!(Model::train(&[], 1), Err(Error::TooFewLabels { labels: 0 })));
        let same = rows(&[("a", "x"), ("b", "x")]);
        assert!(matches!(Model::train(&same, 1), Err(Error::TooFewLabels { labels: 1 })));
    }

    #[test]
    fn context_decides_what_the_text_leaves_open() {
        let model = Model::train(&utterances().unwrap(), 1).unwrap();
        let of = |awaiting: &str, active: &str| {
            let context = Context { awaiting: Some(awaiting.into()), active: Some(active.into()) };
            model.classify("the second", &context).best().unwrap().label.to_owned()
        };
        assert_eq!(of("device", "manage_sessions"), "manage_sessions");
        assert_eq!(of("migration_type", "migrate_identity"), "migrate_identity");
    }

    #[test]
    fn held_out_rows_are_mostly_right_and_the_probabilities_honest() {
        let all = utterances().unwrap();
        let (test, train): (Vec<_>, Vec<_>) = all.into_iter().enumerate().partition(|(n, _)| n % 5 == 0);
        let train: Vec<Row> = train.into_iter().map(|(_, row)| row).collect();
        let model = Model::train(&train, 1).unwrap();
        let (mut right, mut believed) = (0.0, 0.0);
        for (_, row) in &test {
            let best = model.classify(&row.text, &row.context).best().unwrap();
            right += f64::from(u8::from(best.label == row.label));
            believed += best.probability;
        }
        let total = f64::from(u32::try_from(test.len()).unwrap());
        assert!(right / total > 0.78, "accuracy {}", right / total);
        assert!((right - believed).abs() / total < 0.05, "{right} right, {believed} believed");
    }
}
