//! `vestibule outbox`: what was sent, what waits, what never left.

use anyhow::{Context, bail};
use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};

use super::{Failure, block_on, out};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::http::CLOCK;
use crate::model::{Actor, Clock, DeliveryStatus, EffectId, Profile};
use crate::store::outbox::{self, Effect, EffectStatus};
use crate::store::{Applied, Store};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List messages, the newest first, without where they went and what they said.
    List {
        /// Only those: queued, claimed, sent, failed (refused for good, or never arrived), dead (given up), uncertain
        /// (nobody knows whether they left).
        #[arg(long, value_parser = status)]
        status: Option<EffectStatus>,
        /// Only those from before this one, which is how a page ended.
        #[arg(long, value_name = "ID")]
        before: Option<String>,
        /// So many at most.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Let dead messages be tried again by a running server.
    Retry {
        /// The message; several may be named.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        id: Vec<String>,
        /// Every dead message that is still worth sending.
        #[arg(long)]
        all: bool,
    },
    /// Report what became of messages, and of codes by country.
    Stats {
        /// Of so many hours.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=24 * 365))]
        hours: u32,
    },
}

/// Most messages that are released by one command.
const MANY: u32 = 10_000;

fn status(text: &str) -> Result<EffectStatus, String> {
    EffectStatus::parse(text).ok_or_else(|| {
        let known: Vec<&str> = EffectStatus::ALL.iter().map(|status| status.as_str()).collect();
        format!("it is one of {}", known.join(", "))
    })
}

pub(super) fn run(command: Command, config: &Config) -> Result<(), Failure> {
    block_on(async move {
        let store = Store::open(&config.store).await?;
        let now = now(&store, config.profile).await?;
        let done = match command {
            Command::List { status, before, limit } => list(&store, now, (status, before), limit).await,
            Command::Retry { id, all } => retry(&store, now, (id, all)).await,
            Command::Stats { hours } => stats(&store, now, hours).await,
        };
        store.close().await;
        done
    })
}

/// The time as the servers on that database have it.
async fn now(store: &Store, profile: Profile) -> anyhow::Result<Timestamp> {
    let shift = match profile {
        Profile::Test => store.instance_number(&Actor::System, CLOCK).await?,
        Profile::Dev | Profile::Prod => 0,
    };
    Ok(SystemClock.now() + SignedDuration::from_millis(shift))
}

async fn list(
    store: &Store,
    now: Timestamp,
    (status, before): (Option<EffectStatus>, Option<String>),
    limit: u32,
) -> anyhow::Result<()> {
    let before = before.map(|id| parse(&id)).transpose()?;
    let effects = store.effects(&Actor::System, (status, before.as_ref()), limit).await?;
    row(&["id", "kind", "text", "to", "status", "tries", "why", "delivery", "queued", "next"]
        .map(str::to_owned));
    row(&["---"; 10].map(str::to_owned));
    for effect in &effects {
        row(&cells(effect, now));
    }
    if let Some(last) = effects.last().filter(|_| u32::try_from(effects.len()) == Ok(limit)) {
        out::line(&format!("More: vestibule outbox list --before {}", last.id));
    }
    Ok(())
}

fn cells(effect: &Effect, now: Timestamp) -> [String; 10] {
    let dash = || "–".to_owned();
    let delivery = effect.delivery.map_or("–", DeliveryStatus::as_str);
    let next = effect.due_at.filter(|_| effect.status != EffectStatus::Claimed);
    [
        effect.id.to_string(),
        effect.kind.clone(),
        effect.template.clone(),
        effect.country.clone().unwrap_or_else(dash),
        effect.status.as_str().to_owned(),
        effect.tries.to_string(),
        effect.error.as_deref().map_or_else(dash, |why| why.escape_debug().to_string()),
        delivery.to_owned(),
        format!("{} ago", length(now.duration_since(effect.created_at))),
        next.map_or_else(dash, |at| match at.duration_since(now) {
            left if left.is_positive() => format!("in {}", length(left)),
            _ => "now".to_owned(),
        }),
    ]
}

/// In whole units, the largest that fits.
fn length(length: SignedDuration) -> String {
    match length.as_secs().max(0) {
        s @ 0..=119 => format!("{s} s"),
        s @ 120..=7_199 => format!("{} min", s / 60),
        s @ 7_200..=172_799 => format!("{} h", s / 3_600),
        s => format!("{} d", s / 86_400),
    }
}

