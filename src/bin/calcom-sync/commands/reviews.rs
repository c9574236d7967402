//! `reviews`: what needs a decision.

use crate::cli::ReviewsCommand;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: ReviewsCommand,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
