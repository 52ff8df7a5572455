//! Conversations with the agents of folders.

use vestibule::scenario::capture::Wanted;

use super::Talk;
use crate::support::app::TestApp;
use crate::support::db::{TestDb, on_both};

on_both!(an_agent_of_a_folder_is_captured_unless_it_called_out);

async fn an_agent_of_a_folder_is_captured_unless_it_called_out(db: TestDb) {
    let mut settings = Wanted::default();
    let app = TestApp::start_with(&db, |config| {
        let folder = |agent: &str| format!("fixtures/agents/{agent}").into();
        config.graph.agents = ["opening_hours", "order_status"].map(folder).into();
        config.graph.addresses.push("orders_url=http://127.0.0.1:1".parse().unwrap());
        settings.settings = config.of_conversations();
    })
    .await;
    let mut anna = Talk::new(&app).await;
    assert_eq!(anna.say("when are you open?").await, "answered");
    assert_eq!(anna.say("where is my order?").await, "details_requested");
    let captured = anna.check(&db, &settings).await;
    for line in [
        "config VESTIBULE__GRAPH__AGENTS=fixtures/agents/opening_hours,fixtures/agents/order_status\n",
        "config VESTIBULE__GRAPH__ADDRESSES=orders_url=http://127.0.0.1:1\n",
    ] {
        assert!(captured.text.contains(line), "{}", captured.text);
    }
    anna.say("AB-12345").await;
    let called = anna.captured(&settings).await.unwrap_err().to_string();
    let why = "message 5 cannot be captured: the agent `order_status` called its service, and what that answered is not kept";
    assert!(called.starts_with(why), "{called}");
    // The call is tried again for a while, and nobody is there to take it.
    app.abandon().await;
}
