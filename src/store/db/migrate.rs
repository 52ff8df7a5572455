//! The tables' versions, built into the program.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use crate::store::Error;

macro_rules! migrations {
    ($folder:literal: $($version:literal $name:literal $file:literal),+) => {
        [$((
            $version,
            $name,
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/", $folder, "/", $file)),
        )),+]
    };
}

type Texts = [(i64, &'static str, &'static str); 3];

const SQLITE: Texts = migrations!("sqlite": 1 "start" "0001_start.sql", 2 "model usage" "0002_model_usage.sql",
    3 "real messages" "0003_real_messages.sql");
const POSTGRES: Texts = migrations!("postgres": 1 "start" "0001_start.sql", 2 "model usage" "0002_model_usage.sql",
    3 "real messages" "0003_real_messages.sql");

fn migrator(texts: Texts) -> Migrator {
    Migrator::with_migrations(
        (texts.into_iter())
            .map(|(version, name, sql)| {
                Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
            })
            .collect(),
    )
}

/// The migrations of SQLite.
pub(super) fn sqlite() -> Migrator {
    migrator(SQLITE)
}

/// The migrations of Postgres.
pub(super) fn postgres() -> Migrator {
    migrator(POSTGRES)
}

/// Tells a database that is ahead of this program from one that is broken.
pub(super) fn refused(place: &str, migrator: &Migrator, source: MigrateError) -> Error {
    let known = migrator.iter().map(|m| m.version).max().unwrap_or(0);
    match source {
        MigrateError::VersionMissing(found) if found > known => {
            Error::Newer { place: place.to_owned(), found, known }
        }
        source => Error::Migrate { place: place.to_owned(), source },
    }
}
