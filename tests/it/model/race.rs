//! Several things at once.
//!
//! Each try has two halves, its charge and its answer, and everything else is one step. What was answered and what is in
//! the rows must be what some order of these gives.

use std::cell::RefCell;

use futures::future::join_all;
use vestibule::engine::{Answer, Error};
use vestibule::limit::Options;

use super::case::Case;
use super::history::{self, Op, What};
use super::reference::{Charge, Reference, TALKS};
use super::rows::{self, Row};
use super::rules::{Said, Second};
use super::world::{World, said};
use super::{play, told, wait};
use crate::support::db::TestDb;

pub(super) async fn races(db: TestDb, limits: Options, cases: u32) {
    let world = RefCell::new((World::new(db, limits, 2).await, 0_usize));
    play((cases, history::race(10)), |(before, at_once): (Vec<Op>, Vec<Op>)| {
        let (world, number) = &mut *world.borrow_mut();
        *number += 1;
        wait(async {
            let mut case = Case::begin(world, *number).await;
            for &op in &before {
                if let Err(why) = case.step(op).await {
                    return Err(told(&case, &before, &why));
                }
            }
            if let Err(why) = race(&mut case, &at_once).await {
                return Err(told(&case, &before, &why));
            }
            let words = case.words.join("\n");
            case.end().await.map_err(|why| format!("{why}\n{words}"))?;
            Ok(before.len() + at_once.len())
        })
    });
    world.into_inner().0.end().await;
}

/// What one of them said, and heard.
#[derive(Debug, Clone)]
struct Heard {
    op: Op,
    slot: usize,
    digits: String,
    said: Said,
    /// The code that was sent: its row and its digits.
    sent: Option<(Row, String)>,
}

/// A half that is still to come.
#[derive(Debug, Clone)]
enum Half {
    Begin(usize),
    Settle(usize, Charge),
}

async fn race(case: &mut Case<'_>, ops: &[Op]) -> Result<(), String> {
    let ops = together(case, ops);
    let mut speeches = Vec::new();
    for &(op, slot) in &ops {
        let text = match op {
            Op::Ask { phone, .. } => case.ask_text(phone),
            Op::Guess { what, .. } => case.digits(slot, what),
            _ => "resend".to_owned(),
        };
        speeches.push(case.speech(slot, text));
    }
    let spoken = &*case;
    let answers =
        join_all(speeches.iter().cloned().enumerate().map(|(node, speech)| spoken.say(node, speech))).await;
    let rows = rows::codes(case).await;
    let mut heard = Vec::new();
    for ((&(op, slot), answer), (_, digits, _)) in ops.iter().zip(&answers).zip(speeches) {
        let said = said(answer)?;
        case.words.push(format!("at once, {op}: \"{digits}\" -> {said:?}"));
        let sent = sent(case, (&rows, answer), &said)?;
        heard.push(Heard { op, slot, digits, said, sent });
    }
    let halves: Vec<Half> = (0..heard.len()).map(Half::Begin).collect();
    let search = Search { heard: &heard, rows: &rows, now: case.now(), before: case.model.clone() };
    let explained = search.explain(&case.model, &halves);
    case.model = explained.ok_or(format!("no order explains these answers and these rows: {rows:#?}"))?;
    for (answer, heard) in answers.into_iter().zip(&heard) {
        if let (Ok(answer), Said::Accepted) = (answer, &heard.said) {
            case.finish(heard.slot, answer).await?;
        }
    }
    Ok(())
}

/// The events that may happen together: each device talks in one place, because a sign-in ends what the same token is
/// doing elsewhere, and nobody asks for a code where somebody may be asked for a name.
fn together(case: &Case<'_>, ops: &[Op]) -> Vec<(Op, usize)> {
    let mut places = [None; history::DEVICES];
    let mut chosen = Vec::new();
    for &op in ops {
        let (Op::Ask { slot, .. } | Op::Resend { slot } | Op::Guess { slot, .. }) = op else { continue };
        let slot = *places[slot / TALKS].get_or_insert(slot);
        chosen.push((op, slot));
    }
    let is_right =
        |&&(op, _): &&(Op, usize)| matches!(op, Op::Guess { what: What::Right | What::Other(_), .. });
    let meeting: Vec<usize> = chosen.iter().filter(is_right).map(|&(_, slot)| slot).collect();
    let is_new = |slot| case.model.code(slot).is_none_or(|code| !case.model.has_account(code.phone));
    chosen.retain(|&(op, slot)| matches!(op, Op::Guess { .. }) || !(meeting.contains(&slot) && is_new(slot)));
    chosen
}

/// The code that an answer tells of.
fn sent(
    case: &Case<'_>,
    (rows, answer): (&[Row], &Result<Answer, Error>),
    said: &Said,
) -> Result<Option<(Row, String)>, String> {
    let (Ok(answer), Said::Sent) = (answer, said) else { return Ok(None) };
    let row = case.find(rows, answer)?;
    let digits =
        case.world.post.code(&row.effect, row.length()).ok_or("a code was sent without a message")?;
    Ok(Some((row.clone(), digits)))
}

struct Search<'s> {
    heard: &'s [Heard],
    rows: &'s [Row],
    now: Second,
    before: Reference,
}

impl Search<'_> {
    /// The reference after an order that explains everything.
    fn explain(&self, model: &Reference, halves: &[Half]) -> Option<Reference> {
        if halves.is_empty() {
            return rows::agree(model, self.rows).is_ok().then(|| model.clone());
        }
        (0..halves.len()).find_map(|n| {
            let mut rest = halves.to_vec();
            match rest.remove(n) {
                Half::Begin(who) => self.begin(model.clone(), who, rest),
                // The turn ran again and met another code: it was charged for the one, and is for the other.
                Half::Settle(who, charge) if !model.stands(&charge) => self.begin(model.clone(), who, rest),
                Half::Settle(who, charge) => self.settle(model, (who, charge), &rest),
            }
        })
    }

    fn begin(&self, mut model: Reference, who: usize, mut rest: Vec<Half>) -> Option<Reference> {
        let Heard { op, slot, digits, said, sent } = &self.heard[who];
        let is_over = model.turned(*slot) != self.before.turned(*slot);
        let expected = match op {
            _ if is_over => Said::Refused,
            Op::Ask { phone, .. } => model.ask(*slot, *phone, self.now),
            Op::Resend { .. } => model.resend(*slot, self.now),
            _ => match model.charge(*slot, digits, self.now) {
                Ok(charge) => {
                    rest.push(Half::Settle(who, charge));
                    return self.explain(&model, &rest);
                }
                Err(refused) => refused,
            },
        };
        if expected != *said {
            return None;
        }
        if let Some((row, digits)) = sent {
            let code = model.codes.last_mut()?;
            (code.id, code.digits) = (row.id.clone(), digits.clone());
        }
        self.explain(&model, &rest)
    }

    /// A turn that ran to its end at once knows what its own charge found; one that ran again knows what there is now.
    fn settle(&self, model: &Reference, (who, charge): (usize, Charge), rest: &[Half]) -> Option<Reference> {
        let heard = &self.heard[who];
        let (tried, lock) = model.view(&charge, self.now);
        let views = (charge.tried..=tried).flat_map(|tried| [(tried, charge.lock), (tried, lock)]);
        views.into_iter().find_map(|view| {
            let mut model = model.clone();
            let expected = model.settle(charge, view, self.now);
            (expected == heard.said).then(|| self.explain(&model, rest))?
        })
    }
}
