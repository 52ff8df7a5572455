//! What leaves and what is noted: outbox, audit, development outbox.

use vestibule::model::Actor;
use vestibule::store::outbox::{Claim, Lane};
use vestibule::store::{
    Effect, EffectStatus, Expect, Finish, Store, Write, audit, challenges, dev_outbox, outbox,
};

use crate::support::db::{TestDb, on_both};
use crate::support::samples::{Samples, at, done, stale};

on_both!(
    an_effect_is_claimed_by_one_and_finished_by_that_one,
    a_claim_that_is_over_is_found_and_orphaned,
    one_claim_of_a_worker_is_not_its_next,
    due_effects_come_oldest_first,
    a_refusal_is_untold_while_its_code_could_be_given_back,
    events_come_in_the_order_of_writing,
    the_audit_log_refuses_changes,
    a_message_sent_twice_is_seen_twice,
);

async fn queued(store: &Store, samples: &mut Samples) -> Effect {
    let (device, conversation) = samples.anonymous(store).await;
    let challenge = samples.challenge(&conversation, &device);
    let effect = samples.effect(&challenge);
    done(store, vec![challenges::insert(&challenge), outbox::insert(&effect)]).await;
    effect
}

async fn stored(store: &Store, effect: &Effect) -> Effect {
    store.effect(&Actor::System, &effect.id).await.unwrap().unwrap()
}

async fn an_effect_is_claimed_by_one_and_finished_by_that_one(db: TestDb) {
    let store = db.open().await;
    let made = queued(&store, &mut Samples::new()).await;
    assert_eq!(stored(&store, &made).await, made);
    done(&store, vec![outbox::claim(&made, "w1", at(30), at(3))]).await;
    assert_eq!(stale(&store, vec![outbox::claim(&made, "w2", at(30), at(3))]).await, 0);
    let claimed = Effect {
        status: EffectStatus::Claimed,
        tries: 1,
        claimed_by: Some("w1".into()),
        claimed_until: Some(at(30)),
        updated_at: at(3),
        ..made.clone()
    };
    assert_eq!(stored(&store, &made).await, claimed);

    let end = Finish {
        effect: &made.id,
        claim: Claim { by: "w1", nth: 1 },
        status: EffectStatus::Failed,
        provider_id: Some("SM1"),
        error: Some("21610"),
        due_at: None,
        at: at(4),
    };
    assert_eq!(
        stale(&store, vec![outbox::finish(Finish { claim: Claim { by: "w2", nth: 1 }, ..end })]).await,
        0
    );
    done(&store, vec![outbox::finish(end)]).await;
    assert_eq!(stale(&store, vec![outbox::finish(end)]).await, 0);
    assert_eq!(stale(&store, vec![outbox::orphan(&made.id, at(5))]).await, 0);
    let failed = Effect {
        status: EffectStatus::Failed,
        claimed_until: None,
        due_at: None,
        destination_sealed: None,
        provider_id: Some("SM1".into()),
        error: Some("21610".into()),
        updated_at: at(4),
        ..claimed
    };
    assert_eq!(stored(&store, &made).await, failed);
}

async fn a_claim_that_is_over_is_found_and_orphaned(db: TestDb) {
    let store = db.open().await;
    let made = queued(&store, &mut Samples::new()).await;
    assert_eq!(stale(&store, vec![outbox::orphan(&made.id, at(5))]).await, 0);
    done(&store, vec![outbox::claim(&made, "w1", at(30), at(3))]).await;
    assert_eq!(store.stale_claims(&Actor::System, at(29), 9).await.unwrap(), []);
    let over = store.stale_claims(&Actor::System, at(30), 9).await.unwrap();
    assert_eq!(over.iter().map(|effect| &effect.id).collect::<Vec<_>>(), [&made.id]);
    done(&store, vec![outbox::orphan(&made.id, at(31))]).await;
    let orphaned = stored(&store, &made).await;
    assert_eq!((orphaned.status, orphaned.updated_at), (EffectStatus::Uncertain, at(31)));
    // Its provider is asked by the number.
    assert_eq!(
        (orphaned.destination_sealed, orphaned.due_at),
        (made.destination_sealed.clone(), Some(at(31)))
    );
    assert_eq!(store.stale_claims(&Actor::System, at(90), 9).await.unwrap(), []);
    assert_eq!(stale(&store, vec![outbox::claim(&made, "w2", at(99), at(90))]).await, 0);
}

// The worker's name alone would let the first try's answer end the second one.
async fn one_claim_of_a_worker_is_not_its_next(db: TestDb) {
    let store = db.open().await;
    let made = queued(&store, &mut Samples::new()).await;
    done(&store, vec![outbox::claim(&made, "w", at(30), at(3))]).await;
    assert_eq!(stale(&store, vec![outbox::requeue(&made.id, at(29))]).await, 0);
    done(&store, vec![outbox::requeue(&made.id, at(30))]).await;
    // Whoever read it before the first try does not take it for untried.
    assert_eq!(stale(&store, vec![outbox::claim(&made, "w", at(60), at(31))]).await, 0);
    let again = stored(&store, &made).await;
    assert_eq!(again.tries, 1);
    done(&store, vec![outbox::claim(&again, "w", at(60), at(31))]).await;
    assert_eq!(stale(&store, vec![outbox::orphan(&made.id, at(59))]).await, 0);
    let end = |nth| Finish {
        effect: &made.id,
        claim: Claim { by: "w", nth },
        status: EffectStatus::Sent,
        provider_id: None,
        error: None,
        due_at: None,
        at: at(32),
    };
    let first = Claim { by: "w", nth: 1 };
    assert_eq!(stale(&store, vec![outbox::finish(end(1))]).await, 0);
    assert_eq!(stale(&store, vec![outbox::again(&made.id, first, "late", (at(40), at(32)))]).await, 0);
    assert_eq!(stored(&store, &made).await.status, EffectStatus::Claimed);
    done(&store, vec![outbox::finish(end(2))]).await;
}

