//! Nobody reads what is somebody else's, and nobody but the system reads what is nobody's.

use vestibule::model::{Actor, ConversationId};
use vestibule::store::outbox::Lane;
use vestibule::store::{
    Conversation, RevocationKind, Store, audit, challenges, conversations, counters, dev_outbox, instance,
    messages, outbox, pending, revocations, trusts,
};

use crate::support::db::{TestDb, on_both};
use crate::support::samples::{Samples, at, done};

on_both!(a_foreign_row_is_no_row, the_systems_rows_are_the_systems);

/// How many of the owner's things an actor gets to see of the two conversations.
async fn seen(store: &Store, actor: &Actor, mine: &Mine) -> usize {
    let Mine { conversation, pending: (scope, message), challenge, charge } = mine;
    [
        store.conversation(actor, conversation).await.unwrap().is_some(),
        store.current_conversation(actor, "shop").await.unwrap().is_some_and(|c| c.id == *conversation),
        store.conversations(actor, false, None, 9).await.unwrap().iter().any(|c| c.id == *conversation),
        !store.messages(actor, conversation, None, 9).await.unwrap().is_empty(),
        store.pending_response(actor, scope, message).await.unwrap().is_some(),
        store.challenge(actor, conversation, challenge).await.unwrap().is_some(),
        store.charged(actor, challenge, charge).await.unwrap().is_some(),
        !store.events(actor, conversation, None, 9).await.unwrap().is_empty(),
    ]
    .into_iter()
    .filter(|seen| *seen)
    .count()
}

struct Mine {
    conversation: ConversationId,
    pending: (String, String),
    challenge: vestibule::model::ChallengeId,
    charge: Vec<u8>,
}

async fn fill(
    store: &Store,
    samples: &mut Samples,
    device: &vestibule::store::Device,
    conversation: &Conversation,
) -> Mine {
    let current = Conversation { current: true, ..conversation.clone() };
    let (pending, challenge) = (samples.pending(conversation), samples.challenge(conversation, device));
    let writes = vec![
        conversations::save(&current, 1),
        messages::insert(&samples.message(conversation, 1)),
        pending::insert(&pending),
        challenges::insert(&challenge),
        challenges::charge(&challenge.id, b"try", at(1), None),
        audit::insert(&samples.event(conversation)),
    ];
    done(store, writes).await;
    Mine {
        conversation: conversation.id.clone(),
        pending: (pending.scope, pending.message_id),
        challenge: challenge.id,
        charge: b"try".to_vec(),
    }
}

async fn a_foreign_row_is_no_row(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let (other_device, _) = samples.anonymous(&store).await;
    let anna = samples.signed_in(&store).await;
    let bo = samples.signed_in(&store).await;
    let of_device = fill(&store, &mut samples, &device, &conversation).await;
    let of_anna = fill(&store, &mut samples, &anna.device, &anna.conversation).await;
    let device_actor = Actor::Device(device.id.clone());

    assert_eq!(seen(&store, &device_actor, &of_device).await, 8);
    assert_eq!(seen(&store, &anna.actor(), &of_anna).await, 8);
    // The very device Anna speaks from sees nothing of hers without her session, nor do others.
    for stranger in
        [Actor::Device(other_device.id.clone()), Actor::Device(anna.device.id.clone()), bo.actor()]
    {
        assert_eq!(seen(&store, &stranger, &of_device).await, 0, "{stranger:?}");
        assert_eq!(seen(&store, &stranger, &of_anna).await, 0, "{stranger:?}");
        assert_eq!(store.user(&stranger, &anna.user.id).await.unwrap(), None);
        assert_eq!(store.session(&stranger, &anna.session.id).await.unwrap(), None);
        assert_eq!(store.live_sessions(&stranger, &anna.user.id, at(1)).await.unwrap(), []);
        assert_eq!(store.device(&stranger, &device.id).await.unwrap(), None);
        assert_eq!(store.every_conversation(&stranger, None, 9).await.unwrap(), []);
    }
    assert_eq!(store.device(&bo.actor(), &anna.device.id).await.unwrap(), None);
    assert_eq!(seen(&store, &anna.actor(), &of_device).await, 0);
    assert_eq!(seen(&store, &device_actor, &of_anna).await, 0);
    assert!(store.user(&anna.actor(), &anna.user.id).await.unwrap().is_some());
    assert!(store.device(&anna.actor(), &anna.device.id).await.unwrap().is_some());
    assert!(store.device(&device_actor, &device.id).await.unwrap().is_some());
    assert_eq!(store.live_sessions(&anna.actor(), &anna.user.id, at(1)).await.unwrap().len(), 1);
    // The system owns nothing, so that what is asked for by owner is empty for it.
    assert_eq!(store.conversations(&Actor::System, false, None, 9).await.unwrap(), []);
}

