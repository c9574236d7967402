//! The lines of a check.

use calcom::store::TenantId;
use serde_json::{Value, json};

use super::SEVERITY;
use crate::failure::{Failure, FailureKind};
use crate::output::{Output, Tone, plain};

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Fine,
    Failed(FailureKind),
    /// Not checked, or worth a remark.
    Neutral,
}

/// What was found about one thing.
#[derive(Debug)]
pub(super) struct Line {
    what: &'static str,
    verdict: Verdict,
    text: String,
    /// What to do about it.
    next: Option<String>,
    /// The technical cause.
    cause: Option<String>,
}

impl Line {
    fn new(what: &'static str, verdict: Verdict, text: impl Into<String>) -> Self {
        Self {
            what,
            verdict,
            text: text.into(),
            next: None,
            cause: None,
        }
    }

    pub(super) fn fine(what: &'static str, text: impl Into<String>) -> Self {
        Self::new(what, Verdict::Fine, text)
    }

    pub(super) fn skipped(what: &'static str, text: impl Into<String>) -> Self {
        Self::new(what, Verdict::Neutral, text)
    }

    /// Not wrong, but could be better.
    pub(super) fn remark(
        what: &'static str,
        text: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self {
            next: Some(next.into()),
            ..Self::skipped(what, text)
        }
    }

    pub(super) fn failed(what: &'static str, failure: &Failure) -> Self {
        Self {
            next: failure.advice().map(ToOwned::to_owned),
            cause: std::error::Error::source(failure).map(crate::failure::with_causes),
            ..Self::new(what, Verdict::Failed(failure.kind()), failure.to_string())
        }
    }

    /// Something was found wrong.
    pub(super) fn wrong(
        what: &'static str,
        text: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self::failed(what, &Failure::new(FailureKind::Found, text, next))
    }
}

/// Prints lines as they come, and remembers the worst.
pub(super) struct Lines<'a> {
    output: &'a Output,
    lines: Vec<Value>,
    found: Vec<FailureKind>,
    /// The tenant that they are about, where there are several.
    pub(super) about: Option<TenantId>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self {
            output,
            lines: Vec::new(),
            found: Vec::new(),
            about: None,
        }
    }

    pub(super) fn push(&mut self, line: Line) {
        let Line {
            what: name,
            verdict,
            text: message,
            next,
            cause,
        } = line;
        let (sign, tone, is_fine) = match verdict {
            Verdict::Fine => ("✔", Tone::Good, Some(true)),
            Verdict::Failed(kind) => {
                self.found.push(kind);
                ("✘", Tone::Bad, Some(false))
            }
            Verdict::Neutral => ("–", Tone::Faint, None),
        };
        let what = match &self.about {
            Some(tenant) => format!("{name} ({tenant})"),
            None => name.to_owned(),
        };
        let mut text = format!(
            "{} {what:<15} {}",
            self.output.paint(tone, sign),
            plain(&message)
        );
        if let Some(next) = &next {
            text += &format!(" → {}", plain(next));
        }
        if let Some(cause) = &cause {
            text += &self
                .output
                .paint(Tone::Faint, &format!(" ({})", plain(cause)));
        }
        self.output.line(text);
        self.lines.push(json!({
            "check": name,
            "tenant": self.about,
            "ok": is_fine,
            "message": message,
            "next": next,
            "cause": cause,
        }));
    }

    /// Ends with the exit code of the worst.
    pub(super) fn ended(self) -> Result<(), Failure> {
        let worst = SEVERITY.iter().find(|kind| self.found.contains(kind));
        self.output.json(&json!({
            "ok": worst.is_none(),
            "exit_code": worst.map_or(0, |kind| kind.code()),
            "checks": self.lines,
        }));
        match (worst, self.found.len()) {
            (None, _) => {
                self.output.line("Everything is in order.");
                Ok(())
            }
            (Some(worst), count) => {
                let things = if count == 1 { "thing is" } else { "things are" };
                self.output.line(format!("{count} {things} wrong."));
                Err(Failure::Printed(*worst))
            }
        }
    }
}
