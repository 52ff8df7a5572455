//! Models kept in files, so that a start with the same rows need not train again.
//!
//! A file's name and head hold a key over everything that the model comes from: the rows, the seed, and the text of the
//! code that trains. So no change of either can be forgotten, and nothing needs to be counted up by hand; a library that
//! it stands on comes with another version of ours, which is in the key too. What is not whole, or is another's, is trained anew and replaced.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::codec::{decode, encode};
use super::{Error, Model, Row};

/// The code that decides what a model answers.
const CODE: &[&str] = &[
    include_str!("calibrate.rs"),
    include_str!("codec.rs"),
    include_str!("features.rs"),
    include_str!("model.rs"),
    include_str!("row.rs"),
    include_str!("../model/rng.rs"),
    env!("CARGO_PKG_VERSION"),
    include_str!("folds.rs"),
    include_str!("scope.rs"),
    include_str!("svm.rs"),
    include_str!("text.rs"),
    include_str!("train.rs"),
    include_str!("vocabulary.rs"),
];
/// Bytes of a key.
pub(super) const KEY: usize = 32;

impl Model {
    /// The model of these rows, from a file in `folder` where a sound one is there, and trained and kept there otherwise.
    /// Both answer alike, bit for bit. A folder that cannot be written to is told of once, and is no error.
    pub fn load_or_train(rows: &[Row], seed: u64, folder: Option<&Path>) -> Result<Self, Error> {
        let begun = now();
        let Some(folder) = folder else {
            let model = Self::train(rows, seed)?;
            tell("trained", rows, begun);
            return Ok(model);
        };
        let key = key(rows, seed);
        let file = path(folder, &key);
        match std::fs::read(&file) {
            Ok(bytes) => match decode(&bytes, &key) {
                Some(model) => {
                    tell("loaded", rows, begun);
                    return Ok(model);
                }
                None => {
                    tracing::warn!(file = %file.display(), "The kept model is damaged or another's; it is replaced");
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(file = %file.display(), %error, "The kept model cannot be read");
            }
        }
        let model = Self::train(rows, seed)?;
        tell("trained", rows, begun);
        if let Err(error) = keep(folder, &file, &encode(&model, &key)) {
            tracing::warn!(file = %file.display(), %error, "The model cannot be kept; the next start trains again");
        }
        Ok(model)
    }
}

fn tell(how: &'static str, rows: &[Row], begun: Instant) {
    let ms = begun.elapsed().as_millis();
    tracing::info!(how, rows = rows.len(), ms, "The local classifier is ready");
}

#[expect(clippy::disallowed_methods, reason = "how long a start takes is the machine's own affair")]
fn now() -> Instant {
    Instant::now()
}

fn path(folder: &Path, key: &[u8; KEY]) -> PathBuf {
    let name = key.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
    folder.join(format!("nlu-{name:016x}.model"))
}

/// The key of everything a model comes from. Every text is led by its length, so that no two sets of rows read alike.
fn key(rows: &[Row], seed: u64) -> [u8; KEY] {
    let mut hash = Sha256::new();
    let mut text = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text.as_bytes());
    };
    for code in CODE {
        text(code);
    }
    text(&seed.to_string());
    for row in rows {
        text(&row.text);
        text(&row.label);
        for context in [&row.context.awaiting, &row.context.active] {
            text(context.as_deref().map_or("", |_| "+"));
            text(context.as_deref().unwrap_or_default());
        }
    }
    hash.finalize().into()
}

/// Writes beside the file and renames, so that a reader sees all of it or nothing.
fn keep(folder: &Path, file: &Path, bytes: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let beside = file.with_extension(format!("{}.tmp", std::process::id()));
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, file));
    if written.is_err() {
        // What was begun is of no use to anybody; that it cannot be removed either changes nothing.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::super::{Context, utterances};
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("vestibule-nlu-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_kept_model_answers_as_the_trained_one_bit_for_bit() {
        let rows: Vec<Row> = utterances().unwrap().into_iter().step_by(5).collect();
        let folder = folder("same");
        let [trained, loaded] = [0, 1].map(|_| Model::load_or_train(&rows, 1, Some(&folder)).unwrap());
        assert!(trained == loaded);
        let none = Context::default();
        for text in ["log me in", "move my cart", "", "我想登录"] {
            assert_eq!(trained.classify(text, &none), loaded.classify(text, &none));
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "one file, and nothing beside it");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_damaged_file_is_replaced_and_other_rows_have_another() {
        let rows: Vec<Row> = utterances().unwrap().into_iter().step_by(9).collect();
        let folder = folder("damaged");
        let sound = Model::load_or_train(&rows, 1, Some(&folder)).unwrap();
        let file = path(&folder, &key(&rows, 1));
        let bytes = std::fs::read(&file).unwrap();
        let mut bent = bytes.clone();
        bent[1_000] ^= 1;
        for damaged in [&bent[..], &bytes[..bytes.len() / 2], b""] {
            std::fs::write(&file, damaged).unwrap();
            assert!(Model::load_or_train(&rows, 1, Some(&folder)).unwrap() == sound);
            assert_eq!(std::fs::read(&file).unwrap(), bytes);
        }
        assert!(decode(&bytes, &key(&rows, 2)).is_none(), "another seed's is another's");
        assert_ne!(key(&rows, 1), key(&rows[1..], 1));
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_cannot_be_is_no_error() {
        let rows: Vec<Row> = utterances().unwrap().into_iter().step_by(40).collect();
        let file = folder("file");
        std::fs::write(&file, "in the way").unwrap();
        assert!(Model::load_or_train(&rows, 1, Some(&file)).is_ok());
        std::fs::remove_file(file).unwrap();
    }
}
