//! The library's door for larger pipelines: a state and a message in, a state and a structured result out (S2-1).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Caller, Credentials, Engine, Error, Request};
use crate::agent::State;
use crate::model::{AuthProgress, ConversationId, NodeResponse, Secret};

/// What a pipeline keeps between two messages. The progress is for showing; what grants is the credentials, which the
/// engine checks against its store each time, so a state that was made up grants nothing. Serialised, it holds bearer
/// tokens: keep it where you keep session cookies, and out of prompts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PipelineState {
    /// The seed's record of how far somebody has come.
    pub auth_progress: AuthProgress,
    /// The conversation.
    pub conversation_id: Option<ConversationId>,
    #[serde(with = "exposed")]
    device_token: Option<Secret>,
    #[serde(with = "exposed")]
    session_token: Option<Secret>,
}

impl PipelineState {
    /// The session's token, once somebody is signed in, for the pipeline's own calls.
    pub fn session_token(&self) -> Option<&Secret> {
        self.session_token.as_ref()
    }
}

/// Answers one message: the entry node of seed 002. A default state begins a conversation on a new device. Keep a copy of
/// the state until the new one is back: after an error the old one is still good.
///
/// ```
/// # use vestibule::{app::{App, Doubles}, config::Config, engine::{PipelineState, user_management}, model::Action};
/// # let runtime = tokio::runtime::Runtime::new()?;
/// # runtime.block_on(async {
/// # let folder = std::env::temp_dir().join(format!("vestibule-doc-{}", std::process::id()));
/// let mut config = Config::default();
/// # config.store.url = format!("sqlite:{}", folder.join("doc.db").display());
/// # config.crypto.key_file = Some(folder.join("doc.key"));
/// let app = App::build(config, Doubles::default()).await?;
///
/// let (state, answer) = user_management(app.engine(), PipelineState::default(), "I want to log in").await?;
/// assert_eq!(answer.action, Action::PhoneRequested);
///
/// let (state, answer) = user_management(app.engine(), state, "+1 415 555 2671").await?;
/// assert_eq!(answer.action, Action::OtpSent);
/// assert!(state.auth_progress.otp_sent && !state.auth_progress.user_authenticated);
/// # app.shutdown().await;
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), anyhow::Error>(())
/// # })?;
/// # Ok::<(), anyhow::Error>(())
/// ```
pub async fn user_management(
    engine: &Arc<Engine>,
    mut state: PipelineState,
    message: &str,
) -> Result<(PipelineState, NodeResponse), Error> {
    if state.device_token.is_none() && state.session_token.is_none() {
        state.device_token = Some(engine.new_device(None, None).await?.token.secret().clone());
    }
    let caller = caller(engine, &mut state).await?;
    let request = Request {
        conversation: state.conversation_id.clone(),
        text: message.to_owned(),
        ..Request::default()
    };
    let answer = engine.turn(caller, request).await?;
    state.conversation_id = Some(answer.conversation.clone());
    if let Some(session) = answer.session {
        state.device_token = Some(session.device_token);
        state.session_token = Some(session.token);
    }
    // The turn is done; a progress that cannot be read now is read with the next message.
    if let Ok(caller) = self::caller(engine, &mut state).await
        && let Ok(Some(stored)) = engine.progress(&caller, &answer.conversation).await
    {
        state.auth_progress = stored.progress;
    }
    Ok((state, answer.response))
}

/// Who the state's credentials prove. A session that has ended is dropped, and the person goes on signed out, in a new
/// conversation on the same device.
async fn caller(engine: &Engine, state: &mut PipelineState) -> Result<Caller, Error> {
    loop {
        let credentials = Credentials {
            device_token: state.device_token.clone(),
            bearer: state.session_token.clone(),
            ip: None,
        };
        match engine.authenticate(credentials).await {
            Err(Error::Unauthorized) if state.session_token.is_some() => {
                state.session_token = None;
                state.conversation_id = None;
                state.auth_progress = AuthProgress::default();
            }
            other => return other?.ok_or(Error::Unauthorized),
        }
    }
}

impl Engine {
    /// What a conversation of the caller's remembers.
    pub async fn progress(&self, caller: &Caller, id: &ConversationId) -> Result<Option<State>, Error> {
        let conversation = self.store().conversation(&caller.actor, id).await?;
        conversation.map(|c| super::checkpoint::decode(&c.state)).transpose()
    }
}

mod exposed {
    //! A token's way into and out of a pipeline's own storage, asked for by name.

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::Secret;

    #[expect(clippy::ref_option, reason = "serde calls it with a reference to the field")]
    pub(super) fn serialize<S: Serializer>(
        secret: &Option<Secret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        secret.as_ref().map(Secret::expose).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Secret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
    }
}
