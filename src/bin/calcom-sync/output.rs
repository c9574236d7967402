//! What is printed: text for persons, or JSON for programs.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use serde_json::json;

use crate::cli::{Color, Global};
use crate::failure::Failure;
use crate::when;

/// Where a command prints.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    is_json: bool,
    is_colored: bool,
    /// In which times are shown to persons.
    zone: Tz,
    /// Flags that a command line needs to mean the same settings.
    common_flags: String,
}

/// A meaning that has a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Warning,
    Faint,
    Strong,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Warning => "33",
            Self::Faint => "2",
            Self::Strong => "1",
        }
    }
}

impl Output {
    pub(crate) fn new(flags: &Global) -> Self {
        let is_colored = match flags.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !refused && std::io::stdout().is_terminal()
            }
        };
        Self {
            is_json: flags.json,
            is_colored: is_colored && !flags.json,
            zone: if flags.utc {
                Tz::UTC
            } else {
                when::local_zone()
            },
            common_flags: common_flags(flags),
        }
    }

    /// Whether JSON is asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Whether a person looks at the output.
    pub(crate) fn is_terminal(&self) -> bool {
        !self.is_json && std::io::stdout().is_terminal()
    }

    /// Flags that a further command line needs to mean the same settings, with a space before each.
    /// The address of the database is none of them: it may hold a password.
    pub(crate) fn common_flags(&self) -> &str {
        &self.common_flags
    }

    /// In which zone times are shown.
    pub(crate) fn zone(&self) -> Tz {
        self.zone
    }

    /// An instant as a person reads it.
    pub(crate) fn time(&self, at: DateTime<Utc>) -> String {
        when::time(at, self.zone)
    }

    /// Begins what is shown again and again anew: on a terminal, with an empty screen.
    pub(crate) fn new_screen(&self, is_first: bool) {
        if self.is_terminal() {
            print("\x1b[2J\x1b[H\x1b[A");
        } else if !is_first {
            self.line("");
        }
    }

    /// Text in the colour of its meaning.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        if self.is_colored {
            format!("\x1b[{}m{text}\x1b[0m", tone.code())
        } else {
            text.to_owned()
        }
    }

    /// One line of text; nothing where JSON is asked for. What comes from outside goes through
    /// [`plain`] first.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.is_json {
            print(text.as_ref());
        }
    }

    /// A table; nothing where JSON is asked for. Cells are made [`plain`].
    pub(crate) fn table(&self, headings: &[&str], rows: &[Vec<String>]) {
        if self.is_json {
            return;
        }
        for line in self.lay_out(headings, rows) {
            print(&line);
        }
    }

    fn lay_out(&self, headings: &[&str], rows: &[Vec<String>]) -> Vec<String> {
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(|cell| plain(cell)).collect())
            .collect();
        let mut widths: Vec<usize> = headings.iter().map(|text| width(text)).collect();
        for row in &cells {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = (*widest).max(width(cell));
            }
        }
        let lay_out = |row: &mut dyn Iterator<Item = &str>| {
            let mut line = String::new();
            for (cell, widest) in row.zip(&widths) {
                let gap = " ".repeat(widest.saturating_sub(width(cell)) + 2);
                // Writing to a string cannot fail.
                let _ = write!(line, "{cell}{gap}");
            }
            line.trim_end().to_owned()
        };
        let heading = lay_out(&mut headings.iter().copied());
        let mut lines = vec![self.paint(Tone::Strong, &heading)];
        for row in &cells {
            lines.push(lay_out(&mut row.iter().map(String::as_str)));
        }
        lines
    }

    /// One JSON document on a line of its own; nothing where text is asked for.
    pub(crate) fn json(&self, value: &impl Serialize) {
        if self.is_json {
            match serde_json::to_string(value) {
                Ok(text) => print(&text),
                Err(error) => self.note(format!("the output cannot be written as JSON: {error}")),
            }
        }
    }

    /// What is the same whether text or JSON is asked for.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        // A reader that has gone is no failure of ours.
        let _ = std::io::stdout().lock().write_all(bytes);
    }

    /// A remark on standard error, which is not part of the result.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        let mut stderr = std::io::stderr().lock();
        // Where nobody can be told, nothing is left to be done.
        let _ = writeln!(stderr, "{}", text.as_ref());
    }

    /// Tells why a command failed.
    pub(crate) fn failure(&self, failure: &Failure) {
        if matches!(failure, Failure::Printed(_)) {
            return;
        }
        if self.is_json {
            self.json(&json!({
                "error": {
                    "kind": failure.kind().as_str(),
                    "exit_code": failure.code(),
                    "message": failure.told(),
                    "next": failure.advice(),
                },
            }));
            return;
        }
        self.note(format!("calcom-sync: {}", plain(&failure.told())));
        if let Some(advice) = failure.advice() {
            self.note(format!("  What to do: {}.", plain(advice)));
        }
    }

    /// Progress on standard error, where that is a terminal. Without a length, it only turns.
    pub(crate) fn progress(&self, length: Option<u64>, what: &str) -> Progress {
        let bar = match length {
            Some(length) => ProgressBar::new(length),
            None => ProgressBar::new_spinner(),
        };
        let is_shown = !self.is_json && std::io::stderr().is_terminal();
        bar.set_draw_target(if is_shown {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        let template = match length {
            Some(_) => "{msg} [{bar:30}] {pos}/{len}, {eta} left",
            None => "{spinner} {msg} {pos}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        if is_shown {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Progress(bar)
    }
}

fn common_flags(flags: &Global) -> String {
    if flags.demo {
        return " --demo".to_owned();
    }
    let of_environment = std::env::var_os("CALCOM_SYNC_CONFIG");
    match &flags.config {
        Some(file) if Some(file.as_os_str()) != of_environment.as_deref() => {
            format!(" --config {}", quoted(&file.display().to_string()))
        }
        _ => String::new(),
    }
}

/// Progress that is cleared when it is dropped.
#[derive(Debug)]
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Sets how far it has come.
    pub(crate) fn at(&self, position: u64) {
        self.0.set_position(position);
    }

    /// Sets what is going on.
    pub(crate) fn says(&self, what: &str) {
        self.0.set_message(plain(what));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    // A reader that has gone, such as `head`, is no failure of ours.
    let _ = writeln!(stdout, "{text}");
}

/// Text from outside without control characters, which could take over a terminal.
pub(crate) fn plain(text: &str) -> String {
    let is_unsafe =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|c| if is_unsafe(c) { ' ' } else { c })
        .collect()
}

/// A word on a command line that a shell takes as it is.
pub(crate) fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", plain(word).replace('\'', r"'\''"))
}

