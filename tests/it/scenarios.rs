//! The conversations in `fixtures/scenarios/`, and the player's own honesty.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use futures::{StreamExt, stream};
use vestibule::scenario::{Coverage, Matrix, Report, Scenario, Setup, Used, play, play_with_crashes};

use crate::support::db::{postgres, postgres_url, variable};

static ON_SQLITE: LazyLock<Setup> = LazyLock::new(|| Setup::new(None).unwrap());

/// What stands above the table.
const MATRIX: &str = "# Repairs of a conversation\n\n\
    Which scenario shows what comes of a move while an agent's question waits, as \
    `vestibule replay fixtures/scenarios fixtures/agents/*/scenarios --matrix` prints it. \
    Each cell names the first scenario and counts the others; `–` is a cell that makes no sense, for a reason below.\n\n";

fn scenario(text: &str) -> Scenario {
    Scenario::parse("test.md", text).unwrap()
}

fn kept(name: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/scenarios").join(name);
    Scenario::read(&file).unwrap()
}

/// Every scenario: those of the product, and those that stand beside the agents they show.
pub(crate) fn all_kept() -> Vec<Scenario> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let within = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let mut files = within(&root.join("fixtures/scenarios"));
    for agent in within(&root.join("fixtures/agents")) {
        files.extend(within(&agent.join("scenarios")));
    }
    files.retain(|file| file.extension().is_some_and(|ending| ending == "md"));
    files.sort();
    files.iter().map(|file| Scenario::read(file).unwrap()).collect()
}

pub(crate) fn assert_passed(report: &Report) {
    let all: Vec<String> =
        report.failures.iter().map(|f| format!("{}:{}: {}", report.file, f.line, f.what)).collect();
    assert!(report.passed(), "{}", all.join("\n"));
}

async fn all_pass(setup: &Setup) -> Vec<Report> {
    let scenarios = all_kept();
    assert!(scenarios.len() >= 22, "only {} scenarios were found", scenarios.len());
    // Side by side: most of a play's time is waiting for a disk.
    let plays = stream::iter(&scenarios).map(|scenario| play(scenario, setup));
    let reports: Vec<Report> = plays.buffered(6).collect().await;
    reports.iter().for_each(assert_passed);
    reports
}

mod every_scenario_passes {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        let reports = all_pass(&ON_SQLITE).await;
        let mut coverage = Coverage::of_scenarios(&all_kept()).unwrap();
        for report in &reports {
            coverage.add(&report.edges);
        }
        let missing: Vec<String> =
            coverage.missing().iter().map(|e| format!("{}.{}.{}", e.graph, e.from, e.outcome)).collect();
        assert_eq!(missing, Vec::<String>::new());
        every_repair_is_shown(&reports);
    }

    /// For each agent whose questions can meet it, in every language; the page that tells so is up to date.
    fn every_repair_is_shown(reports: &[Report]) {
        let mut matrix = Matrix::of_scenarios(&all_kept()).unwrap();
        let all = matrix.missing().len();
        assert!(all > 100, "only {all} cells are to be filled");
        for report in reports {
            matrix.add(report.name(), &report.cells);
        }
        let missing = matrix.missing();
        assert!(
            missing.is_empty(),
            "no scenario shows these moves: write them as `fixtures/scenarios/repair_sessions.md` and \
             `es_repair_sessions.md` are written, and run `UPDATE_MATRIX=1 cargo test --test it every_scenario`: {missing:#?}"
        );
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/matrix.md");
        let page = format!("{MATRIX}{matrix}");
        if variable("UPDATE_MATRIX").is_some() {
            std::fs::write(&file, page).unwrap();
        } else {
            let is_same = std::fs::read_to_string(&file).unwrap() == page;
            assert!(
                is_same,
                "{} is old: run `UPDATE_MATRIX=1 cargo test --test it every_scenario`",
                file.display()
            );
        }
    }

    #[tokio::test]
    async fn postgres() {
        if super::postgres(concat!(module_path!(), "::postgres")).await.is_none() {
            return;
        }
        all_pass(&Setup::new(Some(postgres_url())).unwrap()).await;
    }
}

mod killed_anywhere_they_end_the_same {
    use super::*;

    async fn killed(name: &str) {
        all_the_same(&kept(name)).await;
    }

    async fn all_the_same(scenario: &Scenario) {
        let report = play_with_crashes(scenario, &ON_SQLITE).await;
        assert_passed(&report);
        assert!(report.plays > 10, "only {} plays", report.plays);
    }

    #[tokio::test]
    async fn registration() {
        killed("registration.md").await;
    }

    #[tokio::test]
    async fn a_burnt_code() {
        killed("three_wrong.md").await;
    }

    #[tokio::test]
    async fn an_undeliverable_number() {
        killed("undeliverable.md").await;
    }

    #[tokio::test]
    async fn a_call_to_an_outside_agent() {
        let agent = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents/order_status");
        for name in ["unknown_order.md", "backend_down.md"] {
            all_the_same(&Scenario::read(&agent.join("scenarios").join(name)).unwrap()).await;
        }
    }

    #[tokio::test]
    async fn a_conversation_that_a_person_has() {
        for name in ["es_handoff.md", "handoff_silence.md", "handoff_unreachable.md"] {
            killed(name).await;
        }
    }

