//! `erase`: erases a tenant or a person.

use crate::cli::EraseCommand;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: EraseCommand,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
