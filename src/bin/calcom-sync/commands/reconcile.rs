//! `reconcile`: compares both sides over a span of time, and repairs what differs.

use crate::cli::ReconcileArgs;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: ReconcileArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
