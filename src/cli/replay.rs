//! `vestibule replay`.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use super::{Failure, block_on, out};
use crate::app::sources;
use crate::scenario::{self, Coverage, Report, Scenario, Setup};
use crate::{graph, prompt};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenarios, or folders of them (`*.md`).
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A Postgres server to play on, in a schema for each play; files in a temporary folder where it is left out.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Play each scenario again for every boundary it passes, with the process killed there.
    #[arg(long)]
    crash: bool,
    /// Also write the result as XML, in the form that build servers read.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Say which edges of the graphs were passed.
    #[arg(long)]
    coverage: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if arguments.database.as_deref().is_some_and(|url| !url.starts_with("postgres")) {
        return Err(Failure::Usage("--database takes postgres://USER@HOST/DATABASE".to_owned()));
    }
    let scenarios = read(&arguments.paths)?;
    let setup = Setup::new(arguments.database.clone()).map_err(anyhow::Error::from)?;
    let reports = block_on(async {
        let mut reports = Vec::new();
        for scenario in &scenarios {
            let report = if arguments.crash {
                scenario::play_with_crashes(scenario, &setup).await
            } else {
                scenario::play(scenario, &setup).await
            };
            tell(&report);
            reports.push(report);
        }
        Ok(reports)
    })?;
    if let Some(file) = &arguments.junit {
        std::fs::write(file, scenario::junit(&reports))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if arguments.coverage {
        out::line(cover(&reports)?.to_string().trim_end());
    }
    if let Some((median, p95)) = scenario::latency(&reports) {
        out::line(&format!("a turn took {median:.1} ms in the median, {p95:.1} ms at p95"));
    }
    let failed = reports.iter().filter(|report| !report.passed()).count();
    out::line(&format!("{} passed, {failed} failed", reports.len() - failed));
    if failed > 0 { Err(Failure::Failed(anyhow!("{failed} scenarios failed"))) } else { Ok(()) }
}

fn tell(report: &Report) {
    let plays = if report.plays > 1 { format!(" ({} plays)", report.plays) } else { String::new() };
    let Some(first) = report.failures.first() else {
        return out::line(&format!("ok      {}: {}{plays}", report.file, report.title));
    };
    out::line(&format!("FAILED  {}: {}{plays}", report.file, report.title));
    out::line(&format!("        {}:{}: {}", report.file, first.line, first.what));
    for failure in report.failures.iter().skip(1) {
        out::line(&format!("        {}:{}: {}", report.file, failure.line, failure.what));
    }
}

fn cover(reports: &[Report]) -> anyhow::Result<Coverage> {
    let (_, graphs) = sources::load(&prompt::Options::default(), &graph::Options::default())?;
    let mut coverage = Coverage::of(&graphs);
    for report in reports {
        coverage.add(&report.edges);
    }
    Ok(coverage)
}

/// Reads all scenarios; whatever is wrong in any of them is told at once.
fn read(paths: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(files_in(path).map_err(|e| Failure::Usage(format!("{e:#}")))?);
    }
    let (mut scenarios, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        let name = file.display().to_string();
        match std::fs::read_to_string(&file) {
            Ok(text) => match Scenario::parse(&name, &text) {
                Ok(scenario) => scenarios.push(scenario),
                Err(found) => problems.push(found.to_string()),
            },
            Err(e) => problems.push(format!("{name}: cannot be read: {e}")),
        }
    }
    if problems.is_empty() { Ok(scenarios) } else { Err(Failure::Usage(problems.join("\n"))) }
}

fn files_in(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = std::fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let file = entry.with_context(|| format!("cannot read {}", path.display()))?.path();
        if file.extension().is_some_and(|e| e == "md") {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(anyhow!("there is no scenario (*.md) in {}", path.display()));
    }
    files.sort();
    Ok(files)
}
