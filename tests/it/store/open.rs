//! Opening: what is made, and what is said where nothing can be opened.

use std::error::Error as _;

use vestibule::model::Actor;
use vestibule::store::{Error, Expect, Options, Store, Value, Write, instance};

use crate::support::db::{Folder, TestDb, on_both, on_sqlite};
use crate::support::samples::done;

on_both!(
    what_is_kept_is_there_the_next_time,
    a_database_of_a_newer_program_is_refused,
    several_may_open_an_empty_database_at_once,
    an_erased_schema_is_empty_and_a_file_stays,
);

/// Sixteen, because SQLite refuses without waiting only where two meet in the same instant.
async fn several_may_open_an_empty_database_at_once(db: TestDb) {
    let stores = futures::future::try_join_all((0..16).map(|_| Store::open(&db.options))).await.unwrap();
    for store in &stores {
        done(store, vec![instance::add("key", 1)]).await;
    }
    assert_eq!(stores[0].instance_number(&Actor::System, "key").await.unwrap(), 16);
}

async fn what_is_kept_is_there_the_next_time(db: TestDb) {
    let store = db.open().await;
    done(&store, vec![instance::put("key", "value"), instance::put("key", "other")]).await;
    store.close().await;
    let store = db.open().await;
    assert_eq!(store.instance_value(&Actor::System, "key").await.unwrap().as_deref(), Some("other"));
    done(&store, vec![instance::add("key", 5), instance::add("key", -7)]).await;
    assert_eq!(store.instance_number(&Actor::System, "key").await.unwrap(), -2);
    assert_eq!(store.instance_value(&Actor::System, "absent").await.unwrap(), None);
    assert_eq!(store.instance_number(&Actor::System, "absent").await.unwrap(), 0);
}

async fn an_erased_schema_is_empty_and_a_file_stays(db: TestDb) {
    let store = db.open().await;
    done(&store, vec![instance::put("key", "value")]).await;
    store.close().await;
    Store::erase_schema(&db.options).await.unwrap();
    let left = db.open().await.instance_value(&Actor::System, "key").await.unwrap();
    assert_eq!(left.is_some(), db.file.is_some());
}

async fn a_database_of_a_newer_program_is_refused(db: TestDb) {
    let store = db.open().await;
    let later = Write {
        sql: "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
              VALUES (9999, 'later', TRUE, $1, 0)",
        args: vec![Value::Bytes(vec![0])],
        expect: Expect::Rows(1),
    };
    done(&store, vec![later]).await;
    store.close().await;
    let refused = Store::open(&db.options).await.unwrap_err();
    assert!(matches!(refused, Error::Newer { found: 9999, known: 3, .. }), "{refused:?}");
    assert!(refused.to_string().contains("9999"), "{refused}");
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_named_with_the_cause() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path().join("taken.db")).unwrap();
    let url = format!("sqlite:{}", folder.path().join("taken.db").display());
    let refused = Store::open(&Options { url, ..Options::default() }).await.unwrap_err();
    assert!(matches!(refused, Error::Open { .. }), "{refused:?}");
    assert!(refused.to_string().contains("taken.db"), "{refused}");
    assert!(refused.source().is_some());

    std::fs::write(
        folder.path().join("letter.db"),
        "Dear Sir or Madam, this is no database at all. ".repeat(99),
    )
    .unwrap();
    let url = format!("sqlite:{}", folder.path().join("letter.db").display());
    let refused = Store::open(&Options { url, ..Options::default() }).await.unwrap_err();
    assert!(refused.to_string().contains("letter.db"), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let url = "postgres://somebody:hunter2@127.0.0.1:1/nowhere".to_owned();
    let refused = Store::open(&Options { url, ..Options::default() }).await.unwrap_err();
    let mut told = refused.to_string();
    let mut cause = refused.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    assert!(told.contains("127.0.0.1:1/nowhere"), "{told}");
    assert!(!told.contains("hunter2") && !format!("{refused:?}").contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_schema_that_would_need_quotes_is_refused() {
    let schema = Some("a; DROP TABLE users".to_owned());
    let url = "postgres://127.0.0.1:1/nowhere".to_owned();
    let refused = Store::open(&Options { url, schema, connections: 2 }).await.unwrap_err();
    assert!(matches!(refused, Error::Schema { .. }), "{refused:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    on_sqlite(|db| async move {
        let store = db.open().await;
        done(&store, vec![instance::put("key", "value")]).await;
        let file = db.file.unwrap();
        let folder = file.parent().unwrap();
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
            seen += 1;
        }
        assert!(seen > 1, "the side files are looked at too");
        store.close().await;
    })
    .await;
}