async fn due_effects_come_oldest_first(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let first = queued(&store, &mut samples).await;
    let challenge = {
        let (device, conversation) = samples.anonymous(&store).await;
        samples.challenge(&conversation, &device)
    };
    let later = Effect { created_at: at(7), ..samples.effect(&challenge) };
    let last = Effect { created_at: at(8), ..samples.effect(&challenge) };
    let inserts = vec![challenges::insert(&challenge), outbox::insert(&last), outbox::insert(&later)];
    done(&store, inserts).await;
    let due = async |before, limit| {
        store.due_effects(&Actor::System, Lane::Messages, (before, at(99)), limit).await.unwrap()
    };
    assert_eq!(due(at(7), 9).await, [first.clone(), later.clone()]);
    assert_eq!(due(at(8), 2).await, [first.clone(), later.clone()]);
    done(&store, vec![outbox::claim(&first, "w", at(9), at(9))]).await;
    assert_eq!(due(at(9), 9).await, [later, last]);
    let calls = store.due_effects(&Actor::System, Lane::Calls, (at(9), at(99)), 9).await.unwrap();
    assert_eq!(calls, []);
}

async fn a_refusal_is_untold_while_its_code_could_be_given_back(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let challenge = samples.challenge(&conversation, &device);
    let made = samples.effect(&challenge);
    done(&store, vec![challenges::insert(&challenge), outbox::insert(&made)]).await;
    let untold = async |before, now| {
        let found = store.untold_effects(&Actor::System, (before, now), 9).await.unwrap();
        found.into_iter().map(|effect| effect.id).collect::<Vec<_>>()
    };
    done(&store, vec![outbox::claim(&made, "w", at(30), at(3))]).await;
    assert_eq!(untold(at(9), at(9)).await, []);
    let refused = Finish {
        effect: &made.id,
        claim: Claim { by: "w", nth: 1 },
        status: EffectStatus::Failed,
        provider_id: None,
        error: Some("21610"),
        due_at: None,
        at: at(4),
    };
    done(&store, vec![outbox::finish(refused)]).await;
    assert_eq!(untold(at(3), at(9)).await, []);
    assert_eq!(untold(at(4), at(9)).await, std::slice::from_ref(&made.id));
    assert_eq!(untold(at(4), challenge.expires_at).await, []);
    done(&store, vec![challenges::void(&challenge.id)]).await;
    assert_eq!(untold(at(4), at(9)).await, []);
}

async fn events_come_in_the_order_of_writing(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let (_, other) = samples.anonymous(&store).await;
    let events: Vec<_> = (0..5).map(|_| samples.event(&conversation)).collect();
    let mut writes: Vec<_> = events.iter().map(audit::insert).collect();
    writes.push(audit::insert(&samples.event(&other)));
    done(&store, writes).await;
    let actor = Actor::Device(device.id);
    let found = store.events(&actor, &conversation.id, None, 9).await.unwrap();
    let ids: Vec<_> = found.iter().map(|event| &event.id).collect();
    assert_eq!(ids, events.iter().map(|event| &event.id).collect::<Vec<_>>());
    let (event, row) = (&events[0], &found[0]);
    assert_eq!(
        (row.at, row.kind.as_str(), row.detail.as_str()),
        (event.at, "otp_verify_fail", r#"{"left":2}"#)
    );
    assert_eq!((&row.user, &row.device), (&event.user, &event.device));
    assert_eq!((&row.session, &row.conversation, &row.ip), (&event.session, &event.conversation, &event.ip));
    let page = store.events(&Actor::System, &conversation.id, Some(&events[1].id), 2).await.unwrap();
    assert_eq!(page, found[2..4]);
}

async fn the_audit_log_refuses_changes(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (_, conversation) = samples.anonymous(&store).await;
    done(&store, vec![audit::insert(&samples.event(&conversation))]).await;
    let before = store.events(&Actor::System, &conversation.id, None, 9).await.unwrap();
    for sql in ["UPDATE audit SET kind = 'login_ok'", "DELETE FROM audit"] {
        let change = Write { sql, args: Vec::new(), expect: Expect::Any };
        let refused = store.apply(&Actor::System, vec![change]).await.unwrap_err();
        let cause = std::error::Error::source(&refused).unwrap().to_string();
        assert!(cause.contains("append-only"), "{sql}: {cause}");
    }
    assert_eq!(before.len(), 1);
    assert_eq!(store.events(&Actor::System, &conversation.id, None, 9).await.unwrap(), before);
}

async fn a_message_sent_twice_is_seen_twice(db: TestDb) {
    let store = db.open().await;
    let made = queued(&store, &mut Samples::new()).await;
    let send = |text: &[u8], at| dev_outbox::insert(&made.id, text, at);
    done(&store, vec![send(b"one", at(1)), send(b"two", at(2)), send(b"three", at(3))]).await;
    let found = store.dev_messages(&Actor::System, 2).await.unwrap();
    assert_eq!(found.iter().map(|m| m.sealed.as_slice()).collect::<Vec<_>>(), [b"three".as_slice(), b"two"]);
    assert_eq!((&found[0].id, found[0].at), (&made.id, at(3)));
    assert!(found[0].seq > found[1].seq);
}
