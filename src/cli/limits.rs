//! `vestibule limits`.

use jiff::SignedDuration;

use super::out;
use crate::config::Config;
use crate::limit::{Limit, Options, Rule};

const HEAD: [&str; 8] = ["limit", "counts for", "most", "window", "lock", "setting", "variables", "answer"];

/// Prints the table of limits in force, as Markdown.
pub(super) fn run(config: &Config) {
    let defaults = Options::default();
    line(&HEAD.map(str::to_owned));
    line(&HEAD.map(|_| "---".to_owned()));
    for limit in Limit::ALL {
        line(&row(&config.limit.rule(limit), defaults.rule(limit).most));
    }
}

fn line(cells: &[String]) {
    out::line(&format!("| {} |", cells.join(" | ")));
}

fn row(rule: &Rule, default: u32) -> [String; 8] {
    let most = match rule.most {
        most if most == default => most.to_string(),
        most => format!("{most} (default {default})"),
    };
    let apart = match rule.apart {
        SignedDuration::ZERO => String::new(),
        apart => format!(", {} apart", spoken(apart)),
    };
    let setting = format!("limits.{}", rule.setting);
    let variables: Vec<String> = Config::variables(&setting).iter().map(|name| format!("`{name}`")).collect();
    [
        format!("`{}`", rule.name),
        rule.key.to_owned(),
        most,
        format!("{}{apart}", spoken(rule.window)),
        if rule.lock == SignedDuration::ZERO { "–".to_owned() } else { spoken(rule.lock) },
        format!("`{setting}`"),
        variables.join(", "),
        format!("`{}`", rule.answer),
    ]
}

/// In the largest unit that says it exactly.
fn spoken(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    let units = [(86_400, "d"), (3_600, "h"), (60, "min")];
    let whole = units.into_iter().find(|(unit, _)| seconds % unit == 0 && seconds > *unit);
    whole.map_or_else(|| format!("{seconds} s"), |(unit, name)| format!("{} {name}", seconds / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_told_in_the_largest_exact_unit() {
        let told = [1, 60, 61, 600, 3_600, 5_400, 86_400, 90_000, 2_592_000]
            .map(|seconds| spoken(SignedDuration::from_secs(seconds)));
        assert_eq!(told, ["1 s", "60 s", "61 s", "10 min", "60 min", "90 min", "24 h", "25 h", "30 d"]);
    }

    #[test]
    fn a_changed_figure_is_told_with_its_default() {
        let rule = Options { max_login_attempts: 7, ..Options::default() }.rule(Limit::Failures);
        let [_, _, most, _, _, setting, variables, _] = row(&rule, 5);
        assert_eq!((most.as_str(), setting.as_str()), ("7 (default 5)", "`limits.max_login_attempts`"));
        assert_eq!(variables, "`VESTIBULE__LIMITS__MAX_LOGIN_ATTEMPTS`, `MAX_LOGIN_ATTEMPTS`");
    }
}
