//! The trained model.

use super::scope::{Scope, looks};
use super::svm::Weights;
use super::vocabulary::Vocabulary;
use super::{Context, calibrate, features};

/// A trained model.
#[derive(Debug, PartialEq)]
pub struct Model {
    pub(super) labels: Vec<String>,
    pub(super) vocabulary: Vocabulary,
    /// One for each label, and one more where there is a scope.
    pub(super) weights: Weights,
    pub(super) sharpness: f64,
    pub(super) scope: Option<Scope>,
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
pub struct Scores<'m> {
    all: Vec<Score<'m>>,
    outside: Option<Outside>,
}

/// Whether a text is none of the labels, where the model was trained with rows of that kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outside {
    /// From 0, certainly a label, to 1, certainly none.
    pub score: f64,
    /// Whether the score is high enough to refuse the text: the training lost no more than a hundredth of its right
    /// answers there.
    pub refused: bool,
}

impl<'m> Scores<'m> {
    /// The likeliest label.
    pub fn best(&self) -> Option<Score<'m>> {
        self.all.first().copied()
    }

    /// The next likeliest.
    pub fn second(&self) -> Option<Score<'m>> {
        self.all.get(1).copied()
    }

    /// Whether it is none of them.
    pub fn outside(&self) -> Option<Outside> {
        self.outside
    }

    /// All of them, the likeliest first.
    pub fn iter(&self) -> impl Iterator<Item = Score<'m>> + '_ {
        self.all.iter().copied()
    }
}

impl Model {
    /// The labels, in the order of the alphabet.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// The score from which on a text is refused, where the model was trained with rows outside.
    pub fn threshold(&self) -> Option<f64> {
        self.scope.as_ref().map(|scope| scope.threshold)
    }

    /// What `text` means, as far as the model can tell.
    pub fn classify(&self, text: &str, context: &Context) -> Scores<'_> {
        let vector = self.vocabulary.vector(&features::features(text, context));
        let margins = self.weights.margins(&vector);
        let (inside, rest) = margins.split_at_checked(self.labels.len()).unwrap_or_default();
        let probabilities = calibrate::probabilities(inside, self.sharpness);
        let outside = self.scope.as_ref().map(|scope| {
            let margin = rest.first().copied().unwrap_or_default();
            let score = scope.score(&looks(inside, &probabilities, margin, self.sharpness));
            Outside { score, refused: score >= scope.threshold }
        });
        let scores = self.labels.iter().zip(probabilities);
        let mut all: Vec<Score<'_>> =
            scores.map(|(label, probability)| Score { label, probability }).collect();
        all.sort_unstable_by(|a, b| b.probability.total_cmp(&a.probability));
        Scores { all, outside }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Error, Row, utterances};
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
