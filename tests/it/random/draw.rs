//! What is done in a walk, drawn ahead from its seed. What a thing means in the place where it falls is found out there, so
//! that a walk from which things were taken out is still one.

use rand::RngExt;
use rand::seq::IndexedRandom;
use vestibule::model::{Randomness, TurnRng};

/// The people, the first of whom have accounts already.
pub(super) const PEOPLE: usize = 4;
/// Devices at the beginning.
pub(super) const DEVICES: usize = 5;

/// Who is said to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum With {
    /// The tokens that the device holds.
    Own,
    DeviceAlone,
    SessionAlone,
    /// Tokens that the device held before.
    OldDevice,
    OldSession,
    /// The device's own token with somebody else's session.
    Mixed,
}

/// The conversation that is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The current one of a project.
    Current(bool),
    /// One of those that the device was in.
    Named,
    /// One of somebody else's.
    Foreign,
    /// One that never was.
    Unknown,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Say {
    /// What the conversation waits for, or a request where it waits for nothing.
    Answer,
    Request,
    Control,
    /// A code that is not the right one.
    WrongCode,
    /// A number that nobody can have, or another person's.
    OddNumber,
    Garbage,
    /// The device's last message once more.
    Again,
    /// Its name with another body.
    Twisted,
}

/// One thing that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Say(Say),
    /// Two messages at once in one conversation.
    AtOnce(Say, Say),
    Pass(i64),
    NewDevice,
    LogOut,
    Refresh,
    Gather,
    /// How the provider takes the next message.
    Provider(u8),
    /// What an outside agent answers next.
    Backend(u8),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Op {
    pub(super) device: usize,
    pub(super) person: usize,
    pub(super) with: With,
    pub(super) place: Place,
    pub(super) what: What,
    /// From which all that is left to chance is drawn.
    pub(super) pick: u64,
    /// Whether it is tried afterwards that the conversation can be left.
    pub(super) leave: bool,
}

/// So many things, one after the other.
pub(super) fn walk(seed: u64, length: usize) -> Vec<Op> {
    let mut rng = Randomness::seeded(seed).stream("walk");
    let mut seat = (0, 0);
    (0..length)
        .map(|_| {
            // People stay where they are for a while, or nothing would come to its end.
            if rng.random_ratio(1, 9) {
                let device = rng.random_range(0..DEVICES + 2);
                let own = device % PEOPLE;
                seat = (device, if rng.random_ratio(1, 6) { rng.random_range(0..PEOPLE) } else { own });
            }
            let what = what(&mut rng);
            let plain = !matches!(what, What::Say(_) | What::AtOnce(..)) || rng.random_ratio(12, 13);
            let with = if plain { With::Own } else { one(&mut rng, &WITH) };
            let place = match rng.random_range(0..40) {
                0..=1 => Place::Foreign,
                2 => Place::Unknown,
                3..=5 => Place::Named,
                6..=8 => Place::Current(true),
                _ => Place::Current(false),
            };
            Op {
                device: seat.0,
                person: seat.1,
                with,
                place,
                what,
                pick: rng.random(),
                leave: rng.random_ratio(1, 60),
            }
        })
        .collect()
}

const WITH: [With; 5] =
    [With::DeviceAlone, With::SessionAlone, With::OldDevice, With::OldSession, With::Mixed];

pub(super) fn one<T: Copy>(rng: &mut TurnRng, of: &[T]) -> T {
    *of.choose(rng).unwrap()
}

fn what(rng: &mut TurnRng) -> What {
    match rng.random_range(0..200) {
        0..=7 => What::AtOnce(say(rng), if rng.random_ratio(1, 3) { Say::Again } else { say(rng) }),
        8..=25 => What::Pass(pass(rng)),
        26..=27 => What::NewDevice,
        28..=29 => What::LogOut,
        30..=31 => What::Refresh,
        32..=34 => What::Gather,
        35..=37 => What::Provider(rng.random_range(0..3)),
        38..=41 => What::Backend(rng.random_range(0..9)),
        _ => What::Say(say(rng)),
    }
}

fn say(rng: &mut TurnRng) -> Say {
    match rng.random_range(0..100) {
        0..=51 => Say::Answer,
        52..=65 => Say::Request,
        66..=75 => Say::Control,
        76..=84 => Say::WrongCode,
        85..=87 => Say::OddNumber,
        88..=93 => Say::Garbage,
        94..=97 => Say::Again,
        _ => Say::Twisted,
    }
}

fn pass(rng: &mut TurnRng) -> i64 {
    const MINUTE: i64 = 60;
    const DAY: i64 = 24 * 60 * MINUTE;
    match rng.random_range(0..40) {
        0 => 31 * DAY,
        1 => rng.random_range(DAY..31 * DAY),
        2 => DAY + 1,
        3..=5 => rng.random_range(30 * MINUTE..3 * 60 * MINUTE),
        6..=8 => one(rng, &[10 * MINUTE - 1, 10 * MINUTE, 10 * MINUTE + 1]),
        9..=13 => rng.random_range(1..60),
        _ => 61,
    }
}