async fn retry(store: &Store, now: Timestamp, (ids, all): (Vec<String>, bool)) -> anyhow::Result<()> {
    let mut asked = Vec::new();
    if all {
        let dead = store.effects(&Actor::System, (Some(EffectStatus::Dead), None), MANY).await?;
        asked.extend(dead.into_iter().filter(|effect| hindrance(effect, now).is_none()));
    }
    for id in ids {
        let id = parse(&id)?;
        let effect = store.effect(&Actor::System, &id).await?;
        asked.push(effect.with_context(|| format!("there is no message {id}"))?);
    }
    let mut refused = 0;
    for effect in &asked {
        let why = match hindrance(effect, now) {
            Some(why) => Some(why),
            None => match store.apply(&Actor::System, vec![outbox::release(&effect.id, now)]).await? {
                Applied::Done => None,
                Applied::Stale { .. } => Some("it changed meanwhile; look again"),
            },
        };
        refused += usize::from(why.is_some());
        out::line(&format!("{}: {}", effect.id, why.unwrap_or("waits to be tried again")));
    }
    if all && asked.is_empty() {
        out::line("No dead message is worth sending any more.");
    }
    if refused > 0 {
        bail!("{refused} of {} messages were not released", asked.len());
    }
    Ok(())
}

/// Why a message cannot be tried again.
fn hindrance(effect: &Effect, now: Timestamp) -> Option<&'static str> {
    Some(match effect.status {
        EffectStatus::Queued | EffectStatus::Claimed => "it is being sent already",
        EffectStatus::Sent => "it was sent",
        EffectStatus::Failed => "its provider refused it for good, or it never arrived",
        EffectStatus::Uncertain => "it may have been sent, and nothing is ever sent twice",
        EffectStatus::Dead if effect.challenge.is_some() => {
            "its code is worth nothing any more; whoever waits for one has to ask again"
        }
        EffectStatus::Dead if effect.not_after <= now => "it is no news any more",
        EffectStatus::Dead if effect.destination_sealed.is_none() => "where it was to go is erased by now",
        EffectStatus::Dead => return None,
    })
}

fn parse(id: &str) -> anyhow::Result<EffectId> {
    EffectId::parse(id)
        .with_context(|| format!("`{id}` is no message's id; `vestibule outbox list` shows them"))
}

async fn stats(store: &Store, now: Timestamp, hours: u32) -> anyhow::Result<()> {
    let since = now - SignedDuration::from_hours(i64::from(hours));
    let counts = store.outbox_counts(&Actor::System, since).await?;
    out::line(&format!("Messages queued in the last {hours} h"));
    row(&["kind", "status", "messages"].map(str::to_owned));
    row(&["---"; 3].map(str::to_owned));
    for count in counts {
        row(&[count.kind, count.status, count.effects.to_string()]);
    }
    out::line("");
    out::line("Codes by text message, by country");
    row(&["country", "asked for", "sent", "delivered", "given back", "conversion"].map(str::to_owned));
    row(&["---"; 6].map(str::to_owned));
    for sum in store.code_sums(&Actor::System, since).await? {
        let conversion =
            if sum.sent == 0 { "–".to_owned() } else { format!("{} %", sum.given_back * 100 / sum.sent) };
        row(&[
            sum.country.unwrap_or_else(|| "–".to_owned()),
            sum.asked.to_string(),
            sum.sent.to_string(),
            sum.delivered.to_string(),
            sum.given_back.to_string(),
            conversion,
        ]);
    }
    if let Some(oldest) = store.oldest_waiting(&Actor::System).await? {
        out::line("");
        out::line(&format!(
            "The one that waits longest was queued {} ago.",
            length(now.duration_since(oldest))
        ));
    }
    Ok(())
}

fn row(cells: &[String]) {
    out::line(&format!("| {} |", cells.join(" | ")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Randomness;

    #[test]
    fn only_what_is_dead_and_worth_sending_is_released() {
        let (at, now) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + SignedDuration::from_secs(9));
        let id = EffectId::new(at, &mut Randomness::seeded(1).stream("effect"));
        let dead = Effect {
            status: EffectStatus::Dead,
            destination_sealed: Some(vec![1]),
            ..Effect::waiting(id, "sms", "sms.lost_phone", (at, at + SignedDuration::from_secs(10)))
        };
        assert_eq!(hindrance(&dead, now), None);
        assert!(hindrance(&dead, dead.not_after).unwrap().contains("no news"));
        let erased = Effect { destination_sealed: None, ..dead.clone() };
        assert!(hindrance(&erased, now).unwrap().contains("erased"));
        for status in EffectStatus::ALL.iter().filter(|status| **status != EffectStatus::Dead) {
            assert!(hindrance(&Effect { status: *status, ..dead.clone() }, now).is_some(), "{status:?}");
        }
    }
}
