//! The files that are the conversation: graphs and texts, compiled in or from a folder, and agents' folders besides.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::agents::{self, Agents};
use crate::graph::{self, Catalog, GraphSet};
use crate::prompt::{self, Replies};
use crate::{agent, tool};

/// The folder of former versions, beside the graphs.
const VERSIONS: &str = "versions";
/// The graph that every message enters.
const ROOT: &str = "orchestrator";
/// The graphs that are compiled in.
const GRAPHS: &[(&str, &str)] = &[
    ("graphs/orchestrator.toml", include_str!("../../graphs/orchestrator.toml")),
    ("graphs/authenticator.toml", include_str!("../../graphs/authenticator.toml")),
    ("graphs/identity_manager.toml", include_str!("../../graphs/identity_manager.toml")),
    ("graphs/session_manager.toml", include_str!("../../graphs/session_manager.toml")),
    ("graphs/identity_migrator.toml", include_str!("../../graphs/identity_migrator.toml")),
    ("graphs/lost_phone.toml", include_str!("../../graphs/lost_phone.toml")),
    ("graphs/understood.toml", include_str!("../../graphs/understood.toml")),
];

/// The graphs that are compiled in, by their files' names.
pub fn compiled_in_graphs() -> impl Iterator<Item = (&'static str, &'static str)> {
    GRAPHS.iter().copied()
}

/// Everything that is wrong with texts and graphs; it stops the start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

impl Broken {
    /// A setting that the graphs are given.
    pub(super) fn setting(name: &str, why: impl Into<anyhow::Error>) -> Self {
        Self(format!("{name}: {:#}", why.into()))
    }
}

/// Loads texts and graphs, and proves the graphs against the handlers and the texts. What is wrong in either is told at
/// once.
pub fn load(texts: &prompt::Options, graphs: &graph::Options) -> Result<(Replies, GraphSet), Broken> {
    let Agents { graphs: added, texts: own, mut problems } = agents::read(&graphs.agents);
    let replies = spoken(texts).and_then(|sources| Ok(Replies::with_agents(texts, &sources, &own)?));
    // Broken texts are no reason to keep quiet about the graphs, whose proofs need the keys alone.
    let known =
        replies.as_ref().map_or_else(|_| (BTreeMap::new(), BTreeMap::new()), |r| (r.keys(), r.told()));
    let set = sources(graphs).and_then(|mut sources| {
        sources.extend(added);
        Ok(graph::load(&sources, &declared(known, graphs))?)
    });
    match (replies, set) {
        (Ok(replies), Ok(set)) if problems.is_empty() => Ok((replies, set)),
        (replies, set) => {
            problems.extend(replies.err().map(|e| format!("{e:#}")));
            problems.extend(set.err().map(|e| format!("{e:#}")));
            Err(Broken(problems.join("\n")))
        }
    }
}

/// Whether a folder is an agent's: it brings texts of its own.
pub fn is_agent(folder: &Path) -> bool {
    files(folder, |name| language(name).is_some()).is_ok()
}

/// What handlers and replies there are, for the graphs' proofs.
pub fn catalog(replies: &Replies, options: &graph::Options) -> Catalog {
    declared((replies.keys(), replies.told()), options)
}

/// Names, by what has them.
type Names = BTreeMap<String, BTreeSet<String>>;

fn declared((replies, told): (Names, Names), options: &graph::Options) -> Catalog {
    let names = |settings: &[graph::Setting]| settings.iter().map(|setting| setting.name.clone()).collect();
    Catalog {
        handlers: agent::handlers().iter().map(|h| h.spec).collect(),
        tools: tool::callable().iter().map(offered).collect(),
        replies,
        told,
        root: ROOT.to_owned(),
        addresses: names(&options.addresses),
        secrets: names(&options.secrets),
    }
}

fn offered(tool: &tool::Callable) -> graph::ToolSpec {
    let tool::Callable { name, needs, takes, may_take, refuses } = *tool;
    graph::ToolSpec { name, needs, takes, may_take, refuses }
}

fn spoken(options: &prompt::Options) -> anyhow::Result<Vec<prompt::Source>> {
    match &options.folder {
        Some(folder) => languages(folder).context("prompt.folder"),
        None => Ok(prompt::Source::compiled_in()),
    }
}

fn sources(options: &graph::Options) -> anyhow::Result<Vec<graph::Source>> {
    let Some(folder) = &options.folder else {
        let source = |&(name, text): &(&str, &str)| graph::Source::graph(name, text);
        return Ok(GRAPHS.iter().map(source).collect());
    };
    let files = files(folder, is_toml).context("graph.folder")?;
    let source = |(path, text): (PathBuf, String)| graph::Source::graph(path.display().to_string(), text);
    let mut sources: Vec<graph::Source> = files.into_iter().map(source).collect();
    sources.extend(versions(folder).context("graph.folder")?);
    Ok(sources)
}

fn is_toml(name: &str) -> bool {
    name.strip_suffix(".toml").is_some()
}

/// The former versions that are kept beside the graphs of a folder.
pub(super) fn versions(folder: &Path) -> anyhow::Result<Vec<graph::Source>> {
    let folder = folder.join(VERSIONS);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let source = |(path, text): (PathBuf, String)| graph::Source::older(path.display().to_string(), text);
    Ok(files(&folder, is_toml)?.into_iter().map(source).collect())
}

fn languages(folder: &Path) -> anyhow::Result<Vec<prompt::Source>> {
    let files = files(folder, |name| language(name).is_some())?;
    let source = |(path, text): (PathBuf, String)| {
        let language = path.file_name().and_then(|n| n.to_str()).and_then(language)?.to_owned();
        Some(prompt::Source { language, name: path.display().to_string(), text })
    };
    Ok(files.into_iter().filter_map(source).collect())
}

/// The language of a file of replies, by its name.
pub(super) fn language(name: &str) -> Option<&str> {
    name.strip_prefix("replies.")?.strip_suffix(".toml")
}

/// The files of a folder whose names fit, by name; none at all is an error.
pub(super) fn files(folder: &Path, fits: impl Fn(&str) -> bool) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.file_name().and_then(|n| n.to_str()).is_some_and(&fits) {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            found.push((path, text));
        }
    }
    if found.is_empty() {
        bail!("there is no such file in {}", folder.display());
    }
    found.sort();
    Ok(found)
}
