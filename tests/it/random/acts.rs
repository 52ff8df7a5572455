//! The things of a walk, one by one, and the ways out of every state.

use jiff::SignedDuration;
use serde_json::json;
use vestibule::engine::Error;
use vestibule::sms::Verdict;
use vestibule::tool::migration::{DataKind, Items};

use super::draw::{Op, Say, What};
use super::ledger::{Asked, Heard, Told};
use super::rows::text;
use super::rules::{Broken, MOST_SET_ASIDE, broken};
use super::walk::{Tokens, Walk};

const LEAVES: [&str; 5] = ["cancel", "never mind", "cancelar", "start over", "empezar de nuevo"];
/// How often it is tried in one walk that the same question can be left; the walk is to come further as well.
const TRIES: usize = 2;

impl Walk {
    /// Does one thing, and judges what came of it.
    pub(super) async fn act(&mut self, op: Op) -> Result<(), Broken> {
        match op.what {
            What::Say(say) => self.say(op, say).await,
            What::AtOnce(one, other) => {
                let first = self.compose(op, one, "first");
                let second = match other {
                    // The same message twice, as a client does that does not wait.
                    Say::Again => first.clone(),
                    other => self.compose(op, other, "second"),
                };
                self.exchange(self.place(op), vec![first, second]).await.map(|_| ())
            }
            What::Pass(seconds) => {
                self.lines.push(format!("{seconds} s pass"));
                self.world.pass(seconds).await;
                self.done_beside(None).await
            }
            What::NewDevice if self.devices.len() < 12 => {
                self.new_device().await;
                self.done_beside(None).await
            }
            What::NewDevice => Ok(()),
            What::Provider(kind) => {
                let code = "30003".to_owned();
                self.lines.push(format!("the provider says {kind} next"));
                self.world.post.says(match kind {
                    0 => Verdict::Refused { code },
                    1 => Verdict::Later { code, after: Some(SignedDuration::from_secs(5)) },
                    _ => Verdict::Unknown { code },
                });
                Ok(())
            }
            What::Backend(kind) => {
                self.lines.push(format!("an outside agent answers {kind} next"));
                self.world.backend.answers(kind);
                Ok(())
            }
            What::LogOut | What::Refresh | What::Gather => self.beside(op).await,
        }
    }

    async fn say(&mut self, op: Op, say: Say) -> Result<(), Broken> {
        let message = self.compose(op, say, "first");
        let n = self.place(op);
        let heard = self.exchange(n, vec![message]).await?;
        let Some(Heard::Told(told)) = heard.first() else { return Ok(()) };
        let Some(ask) = self.waiting(&told.conversation) else { return Ok(()) };
        let tried = self.left.entry(ask).or_default();
        // A question that was never left yet is likelier to be.
        if !op.leave && (*tried > 0 || !op.pick.is_multiple_of(4)) {
            return Ok(());
        }
        *tried += 1;
        if *tried > TRIES {
            return Ok(());
        }
        let way = usize::try_from(op.pick % 5).unwrap();
        self.leave(n, &told.conversation.clone(), LEAVES[way]).await
    }

    /// The conversation is left, and goes on with something else.
    pub(super) async fn leave(&mut self, n: usize, conversation: &str, way: &str) -> Result<(), Broken> {
        const RULE: &str = "every state can be left";
        let Some(ask) = self.waiting(conversation) else { return Ok(()) };
        let over = ["start over", "empezar de nuevo"].contains(&way);
        // What was set aside is come back to, and is left in turn.
        let most = if over { 1 } else { 1 + MOST_SET_ASIDE };
        let mut last = None;
        for _ in 0..most {
            let Some(told) = self.utter(n, conversation, way).await? else { return Ok(()) };
            last = Some(told);
            if self.waiting(conversation).is_none() {
                break;
            }
        }
        let now = self.waiting(conversation);
        // What is begun again asks its first question.
        let begins = match ask.0.as_str() {
            "order_status" => ("order_status".to_owned(), "ask_number".to_owned()),
            _ => ("authenticator".to_owned(), "ask_phone".to_owned()),
        };
        let is_left = now.is_none() || (over && now == Some(begins));
        if !is_left {
            return broken(RULE, format!("{ask:?} still waits after `{way}`: {last:?}"));
        }
        *self.tally.entry(format!("left {}.{}", ask.0, ask.1)).or_default() += 1;
        for (text, actions) in
            [("help", &["help"][..]), ("I want to log in", &["phone_requested", "already_authenticated"])]
        {
            let Some(told) = self.utter(n, conversation, text).await? else { return Ok(()) };
            if !actions.contains(&told.action.as_str()) {
                return broken(RULE, format!("`{text}` after {ask:?}: {told:?}"));
            }
        }
        Ok(())
    }

