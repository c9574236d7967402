//! The commands, one file each.

pub(crate) mod agents;
pub(crate) mod book;
pub(crate) mod branches;
pub(crate) mod check;
mod common;
pub(crate) mod completions;
pub(crate) mod control;
pub(crate) mod erase;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod mcp;
pub(crate) mod performance;
pub(crate) mod prune;
pub(crate) mod rebuild;
pub(crate) mod reconcile;
pub(crate) mod reviews;
pub(crate) mod serve;
pub(crate) mod services;
pub(crate) mod status;
pub(crate) mod warm_up;
pub(crate) mod webhook;

use crate::cli::Command;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

/// Runs a command over what is configured. It is dropped where it stands when it is interrupted.
pub(crate) async fn run(
    context: &Context,
    output: &Output,
    command: Command,
) -> Result<(), Failure> {
    match command {
        Command::Reconcile(arguments) => reconcile::run(context, output, arguments).await,
        Command::Services(command) => services::run(context, output, command).await,
        Command::Reviews(command) => reviews::run(context, output, command).await,
        Command::History(arguments) => history::run(context, output, arguments).await,
        Command::Status(arguments) => status::run(context, output, arguments).await,
        Command::Rebuild(arguments) => rebuild::run(context, output, arguments).await,
        Command::Prune(arguments) => prune::run(context, output, arguments).await,
        Command::Erase(command) => erase::run(context, output, command).await,
        Command::Webhook(command) => webhook::run(context, output, command).await,
        Command::Agents(command) => agents::run(context, output, command).await,
        Command::Performance(arguments) => performance::run(context, output, arguments).await,
        Command::WarmUp(arguments) => warm_up::run(context, output, arguments).await,
        Command::Book(arguments) => book::book(context, output, arguments).await,
        Command::Move(arguments) => book::move_to(context, output, arguments).await,
        Command::Cancel(arguments) => book::cancel(context, output, arguments).await,
        Command::Slots(arguments) => book::slots(context, output, arguments).await,
        Command::Branches => branches::run(context, output),
        Command::Pause(arguments) => control::pause(context, output, arguments).await,
        Command::Resume(arguments) => control::resume(context, output, arguments).await,
        Command::Log(arguments) => log::run(context, output, arguments).await,
        Command::Serve(_) | Command::Mcp(_) | Command::Check(_) | Command::Completions(_) => {
            unreachable!("these are begun without a context")
        }
    }
}
