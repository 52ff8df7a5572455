//! What was counted.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Row;
use crate::model::Tier;

/// Half the width of a normal distribution's middle 95 %.
const Z: f64 = 1.96;
/// Parts that confidence is cut into for the calibration error.
const BINS: usize = 15;

/// What the classifier said of one row.
#[derive(Debug, Clone, Serialize)]
pub struct Prediction {
    /// The row.
    pub id: String,
    /// The label.
    pub sub_intent: String,
    /// From 0 to 1.
    pub confidence: f64,
    /// What was found.
    pub entities: Map<String, Value>,
    /// Who decided.
    pub tier: Tier,
    /// How long it took, in microseconds.
    pub us: f64,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// So many.
    pub right: usize,
    /// Of so many.
    pub of: usize,
}

impl Share {
    fn add(&mut self, right: bool) {
        self.right += usize::from(right);
        self.of += 1;
    }

    /// From 0 to 1.
    pub fn value(self) -> f64 {
        if self.of == 0 { 0.0 } else { float(self.right) / float(self.of) }
    }

    /// Wilson's interval at 95 %.
    pub fn interval(self) -> (f64, f64) {
        let n = float(self.of.max(1));
        let p = self.value();
        let centre = p + Z * Z / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        ((centre - spread) / scale, (centre + spread) / scale)
    }
}

impl Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.interval();
        write!(
            f,
            "{:5.1} % ({} of {}, 95 %: {:.1}–{:.1})",
            self.value() * 100.0,
            self.right,
            self.of,
            low * 100.0,
            high * 100.0
        )
    }
}

/// Everything that was counted.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The label alone is right.
    pub strict: Share,
    /// The label or another right one.
    pub lenient: Share,
    /// Every entity is right, and there is no other.
    pub entities: Share,
    /// Rows that did what was not wanted.
    pub forbidden: Vec<String>,
    /// Lenient, by language.
    pub by_language: BTreeMap<String, Share>,
    /// Lenient, by tag.
    pub by_tag: BTreeMap<String, Share>,
    /// Wanted label, then the one that was said.
    pub confusion: BTreeMap<String, BTreeMap<String, usize>>,
    /// How far confidence is from how often it is right.
    pub calibration_error: f64,
    /// Microseconds: the median, and what 99 of 100 stay under.
    pub latency: (f64, f64),
    /// Rows whose label is wrong: id, wanted, said.
    pub wrong: Vec<(String, String, String)>,
    /// Rows with a wrong entity: id, wanted, found.
    pub wrong_entities: Vec<(String, Value, Value)>,
    /// Row by row.
    #[serde(skip)]
    pub predictions: Vec<Prediction>,
}

impl Report {
    pub(super) fn of(rows: &[Row], predictions: Vec<Prediction>) -> Self {
        let mut report = Self::default();
        let mut judged = Vec::with_capacity(rows.len());
        for (row, said) in rows.iter().zip(&predictions) {
            let right = said.sub_intent == row.sub_intent || row.also.contains(&said.sub_intent);
            report.strict.add(said.sub_intent == row.sub_intent);
            report.lenient.add(right);
            report.by_language.entry(row.lang.clone()).or_default().add(right);
            for tag in &row.tags {
                report.by_tag.entry(tag.clone()).or_default().add(right);
            }
            let confused = report.confusion.entry(row.sub_intent.clone()).or_default();
            *confused.entry(said.sub_intent.clone()).or_default() += 1;
            if !right {
                report.wrong.push((row.id.clone(), row.sub_intent.clone(), said.sub_intent.clone()));
            }
            let found = all_right(row, &said.entities);
            report.entities.add(found);
            if !found {
                let (wanted, got) = (row.entities.clone().into(), said.entities.clone().into());
                report.wrong_entities.push((row.id.clone(), wanted, got));
            }
            if row
                .forbid
                .iter()
                .any(|(key, values)| said.entities.get(key).is_some_and(|v| values.contains(v)))
            {
                report.forbidden.push(row.id.clone());
            }
            judged.push((said.confidence, right));
        }
        report.calibration_error = calibration_error(&judged);
        report.latency = percentiles(predictions.iter().map(|p| p.us).collect());
        report.predictions = predictions;
        report
    }
}

