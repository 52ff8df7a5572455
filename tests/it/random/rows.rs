//! Every change of every row, noted by the database itself, and the rows as they are after it.
//!
//! Triggers are put on all tables that the schema has, so that one which is added is watched from then on.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::support::db::TestDb;
use crate::support::rows::Eyes;

pub(super) type Fields = Map<String, Value>;

/// Tables whose rows are nobody's: budgets that many draw on, a number's wish to be left alone, the instance's own.
const SHARED: &[&str] = &["counters", "dev_outbox", "instance", "opt_outs", "slots"];

/// One change of one row.
#[derive(Debug, Clone, Default)]
pub(super) struct Change {
    pub(super) table: String,
    pub(super) old: Option<Fields>,
    pub(super) new: Option<Fields>,
}

/// Tables, with their columns and whether those hold bytes.
type Schema = BTreeMap<String, Vec<(String, bool)>>;

/// Watches a database.
pub(super) struct Watch {
    eyes: Eyes,
    seen: u64,
    pub(super) schema: Schema,
}

impl Watch {
    /// Puts the triggers on; the tables must be there.
    pub(super) async fn begin(db: &TestDb) -> Self {
        let mut eyes = Eyes::open(db).await;
        let columns = match &db.options.schema {
            None => "SELECT t.name, c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name <> '_sqlx_migrations'"
                .to_owned(),
            Some(schema) => format!(
                "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
                 WHERE table_schema = '{schema}' AND table_name <> '_sqlx_migrations'"
            ),
        };
        let mut schema = Schema::new();
        for row in eyes.texts(&columns).await {
            let [table, column, kind]: [String; 3] = row.try_into().unwrap();
            let is_bytes = ["BLOB", "bytea"].contains(&kind.as_str());
            schema.entry(table).or_default().push((column, is_bytes));
        }
        assert_eq!(unowned(&schema), Vec::<&str>::new(), "whose are the rows of these tables?");
        install(db, &schema).await;
        Self { eyes, seen: 0, schema }
    }

    /// What changed since the last look, in order.
    pub(super) async fn changes(&mut self) -> Vec<Change> {
        let sql = match &self.eyes {
            Eyes::Sqlite(_) => format!(
                "SELECT CAST(seq AS TEXT), tab, COALESCE(old, ''), COALESCE(new, '') FROM noted \
                 WHERE seq > {} ORDER BY seq",
                self.seen
            ),
            // A transaction that began first may be seen last, so what was seen is taken away and not counted.
            Eyes::Postgres(_) => "WITH gone AS (DELETE FROM noted RETURNING seq, tab, old, new) \
                 SELECT seq::text, tab, COALESCE(old, ''), COALESCE(new, '') FROM gone ORDER BY gone.seq"
                .to_owned(),
        };
        let mut changes = Vec::new();
        for row in self.eyes.texts(&sql).await {
            let [seq, table, old, new]: [String; 4] = row.try_into().unwrap();
            self.seen = seq.parse().unwrap();
            let bytes: Vec<&str> = self.schema[&table].iter().filter(|c| c.1).map(|c| c.0.as_str()).collect();
            let (old, new) = (fields(&old, &bytes), fields(&new, &bytes));
            if old != new {
                changes.push(Change { table, old, new });
            }
        }
        changes
    }
}

/// What bytes begin with where they stand as a text.
pub(super) const BYTES: &str = "\\x";

/// A row; bytes are spelt alike on both databases.
fn fields(text: &str, bytes: &[&str]) -> Option<Fields> {
    if text.is_empty() {
        return None;
    }
    let mut fields: Fields = serde_json::from_str(text).unwrap();
    for column in bytes {
        if let Some(Value::String(hex)) = fields.get_mut(*column) {
            *hex = format!("{BYTES}{}", hex.trim_start_matches(BYTES).to_lowercase());
        }
    }
    Some(fields)
}

async fn install(db: &TestDb, schema: &Schema) {
    if let Some(file) = &db.file {
        let mut connection = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
        let mut sql =
            "CREATE TABLE noted (seq INTEGER PRIMARY KEY, tab TEXT NOT NULL, old TEXT, new TEXT);".to_owned();
        for (table, columns) in schema {
            let row = |from: &str| {
                let of = |(column, is_bytes): &(String, bool)| match is_bytes {
                    true => format!("'{column}', hex({from}.{column})"),
                    false => format!("'{column}', {from}.{column}"),
                };
                format!("json_object({})", columns.iter().map(of).collect::<Vec<_>>().join(", "))
            };
            let (old, new) = (row("OLD"), row("NEW"));
            for (act, old, new) in
                [("INSERT", "NULL", new.as_str()), ("UPDATE", &old, &new), ("DELETE", &old, "NULL")]
            {
                write!(
                    sql,
                    "CREATE TRIGGER noted_{table}_{act} AFTER {act} ON {table} BEGIN \
                     INSERT INTO noted (tab, old, new) VALUES ('{table}', {old}, {new}); END;"
                )
                .unwrap();
            }
        }
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        return;
    }
    let own = db.options.schema.as_deref().unwrap();
    let mut connection = PgConnection::connect(&db.options.url).await.unwrap();
    let mut sql = format!(
        "SET search_path TO {own}; \
         CREATE TABLE noted (seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
         tab TEXT NOT NULL, old TEXT, new TEXT); \
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO {own}.noted (tab, old, new) VALUES (TG_TABLE_NAME, \
         CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD)::text END, \
         CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW)::text END); RETURN NULL; END $$;"
    );
    for table in schema.keys() {
        write!(
            sql,
            "CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON {table} \
             FOR EACH ROW EXECUTE FUNCTION note();"
        )
        .unwrap();
    }
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
}

