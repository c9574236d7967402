//! `warm-up`: reads event types and free slots once.

use crate::cli::WarmUpArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: WarmUpArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
