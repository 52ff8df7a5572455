//! What a person can do outside the chat.

use serde_json::{Map, Value, json};

use super::turn::failed;
use super::{Broken, Player, stopped};
use crate::engine::{Answer, Error};
use crate::handoff::{Said, Word};
use crate::scenario::format::Desk;
use crate::scenario::process::Stopped;
use crate::tool::migration::{DataKind, Items};

impl Player<'_> {
    /// Another telephone, signed out.
    pub(super) fn new_device(&mut self, actor: usize) -> Result<(), Broken> {
        let person = self.person(actor)?;
        person.device = None;
        person.session = None;
        person.conversation = None;
        person.last = None;
        Ok(())
    }

    pub(super) async fn logout(&mut self, actor: usize) -> Result<(), Broken> {
        let credentials = self.person(actor)?.credentials();
        if credentials.bearer.is_none() {
            return Err("this actor is not signed in".to_owned());
        }
        let process = self.world.process().map_err(|e| stopped(&e))?;
        let engine = std::sync::Arc::clone(process.app().engine());
        let done = process.run(async move {
            let caller = engine.authenticate(credentials).await?.ok_or(Error::Unauthorized)?;
            engine.logout(&caller).await
        });
        done.await.map_err(|e| stopped(&e))?.map_err(|e| failed(&e))?;
        let person = self.person(actor)?;
        person.session = None;
        person.conversation = None;
        Ok(())
    }

    /// What the actor's device gathers, or the account where somebody is signed in.
    pub(super) async fn put(
        &mut self,
        actor: usize,
        (kind, items): (DataKind, Items),
        signed_out: bool,
    ) -> Result<(), Broken> {
        self.ensure_device(actor).await?;
        let mut credentials = self.person(actor)?.credentials();
        credentials.bearer = credentials.bearer.filter(|_| !signed_out);
        let process = self.world.process().map_err(|e| stopped(&e))?;
        let engine = std::sync::Arc::clone(process.app().engine());
        let done = process.run(async move {
            let caller = engine.authenticate(credentials).await?.ok_or(Error::Unauthorized)?;
            engine.put_device_data(&caller, kind, &items).await
        });
        done.await.map_err(|e| stopped(&e))?.map_err(|e| failed(&e))
    }

    /// What it has gathered.
    pub(super) async fn gathered(&mut self, actor: usize) -> Result<Value, Broken> {
        let credentials = self.person(actor)?.credentials();
        let process = self.world.process().map_err(|e| stopped(&e))?;
        let engine = std::sync::Arc::clone(process.app().engine());
        let done = process.run(async move {
            let caller = engine.authenticate(credentials).await?.ok_or(Error::Unauthorized)?;
            let mut all = Map::new();
            for kind in DataKind::ALL {
                let items = engine.device_data(&caller, kind).await?;
                all.insert(kind.as_str().to_owned(), json!(items.as_slice()));
            }
            Ok(Value::Object(all))
        });
        done.await.map_err(|e| stopped(&e))?.map_err(|e| failed(&e))
    }

    /// What the operator's desk does. It asks again where it got no answer.
    pub(super) async fn desk(&mut self, actor: usize, does: &Desk) -> Result<(), Broken> {
        let said = match does {
            Desk::Answers(status) => {
                self.world.people.answers(*status);
                return Ok(());
            }
            Desk::Says(words) => Said::Message(words.clone()),
            Desk::Releases(words) => Said::Release(words.clone()),
        };
        let conversation = self.person(actor)?.conversation.clone();
        self.desk_said += 1;
        let id = format!("desk-{}", self.desk_said);
        let conversation = conversation.ok_or("this actor has no conversation")?;
        let word = Word { digest: id.clone(), id, conversation, handoff: None, said };
        let mut heard = self.desk_says(&word).await;
        if matches!(heard, Err(Stopped::Crashed)) {
            self.recover(actor).await?;
            heard = self.desk_says(&word).await;
        }
        heard.map_err(|e| stopped(&e))?.map_err(|e| failed(&e))?;
        self.time_passed = true;
        self.pass(actor).await
    }

    async fn desk_says(&self, word: &Word) -> Result<Result<(), Error>, Stopped> {
        let process = self.world.process()?;
        let engine = std::sync::Arc::clone(process.app().engine());
        let word = word.clone();
        process.run(async move { engine.desk_says(word).await.map(|_| ()) }).await
    }

    /// Sends the last message again, as a client does that did not get its answer.
    pub(super) async fn repeat(&mut self, actor: usize) -> Result<(), Broken> {
        let last = self.person(actor)?.last.clone().ok_or("this actor has said nothing yet")?;
        // An answer may still be corrected until its first try is over; repeats wait for that.
        self.world.moment();
        let before = self.world.provider.handed().len();
        let again = self.turn(&last.credentials, &last.request).await.map_err(|e| stopped(&e))?;
        let again = again.map_err(|e| failed(&e))?;
        self.world.settle().await?;
        if let Some(what) = difference(&last.answer, &again) {
            return Err(format!("the repeated message got another {what}"));
        }
        if self.world.provider.handed().len() != before {
            return Err("the repeated message sent something".to_owned());
        }
        Ok(())
    }
}

/// What differs between two answers.
fn difference(one: &Answer, two: &Answer) -> Option<&'static str> {
    let session = |answer: &Answer| {
        answer.session.as_ref().map(|s| {
            let tokens = (s.token.expose().to_owned(), s.device_token.expose().to_owned());
            (tokens, s.session_id.clone(), s.user_id.clone(), s.expires_at)
        })
    };
    [
        ("conversation", one.conversation != two.conversation),
        ("messageId", one.message_id != two.message_id),
        ("reply", one.reply != two.reply),
        ("response", one.response != two.response),
        ("session", session(one) != session(two)),
    ]
    .into_iter()
    .find_map(|(what, differs)| differs.then_some(what))
}
