//! Free text, piece by piece.

use async_openai::types::stream::StreamResponse;
use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout_at;

use super::answer::{self, Read};
use super::client::{Handing, One, OpenAi, Said, cause};
use super::{Error, Spent};

/// Longest streamed text, in bytes; what comes after it is not waited for.
const LONGEST: usize = 16 * 1024;

/// A streamed answer so far.
#[derive(Default)]
struct Streamed {
    text: String,
    reason: String,
    input: u64,
    output: u64,
}

impl OpenAi {
    /// One request for a stream. Once a piece has been handed on there is no second try: it was seen.
    pub(super) async fn pieces(
        &self,
        one: &One<'_>,
        cost: &mut Spent,
        hand: &mut Handing<'_>,
    ) -> Result<Said, Error> {
        let mut streamed = Streamed::default();
        let ended = self.gather(one, &mut streamed, hand).await;
        let Streamed { text, reason, input, output } = streamed;
        let said = ended.and_then(|()| {
            // Whoever was broken off in the middle gives no reason for stopping.
            let is_cut_off = answer::is_cut_off(&reason) || (reason.is_empty() && !text.is_empty());
            if is_cut_off { Err(Error::CutOff) } else { answer::fitting(text, one.ask) }
        });
        one.count(
            cost,
            &Read { said: Ok((String::new(), None)), input, output, reason: answer::known(&reason) },
        );
        match said {
            // A server that gives no stream may still give an answer.
            Err(Error::Empty) if reason.is_empty() => {
                cost.calls = cost.calls.saturating_add(1);
                let said = self.once(one, cost).await?;
                hand.on(&said.0);
                Ok(said)
            }
            said => said,
        }
    }

    async fn gather(
        &self,
        one: &One<'_>,
        so_far: &mut Streamed,
        hand: &mut Handing<'_>,
    ) -> Result<(), Error> {
        let body = one.dialect.body(one.begun.name.0, one.ask, true);
        let chat = self.client.chat();
        let opened = timeout_at(self.until(one.begun), chat.create_stream_byot::<_, Value>(body)).await;
        let mut pieces: StreamResponse<Value> = opened.map_err(|_| Error::Late)?.map_err(cause)?;
        let deadline = one.begun.deadline;
        while let Some(piece) = timeout_at(deadline, pieces.next()).await.map_err(|_| Error::Late)? {
            let piece = piece.map_err(cause)?;
            let text = |field: &str| piece.pointer(field).and_then(Value::as_str).unwrap_or_default();
            if piece.get("error").is_some_and(|error| !error.is_null()) {
                return Err(Error::Garbage);
            }
            if !text("/choices/0/delta/refusal").is_empty() {
                return Err(Error::Refused);
            }
            // Some servers count in every piece, and the last count is the whole.
            so_far.input = so_far.input.max(answer::tokens(&piece, "/usage/prompt_tokens"));
            so_far.output = so_far.output.max(answer::tokens(&piece, "/usage/completion_tokens"));
            let reason = text("/choices/0/finish_reason");
            if !reason.is_empty() {
                reason.clone_into(&mut so_far.reason);
            }
            let said = text("/choices/0/delta/content");
            if !said.is_empty() {
                so_far.text.push_str(said);
                hand.on(said);
            }
            if so_far.text.len() > LONGEST {
                return Err(Error::CutOff);
            }
        }
        Ok(())
    }
}
