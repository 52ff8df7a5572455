//! The file that holds a chat's tokens, readable by its owner alone.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Map, Value, json};

use crate::config::Config;
use crate::model::Secret;

/// Under what the engine in this process is kept; a server is kept under its address.
const HERE: &str = "here";
const NAME: &str = "chat.json";

/// What a chat presents.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) device: Secret,
    pub(super) session: Option<Secret>,
}

/// The file, and the tokens of the place this chat is with.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    place: String,
    tokens: Option<Tokens>,
}

impl Kept {
    /// Reads the file, if there is one.
    pub(super) fn open(config: &Config, url: Option<&str>) -> anyhow::Result<Self> {
        let path = folder(config).join(NAME);
        let place = url.map_or(HERE, |url| url.trim_end_matches('/')).to_owned();
        let tokens = places(&path)?.get(&place).and_then(|entry| {
            let text = |key| entry.get(key).and_then(Value::as_str).map(Secret::new);
            Some(Tokens { device: text("deviceToken")?, session: text("sessionToken") })
        });
        Ok(Self { path, place, tokens })
    }

    pub(super) fn tokens(&self) -> Option<&Tokens> {
        self.tokens.as_ref()
    }

    /// Keeps these from now on.
    pub(super) fn put(&mut self, tokens: Tokens) -> anyhow::Result<()> {
        let mut all = places(&self.path)?;
        let session = tokens.session.as_ref().map(Secret::expose);
        all.insert(
            self.place.clone(),
            json!({ "deviceToken": tokens.device.expose(), "sessionToken": session }),
        );
        self.tokens = Some(tokens);
        write(&self.path, &Value::Object(all))
            .with_context(|| format!("your place cannot be kept in {}", self.path.display()))
    }
}

/// Beside the database, or beside the key where the database is a server.
fn folder(config: &Config) -> PathBuf {
    let file = config.store.url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
    let beside = file.map(Path::new).or(config.crypto.key_file.as_deref());
    beside.and_then(Path::parent).map(Path::to_owned).unwrap_or_default()
}

fn places(path: &Path) -> anyhow::Result<Map<String, Value>> {
    let unreadable = || format!("{} cannot be read; remove it to begin anew", path.display());
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text).with_context(unreadable),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Map::new()),
        Err(error) => Err(error).with_context(unreadable),
    }
}

fn write(path: &Path, value: &Value) -> anyhow::Result<()> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    // A fresh file put in the old one's place: its mode is ours whatever the old one's was, and nobody reads a half.
    let beside = path.with_extension(format!("json.{}", std::process::id()));
    match std::fs::remove_file(&beside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    file.write_all(value.to_string().as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    Ok(())
}
