//! A database for one play, and graphs of another version.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::Setup;
use crate::app::sources;
use crate::store::{Error, Options, Store};

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A file in a folder of its own, or a schema; it goes when it is removed, the folder also when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) options: Options,
    folder: Option<PathBuf>,
}

impl Place {
    pub(super) async fn make(setup: &Setup) -> Result<Self, Error> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("vestibule_scenario_{}_{number}", std::process::id());
        let place = if let Some(url) = &setup.database {
            let options = Options { url: url.clone(), connections: 4, schema: Some(name) };
            Self { options, folder: None }
        } else {
            let folder = std::env::temp_dir().join(name);
            let url = format!("sqlite:{}", folder.join("scenario.db").display());
            Self { options: Options { url, connections: 4, schema: None }, folder: Some(folder) }
        };
        // An earlier process of the same number may have been killed before it could tidy up.
        place.clear().await?;
        Ok(place)
    }

    pub(super) async fn remove(self) -> Result<(), Error> {
        self.clear().await
    }

    async fn clear(&self) -> Result<(), Error> {
        self.clear_folder();
        Store::erase_schema(&self.options).await
    }

    fn clear_folder(&self) {
        if let Some(folder) = &self.folder {
            // What is not there need not go, and what cannot go is the temporary folder's business.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clear_folder();
    }
}

/// The graphs that are compiled in, one version on, in a folder that goes when it is dropped.
#[derive(Debug)]
pub(super) struct NextGraphs(PathBuf);

impl NextGraphs {
    pub(super) fn write() -> std::io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("vestibule_graphs_{}_{number}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let made = Self(folder);
        for (name, text) in sources::compiled_in_graphs() {
            let file = Path::new(name).file_name().unwrap_or_default();
            std::fs::write(made.0.join(file), text.replacen("version = 1\n", "version = 2\n", 1))?;
        }
        Ok(made)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for NextGraphs {
    fn drop(&mut self) {
        // What cannot go is the temporary folder's business.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
