//! One walk: people who say all kinds of things to one app, and what must hold after each.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;
use sha2::{Digest, Sha256};
use vestibule::engine::Answer;
use vestibule::graph::{GraphSet, Kind};
use vestibule::model::{Email, Randomness, TurnRng, UserId};
use vestibule::store::users;

use super::draw::{DEVICES, Op, Place, Say, With};
use super::ledger::{Asked, Ledger, Presented};
use super::rows::{BYTES, Change, Fields, Rows, number, text};
use super::rules;
use super::words::{self, Person, Scene};
use super::world::World;
use crate::support::db::TestDb;
use crate::support::samples::{Samples, at, done};

/// How often each kind of thing was met.
pub(super) type Tally = BTreeMap<String, usize>;

/// A device, with what it holds and held.
#[derive(Debug, Default)]
pub(super) struct Device {
    pub(super) token: String,
    pub(super) session: Option<String>,
    old_tokens: Vec<String>,
    old_sessions: Vec<String>,
    conversations: Vec<String>,
    last: Option<Message>,
}

/// Tokens as they are presented: the device's and the session's.
pub(super) type Tokens = (Option<String>, Option<String>);

/// A message on its way.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) tokens: Tokens,
    pub(super) asked: Asked,
}

pub(super) struct Walk {
    pub(super) world: World,
    pub(super) people: Vec<Person>,
    pub(super) devices: Vec<Device>,
    pub(super) ledger: Ledger,
    /// The rows as they were before what is judged now.
    pub(super) before: Rows,
    pub(super) codes: BTreeSet<String>,
    /// The people's numbers, without the country's.
    pub(super) numbers: Vec<String>,
    /// The questions and calls that graphs know, with what each waits for.
    pub(super) asks: BTreeMap<(String, String), &'static str>,
    spoken: u32,
    pub(super) tally: Tally,
    pub(super) left: BTreeMap<(String, String), usize>,
    /// What happened, a line each.
    pub(super) lines: Vec<String>,
}

fn asks(graphs: &GraphSet) -> BTreeMap<(String, String), &'static str> {
    let mut asks = BTreeMap::new();
    for graph in graphs.graphs() {
        for (_, node) in graph.nodes() {
            let awaits = match &node.kind {
                Kind::Ask { slot, .. } => slot.as_str(),
                Kind::Http { .. } => words::OUTSIDE,
                _ => continue,
            };
            asks.insert((graph.name.clone(), node.name.clone()), awaits);
        }
    }
    asks
}

impl Walk {
    pub(super) async fn begin(db: &TestDb, graphs: &GraphSet, seed: u64) -> Self {
        let people = words::people();
        let numbers = people.iter().flat_map(|p| [&p.number, &p.next_number]).map(|n| n[2..].to_owned());
        let mut walk = Self {
            world: World::start(db, seed).await,
            numbers: numbers.collect(),
            people,
            devices: Vec::new(),
            ledger: Ledger::default(),
            before: Rows::default(),
            codes: BTreeSet::new(),
            asks: asks(graphs),
            spoken: 0,
            tally: Tally::new(),
            left: BTreeMap::new(),
            lines: Vec::new(),
        };
        for n in 0..2 {
            walk.account(n).await;
        }
        for _ in 0..DEVICES {
            walk.new_device().await;
        }
        walk.catch_up().await;
        walk
    }

    /// A person has an account, with an address that was verified long ago.
    async fn account(&self, n: usize) {
        let (person, keys) = (&self.people[n], self.world.app.keys());
        let mut rng = Randomness::seeded(n as u64).stream("account");
        let mut user = Samples::new().user();
        user.id = UserId::new(at(0), &mut rng);
        user.phone_key = Some(keys.lookup("phone", &person.number));
        user.phone = Some(person.number.clone());
        user.full_name = Some(person.name.to_owned());
        user.email_key = Email::parse(&person.email).map(|email| keys.lookup("email", email.key())).ok();
        user.email = Some(person.email.clone());
        user.email_verified_at = Some(at(-86_400 * 30));
        // A number that nobody has used for long may have got another owner.
        user.last_seen_at = at(if n == 1 { -86_400 * 400 } else { 0 });
        done(self.world.app.store(), vec![users::insert(&user)]).await;
    }

    pub(super) async fn new_device(&mut self) {
        let made = self.world.app.engine().new_device(None, None).await.unwrap();
        self.devices.push(Device { token: made.token.expose().to_owned(), ..Device::default() });
    }

    async fn catch_up(&mut self) -> Vec<Change> {
        let changes = self.world.changes().await;
        self.before.apply_all(&changes);
        changes
    }

    pub(super) fn rng(op: Op, which: &str) -> TurnRng {
        Randomness::seeded(op.pick).stream(which)
    }

    pub(super) fn place(&self, op: Op) -> usize {
        op.device % self.devices.len()
    }

