//! A database for each test: a file, or a schema of a Postgres server.

use std::future::Future;
use std::io::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use futures::FutureExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use vestibule::store::{Options, Store};

/// Runs each test function, `async fn(TestDb)`, as `name::sqlite` and `name::postgres`. With `threads:` in front they
/// run on a runtime of several threads; without, what is polled together is queued together.
macro_rules! on_both {
    (threads: $($name:ident),+ $(,)?) => {
        on_both!(@ #[tokio::test(flavor = "multi_thread", worker_threads = 4)]; $($name),+);
    };
    ($($name:ident),+ $(,)?) => {
        on_both!(@ #[tokio::test]; $($name),+);
    };
    (@ #[$test:meta]; $($name:ident),+) => { $(
        mod $name {
            #[$test]
            async fn sqlite() {
                crate::support::db::on_sqlite(super::$name).await;
            }

            #[$test]
            async fn postgres() {
                crate::support::db::on_postgres(concat!(module_path!(), "::postgres"), super::$name).await;
            }
        }
    )+ };
}
pub(crate) use on_both;

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A test's own database; what is in it goes when the test ends.
pub(crate) struct TestDb {
    pub(crate) options: Options,
    /// The file, where it is one.
    pub(crate) file: Option<PathBuf>,
}

impl TestDb {
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.options).await.unwrap()
    }
}

fn own_name() -> String {
    format!("vestibule_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// A folder that goes when it is dropped, be the test passed or failed.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(own_name());
        // A crashed run may have had the same process id.
        let _absent = std::fs::remove_dir_all(&path);
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _absent = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) async fn on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(TestDb) -> F) {
    let folder = Folder::new();
    let file = folder.path().join("store.db");
    let url = format!("sqlite:{}", file.display());
    test(TestDb { options: Options { url, connections: 4, schema: None }, file: Some(file) }).await;
}

#[expect(clippy::disallowed_methods, reason = "the product reads its configuration; a test has none")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where the tests' server is.
pub(crate) fn postgres_url() -> String {
    variable("TEST_DATABASE_URL").unwrap_or_else(|| "postgres://postgres@127.0.0.1:5432/test".to_owned())
}

/// A connection to the tests' server; without one the test is skipped, loudly, or fails where that was asked for.
pub(crate) async fn postgres(name: &str) -> Option<PgConnection> {
    let url = postgres_url();
    match PgConnection::connect(&url).await {
        Ok(connection) => Some(connection),
        Err(error) => {
            let place = url.rsplit('@').next().unwrap_or_default();
            assert!(variable("REQUIRE_POSTGRES").is_none(), "no PostgreSQL at {place}: {error}");
            // Past the harness, which keeps what a passing test prints to itself: a skip must be heard.
            let _ = writeln!(std::io::stderr().lock(), "SKIPPED (no PostgreSQL at {place}): {name}");
            None
        }
    }
}

pub(crate) async fn on_postgres<F: Future<Output = ()>>(name: &str, test: impl FnOnce(TestDb) -> F) {
    let Some(mut server) = postgres(name).await else { return };
    let schema = own_name();
    let drop_schema = format!("DROP SCHEMA IF EXISTS {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(drop_schema.clone())).execute(&mut server).await.unwrap();
    let options = Options { url: postgres_url(), connections: 4, schema: Some(schema) };
    let ended = AssertUnwindSafe(test(TestDb { options, file: None })).catch_unwind().await;
    sqlx::raw_sql(AssertSqlSafe(drop_schema)).execute(&mut server).await.unwrap();
    if let Err(panic) = ended {
        std::panic::resume_unwind(panic);
    }
}
