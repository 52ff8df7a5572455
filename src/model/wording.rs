//! What a text or a guard may be made of, judged by what it is parsed to: a sample would take one branch and see no other.
//!
//! What agents bring is held to a part of the language in which nothing can fail: words, values, conditions and comparisons.
//! Every value they have is a text, but for `signed_in`, so no operator of that part meets a value that it cannot take. The
//! product's own texts may use all of the language, as far as the filters and tests that they name exist.

use std::collections::BTreeSet;

use minijinja::machinery::ast::{BinOpKind, CallArg, CompareOpKind, Expr, Stmt, UnaryOpKind};
use minijinja::machinery::{parse, parse_expr};

/// The filters there are.
const FILTERS: [&str; 3] = ["safe", "escape", "e"];
/// The tests there are.
const TESTS: [&str; 5] = ["defined", "undefined", "none", "safe", "escaped"];
/// The one value of an agent that is no text.
const YES_OR_NO: &str = "signed_in";
/// Most parts of a text and of a guard; they take fewer steps than they may whatever the values are.
const MOST: (usize, usize) = (400, 100);

/// Judges a text of the product's own: it names no filter and no test that does not exist, in no branch.
pub fn judge_text(text: &str) -> Result<(), String> {
    Judge { values: None, parts: 0 }.text(text)
}

/// Judges a text that an agent brings, over these values: whatever they are, it can be said.
pub fn judge_plain_text(text: &str, values: &BTreeSet<String>) -> Result<(), String> {
    let mut judge = Judge { values: Some(values), parts: 0 };
    judge.text(text)?;
    judge.within(MOST.0)
}

/// Judges a guard over these values: whatever they are, it holds or does not.
pub fn judge_guard(text: &str, values: &BTreeSet<String>) -> Result<(), String> {
    let mut judge = Judge { values: Some(values), parts: 0 };
    judge.expr(&parse_expr(text).map_err(|e| short(&e))?)?;
    judge.within(MOST.1)
}

/// What is wrong, without the place within a text that is a line long.
pub fn short(error: &minijinja::Error) -> String {
    let what = error.kind().to_string();
    error.detail().map_or(what.clone(), |detail| format!("{what}: {detail}"))
}

struct Judge<'v> {
    /// The values of a text that is held to the plain part of the language; `None` where all of it may be used.
    values: Option<&'v BTreeSet<String>>,
    parts: usize,
}

