//! `completions`: what a shell needs to complete commands and flags.

use clap::CommandFactory;

use crate::cli::{Cli, CompletionsArgs};
use crate::output::Output;

pub(crate) fn run(output: &Output, arguments: &CompletionsArgs) {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // Not straight to standard output, where a reader that has gone would be a panic.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, name, &mut script);
    output.raw(&script);
}