/// Whether a column says whose a row is, or of which row that can be told.
fn names_somebody(column: &str) -> bool {
    ["id", "owner", "subject", "scope"].contains(&column) || column.ends_with("_id")
}

/// Tables of which it can neither be told whose their rows are, nor was it said that they are shared.
fn unowned(schema: &Schema) -> Vec<&str> {
    let is_own = |columns: &[(String, bool)]| columns.iter().any(|(c, bytes)| !bytes && names_somebody(c));
    let unknown =
        schema.iter().filter(|(table, columns)| !SHARED.contains(&table.as_str()) && !is_own(columns));
    unknown.map(|(table, _)| table.as_str()).collect()
}

/// The rows as they are, of each table by id; exchanged tokens by their hash.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows(BTreeMap<String, HashMap<String, Fields>>);

impl Rows {
    pub(super) fn apply_all(&mut self, changes: &[Change]) {
        for change in changes {
            self.apply(change);
        }
    }

    pub(super) fn apply(&mut self, change: &Change) {
        let key = |fields: &Fields| {
            let key = fields.get("id").or_else(|| fields.get("hash"))?;
            key.as_str().map(str::to_owned)
        };
        if !self.0.contains_key(&change.table) {
            self.0.insert(change.table.clone(), HashMap::new());
        }
        let Some(table) = self.0.get_mut(&change.table) else { return };
        if let Some(gone) = change.old.as_ref().and_then(key) {
            table.remove(&gone);
        }
        if let Some((key, new)) = change.new.as_ref().and_then(|new| Some((key(new)?, new.clone()))) {
            table.insert(key, new);
        }
    }

    pub(super) fn row(&self, id: &str) -> Option<&Fields> {
        self.0.values().find_map(|table| table.get(id))
    }

    pub(super) fn of(&self, table: &str) -> impl Iterator<Item = &Fields> {
        self.0.get(table).into_iter().flat_map(HashMap::values)
    }

    /// Accounts, or devices where no account is concerned, that a row is about.
    pub(super) fn concerned(&self, change: &Change) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        if SHARED.contains(&change.table.as_str()) {
            return found;
        }
        for fields in change.old.iter().chain(&change.new) {
            for (column, value) in fields.iter().filter(|(column, _)| names_somebody(column)) {
                let is_itself = column == "id" && !["users", "devices"].contains(&change.table.as_str());
                if let (Some(id), false) = (value.as_str(), is_itself) {
                    self.resolve(id, &mut found);
                }
            }
        }
        if found.iter().any(|id| id.starts_with("usr_")) {
            found.retain(|id| id.starts_with("usr_"));
        }
        found
    }

    fn resolve(&self, id: &str, found: &mut BTreeSet<String>) {
        if id.starts_with("usr_") || id.starts_with("dev_") {
            found.insert(id.to_owned());
            return;
        }
        let Some(fields) = self.row(id) else { return };
        let leads = match id.split('_').next() {
            Some("ses") => "user_id",
            Some("cnv") => "owner",
            _ => "conversation_id",
        };
        if let Some(next) = text(fields, leads) {
            self.resolve(next, found);
        }
    }

    /// The account that has a contact now.
    pub(super) fn owner_of(&self, contact: &str) -> Option<&str> {
        let has = |user: &&Fields| {
            let is_mail = text(user, "email") == Some(contact) && user["email_verified_at"].is_i64();
            text(user, "phone") == Some(contact) || is_mail
        };
        self.of("users").find(has).and_then(|user| text(user, "id"))
    }
}

/// A column that is a text and not null.
pub(super) fn text<'a>(fields: &'a Fields, column: &str) -> Option<&'a str> {
    fields.get(column)?.as_str()
}

/// A column that is a number and not null.
pub(super) fn number(fields: &Fields, column: &str) -> Option<i64> {
    fields.get(column)?.as_i64()
}

#[test]
fn a_table_that_does_not_say_whose_its_rows_are_is_told_of() {
    let table = |columns: &[&str]| columns.iter().map(|c| ((*c).to_owned(), false)).collect::<Vec<_>>();
    let schema = |columns| Schema::from([("news".to_owned(), table(columns))]);
    assert_eq!(unowned(&schema(&["at", "words"])), ["news"]);
    assert_eq!(unowned(&schema(&["at", "user_id"])), Vec::<&str>::new());
    let bytes = Schema::from([("news".to_owned(), vec![("subject".to_owned(), true)])]);
    assert_eq!(unowned(&bytes), ["news"]);
}
