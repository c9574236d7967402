//! `serve`: the sync itself.

use crate::cli::{Global, ServeArgs};
use crate::failure::Failure;
use crate::output::Output;

pub(crate) async fn run(
    _flags: &Global,
    _output: &Output,
    _arguments: ServeArgs,
) -> Result<(), Failure> {
    Err(Failure::NotBuilt)
}
