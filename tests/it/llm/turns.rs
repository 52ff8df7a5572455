//! Turns with a model: it routes what the local classifier is not sure of, and no more.

use serde_json::{Value, json};
use vestibule::llm::Price;

use crate::support::app::PHONE;
use crate::support::db::{TestDb, on_both};
use crate::support::fake_model::{FakeModel, Reaction};

on_both!(
    a_model_routes_what_the_local_classifier_leaves_open,
    an_act_that_a_model_alone_names_is_confirmed_first,
    what_models_used_is_told_to_its_owner_alone,
    a_turn_that_runs_again_asks_once,
    what_a_model_reads_out_of_an_answer_is_weighed_too,
    past_the_budget_the_local_tiers_answer,
);

const ODD: &str = "die geräte-übersicht wäre jetzt fein";

async fn a_model_routes_what_the_local_classifier_leaves_open(db: TestDb) {
    let server = FakeModel::start(|_, _| {
        Reaction::classifies("manage_sessions", 0.93, &json!({ "action": "devices" }))
    })
    .await;
    let app = super::app(&db, &server.url, |_| {}).await;
    let anna = app.sign_in(PHONE).await;
    assert!(server.requests().is_empty(), "a sign-in needs no model");
    let listed = app.say(&anna, ODD).await;
    assert_eq!(listed.action(), "devices_listed");
    let context = &listed.data()["response"]["context"];
    assert_eq!((&context["tier"], &context["confidence"]), (&json!("llm"), &json!(0.93)));
    assert!(
        context["reason"].as_str().unwrap().starts_with("llm: manage_sessions 0.93; local:"),
        "{context}"
    );
    assert!(context["scores"].as_object().is_some_and(|scores| scores.len() == 3));
    let body = server.requests().pop().unwrap();
    assert_eq!(body["response_format"]["json_schema"]["strict"], true);
    let routes = &body["response_format"]["json_schema"]["schema"]["$defs"]["SubIntent"]["enum"];
    assert!(routes.as_array().unwrap().contains(&json!("out_of_scope")), "{routes}");
    // Below the threshold the person is asked.
    let unsure = FakeModel::start(|_, _| Reaction::classifies("manage_sessions", 0.5, &json!({}))).await;
    let asking = app.beside(&db, |c| c.llm = super::options(&unsure.url)).await;
    assert_eq!(asking.say(&asking.device().await, ODD).await.action(), "clarification_needed");
    asking.finish().await;
    app.finish().await;
}

async fn an_act_that_a_model_alone_names_is_confirmed_first(db: TestDb) {
    let server = FakeModel::start(|_, body| {
        let said = body["messages"][1]["content"].as_str().unwrap_or_default().to_owned();
        let entities = if said.contains("heiße") {
            json!({ "field": "name", "value": "Marie Curie" })
        } else {
            json!({ "action": "revoke", "revoke_all": true, "keep_current": true })
        };
        let route = if said.contains("heiße") { "update_identity" } else { "manage_sessions" };
        Reaction::classifies(route, 0.97, &entities)
    })
    .await;
    let app = super::app(&db, &server.url, |_| {}).await;
    let anna = app.sign_in(PHONE).await;
    let asked = app.say(&anna, "überall sonst raus mit mir, sofort").await;
    assert_eq!(asked.action(), "confirmation_requested", "{asked:?}");
    assert!(asked.data()["result"].as_str().unwrap().contains("everywhere but here"));
    let kept = app.say(&anna, "no").await;
    assert_eq!((kept.action(), app.is_alive(&anna).await), ("cancelled", true));

    let asked = app.say(&anna, "seit heute heiße ich Marie Curie").await;
    assert_eq!(asked.action(), "confirmation_requested", "{asked:?}");
    assert!(asked.data()["result"].as_str().unwrap().contains("Marie Curie"));
    let name = async || app.get("/api/me", &anna).await.data()["fullName"].clone();
    assert_eq!(name().await, "Anna Ångström");
    assert_eq!(app.say(&anna, "yes").await.action(), "identity_updated");
    assert_eq!(name().await, "Marie Curie");
    app.finish().await;
}

