//! Looks up the names of an `http` node: its address, its secrets, its fields.

use super::call::{Call, Method, Piece, address};
use super::draft::Drafter;
use super::file::{Named, RawCall};
use crate::model::Assurance;

/// Headers that a call has by itself, or that would make another request of it.
const OURS: [&str; 7] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "idempotency-key",
    "transfer-encoding",
];

impl Drafter<'_, '_, '_> {
    /// The call; `None` where something about it is wrong. Every mistake is told.
    pub(super) fn call(&mut self, raw: &RawCall) -> Option<Call> {
        let method = Method::parse(&raw.method.text);
        if method.is_none() {
            self.report
                .add(raw.method.at, format!("unknown method `{}`; there are: GET, POST", raw.method.text));
        }
        let address = self.address(&raw.url);
        if let Some(first) = raw.body.first().filter(|_| method == Some(Method::Get)) {
            self.report.add(first.at, "a GET has no `body`");
        }
        let body: Vec<String> = raw.body.iter().filter(|name| self.is_field(name)).map(text).collect();
        let headers: Vec<_> = raw.headers.iter().filter(|pair| self.is_header(pair)).map(texts).collect();
        let into: Vec<_> =
            raw.into.iter().filter(|(_, pointer)| self.is_pointer(pointer)).map(texts).collect();
        let needs = self.level(raw.needs.as_ref());
        let whole = body.len() == raw.body.len()
            && headers.len() == raw.headers.len()
            && into.len() == raw.into.len()
            && (method == Some(Method::Post) || body.is_empty());
        let (timeout_ms, retries) = (raw.timeout_ms, raw.retries);
        let ((base, path), method, needs) = (address?, method?, needs?);
        whole.then_some(Call { method, base, path, body, headers, timeout_ms, retries, into, needs })
    }

    /// The level that a call outside asks for, or a whole graph; a code of its own is a handler's to ask for.
    pub(super) fn level(&mut self, raw: Option<&Named>) -> Option<Assurance> {
        match raw.map(|level| level.text.as_str()) {
            None => Some(Assurance::Anonymous),
            Some("signed_in") => Some(Assurance::SignedIn),
            Some(other) => {
                let what = format!("unknown level `{other}`; what may be needed is `signed_in`");
                self.report.add(raw?.at, what);
                None
            }
        }
    }

    fn address(&mut self, url: &Named) -> Option<(String, Vec<Piece>)> {
        let (base, path) =
            address(&url.text).map_err(|why| self.report.add(url.at, format!("`url`: {why}"))).ok()?;
        if !self.names.catalog.addresses.contains(&base) {
            let what = format!(
                "the address `{base}` is not configured: graph.addresses = [\"{base}=https://orders.example.com\"]"
            );
            self.report.add(url.at, what);
            return None;
        }
        let fields = path.iter().filter_map(|piece| match piece {
            Piece::Field(name) => Some(Named { text: name.clone(), at: url.at }),
            Piece::Text(_) => None,
        });
        let unknown = fields.filter(|name| !self.is_field(name)).count();
        (unknown == 0).then_some((base, path))
    }

    pub(super) fn is_field(&mut self, name: &Named) -> bool {
        let is_known = self.fields.contains(&name.text);
        if !is_known {
            let known = self.fields.join(", ");
            self.report
                .add(name.at, format!("`{}` is no field of this graph; there are: {known}", name.text));
        }
        is_known
    }

    fn is_header(&mut self, (name, secret): &(Named, Named)) -> bool {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if name.text.is_empty() || !name.text.bytes().all(is_token) {
            self.report.add(name.at, format!("`{}` is no header", name.text));
            return false;
        }
        if OURS.contains(&name.text.to_ascii_lowercase().as_str()) {
            self.report.add(name.at, format!("the header `{}` is set by itself", name.text));
            return false;
        }
        let is_known = self.names.catalog.secrets.contains(&secret.text);
        if !is_known {
            let what =
                format!("the secret `{0}` is not configured: graph.secrets = [\"{0}=…\"]", secret.text);
            self.report.add(secret.at, what);
        }
        is_known
    }

    pub(super) fn is_pointer(&mut self, pointer: &Named) -> bool {
        let is_pointer = pointer.text.is_empty() || pointer.text.starts_with('/');
        if !is_pointer {
            self.report.add(pointer.at, format!("`{}` is no JSON pointer such as /status", pointer.text));
        }
        is_pointer
    }
}

fn text(named: &Named) -> String {
    named.text.clone()
}

pub(super) fn texts((one, two): &(Named, Named)) -> (String, String) {
    (one.text.clone(), two.text.clone())
}
