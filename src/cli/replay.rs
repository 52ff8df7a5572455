//! `vestibule replay`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use clap::Args;
use futures::{StreamExt, stream};

use super::{Failure, block_on, out};
use crate::app;
use crate::clock::SystemClock;
use crate::fetch::Fetch;
use crate::model::{Clock, Randomness};
use crate::scenario::{self, Coverage, Matrix, Report, Scenario, Setup, Used, recordings};

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command are independent of each other")]
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
    /// Print which scenario shows which repair of a conversation, for each agent and language.
    #[arg(long)]
    matrix: bool,
    /// Ask the configured language model, and keep what it says beside each scenario.
    #[arg(long, conflicts_with = "crash")]
    record: bool,
    /// Say which messages would go elsewhere under the configuration of that file.
    #[arg(long, value_name = "CONFIG")]
    shadow: Option<PathBuf>,
}

impl Arguments {
    /// Whether the configuration plays a part.
    pub(super) fn is_configured(&self) -> bool {
        self.record
    }
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>) -> Result<(), Failure> {
    if arguments.database.as_deref().is_some_and(|url| !url.starts_with("postgres")) {
        return Err(Failure::Usage("--database takes postgres://USER@HOST/DATABASE".to_owned()));
    }
    let scenarios = read(&arguments.paths)?;
    let setup = setup(arguments, config)?;
    let reports = block_on(async {
        let plays = stream::iter(&scenarios).map(async |scenario| {
            if arguments.crash {
                scenario::play_with_crashes(scenario, &setup).await
            } else {
                scenario::play(scenario, &setup).await
            }
        });
        let mut plays = std::pin::pin!(plays.buffered(side_by_side(arguments)));
        let mut reports = Vec::new();
        while let Some(report) = plays.next().await {
            tell(&report);
            reports.push(report);
        }
        Ok(reports)
    })?;
    if let Some(file) = &arguments.junit {
        std::fs::write(file, scenario::junit(&reports))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if arguments.record {
        keep(&reports)?;
    }
    if arguments.coverage {
        out::line(cover(&scenarios, &reports)?.to_string().trim_end());
    }
    if arguments.matrix {
        out::line(tabled(&scenarios, &reports)?.to_string().trim_end());
    }
    if let Some((median, p95)) = scenario::latency(&reports) {
        out::line(&format!("a turn took {median:.1} ms in the median, {p95:.1} ms at p95"));
    }
    if let Some(ran) = ran(&reports) {
        out::line(&ran);
    }
    if let Some(used) = used(&reports) {
        out::line(&used);
    }
    let failed = reports.iter().filter(|report| !report.passed()).count();
    out::line(&format!("{} passed, {failed} failed", reports.len() - failed));
    match failed {
        0 => Ok(()),
        1 => Err(Failure::Failed(anyhow!("a scenario failed"))),
        _ => Err(Failure::Failed(anyhow!("{failed} scenarios failed"))),
    }
}

/// How many scenarios are played at once. With crashes there are many plays, each with a process of its own; without, one
/// at a time, or a turn's time would be that of its neighbours too.
fn side_by_side(arguments: &Arguments) -> usize {
    if arguments.crash { std::thread::available_parallelism().map_or(1, usize::from) } else { 1 }
}

fn setup(arguments: &Arguments, config: Option<&Path>) -> Result<Setup, Failure> {
    let mut setup = Setup::new(arguments.database.clone()).map_err(anyhow::Error::from)?;
    if arguments.record {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let config = super::config(config)?;
        let fetch = Fetch::new(&config.fetch).map_err(anyhow::Error::from)?;
        let model = app::model(&config, &fetch, &clock, &Randomness::system())?;
        let what = "--record asks a language model, and llm.models names none";
        setup = setup.recording(model.ok_or_else(|| Failure::Usage(what.to_owned()))?);
    }
    if let Some(file) = &arguments.shadow {
        setup = setup.shadowed_by(app::classifier(&super::config(Some(file))?)?);
    }
    Ok(setup)
}

/// Writes what was recorded; a scenario in which no model was asked keeps no file, and one that failed what it had.
fn keep(reports: &[Report]) -> anyhow::Result<()> {
    for report in reports.iter().filter(|report| report.passed()) {
        let file = Scenario::recordings_of(Path::new(&report.file));
        let cannot = || format!("cannot write {}", file.display());
        if !report.exchanges.is_empty() {
            std::fs::write(&file, recordings::write(&report.exchanges)?).with_context(cannot)?;
            out::line(&format!("recorded {} in {}", report.exchanges.len(), file.display()));
        } else if file.exists() {
            std::fs::remove_file(&file).with_context(cannot)?;
        }
    }
    Ok(())
}

/// What turns asked of the database and of the graphs, where there were any.
fn ran(reports: &[Report]) -> Option<String> {
    let of = |figure: fn(&Used) -> u64| {
        let mut all: Vec<u64> = reports.iter().flat_map(|report| &report.used).map(figure).collect();
        all.sort_unstable();
        Some((*all.get(all.len() / 2)?, *all.last()?))
    };
    let ((statements, most_statements), (steps, most_steps)) = (of(|u| u.statements)?, of(|u| u.steps)?);
    Some(format!(
        "a turn ran {statements} statements in the median, {most_statements} at most, \
         and passed {steps} edges, {most_steps} at most"
    ))
}

/// What language models used, where any was asked.
fn used(reports: &[Report]) -> Option<String> {
    let spent = || reports.iter().flat_map(|report| &report.spent);
    let calls: u32 = spent().map(|s| s.calls).sum();
    let (input, output): (u64, u64) = (spent().map(|s| s.input).sum(), spent().map(|s| s.output).sum());
    (calls > 0).then(|| format!("language models: {calls} calls, {input} tokens in, {output} out"))
}

fn tell(report: &Report) {
    told(report);
    for (line, what) in &report.elsewhere {
        out::line(&format!(
            "        {}:{line}: went to {}, would go to {}",
            report.file, what.went, what.would
        ));
    }
}

fn told(report: &Report) {
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

fn cover(scenarios: &[Scenario], reports: &[Report]) -> anyhow::Result<Coverage> {
    let mut coverage = Coverage::of_scenarios(scenarios)?;
    for report in reports {
        coverage.add(&report.edges);
    }
    Ok(coverage)
}

fn tabled(scenarios: &[Scenario], reports: &[Report]) -> anyhow::Result<Matrix> {
    let mut matrix = Matrix::of_scenarios(scenarios)?;
    for report in reports {
        matrix.add(report.name(), &report.cells);
    }
    Ok(matrix)
}

/// Reads all scenarios; whatever is wrong in any of them is told at once.
fn read(paths: &[PathBuf]) -> Result<Vec<Scenario>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(files_in(path).map_err(|e| Failure::Usage(format!("{e:#}")))?);
    }
    let (mut scenarios, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match Scenario::read(&file) {
            Ok(scenario) => scenarios.push(scenario),
            Err(found) => problems.push(found),
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
