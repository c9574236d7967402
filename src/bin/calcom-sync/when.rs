//! Times and spans as a person reads them.

use std::time::Duration;

use calcom::ambient::{Clock, SystemClock};
use calcom::store::Window;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::cli::SpanArgs;
use crate::failure::Failure;

/// The current time.
pub(crate) fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// This machine's time zone; UTC if it does not say.
pub(crate) fn local_zone() -> Tz {
    let of_environment = std::env::var("TZ").ok();
    let of_link = || {
        let link = std::fs::read_link("/etc/localtime").ok()?;
        let link = link.to_str()?.to_owned();
        let (_, name) = link.split_once("zoneinfo/")?;
        Some(name.to_owned())
    };
    let of_file = || {
        let name = std::fs::read_to_string("/etc/timezone").ok()?;
        Some(name.trim().to_owned())
    };
    let names = [of_environment, of_link(), of_file()];
    let named = names.into_iter().flatten();
    let mut zones = named.filter_map(|name| name.trim_start_matches(':').parse().ok());
    zones.next().unwrap_or(Tz::UTC)
}

/// An instant in a zone, to the second.
pub(crate) fn time(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}

/// How long a span is, in the unit that suits it.
pub(crate) fn span(span: Duration) -> String {
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;
    let seconds = span.as_secs();
    match seconds {
        0 if span.as_millis() < 10 => {
            // Of what is this short, the fractions count.
            format!("{:.1} ms", span.as_secs_f64() * 1000.0)
        }
        0 => format!("{} ms", span.as_millis()),
        1..10 => format!("{:.1} s", span.as_secs_f64()),
        10..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => two(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
    }
}

fn two(large: u64, unit: &str, small: u64, smaller: &str) -> String {
    if small == 0 {
        format!("{large} {unit}")
    } else {
        format!("{large} {unit} {small} {smaller}")
    }
}

/// How long ago an instant was; nought for one that is still to come.
pub(crate) fn since(at: DateTime<Utc>) -> Duration {
    (now() - at).to_std().unwrap_or_default()
}

/// An instant as it is typed on the command line.
pub(crate) fn typed(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

impl SpanArgs {
    /// The window that is asked for; what is left out lies this many days behind or ahead of now.
    pub(crate) fn window(&self, days_behind: i64, days_ahead: i64) -> Result<Window, Failure> {
        let now = now().trunc_subsecs(0);
        let from = self
            .from
            .unwrap_or_else(|| now - TimeDelta::days(days_behind));
        let until = self
            .until
            .unwrap_or_else(|| now.max(from) + TimeDelta::days(days_ahead));
        if from >= until {
            return Err(Failure::settings(
                format!(
                    "the span of time is empty: it ends at {} and begins at {}",
                    typed(until),
                    typed(from)
                ),
                "let --until be later than --from",
            ));
        }
        Ok(Window::new(from, until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_the_unit_that_suits_it() {
        let told = |ms| span(Duration::from_millis(ms));
        assert_eq!(told(0), "0.0 ms");
        assert_eq!(told(250), "250 ms");
        assert_eq!(told(1_500), "1.5 s");
        assert_eq!(told(59_999), "59 s");
        assert_eq!(told(60_000), "1 min");
        assert_eq!(told(3_723_000), "1 h 2 min");
        assert_eq!(told(90_000_000), "1 d 1 h");
    }

    #[test]
    fn a_time_is_told_in_its_zone() {
        let at = "2026-12-08T09:00:00Z".parse().unwrap();
        assert_eq!(time(at, Tz::UTC), "2026-12-08 09:00:00 UTC");
        assert_eq!(time(at, Tz::Europe__Berlin), "2026-12-08 10:00:00 CET");
    }

    #[test]
    fn an_empty_span_is_refused() {
        let day = |text: &str| Some(text.parse().unwrap());
        let mut span = SpanArgs {
            from: day("2026-12-08T00:00:00Z"),
            until: day("2026-12-08T00:00:00Z"),
        };
        assert!(span.window(7, 90).is_err());
        span.until = None;
        assert!(span.window(7, 90).is_ok());
    }
}
