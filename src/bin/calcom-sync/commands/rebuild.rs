//! `rebuild`: pairs appointments and bookings anew.

use crate::cli::RebuildArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: RebuildArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
