//! `vestibule handoff`: which conversations people answer, and how the assistant gets one back, without a back end.

use anyhow::Context;
use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use super::{Failure, block_on, out};
use crate::app::{App, Doubles};
use crate::clock::{MovableClock, SystemClock};
use crate::config::Config;
use crate::engine::{self, Error};
use crate::http::CLOCK;
use crate::model::{Actor, Clock, ConversationId, Profile};
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the conversations that are handed off, the last spoken in first, without what is said in them.
    List {
        /// So many at most.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
    /// Have the assistant answer again; the person and the desk are told.
    Release {
        /// The conversation.
        conversation: String,
    },
}

pub(super) fn run(command: Command, config: Config) -> Result<(), Failure> {
    block_on(async move {
        match command {
            Command::List { limit } => {
                let store = Store::open(&config.store).await?;
                let now = SystemClock.now() + shift(&store, config.profile).await?;
                let listed = list(&store, now, limit).await;
                store.close().await;
                listed
            }
            Command::Release { conversation } => release(config, &conversation).await,
        }
    })
}

/// By how much the servers on that database have their clock ahead.
async fn shift(store: &Store, profile: Profile) -> anyhow::Result<SignedDuration> {
    let shift = match profile {
        Profile::Test => store.instance_number(&Actor::System, CLOCK).await?,
        Profile::Dev | Profile::Prod => 0,
    };
    Ok(SignedDuration::from_millis(shift))
}

async fn list(store: &Store, now: Timestamp, limit: usize) -> anyhow::Result<()> {
    let found = engine::handed_off(store, now, limit).await?;
    if found.is_empty() {
        out::line("No conversation is handed off.");
        return Ok(());
    }
    out::line("| conversation | since | until, if the desk says nothing | language | messages |");
    out::line("| --- | --- | --- | --- | --- |");
    for (conversation, handed) in &found {
        let language = conversation.locale.as_deref().unwrap_or("–");
        let messages = conversation.message_count;
        out::line(&format!(
            "| {} | {} | {} | {language} | {messages} |",
            conversation.id, handed.since, handed.until
        ));
    }
    Ok(())
}

async fn release(config: Config, conversation: &str) -> anyhow::Result<()> {
    let wrong = || {
        format!(
            "`{conversation}` is no conversation's id; `vestibule handoff list` shows those that are handed off"
        )
    };
    let id = ConversationId::parse(conversation).with_context(wrong)?;
    let store = Store::open(&config.store).await?;
    let shift = shift(&store, config.profile).await?;
    store.close().await;
    let clock = MovableClock::running();
    clock.advance(shift);
    let doubles = Doubles { clock: Some(std::sync::Arc::new(clock)), ..Doubles::default() };
    // The engine says the words of the return, and its worker tells the desk.
    let app = Box::pin(App::build(config, doubles)).await?;
    let released = app.engine().release(id.clone()).await;
    app.shutdown().await;
    match released {
        Ok(()) => {
            out::line(&format!("{id}: the assistant answers again."));
            Ok(())
        }
        Err(Error::NotFound) => anyhow::bail!("there is no conversation {id}"),
        Err(Error::Conflict(_)) => anyhow::bail!("{id} is not handed off"),
        Err(error) => Err(error.into()),
    }
}
