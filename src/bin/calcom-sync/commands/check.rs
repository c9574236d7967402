//! `check`: whether everything is set up as it has to be.

use crate::cli::{CheckArgs, Global};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _flags: &Global,
    _output: &Output,
    _arguments: CheckArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
