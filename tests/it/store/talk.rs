//! Conversations, messages and pending responses.

use vestibule::model::{Actor, Owner};
use vestibule::store::{
    Conversation, Error, Expect, PendingResponse, Store, Write, conversations, messages, pending,
};

use crate::support::db::{TestDb, on_both};
use crate::support::samples::{Samples, at, done, stale};

on_both!(
    a_conversation_comes_back_and_is_saved_once,
    one_conversation_is_current,
    conversations_are_paged_from_the_newest,
    messages_come_back_from_the_newest,
    a_conversation_moves_to_its_user,
    a_pending_response_is_settled_once,
    a_column_that_makes_no_sense_is_named,
);

async fn a_conversation_comes_back_and_is_saved_once(db: TestDb) {
    let store = db.open().await;
    let (device, made) = Samples::new().anonymous(&store).await;
    let actor = Actor::Device(device.id);
    assert_eq!(store.conversation(&actor, &made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(store.conversation(&Actor::System, &made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(stale(&store, vec![conversations::insert(&made)]).await, 0);

    let changed = Conversation {
        state: "{}".into(),
        locale: None,
        title: None,
        current: true,
        message_count: 2,
        last_message_at: at(9),
        ..made
    };
    done(&store, vec![conversations::save(&changed, 1)]).await;
    assert_eq!(stale(&store, vec![conversations::save(&changed, 1)]).await, 0);
    let found = store.conversation(&actor, &changed.id).await.unwrap();
    assert_eq!(found, Some(Conversation { version: 2, ..changed }));
}

async fn one_conversation_is_current(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, first) = samples.anonymous(&store).await;
    let actor = Actor::Device(device.id);
    assert_eq!(store.current_conversation(&actor, "shop").await.unwrap(), None);
    let current = Conversation { current: true, ..samples.conversation(&first.owner) };
    done(&store, vec![conversations::insert(&current)]).await;
    let second = Conversation { current: true, ..samples.conversation(&first.owner) };
    assert_eq!(stale(&store, vec![conversations::insert(&second)]).await, 0);
    let taken = vec![conversations::save(&Conversation { current: true, ..first.clone() }, 1)];
    assert!(matches!(store.apply(&Actor::System, taken).await, Err(Error::Constraint { at: 0, .. })));

    let elsewhere = Conversation { project: "bank".into(), ..second.clone() };
    done(&store, vec![conversations::insert(&elsewhere)]).await;
    let retire = conversations::retire_current(&first.owner, "shop", &first.id);
    done(&store, vec![retire, conversations::save(&Conversation { current: true, ..first.clone() }, 1)])
        .await;
    let found = store.current_conversation(&actor, "shop").await.unwrap().unwrap();
    assert_eq!(found.id, first.id);
    assert_eq!(store.current_conversation(&actor, "bank").await.unwrap(), Some(elsewhere));
    done(&store, vec![conversations::retire_current(&first.owner, "shop", &first.id)]).await;
    assert!(store.current_conversation(&actor, "shop").await.unwrap().is_some());
}

async fn conversations_are_paged_from_the_newest(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, first) = samples.anonymous(&store).await;
    let actor = Actor::Device(device.id);
    let mut expected = vec![first.clone()];
    // Two share each time, so that the id has to decide.
    for i in 0..6 {
        let next = Conversation { last_message_at: at(100 - i / 2), ..samples.conversation(&first.owner) };
        done(&store, vec![conversations::insert(&next)]).await;
        expected.push(next);
    }
    let hidden = Conversation { archived: true, ..samples.conversation(&first.owner) };
    done(&store, vec![conversations::insert(&hidden)]).await;
    expected.sort_by_key(|c| std::cmp::Reverse((c.last_message_at, c.id.clone())));

    let mut found = Vec::new();
    let mut cursor = None;
    loop {
        let page = store.conversations(&actor, false, cursor, 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        cursor = Some((last.last_message_at, last.id.clone()));
        found.extend(page);
    }
    assert_eq!(found, expected);
    assert_eq!(store.conversations(&actor, true, None, 9).await.unwrap(), std::slice::from_ref(&hidden));

    // The system reads all of them by their ids, and whoever only reads changes nothing.
    let reading = Store::open_to_read(&db.options).await.unwrap();
    expected.push(hidden.clone());
    expected.sort_by_key(|c| c.id.clone());
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = reading.every_conversation(&Actor::System, after.as_ref(), 3).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 3);
        after = Some(last.id.clone());
        found.extend(page);
    }
    assert_eq!(found, expected);
    let again = conversations::save(&hidden, hidden.version);
    assert!(matches!(reading.apply(&actor, vec![again]).await, Err(Error::Closed)));
    reading.close().await;
    store.close().await;
    let alone = Store::open_to_read(&db.options).await.unwrap();
    assert_eq!(alone.every_conversation(&Actor::System, None, 99).await.unwrap(), expected);
    alone.close().await;
}

async fn messages_come_back_from_the_newest(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let actor = Actor::Device(device.id);
    let said: Vec<_> = (1..=5).map(|seq| samples.message(&conversation, seq)).collect();
    done(&store, said.iter().map(messages::insert).collect()).await;
    let newest = store.messages(&actor, &conversation.id, None, 2).await.unwrap();
    assert_eq!(newest, [said[4].clone(), said[3].clone()]);
    let older = store.messages(&actor, &conversation.id, Some(4), 9).await.unwrap();
    assert_eq!(older, [said[2].clone(), said[1].clone(), said[0].clone()]);

    let taken = vec![messages::insert(&samples.message(&conversation, 5))];
    assert!(matches!(store.apply(&Actor::System, taken).await, Err(Error::Constraint { at: 0, .. })));

    done(&store, vec![messages::correct(&said[4].id, "sorry", None)]).await;
    let corrected = store.messages(&actor, &conversation.id, None, 1).await.unwrap();
    assert_eq!((corrected[0].content.as_str(), &corrected[0].response), ("sorry", &None));
    let unwritten = samples.message(&conversation, 6);
    assert_eq!(stale(&store, vec![messages::correct(&unwritten.id, "sorry", None)]).await, 0);
}

async fn a_conversation_moves_to_its_user(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let somebody = samples.signed_in(&store).await;
    let message = samples.message(&conversation, 1);
    let owner = Owner::User(somebody.user.id.clone());
    let moved = Conversation { owner: owner.clone(), ..conversation.clone() };
    let writes = vec![
        messages::insert(&message),
        messages::move_to(&conversation.id, &owner),
        conversations::save(&moved, 1),
    ];
    done(&store, writes).await;
    let device = Actor::Device(device.id);
    assert_eq!(store.conversation(&device, &conversation.id).await.unwrap(), None);
    assert_eq!(store.messages(&device, &conversation.id, None, 9).await.unwrap(), []);
    let user = somebody.actor();
    assert!(store.conversation(&user, &conversation.id).await.unwrap().is_some());
    let found = store.messages(&user, &conversation.id, None, 9).await.unwrap();
    assert_eq!(found, [vestibule::store::Message { owner, ..message }]);
    let of_user = Write {
        sql: "UPDATE messages SET seq = seq WHERE user_id = $1",
        args: vec![(&somebody.user.id).into()],
        expect: Expect::Rows(1),
    };
    done(&store, vec![of_user]).await;
}

async fn a_pending_response_is_settled_once(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let actor = Actor::Device(device.id);
    let made = samples.pending(&conversation);
    done(&store, vec![pending::insert(&made)]).await;
    assert_eq!(stale(&store, vec![pending::insert(&made)]).await, 0);
    let found = store.pending_response(&actor, &made.scope, &made.message_id).await.unwrap();
    assert_eq!(found, Some(made.clone()));

    let settle = |reply| pending::settle(&made.owner, &made.scope, &made.message_id, reply);
    done(&store, vec![settle(Some("other"))]).await;
    assert_eq!(stale(&store, vec![settle(Some("third"))]).await, 0);
    let found = store.pending_response(&actor, &made.scope, &made.message_id).await.unwrap();
    let settled = PendingResponse { provisional_until: None, reply: Some("other".into()), ..made.clone() };
    assert_eq!(found, Some(settled));

    let standing = samples.pending(&conversation);
    let writes = vec![
        pending::insert(&standing),
        pending::settle(&standing.owner, &standing.scope, &standing.message_id, None),
    ];
    done(&store, writes).await;
    let found = store.pending_response(&actor, &standing.scope, &standing.message_id).await.unwrap();
    assert_eq!(found.unwrap().reply, standing.reply);

    done(&store, vec![pending::purge(made.expires_at)]).await;
    assert!(store.pending_response(&actor, &made.scope, &made.message_id).await.unwrap().is_some());
    done(&store, vec![pending::purge(at(86_401))]).await;
    assert_eq!(store.pending_response(&actor, &made.scope, &made.message_id).await.unwrap(), None);
}

async fn a_column_that_makes_no_sense_is_named(db: TestDb) {
    let store = db.open().await;
    let (_, conversation) = Samples::new().anonymous(&store).await;
    let spoilt: [(&'static str, &str); 3] = [
        ("UPDATE conversations SET owner = 'nobody' WHERE id = $1", "owner"),
        ("UPDATE conversations SET owner = 'dev_', is_current = 7 WHERE id = $1", "owner"),
        ("UPDATE conversations SET created_at = 9223372036854775807 WHERE id = $1", "created_at"),
    ];
    for (sql, column) in spoilt {
        let repair = conversations::save(&conversation, 1);
        let spoil = Write { sql, args: vec![(&conversation.id).into()], expect: Expect::Rows(1) };
        done(&store, vec![Write { expect: Expect::Any, ..repair }, spoil]).await;
        let reset = "UPDATE conversations SET version = 1 WHERE id = $1";
        let reset = Write { sql: reset, args: vec![(&conversation.id).into()], expect: Expect::Rows(1) };
        done(&store, vec![reset]).await;
        match store.conversation(&Actor::System, &conversation.id).await {
            Err(Error::Corrupt { column: named, .. }) => assert_eq!(named, column),
            other => panic!("{other:?}"),
        }
    }
}
