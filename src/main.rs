//! The binary `mdbook-msdesign`: the preprocessor, and the commands around it.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
