//! What the tables tell after the deaths.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::client::Journey;
use crate::support::db::TestDb;
use crate::support::rows::{number, texts};

/// Looks at the outbox before it counts as stuck, and the pause between two: together far longer than a claim holds.
const LOOKS: u32 = 200;
const LOOK: Duration = Duration::from_millis(50);

/// Waits until every effect was tried or declared.
pub(super) async fn outbox_comes_to_rest(db: &TestDb) {
    for _ in 0..LOOKS {
        if number(db, "SELECT CAST(COUNT(*) AS TEXT) FROM outbox WHERE status IN ('queued', 'claimed')").await
            == 0
        {
            return;
        }
        tokio::time::sleep(LOOK).await;
    }
    panic!(
        "effects are left: {:?}",
        texts(db, "SELECT id, status FROM outbox WHERE status IN ('queued', 'claimed')").await
    );
}

pub(super) async fn everything(db: &TestDb, journeys: &[Journey]) {
    messages(db, journeys).await;
    effects(db).await;
    sessions(db, journeys).await;
    charges(db, journeys).await;
}

/// Every answer stands in its conversation once, in its order, each after the message it answers.
async fn messages(db: &TestDb, journeys: &[Journey]) {
    let sql = "SELECT conversation_id, role, content, CAST(seq AS TEXT) FROM messages m ORDER BY conversation_id, m.seq";
    let mut kept: BTreeMap<String, Vec<[String; 3]>> = BTreeMap::new();
    for row in texts(db, sql).await {
        let [conversation, role, content, seq] = row.try_into().unwrap();
        kept.entry(conversation).or_default().push([seq, role, content]);
    }
    for journey in journeys {
        let rows = kept.remove(&journey.conversation).unwrap();
        let seqs: Vec<usize> = rows.iter().map(|[seq, ..]| seq.parse().unwrap()).collect();
        assert_eq!(seqs, (1..=rows.len()).collect::<Vec<_>>(), "{}", journey.conversation);
        let roles: Vec<&str> = rows.iter().map(|[_, role, _]| role.as_str()).collect();
        assert!(roles.chunks(2).all(|pair| pair == ["user", "assistant"]), "{roles:?}");
        let said: Vec<&str> =
            rows.iter().filter(|[_, r, _]| r == "assistant").map(|[.., c]| c.as_str()).collect();
        assert_eq!(said, journey.answers, "{}", journey.conversation);
    }
    assert!(kept.is_empty(), "conversations that nobody was told of: {:?}", kept.keys());
    let miscounted = "SELECT CAST(COUNT(*) AS TEXT) FROM conversations c \
        WHERE message_count <> (SELECT COUNT(*) FROM messages m WHERE m.conversation_id = c.id)";
    assert_eq!(number(db, miscounted).await, 0);
}

/// No effect reached the provider twice; each is known to be sent, or declared uncertain.
async fn effects(db: &TestDb) {
    let twice = texts(db, "SELECT id FROM dev_outbox GROUP BY id HAVING COUNT(*) > 1").await;
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let sql = "SELECT status, CAST(tries AS TEXT), CAST((SELECT COUNT(*) FROM dev_outbox d WHERE d.id = o.id) AS TEXT) \
        FROM outbox o";
    let (mut sent, mut uncertain) = (0, 0);
    for row in texts(db, sql).await {
        let row: Vec<&str> = row.iter().map(String::as_str).collect();
        match row[..] {
            ["sent", "1", "1"] => sent += 1,
            ["uncertain", "1", "0" | "1"] => uncertain += 1,
            _ => panic!("an effect that is {row:?}"),
        }
    }
    let strangers = "SELECT CAST(COUNT(*) AS TEXT) FROM dev_outbox WHERE id NOT IN (SELECT id FROM outbox)";
    assert_eq!(number(db, strangers).await, 0, "messages that nobody queued");
    eprintln!("{sent} messages sent, {uncertain} uncertain");
}

/// Each sign-in has its one session, each person the one account.
async fn sessions(db: &TestDb, journeys: &[Journey]) {
    let kept: Vec<String> = texts(db, "SELECT id FROM sessions").await.concat();
    let told: Vec<&str> = journeys.iter().filter_map(|j| j.session.as_deref()).collect();
    let each: BTreeSet<&str> = told.iter().copied().collect();
    assert_eq!(each.len(), told.len(), "a session was given twice");
    assert_eq!(kept.iter().map(String::as_str).collect::<BTreeSet<_>>(), each);
    assert_eq!(kept.len(), told.len());
    let signed_in = journeys.iter().filter(|j| j.session.is_some());
    let people: BTreeSet<&str> = signed_in.map(|j| j.phone.as_str()).collect();
    assert_eq!(number(db, "SELECT CAST(COUNT(*) AS TEXT) FROM users").await, people.len());
}

/// Each try of a code is charged once, never more than a code allows, and there were those that the sign-ins tell of.
async fn charges(db: &TestDb, journeys: &[Journey]) {
    let beyond = "SELECT CAST(COUNT(*) AS TEXT) FROM challenges WHERE attempts > max_attempts";
    assert_eq!(number(db, beyond).await, 0);
    let unequal = "SELECT CAST(COUNT(*) AS TEXT) FROM challenges c \
        WHERE attempts <> (SELECT COUNT(*) FROM charges h WHERE h.challenge_id = c.id)";
    assert_eq!(number(db, unequal).await, 0, "attempts and charges differ");
    let charged = number(db, "SELECT CAST(COUNT(*) AS TEXT) FROM charges").await;
    let tried: usize =
        journeys.iter().map(|j| usize::from(j.has_guessed) + usize::from(j.session.is_some())).sum();
    assert_eq!(charged, tried, "a wrong code at most and a right one for each sign-in");
    let consumed = "SELECT CAST(COUNT(*) AS TEXT) FROM challenges WHERE status = 'consumed'";
    assert_eq!(number(db, consumed).await, journeys.iter().filter(|j| j.session.is_some()).count());
}