async fn what_models_used_is_told_to_its_owner_alone(db: TestDb) {
    let server = FakeModel::start(|_, _| Reaction::classifies("general", 0.9, &json!({}))).await;
    let app = super::app(&db, &server.url, |c| {
        c.llm.prices = vec!["one 0.50 2".parse::<Price>().unwrap()];
    })
    .await;
    let (one, two) = (app.device().await, app.device().await);
    for _ in 0..2 {
        app.say(&one, "purple monkey dishwasher").await.data();
    }
    let used = app.get("/api/agent/usage", &one).await;
    let item = &used.data()["items"][0];
    // Each turn was classified, and its small talk streamed by a server that gives no stream: asked, and not heard.
    assert_eq!(item["model"], "one");
    assert!(item["calls"].as_i64().unwrap() >= 2 && item["inputTokens"].as_i64().unwrap() >= 200, "{item}");
    let cost = item["inputTokens"].as_i64().unwrap() / 2 + item["outputTokens"].as_i64().unwrap() * 2;
    assert_eq!(item["cost"], format!("0.{cost:06}"));
    assert_eq!(used.data()["total"]["calls"].as_i64().unwrap(), sum(used.data(), "calls"));
    assert_eq!(app.get("/api/agent/usage", &two).await.data()["items"], json!([]));
    let paged = app.get("/api/agent/usage?limit=1", &one).await;
    let cursor = paged.data()["nextCursor"].as_str().unwrap();
    let rest = app.get(&format!("/api/agent/usage?cursor={cursor}"), &one).await;
    assert_eq!(
        rest.data()["items"].as_array().unwrap().len() + 1,
        used.data()["items"].as_array().unwrap().len()
    );
    for bad in ["?cursor=x", "?limit=0"] {
        assert_eq!(app.get(&format!("/api/agent/usage{bad}"), &one).await.error(), "VALIDATION_ERROR");
    }
    app.finish().await;
}

fn sum(page: &Value, key: &str) -> i64 {
    page["items"].as_array().unwrap().iter().map(|item| item[key].as_i64().unwrap()).sum()
}

async fn a_turn_that_runs_again_asks_once(db: TestDb) {
    let server = FakeModel::start(|_, _| Reaction::classifies("manage_sessions", 0.95, &json!({}))).await;
    let app = super::app(&db, &server.url, |_| {}).await;
    let anna = app.sign_in(PHONE).await;
    // Two nodes answer the same conversation at once: one of the turns meets a changed row and runs again.
    let other = app.beside(&db, |c| c.llm = super::options(&server.url)).await;
    let before = server.requests().len();
    let (a, b) = tokio::join!(app.say(&anna, ODD), other.say(&anna, ODD));
    for reply in [a, b] {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    assert_eq!(server.requests().len() - before, 2);
    other.finish().await;
    app.finish().await;
}

async fn what_a_model_reads_out_of_an_answer_is_weighed_too(db: TestDb) {
    for (confidence, action) in [(0.0, "clarification_needed"), (0.99, "confirmation_requested")] {
        let server = FakeModel::start(move |_, body| {
            if !body["messages"][1]["content"].as_str().unwrap_or_default().contains("worry") {
                return Reaction::Reset;
            }
            let entities = json!({ "action": "revoke", "device_name": "kitchen phone" });
            Reaction::classifies("manage_sessions", confidence, &entities)
        })
        .await;
        let phone = if confidence < 0.5 { PHONE } else { "+14155552672" };
        let app = super::app(&db, &server.url, |c| {
            c.classify.tiers = vec![vestibule::model::Tier::Llm];
            c.llm.breaker_failures = 1_000;
        })
        .await;
        let anna = app.sign_in(phone).await;
        let (other, _) = app.sign_in_again(&app.device().await, phone).await;
        for (person, name) in [(&anna, "Hall phone"), (&other, "Kitchen phone")] {
            let named = app.say(person, &format!("rename this device to {name}")).await;
            assert_eq!(named.action(), "device_renamed", "{named:?}");
        }
        assert_eq!(app.say(&anna, "log out my phone").await.action(), "clarification_needed");
        let asked = app.say(&anna, "wait, is the kitchen phone mine or should I worry?").await;
        assert_eq!(asked.action(), action, "{asked:?}");
        assert!(app.is_alive(&anna).await && app.is_alive(&other).await);
        app.finish().await;
    }
}

async fn past_the_budget_the_local_tiers_answer(db: TestDb) {
    let server = FakeModel::start(|_, _| Reaction::classifies("out_of_scope", 0.9, &json!({}))).await;
    let app = super::app(&db, &server.url, |c| {
        c.llm.owner_per_minute = 3;
        c.classify.tiers = vec![vestibule::model::Tier::Llm];
    })
    .await;
    let person = app.device().await;
    let mut tiers = Vec::new();
    for _ in 0..5 {
        let said = app.say(&person, "I want to log in").await;
        tiers.push(said.data()["response"]["context"]["tier"].as_str().unwrap().to_owned());
    }
    assert_eq!(tiers.last().map(String::as_str), Some("local"), "{tiers:?}");
    let classified = server.requests().iter().filter(|body| body.get("response_format").is_some()).count();
    assert!(classified <= 3, "{classified}");
    assert_eq!(app.say(&app.device().await, "log in").await.data()["response"]["context"]["tier"], "llm");
    app.finish().await;
}
