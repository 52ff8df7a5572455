//! Whether things are as the scenario says.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{Broken, Player, Post};
use crate::model::{Actor, EventKind};
use crate::scenario::format::{Channel, Field, Wanted};
use crate::scenario::used::{FIGURES, Used};

impl Player<'_> {
    pub(super) fn check_answer(&self, fields: &[Field]) -> Result<(), Broken> {
        let said = self.said.last().ok_or("nothing was answered yet")?;
        if said.uncertain {
            return Ok(());
        }
        // A message that was pushed after a crash has no reply key.
        let keyless = said.view.get("reply").is_none_or(Value::is_null) && !self.world.late.is_zero();
        let fields = fields.iter().filter(|f| !(keyless && f.path == "reply"));
        all_hold(fields, &said.view, self.world.late).map_err(|what| {
            let message = said.view.get("message").and_then(Value::as_str).unwrap_or_default();
            format!("{what}; it said: {message}")
        })
    }

    pub(super) fn check_sent(&mut self, wanted: Option<&(Channel, Vec<Field>)>) -> Result<(), Broken> {
        let open = self.posts.iter().position(|post| !post.named);
        let Some((channel, fields)) = wanted else {
            return match open.and_then(|at| self.posts.get(at)) {
                None => Ok(()),
                Some(post) => Err(format!("expected no message, got {} to {}", post.template, post.to)),
            };
        };
        if *channel == Channel::Desk {
            return self.check_desk(fields);
        }
        // Two messages of one turn leave at once, and which of the two doors is faster is nobody's promise.
        let of_channel = |post: &&mut Post| !post.named && post.channel == *channel;
        let Some(post) = self.posts.iter_mut().find(of_channel) else {
            if self.given_up {
                return Ok(());
            }
            return Err(format!("expected a message by {}, none was handed over", channel.as_str()));
        };
        let view = json!({
            "to": post.to, "subject": post.subject, "template": post.template, "verdict": post.verdict,
        });
        // What became of a message whose worker died is uncertain, whatever it would have been; and nobody saw it.
        let unsure = |f: &Field| post.lost && ["subject", "verdict"].contains(&f.path.as_str());
        let fields = fields.iter().filter(|f| !unsure(f));
        all_hold(fields, &view, SignedDuration::ZERO)?;
        post.named = true;
        Ok(())
    }

    fn check_desk(&mut self, fields: &[Field]) -> Result<(), Broken> {
        let told = self.world.people.told();
        let notice = told.get(self.desk_named).ok_or("the desk was told nothing more")?;
        all_hold(fields.iter(), notice, SignedDuration::ZERO)?;
        self.desk_named += 1;
        Ok(())
    }

    pub(super) async fn check_holds(&mut self, actor: usize, fields: &[Field]) -> Result<(), Broken> {
        let uncertain = self.said.last().is_some_and(|said| said.uncertain);
        for field in fields {
            match field.path.as_str() {
                path if FIGURES.contains(&path) => {
                    let last = self.used.last().ok_or("nothing was said yet")?;
                    self.check_budget([field], *last)?;
                }
                "effects" if self.given_up => {}
                "effects" => {
                    let view = json!({ "effects": self.posts.len() });
                    all_hold([field].into_iter(), &view, SignedDuration::ZERO)?;
                }
                _ if uncertain => {}
                "audit" => self.check_audit(actor, &field.text()).await?,
                path if path.starts_with("data.") => {
                    let view = json!({ "data": self.gathered(actor).await? });
                    all_hold([field].into_iter(), &view, SignedDuration::ZERO)?;
                }
                _ => {
                    let view = json!({ "state": self.state(actor).await? });
                    all_hold([field].into_iter(), &view, self.world.late)?;
                }
            }
        }
        Ok(())
    }

    /// Whether what was used is within its bounds, where bounds bind.
    pub(super) fn check_budget<'f>(
        &self,
        fields: impl IntoIterator<Item = &'f Field>,
        used: Used,
    ) -> Result<(), Broken> {
        if !self.is_plain {
            return Ok(());
        }
        for field in fields {
            let found = used.figures().into_iter().find(|(name, _)| *name == field.path);
            let (name, found) = found.ok_or("a budget of nothing that is counted")?;
            if !field.holds(Some(&json!(found)), SignedDuration::ZERO) {
                return Err(format!("{name}: {found} used, allowed: {}", field.text()));
            }
        }
        Ok(())
    }

    async fn check_audit(&mut self, actor: usize, wanted: &str) -> Result<(), Broken> {
        let person = self.person(actor)?;
        let conversation = person.conversation.clone().ok_or("this actor has no conversation")?;
        let after = person.before.clone().filter(|(of, _)| *of == conversation).map(|(_, id)| id);
        let events = self.events(&conversation, after).await?;
        let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
        // What a dead worker did not write down, nobody did.
        let unsure = [EventKind::OtpSent, EventKind::OtpSendFailed, EventKind::OtpUnaddressed];
        let unsure = unsure.map(EventKind::as_str);
        let unsure = |kind: &&str| !self.world.abandoned.is_empty() && unsure.contains(kind);
        let mut left = kinds.iter();
        for kind in wanted.split(',').filter(|kind| !unsure(kind)) {
            if !left.any(|found| *found == kind) {
                return Err(format!("audit: expected {wanted} in this order, got {}", kinds.join(",")));
            }
        }
        Ok(())
    }

    /// How far the actor's conversation has come, as the store has it.
    pub(super) async fn state(&mut self, actor: usize) -> Result<Value, Broken> {
        let Some(id) = self.person(actor)?.conversation.clone() else { return Ok(Value::Null) };
        let found =
            self.world.ask(move |store| async move { store.conversation(&Actor::System, &id).await }).await?;
        let found = found.ok_or("the conversation is not there any more")?;
        let state: Value = serde_json::from_str(&found.state).map_err(|e| e.to_string())?;
        Ok(state.get("progress").cloned().unwrap_or_default())
    }

    /// What must hold at the end of every scenario; gives back what each conversation remembers.
    pub(super) async fn end(&mut self) -> Result<Vec<Value>, Broken> {
        let mut ends = Vec::new();
        for actor in 0..self.people.len() {
            ends.push(self.state(actor).await?);
        }
        if let Some(post) = self.posts.iter().find(|post| !post.named) {
            return Err(format!(
                "a message was handed over that no line names: {} to {}",
                post.template, post.to
            ));
        }
        if let Some(notice) = self.world.people.told().get(self.desk_named) {
            return Err(format!("the desk was told something that no line names: {notice}"));
        }
        self.world.let_leases_end().await?;
        if let Some(effect) = self.world.provider.doubled() {
            return Err(format!("the provider was given {effect} more than once"));
        }
        Ok(ends)
    }
}

/// The first field that is not as wanted.
fn all_hold<'f>(
    fields: impl Iterator<Item = &'f Field>,
    view: &Value,
    late: SignedDuration,
) -> Result<(), Broken> {
    for field in fields {
        let found = field.path.split('.').try_fold(view, |value, key| match value {
            Value::Array(items) => items.get(key.parse::<usize>().ok()?),
            other => other.get(key),
        });
        if !field.holds(found, late) {
            let found = found.map_or_else(|| "nothing".to_owned(), shown);
            let wanted = match &field.wanted {
                Wanted::Present => "anything".to_owned(),
                Wanted::Absent => "nothing".to_owned(),
                // Told apart by their quotes where text and number look the same.
                Wanted::Equal(value) if shown(value) == found => value.to_string(),
                Wanted::Equal(value) => shown(value),
                Wanted::AtMost(_) => field.text(),
            };
            return Err(format!("{}: expected {wanted}, got {found}", field.path));
        }
    }
    Ok(())
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
