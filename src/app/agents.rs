//! Agents that are loaded besides what is compiled in: a folder each, with graphs, texts, and what people say to come there.
//!
//! | file | what it holds |
//! |---|---|
//! | `graph.toml`, and any other `*.toml` | graphs |
//! | `versions/*.toml` | former versions of them, as they were, for conversations that are pinned to one |
//! | `replies.LANGUAGE.toml` | their texts, each in the section of its graph's name |
//! | `utterances.jsonl` | what people say to come to `graph.toml`, or to the only graph |
//!
//! Whatever else lies there, such as scenarios, is not read.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::sources::{files, language, versions};
use crate::graph::{self, Holds};
use crate::prompt::{Own, Section, Source, suggestion};

/// The graph that utterances belong to where there is more than one.
const MAIN: &str = "graph.toml";
/// What people say.
const UTTERANCES: &str = "utterances.jsonl";

/// What stands in the folders.
#[derive(Debug, Default)]
pub(super) struct Agents {
    pub(super) graphs: Vec<graph::Source>,
    pub(super) texts: Vec<Own>,
    /// What keeps a folder from being read.
    pub(super) problems: Vec<String>,
}

/// Reads the folders; every problem at once.
pub(super) fn read(folders: &[PathBuf]) -> Agents {
    let mut agents = Agents::default();
    for folder in folders {
        match one(folder).with_context(|| format!("graph.agents: {}", folder.display())) {
            Ok((graphs, texts)) => {
                agents.graphs.extend(graphs);
                agents.texts.extend(texts);
            }
            Err(e) => agents.problems.push(format!("{e:#}")),
        }
    }
    agents
}

fn one(folder: &Path) -> anyhow::Result<(Vec<graph::Source>, Vec<Own>)> {
    let is_read = |name: &str| name == UTTERANCES || Path::new(name).extension().is_some_and(|e| e == "toml");
    let (mut graphs, mut texts, mut utterances) = (Vec::new(), Vec::new(), None);
    for (path, text) in files(folder, is_read)? {
        let (file, name) = (path.file_name().and_then(|n| n.to_str()).unwrap_or_default(), shown(&path));
        match language(file) {
            Some(language) => texts.push(Source { language: language.to_owned(), name, text }),
            None if file == UTTERANCES => utterances = Some((name, text)),
            None => graphs.push(graph::Source::graph(name, text)),
        }
    }
    if graphs.is_empty() {
        bail!("there is no graph, such as {MAIN}");
    }
    let older = versions(folder)?;
    let all: Vec<graph::Source> = graphs.iter().chain(&older).cloned().collect();
    let section = |(name, said): (String, _)| (name.clone(), Section { suggests: suggestion(&name), said });
    let sections: std::collections::BTreeMap<_, _> = graph::survey(&all).into_iter().map(section).collect();
    let texts = texts.into_iter().map(|source| Own { source, sections: sections.clone() }).collect();
    if let Some((name, text)) = utterances {
        let main = shown(&folder.join(MAIN));
        let of = match graphs.as_slice() {
            [only] => only.name.clone(),
            many if many.iter().any(|graph| graph.name == main) => main,
            _ => bail!("{UTTERANCES} belongs to {MAIN}, which is not there"),
        };
        graphs.push(graph::Source { name, text, holds: Holds::Utterances(of) });
    }
    graphs.extend(older);
    Ok((graphs, texts))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
