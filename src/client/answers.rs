//! How the latest requests went, as a pure state machine that receives the time as a parameter.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::error::ErrorKind;

/// How many requests are remembered at most.
const REMEMBERED: usize = 256;

/// For how long.
const WINDOW: Duration = Duration::from_secs(5 * 60);

/// One request.
#[derive(Clone, Copy, Debug)]
struct Sample {
    ended_at: Instant,
    /// Milliseconds would hide the difference between a fast and a very fast server.
    took_micros: u32,
    was_answered: bool,
    failed: bool,
}

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) took: Duration,
    /// Whether there was an answer, however bad.
    pub(super) was_answered: bool,
    pub(super) error: Option<ErrorKind>,
}

#[derive(Debug, Default)]
pub(super) struct Answers {
    latest: VecDeque<Sample>,
    last_success_at: Option<DateTime<Utc>>,
    last_failure: Option<(DateTime<Utc>, ErrorKind)>,
}

/// A summary of the latest requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AnswerSummary {
    pub(crate) count: u32,
    pub(crate) failed: u32,
    /// The median and the 95th percentile of the time until the answer.
    pub(crate) percentiles: Option<(Duration, Duration)>,
    pub(crate) last_success_at: Option<DateTime<Utc>>,
    pub(crate) last_failure: Option<(DateTime<Utc>, ErrorKind)>,
}

/// Whether an error is one of the connection or the credentials, and not of the single request.
fn is_failure(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Server
            | ErrorKind::Transport
            | ErrorKind::Decode
            | ErrorKind::RateLimited
            | ErrorKind::Unauthorized
    )
}

impl Answers {
    /// Notes a request that has just ended.
    pub(super) fn note(&mut self, ended: Ended, now: Instant, utc: DateTime<Utc>) {
        let failure = ended.error.filter(|kind| is_failure(*kind));
        match failure {
            None if ended.was_answered => self.last_success_at = Some(utc),
            None => {}
            Some(kind) => self.last_failure = Some((utc, kind)),
        }
        if self.latest.len() == REMEMBERED {
            self.latest.pop_front();
        }
        self.latest.push_back(Sample {
            ended_at: now,
            took_micros: u32::try_from(ended.took.as_micros()).unwrap_or(u32::MAX),
            was_answered: ended.was_answered,
            failed: failure.is_some(),
        });
    }

    pub(super) fn summary(&self, now: Instant) -> AnswerSummary {
        let recent = self.latest.iter();
        let recent =
            recent.filter(|sample| now.saturating_duration_since(sample.ended_at) < WINDOW);
        let mut took = Vec::with_capacity(self.latest.len());
        let mut failed = 0;
        for sample in recent {
            failed += u32::from(sample.failed);
            if sample.was_answered {
                took.push(sample.took_micros);
            }
        }
        took.sort_unstable();
        let percentiles = percentile(&took, 50).zip(percentile(&took, 95));
        AnswerSummary {
            count: u32::try_from(took.len()).unwrap_or(u32::MAX),
            failed,
            percentiles,
            last_success_at: self.last_success_at,
            last_failure: self.last_failure,
        }
    }
}

/// The smallest value that at least so many percent of the sorted values do not exceed.
fn percentile(sorted: &[u32], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100);
    let micros = sorted.get(rank.checked_sub(1)?)?;
    Some(Duration::from_micros(u64::from(*micros)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UTC: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn answered(millis: u64) -> Ended {
        Ended {
            took: Duration::from_millis(millis),
            was_answered: true,
            error: None,
        }
    }

    fn failed(kind: ErrorKind, was_answered: bool) -> Ended {
        Ended {
            error: Some(kind),
            was_answered,
            ..answered(1)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn percentiles_are_those_of_the_answers() {
        let mut answers = Answers::default();
        let now = Instant::now();
        assert_eq!(answers.summary(now), AnswerSummary::default());
        for millis in (1..=100).rev() {
            answers.note(answered(millis), now, UTC);
        }
        // Refused at once: that says nothing about how fast the server is.
        answers.note(failed(ErrorKind::Transport, false), now, UTC);
        let summary = answers.summary(now);
        assert_eq!((summary.count, summary.failed), (100, 1));
        let expected = (Duration::from_millis(50), Duration::from_millis(95));
        assert_eq!(summary.percentiles, Some(expected));
        answers = Answers::default();
        answers.note(answered(7), now, UTC);
        let one = (Duration::from_millis(7), Duration::from_millis(7));
        assert_eq!(answers.summary(now).percentiles, Some(one));
    }

    #[tokio::test(start_paused = true)]
    async fn it_remembers_few_and_not_for_long() {
        let mut answers = Answers::default();
        let start = Instant::now();
        for _ in 0..10_000 {
            answers.note(failed(ErrorKind::Server, true), start, UTC);
        }
        assert_eq!(answers.latest.len(), REMEMBERED);
        let later = start + Duration::from_secs(60);
        answers.note(answered(1), later, UTC);
        let summary = answers.summary(later);
        assert_eq!((summary.count, summary.failed), (256, 255));
        let summary = answers.summary(start + WINDOW);
        assert_eq!((summary.count, summary.failed), (1, 0));
        // When it last went well or not is remembered for as long as it takes.
        let summary = answers.summary(later + WINDOW);
        assert_eq!((summary.count, summary.percentiles), (0, None));
        assert_eq!(summary.last_success_at, Some(UTC));
        assert_eq!(summary.last_failure, Some((UTC, ErrorKind::Server)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_request_is_no_failure_of_the_connection() {
        let mut answers = Answers::default();
        let now = Instant::now();
        for kind in [
            ErrorKind::SlotUnavailable,
            ErrorKind::NotFound,
            ErrorKind::Invalid,
            ErrorKind::Forbidden,
        ] {
            answers.note(failed(kind, true), now, UTC);
        }
        let summary = answers.summary(now);
        assert_eq!((summary.count, summary.failed), (4, 0));
        assert_eq!(
            (summary.last_success_at, summary.last_failure),
            (Some(UTC), None)
        );
        answers.note(failed(ErrorKind::Unauthorized, true), now, UTC);
        let summary = answers.summary(now);
        assert_eq!(summary.failed, 1);
        assert_eq!(summary.last_failure, Some((UTC, ErrorKind::Unauthorized)));
    }
}