    #[tokio::test]
    async fn a_code_that_goes_nowhere() {
        killed("by_email.md").await;
    }
}

/// The first failure of a scenario that must not pass.
async fn failure(text: &str) -> (usize, String) {
    let report = play(&scenario(text), &ON_SQLITE).await;
    let first = report.failures.first().expect("it passed");
    (first.line, first.what.clone())
}

const SENT: &str = "# X\n> log me in, my phone is +1 415 555 2671\n";

#[tokio::test]
async fn what_is_wrong_in_a_scenario_makes_it_fail_at_its_line() {
    for (rest, line, why) in [
        ("< auth.ask_phone\n! sms\n", 3, "reply: expected auth.ask_phone, got auth.code_sent"),
        ("< auth.code_sent action=otp_requested\n! sms\n", 3, "action: expected otp_requested, got otp_sent"),
        ("< data.phone=!\n! sms\n", 3, "data.phone: expected nothing, got +1•••••••2671"),
        ("< data.attempts_left=*\n! sms\n", 3, "data.attempts_left: expected anything, got nothing"),
        ("< session=yes\n! sms\n", 3, "session: expected yes, got no"),
        ("! sms to=+14155552672\n", 3, "to: expected +14155552672, got +14155552671"),
        ("! none\n", 3, "expected no message, got sms.code to +14155552671"),
        ("! mail\n", 3, "expected a message by mail, none was handed over"),
        ("! sms\n! mail\n", 4, "expected a message by mail, none was handed over"),
        ("! sms\n! sms\n", 4, "expected a message by sms, none was handed over"),
        ("! sms\n= effects=2\n", 4, "effects: expected 2, got 1"),
        ("! sms\n= state.otp_sent=false\n", 4, "state.otp_sent: expected false, got true"),
        ("! sms\n= audit=otp_sent,otp_requested\n", 4, "audit: expected otp_sent,otp_requested"),
        ("! sms\n= steps<=2\n", 4, "steps: 6 used, allowed: 2 at most"),
        ("! sms\n= llm_calls=0 statements=3\n", 4, "statements: 25 used, allowed: 3"),
        ("! sms\n> {code:2}\n", 4, "no such code was sent"),
        ("! sms\n& logout\n", 4, "this actor is not signed in"),
    ] {
        let (at, what) = failure(&format!("{SENT}{rest}")).await;
        assert_eq!(at, line, "{what}");
        assert!(what.starts_with(why), "{what:?} does not start with {why:?}");
    }
}

const WITHIN: &str = "budget llm_calls=0 tokens=0 statements<=STATEMENTS steps<=STEPS\n";

/// A sign-in and its repetition within so much.
fn bounded(statements: u64, steps: u64) -> String {
    let budget = WITHIN.replace("STATEMENTS", &statements.to_string()).replace("STEPS", &steps.to_string());
    format!("{}! sms\n& repeat\n= steps=0\n", SENT.replace("# X\n", &format!("# X\n{budget}")))
}

#[tokio::test]
async fn a_budget_of_the_whole_scenario_binds_all_its_messages() {
    let report = play(&scenario(&bounded(1_000, 1_000)), &ON_SQLITE).await;
    assert_passed(&report);
    let used: Used = report.used.iter().copied().sum();
    assert_eq!(report.used.len(), 2, "the repetition counts");
    assert!(used.statements > report.used[0].statements && used.steps == report.used[0].steps);
    let (statements, steps) = (used.statements, used.steps);
    assert_passed(&play(&scenario(&bounded(statements, steps)), &ON_SQLITE).await);
    for (text, why) in [
        (
            bounded(statements - 1, steps),
            format!("statements: {statements} used, allowed: {} at most", statements - 1),
        ),
        (bounded(statements, steps - 1), format!("steps: {steps} used, allowed: {} at most", steps - 1)),
    ] {
        assert_eq!(failure(&text).await, (2, why));
    }
    // A turn that is run again after a crash uses more, and is not held to it.
    assert_passed(&play_with_crashes(&scenario(&bounded(statements, steps)), &ON_SQLITE).await);
}

mod what_is_used_does_not_depend_on_what_else_runs {
    use super::*;

    async fn alike(setup: &Setup) {
        let scenario = kept("change_phone.md");
        let reports = stream::iter(0..6).map(|_| play(&scenario, setup)).buffered(6);
        let reports: Vec<Report> = reports.collect().await;
        let first = play(&scenario, &ON_SQLITE).await.used;
        assert!(first.len() > 10 && first.iter().all(|used| used.statements > 0));
        assert!(reports.iter().all(|report| report.used == first), "{reports:#?}");
    }

    #[tokio::test]
    async fn sqlite() {
        alike(&ON_SQLITE).await;
    }

    #[tokio::test]
    async fn postgres() {
        if super::postgres(concat!(module_path!(), "::postgres")).await.is_some() {
            alike(&Setup::new(Some(postgres_url())).unwrap()).await;
        }
    }
}

#[tokio::test]
async fn a_message_too_many_is_noticed_at_the_end() {
    let (_, what) = failure(&format!("{SENT}! sms\n~ 60s\n> resend\n< auth.code_sent\n")).await;
    assert_eq!(what, "a message was handed over that no line names: sms.code to +14155552671");
}
