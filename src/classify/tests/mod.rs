//! The cascade as a whole.

mod awaited;
mod control;
mod examples;
mod properties;

use std::sync::LazyLock;

use super::{Classifier, Input, Options};
use crate::model::{Region, Route, Slot, SubIntent, Understanding};

static CLASSIFIER: LazyLock<Classifier> = LazyLock::new(|| {
    Classifier::new(&Options { region: Region::parse("US"), ..Options::default() }).unwrap()
});

fn understand(text: &str, awaiting: Option<Slot>, active: Option<SubIntent>) -> Understanding {
    CLASSIFIER.understand(&Input { text, awaiting, active: active.map(Route::User), ..Input::default() })
}

fn idle(text: &str) -> Understanding {
    understand(text, None, None)
}

#[test]
fn a_threshold_that_is_no_probability_is_refused() {
    for accept in [-0.1, 1.1, f64::NAN] {
        assert!(Classifier::new(&Options { accept, ..Options::default() }).is_err(), "{accept}");
    }
}
