//! The environment's proxy. A process has one environment, so whoever asks here is a process of its own.

use std::process::Stdio;

use tokio::process::Command;
use vestibule::fetch::{Error, Fetch, Trust};

use super::{Names, get, options};
use crate::support::site::{Act, Site};

const CHILD: &str = "fetch::proxies::asks_around_and_through_the_environment_s_proxy";

// SEC-54
#[tokio::test]
async fn a_proxy_sees_only_what_an_operator_named_and_is_encrypted() {
    let refuse = |_, _: &str| Act::SayAndClose("HTTP/1.1 403 X\r\ncontent-length: 0\r\n\r\n".to_owned());
    let proxy = Site::start(refuse).await;
    let mut child = Command::new(std::env::current_exe().unwrap());
    child
        .args([CHILD, "--exact", "--ignored"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    child.env_remove("NO_PROXY").env_remove("no_proxy").env_remove("REQUEST_METHOD");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, proxy.url(""));
    }
    assert!(child.status().await.unwrap().success());
    let seen: Vec<String> =
        proxy.requests().iter().map(|request| request.lines().next().unwrap().to_owned()).collect();
    assert_eq!(seen, ["CONNECT operator.test:443 HTTP/1.1"]);
}

#[tokio::test]
#[ignore = "is run with a proxy in its environment, by the test above"]
async fn asks_around_and_through_the_environment_s_proxy() {
    let site = Site::start(|_, _| Act::ok("direct")).await;
    let port = site.port();
    let here: &[&[&str]] = &[&["127.0.0.1"]];
    let names =
        Names::of(&[("named.test", here), ("localhost", here), ("guarded.test", here), ("inner.test", here)]);
    let allow = options(&[&format!("named.test:{port}"), "127.0.0.0/8"]);
    let fetch = Fetch::with_resolver(&allow, names).unwrap();
    for (url, trust) in [
        (format!("http://named.test:{port}/"), Trust::Person),
        (format!("http://named.test:{port}/"), Trust::Operator),
        (format!("http://localhost:{port}/"), Trust::Operator),
    ] {
        let to = fetch.endpoint(&url, trust).unwrap();
        assert_eq!(fetch.send(get(to)).await.unwrap().body, b"direct", "{url}");
    }
    for (url, trust) in [
        (format!("https://guarded.test:{port}/"), Trust::Person),
        ("https://operator.test/".to_owned(), Trust::Operator),
    ] {
        let to = fetch.endpoint(&url, trust).unwrap();
        assert_eq!(fetch.send(get(to)).await.unwrap_err(), Error::Unreachable, "{url}");
    }
}
