//! Cases of a `goto` that are never taken, because one before them holds whenever they do.
//!
//! Each comparison counts as something that may be so or not, whatever the others are. A case that no choice of these reaches
//! is never taken; that one is reached here does not mean that it can be: of `a == '1'` and `a == '2'` only one is ever so.

use minijinja::machinery::ast::{BinOpKind, CompareOpKind, Expr, UnaryOpKind};
use minijinja::machinery::parse_expr;

/// Most comparisons of a node that are looked at together.
const MOST: usize = 12;

/// A condition over comparisons, which are named by their numbers.
enum Holds {
    Always(bool),
    If(usize),
    Not(Box<Holds>),
    Both(Box<Holds>, Box<Holds>),
    Either(Box<Holds>, Box<Holds>),
}

impl Holds {
    fn read(expr: &Expr<'_>, known: &mut Vec<String>) -> Self {
        let both = |one, other| (Box::new(one), Box::new(other));
        if let Some(value) = expr.as_const() {
            return Self::Always(value.is_true());
        }
        match expr {
            Expr::UnaryOp(of) if matches!(of.op, UnaryOpKind::Not) => {
                Self::Not(Box::new(Self::read(&of.expr, known)))
            }
            Expr::BinOp(of) if matches!(of.op, BinOpKind::ScAnd) => {
                let (one, other) = both(Self::read(&of.left, known), Self::read(&of.right, known));
                Self::Both(one, other)
            }
            Expr::BinOp(of) if matches!(of.op, BinOpKind::ScOr) => {
                let (one, other) = both(Self::read(&of.left, known), Self::read(&of.right, known));
                Self::Either(one, other)
            }
            Expr::BinOp(of) if matches!(of.op, BinOpKind::Ne) => {
                Self::Not(Box::new(Self::named(&equal(&of.left, &of.right), known)))
            }
            Expr::BinOp(of) if matches!(of.op, BinOpKind::Eq) => {
                Self::named(&equal(&of.left, &of.right), known)
            }
            Expr::Compare(of) => match of.ops.as_slice() {
                [only] if matches!(only.op, CompareOpKind::Eq) => {
                    Self::named(&equal(&of.expr, &only.expr), known)
                }
                [only] if matches!(only.op, CompareOpKind::Ne) => {
                    Self::Not(Box::new(Self::named(&equal(&of.expr, &only.expr), known)))
                }
                _ => Self::named(&written(expr), known),
            },
            _ => Self::named(&written(expr), known),
        }
    }

    fn named(name: &str, known: &mut Vec<String>) -> Self {
        let at = known.iter().position(|other| other == name).unwrap_or_else(|| {
            known.push(name.to_owned());
            known.len() - 1
        });
        Self::If(at)
    }

    fn under(&self, choice: usize) -> bool {
        match self {
            Self::Always(holds) => *holds,
            Self::If(at) => choice >> at & 1 == 1,
            Self::Not(of) => !of.under(choice),
            Self::Both(one, other) => one.under(choice) && other.under(choice),
            Self::Either(one, other) => one.under(choice) || other.under(choice),
        }
    }
}

/// `a == b`, which is `b == a`.
fn equal(left: &Expr<'_>, right: &Expr<'_>) -> String {
    let mut sides = [written(left), written(right)];
    sides.sort();
    sides.join("==")
}

/// An expression, however it is spaced and quoted. What is not compared by its parts is like no other.
fn written(expr: &Expr<'_>) -> String {
    let all = |exprs: &[Expr<'_>]| exprs.iter().map(written).collect::<Vec<_>>().join(",");
    if let Some(value) = expr.as_const() {
        return format!("{value:?}");
    }
    match expr {
        Expr::Var(of) => of.id.to_owned(),
        Expr::UnaryOp(of) => format!("{:?}({})", of.op, written(&of.expr)),
        Expr::BinOp(of) => format!("({}){:?}({})", written(&of.left), of.op, written(&of.right)),
        Expr::Compare(of) => {
            let next = of.ops.iter().map(|next| format!("{:?}({})", next.op, written(&next.expr)));
            format!("({}){}", written(&of.expr), next.collect::<String>())
        }
        Expr::Test(of) if of.args.is_empty() => format!("({})is {}", written(&of.expr), of.name),
        Expr::List(of) => format!("[{}]", all(&of.items)),
        other => format!("{:p}", std::ptr::from_ref(other)),
    }
}

/// The cases that are never taken, counted from 0; the number of the guards stands for the case without one.
pub(super) fn shadowed(guards: &[&str]) -> Vec<usize> {
    let mut known = Vec::new();
    let mut read = Vec::new();
    for text in guards {
        // What cannot be read is told elsewhere, and hides nothing.
        read.push(parse_expr(text).map_or(Holds::Always(false), |expr| Holds::read(&expr, &mut known)));
    }
    if known.len() > MOST {
        return Vec::new();
    }
    let choices = 0..1_usize << known.len();
    let is_reached = |at: usize| {
        let holds = |choice: &usize| {
            let before = read.iter().take(at).any(|guard| guard.under(*choice));
            !before && read.get(at).is_none_or(|guard| guard.under(*choice))
        };
        choices.clone().any(|choice| holds(&choice))
    };
    (0..=guards.len()).filter(|at| !is_reached(*at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_before_is_never_taken() {
        for (guards, never) in [
            (vec!["a == '1'", "a == '2'"], vec![]),
            (vec!["a == '1'", "'1' == a and b"], vec![1]),
            (vec!["a or b", "b"], vec![1]),
            (vec!["a and b", "b", "a"], vec![]),
            (vec!["a", "not a"], vec![2]),
            (vec!["a == b", "a != b"], vec![2]),
            (vec!["true", "a"], vec![1, 2]),
            (vec!["a and not a", "b"], vec![0]),
            (vec!["a in  ['x']", "a in [\"x\"]", "b"], vec![1]),
            (vec!["a < b", "a  <  b", "b"], vec![1]),
            (vec!["a < b", "a < c", "a < b < c"], vec![]),
            (vec!["a in b", "a in c", "a ~ b == c", "a ~ c == c"], vec![]),
            (vec!["a is defined", "a is none", "b is defined"], vec![]),
            (vec!["a", "b", "a and c or b and c"], vec![2]),
        ] {
            assert_eq!(shadowed(&guards), never, "{guards:?}");
        }
    }
}
