//! What was counted.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Row;
use super::figures::{BINS, Calibration, Judged, Latency, Risk, Share, auroc, risks, steps};
use crate::model::Tier;

/// The label of what is nobody's work here.
pub(super) const OUT_OF_SCOPE: &str = "out_of_scope";

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
    /// How likely it is that the message is nobody's work here.
    #[serde(skip)]
    pub outside: f64,
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
    /// How far confidence is from how often the label is right: the wanted one, or either where a row is ambiguous. Of
    /// several intents in one message only the first counts, since the confidence is about one.
    pub calibration: Calibration,
    /// Coverage against risk, counted like the calibration.
    pub risks: Vec<Risk>,
    /// How well the rows that are nobody's work are told from the rest.
    pub out_of_scope_auroc: Option<f64>,
    /// How long answers took.
    pub latency: Latency,
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
        let mut judged: Vec<Judged> = Vec::with_capacity(rows.len());
        let mut outside: Vec<Judged> = Vec::with_capacity(rows.len());
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
            let is_one =
                right && (said.sub_intent == row.sub_intent || !row.tags.iter().any(|tag| tag == "multi"));
            judged.push((said.confidence, is_one));
            outside.push((said.outside, row.sub_intent == OUT_OF_SCOPE));
        }
        report.calibration = Calibration::of(&judged);
        report.risks = risks(&judged);
        report.out_of_scope_auroc = auroc(&outside);
        report.latency = Latency::of(&predictions.iter().map(|p| p.us).collect::<Vec<_>>());
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

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "sub-intent, strict      {}", self.strict)?;
        writeln!(f, "sub-intent, lenient     {}", self.lenient)?;
        writeln!(f, "all entities            {}", self.entities)?;
        writeln!(f, "forbidden               {} {}", self.forbidden.len(), self.forbidden.join(" "))?;
        let error = self.calibration.error * 100.0;
        writeln!(
            f,
            "calibration error       {error:5.1} % ({BINS} bins; right is the label, or either if ambiguous)"
        )?;
        if let Some(auroc) = self.out_of_scope_auroc {
            writeln!(f, "out of scope, AUROC     {:5.1} %", auroc * 100.0)?;
        }
        writeln!(f, "latency                 {}", self.latency)?;
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
        writeln!(f, "\ncoverage against risk")?;
        for &Risk { coverage, confidence, risk } in steps(&self.risks) {
            let (coverage, risk) = (coverage * 100.0, risk * 100.0);
            writeln!(f, "  {coverage:5.1} % answered from {confidence:.2} up, {risk:.1} % of them wrong")?;
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
