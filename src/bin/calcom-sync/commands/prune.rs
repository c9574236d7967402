//! `prune`: deletes finished records.

use crate::cli::PruneArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: PruneArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
