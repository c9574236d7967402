//! `performance`: how fast everything is.

use crate::cli::PerformanceArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: PerformanceArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
