//! Sending messages, and judging what came of them.

use futures::future::join_all;
use vestibule::engine::{Answer, Caller, Credentials, Error, Request};
use vestibule::model::{ConversationId, Secret};

use super::ledger::{Asked, Heard, Issued, Presented, Told};
use super::rows::{Change, number, text};
use super::rules::{self, Broken, Happened, broken};
use super::walk::{Message, Tokens, Walk};
use super::world::PATIENCE;

impl Walk {
    /// Who calls, where the engine takes the tokens.
    pub(super) async fn caller(&self, tokens: &Tokens) -> Result<Caller, Error> {
        let secret = |token: &Option<String>| token.clone().map(Secret::new);
        let (device_token, bearer) = (secret(&tokens.0), secret(&tokens.1));
        let credentials = Credentials { device_token, bearer, ip: None };
        self.world.app.engine().authenticate(credentials).await?.ok_or(Error::Unauthorized)
    }

    async fn send(&self, message: &Message) -> Result<Answer, Error> {
        let asked = &message.asked;
        let caller = self.caller(&message.tokens).await?;
        let request = Request {
            conversation: asked.conversation.as_deref().map(|id| ConversationId::parse(id).unwrap()),
            project: asked.project.clone(),
            message_id: Some(asked.message_id.clone()),
            text: asked.text.clone(),
            ..Request::default()
        };
        self.world.app.engine().turn(caller, request).await
    }

    /// Sends messages at once from one device, and judges what came of them.
    pub(super) async fn exchange(&mut self, n: usize, messages: Vec<Message>) -> Result<Vec<Heard>, Broken> {
        let now = self.world.now();
        let sent = join_all(messages.iter().map(|message| self.send(message)));
        let Ok(answers) = tokio::time::timeout(PATIENCE, sent).await else {
            return broken("no fault", "no answer came");
        };
        let changes = self.world.changes().await;
        self.take_post();
        let heard: Vec<Heard> = answers.iter().map(heard).collect();
        let asked = messages.iter().map(|message| message.asked.clone());
        let spoken: Vec<(Asked, Heard)> = asked.zip(heard.iter().cloned()).collect();
        for (asked, heard) in &spoken {
            self.note(n, asked, heard);
        }
        self.judge(now, &spoken, &changes)?;
        self.before.apply_all(&changes);
        for (message, answer) in messages.into_iter().zip(answers) {
            self.adopt(n, message, answer.ok());
        }
        Ok(heard)
    }

    fn judge(&mut self, now: i64, spoken: &[(Asked, Heard)], changes: &[Change]) -> Result<(), Broken> {
        let (before, after) = (&self.before, &self.world.rows);
        let happened = Happened { now, spoken, before, after, changes };
        rules::judge(&happened, &mut self.ledger)?;
        if let Some(faults) = self.world.faults() {
            return broken("no fault", faults);
        }
        self.keeps(changes)
    }

    /// What holds of rows whoever changed them.
    fn keeps(&self, changes: &[Change]) -> Result<(), Broken> {
        // Digits that somebody gave a device for its name, though they were a code once, are its name.
        let names: Vec<&str> = self.world.rows.of("devices").filter_map(|row| text(row, "name")).collect();
        let codes = self.codes.iter().filter(|code| !names.contains(&code.as_str())).cloned().collect();
        for change in changes {
            rules::nothing_secret_is_kept(change, (&codes, &self.numbers))?;
            if let (Some(row), "conversations") = (&change.new, change.table.as_str()) {
                rules::state_reads(row, &self.asks)?;
            }
        }
        Ok(())
    }

