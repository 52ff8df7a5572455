//! Floor 9: how well messages are understood, measured on labelled rows.
//!
//! A [`Row`] is a message, where it fell and what it means; [`evaluate`] asks the product's own classifier, and the
//! [`Report`] counts. [`compare`] trains the local classifier of [`crate::nlu`] on any set of intents instead and
//! measures it on another, which is how it is held against published figures. Both tell what they counted as text, as
//! JSON and as one page without scripts. It knows no conversation and changes nothing.
//!
//! Adding a measure: its arithmetic in `figures.rs`, a field of the report, a line of its text, a part of its page.
//! Adding a form of training data: an arm in `data.rs`.

mod data;
mod figures;
mod intents;
mod page;
mod report;
mod row;
mod svg;

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Map, Value};

pub use data::{Data, Part, read_data};
pub use figures::{Bin, Calibration, Latency, Risk, Share};
pub use intents::{IntentReport, compare};
pub use report::{Prediction, Report};
pub use row::{Problem, Row, read};

use crate::classify::{Classifier, Error, Input, Options};
use crate::model::{Control, Region, Route, Slot, SubIntent, Tier, Understanding};

/// What the classifier says of each row.
pub fn evaluate(options: &Options, rows: &[Row]) -> Result<Report, Error> {
    let mut by_region: BTreeMap<String, Classifier> = BTreeMap::new();
    let mut predictions = Vec::with_capacity(rows.len());
    for row in rows {
        let region = row.context.region.clone().unwrap_or_default();
        let classifier = match by_region.entry(region) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => {
                let region = Region::parse(new.key()).or(options.region);
                new.insert(Classifier::new(&Options { region, ..options.clone() })?)
            }
        };
        let active = row.context.active_intent.as_deref().and_then(SubIntent::parse).map(Route::User);
        let awaiting = row.context.awaiting.as_deref().and_then(Slot::parse);
        let input = Input { text: &row.text, awaiting, active, ..Input::default() };
        let begun = now();
        let heard = classifier.understand(&input);
        let us = begun.elapsed().as_secs_f64() * 1_000_000.0;
        predictions.push(Prediction {
            id: row.id.clone(),
            sub_intent: label(&heard.route).to_owned(),
            confidence: heard.confidence,
            entities: entities(&heard, awaiting),
            tier: heard.tier,
            us,
            outside: outside(classifier, &input, &heard),
        });
    }
    Ok(Report::of(rows, predictions))
}

/// How likely a message is nobody's work: a rule is sure, the local classifier shares out what it believes.
fn outside(classifier: &Classifier, input: &Input<'_>, heard: &Understanding) -> f64 {
    match (heard.tier, &heard.route) {
        (Tier::Local, _) => classifier.outside(input),
        (_, Route::General | Route::OutOfScope) => heard.confidence,
        _ => 1.0 - heard.confidence,
    }
}

#[expect(clippy::disallowed_methods, reason = "latency is measured at the rim, by the machine's own clock")]
fn now() -> Instant {
    Instant::now()
}

/// The label of a route: small talk and help are nobody's work here.
fn label(route: &Route) -> &str {
    match route {
        Route::User(sub_intent) => sub_intent.as_str(),
        Route::Agent(name) => name,
        Route::General | Route::OutOfScope => report::OUT_OF_SCOPE,
    }
}

/// The entities as the rows name them. What a person wrote word by word while a device was awaited is no entity.
fn entities(heard: &Understanding, awaiting: Option<Slot>) -> Map<String, Value> {
    let mut all = match serde_json::to_value(&heard.entities) {
        Ok(Value::Object(all)) => all,
        _ => Map::new(),
    };
    all.remove("changes");
    // Printed, a number is masked; here it is what is measured.
    if let Some(phone) = &heard.entities.phone {
        all.insert("phone".into(), phone.e164().into());
    }
    if matches!(awaiting, Some(Slot::Device | Slot::DeviceName)) {
        all.remove("value");
    }
    // A number or an address that is the new value is told once.
    if all.contains_key("field") {
        all.remove("phone");
    }
    match heard.control {
        Some(Control::Yes) => drop(all.insert("confirmation".into(), "yes".into())),
        Some(Control::No) => drop(all.insert("confirmation".into(), "no".into())),
        Some(Control::Cancel) => drop(all.insert("control".into(), "cancel".into())),
        _ => {}
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    // S2-2, S2-4
    #[test]
    fn rows_are_judged_by_the_products_own_classifier() {
        let rows = r#"
            {"id": "1", "lang": "en", "text": "Logout from all devices", "sub_intent": "manage_sessions", "entities": {"action": "revoke", "revoke_all": true}, "tags": ["all"]}
            {"id": "2", "lang": "en", "text": "my number is +1 415 555 2671", "sub_intent": "authenticate", "entities": {"phone": "+14155552671"}, "context": {"awaiting": "phone", "active_intent": "authenticate"}}
            {"id": "3", "lang": "en", "text": "please don't sign me out", "sub_intent": "manage_sessions", "forbid": {"action": ["revoke"]}}
            {"id": "4", "lang": "en", "text": "Change my name to John", "sub_intent": "authenticate", "entities": {"field": "name", "value": "Jon"}}
        "#;
        let report = evaluate(&Options::default(), &read("rows", rows).unwrap()).unwrap();
        assert_eq!((report.strict.right, report.strict.of, report.entities.right), (3, 4, 3));
        assert_eq!(report.wrong, [("4".to_owned(), "authenticate".to_owned(), "update_identity".to_owned())]);
        assert!(report.forbidden.is_empty() && report.by_tag["all"].right == 1);
        let problems = read("rows", "{}\n\n{\"id\": 1}").unwrap_err();
        let told: Vec<String> = problems.iter().map(|p| format!("{}:{}", p.file, p.line)).collect();
        assert_eq!(told, ["rows:1", "rows:3"]);
        assert!(read("rows", "\n").is_err());
    }
}
