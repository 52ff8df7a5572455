//! Sets of writes: whole or not at all.

use futures::future::join_all;
use tokio_util::task::TaskTracker;
use vestibule::model::{Actor, Owner};
use vestibule::store::{
    Applied, Conversation, Error, Expect, Meter, Store, Unit, Value, Write, conversations, devices, instance,
    messages,
};

use crate::support::db::{TestDb, on_both, on_sqlite, postgres, postgres_url};
use crate::support::samples::{Samples, done, stale};

on_both!(
    a_stale_set_leaves_nothing_and_names_the_guard,
    a_broken_set_leaves_nothing_and_names_the_write,
    a_neighbour_that_is_stale_or_broken_hurts_nobody,
    a_guard_comes_before_a_later_error,
    a_caller_that_goes_away_splits_nothing,
    a_reader_that_goes_away_leaves_no_transaction_open,
    a_closed_store_says_so,
    closing_finishes_what_waits,
    a_missing_argument_is_refused,
    statements_are_counted,
    a_meter_counts_one_piece_of_work,
);

async fn number(store: &Store, key: &str) -> i64 {
    store.instance_number(&Actor::System, key).await.unwrap()
}

fn unseen(conversation: &Conversation) -> Write {
    conversations::save(conversation, 99)
}

async fn a_stale_set_leaves_nothing_and_names_the_guard(db: TestDb) {
    let store = db.open().await;
    let (_, conversation) = Samples::new().anonymous(&store).await;
    let set =
        vec![instance::add("a", 1), instance::add("b", 1), unseen(&conversation), instance::add("c", 1)];
    assert_eq!(stale(&store, set).await, 2);
    let many = Write { expect: Expect::Rows(2), ..instance::add("d", 1) };
    assert_eq!(stale(&store, vec![many, unseen(&conversation)]).await, 0);
    for key in ["a", "b", "c", "d"] {
        assert_eq!(number(&store, key).await, 0, "{key}");
    }
    assert_eq!(store.apply(&Actor::System, Vec::new()).await.unwrap(), Applied::Done);
}

async fn a_broken_set_leaves_nothing_and_names_the_write(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, _) = samples.anonymous(&store).await;
    let unwritten = samples.conversation(&Owner::Device(device.id.clone()));
    let orphan = samples.message(&unwritten, 1);
    for broken in [devices::insert(&device), messages::insert(&orphan)] {
        let refused =
            store.apply(&Actor::System, vec![instance::add("a", 1), broken, instance::add("a", 1)]).await;
        assert!(matches!(refused, Err(Error::Constraint { at: 1, .. })), "{refused:?}");
    }
    let nonsense = Write { sql: "UPDATE nowhere SET a = 1", args: Vec::new(), expect: Expect::Any };
    let refused = store.apply(&Actor::System, vec![instance::add("a", 1), nonsense]).await;
    assert!(matches!(refused, Err(Error::Write { at: 1, .. })), "{refused:?}");
    assert_eq!(number(&store, "a").await, 0);
}

async fn a_neighbour_that_is_stale_or_broken_hurts_nobody(db: TestDb) {
    let store = db.open().await;
    let (device, conversation) = Samples::new().anonymous(&store).await;
    let sets = (0..30).map(|i| {
        let mut set = vec![instance::add("kept", 1)];
        match i % 3 {
            0 => set.extend([instance::add("lost", 1), unseen(&conversation)]),
            1 => set.extend([instance::add("lost", 1), devices::insert(&device)]),
            _ => set.push(instance::add("also kept", 1)),
        }
        let store = store.clone();
        async move { store.apply(&Actor::System, set).await }
    });
    for (i, verdict) in join_all(sets).await.into_iter().enumerate() {
        match i % 3 {
            0 => assert_eq!(verdict.unwrap(), Applied::Stale { at: 2 }),
            1 => assert!(matches!(verdict, Err(Error::Constraint { at: 2, .. })), "{verdict:?}"),
            _ => assert_eq!(verdict.unwrap(), Applied::Done),
        }
    }
    assert_eq!(number(&store, "kept").await, 10);
    assert_eq!(number(&store, "also kept").await, 10);
    assert_eq!(number(&store, "lost").await, 0);
}

