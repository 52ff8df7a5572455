//! Rows of the tables themselves, past every door of the store: what a test has to see even if the product hides it.

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, Row, SqliteConnection};

use super::db::TestDb;

/// A connection of its own, for whoever asks often.
#[derive(Debug)]
pub(crate) enum Eyes {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Eyes {
    pub(crate) async fn open(db: &TestDb) -> Self {
        if let Some(file) = &db.file {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
            return Self::Sqlite(options.connect().await.unwrap());
        }
        let mut connection = PgConnection::connect(&db.options.url).await.unwrap();
        let schema = db.options.schema.as_deref().unwrap();
        connection.execute(AssertSqlSafe(format!("SET search_path TO {schema}"))).await.unwrap();
        Self::Postgres(connection)
    }

    /// Runs a question whose columns are all texts (numbers are cast in the question).
    pub(crate) async fn texts(&mut self, sql: &str) -> Vec<Vec<String>> {
        let sql = AssertSqlSafe(sql.to_owned());
        match self {
            Self::Sqlite(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|n| row.get(n)).collect()).collect()
            }
            Self::Postgres(connection) => {
                let rows = sqlx::query(sql).fetch_all(connection).await.unwrap();
                rows.iter().map(|row| (0..row.len()).map(|n| row.get(n)).collect()).collect()
            }
        }
    }
}

/// Runs one question whose columns are all texts.
pub(crate) async fn texts(db: &TestDb, sql: &str) -> Vec<Vec<String>> {
    Eyes::open(db).await.texts(sql).await
}

/// Runs a question with one number as its answer.
pub(crate) async fn number(db: &TestDb, sql: &str) -> usize {
    texts(db, sql).await.concat().concat().parse().unwrap()
}
