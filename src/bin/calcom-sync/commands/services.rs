//! `services`: compares services with event types.

use crate::cli::ServicesCommand;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: ServicesCommand,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
