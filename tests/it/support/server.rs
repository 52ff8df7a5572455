//! The real binary as a process, in a folder of its own.

use std::net::TcpListener;
use std::ops::Range;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use vestibule::store::Options;

use super::db::TestDb;

/// Longest time a start may take; a debug build on a busy machine trains its classifier for a second or two.
const START: Duration = Duration::from_mins(1);

/// Ports below those that Linux as it comes, macOS and Windows give to whoever asks for any.
const LASTING_PORTS: Range<u32> = 20_000..32_000;

/// A process that listens.
pub(crate) struct Server {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
    /// Where, as `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

/// The binary with the profile `test` and nothing of this process's environment.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vestibule"));
    command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("VESTIBULE__PROFILE", "test")
        .env("VESTIBULE__HTTP__ADDR", "127.0.0.1:0")
        .env("VESTIBULE__TELEMETRY__LEVEL", "off")
        .kill_on_drop(true);
    command
}

/// An address for processes that follow one another. Whoever asks for any port, as all other servers here do, is given a
/// higher one: between two of these processes nobody else can come to listen there, and answer in their place.
pub(crate) fn lasting_address() -> String {
    static TRIED: AtomicU32 = AtomicU32::new(0);
    loop {
        // Each process that tests begins elsewhere.
        let tried =
            std::process::id().wrapping_mul(7_919).wrapping_add(TRIED.fetch_add(1, Ordering::Relaxed));
        let port = LASTING_PORTS.start + tried % (LASTING_PORTS.end - LASTING_PORTS.start);
        let address = format!("127.0.0.1:{port}");
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// Points a command at a database; its key is kept in the folder.
pub(crate) fn with_store(command: &mut Command, store: &Options) {
    command.env("DATABASE_URL", &store.url);
    if let Some(schema) = &store.schema {
        command.env("VESTIBULE__STORE__SCHEMA", schema);
    }
}

impl Server {
    /// Starts a process and waits until it listens. `settings` are further variables of its environment.
    pub(crate) async fn start(folder: &Path, db: &TestDb, settings: &[(&str, &str)]) -> Self {
        let mut command = command(folder, &["serve"]);
        with_store(&mut command, &db.options);
        command.envs(settings.iter().copied()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            while let Some(line) = output.next_line().await.unwrap() {
                if let Some(url) = line.strip_prefix("Vestibule is listening on ") {
                    return url.to_owned();
                }
            }
            panic!("the server ended before it listened");
        };
        let url = tokio::time::timeout(START, listening).await.expect("the server did not start in time");
        // With few logs or none, the pipe has room enough until the end.
        Self { child, output, url }
    }

    /// `kill -9`.
    pub(crate) async fn kill(mut self) {
        self.kill_now().await;
    }

    /// The same, where its place is kept for another one.
    pub(crate) async fn kill_now(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Ctrl-C; gives the exit code.
    pub(crate) async fn interrupt(self) -> Option<i32> {
        self.end().await.0
    }

    /// Waits for a line that has that in it.
    pub(crate) async fn writes(&mut self, text: &str) -> String {
        let line = async {
            while let Some(line) = self.output.next_line().await.unwrap() {
                if line.contains(text) {
                    return line;
                }
            }
            panic!("the server ended before it wrote `{text}`");
        };
        tokio::time::timeout(START, line).await.expect("the server did not write that in time")
    }

    /// Ctrl-C; gives the exit code and what was written since it listened.
    pub(crate) async fn end(mut self) -> (Option<i32>, Vec<String>) {
        let id = self.child.id().expect("the server has ended already").to_string();
        let sent = Command::new("kill").args(["-s", "INT", &id]).status().await.unwrap();
        assert!(sent.success());
        let mut written = Vec::new();
        while let Some(line) = self.output.next_line().await.unwrap() {
            written.push(line);
        }
        (self.child.wait().await.unwrap().code(), written)
    }
}
