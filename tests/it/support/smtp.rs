//! A real mail server as a process: aiosmtpd, by `smtp_server.py`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use vestibule::mail::Options;

use super::db::{Folder, variable};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/smtp_server.py");
/// The one user that the server lets in, as in an address.
pub(crate) const USER: &str = "codes%40example.com:p%C3%A4%2Fss%3A%25";

/// A server, and what it told.
pub(crate) struct SmtpServer {
    child: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    told: Vec<Value>,
    pub(crate) port: u16,
    /// Holds the authority's certificate.
    folder: Folder,
}

/// A Python that has aiosmtpd; without one the test is skipped, loudly, or fails where that was asked for.
async fn python(name: &str) -> Option<String> {
    let python = variable("SMTP_PYTHON").unwrap_or_else(|| "python3".to_owned());
    let found = Command::new(&python)
        .args(["-c", "import aiosmtpd"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    if found.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    assert!(variable("REQUIRE_SMTP").is_none(), "`{python}` has no aiosmtpd");
    // Past the harness, which keeps what a passing test prints to itself: a skip must be heard.
    let _ = writeln!(std::io::stderr().lock(), "SKIPPED (`{python}` has no aiosmtpd): {name}");
    None
}

impl SmtpServer {
    /// Starts a server with those arguments, on a port of its own; `None` where the test is skipped.
    pub(crate) async fn start(name: &str, arguments: &[&str]) -> Option<Self> {
        let python = python(name).await?;
        let folder = Folder::new();
        std::fs::create_dir_all(folder.path()).unwrap();
        let [certificate, key] = certificates(folder.path());
        let mut child = Command::new(python)
            .arg(SCRIPT)
            .args(arguments)
            .args([Path::new("--certificate"), &certificate, Path::new("--key"), &key])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut server = Self { child, input, output, told: Vec::new(), port: 0, folder };
        let listening = server.hear("listening").await;
        server.port = u16::try_from(listening["port"].as_u64().unwrap()).unwrap();
        Some(server)
    }

    /// Options that lead to it. `scheme` is what stands before the host, `query` what stands behind the port.
    pub(crate) fn options(&self, scheme: &str, query: &str) -> Options {
        let url = format!("{scheme}localhost:{}{query}", self.port);
        Options {
            smtp_url: Some(url.parse().unwrap()),
            from: Some("Vestibule <codes@vestibule.test>".parse().unwrap()),
            ca_file: Some(self.folder.path().join("ca.pem")),
            ..Options::default()
        }
    }

    /// Waits until it tells of such an event.
    pub(crate) async fn hear(&mut self, event: &str) -> Value {
        loop {
            let line = self.output.next_line().await.unwrap();
            let line = line.unwrap_or_else(|| panic!("the mail server ended without `{event}`"));
            let told: Value = serde_json::from_str(&line).unwrap();
            self.told.push(told.clone());
            if told["event"] == event {
                return told;
            }
        }
    }

    /// Ends it, and gives all that it told.
    pub(crate) async fn end(mut self) -> Told {
        drop(self.input.take());
        self.hear("end").await;
        self.child.kill().await.unwrap();
        Told(self.told)
    }
}

/// What a server told.
pub(crate) struct Told(Vec<Value>);

impl Told {
    /// The events of a kind, in their order.
    pub(crate) fn all(&self, event: &str) -> Vec<&Value> {
        self.0.iter().filter(|told| told["event"] == event).collect()
    }

    /// The messages that it took.
    pub(crate) fn messages(&self) -> Vec<&Value> {
        self.all("message")
    }
}

/// Every value of a header, in any case.
pub(crate) fn headers<'a>(message: &'a Value, name: &str) -> Vec<&'a str> {
    let all = message["headers"].as_array().unwrap().iter();
    let named = all.filter(|header| header[0].as_str().unwrap().eq_ignore_ascii_case(name));
    named.map(|header| header[1].as_str().unwrap()).collect()
}

/// The text of the part of that type, with plain line ends.
pub(crate) fn part(message: &Value, kind: &str) -> String {
    let parts = message["parts"].as_array().unwrap();
    let found = parts.iter().find(|part| part[0] == kind).unwrap_or_else(|| panic!("no {kind}: {message}"));
    found[1].as_str().unwrap().replace("\r\n", "\n")
}

/// An authority's certificate as `ca.pem`, and one of it for `localhost` with its key.
fn certificates(folder: &Path) -> [PathBuf; 2] {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority_key = KeyPair::generate().unwrap();
    let ca = authority.self_signed(&authority_key).unwrap();
    std::fs::write(folder.join("ca.pem"), ca.pem()).unwrap();
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let files = [folder.join("server.pem"), folder.join("server.key")];
    std::fs::write(&files[0], server.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    std::fs::write(&files[1], key.serialize_pem()).unwrap();
    files
}
