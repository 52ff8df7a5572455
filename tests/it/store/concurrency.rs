//! Many at once: no update is lost, and nobody hears of a locked database.

use tokio::task::JoinSet;
use vestibule::model::{Actor, ConversationId};
use vestibule::store::{Applied, Conversation, Store, conversations};

use crate::support::db::{TestDb, on_both};
use crate::support::samples::{Samples, done};

on_both!(threads: one_conversation_takes_turns, many_conversations_at_once, two_stores_on_one_database);

/// Counts up by one, reading again whenever somebody else was faster.
async fn count_up(store: &Store, id: &ConversationId) {
    loop {
        let seen = store.conversation(&Actor::System, id).await.unwrap().unwrap();
        let next = Conversation { message_count: seen.message_count + 1, ..seen.clone() };
        let writes = vec![conversations::save(&next, seen.version)];
        if store.apply(&Actor::System, writes).await.unwrap() == Applied::Done {
            return;
        }
    }
}

async fn count_up_in_tasks(stores: &[Store], ids: &[ConversationId], tasks: usize, times: usize) {
    let mut running = JoinSet::new();
    for task in 0..tasks {
        let (store, id) = (stores[task % stores.len()].clone(), ids[task % ids.len()].clone());
        running.spawn(async move {
            for _ in 0..times {
                count_up(&store, &id).await;
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

async fn made(store: &Store, number: usize) -> Vec<ConversationId> {
    let mut samples = Samples::new();
    let (_, first) = samples.anonymous(store).await;
    let mut ids = vec![first.id.clone()];
    for _ in 1..number {
        let next = samples.conversation(&first.owner);
        done(store, vec![conversations::insert(&next)]).await;
        ids.push(next.id);
    }
    ids
}

async fn assert_counted(store: &Store, ids: &[ConversationId], each: i64) {
    for id in ids {
        let conversation = store.conversation(&Actor::System, id).await.unwrap().unwrap();
        assert_eq!((conversation.message_count, conversation.version), (each, each + 1));
    }
}

async fn one_conversation_takes_turns(db: TestDb) {
    let store = db.open().await;
    let ids = made(&store, 1).await;
    count_up_in_tasks(std::slice::from_ref(&store), &ids, 64, 3).await;
    assert_counted(&store, &ids, 64 * 3).await;
}

async fn many_conversations_at_once(db: TestDb) {
    let store = db.open().await;
    let ids = made(&store, 64).await;
    count_up_in_tasks(std::slice::from_ref(&store), &ids, 64, 20).await;
    assert_counted(&store, &ids, 20).await;
}

async fn two_stores_on_one_database(db: TestDb) {
    let stores = [db.open().await, db.open().await];
    let ids = made(&stores[0], 3).await;
    // 24 tasks over two stores and three conversations: every conversation is written to through both stores.
    count_up_in_tasks(&stores, &ids, 24, 10).await;
    assert_counted(&stores[1], &ids, 8 * 10).await;
}
