//! One history on the real engine and on the reference, side by side.

use vestibule::engine::{Answer, Error};
use vestibule::model::{DeviceId, Secret, UserId};
use vestibule::store::users;

use super::history::{DEVICES, Op, PHONES, SLOTS, What};
use super::reference::{Reference, TALKS};
use super::rows::{self, Row};
use super::rules::{DAY, Rules, Said, Second};
use super::world::{Speech, World, said};
use crate::support::samples::{Samples, done};

/// A device, with the token it holds.
pub(super) struct Device {
    pub(super) id: DeviceId,
    pub(super) token: Secret,
}

/// What can be told only while it happens.
pub(super) struct Case<'w> {
    pub(super) world: &'w mut World,
    pub(super) phones: Vec<String>,
    pub(super) devices: Vec<Device>,
    /// The account of each number that has one.
    users: Vec<Option<UserId>>,
    pub(super) model: Reference,
    name: String,
    earliest: Second,
    spoken: u32,
    /// One line for each thing that happened.
    pub(super) words: Vec<String>,
}

impl<'w> Case<'w> {
    /// New devices and numbers, the first of which has an account.
    pub(super) async fn begin(world: &'w mut World, number: usize) -> Self {
        let line = |n: usize| format!("+1415{}{:04}", 220 + n / 10_000, n % 10_000);
        let phones: Vec<String> = (0..PHONES).map(|n| line(number * PHONES + n)).collect();
        let mut devices = Vec::new();
        for _ in 0..DEVICES {
            let made = world.app(0).engine().new_device(None, None).await.unwrap();
            devices.push(Device { id: made.id, token: made.token.secret().clone() });
        }
        let mut account = Samples::new().user();
        let mut rng = vestibule::model::Randomness::seeded(number as u64).stream("account");
        account.id = UserId::new(world.app(0).engine().now(), &mut rng);
        account.phone_key = Some(world.app(0).keys().lookup("phone", &phones[0]));
        (account.phone, account.email_key) = (Some(phones[0].clone()), None);
        done(world.app(0).store(), vec![users::insert(&account)]).await;
        let model = Reference::new(Rules::of(&world.limits), SLOTS, vec![0]);
        let users = (0..PHONES).map(|n| (n == 0).then(|| account.id.clone())).collect();
        let name = format!("case-{number}");
        let earliest = world.clock.second();
        Self { world, phones, devices, users, model, name, earliest, spoken: 0, words: Vec::new() }
    }

    pub(super) fn now(&self) -> Second {
        self.world.clock.second()
    }

    /// The digits that are meant, as far as there are such.
    pub(super) fn digits(&self, slot: usize, what: What) -> String {
        let Some(code) = self.model.code(slot) else { return "135790".to_owned() };
        match what {
            What::Right => code.digits.clone(),
            What::Length(digits) if usize::from(digits) != code.length => {
                "9753186421".chars().take(digits.into()).collect()
            }
            What::Other(pick) => {
                let codes = &self.model.codes;
                codes[codes.len() - 1 - usize::from(pick) % codes.len()].digits.clone()
            }
            What::Wrong | What::Length(_) => {
                let last = if code.digits.ends_with('3') { '4' } else { '3' };
                let mut digits = code.digits.clone();
                digits.pop();
                digits.push(last);
                digits
            }
        }
    }

    /// A message that nobody said before.
    pub(super) fn speech(&mut self, slot: usize, text: String) -> (String, String, usize) {
        self.spoken += 1;
        (format!("{}-{}", self.name, self.spoken), text, slot)
    }

    pub(super) async fn say(
        &self,
        node: usize,
        (id, text, slot): (String, String, usize),
    ) -> Result<Answer, Error> {
        let token = &self.devices[slot / TALKS].token;
        self.world.say(node, Speech { token, talk: slot % TALKS, id, text }).await
    }

    pub(super) fn ask_text(&self, phone: usize) -> String {
        format!("log in with {}", self.phones[phone])
    }

    /// Lets one thing happen, and compares.
    pub(super) async fn step(&mut self, op: Op) -> Result<(), String> {
        self.words.push(op.to_string());
        let now = self.now();
        match op {
            // Only within the first day: what has left a window by then is forgotten, and a clock set back does not bring
            // it to mind again, which no decision asks for.
            Op::Pass(seconds) if seconds < 0 && now - self.earliest >= DAY => return Ok(()),
            Op::Pass(seconds) => {
                self.world.clock.step(seconds);
                self.earliest = self.earliest.min(self.now());
                return Ok(());
            }
            Op::Restart => {
                self.world.restart().await;
                return Ok(());
            }
            Op::Ask { slot, phone } => {
                let speech = self.speech(slot, self.ask_text(phone));
                let expected = self.model.ask(slot, phone, now);
                self.exchange(speech, expected).await?;
            }
            Op::Resend { slot } => {
                let speech = self.speech(slot, "resend".to_owned());
                let expected = self.model.resend(slot, now);
                self.exchange(speech, expected).await?;
            }
            Op::Guess { slot, what } => {
                let digits = self.digits(slot, what);
                let expected = self.model.guess(slot, &digits, now);
                let speech = self.speech(slot, digits);
                self.exchange(speech, expected).await?;
            }
            Op::Kill { slot, what, repeat } => self.kill((slot, what), repeat).await?,
        }
        rows::agree(&self.model, &rows::codes(self).await)
    }

