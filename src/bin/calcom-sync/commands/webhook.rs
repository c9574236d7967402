//! `webhook`: the webhook subscription.

use crate::cli::WebhookCommand;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _context: &Context,
    _output: &Output,
    _arguments: WebhookCommand,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