    /// Says something in a conversation with the device's own tokens; nothing where they do not reach it any more.
    async fn utter(&mut self, n: usize, conversation: &str, text: &str) -> Result<Option<Told>, Broken> {
        let device = &self.devices[n];
        let tokens: Tokens = (Some(device.token.clone()), device.session.clone());
        let presented = self.presented(&tokens);
        let owner = self.owner(conversation);
        if presented.worthless || presented.repeats_only.is_some() || presented.owner() != owner.as_deref() {
            return Ok(None);
        }
        let conversation = Some(conversation.to_owned());
        let asked = Asked { presented, conversation, text: text.to_owned(), ..Asked::default() };
        let message = self.message(tokens, asked);
        let heard = self.exchange(n, vec![message]).await?;
        match heard.into_iter().next() {
            Some(Heard::Told(told)) => Ok(Some(told)),
            other => broken("every state can be left", format!("no answer to `{text}`: {other:?}")),
        }
    }

    fn owner(&self, conversation: &str) -> Option<String> {
        self.world.rows.row(conversation).and_then(|row| text(row, "owner")).map(str::to_owned)
    }

    /// An act of the account's or the device's owner outside of the conversation.
    async fn beside(&mut self, op: Op) -> Result<(), Broken> {
        let mut rng = Self::rng(op, "beside");
        let n = self.place(op);
        let tokens = self.tokens(op, &mut rng);
        let presented = self.presented(&tokens);
        if presented.worthless || presented.repeats_only.is_some() {
            return Ok(());
        }
        self.lines.push(format!("device {n}: {:?}", op.what));
        if let Err(error) = self.apart(op, (n, &tokens)).await {
            return broken("answers and refusals are due", format!("{:?}: {error:?}", op.what));
        }
        self.done_beside(Some(presented)).await
    }

    async fn apart(&mut self, op: Op, (n, tokens): (usize, &Tokens)) -> Result<(), Error> {
        let caller = self.caller(tokens).await?;
        let engine = self.world.app.engine();
        match op.what {
            What::Gather => {
                let items = json!([{ "id": format!("item-{}", op.pick % 7), "quantity": 1 + op.pick % 3 }]);
                let items = Items::parse(DataKind::Cart, Some(&items)).unwrap();
                engine.put_device_data(&caller, DataKind::Cart, &items).await
            }
            _ if caller.session_token.is_none() => Ok(()),
            What::LogOut => engine.logout(&caller).await,
            _ => {
                let token = engine.refresh(&caller, true).await?.token.expose().to_owned();
                self.exchanged(n, token);
                Ok(())
            }
        }
    }

    /// Whatever the walk left open can be left too.
    pub(super) async fn leave_all(&mut self) -> Result<(), Broken> {
        let open = |walk: &Self| -> Vec<String> {
            let ids = walk.world.rows.of("conversations").filter_map(|row| text(row, "id"));
            let mut open: Vec<String> =
                ids.filter(|id| walk.waiting(id).is_some()).map(str::to_owned).collect();
            open.sort();
            open
        };
        for conversation in open(self) {
            for n in 0..self.devices.len() {
                let device = &self.devices[n];
                let tokens = (Some(device.token.clone()), device.session.clone());
                if self.presented(&tokens).owner() == self.owner(&conversation).as_deref() {
                    self.leave(n, &conversation, "cancel").await?;
                }
            }
        }
        Ok(())
    }
}
