//! Floor 10: the command line.
//!
//! It parses arguments, calls `app` or `scenario`, and writes for people. Exit codes: 0, 1 where a check failed or the
//! command could not do its work, 2 for usage or configuration.
//!
//! Adding a command: a variant of `Command`, a file of its own, an arm in [`run`], and its line in the README.

mod against;
mod capture;
mod chat;
mod eval;
mod graph;
mod handoff;
mod limits;
mod out;
mod outbox;
mod replay;
mod serve;
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::sources::Broken;
use crate::config::Config;

#[derive(Debug, Parser)]
#[command(
    name = "vestibule",
    version,
    about = "Signs people in and looks after their identity inside a chat."
)]
struct Arguments {
    /// The configuration file; `vestibule.toml` where there is one.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the chat page and the HTTP interface (also without any command).
    Serve,
    /// Talk in the terminal, or line by line from a pipe.
    Chat {
        /// A running server, such as <http://127.0.0.1:8080>; an engine of its own where it is left out.
        #[arg(long)]
        url: Option<String>,
    },
    /// Print the table of limits in force.
    Limits,
    /// Look at the conversation's graphs.
    #[command(subcommand)]
    Graph(graph::Command),
    /// Play scenarios and say whether they hold.
    #[command(after_long_help = crate::scenario::format::help())]
    Replay(replay::Arguments),
    /// Write a stored conversation as a scenario, without anything of the person's.
    Capture(capture::Arguments),
    /// Measure how well messages are understood, on labelled rows.
    Eval(eval::Arguments),
    /// Look at the messages sent, and let dead ones be tried again.
    #[command(subcommand)]
    Outbox(outbox::Command),
    /// Look at the conversations that people answer, and give one back to the assistant.
    #[command(subcommand)]
    Handoff(handoff::Command),
    /// Print the tools as function definitions, in JSON.
    Tools,
}

/// Why a command ended badly.
#[derive(Debug)]
enum Failure {
    /// Usage or configuration.
    Usage(String),
    /// A check failed, or the command could not do its work.
    Failed(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast::<Broken>() {
            Ok(broken) => broken.into(),
            Err(error) => Self::Failed(error),
        }
    }
}

impl From<Broken> for Failure {
    /// Broken graphs, texts and addresses are configuration: they stop the start like any other setting.
    fn from(broken: Broken) -> Self {
        Self::Usage(broken.to_string())
    }
}

/// Runs the command line of the process.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(what)) => {
            out::complain(&what);
            ExitCode::from(2)
        }
        Err(Failure::Failed(error)) => {
            out::complain(&format!("{error:#}"));
            ExitCode::from(1)
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<(), Failure> {
    let plays_no_part = match &arguments.command {
        Some(Command::Replay(asked)) => !asked.is_configured(),
        Some(Command::Tools) => true,
        _ => false,
    };
    if arguments.config.is_some() && plays_no_part {
        return Err(Failure::Usage("--config plays no part in this command".to_owned()));
    }
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(config(arguments.config.as_deref())?),
        Command::Chat { url } => chat::run(config(arguments.config.as_deref())?, url.as_deref()),
        Command::Limits => {
            limits::run(&config(arguments.config.as_deref())?);
            Ok(())
        }
        Command::Graph(command) => graph::run(&command, &config(arguments.config.as_deref())?),
        Command::Eval(asked) => eval::run(&asked, &config(arguments.config.as_deref())?),
        Command::Capture(asked) => capture::run(&asked, &config(arguments.config.as_deref())?),
        Command::Replay(asked) => replay::run(&asked, arguments.config.as_deref()),
        Command::Outbox(command) => outbox::run(command, &config(arguments.config.as_deref())?),
        Command::Handoff(command) => handoff::run(command, config(arguments.config.as_deref())?),
        Command::Tools => tools::run(),
    }
}

fn config(path: Option<&Path>) -> Result<Config, Failure> {
    Config::from_process(path).map_err(|problems| Failure::Usage(problems.to_string()))
}

/// Runs a future on a runtime of its own.
fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Runtime::new().map_err(anyhow::Error::from)?;
    Ok(runtime.block_on(future)?)
}
