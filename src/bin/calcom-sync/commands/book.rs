//! `book`, `move`, `cancel` and `slots`: appointments from the command line.

use crate::cli::{BookArgs, CancelArgs, MoveArgs, SlotsArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn book(
    _context: &Context,
    _output: &Output,
    _arguments: BookArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}

pub(crate) async fn move_to(
    _context: &Context,
    _output: &Output,
    _arguments: MoveArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}

pub(crate) async fn cancel(
    _context: &Context,
    _output: &Output,
    _arguments: CancelArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}

pub(crate) async fn slots(
    _context: &Context,
    _output: &Output,
    _arguments: SlotsArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