impl Judge<'_> {
    fn text(&mut self, text: &str) -> Result<(), String> {
        self.stmt(&parse(text, "text", minijinja::syntax::SyntaxConfig::default()).map_err(|e| short(&e))?)
    }

    fn within(&self, most: usize) -> Result<(), String> {
        if self.parts <= most {
            Ok(())
        } else {
            Err(format!("it has {} parts; at most {most} can be judged", self.parts))
        }
    }

    /// Whether all of the language may be used; else what may not.
    fn needs_all(&self, what: &str) -> Result<(), String> {
        let plain = "a text is made of words, {{ values }} and {% if %}; a condition of values, texts, `==`, `!=`, `<`, `>`, \
                     `in`, `and`, `or`, `not`; every value is a text, compared letter by letter, so a number is written '12', \
                     and which numbers fit is for the `pattern` of a question to say";
        if self.values.is_none() { Ok(()) } else { Err(format!("{what} may fail in a turn: {plain}")) }
    }

    fn stmts(&mut self, stmts: &[Stmt<'_>]) -> Result<(), String> {
        stmts.iter().try_for_each(|stmt| self.stmt(stmt))
    }

    fn stmt(&mut self, stmt: &Stmt<'_>) -> Result<(), String> {
        self.parts += 1;
        match stmt {
            Stmt::Template(of) => self.stmts(&of.children),
            Stmt::EmitRaw(_) => Ok(()),
            Stmt::EmitExpr(of) => self.expr(&of.expr),
            Stmt::IfCond(of) => {
                self.expr(&of.expr)?;
                self.stmts(&of.true_body)?;
                self.stmts(&of.false_body)
            }
            Stmt::ForLoop(of) => {
                self.needs_all("a loop")?;
                self.expr(&of.iter)?;
                of.filter_expr.iter().try_for_each(|expr| self.expr(expr))?;
                self.stmts(&of.body)?;
                self.stmts(&of.else_body)
            }
            Stmt::WithBlock(of) => {
                self.needs_all("`with`")?;
                of.assignments.iter().try_for_each(|(_, expr)| self.expr(expr))?;
                self.stmts(&of.body)
            }
            Stmt::Set(of) => {
                self.needs_all("`set`")?;
                self.expr(&of.expr)
            }
            Stmt::SetBlock(of) => {
                self.needs_all("`set`")?;
                of.filter.iter().try_for_each(|expr| self.expr(expr))?;
                self.stmts(&of.body)
            }
            Stmt::FilterBlock(of) => {
                self.needs_all("`filter`")?;
                self.expr(&of.filter)?;
                self.stmts(&of.body)
            }
            _ => Err("it uses a block that no text may".to_owned()),
        }
    }

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr<'e>>) -> Result<(), String> {
        exprs.into_iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &Expr<'_>) -> Result<(), String> {
        self.parts += 1;
        match expr {
            Expr::Const(of) if of.value.is_number() => self.needs_all("a number"),
            Expr::Const(_) => Ok(()),
            Expr::Var(var) => self.value(var.id),
            Expr::UnaryOp(of) => {
                if matches!(of.op, UnaryOpKind::Neg) {
                    self.needs_all("`-`")?;
                }
                self.expr(&of.expr)
            }
            Expr::BinOp(of) => {
                self.operator(of.op, &of.right)?;
                self.exprs([&of.left, &of.right])
            }
            Expr::Compare(of) => {
                self.expr(&of.expr)?;
                for next in &of.ops {
                    if matches!(next.op, CompareOpKind::In | CompareOpKind::NotIn) {
                        self.container(&next.expr)?;
                    }
                    self.expr(&next.expr)?;
                }
                Ok(())
            }
            Expr::IfExpr(of) => {
                self.exprs([&of.test_expr, &of.true_expr])?;
                match &of.false_expr {
                    Some(expr) => self.expr(expr),
                    None => self.needs_all("an `if` without `else`"),
                }
            }
            Expr::Filter(of) => {
                known(of.name, &FILTERS, "filter")?;
                if !of.args.is_empty() {
                    self.needs_all("a filter with arguments")?;
                }
                self.args(&of.args)?;
                self.exprs(&of.expr)
            }
            Expr::Test(of) => {
                known(of.name, &TESTS, "test")?;
                if !of.args.is_empty() {
                    self.needs_all("a test with arguments")?;
                }
                self.args(&of.args)?;
                self.expr(&of.expr)
            }
            Expr::List(of) => self.exprs(&of.items),
            other => self.deep(other),
        }
    }

    /// What reaches into values.
    fn deep(&mut self, expr: &Expr<'_>) -> Result<(), String> {
        match expr {
            Expr::GetAttr(of) => {
                self.needs_all(&format!("`.{}`", of.name))?;
                self.expr(&of.expr)
            }
            Expr::GetItem(of) => {
                self.needs_all("`[…]`")?;
                self.exprs([&of.expr, &of.subscript_expr])
            }
            Expr::Tuple(of) => {
                self.needs_all("`(…)`")?;
                self.exprs(&of.items)
            }
            Expr::Call(of) => {
                self.needs_all("a call")?;
                self.args(&of.args)?;
                self.expr(&of.expr)
            }
            Expr::Slice(of) => {
                self.needs_all("`[…]`")?;
                self.expr(&of.expr)
            }
            _ => self.needs_all("`{…}`"),
        }
    }

    fn args(&mut self, args: &[CallArg<'_>]) -> Result<(), String> {
        args.iter().try_for_each(|arg| match arg {
            CallArg::Pos(expr)
            | CallArg::Kwarg(_, expr)
            | CallArg::PosSplat(expr)
            | CallArg::KwargSplat(expr) => self.expr(expr),
        })
    }

    fn operator(&self, op: BinOpKind, right: &Expr<'_>) -> Result<(), String> {
        match op {
            BinOpKind::In => self.container(right),
            BinOpKind::Add
            | BinOpKind::Sub
            | BinOpKind::Mul
            | BinOpKind::Div
            | BinOpKind::FloorDiv
            | BinOpKind::Rem
            | BinOpKind::Pow => self.needs_all("arithmetic"),
            _ => Ok(()),
        }
    }

    /// What stands behind `in`: a text, or a list.
    fn container(&self, expr: &Expr<'_>) -> Result<(), String> {
        match expr {
            Expr::List(_) => Ok(()),
            Expr::Var(var) if var.id != YES_OR_NO => Ok(()),
            Expr::Const(of) if of.value.as_str().is_some() => Ok(()),
            _ => self.needs_all("`in` something that is neither a text nor a list"),
        }
    }

    fn value(&self, name: &str) -> Result<(), String> {
        let Some(values) = self.values.filter(|values| !values.contains(name)) else { return Ok(()) };
        let all: Vec<&str> = values.iter().map(String::as_str).collect();
        Err(format!("nothing is called `{name}`; known are: {}", all.join(", ")))
    }
}

