//! The classifier that most apps of the tests share.

use std::sync::{Arc, LazyLock};

use vestibule::app;
use vestibule::classify::Classifier;
use vestibule::config::Config;

/// Trained once: the tests start some hundred apps, and each would train the same.
static CLASSIFIER: LazyLock<Arc<Classifier>> = LazyLock::new(|| app::classifier(&Config::default()).unwrap());

/// The classifier of an app, unless agents of folders bring more to learn.
pub(super) fn trained(config: &Config) -> Option<Arc<Classifier>> {
    config.graph.agents.is_empty().then(|| Arc::clone(&CLASSIFIER))
}
