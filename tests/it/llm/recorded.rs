//! What a model says in a scenario is kept and said again; what drifts since is told; a shadow tells what would go elsewhere.

use std::sync::Arc;

use serde_json::json;
use vestibule::classify::{Classifier, Options};
use vestibule::llm::Llm;
use vestibule::scenario::{Scenario, Setup, play};

use super::{client, options};
use crate::scenarios::assert_passed;
use crate::support::fake_model::{FakeModel, Reaction};

const TEXT: &str = "# Asked\n\n> die geräte-übersicht wäre jetzt fein\n< general.unclear context.tier=llm\n";

fn scenario() -> Scenario {
    Scenario::parse("asked.md", TEXT).unwrap()
}

#[tokio::test]
async fn what_was_recorded_is_said_again_without_the_model() {
    let server = FakeModel::start(|_, _| Reaction::classifies("general", 0.375, &json!({}))).await;
    let model: Arc<dyn Llm> = Arc::new(client(&options(&server.url)));
    let recorded = play(&scenario(), &Setup::new(None).unwrap().recording(model)).await;
    assert_passed(&recorded);
    assert_eq!((recorded.exchanges.len(), recorded.spent[0].calls), (1, 1));
    let asked = server.requests().len();
    drop(server);

    let again = Scenario { recordings: recorded.exchanges.clone(), ..scenario() };
    let replayed = play(&again, &Setup::new(None).unwrap()).await;
    assert_passed(&replayed);
    assert_eq!((replayed.spent.clone(), asked), (recorded.spent, 1));

    let other = Scenario::parse("asked.md", &TEXT.replace("jetzt", "nun")).unwrap();
    let drifted =
        play(&Scenario { recordings: recorded.exchanges, ..other }, &Setup::new(None).unwrap()).await;
    let told = &drifted.failures[0];
    assert_eq!(told.line, 3);
    assert!(
        told.what.contains("- message: \"die geräte-übersicht wäre jetzt")
            && told.what.contains("+ message: \"die geräte-übersicht wäre nun"),
        "{}",
        told.what
    );
}

#[tokio::test]
async fn a_model_that_fails_is_not_recorded() {
    let server = FakeModel::start(|_, _| Reaction::Reset).await;
    let model: Arc<dyn Llm> = Arc::new(client(&options(&server.url)));
    let failed = play(&scenario(), &Setup::new(None).unwrap().recording(model)).await;
    assert!(failed.failures[0].what.contains("could not be reached"), "{:?}", failed.failures);
}

#[tokio::test]
async fn a_shadow_tells_what_would_go_elsewhere_and_changes_nothing() {
    let strict = Arc::new(Classifier::new(&Options { accept: 1.0, ..Options::default() }).unwrap());
    let text = "# Shadow\n\n> I want to log in\n< auth.ask_phone\n> cancel\n< general.cancelled\n";
    let scenario = Scenario::parse("shadow.md", text).unwrap();
    let report = play(&scenario, &Setup::new(None).unwrap().shadowed_by(strict)).await;
    assert_passed(&report);
    let [(line, elsewhere)] = report.elsewhere.as_slice() else { panic!("{:?}", report.elsewhere) };
    assert_eq!((*line, elsewhere.would.starts_with("unclear (local")), (3, true), "{elsewhere:?}");
    assert!(elsewhere.went.starts_with("authenticate (local"), "{elsewhere:?}");
}
