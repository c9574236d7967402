//! What a person reads: what happened, on which side, and why something was not done.

use std::io::IsTerminal;
use std::time::Duration;

use calcom::store::{LogEntry, LogEvent, Origin, Winner};
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::Row;
use crate::checks::Verdict;

#[derive(Clone)]
pub(crate) struct Timeline {
    begun: Instant,
    colours: bool,
}

#[derive(Clone, Copy)]
enum Colour {
    Dim,
    Bold,
    Green,
    Yellow,
    Red,
    Blue,
}

/// How an instant is shown.
pub(crate) fn when(instant: DateTime<Utc>) -> String {
    instant.format("%a %-d %b %H:%M").to_string()
}

impl Timeline {
    pub(crate) fn start() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none();
        Self {
            begun: Instant::now(),
            colours: wanted && std::io::stdout().is_terminal(),
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn paint(&self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Dim => "2",
            Colour::Bold => "1",
            Colour::Green => "32",
            Colour::Yellow => "33",
            Colour::Red => "31",
            Colour::Blue => "34",
        };
        if self.colours {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn title(&self, text: &str) {
        println!("{}", self.paint(Colour::Bold, text));
    }

    pub(crate) fn chapter(&self, text: &str) {
        println!("\n{}", self.paint(Colour::Bold, text));
    }

    pub(crate) fn note(&self, text: &str) {
        self.line(Colour::Dim, "", text);
    }

    /// Somebody at the host's desk does something.
    pub(crate) fn host(&self, text: &str) {
        self.line(Colour::Blue, "host", text);
    }

    /// Somebody at Cal.com does something, or something happens to it.
    pub(crate) fn calcom(&self, text: &str) {
        self.line(Colour::Blue, "Cal.com", text);
    }

    fn line(&self, colour: Colour, who: &str, text: &str) {
        let elapsed = self.elapsed();
        let time = format!("{:>3}.{:03}", elapsed.as_secs(), elapsed.subsec_millis());
        println!(
            "  {} {} {text}",
            self.paint(Colour::Dim, &time),
            self.paint(colour, &format!("{who:>8}")),
        );
    }

    /// A line of the sync log.
    pub(crate) fn entry(&self, entry: &LogEntry) {
        let (colour, text) = tell(&entry.event);
        let text = match &entry.appointment {
            Some(appointment) => format!("{}: {text}", shortened(appointment.as_str())),
            None => text,
        };
        self.line(colour, "engine", &text);
    }

    pub(crate) fn table(&self, rows: &[Row]) {
        let width = rows.iter().map(|row| row.question.len()).max().unwrap_or(0);
        println!("\n{}", self.paint(Colour::Bold, "The seven checks"));
        for (number, row) in rows.iter().enumerate() {
            let (colour, word, why) = match &row.verdict {
                Verdict::Passed => (Colour::Green, "passed", ""),
                Verdict::PassedExcept(why) => (Colour::Green, "passed", why.as_str()),
                Verdict::Failed(why) => (Colour::Red, "FAILED", why.as_str()),
            };
            println!(
                "  {}  {:width$}  {}  {:>6.2} s  {why}",
                number + 1,
                row.question,
                self.paint(colour, &format!("{word:<7}")),
                row.took.as_secs_f64(),
            );
        }
        let passed = rows
            .iter()
            .filter(|row| matches!(row.verdict, Verdict::Passed | Verdict::PassedExcept(_)))
            .count();
        println!(
            "\n{passed} of 7 passed in {:.1} s.",
            self.elapsed().as_secs_f64()
        );
    }
}

/// A name that fits into a line; the ready table's own names are long.
fn shortened(name: &str) -> String {
    const FITS: usize = 14;
    match name.char_indices().nth(FITS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

fn by(origin: &Origin) -> String {
    format!("asked for by {origin}")
}

/// A line of the sync log in words.
pub(crate) fn said(event: &LogEvent) -> String {
    tell(event).1
}

fn tell(event: &LogEvent) -> (Colour, String) {
    use LogEvent as E;
    match event {
        E::BookingCreated {
            booking, origin, ..
        } => (
            Colour::Green,
            format!("-> Cal.com: booked as {booking}, {}", by(origin)),
        ),
        E::BookingAdopted { booking, .. } => (
            Colour::Green,
            format!(
                "the answer never came, but {booking} carries our key: it is ours, nothing is sent again"
            ),
        ),
        E::BookingRescheduled {
            from, to, origin, ..
        } => (
            Colour::Green,
            format!("-> Cal.com: moved, {from} became {to}, {}", by(origin)),
        ),
        E::BookingCancelled {
            booking, origin, ..
        } => (
            Colour::Green,
            format!("-> Cal.com: {booking} cancelled, {}", by(origin)),
        ),
        E::AppointmentCreated { booking, .. } => (
            Colour::Green,
            format!("<- Cal.com: made for booking {booking}"),
        ),
        E::AppointmentUpdated { .. } => (
            Colour::Green,
            "<- Cal.com: brought to what Cal.com says".to_owned(),
        ),
        E::SkippedOriginCalcom => (
            Colour::Dim,
            "not pushed: the change came from Cal.com".to_owned(),
        ),
        E::SkippedNeverBooked => (
            Colour::Dim,
            "not pushed: it ended before Cal.com heard of it".to_owned(),
        ),
        E::NothingToDo {
            changes,
            deliveries,
            ..
        } => (
            Colour::Dim,
            match (changes, deliveries) {
                (0, 1) => "a webhook says look here; both sides agree already".to_owned(),
                (0, n) => format!("{n} webhooks say look here; both sides agree already"),
                _ => "looked; both sides agree already".to_owned(),
            },
        ),
        E::BaseMoved => (
            Colour::Dim,
            "both sides hold the same already: only the base moves".to_owned(),
        ),
        E::ConflictDecided { winner, .. } => (
            Colour::Yellow,
            match winner {
                Winner::Local => "both sides changed: the host's change holds".to_owned(),
                Winner::Remote => "both sides changed: Cal.com's change holds".to_owned(),
            },
        ),
        E::NotThereYet { booking, looks, .. } => (
            Colour::Yellow,
            format!("{booking} is announced as changed, not there yet (look {looks}): looks again"),
        ),
        E::Contradicted { booking, .. } => (
            Colour::Yellow,
            format!("what a webhook claimed of {booking} never became true"),
        ),
        E::DifferenceAccepted => (
            Colour::Dim,
            "Cal.com cannot hold the change: the difference is accepted".to_owned(),
        ),
        E::LateBookingCancelled { booking, .. } => (
            Colour::Yellow,
            format!("-> Cal.com: {booking} landed too late and is cancelled"),
        ),
        E::IgnoredNotSynced { booking, .. } => (
            Colour::Dim,
            format!("ignored: nobody keeps {booking}'s event type in sync"),
        ),
        E::InstructionEnded {
            resolution,
            outcome,
            ..
        } => (
            Colour::Green,
            format!("a person's {}: {outcome}", resolution.as_str()),
        ),
        E::IgnoredEnded { booking, .. } => (
            Colour::Dim,
            format!("ignored: {booking} ended before the host knew of it"),
        ),
        E::RetryScheduled {
            attempts, error, ..
        } => (
            Colour::Yellow,
            format!("attempt {attempts} failed, again soon: {error}"),
        ),
        E::Postponed { until, .. } => (
            Colour::Yellow,
            format!("waits until {}: Cal.com's rate limit", when(*until)),
        ),
        E::SentToReview { reason, .. } => {
            (Colour::Red, format!("a person has to decide: {reason}"))
        }
        E::ReviewResolved {
            reason,
            resolution,
            by,
            ..
        } => (
            Colour::Green,
            format!("review of {reason} closed by {by}: {}", resolution.as_str()),
        ),
        E::TenantPaused => (
            Colour::Red,
            "Cal.com refuses the credentials: the tenant is paused".to_owned(),
        ),
        other => (Colour::Dim, format!("{other:?}")),
    }
}
