//! An engine in this process.

use super::keep::Tokens;
use super::line::{Answer, Fault, Said, Sent, masked};
use crate::app::{App, Doubles};
use crate::config::Config;
use crate::dev_outbox;
use crate::engine::{Caller, Credentials, Error, Request};
use crate::model::{Profile, Secret};
use crate::store::Role;

/// Messages that are looked at: for what was said last, and for what was newly sent.
const LATEST: u32 = 10;

pub(super) struct Embedded {
    app: App,
    has_outbox: bool,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::Unauthorized => Self::Refused,
            other => Self::Other(other.into()),
        }
    }
}

impl Embedded {
    pub(super) async fn open(config: Config) -> anyhow::Result<Self> {
        let has_outbox = config.profile != Profile::Prod;
        Ok(Self { app: App::build(config, Doubles::default()).await?, has_outbox })
    }

    async fn caller(&self, tokens: &Tokens) -> Result<Caller, Error> {
        let credentials = Credentials {
            device_token: Some(tokens.device.clone()),
            bearer: tokens.session.clone(),
            ip: None,
        };
        self.app.engine().authenticate(credentials).await?.ok_or(Error::Unauthorized)
    }

    pub(super) async fn new_device(&self) -> Result<Secret, Fault> {
        Ok(self.app.engine().new_device(Some("Terminal".to_owned()), None).await?.token.secret().clone())
    }

    pub(super) async fn turn(&self, tokens: &Tokens, text: &str, id: &str) -> Result<Answer, Fault> {
        let request =
            Request { message_id: Some(id.to_owned()), text: text.to_owned(), ..Request::default() };
        let answer = self.app.engine().turn(self.caller(tokens).await?, request).await?;
        let tokens = answer.session.map(|s| Tokens { device: s.device_token, session: Some(s.token) });
        Ok(Answer::of(&serde_json::json!(answer.response), tokens))
    }

    pub(super) async fn said(&self, tokens: &Tokens) -> Result<Vec<Said>, Fault> {
        let actor = self.caller(tokens).await?.actor;
        let store = self.app.store();
        let Some(current) = store.current_conversation(&actor, "default").await.map_err(Error::from)? else {
            return Ok(Vec::new());
        };
        let latest = store.messages(&actor, &current.id, None, LATEST).await.map_err(Error::from)?;
        let said = latest.into_iter().filter(|m| m.role == Role::Assistant);
        Ok(said.map(|m| Said { id: m.id.to_string(), text: m.content }).collect())
    }

    pub(super) async fn logout(&self, tokens: &Tokens) -> Result<(), Fault> {
        Ok(self.app.engine().logout(&self.caller(tokens).await?).await?)
    }

    /// The newest messages of the development outbox, the newest first.
    pub(super) async fn messages(&self) -> anyhow::Result<Vec<Sent>> {
        if !self.has_outbox {
            return Ok(Vec::new());
        }
        let sent = dev_outbox::messages(self.app.store(), self.app.keys(), LATEST).await?;
        let shown = sent.into_iter().map(|m| Sent {
            channel: m.channel,
            to: masked(m.to.expose()),
            text: m.text.expose().to_owned(),
            at: m.at.to_string(),
        });
        Ok(shown.collect())
    }

    pub(super) async fn close(self) {
        self.app.shutdown().await;
    }
}
