//! Challenges, charges and counters.

use vestibule::model::Actor;
use vestibule::store::{Challenge, ChallengeStatus, Counter, Store, challenges, counters};

use crate::support::db::{TestDb, on_both};
use crate::support::samples::{Samples, at, done, stale};

on_both!(
    a_code_is_consumed_once,
    tries_are_taken_while_there_are_some_and_then_it_burns,
    a_void_code_stays_void,
    live_codes_of_a_destination_come_oldest_first,
    a_try_is_charged_once,
    a_counter_is_written_by_whoever_read_it_last,
);

async fn status(store: &Store, challenge: &Challenge) -> (ChallengeStatus, i64) {
    let found =
        store.challenge(&Actor::System, &challenge.conversation, &challenge.id).await.unwrap().unwrap();
    (found.status, found.attempts)
}

async fn a_code_is_consumed_once(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let other = samples.conversation(&conversation.owner);
    let made = samples.challenge(&conversation, &device);
    done(&store, vec![challenges::insert(&made)]).await;
    let actor = Actor::Device(device.id);
    assert_eq!(store.challenge(&actor, &conversation.id, &made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(store.challenge(&actor, &other.id, &made.id).await.unwrap(), None);
    let last = store.last_reference(&actor, &conversation.id).await.unwrap();
    assert_eq!(last.as_ref(), Some(&made.reference));
    let stranger = Actor::Device(samples.device().id);
    assert_eq!(store.last_reference(&stranger, &conversation.id).await.unwrap(), None);

    assert_eq!(stale(&store, vec![challenges::consume(&made.id, "m-1", at(600))]).await, 0);
    done(&store, vec![challenges::consume(&made.id, "m-1", at(599))]).await;
    assert_eq!(stale(&store, vec![challenges::consume(&made.id, "m-2", at(599))]).await, 0);
    let consumed = Challenge {
        status: ChallengeStatus::Consumed,
        consumed_at: Some(at(599)),
        consumed_by: Some("m-1".into()),
        ..made.clone()
    };
    assert_eq!(store.challenge(&actor, &conversation.id, &made.id).await.unwrap(), Some(consumed));
}

async fn tries_are_taken_while_there_are_some_and_then_it_burns(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let made = samples.challenge(&conversation, &device);
    done(&store, vec![challenges::insert(&made)]).await;
    assert_eq!(stale(&store, vec![challenges::attempt(&made.id, at(600))]).await, 0);
    for _ in 0..3 {
        assert_eq!(stale(&store, vec![challenges::burn(&made.id)]).await, 0);
        done(&store, vec![challenges::attempt(&made.id, at(1))]).await;
    }
    assert_eq!(stale(&store, vec![challenges::attempt(&made.id, at(1))]).await, 0);
    assert_eq!(status(&store, &made).await, (ChallengeStatus::Live, 3));
    done(&store, vec![challenges::burn(&made.id)]).await;
    assert_eq!(status(&store, &made).await, (ChallengeStatus::Burnt, 3));
    assert_eq!(stale(&store, vec![challenges::burn(&made.id)]).await, 0);
    assert_eq!(stale(&store, vec![challenges::consume(&made.id, "m-1", at(1))]).await, 0);
}

async fn a_void_code_stays_void(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let (elsewhere, theirs) = samples.anonymous(&store).await;
    let one = samples.challenge(&conversation, &device);
    let same = samples.challenge(&conversation, &device);
    let step_up = Challenge { purpose: "step_up".into(), ..samples.challenge(&conversation, &device) };
    let foreign = samples.challenge(&theirs, &elsewhere);
    let consumed = samples.challenge(&conversation, &device);
    let mut writes: Vec<_> = [&one, &same, &step_up, &foreign, &consumed].map(challenges::insert).into();
    writes.push(challenges::consume(&consumed.id, "m", at(1)));
    writes.push(challenges::void(&one.id));
    writes.push(challenges::void(&consumed.id));
    done(&store, writes).await;
    assert_eq!(status(&store, &one).await.0, ChallengeStatus::Void);
    assert_eq!(status(&store, &same).await.0, ChallengeStatus::Live);
    assert_eq!(status(&store, &consumed).await.0, ChallengeStatus::Consumed);
    done(&store, vec![challenges::void_purpose(&conversation.id, "login")]).await;
    assert_eq!(status(&store, &same).await.0, ChallengeStatus::Void);
    assert_eq!(status(&store, &step_up).await.0, ChallengeStatus::Live);
    assert_eq!(status(&store, &foreign).await.0, ChallengeStatus::Live);
    assert_eq!(status(&store, &consumed).await.0, ChallengeStatus::Consumed);
    assert_eq!(stale(&store, vec![challenges::attempt(&same.id, at(1))]).await, 0);
}

async fn live_codes_of_a_destination_come_oldest_first(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let (elsewhere, theirs) = samples.anonymous(&store).await;
    let young = Challenge { issued_at: at(9), ..samples.challenge(&conversation, &device) };
    let old = samples.challenge(&theirs, &elsewhere);
    let over = Challenge { expires_at: at(10), ..samples.challenge(&conversation, &device) };
    let other = Challenge { identifier_key: vec![7], ..samples.challenge(&conversation, &device) };
    let void = samples.challenge(&conversation, &device);
    let mut writes: Vec<_> = [&young, &old, &over, &other, &void].map(challenges::insert).into();
    writes.push(challenges::void(&void.id));
    done(&store, writes).await;
    let live = store.live_challenges(&Actor::System, &[1, 2, 3], at(10)).await.unwrap();
    assert_eq!(live, [old, young]);
}

async fn a_try_is_charged_once(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, conversation) = samples.anonymous(&store).await;
    let made = samples.challenge(&conversation, &device);
    done(&store, vec![challenges::insert(&made)]).await;
    let actor = Actor::Device(device.id);
    assert!(store.charged(&actor, &made.id, b"m-1").await.unwrap().is_none());
    let charge =
        |id: &[u8]| vec![challenges::charge(&made.id, id, at(1), None), challenges::attempt(&made.id, at(1))];
    done(&store, charge(b"m-1")).await;
    assert_eq!(stale(&store, charge(b"m-1")).await, 0);
    assert!(store.charged(&actor, &made.id, b"m-1").await.unwrap().is_some());
    assert!(store.charged(&actor, &made.id, b"m-2").await.unwrap().is_none());
    done(&store, charge(b"m-2")).await;
    assert_eq!(status(&store, &made).await, (ChallengeStatus::Live, 2));
}

async fn a_counter_is_written_by_whoever_read_it_last(db: TestDb) {
    let store = db.open().await;
    let counter = |marks: &str, version| Counter {
        name: "otp_send".into(),
        subject: vec![3, 1],
        marks: marks.into(),
        locked_until: Some(at(30)),
        version,
    };
    let found = async || store.counter(&Actor::System, "otp_send", &[3, 1]).await.unwrap();
    assert_eq!(found().await, None);
    assert_eq!(stale(&store, vec![counters::save(&counter("1", 0), Some(1), at(1))]).await, 0);
    done(&store, vec![counters::save(&counter("1", 0), None, at(1))]).await;
    assert_eq!(stale(&store, vec![counters::save(&counter("other", 0), None, at(1))]).await, 0);
    assert_eq!(found().await, Some(counter("1", 1)));
    done(&store, vec![counters::save(&counter("1,2", 0), Some(1), at(1))]).await;
    assert_eq!(stale(&store, vec![counters::save(&counter("1,3", 0), Some(1), at(1))]).await, 0);
    assert_eq!(found().await, Some(counter("1,2", 2)));
    done(&store, vec![counters::clear("otp_send", &[3, 1]), counters::clear("otp_send", b"nobody")]).await;
    assert_eq!(found().await, Some(Counter { locked_until: None, ..counter("", 3) }));
    assert_eq!(stale(&store, vec![counters::save(&counter("1,2,3", 0), Some(2), at(1))]).await, 0);
}
