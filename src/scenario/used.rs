//! What turns use: the figures that a scenario may bound.

use std::iter::Sum;
use std::ops::{Add, Sub};

use crate::llm::Spent;

/// The names of the figures, in the order of [`Used::figures`].
pub const FIGURES: [&str; 4] = ["llm_calls", "tokens", "statements", "steps"];

/// What one turn used, or several together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// Requests to language models, as they were recorded.
    pub llm_calls: u64,
    /// Tokens of their prompts and answers.
    pub tokens: u64,
    /// SQL statements that the turn itself asked for, from the look at the credentials on; not the worker's.
    pub statements: u64,
    /// Edges of graphs that were passed.
    pub steps: u64,
}

impl Used {
    /// What language models used, and nothing else.
    pub(super) fn of_models(spent: &[Spent]) -> Self {
        let llm_calls = spent.iter().map(|spent| u64::from(spent.calls)).sum();
        let tokens = spent.iter().map(|spent| spent.input + spent.output).sum();
        Self { llm_calls, tokens, ..Self::default() }
    }

    /// Every figure with its name.
    pub fn figures(self) -> [(&'static str, u64); 4] {
        let [llm_calls, tokens, statements, steps] = FIGURES;
        [
            (llm_calls, self.llm_calls),
            (tokens, self.tokens),
            (statements, self.statements),
            (steps, self.steps),
        ]
    }
}

impl Add for Used {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            llm_calls: self.llm_calls + other.llm_calls,
            tokens: self.tokens + other.tokens,
            statements: self.statements + other.statements,
            steps: self.steps + other.steps,
        }
    }
}

impl Sub for Used {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            llm_calls: self.llm_calls - before.llm_calls,
            tokens: self.tokens - before.tokens,
            statements: self.statements - before.statements,
            steps: self.steps - before.steps,
        }
    }
}

impl Sum for Used {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}
