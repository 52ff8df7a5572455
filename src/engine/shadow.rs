//! A second classifier that hears every message too and decides nothing: what would go elsewhere under another
//! configuration, before anybody is put under it.

use std::fmt;
use std::sync::Arc;

use crate::classify::{Classifier, Input};
use crate::model::Understanding;

type Tell = dyn Fn(Elsewhere) + Send + Sync;

/// Another classifier, and who is told of what it would have done.
#[derive(Clone)]
pub struct Shadow {
    classifier: Arc<Classifier>,
    tell: Arc<Tell>,
}

/// A message that would go elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Where it went, and by whom that was decided.
    pub went: String,
    /// Where it would go.
    pub would: String,
}

impl Shadow {
    /// A classifier that `tell` hears of.
    pub fn new(classifier: Arc<Classifier>, tell: impl Fn(Elsewhere) + Send + Sync + 'static) -> Self {
        Self { classifier, tell: Arc::new(tell) }
    }

    /// How many messages before this one it looks at.
    pub(super) fn window(&self) -> u32 {
        self.classifier.window()
    }

    pub(super) async fn compare(&self, input: &Input<'_>, heard: &Understanding) {
        let own = Input { until: None, ..input.clone() };
        let other = self.classifier.hear(&own, || true).await.understanding;
        if place(heard) != place(&other) {
            let told = |u: &Understanding| format!("{} ({} {:.2})", place(u), u.tier.as_str(), u.confidence);
            (self.tell)(Elsewhere { went: told(heard), would: told(&other) });
        }
    }
}

impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shadow")
    }
}

/// Where an understanding leads.
fn place(heard: &Understanding) -> String {
    if let Some(control) = heard.control {
        return control.as_str().to_owned();
    }
    if heard.answers || heard.rejected.is_some() {
        return "the question".to_owned();
    }
    match (heard.unclear, heard.proposed) {
        (true, _) => "unclear".to_owned(),
        (false, true) => format!("{}, to be confirmed", heard.route.as_str()),
        (false, false) => heard.route.as_str().to_owned(),
    }
}
