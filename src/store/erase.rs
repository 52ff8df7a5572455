//! The end of an account: everything that is the person's goes, in the order in which rows hang together. What stays is the
//! audit log, in which the account's id is a pseudonym for nobody.

use super::write::args;
use super::{User, Write, sql};
use crate::model::UserId;

sql! {
    GUARD = "UPDATE users SET version = version + 1 \
             WHERE id = $1 AND version = $2 AND deactivated_at IS NOT NULL";
    CHARGES = "DELETE FROM charges WHERE challenge_id IN (SELECT ch.id FROM challenges ch WHERE ch.user_id = $1 \
               OR ch.conversation_id IN (SELECT co.id FROM conversations co WHERE co.owner = $1))";
    DEV_OUTBOX = "DELETE FROM dev_outbox WHERE id IN (SELECT o.id FROM outbox o WHERE o.conversation_id IN \
                  (SELECT co.id FROM conversations co WHERE co.owner = $1) OR o.challenge_id IN \
                  (SELECT ch.id FROM challenges ch WHERE ch.user_id = $1))";
    OUTBOX = "DELETE FROM outbox WHERE conversation_id IN (SELECT co.id FROM conversations co WHERE co.owner = $1) \
              OR challenge_id IN (SELECT ch.id FROM challenges ch WHERE ch.user_id = $1)";
    CHANGES = "DELETE FROM contact_changes WHERE user_id = $1 \
               OR conversation_id IN (SELECT co.id FROM conversations co WHERE co.owner = $1)";
    CHALLENGES = "DELETE FROM challenges WHERE user_id = $1 \
                  OR conversation_id IN (SELECT co.id FROM conversations co WHERE co.owner = $1)";
    MESSAGES = "DELETE FROM messages WHERE owner = $1 \
                OR conversation_id IN (SELECT co.id FROM conversations co WHERE co.owner = $1)";
    ANSWERS = "DELETE FROM pending_responses WHERE owner = $1 \
               OR conversation_id IN (SELECT co.id FROM conversations co WHERE co.owner = $1)";
    USAGE = "DELETE FROM model_usage WHERE conversation_id IN \
             (SELECT co.id FROM conversations co WHERE co.owner = $1)";
    CONVERSATIONS = "DELETE FROM conversations WHERE owner = $1";
    SPENT = "DELETE FROM spent_tokens WHERE session_id IN (SELECT s.id FROM sessions s WHERE s.user_id = $1)";
    SESSIONS = "DELETE FROM sessions WHERE user_id = $1";
    TRUSTS = "DELETE FROM trusts WHERE user_id = $1";
    MIGRATIONS = "DELETE FROM migrations WHERE user_id = $1";
    DATA = "DELETE FROM device_data WHERE owner = $1";
    DEVICES = "UPDATE devices SET user_id = NULL, name = NULL WHERE user_id = $1";
    ACCOUNT = "DELETE FROM users WHERE id = $1";
}

/// Erases an account and all that is its own; stale if its deletion was called off meanwhile.
pub fn erase(user: &User) -> Vec<Write> {
    let all = [
        CHARGES,
        DEV_OUTBOX,
        OUTBOX,
        CHANGES,
        CHALLENGES,
        MESSAGES,
        ANSWERS,
        USAGE,
        CONVERSATIONS,
        SPENT,
        SESSIONS,
        TRUSTS,
        MIGRATIONS,
        DATA,
        DEVICES,
    ];
    let id: &UserId = &user.id;
    let mut writes = vec![Write::one(GUARD, args![id, user.version])];
    writes.extend(all.into_iter().map(|sql| Write::any(sql, args![id])));
    writes.push(Write::one(ACCOUNT, args![id]));
    writes
}
