//! The local classifier on any set of intents: trained on one, measured on another.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::Serialize;
use serde_json::Map;

use super::figures::{BINS, Calibration, Judged, Latency, Risk, Share, auroc, float, risks, steps};
use super::{Data, Prediction, now};
use crate::model::Tier;
use crate::nlu::{Error, Model};

/// The seed of every training here.
const SEED: u64 = 1;
/// How many pairs of labels are told.
const WORST: usize = 15;

/// A pair of labels that are taken for one another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Confused {
    /// What was wanted.
    pub wanted: String,
    /// What was said.
    pub said: String,
    /// How often.
    pub times: usize,
}

/// What refusing does.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Refusals {
    /// From this score up a text is refused; the training found it. Without rows outside in the training none is.
    pub threshold: Option<f64>,
    /// How many of the rows outside are refused.
    pub recall: Share,
    /// How many of the refused rows are outside.
    pub precision: Share,
    /// How many of the rows with an intent are right and not refused.
    pub in_scope: Share,
    /// How often a row outside scores above one with an intent.
    pub auroc: Option<f64>,
}

/// What was counted.
#[derive(Debug, Clone, Serialize)]
pub struct IntentReport {
    /// Labels, rows trained on, and rows outside trained on.
    pub trained_on: (usize, usize, usize),
    /// How long the training took, in milliseconds.
    pub training_ms: f64,
    /// Rows with an intent whose likeliest label is right.
    pub accuracy: Share,
    /// What refusing does, where there are rows outside.
    pub refusals: Refusals,
    /// How far confidence is from how often the label is right, over the rows with an intent.
    pub calibration: Calibration,
    /// Coverage against risk, over the same.
    pub risks: Vec<Risk>,
    /// How long answers took.
    pub latency: Latency,
    /// The labels that are most often taken for one another.
    pub confused: Vec<Confused>,
    /// Row by row.
    #[serde(skip)]
    pub predictions: Vec<Prediction>,
}

/// Trains on one set and measures on the other. `outside` is the label that refused rows get.
pub fn compare(train: &Data, test: &Data, outside: &str) -> Result<IntentReport, Error> {
    let begun = now();
    let model = Model::train_with(&train.rows, &train.outside, SEED)?;
    let training_ms = begun.elapsed().as_secs_f64() * 1_000.0;
    let mut counts = Counts {
        refusals: Refusals { threshold: model.threshold(), ..Refusals::default() },
        ..Counts::default()
    };
    let (mut inside, mut without) = (test.rows.iter(), test.outside.iter());
    for &is_outside in &test.order {
        let Some(row) = (if is_outside { without.next() } else { inside.next() }) else { continue };
        let begun = now();
        let scores = model.classify(&row.text, &row.context);
        let us = begun.elapsed().as_secs_f64() * 1_000_000.0;
        let Some(best) = scores.best() else { continue };
        let told = scores.outside();
        let refused = told.is_some_and(|told| told.refused);
        let score = told.map_or(1.0 - best.probability, |told| told.score);
        counts.add(&Answer {
            wanted: (!is_outside).then_some(&row.label),
            said: best.label,
            confidence: best.probability,
            refused,
            score,
        });
        counts.predictions.push(Prediction {
            id: (counts.predictions.len() + 1).to_string(),
            sub_intent: if refused { outside.to_owned() } else { best.label.to_owned() },
            confidence: best.probability,
            entities: Map::new(),
            tier: Tier::Local,
            us,
            outside: score,
        });
    }
    let trained_on = (model.labels().len(), train.rows.len(), train.outside.len());
    Ok(counts.report(trained_on, training_ms))
}

/// One answer.
struct Answer<'a> {
    /// The right label; none where no label is.
    wanted: Option<&'a String>,
    said: &'a str,
    confidence: f64,
    refused: bool,
    /// How much it looks like none of the labels.
    score: f64,
}

/// What is counted on the way.
#[derive(Default)]
struct Counts {
    accuracy: Share,
    refusals: Refusals,
    judged: Vec<Judged>,
    scores: Vec<Judged>,
    confused: BTreeMap<(String, String), usize>,
    predictions: Vec<Prediction>,
}