fn all_right(row: &Row, found: &Map<String, Value>) -> bool {
    let accepted = |key: &str, value: &Value| {
        row.entities.get(key).is_some_and(|wanted| same(wanted, value))
            || row.entities_accept.get(key).is_some_and(|all| all.iter().any(|other| same(other, value)))
    };
    let absent_is_right =
        |key: &str| row.entities_accept.get(key).is_some_and(|all| all.iter().any(Value::is_null));
    let wanted = row.entities.keys().all(|key| match found.get(key) {
        Some(value) => accepted(key, value),
        None => absent_is_right(key),
    });
    wanted && found.iter().all(|(key, value)| accepted(key, value))
}

/// Names are compared without regard to capitals.
fn same(one: &Value, two: &Value) -> bool {
    match (one, two) {
        (Value::String(one), Value::String(two)) => one.to_lowercase() == two.to_lowercase(),
        _ => one == two,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the bins, which are few"
)]
fn bin(confidence: f64) -> usize {
    ((confidence * float(BINS)) as usize).min(BINS - 1)
}

/// The mean distance between confidence and its share of right answers, bin by bin.
fn calibration_error(judged: &[(f64, bool)]) -> f64 {
    let mut bins: BTreeMap<usize, (f64, Share)> = BTreeMap::new();
    for &(confidence, right) in judged {
        let (sum, share) = bins.entry(bin(confidence)).or_default();
        *sum += confidence;
        share.add(right);
    }
    let weighted = bins.values().map(|(sum, share)| (sum - float(share.right)).abs());
    weighted.sum::<f64>() / float(judged.len().max(1))
}

fn percentiles(mut all: Vec<f64>) -> (f64, f64) {
    all.sort_by(f64::total_cmp);
    let at = |percent: usize| all.get((all.len() * percent / 100).min(all.len().saturating_sub(1)));
    (at(50).copied().unwrap_or_default(), at(99).copied().unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
fn float(n: usize) -> f64 {
    n as f64
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sub-intent, strict      {}", self.strict)?;
        writeln!(f, "sub-intent, lenient     {}", self.lenient)?;
        writeln!(f, "all entities            {}", self.entities)?;
        writeln!(f, "forbidden               {} {}", self.forbidden.len(), self.forbidden.join(" "))?;
        writeln!(f, "calibration error       {:5.1} % ({BINS} bins)", self.calibration_error * 100.0)?;
        let (median, p99) = self.latency;
        writeln!(f, "latency                 {median:.0} µs in the median, {p99:.0} µs at p99")?;
        for (what, shares) in [("language", &self.by_language), ("tag", &self.by_tag)] {
            writeln!(f, "\nby {what}")?;
            for (name, share) in shares {
                writeln!(f, "  {name:<22}{share}")?;
            }
        }
        writeln!(f, "\nwanted, and what was said")?;
        for (wanted, said) in &self.confusion {
            let said: Vec<String> = said.iter().map(|(label, n)| format!("{label} {n}")).collect();
            writeln!(f, "  {wanted:<22}{}", said.join(", "))?;
        }
        for (id, wanted, said) in &self.wrong {
            writeln!(f, "wrong: {id} is {wanted}, not {said}")?;
        }
        for (id, wanted, found) in &self.wrong_entities {
            writeln!(f, "entities: {id} has {wanted}, found {found}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_have_wilsons_interval() {
        let (low, high) = Share { right: 90, of: 100 }.interval();
        assert!((low - 0.8256).abs() < 0.001 && (high - 0.9448).abs() < 0.001, "{low} {high}");
        assert!(Share::default().interval().0.abs() < 1e-9);
    }

    #[test]
    fn confidence_that_is_always_right_is_calibrated() {
        assert!(calibration_error(&[(1.0, true), (1.0, true)]) < 1e-9);
        assert!((calibration_error(&[(1.0, true), (1.0, false)]) - 0.5).abs() < 1e-9);
    }
}