async fn a_guard_comes_before_a_later_error(db: TestDb) {
    let store = db.open().await;
    let (device, conversation) = Samples::new().anonymous(&store).await;
    assert_eq!(stale(&store, vec![unseen(&conversation), devices::insert(&device)]).await, 0);
}

/// Polls a future so many times, letting everything else run in between, and drops it.
async fn poll_and_drop<F: Future>(future: F, polls: usize) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if futures::poll!(&mut future).is_ready() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn a_caller_that_goes_away_splits_nothing(db: TestDb) {
    let store = db.open().await;
    for polls in 0..24 {
        let set = vec![instance::add("first", 1), instance::add("second", 1), instance::add("third", 1)];
        poll_and_drop(store.apply(&Actor::System, set), polls).await;
    }
    store.close().await;
    let store = db.open().await;
    // The one that was never polled never began; all others were taken in at their first poll.
    for key in ["first", "second", "third"] {
        assert_eq!(number(&store, key).await, 23, "{key}");
    }
}

async fn a_reader_that_goes_away_leaves_no_transaction_open(db: TestDb) {
    let store = db.open().await;
    let (device, conversation) = Samples::new().anonymous(&store).await;
    let actor = Actor::Device(device.id.clone());
    for polls in 0..60 {
        poll_and_drop(store.conversation(&actor, &conversation.id), polls).await;
        // A connection that came back inside the reader's transaction would refuse to write.
        done(&store, vec![instance::add("written", 1)]).await;
    }
    assert_eq!(number(&store, "written").await, 60);
}

async fn a_closed_store_says_so(db: TestDb) {
    let store = db.open().await;
    let clone = store.clone();
    store.ping().await.unwrap();
    clone.close().await;
    let write = store.apply(&Actor::System, vec![instance::add("a", 1)]).await;
    assert!(matches!(write, Err(Error::Closed)), "{write:?}");
    let read = store.instance_number(&Actor::System, "a").await;
    assert!(matches!(read, Err(Error::Closed)), "{read:?}");
    assert!(matches!(store.ping().await, Err(Error::Closed)));
    store.close().await;
}

