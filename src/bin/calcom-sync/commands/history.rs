//! `history`: everything that is known about one appointment.

use crate::cli::HistoryArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: HistoryArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
