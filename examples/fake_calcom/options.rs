//! The command line.

use std::path::PathBuf;
use std::str::FromStr;

pub(crate) const USAGE: &str = "usage: fake_calcom [--port PORT] [--seed FILE] [--webhook URL [--secret SECRET]] [--rate-limit N] [--hosted]";

#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) port: u16,
    pub(crate) seed: Option<PathBuf>,
    pub(crate) webhook: Option<String>,
    pub(crate) secret: String,
    pub(crate) rate_limit: Option<u32>,
    pub(crate) hosted: bool,
}

impl Options {
    pub(crate) fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match word.as_str() {
                "--port" => options.port = number(&word, &value()?)?,
                "--seed" => options.seed = Some(value()?.into()),
                "--webhook" => options.webhook = Some(value()?),
                "--secret" => options.secret = value()?,
                "--rate-limit" => options.rate_limit = Some(number(&word, &value()?)?),
                "--hosted" => options.hosted = true,
                _ => return Err(format!("unknown option {word}")),
            }
        }
        Ok(options)
    }
}

fn number<N: FromStr>(option: &str, text: &str) -> Result<N, String> {
    let wrong = |_| format!("{option} needs a number, not {text:?}");
    text.parse().map_err(wrong)
}
