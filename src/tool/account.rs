//! Taking along what is known of oneself, and leaving for good (D32): both need a step-up of their own.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::contact::cancel_open;
use super::otp::SteppedUp;
use super::session::{By, end_all_trust, end_sessions};
use super::{Error, Toolbox};
use crate::model::{Actor, EventKind, Owner};
use crate::store::{User, erase, users};

/// How long a deletion can be called off by signing in.
pub const REVERSIBLE: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Rows of one page while everything is read.
const PAGE: u32 = 200;

/// Asks for the account's deletion: everything that is signed in ends at once, the rest is erased later.
pub async fn request_deletion(tools: &mut Toolbox, proof: &SteppedUp, user: &User) -> Result<(), Error> {
    let spent = proof.spend(tools);
    tools.unit.push(spent);
    cancel_open(tools, user).await?;
    end_all_trust(tools, &user.id, By::Deleted).await?;
    // Its guard moves the version on by one.
    end_sessions(tools, user, None, By::Deleted).await?;
    tools.unit.push(users::deactivate(&user.id, user.version + 1, tools.now));
    tools.audit(EventKind::DeleteRequested, json!({}));
    Ok(())
}

/// Somebody signs in to an account whose deletion was asked for, which calls it off; false where it was not.
pub fn call_deletion_off(tools: &mut Toolbox, user: &User) -> bool {
    if user.deactivated_at.is_none() {
        return false;
    }
    tools.unit.push(users::reactivate(&user.id));
    tools.audit_of(EventKind::DeleteCancelled, Some(user.id.clone()), None, json!({}));
    true
}

/// Erases an account whose time has come.
pub fn erase_account(tools: &mut Toolbox, user: &User) {
    tools.unit.extend(erase::erase(user));
    tools.audit_of(EventKind::DeleteDone, Some(user.id.clone()), None, json!({}));
}

/// Everything that is the person's, without hashes, tokens and what is sealed.
pub async fn export(tools: &mut Toolbox, proof: &SteppedUp, user: &User) -> Result<Value, Error> {
    let spent = proof.spend(tools);
    tools.unit.push(spent);
    tools.audit(EventKind::ExportMade, json!({}));
    let devices = tools.store.devices_of(&tools.actor, &user.id).await?;
    let sessions = tools.store.live_sessions(&tools.actor, &user.id, tools.now).await?;
    let data = tools.store.data_of(&Actor::System, &Owner::User(user.id.clone())).await?;
    let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    Ok(json!({
        "profile": {
            "userId": user.id,
            "fullName": user.full_name,
            "phone": user.phone,
            "email": user.email,
            "createdAt": user.created_at,
            "lastSeenAt": user.last_seen_at,
        },
        "devices": devices.iter().map(|d| json!({
            "deviceId": d.id, "name": d.name, "createdAt": d.created_at, "lastSeenAt": d.last_seen_at,
        })).collect::<Vec<_>>(),
        "sessions": sessions.iter().map(|s| json!({
            "sessionId": s.id, "deviceId": s.device, "createdAt": s.created_at, "expiresAt": s.expires_at,
        })).collect::<Vec<_>>(),
        "deviceData": data.iter().map(|d| json!({ "kind": d.kind, "items": parsed(&d.items) })).collect::<Vec<_>>(),
        "conversations": conversations(tools).await?,
    }))
}

async fn conversations(tools: &Toolbox) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for archived in [false, true] {
        let mut cursor = None;
        loop {
            let page = tools.store.conversations(&tools.actor, archived, cursor, PAGE).await?;
            let Some(last) = page.last() else { break };
            cursor = Some((last.last_message_at, last.id.clone()));
            for conversation in &page {
                let messages = messages(tools, conversation).await?;
                all.push(json!({
                    "conversationId": conversation.id,
                    "projectId": conversation.project,
                    "title": conversation.title,
                    "createdAt": conversation.created_at,
                    "messages": messages,
                }));
            }
        }
    }
    Ok(all)
}

async fn messages(tools: &Toolbox, conversation: &crate::store::Conversation) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = tools.store.messages(&tools.actor, &conversation.id, before, PAGE).await?;
        let Some(last) = page.last() else { break };
        before = Some(last.seq);
        all.extend(
            page.iter()
                .map(|m| json!({ "role": m.role.as_str(), "content": m.content, "createdAt": m.created_at })),
        );
    }
    all.reverse();
    Ok(all)
}
