//! `calcom-sync`: runs the sync between an application's appointments and Cal.com's bookings, and
//! shows, checks and repairs it.

#![warn(clippy::unwrap_used)]

mod cli;
mod commands;
mod context;
mod database;
mod demo;
mod failure;
mod logs;
mod notifiers;
mod output;
mod parse;
mod router;
mod sentences;
mod settings;
mod signals;
mod when;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::output::Output;
use crate::settings::Settings;
use crate::signals::Stop;

fn main() -> ExitCode {
    let mut cli = Cli::parse();
    // Its standard output is the MCP client's, failures or not.
    cli.global.json &= !matches!(cli.command, Command::Mcp(_));
    let output = Output::new(&cli.global);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return ended(&output, Err(error.into())),
    };
    let ends_by_interrupt = cli.command.ends_by_interrupt();
    let result = runtime.block_on(Box::pin(run(cli, &output)));
    let result = match result {
        Err(failure) if ends_by_interrupt && failure.kind() == FailureKind::Unfinished => Ok(()),
        result => result,
    };
    // What still runs, such as a name that is being looked up, is not waited for.
    runtime.shutdown_background();
    ended(&output, result)
}

fn ended(output: &Output, result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.code())
        }
    }
}

async fn run(cli: Cli, output: &Output) -> Result<(), Failure> {
    match cli.command {
        Command::Completions(arguments) => {
            commands::completions::run(output, &arguments);
            Ok(())
        }
        // They have something to tidy up when they are interrupted.
        Command::Serve(arguments) => commands::serve::run(&cli.global, output, arguments).await,
        Command::Check(arguments) => commands::check::run(&cli.global, output, arguments).await,
        Command::Mcp(arguments) => commands::mcp::run(&cli.global, arguments).await,
        command => {
            let mut stop = Stop::listen();
            let settings = Settings::load(&cli.global)?;
            let _logs = logs::start(&settings.log, "off")?;
            let work = async {
                let context = Context::open(settings).await?;
                commands::run(&context, output, command).await
            };
            tokio::select! {
                result = work => result,
                () = stop.told() => Err(Failure::interrupted()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_resolution_follows_the_items() {
        let words = "calcom-sync reviews resolve 1 2 rebook --start 2026-12-01 --by ann";
        let cli = Cli::try_parse_from(words.split(' ')).unwrap();
        let Command::Reviews(cli::ReviewsCommand::Resolve(arguments)) = cli.command else {
            panic!("another command");
        };
        assert_eq!(arguments.ids.len(), 2);
        assert_eq!(arguments.resolution, cli::ResolutionWord::Rebook);
        let without_start = "calcom-sync reviews resolve 1 rebook";
        assert!(Cli::try_parse_from(without_start.split(' ')).is_err());
    }
}