fn known(name: &str, all: &[&str], what: &str) -> Result<(), String> {
    if all.contains(&name) {
        return Ok(());
    }
    Err(format!("there is no {what} `{name}`; there are: {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> BTreeSet<String> {
        ["status", "eta", "language", "signed_in"].map(str::to_owned).into()
    }

    #[test]
    fn what_is_plain_is_judged_well() {
        for guard in [
            "status == 'sent' and eta",
            "not signed_in or status in ['a', 'b'] or 'x' in eta",
            "status is defined and status != eta and status < 'b' < eta",
            "(status if signed_in else eta) == 'a' ~ eta",
        ] {
            assert_eq!(judge_guard(guard, &values()), Ok(()), "{guard}");
        }
        let text = "{% if status == 'a' %}{{ eta }}{% elif signed_in %}x{% else %}{{ eta|safe }}{% endif %}";
        assert_eq!(judge_plain_text(text, &values()), Ok(()));
        assert_eq!(judge_text("{% for o in options %}{{ o.label }}{{ loop.last }}{% endfor %}"), Ok(()));
    }

    #[test]
    fn every_branch_is_looked_at() {
        for (guard, why) in [
            ("status == 'x' or status|uper == 'A'", "there is no filter `uper`"),
            ("signed_in and eta is odd", "there is no test `odd`"),
            ("status or stats", "nothing is called `stats`; known are: eta, language, signed_in, status"),
            ("status or eta + 1", "arithmetic may fail in a turn"),
            ("status or eta > 12", "a number may fail in a turn"),
            ("status in [1, 2]", "a number may fail in a turn"),
            ("status or 'x' in signed_in", "`in` something that is neither a text nor a list may fail"),
            ("status or eta.day", "`.day` may fail"),
            ("status or eta[0]", "`[…]` may fail"),
            ("status or range(3)", "a call may fail"),
            ("status or -eta", "`-` may fail"),
            ("status or {'a': 1}", "`{…}` may fail"),
            ("status or", "syntax error"),
        ] {
            let told = judge_guard(guard, &values()).unwrap_err();
            assert!(told.starts_with(why), "{guard}: {told}");
        }
        for (text, why) in [
            ("{% if status %}a{% else %}{{ eta|day }}{% endif %}", "there is no filter `day`"),
            ("{% for x in eta %}{{ x }}{% endfor %}", "a loop may fail"),
            ("{% set x = eta %}{{ eta }}", "`set` may fail"),
            ("{{ 'a' if status }}", "an `if` without `else` may fail"),
        ] {
            let told = judge_plain_text(text, &values()).unwrap_err();
            assert!(told.starts_with(why), "{text}: {told}");
        }
        assert!(judge_text("{% for o in options %}{{ o|upper }}{% endfor %}").is_err());
        let long = "{% if eta %}x{% endif %}".repeat(200);
        assert!(judge_plain_text(&long, &values()).unwrap_err().contains("at most 400"));
    }

    /// What is judged well fails with no values that there can be, however long it is.
    #[test]
    fn what_is_judged_well_does_not_run_out() {
        let guard = vec!["status == 'a'"; 24].join(" or ");
        assert_eq!(judge_guard(&guard, &values()), Ok(()));
        let mut environment = minijinja::Environment::new();
        environment.set_fuel(Some(500));
        for status in ["", "a", "z"] {
            let compiled = environment.compile_expression(&guard).unwrap();
            compiled.eval(minijinja::context! { status }).unwrap();
        }
        let text = "{% if eta == 'q' or eta %}{{ eta }}{% endif %}".repeat(49);
        assert_eq!(judge_plain_text(&text, &values()), Ok(()));
        environment.set_fuel(Some(2_000));
        for eta in ["", "q", "x"] {
            environment.render_str(&text, minijinja::context! { eta }).unwrap();
        }
    }
}
