//! A database for one play.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Setup;
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
