//! Accounts, devices and sessions.

use vestibule::model::Actor;
use vestibule::store::{
    Device, Error, Found, RevocationKind, Rotation, Session, TokenExchange, User, devices, revocations,
    sessions, users,
};

use crate::support::db::{TestDb, on_both};
use crate::support::samples::{Samples, at, done, stale};

on_both!(
    an_account_is_made_once_and_guarded,
    a_device_token_is_exchanged_once,
    a_session_token_is_exchanged_once,
    live_sessions_come_in_the_order_of_use,
    exchanged_tokens_go_long_after_their_session,
    endings_come_in_their_order,
);

async fn an_account_is_made_once_and_guarded(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let made = samples.user();
    done(&store, vec![users::insert(&made)]).await;
    let rival = User { phone_key: made.phone_key.clone(), ..samples.user() };
    assert_eq!(stale(&store, vec![users::insert(&rival)]).await, 0);
    let bare = User {
        phone: None,
        phone_key: None,
        full_name: None,
        email: None,
        email_key: None,
        locale: None,
        ..samples.user()
    };
    done(&store, vec![users::insert(&bare)]).await;
    assert_eq!(store.user(&Actor::System, &bare.id).await.unwrap(), Some(bare));

    let key = made.phone_key.clone().unwrap();
    assert_eq!(store.user_by_phone(&Actor::System, &key).await.unwrap(), Some(made.clone()));
    assert_eq!(store.user_by_phone(&Actor::System, b"another").await.unwrap(), None);
    done(&store, vec![users::bump(&made.id, 1, at(50))]).await;
    assert_eq!(stale(&store, vec![users::bump(&made.id, 1, at(60))]).await, 0);
    let bumped = User { version: 2, last_seen_at: at(50), ..made };
    assert_eq!(store.user(&Actor::System, &bumped.id).await.unwrap(), Some(bumped.clone()));
    let shown = format!("{bumped:?}");
    assert!(!shown.contains("Anna") && !shown.contains("4155552671"), "{shown}");
}

async fn a_device_token_is_exchanged_once(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let somebody = samples.signed_in(&store).await;
    let made = samples.device();
    done(&store, vec![devices::insert(&made)]).await;
    let found = store.device_by_token(&Actor::System, &made.token_hash).await.unwrap();
    assert_eq!(found, Some((made.clone(), false)));
    let copy = Device { token_hash: made.token_hash.clone(), ..samples.device() };
    let refused = store.apply(&Actor::System, vec![devices::insert(&copy)]).await;
    assert!(matches!(refused, Err(Error::Constraint { at: 0, .. })), "{refused:?}");

    let exchange = Rotation {
        device: &made.id,
        seen_hash: &made.token_hash,
        new_hash: b"next",
        message: "m-7",
        user: &somebody.user.id,
        at: at(70),
    };
    done(&store, vec![devices::rotate(exchange)]).await;
    assert_eq!(stale(&store, vec![devices::rotate(exchange)]).await, 0);
    done(&store, vec![devices::seen(&made.id, b"next", at(80))]).await;
    let rotated = Device {
        user: Some(somebody.user.id.clone()),
        token_hash: b"next".to_vec(),
        old_token_hash: Some(made.token_hash.clone()),
        old_token_message: Some("m-7".into()),
        rotated_at: Some(at(70)),
        last_seen_at: at(80),
        ..made.clone()
    };
    assert_eq!(store.device(&Actor::System, &made.id).await.unwrap(), Some(rotated.clone()));
    assert_eq!(store.device(&somebody.actor(), &made.id).await.unwrap(), Some(rotated.clone()));
    let by_new = store.device_by_token(&Actor::System, b"next").await.unwrap();
    assert_eq!(by_new, Some((rotated.clone(), false)));
    let by_old = store.device_by_token(&Actor::System, &made.token_hash).await.unwrap();
    assert_eq!(by_old, Some((rotated, true)));
    assert_eq!(store.device_by_token(&Actor::System, b"never").await.unwrap(), None);
}

