//! Commands: what a `&` line asks for.

use super::{Command, Desk};
use crate::tool::migration::{DataKind, Items};

pub(super) fn command(text: &str) -> Result<Command, String> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    let plain =
        |command| if rest.is_empty() { Ok(command) } else { Err(format!("`& {word}` takes nothing")) };
    match word {
        "device" => plain(Command::Device),
        "restart" => plain(Command::Restart),
        "regraph" => Ok(Command::Regraph((!rest.is_empty()).then(|| rest.into()))),
        "repeat" => plain(Command::Repeat),
        "logout" => plain(Command::Logout),
        "hang" => plain(Command::Hang),
        "backend" => backend(rest).map(Command::Backend),
        "desk" => desk(rest).map(Command::Desk),
        "put" | "visit" => put(rest, word == "visit"),
        "refuse" | "later" if rest.is_empty() || rest.contains(' ') => {
            Err(format!("`& {word}` takes one code"))
        }
        "refuse" => Ok(Command::Refuse(rest.to_owned())),
        "later" => Ok(Command::Later(rest.to_owned())),
        _ => {
            let forms: Vec<&str> = super::COMMANDS.iter().map(|row| row.form).collect();
            Err(format!("`& {word}` is none of {}", forms.join(", ")))
        }
    }
}

fn backend(text: &str) -> Result<Option<(u16, String)>, String> {
    if text == "down" {
        return Ok(None);
    }
    let (status, body) = text.split_once(' ').unwrap_or((text, ""));
    let status = status.parse().ok().filter(|status| (100..=599).contains(status));
    let status = status.ok_or("`& backend` takes `down`, or a status such as 200 and a body")?;
    Ok(Some((status, body.to_owned())))
}

fn desk(text: &str) -> Result<Desk, String> {
    const FORMS: &str =
        "`& desk` takes `says TEXT`, `releases`, `releases TEXT`, `down`, or a status such as 410";
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match (word, rest) {
        ("says", words) if !words.is_empty() => Ok(Desk::Says(words.to_owned())),
        ("releases", "") => Ok(Desk::Releases(None)),
        ("releases", words) => Ok(Desk::Releases(Some(words.to_owned()))),
        ("down", "") => Ok(Desk::Answers(None)),
        (status, "") => {
            let status = status.parse().ok().filter(|status| (100..=599).contains(status));
            status.map(|status| Desk::Answers(Some(status))).ok_or_else(|| FORMS.to_owned())
        }
        _ => Err(FORMS.to_owned()),
    }
}

fn put(text: &str, signed_out: bool) -> Result<Command, String> {
    let (kind, items) = text.split_once(' ').unwrap_or((text, ""));
    let kind = DataKind::parse(kind)
        .ok_or_else(|| format!("`{kind}` is none of cart, favorites, history, preferences"))?;
    let value: serde_json::Value = serde_json::from_str(items).map_err(|e| format!("the items: {e}"))?;
    let items = Items::parse(kind, Some(&value)).map_err(|e| format!("the items: {e}"))?;
    Ok(Command::Put { kind, items, signed_out })
}