    /// Says something, and hears what was expected.
    async fn exchange(&mut self, speech: (String, String, usize), expected: Said) -> Result<(), String> {
        let (slot, text) = (speech.2, speech.1.clone());
        let answer = self.say(0, speech).await;
        let got = said(&answer)?;
        self.words.push(format!("    \"{text}\" -> {got:?}"));
        *self.world.tally.entry(got.kind()).or_default() += 1;
        if got != expected {
            return Err(format!("expected {expected:?}, got {got:?}: {answer:?}"));
        }
        let Ok(answer) = answer else { return Ok(()) };
        match got {
            Said::Sent => {
                let rows = rows::codes(self).await;
                let row = self.find(&rows, &answer)?.clone();
                let last = self.model.codes.len() - 1;
                self.learn(last, &row)
            }
            Said::Accepted => self.finish(slot, answer).await,
            _ => Ok(()),
        }
    }

    /// The row of the code that an answer tells of.
    pub(super) fn find<'r>(&self, rows: &'r [Row], answer: &Answer) -> Result<&'r Row, String> {
        let reference = answer.response.data.get("reference").and_then(|r| r.as_str()).unwrap_or_default();
        let is_new = |row: &&Row| {
            let known = self.model.codes.iter().any(|code| code.id == row.id);
            !known && row.conversation == answer.conversation.as_str() && row.reference == reference
        };
        rows.iter().find(is_new).ok_or_else(|| "a code was sent, and there is no row of it".to_owned())
    }

    /// The person has the message.
    fn learn(&mut self, code: usize, row: &Row) -> Result<(), String> {
        let length = self.model.codes[code].length;
        if length > 6 {
            *self.world.tally.entry("long code").or_default() += 1;
        }
        if self.model.codes[code].extra {
            *self.world.tally.entry("extra code").or_default() += 1;
        }
        let digits = self.world.post.code(&row.effect, length);
        self.model.codes[code].digits = digits.ok_or(format!("no message with {length} digits"))?;
        self.model.codes[code].id.clone_from(&row.id);
        Ok(())
    }

    /// The code was right: the name is said where one is asked for, and the new session is left again.
    pub(super) async fn finish(&mut self, slot: usize, mut answer: Answer) -> Result<(), String> {
        if answer.session.is_none() {
            let speech = self.speech(slot, "Anna Lind".to_owned());
            let named = self.say(0, speech).await;
            answer = named.map_err(|e| format!("no account: {e:?}"))?;
            self.model.named(slot, self.now());
        }
        let Some(session) = answer.session else { return Err(format!("no session: {answer:?}")) };
        self.devices[slot / TALKS].token = session.device_token;
        self.world.log_out(&session.token).await.map_err(|e| format!("no log-out: {e:?}"))?;
        let used = self.model.last_signed_in();
        let known = self.users[used].get_or_insert_with(|| session.user_id.clone());
        if *known != session.user_id {
            return Err(format!("number {used} signed in to another's account"));
        }
        Ok(())
    }

    /// The process stops after the charge, if there is one, and another takes its place.
    async fn kill(&mut self, (slot, what): (usize, What), repeat: bool) -> Result<(), String> {
        let now = self.now();
        let digits = self.digits(slot, what);
        let speech = self.speech(slot, digits.clone());
        let charge = match self.model.charge(slot, &digits, now) {
            Ok(charge) => charge,
            Err(expected) => return self.exchange(speech, expected).await,
        };
        self.world.pause.arm(true);
        let answer = tokio::select! {
            biased;
            () = self.world.pause.stopped() => None,
            answer = self.say(0, speech.clone()) => Some(answer),
        };
        if let Some(answer) = answer {
            return Err(format!("was answered without a charge: {answer:?}"));
        }
        self.world.replace().await;
        if !repeat {
            return Ok(());
        }
        let view = self.model.view(&charge, now);
        let expected = self.model.settle(charge, view, now);
        self.exchange(speech, expected).await
    }

    /// What holds at the end, whatever happened.
    pub(super) async fn end(self) -> Result<(), String> {
        rows::agree(&self.model, &rows::codes(&self).await)?;
        rows::compared(&self).await?;
        rows::counters(&self).await
    }
}
