//! A call to an outside agent, as a graph file describes it.

use crate::model::Assurance;

/// How it is called. Both may be tried again: a `POST` carries a key by which the other side knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks.
    Get,
    /// Tells.
    Post,
}

impl Method {
    /// The name in graph files and requests.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }

    /// Reads a method's name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Get, Self::Post].into_iter().find(|method| method.as_str() == text)
    }
}

/// A part of an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// As it stands.
    Text(String),
    /// The value of a field, with %-signs for all that means something in an address.
    Field(String),
}

/// A call to an outside agent. Nothing of the conversation leaves but the fields that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// How.
    pub method: Method,
    /// The name of the configured address that it begins with.
    pub base: String,
    /// What stands behind that.
    pub path: Vec<Piece>,
    /// The fields that a `POST` tells, as an object.
    pub body: Vec<String>,
    /// Headers, each with the name of the configured secret that it holds.
    pub headers: Vec<(String, String)>,
    /// Longest time of one try, in milliseconds.
    pub timeout_ms: u32,
    /// How often it is tried again.
    pub retries: u32,
    /// The fields that the answer fills, each with the JSON pointer to its value.
    pub into: Vec<(String, String)>,
    /// The level that the person must have.
    pub needs: Assurance,
}

/// The parts of an address such as `{{ orders_url }}/orders/{{ order_number }}`: the name that it begins with, and what
/// stands behind that.
pub(super) fn address(text: &str) -> Result<(String, Vec<Piece>), &'static str> {
    const FORM: &str =
        "it begins with a configured address, such as {{ orders_url }}/orders/{{ order_number }}";
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or("a `{{` is not closed")?;
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        pieces.push(Piece::Field(name.trim().to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    if pieces.is_empty() {
        return Err(FORM);
    }
    let Piece::Field(base) = pieces.remove(0) else { return Err(FORM) };
    match pieces.first() {
        Some(Piece::Text(text)) if text.starts_with('/') => Ok((base, pieces)),
        None => Ok((base, pieces)),
        _ => Err("a `/` stands behind the configured address"),
    }
}