/// A number of things, such as `1 change` or `2 changes`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {one}s"),
    }
}

/// How many columns a text takes, near enough.
fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(color: Color) -> Output {
        Output::new(&Global {
            color,
            ..Global::default()
        })
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_split_or_read_it() {
        assert_eq!(quoted("a-1"), "a-1");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted("$(x)"), "'$(x)'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn a_table_lines_up_and_carries_no_control_characters() {
        let rows = [
            vec!["a-1".to_owned(), "Ann\x1b[31m\nBerg".to_owned()],
            vec!["a-1000".to_owned(), "Zoë".to_owned()],
        ];
        let lines = output(Color::Never).lay_out(&["id", "name"], &rows);
        assert_eq!(
            lines,
            ["id      name", "a-1     Ann [31m Berg", "a-1000  Zoë"]
        );
    }

    #[test]
    fn colours_are_used_only_where_they_are_wanted() {
        assert_eq!(
            output(Color::Always).paint(Tone::Bad, "no"),
            "\x1b[31mno\x1b[0m"
        );
        assert_eq!(output(Color::Never).paint(Tone::Bad, "no"), "no");
        // Tests do not run on a terminal's standard output.
        let json = Output::new(&Global {
            color: Color::Always,
            json: true,
            ..Global::default()
        });
        assert_eq!(json.paint(Tone::Bad, "no"), "no");
    }
}
