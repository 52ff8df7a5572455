//! `vestibule graph check` and `vestibule graph draw`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::{Failure, against, block_on, out};
use crate::app::{self, sources};
use crate::config::Config;
use crate::graph::{GraphSet, Options, draw};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Prove the graphs; prints every problem with its place.
    Check {
        /// A folder of graph files; the ones that are compiled in where it is left out.
        folder: Option<PathBuf>,
        /// Look also at the configured database, without a change to it, for conversations that these graphs would strand,
        /// restart or migrate.
        #[arg(long)]
        against_store: bool,
    },
    /// Draw a graph.
    Draw {
        /// Which graph.
        name: String,
        /// How.
        #[arg(long, default_value = "mermaid")]
        format: Format,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Format {
    Mermaid,
    Dot,
}

pub(super) fn run(command: &Command, config: &Config) -> Result<(), Failure> {
    match command {
        Command::Check { folder, against_store } => {
            if let Some(agent) = folder.as_ref().filter(|folder| sources::is_agent(folder)) {
                let agent = agent.display();
                return Err(Failure::Usage(format!(
                    "{agent} is the folder of an agent, which is proved beside the product's own graphs: set \
                     VESTIBULE__GRAPH__AGENTS={agent} and the addresses it calls, and leave the folder out here"
                )));
            }
            let own = folder.clone().or_else(|| config.graph.folder.clone());
            let options = Options { folder: own, ..config.graph.clone() };
            let (_, graphs) = sources::load(&config.prompt, &options)?;
            app::may_be_called(config)?;
            summarise(&graphs);
            if *against_store {
                block_on(against::check(&config.store, &graphs))?;
            }
        }
        Command::Draw { name, format } => {
            let (replies, graphs) = sources::load(&config.prompt, &config.graph)?;
            let found = graphs.graph(name).ok_or_else(|| {
                let names: Vec<&str> = graphs.graphs().map(|g| g.name.as_str()).collect();
                Failure::Usage(format!("no graph is named `{name}`; there are: {}", names.join(", ")))
            })?;
            let draw = match format {
                Format::Mermaid => draw::mermaid,
                Format::Dot => draw::dot,
            };
            out::line(draw(found, &sources::catalog(&replies, &config.graph)).trim_end());
        }
    }
    Ok(())
}

fn summarise(graphs: &GraphSet) {
    for graph in graphs.graphs() {
        let edges = graphs.edges().iter().filter(|e| e.graph == graph.name).count();
        out::line(&format!(
            "{} v{}: {} nodes, {edges} edges",
            graph.name,
            graph.version,
            graph.nodes().count()
        ));
    }
    out::line("all proofs hold");
}
