//! What came of a play, and its form for other programs.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::Scenario;
use super::matrix::Cell;
use super::recordings::Exchange;
use super::used::Used;
use crate::engine::Elsewhere;
use crate::graph::EdgeId;
use crate::llm::Spent;

/// One thing that was not as the scenario says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line.
    pub line: usize,
    /// What was expected, and what came.
    pub what: String,
}

/// What came of a scenario.
#[derive(Debug, Clone)]
pub struct Report {
    /// The file.
    pub file: String,
    /// What it shows.
    pub title: String,
    /// What was not as the scenario says; of each play the first thing.
    pub failures: Vec<Failure>,
    /// How long each turn of the clean play took.
    pub latencies: Vec<Duration>,
    /// What each turn of the clean play used.
    pub used: Vec<Used>,
    /// The edges that were passed.
    pub edges: BTreeSet<EdgeId>,
    /// The repairs of conversations that the clean play showed.
    pub cells: BTreeSet<Cell>,
    /// How often it was played: once, and once for each crash.
    pub plays: usize,
    /// What language models were asked and said, where it was recorded.
    pub exchanges: Vec<Exchange>,
    /// What language models used in the clean play.
    pub spent: Vec<Spent>,
    /// Messages that would go elsewhere under another configuration, by their lines.
    pub elsewhere: Vec<(usize, Elsewhere)>,
}

impl Report {
    pub(super) fn of(scenario: &Scenario) -> Self {
        Self {
            file: scenario.file.clone(),
            title: scenario.title.clone(),
            failures: Vec::new(),
            latencies: Vec::new(),
            used: Vec::new(),
            edges: BTreeSet::new(),
            cells: BTreeSet::new(),
            plays: 0,
            exchanges: Vec::new(),
            spent: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    /// The file's name, without where it is.
    pub fn name(&self) -> &str {
        Path::new(&self.file).file_stem().and_then(OsStr::to_str).unwrap_or(&self.file)
    }

    /// Whether all was as the scenario says.
    pub fn passed(&self) -> bool {
        self.failures.is_empty()
    }
}

/// Median and 95th percentile of the latencies, in milliseconds; `None` without turns.
pub fn latency(reports: &[Report]) -> Option<(f64, f64)> {
    let mut all: Vec<Duration> = reports.iter().flat_map(|r| &r.latencies).copied().collect();
    all.sort_unstable();
    let at = |percent: usize| {
        let rank = (all.len() * percent).div_ceil(100).max(1);
        all.get(rank - 1).map(|d| d.as_secs_f64() * 1_000.0)
    };
    Some((at(50)?, at(95)?))
}

/// The reports as `JUnit` XML.
pub fn junit(reports: &[Report]) -> String {
    let failed = reports.iter().filter(|r| !r.passed()).count();
    let total: Duration = reports.iter().flat_map(|r| &r.latencies).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuite name=\"scenarios\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" time=\"{:.3}\">",
        reports.len(),
        total.as_secs_f64()
    );
    for report in reports {
        let time: Duration = report.latencies.iter().sum();
        let _ = writeln!(
            out,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3}\">",
            escaped(&report.file),
            escaped(&report.title),
            time.as_secs_f64()
        );
        out.push_str("    <properties>\n");
        for (name, figure) in report.used.iter().copied().sum::<Used>().figures() {
            let _ = writeln!(out, "      <property name=\"{name}\" value=\"{figure}\"/>");
        }
        out.push_str("    </properties>\n");
        if let Some(first) = report.failures.first() {
            let all: Vec<String> =
                report.failures.iter().map(|f| format!("{}:{}: {}", report.file, f.line, f.what)).collect();
            let _ = writeln!(
                out,
                "    <failure message=\"{}\">{}</failure>",
                escaped(&first.what),
                escaped(&all.join("\n"))
            );
        }
        out.push_str("  </testcase>\n");
    }
    out.push_str("</testsuite>\n");
    out
}

/// Text as XML takes it: what XML has no way to write is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(failures: Vec<Failure>, latencies: &[u64]) -> Report {
        Report {
            file: "a&b.md".into(),
            title: "5 < 6 \"always\"".into(),
            failures,
            latencies: latencies.iter().copied().map(Duration::from_millis).collect(),
            used: vec![Used { statements: 7, ..Used::default() }],
            edges: BTreeSet::new(),
            cells: BTreeSet::new(),
            plays: 1,
            exchanges: Vec::new(),
            spent: Vec::new(),
            elsewhere: Vec::new(),
        }
    }

    #[test]
    fn nothing_said_in_a_scenario_breaks_the_xml() {
        let bad = Failure { line: 3, what: "expected <x>\u{1}]]>, got \"y\"".into() };
        let text = junit(&[report(vec![bad], &[2]), report(Vec::new(), &[1])]);
        assert!(text.contains("tests=\"2\" failures=\"1\""), "{text}");
        assert!(
            text.contains("classname=\"a&amp;b.md\" name=\"5 &lt; 6 &quot;always&quot;\" time=\"0.001\">")
        );
        assert!(
            text.contains(">a&amp;b.md:3: expected &lt;x&gt;]]&gt;, got &quot;y&quot;</failure>"),
            "{text}"
        );
        assert_eq!(text.matches("<property name=\"statements\" value=\"7\"/>").count(), 2, "{text}");
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        assert_eq!(latency(&[]), None);
        let hundred: Vec<u64> = (1..=100).collect();
        assert_eq!(latency(&[report(Vec::new(), &hundred)]), Some((50.0, 95.0)));
        assert_eq!(latency(&[report(Vec::new(), &[7])]), Some((7.0, 7.0)));
    }
}
