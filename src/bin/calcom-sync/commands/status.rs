//! `status`: how the sync is doing.

use crate::cli::StatusArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: StatusArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
