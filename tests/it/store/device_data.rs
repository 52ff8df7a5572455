//! What devices and accounts gather: each owner's own, and each generation of a list taken over once.

use futures::future::join_all;
use vestibule::model::{Actor, DeviceId, Owner};
use vestibule::store::device_data::{DataList, enter, put, take};
use vestibule::store::{Applied, Store};

use crate::support::db::{TestDb, on_both};
use crate::support::samples::{Samples, at, done, stale};

on_both!(
    a_list_is_put_over_the_version_seen,
    nobody_reads_what_another_gathered,
    a_generation_is_taken_once_and_the_next_one_opens,
    of_32_claims_of_a_generation_one_is_entered,
);

const ITEMS: &str = r#"[{"id":"x'; DROP TABLE device_data; --"}]"#;

async fn list(store: &Store, device: &DeviceId) -> DataList {
    let owner = Owner::Device(device.clone());
    let mut lists = store.data_of(&Actor::Device(device.clone()), &owner).await.unwrap();
    assert_eq!(lists.len(), 1);
    lists.remove(0)
}

// D17, SEC-28
async fn a_list_is_put_over_the_version_seen(db: TestDb) {
    let store = db.open().await;
    let (device, _) = Samples::new().anonymous(&store).await;
    let owner = Owner::Device(device.id.clone());
    done(&store, vec![put((&owner, "cart"), None, ITEMS, at(1))]).await;
    // Two who saw no list, or the same one, do not overwrite each other.
    assert_eq!(stale(&store, vec![put((&owner, "cart"), None, "[]", at(2))]).await, 0);
    let first = list(&store, &device.id).await;
    let want = DataList {
        owner: owner.clone(),
        kind: "cart".into(),
        version: 1,
        generation: 1,
        items: ITEMS.into(),
        updated_at: at(1),
    };
    assert_eq!(first, want);
    done(&store, vec![put((&owner, "cart"), Some(1), "[]", at(3))]).await;
    assert_eq!(stale(&store, vec![put((&owner, "cart"), Some(1), ITEMS, at(4))]).await, 0);
    let next = DataList { version: 2, items: "[]".into(), updated_at: at(3), ..want };
    assert_eq!(list(&store, &device.id).await, next);
}

// SEC-18, SEC-23, S0-26
async fn nobody_reads_what_another_gathered(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, _) = samples.anonymous(&store).await;
    let (other, _) = samples.anonymous(&store).await;
    let (anna, bo) = (samples.signed_in(&store).await, samples.signed_in(&store).await);
    let of_device = Owner::Device(device.id.clone());
    let of_anna = Owner::User(anna.user.id.clone());
    for owner in [&of_device, &of_anna] {
        done(&store, vec![put((owner, "cart"), None, ITEMS, at(1))]).await;
    }
    let own = Actor::Device(device.id.clone());
    let anonymous = Actor::Device(anna.device.id.clone());
    for (actor, sees_device, sees_anna) in [
        (own, true, false),
        (Actor::Device(other.id.clone()), false, false),
        (anna.actor(), false, true),
        // The device Anna speaks from has nothing of hers without her session.
        (anonymous, false, false),
        (bo.actor(), false, false),
        (Actor::System, true, true),
    ] {
        let found = store.data_of(&actor, &of_device).await.unwrap();
        assert_eq!(!found.is_empty(), sees_device, "{actor:?}");
        let found = store.data_of(&actor, &of_anna).await.unwrap();
        assert_eq!(!found.is_empty(), sees_anna, "{actor:?}");
    }
}

// D17, SEC-24
async fn a_generation_is_taken_once_and_the_next_one_opens(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, _) = samples.anonymous(&store).await;
    let (anna, bo) = (samples.signed_in(&store).await, samples.signed_in(&store).await);
    let owner = Owner::Device(device.id.clone());
    done(&store, vec![put((&owner, "cart"), None, ITEMS, at(1))]).await;
    let seen = list(&store, &device.id).await;
    // A write after the list was seen voids the whole claim: the ledger has no row of it.
    done(&store, vec![put((&owner, "cart"), Some(1), ITEMS, at(2))]).await;
    let entry = ("cart", seen.generation);
    let claim = vec![enter(&device.id, entry, &anna.user.id, (1, at(3))), take(&seen, at(3))];
    assert_eq!(stale(&store, claim).await, 1);

    let seen = list(&store, &device.id).await;
    let claim = vec![take(&seen, at(4)), enter(&device.id, entry, &anna.user.id, (1, at(4)))];
    done(&store, claim).await;
    let taken = DataList { version: 3, generation: 2, items: "[]".into(), updated_at: at(4), ..seen.clone() };
    assert_eq!(list(&store, &device.id).await, taken);
    assert_eq!(stale(&store, vec![take(&seen, at(5))]).await, 0);
    assert_eq!(stale(&store, vec![enter(&device.id, entry, &bo.user.id, (1, at(5)))]).await, 0);

    let entry = ("cart", taken.generation);
    done(&store, vec![take(&taken, at(6)), enter(&device.id, entry, &bo.user.id, (0, at(6)))]).await;
    assert_eq!(list(&store, &device.id).await.generation, 3);
}

// SEC-24
async fn of_32_claims_of_a_generation_one_is_entered(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let (device, _) = samples.anonymous(&store).await;
    let (anna, bo) = (samples.signed_in(&store).await, samples.signed_in(&store).await);
    let owner = Owner::Device(device.id.clone());
    done(&store, vec![put((&owner, "cart"), None, ITEMS, at(1))]).await;
    let seen = list(&store, &device.id).await;
    let claims = (0..32).map(|n| {
        let user = if n % 2 == 0 { &anna.user.id } else { &bo.user.id };
        let account = Owner::User(user.clone());
        let claim = vec![
            take(&seen, at(2)),
            enter(&device.id, ("cart", seen.generation), user, (1, at(2))),
            put((&account, "cart"), None, &seen.items, at(2)),
        ];
        let store = &store;
        async move { store.apply(&Actor::System, claim).await.unwrap() }
    });
    let verdicts = join_all(claims).await;
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Applied::Done).count(), 1);
    let mut holders = 0;
    for person in [&anna, &bo] {
        let owner = Owner::User(person.user.id.clone());
        holders += store.data_of(&person.actor(), &owner).await.unwrap().len();
    }
    assert_eq!(holders, 1);
    assert_eq!(list(&store, &device.id).await.items, "[]");
}