    pub(super) fn presented(&self, tokens: &Tokens) -> Presented {
        let hash = |token: &String| {
            let digest = Sha256::new().chain_update(&token[..4]).chain_update(token).finalize();
            digest.iter().fold(BYTES.to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
        };
        let (device, session) = (tokens.0.as_ref().map(hash), tokens.1.as_ref().map(hash));
        rules::presented(&self.world.rows, (device.as_deref(), session.as_deref()), self.world.now())
    }

    /// The tokens that a device speaks with. One that learned that its session is over mostly lets it go.
    pub(super) fn tokens(&mut self, op: Op, rng: &mut TurnRng) -> Tokens {
        let n = self.place(op);
        let own = (Some(self.devices[n].token.clone()), self.devices[n].session.clone());
        let found = self.presented(&own);
        if own.1.is_some() && (found.worthless || found.repeats_only.is_some()) && rng.random_ratio(4, 5) {
            let device = &mut self.devices[n];
            device.old_sessions.extend(device.session.take());
        }
        let device = &self.devices[n];
        let (token, session) = (Some(device.token.clone()), device.session.clone());
        let any = |of: &[String], rng: &mut TurnRng| match of.len() {
            0 => None,
            len => Some(of[rng.random_range(0..len)].clone()),
        };
        match op.with {
            With::Own => (token, session),
            With::SessionAlone if session.is_some() => (None, session),
            With::DeviceAlone | With::SessionAlone => (token, None),
            With::OldDevice => (any(&device.old_tokens, rng).or(token), None),
            With::OldSession => {
                let old = any(&device.old_sessions, rng);
                if rng.random() { (token, old.or(session)) } else { (None, old.or(session)) }
            }
            With::Mixed => {
                let others = self.devices.iter().enumerate().filter(|&(other, _)| other != n);
                (token, others.filter_map(|(_, other)| other.session.clone()).next_back())
            }
        }
    }

    /// The conversation that a message falls into, as the rows have it.
    fn conversation(&self, asked: &Asked) -> Option<String> {
        let project = if asked.project.is_empty() { "default" } else { &asked.project };
        asked.conversation.clone().or_else(|| {
            let is_it = |row: &&Fields| {
                text(row, "owner") == asked.presented.owner()
                    && text(row, "project") == Some(project)
                    && number(row, "is_current") == Some(1)
            };
            self.world.rows.of("conversations").find(is_it).and_then(|row| text(row, "id")).map(str::to_owned)
        })
    }

    /// The question that a conversation waits with.
    pub(super) fn waiting(&self, conversation: &str) -> Option<(String, String)> {
        let state = text(self.world.rows.row(conversation)?, "state")?;
        let state: serde_json::Value = serde_json::from_str(state).ok()?;
        let frame = state["frames"].as_array()?.last()?.clone();
        Some((frame["graph"].as_str()?.to_owned(), frame["node"].as_str()?.to_owned()))
    }

    /// What is said, in words.
    pub(super) fn compose(&mut self, op: Op, say: Say, which: &str) -> Message {
        let mut rng = Self::rng(op, which);
        let tokens = self.tokens(op, &mut rng);
        let n = self.place(op);
        let last = self.devices[n].last.clone();
        if let (Say::Again | Say::Twisted, Some(last)) = (say, last) {
            let tokens = if rng.random() { last.tokens } else { tokens };
            let mut asked = Asked { presented: self.presented(&tokens), ..last.asked };
            if say == Say::Twisted {
                asked.text.push_str(" please");
            }
            return Message { tokens, asked };
        }
        let mut asked = Asked { presented: self.presented(&tokens), ..Asked::default() };
        let own = &self.devices[n].conversations;
        let others = self.devices.iter().enumerate().filter(|&(other, _)| other != n);
        let others: Vec<&String> = others.flat_map(|(_, device)| &device.conversations).collect();
        match op.place {
            Place::Current(other) => asked.project = if other { "shop".into() } else { String::new() },
            Place::Named if !own.is_empty() => {
                asked.conversation = Some(own[rng.random_range(0..own.len())].clone());
            }
            Place::Foreign if !others.is_empty() => {
                asked.conversation = Some(others[rng.random_range(0..others.len())].clone());
            }
            Place::Unknown => asked.conversation = Some(format!("cnv_{}", "0".repeat(26))),
            Place::Named | Place::Foreign => {}
        }
        let conversation = self.conversation(&asked);
        let waits = conversation.as_ref().and_then(|id| self.waiting(id));
        let code = conversation.as_ref().and_then(|id| self.ledger.code_of(id));
        let codes: Vec<String> = self.codes.iter().cloned().collect();
        let scene = Scene {
            person: &self.people[op.person],
            people: &self.people,
            slot: waits.and_then(|ask| self.asks.get(&ask).copied()),
            code: code.map(|issued| issued.code.as_str()),
            codes: &codes,
        };
        asked.text = match say {
            Say::Answer | Say::Again | Say::Twisted => words::answer(&mut rng, &scene),
            Say::Request => words::request(&mut rng, &scene),
            Say::Control => words::control(&mut rng, &scene),
            Say::WrongCode => words::wrong_code(&mut rng, &scene),
            Say::OddNumber => words::odd_number(&mut rng, &scene),
            Say::Garbage => words::garbage(&mut rng, &scene),
        };
        self.message(tokens, asked)
    }

    /// Gives a message its name.
    pub(super) fn message(&mut self, tokens: Tokens, asked: Asked) -> Message {
        self.spoken += 1;
        Message { tokens, asked: Asked { message_id: format!("m-{}", self.spoken), ..asked } }
    }

    /// The device keeps what an answer brought.
    pub(super) fn adopt(&mut self, n: usize, message: Message, answer: Option<Answer>) {
        let device = &mut self.devices[n];
        if let Some(answer) = answer {
            let conversation = answer.conversation.to_string();
            device.conversations.retain(|known| *known != conversation);
            device.conversations.push(conversation);
            if let Some(session) = answer.session {
                let token = session.device_token.expose().to_owned();
                device.old_tokens.push(std::mem::replace(&mut device.token, token));
                let session = session.token.expose().to_owned();
                device.old_sessions.extend(device.session.replace(session));
            }
        }
        device.last = Some(message);
    }

    /// The tokens of a session were exchanged.
    pub(super) fn exchanged(&mut self, n: usize, token: String) {
        let device = &mut self.devices[n];
        device.old_sessions.extend(device.session.replace(token));
    }
}
