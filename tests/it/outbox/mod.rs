//! What leaves, how often, and what people are told of it.

mod command;
mod retry;
mod settle;

use serde_json::Value;

use crate::support::app::{Person, TestApp, until};

/// A device that asked for a code, with what it was told.
async fn asked(app: &TestApp) -> (Person, Value) {
    let mut anna = app.device().await;
    let told = app.say(&anna, "log in with +14155552671").await;
    anna.conversation = told.data()["conversationId"].as_str().map(str::to_owned);
    (anna, told.data()["response"].clone())
}

/// The newest answer in somebody's conversation, pushed or not.
async fn newest(app: &TestApp, person: &Person) -> Value {
    let id = person.conversation.as_deref().unwrap();
    let messages = app.get(&format!("/api/agent/conversations/{id}/messages"), person).await;
    messages.data()["items"][0]["response"].clone()
}

/// Waits until the one effect has that status.
async fn becomes(app: &TestApp, status: &str) {
    until(async || app.texts("SELECT status FROM outbox").await == [status]).await;
}
