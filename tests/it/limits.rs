//! The limits that are written down are the limits in force.

use std::collections::BTreeSet;

use vestibule::limit::{Limit, Options};

use crate::support::db::Folder;
use crate::support::server::command;

const PAGE: &str = include_str!("../../docs/limits.md");

/// What `vestibule limits` prints.
async fn printed(variables: &[(&str, &str)]) -> String {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path()).unwrap();
    let output = command(folder.path(), &["limits"]).envs(variables.iter().copied()).output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn rows(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with('|')).collect()
}

#[tokio::test]
async fn the_page_has_the_table_that_the_command_prints() {
    let printed = printed(&[]).await;
    assert_eq!(rows(PAGE), rows(&printed), "docs/limits.md: put in what `vestibule limits` prints");
    assert_eq!(rows(&printed).len(), 2 + Limit::ALL.len());
}

#[test]
fn every_limit_has_a_sentence_and_no_other() {
    let told: Vec<&str> =
        PAGE.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next()).collect();
    let names: Vec<&str> = Limit::ALL.iter().map(|&limit| Options::default().rule(limit).name).collect();
    assert_eq!(told, names);
    for line in PAGE.lines().filter(|line| line.starts_with("- `")) {
        assert!(line.len() > 60 && line.ends_with('.'), "{line}");
    }
    assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len());
}

#[tokio::test]
async fn the_command_shows_what_is_configured() {
    let printed = printed(&[("MAX_LOGIN_ATTEMPTS", "7"), ("VESTIBULE__LIMITS__LOCKOUT_MINUTES", "45")]).await;
    let row = printed.lines().find(|line| line.starts_with("| `login_failures`")).unwrap();
    assert!(row.contains("| 7 (default 5) |") && row.contains("| 45 min |"), "{row}");
}
