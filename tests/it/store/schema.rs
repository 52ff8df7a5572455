//! The two databases hold the same tables, and take the same statements.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sqlx::{Connection, PgConnection, Row, SqliteConnection};
use vestibule::store::STATEMENTS;

use crate::support::db::{TestDb, on_both, on_postgres, on_sqlite, postgres_url};

on_both!(every_statement_prepares);

async fn every_statement_prepares(db: TestDb) {
    db.open().await.prepare_all().await.unwrap();
}

#[test]
fn statements_keep_to_the_words_both_databases_know() {
    let banned = [
        "CURRENT_TIMESTAMP",
        "NOW()",
        "FOR UPDATE",
        "= ANY",
        "SELECT *",
        "ILIKE",
        "SUM(",
        "EXISTS",
        "INSERT OR",
        "::",
        "RANDOM(",
        "?",
    ];
    let mut names = BTreeSet::new();
    for (table, statements) in STATEMENTS {
        for (name, sql) in *statements {
            let upper = sql.to_uppercase();
            for word in banned {
                assert!(!upper.contains(word), "{table}::{name} says {word}");
            }
            assert!(!sql.contains("  "), "{table}::{name} has a run of spaces: {sql}");
            assert!(names.insert((table, name)), "{table}::{name} is there twice");
        }
    }
    assert!(names.len() > 50, "{} statements", names.len());
}

#[test]
fn no_statement_changes_the_audit_log() {
    for (table, statements) in STATEMENTS {
        for (name, sql) in *statements {
            assert!(!sql.contains("UPDATE audit") && !sql.contains("DELETE FROM audit"), "{table}::{name}");
        }
    }
}

#[test]
fn both_folders_have_the_same_migrations() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let files = |kind: &str| -> BTreeSet<_> {
        std::fs::read_dir(folder.join(kind)).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(files("sqlite"), files("postgres"));
    assert!(!files("sqlite").is_empty());
}

/// Table and column to what it holds and whether that may be null.
type Columns = BTreeMap<(String, String), (&'static str, bool)>;

/// Table to whether it is unique, and to the columns (or their number) of each index.
type Indexes = BTreeSet<(String, bool, i64)>;

fn class(kind: &str) -> &'static str {
    match kind {
        "TEXT" | "text" => "text",
        "INTEGER" | "bigint" => "integer",
        "BLOB" | "bytea" => "bytes",
        other => panic!("`{other}` is no type both databases have"),
    }
}

async fn of_sqlite(db: TestDb) -> (Columns, Indexes) {
    let _store = db.open().await;
    let url = format!("sqlite:{}", db.file.unwrap().display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    let columns = sqlx::query(
        "SELECT t.name, c.name, c.type, c.\"notnull\" FROM sqlite_master t, pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let loose: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pragma_table_list WHERE strict = 0 AND schema = 'main' AND type = 'table' \
         AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    assert_eq!(loose, 0, "every table is STRICT");
    let indexes = sqlx::query(
        "SELECT t.name, i.\"unique\", COUNT(*) FROM sqlite_master t, pragma_index_list(t.name) i, \
         pragma_index_info(i.name) c WHERE t.type = 'table' AND t.name <> '_sqlx_migrations' \
         GROUP BY t.name, i.name, i.\"unique\"",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    (
        (columns.iter())
            .map(|row| ((row.get(0), row.get(1)), (class(row.get(2)), row.get::<i64, _>(3) == 0)))
            .collect(),
        indexes.iter().map(|row| (row.get(0), row.get::<i64, _>(1) == 1, row.get(2))).collect(),
    )
}

async fn of_postgres(db: TestDb) -> (Columns, Indexes) {
    let _store = db.open().await;
    let schema = db.options.schema.unwrap();
    let mut connection = PgConnection::connect(&postgres_url()).await.unwrap();
    let columns = sqlx::query(
        "SELECT table_name::text, column_name::text, data_type::text, is_nullable::text \
         FROM information_schema.columns WHERE table_schema = $1 AND table_name <> '_sqlx_migrations'",
    )
    .bind(&schema)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let indexes = sqlx::query(
        "SELECT t.relname::text, i.indisunique, i.indnkeyatts::bigint, i.indisprimary, \
         (SELECT a.attidentity::text FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0]) \
         FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
         WHERE n.nspname = $1 AND t.relname <> '_sqlx_migrations'",
    )
    .bind(&schema)
    .fetch_all(&mut connection)
    .await
    .unwrap();
    (
        (columns.iter())
            .map(|row| ((row.get(0), row.get(1)), (class(row.get(2)), row.get::<String, _>(3) == "YES")))
            .collect(),
        // SQLite has no index for a number it gives itself: that is the row's place in the table.
        (indexes.iter())
            .filter(|row| !(row.get::<bool, _>(3) && row.get::<Option<String>, _>(4).as_deref() == Some("a")))
            .map(|row| (row.get(0), row.get(1), row.get(2)))
            .collect(),
    )
}

#[tokio::test]
async fn both_databases_get_the_same_tables() {
    let mut sqlite = None;
    on_sqlite(async |db| sqlite = Some(of_sqlite(db).await)).await;
    let mut postgres = None;
    on_postgres("both_databases_get_the_same_tables", async |db| postgres = Some(of_postgres(db).await))
        .await;
    let (columns, indexes) = sqlite.unwrap();
    assert!(columns.len() > 100, "{} columns", columns.len());
    let Some((pg_columns, pg_indexes)) = postgres else { return };
    assert_eq!(columns, pg_columns);
    assert_eq!(indexes, pg_indexes);
}