impl Counts {
    fn add(&mut self, answer: &Answer<'_>) {
        self.scores.push((answer.score, answer.wanted.is_none()));
        if answer.refused {
            self.refusals.precision.add(answer.wanted.is_none());
        }
        let Some(wanted) = answer.wanted else {
            self.refusals.recall.add(answer.refused);
            return;
        };
        let right = wanted == answer.said;
        self.accuracy.add(right);
        self.refusals.in_scope.add(right && !answer.refused);
        self.judged.push((answer.confidence, right));
        if !right {
            *self.confused.entry((wanted.clone(), answer.said.to_owned())).or_default() += 1;
        }
    }

    fn report(self, trained_on: (usize, usize, usize), training_ms: f64) -> IntentReport {
        let mut confused: Vec<Confused> = (self.confused.into_iter())
            .map(|((wanted, said), times)| Confused { wanted, said, times })
            .collect();
        confused.sort_by_key(|pair| std::cmp::Reverse(pair.times));
        confused.truncate(WORST);
        IntentReport {
            trained_on,
            training_ms,
            accuracy: self.accuracy,
            refusals: Refusals { auroc: auroc(&self.scores), ..self.refusals },
            calibration: Calibration::of(&self.judged),
            risks: risks(&self.judged),
            latency: Latency::of(&self.predictions.iter().map(|p| p.us).collect::<Vec<_>>()),
            confused,
            predictions: self.predictions,
        }
    }
}

impl Display for IntentReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (labels, rows, outside) = self.trained_on;
        writeln!(f, "trained on              {rows} rows of {labels} intents, {outside} rows outside")?;
        writeln!(f, "training                {:.2} s", self.training_ms / 1_000.0)?;
        writeln!(f, "accuracy, in scope      {}", self.accuracy)?;
        let Refusals { threshold, recall, precision, in_scope, auroc } = &self.refusals;
        if let Some(auroc) = auroc {
            writeln!(f, "out of scope, AUROC     {:5.1} %", auroc * 100.0)?;
        }
        if let Some(threshold) = threshold.filter(|_| recall.of > 0) {
            writeln!(f, "refused from            {threshold:.3} up")?;
            writeln!(f, "out of scope, recall    {recall}")?;
            writeln!(f, "out of scope, precision {precision}")?;
            writeln!(f, "right and not refused   {in_scope}")?;
        }
        writeln!(
            f,
            "calibration error       {:5.1} % ({BINS} bins, in scope)",
            self.calibration.error * 100.0
        )?;
        writeln!(f, "latency                 {}", self.latency)?;
        writeln!(f, "\ncoverage against risk")?;
        for &Risk { coverage, confidence, risk } in steps(&self.risks) {
            let (coverage, risk) = (coverage * 100.0, risk * 100.0);
            writeln!(f, "  {coverage:5.1} % answered from {confidence:.2} up, {risk:.1} % of them wrong")?;
        }
        writeln!(f, "\nmost confused")?;
        for Confused { wanted, said, times } in &self.confused {
            let share = float(*times) / float(self.accuracy.of.max(1)) * 100.0;
            writeln!(f, "  {times:4} ({share:.2} %)  {wanted} taken for {said}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Part, read_data};
    use super::*;

    fn data(texts: &[(&str, &str)]) -> Data {
        let lines: Vec<String> = texts
            .iter()
            .map(|(text, intent)| serde_json::json!({"text": text, "intent": intent}).to_string())
            .collect();
        read_data("rows", &lines.join("\n"), Part::Train, "oos").unwrap()
    }

    #[test]
    fn a_classifier_is_trained_and_measured_on_small_sets() {
        let train = data(&[
            ("play a song", "music"),
            ("play some music", "music"),
            ("put on a record", "music"),
            ("turn on the radio music", "music"),
            ("will it rain", "weather"),
            ("is rain coming today", "weather"),
            ("weather for today", "weather"),
            ("is it sunny", "weather"),
            ("book a table", "oos"),
            ("who is the president", "oos"),
            ("translate this", "oos"),
        ]);
        let test = data(&[
            ("play music", "music"),
            ("rain today", "weather"),
            ("sunny weather", "music"),
            ("zzz", "oos"),
        ]);
        let report = compare(&train, &test, "oos").unwrap();
        assert_eq!(report.accuracy, Share { right: 2, of: 3 });
        assert_eq!((report.trained_on, report.predictions.len()), ((2, 8, 3), 4));
        let confused = Confused { wanted: "music".into(), said: "weather".into(), times: 1 };
        assert_eq!(report.confused, [confused]);
        assert!(report.refusals.auroc.is_some() && report.refusals.recall.of == 1);
        let told = report.to_string();
        assert!(told.contains("music taken for weather") && told.contains("AUROC"), "{told}");
    }
}
