//! What messages are understood with: the local classifier, and a language model beside it where one is configured.

use std::sync::Arc;

use super::sources;
use crate::classify::{Classifier, Training};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::fetch::Fetch;
use crate::graph::GraphSet;
use crate::llm::{Llm, OpenAi};
use crate::model::{Clock, Randomness};
use crate::prompt::Prompts;

/// The doubles of a test: a classifier that is trained already, and a language model.
type Doubled = (Option<Arc<Classifier>>, Option<Arc<dyn Llm>>);

/// A classifier, and the language model beside it.
type Built = (Arc<Classifier>, Option<Arc<dyn Llm>>);

/// The classifier of an app, and the language model beside it.
pub(super) fn build(
    config: &Config,
    graphs: &GraphSet,
    (fetch, clock, randomness): (&Fetch, &Arc<dyn Clock>, &Randomness),
    (trained, llm): Doubled,
) -> anyhow::Result<Built> {
    let llm = match llm {
        Some(double) => Some(double),
        None => model(config, fetch, clock, randomness)?,
    };
    let classifier = match trained {
        Some(trained) => beside(trained, config, llm.clone())?,
        None => retrained(config, graphs, llm.clone())?,
    };
    Ok((classifier, llm))
}

/// The classifier of these graphs, trained unless that was done before, with that language model beside it.
pub(super) fn retrained(
    config: &Config,
    graphs: &GraphSet,
    llm: Option<Arc<dyn Llm>>,
) -> anyhow::Result<Arc<Classifier>> {
    let cache = config.store.folder();
    let training = Training { graphs: Some(graphs), cache: cache.as_deref() };
    beside(Arc::new(Classifier::trained(&config.classify, training)?), config, llm)
}

/// The classifier of a configuration, with the language model that it names.
pub fn classifier(config: &Config) -> anyhow::Result<Arc<Classifier>> {
    let (_, graphs) = sources::load(&config.prompt, &config.graph)?;
    let training = Training { graphs: Some(&graphs), cache: None };
    let local = Arc::new(Classifier::trained(&config.classify, training)?);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let fetch = Fetch::new(&config.fetch)?;
    beside(local, config, model(config, &fetch, &clock, &Randomness::system())?)
}

/// The language model of a configuration, if it names one.
pub fn model(
    config: &Config,
    fetch: &Fetch,
    clock: &Arc<dyn Clock>,
    randomness: &Randomness,
) -> anyhow::Result<Option<Arc<dyn Llm>>> {
    if config.llm.models.is_empty() {
        return Ok(None);
    }
    Ok(Some(Arc::new(OpenAi::new(&config.llm, fetch, Arc::clone(clock), randomness.clone())?)))
}

/// The classifier with a language model beside it, where there is one. The prompts are loaded in any case: one that cannot
/// be rendered stops the start.
fn beside(
    local: Arc<Classifier>,
    config: &Config,
    llm: Option<Arc<dyn Llm>>,
) -> anyhow::Result<Arc<Classifier>> {
    let prompts = Arc::new(Prompts::load(&config.prompt)?);
    let Some(llm) = llm else { return Ok(local) };
    Ok(Arc::new(local.beside(&config.classify, &llm, &prompts)?))
}
