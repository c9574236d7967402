//! `pause` and `resume`: whether a tenant is worked for.

use crate::cli::{PauseArgs, ResumeArgs};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn pause(
    _context: &Context,
    _output: &Output,
    _arguments: PauseArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}

pub(crate) async fn resume(
    _context: &Context,
    _output: &Output,
    _arguments: ResumeArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
