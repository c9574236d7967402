//! `log`: what operators did.

use crate::cli::LogArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: LogArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