async fn a_session_token_is_exchanged_once(db: TestDb) {
    let store = db.open().await;
    let somebody = Samples::new().signed_in(&store).await;
    let made = somebody.session.clone();
    assert_eq!(store.session(&somebody.actor(), &made.id).await.unwrap(), Some(made.clone()));
    let exchange = TokenExchange {
        session: &made.id,
        seen_hash: &made.token_hash,
        new_hash: b"next",
        at: at(70),
        new_expires_at: at(2000),
    };
    let mut writes = sessions::rotate(exchange).to_vec();
    writes.push(sessions::touch(&made.id, at(71)));
    done(&store, writes).await;
    assert_eq!(stale(&store, sessions::rotate(exchange).to_vec()).await, 0);
    done(&store, vec![sessions::touch(&made.id, at(72))]).await;
    let rotated = Session {
        token_hash: b"next".to_vec(),
        rotated_at: Some(at(70)),
        expires_at: at(2000),
        last_used_at: at(72),
        first_used_at: Some(at(71)),
        ..made.clone()
    };
    for (hash, spent_at) in [(b"next".as_slice(), None), (&made.token_hash, Some(at(70)))] {
        let found = store.session_by_token(&Actor::System, hash).await.unwrap();
        assert_eq!(found, Some(Found { session: rotated.clone(), spent_at }));
    }
    assert_eq!(store.session_by_token(&Actor::System, b"never").await.unwrap(), None);

    done(&store, vec![sessions::revoke(&made.id, ("owner", Some("m-9")), at(80))]).await;
    assert_eq!(stale(&store, vec![sessions::revoke(&made.id, ("worker", None), at(81))]).await, 0);
    let ended = TokenExchange { seen_hash: b"next", new_hash: b"third", ..exchange };
    assert_eq!(stale(&store, sessions::rotate(ended).to_vec()).await, 0);
    let revoked = Session {
        revoked_at: Some(at(80)),
        revoked_by: Some("owner".into()),
        revoked_message: Some("m-9".into()),
        ..rotated
    };
    assert_eq!(store.session(&somebody.actor(), &made.id).await.unwrap(), Some(revoked));
}

async fn live_sessions_come_in_the_order_of_use(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let somebody = samples.signed_in(&store).await;
    let (user, device) = (&somebody.user, &somebody.device);
    let late = Session { last_used_at: at(9), ..samples.session(user, device) };
    let early = Session { last_used_at: at(-9), ..samples.session(user, device) };
    let ended = Session { revoked_at: Some(at(1)), ..samples.session(user, device) };
    let idle = Session { expires_at: at(100), ..samples.session(user, device) };
    let old = Session { absolute_expires_at: at(100), ..samples.session(user, device) };
    let all = [&late, &early, &ended, &idle, &old];
    done(&store, all.into_iter().map(sessions::insert).collect()).await;
    let live = store.live_sessions(&somebody.actor(), &user.id, at(100)).await.unwrap();
    assert_eq!(live, [early, somebody.session.clone(), late]);
    assert_eq!(store.live_sessions(&Actor::System, &user.id, at(99)).await.unwrap().len(), 5);
}

async fn exchanged_tokens_go_long_after_their_session(db: TestDb) {
    let store = db.open().await;
    let mut samples = Samples::new();
    let somebody = samples.signed_in(&store).await;
    let (user, device) = (&somebody.user, &somebody.device);
    let lives = somebody.session.clone();
    let ended = Session {
        revoked_at: Some(at(50)),
        revoked_by: Some("user".into()),
        ..samples.session(user, device)
    };
    let expired = Session { expires_at: at(50), ..samples.session(user, device) };
    let fresh = samples.session(user, device);
    done(&store, [&expired, &fresh].into_iter().map(sessions::insert).collect()).await;
    done(&store, vec![sessions::insert(&Session { revoked_at: None, revoked_by: None, ..ended.clone() })])
        .await;
    for (session, spent_at) in [(&lives, 10), (&ended, 11), (&expired, 12), (&fresh, 99)] {
        let next = format!("next of {}", session.id);
        let exchange = TokenExchange {
            session: &session.id,
            seen_hash: &session.token_hash,
            new_hash: next.as_bytes(),
            at: at(spent_at),
            new_expires_at: session.expires_at,
        };
        done(&store, sessions::rotate(exchange).to_vec()).await;
    }
    done(&store, vec![sessions::revoke(&ended.id, ("user", None), at(50))]).await;
    let known = async |session: &Session| {
        store.session_by_token(&Actor::System, &session.token_hash).await.unwrap().is_some()
    };
    done(&store, vec![sessions::purge_spent(at(50))]).await;
    assert_eq!([known(&lives).await, known(&ended).await, known(&expired).await], [true; 3]);
    done(&store, vec![sessions::purge_spent(at(51))]).await;
    assert_eq!([known(&ended).await, known(&expired).await], [false; 2]);
    assert!(known(&lives).await && known(&fresh).await, "their sessions live");
}

async fn endings_come_in_their_order(db: TestDb) {
    let store = db.open().await;
    let kinds = [RevocationKind::User, RevocationKind::Session, RevocationKind::Device];
    let notes =
        kinds.iter().zip(0..).map(|(&kind, n)| revocations::insert(kind, kind.as_str(), (at(9 - n), "why")));
    done(&store, notes.collect()).await;
    let all = store.revocations_after(&Actor::System, 0, 9).await.unwrap();
    assert_eq!(all.iter().map(|r| r.kind).collect::<Vec<_>>(), kinds);
    assert_eq!((all[1].subject.as_str(), all[1].reason.as_str(), all[1].at), ("session", "why", at(8)));
    assert_eq!(store.revocations_after(&Actor::System, all[0].seq, 1).await.unwrap(), all[1..2]);
    assert_eq!(store.revocations_after(&Actor::System, all[2].seq, 9).await.unwrap(), []);
}