async fn the_systems_rows_are_the_systems(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let anna = samples.signed_in(&store).await;
    let challenge = samples.challenge(&anna.conversation, &anna.device);
    let effect = samples.effect(&challenge);
    let claimed = samples.effect(&challenge);
    let counter = vestibule::store::Counter {
        name: "n".into(),
        subject: vec![1],
        marks: String::new(),
        locked_until: None,
        version: 0,
    };
    let writes = vec![
        challenges::insert(&challenge),
        outbox::insert(&effect),
        outbox::insert(&claimed),
        outbox::claim(&claimed, "w", at(1), at(1)),
        counters::save(&counter, None, at(1)),
        dev_outbox::insert(&effect.id, b"x", at(1)),
        instance::put("key", "value"),
        instance::add("key", 1),
        revocations::insert(RevocationKind::Session, anna.session.id.as_str(), (at(1), "user")),
        trusts::make(&anna.user.id, &anna.device.id, at(1)),
    ];
    done(&store, writes).await;
    let own = Actor::Device(anna.device.id.clone());
    for (actor, expected) in [(Actor::System, true), (anna.actor(), false), (own, false)] {
        let phone_key = anna.user.phone_key.clone().unwrap();
        let sees = [
            store.user_by_phone(&actor, &phone_key).await.unwrap().is_some(),
            store.device_by_token(&actor, &anna.device.token_hash).await.unwrap().is_some(),
            store.session_by_token(&actor, &anna.session.token_hash).await.unwrap().is_some(),
            !store.live_challenges(&actor, &challenge.identifier_key, at(1)).await.unwrap().is_empty(),
            store.counter(&actor, "n", &[1]).await.unwrap().is_some(),
            store.effect(&actor, &effect.id).await.unwrap().is_some(),
            !store.due_effects(&actor, Lane::Messages, (at(1), at(1)), 9).await.unwrap().is_empty(),
            !store.stale_claims(&actor, at(1), 9).await.unwrap().is_empty(),
            !store.dev_messages(&actor, 9).await.unwrap().is_empty(),
            store.instance_value(&actor, "key").await.unwrap().is_some(),
            store.instance_number(&actor, "key").await.unwrap() == 1,
            !store.revocations_after(&actor, 0, 9).await.unwrap().is_empty(),
        ];
        assert_eq!(sees, [expected; 12], "{actor:?}");
        // What an account and a device have of each other is the account's too, and nobody else's.
        let is_owner = actor != Actor::Device(anna.device.id.clone());
        assert_eq!(!store.devices_of(&actor, &anna.user.id).await.unwrap().is_empty(), is_owner, "{actor:?}");
        assert_eq!(!store.trusts_of(&actor, &anna.user.id).await.unwrap().is_empty(), is_owner, "{actor:?}");
        let live = store.live_sessions_on(&actor, &anna.device.id, at(1)).await.unwrap();
        assert_eq!(!live.is_empty(), is_owner, "{actor:?}");
    }
}