async fn closing_finishes_what_waits(db: TestDb) {
    let store = db.open().await;
    let waiting = join_all((0..100).map(|_| store.apply(&Actor::System, vec![instance::add("a", 1)])));
    let mut waiting = Box::pin(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    let (verdicts, ()) = futures::join!(waiting, store.close());
    assert!(verdicts.into_iter().all(|verdict| matches!(verdict, Ok(Applied::Done))));
    assert_eq!(number(&db.open().await, "a").await, 100);
}

async fn a_missing_argument_is_refused(db: TestDb) {
    let store = db.open().await;
    let mut short = instance::put("key", "value");
    short.args.pop();
    let refused = store.apply(&Actor::System, vec![instance::add("a", 1), short]).await;
    assert!(matches!(refused, Err(Error::Arguments { at: 1, given: 1, taken: 2 })), "{refused:?}");
    let mut long = instance::put("key", "value");
    long.args.push(Value::Int(1));
    let refused = store.apply(&Actor::System, vec![long]).await;
    assert!(matches!(refused, Err(Error::Arguments { at: 0, given: 3, taken: 2 })), "{refused:?}");
    assert_eq!(number(&store, "a").await, 0);
}

async fn statements_are_counted(db: TestDb) {
    let store = db.open().await;
    let before = store.statements();
    let mut unit = Unit::new();
    assert!(unit.is_empty());
    unit.push(instance::add("a", 1));
    unit.extend([instance::add("b", 1), instance::put("c", "d")]);
    assert_eq!(unit.len(), 3);
    done(&store, unit.into_writes()).await;
    assert_eq!(store.instance_value(&Actor::System, "c").await.unwrap().as_deref(), Some("d"));
    assert_eq!(store.statements() - before, 4);
}

async fn a_meter_counts_one_piece_of_work(db: TestDb) {
    let store = db.open().await;
    let (own, others) = (Meter::default(), Meter::default());
    let ask = |store: Store| async move { store.instance_number(&Actor::System, "a").await.map(drop) };
    let work = async {
        done(&store, vec![instance::add("a", 1), instance::add("a", 1)]).await;
        // A task inherits the meter only where it is told to, as the worker never is.
        let tasks = TaskTracker::new();
        tasks.spawn(Meter::inherited(ask(store.clone()))).await.unwrap().unwrap();
        tasks.spawn(ask(store.clone())).await.unwrap().unwrap();
        store.prepare_all().await.unwrap();
    };
    futures::join!(own.over(work), others.over(join_all((0..7).map(|_| ask(store.clone())))));
    ask(store).await.unwrap();
    assert_eq!((own.statements(), others.statements()), (3, 7));
}

/// A foreign key that is checked at the commit fails the shared commit; the innocent are applied alone.
#[tokio::test]
async fn a_failed_commit_is_tried_again_one_by_one() {
    on_sqlite(|db| async move {
        let store = db.open().await;
        let device = Samples::new().device();
        let conversation = Samples::new().conversation(&Owner::Device(device.id));
        let message = Samples::new().message(&conversation, 1);
        let defer = Write { sql: "PRAGMA defer_foreign_keys = ON", args: Vec::new(), expect: Expect::Any };
        let guilty = vec![defer, messages::insert(&message)];
        let sets = [vec![instance::add("a", 1)], guilty, vec![instance::add("a", 1), unseen(&conversation)]];
        let verdicts = join_all(sets.into_iter().map(|set| store.apply(&Actor::System, set))).await;
        let [innocent, guilty, late] = verdicts.try_into().unwrap();
        assert_eq!(innocent.unwrap(), Applied::Done);
        assert!(matches!(guilty, Err(Error::Transaction(_))), "{guilty:?}");
        assert_eq!(late.unwrap(), Applied::Stale { at: 1 });
        assert_eq!(number(&store, "a").await, 1);
        done(&store, vec![instance::add("a", 1)]).await;
        assert_eq!(number(&store, "a").await, 2);
    })
    .await;
}

/// Another program that keeps the file to itself: everybody is told after one wait, not one after the other.
#[tokio::test]
async fn a_file_held_by_another_program_is_told_once_for_all() {
    use sqlx::{Connection, SqliteConnection, raw_sql};
    on_sqlite(|db| async move {
        let store = db.open().await;
        let mut other = SqliteConnection::connect(&db.options.url).await.unwrap();
        raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
        let sets = (0..4).map(|_| store.apply(&Actor::System, vec![instance::add("a", 1)]));
        let told = tokio::time::timeout(std::time::Duration::from_secs(9), join_all(sets)).await.unwrap();
        assert!(told.iter().all(|verdict| matches!(verdict, Err(Error::Transaction(_)))), "{told:?}");
        raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        done(&store, vec![instance::add("a", 1)]).await;
        assert_eq!(number(&store, "a").await, 1);
    })
    .await;
}

/// Two transactions that wait for each other: the one that Postgres ends is stale, not broken.
#[tokio::test]
async fn a_deadlock_is_stale() {
    use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
    let name = "a_deadlock_is_stale";
    crate::support::db::on_postgres(name, |db| async move {
        let store = db.open().await;
        done(&store, vec![instance::add("a", 1), instance::add("b", 1)]).await;
        let schema = db.options.schema.unwrap();
        let mut other = PgConnection::connect(&postgres_url()).await.unwrap();
        let mut watcher = postgres(name).await.unwrap();
        // The other side never looks for deadlocks, so that the store's side is the one that is ended.
        let lock_b = format!(
            "SET search_path = {schema}; SET deadlock_timeout = '1h'; BEGIN; \
             UPDATE instance SET number = 0 WHERE key = 'b'"
        );
        raw_sql(AssertSqlSafe(lock_b)).execute(&mut other).await.unwrap();
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut other).await.unwrap();
        let set = vec![instance::add("a", 1), instance::add("b", 1)];
        let close_the_circle = async {
            let blocked = "SELECT COUNT(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))";
            while sqlx::query_scalar::<_, i64>(blocked).bind(pid).fetch_one(&mut watcher).await.unwrap() == 0
            {
            }
            raw_sql("UPDATE instance SET number = 0 WHERE key = 'a'; ROLLBACK")
                .execute(&mut other)
                .await
                .unwrap();
        };
        let (verdict, ()) = futures::join!(store.apply(&Actor::System, set), close_the_circle);
        assert_eq!(verdict.unwrap(), Applied::Stale { at: 1 });
        assert_eq!(number(&store, "a").await, 1);
    })
    .await;
}
