//! The command line. Exit codes: 0 done, 1 findings, 2 could not run.

mod build;
mod check;
mod diagram;
mod explain;
mod export;
mod files;
mod init;
mod manifest;
#[cfg(feature = "png")]
mod png;
mod preprocess;
mod render;
mod schema;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Parser, Subcommand};

/// Turns a small spec into a checked microservice communication design chapter.
///
/// Without a command this is the mdBook preprocessor: JSON on stdin, JSON on stdout.
#[derive(Debug, Parser)]
#[command(name = "mdbook-msdesign", version)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Says by its exit code whether a renderer is supported (all are)
    Supports {
        /// The renderer's name
        renderer: String,
    },
    /// Builds a book with the embedded mdBook
    Build(build::Args),
    /// Prints the chapter of a spec file, or a Markdown file with its blocks replaced
    Render(render::Args),
    /// Reports on spec files, Markdown files and whole books
    Check(check::Args),
    /// Prints the page of a rule
    Explain {
        /// The rule's id, as reports show it
        rule: String,
    },
    /// Lists the linter's rules, or writes their pages into a book
    Rules(explain::Args),
    /// Writes the files of a design: contracts, rules, configuration
    Export(export::Args),
    /// Draws one picture of a design
    Diagram(diagram::Args),
    /// Adds the preprocessor to a book, and a first design if it has none
    Init(init::Args),
    /// Prints a commented starter spec
    New {
        /// The title of the design
        name: String,
    },
    /// Prints the JSON Schema of the spec language, for editors
    Schema,
    /// Prints the completions of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs the command line.
pub(crate) fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            // Help and version are not errors. A closed stdout is nothing to complain about.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    let done = match args.command {
        None => preprocess::run(),
        Some(Command::Supports { renderer }) => {
            let _ = renderer;
            Ok(0)
        }
        Some(Command::Build(args)) => build::run(&args),
        Some(Command::Render(args)) => render::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Explain { rule }) => explain::explain(&rule),
        Some(Command::Rules(args)) => explain::rules(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Diagram(args)) => diagram::run(&args),
        Some(Command::Init(args)) => init::run(&args),
        Some(Command::New { name }) => out(&init::starter(&name)).map(|()| 0),
        Some(Command::Schema) => schema::run(),
        Some(Command::Completions { shell }) => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "mdbook-msdesign", &mut text);
            out(&text).map(|()| 0)
        }
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(e) => {
            err(&format!("error: {e:#}\n"));
            ExitCode::from(2)
        }
    }
}

/// Writes to stdout in one go. A reader that has gone away is no fault of ours.
///
/// # Errors
///
/// The output cannot be written, a full disk for instance.
fn out(bytes: &(impl AsRef<[u8]> + ?Sized)) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(bytes.as_ref())
        .and_then(|()| stdout.flush())
    {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(e).context("stdout cannot be written")
        }
        _ => Ok(()),
    }
}

/// Writes to stderr, with colours only where a terminal shows them.
fn err(text: &str) {
    // There is no place left to report a stderr that is closed.
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// `path` as reports show it.
fn shown(path: &std::path::Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    text.strip_prefix("./").unwrap_or(&text).to_owned()
}

/// The folder a path is in; the current one for a bare name.
fn folder_of(path: &std::path::Path) -> PathBuf {
    match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_path_buf(),
        _ => PathBuf::from("."),
    }
}