    /// An act beside the conversation, or the passing of time, changed rows.
    pub(super) async fn done_beside(&mut self, by: Option<Presented>) -> Result<(), Broken> {
        let changes = self.world.changes().await;
        self.take_post();
        if let Some(faults) = self.world.faults() {
            return broken("no fault", faults);
        }
        let now = self.world.now();
        if let Some(presented) = by {
            let asked = Asked { presented, ..Asked::default() };
            let spoken = [(asked, Heard::Refused("nothing was said"))];
            let (before, after) = (&self.before, &self.world.rows);
            let happened = Happened { now, spoken: &spoken, before, after, changes: &changes };
            rules::nobody_else_is_touched(&happened, &self.ledger)?;
        }
        let made = |c: &&Change| c.old.is_none() && ["sessions", "users"].contains(&c.table.as_str());
        if let Some(made) = changes.iter().find(made) {
            return broken("signed in by a code or a live session alone", format!("nobody spoke: {made:?}"));
        }
        self.keeps(&changes)?;
        self.before.apply_all(&changes);
        Ok(())
    }

    /// Reads the codes of the messages that left.
    fn take_post(&mut self) {
        for sent in self.world.post.take() {
            let rows = &self.world.rows;
            let challenge = rows.row(&sent.effect).and_then(|row| text(row, "challenge_id"));
            let Some(row) = challenge.and_then(|id| rows.row(id)) else { continue };
            let length = usize::try_from(number(row, "digits").unwrap()).unwrap();
            let mut runs = sent.text.split(|c: char| !c.is_ascii_digit());
            let code = runs.find(|run| run.len() == length).unwrap().to_owned();
            let of = |column: &str| text(row, column).unwrap().to_owned();
            self.codes.insert(code.clone());
            self.ledger.issued.push(Issued {
                contact: sent.to,
                code,
                challenge: of("id"),
                conversation: of("conversation_id"),
                device: of("device_id"),
                at: number(row, "issued_at").unwrap(),
                signs_in: of("purpose") == "login",
            });
        }
    }

    /// Counts and tells what happened.
    fn note(&mut self, n: usize, asked: &Asked, heard: &Heard) {
        let (kind, answer) = match heard {
            Heard::Told(told) => {
                (format!("said {}", told.action), told.response["data"]["message"].to_string())
            }
            Heard::Refused(name) => (format!("refused {name}"), String::new()),
            Heard::Fault(what) => ("fault".to_owned(), what.clone()),
        };
        let short = |text: &str| text.chars().take(120).collect::<String>();
        let who = asked.presented.owner().unwrap_or("nobody");
        let place = asked.conversation.as_deref().unwrap_or(&asked.project);
        let Asked { message_id, text, .. } = asked;
        self.lines.push(format!(
            "device {n} ({who}) in `{place}`, {message_id}: {:?} -> {kind} {}",
            short(text),
            short(&answer)
        ));
        *self.tally.entry(kind).or_default() += 1;
        if let Heard::Told(told) = heard {
            *self.tally.entry("signed in".to_owned()).or_default() += usize::from(told.session.is_some());
            let (data, context) = (&told.response["data"], &told.response["context"]);
            *self.tally.entry("did several".to_owned()).or_default() +=
                usize::from(data["results"].is_array());
            *self.tally.entry("came back".to_owned()).or_default() +=
                usize::from(context["back_to"].is_string());
            if let Some((graph, node)) = self.waiting(&told.conversation) {
                *self.tally.entry(format!("asked {graph}.{node}")).or_default() += 1;
            }
        }
    }
}

fn heard(answer: &Result<Answer, Error>) -> Heard {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Error::Invalid { .. }) => return Heard::Refused("invalid"),
        Err(Error::Unauthorized) => return Heard::Refused("unauthorized"),
        Err(Error::NotFound) => return Heard::Refused("not found"),
        Err(Error::Conflict(_)) => return Heard::Refused("conflict"),
        Err(error) => return Heard::Fault(format!("{error:?}")),
    };
    Heard::Told(Told {
        conversation: answer.conversation.to_string(),
        action: answer.response.action.as_str().to_owned(),
        response: serde_json::to_value(&answer.response).unwrap(),
        session: answer.session.as_ref().map(|s| (s.session_id.to_string(), s.user_id.to_string())),
    })
}
