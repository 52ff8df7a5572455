//! SEC-54: nobody is led to where he must not go, by a name, a redirect or a second answer of a name server; credentials
//! stay with their host; and a fault says whether the request may have been sent.

mod faults;
mod names;
mod proxies;
mod redirects;

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use vestibule::fetch::{Endpoint, Error, Fetch, HeaderMap, Method, Options, Request, Resolver, Trust};

/// Longer than any of these requests takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn options(allow: &[&str]) -> Options {
    Options { allow: allow.iter().map(|allowed| allowed.parse().unwrap()).collect() }
}

fn fetch(allow: &[&str]) -> Fetch {
    Fetch::new(&options(allow)).unwrap()
}

fn get(to: Endpoint) -> Request {
    Request {
        method: Method::GET,
        to,
        headers: HeaderMap::new(),
        body: Vec::new(),
        timeout: PATIENCE,
        most: 1024,
        redirects: 5,
    }
}

fn person(fetch: &Fetch, url: &str) -> Endpoint {
    fetch.endpoint(url, Trust::Person).unwrap()
}

/// Whether a host was refused, by the host's name.
fn refused(error: &Error) -> Option<&str> {
    match error {
        Error::NotAllowed { host, .. } => Some(host),
        _ => None,
    }
}

/// A name server of a test's own: each look-up of a name takes the next of its answers, and the last one stays.
#[derive(Debug, Default)]
struct Names(Mutex<BTreeMap<String, Vec<Vec<IpAddr>>>>);

impl Names {
    fn of(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let read = |answer: &&[&str]| answer.iter().map(|address| address.parse().unwrap()).collect();
        let table = names.iter().map(|(name, answers)| {
            let answers = answers.iter().rev().map(read).collect();
            ((*name).to_owned(), answers)
        });
        Arc::new(Self(Mutex::new(table.collect())))
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut names = self.0.lock().unwrap();
        let answer = names.get_mut(name).map(|answers| match answers.len() {
            1 => answers[0].clone(),
            _ => answers.pop().unwrap(),
        });
        Box::pin(async move { answer.ok_or_else(|| io::Error::other("no such name")) })
    }
}
