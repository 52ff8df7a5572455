//! Histories: what people and the world may do, in words, and how they are drawn.

use std::fmt;

use proptest::prelude::*;

use super::reference::TALKS;
use super::rules::Second;

pub(super) const PHONES: usize = 3;
pub(super) const DEVICES: usize = 3;
pub(super) const SLOTS: usize = DEVICES * TALKS;

/// Which digits are said.
#[derive(Debug, Clone, Copy)]
pub(super) enum What {
    /// Those of the conversation's code.
    Right,
    /// Digits that are not.
    Wrong,
    /// Those of the code so many before the last of the history: replaced, of another conversation or device, expired,
    /// used.
    Other(u8),
    /// So many, which is no code's length.
    Length(u8),
}

/// One event. A slot is a device and one of its conversations.
#[derive(Debug, Clone, Copy)]
pub(super) enum Op {
    Ask {
        slot: usize,
        phone: usize,
    },
    Resend {
        slot: usize,
    },
    Guess {
        slot: usize,
        what: What,
    },
    /// The process dies between the charge and the comparison; the person may say the same message again.
    Kill {
        slot: usize,
        what: What,
        repeat: bool,
    },
    Pass(Second),
    Restart,
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |slot: &usize| format!("device {} talk {}", slot / TALKS, slot % TALKS);
        match self {
            Self::Ask { slot, phone } => write!(f, "{}: a code for number {phone}, please", place(slot)),
            Self::Resend { slot } => write!(f, "{}: resend", place(slot)),
            Self::Guess { slot, what } => write!(f, "{}: gives {what:?} digits", place(slot)),
            Self::Kill { slot, what, repeat } => {
                let again = if *repeat { ", then the same message again" } else { "" };
                write!(f, "{}: gives {what:?} digits; killed after the charge{again}", place(slot))
            }
            Self::Pass(seconds) => write!(f, "the clock moves by {seconds} s"),
            Self::Restart => write!(f, "the process is started anew"),
        }
    }
}

fn slot() -> impl Strategy<Value = usize> {
    // Most of it happens in few places, so that limits are met.
    prop_oneof![10 => Just(0), 4 => Just(1), 4 => Just(TALKS), 1 => 0..SLOTS]
}

fn phone() -> impl Strategy<Value = usize> {
    prop_oneof![8 => Just(0_usize), 3 => Just(1), 1 => Just(2)]
}

fn what() -> impl Strategy<Value = What> {
    prop_oneof![
        12 => Just(What::Wrong),
        4 => Just(What::Right),
        3 => (0..5_u8).prop_map(What::Other),
        4 => prop::sample::select(vec![3_u8, 4, 5, 6, 7, 8, 9]).prop_map(What::Length),
    ]
}

fn pass() -> impl Strategy<Value = Second> {
    const MINUTE: Second = 60;
    const HOUR: Second = 60 * MINUTE;
    const DAY: Second = 24 * HOUR;
    let exact = vec![10 * MINUTE - 1, 10 * MINUTE, 10 * MINUTE + 1, 30 * MINUTE - 1, 30 * MINUTE, HOUR];
    prop_oneof![
        6 => prop::sample::select(vec![1, 59, 60, 61]),
        9 => Just(60),
        4 => prop::sample::select(exact),
        1 => prop::sample::select(vec![24 * HOUR - 1, DAY, DAY + 1, 31 * DAY, 181 * DAY]),
    ]
}

/// What one person says.
pub(super) fn talk() -> impl Strategy<Value = Op> {
    prop_oneof![
        7 => (slot(), phone()).prop_map(|(slot, phone)| Op::Ask { slot, phone }),
        2 => slot().prop_map(|slot| Op::Resend { slot }),
        14 => (slot(), what()).prop_map(|(slot, what)| Op::Guess { slot, what }),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        50 => talk(),
        18 => pass().prop_map(Op::Pass),
        1 => (1..=3_600_i64).prop_map(|seconds| Op::Pass(-seconds)),
        1 => (slot(), what(), any::<bool>()).prop_map(|(slot, what, repeat)| Op::Kill { slot, what, repeat }),
        1 => Just(Op::Restart),
    ]
}

/// A few things that make sense after each other; single ones come first, so that histories shrink to them.
fn chapter() -> impl Strategy<Value = Vec<Op>> {
    let asks = || (slot(), phone()).prop_map(|(slot, phone)| (slot, Op::Ask { slot, phone }));
    let guess = |slot, what| Op::Guess { slot, what };
    let expiry = prop::sample::select(vec![599, 600, 601]);
    prop_oneof![
        12 => op().prop_map(|op| vec![op]),
        1 => Just(vec![Op::Pass(30 * 60)]),
        4 => (asks(), 1..=3_usize).prop_map(move |((slot, ask), wrong)| {
            let tries = std::iter::repeat_n(guess(slot, What::Wrong), wrong);
            [ask].into_iter().chain(tries).chain([Op::Pass(60)]).collect()
        }),
        2 => asks().prop_map(move |(slot, ask)| vec![ask, guess(slot, What::Right), Op::Pass(60)]),
        1 => (asks(), expiry).prop_map(move |((slot, ask), seconds)| {
            vec![ask, Op::Pass(seconds), guess(slot, What::Right)]
        }),
        1 => (asks(), what()).prop_map(move |((slot, ask), what)| {
            let wrong = [ask, guess(slot, What::Wrong), guess(slot, What::Wrong), Op::Pass(30 * 60)];
            [wrong, wrong].concat().into_iter().chain([ask, guess(slot, what)]).collect()
        }),
        1 => (asks(), slot(), 0..3_u8).prop_map(move |((_, ask), slot, back)| {
            let Op::Ask { phone, .. } = ask else { return vec![ask] };
            vec![ask, Op::Pass(60), Op::Ask { slot, phone }, guess(slot, What::Other(back))]
        }),
        2 => (asks(), 2..=4_usize).prop_map(|((_, ask), times)| [ask, Op::Pass(60)].repeat(times)),
    ]
}

/// One thing after the other, so many chapters at most.
pub(super) fn history(longest: usize) -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(chapter(), 1..=longest).prop_map(|chapters| chapters.concat())
}

/// A history, and then several things at once.
pub(super) fn race(longest: usize) -> impl Strategy<Value = (Vec<Op>, Vec<Op>)> {
    (history(longest), prop::collection::vec(talk(), 2..=4))
}
