//! When a delivery was signed, and whether that is recent enough.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::webhook::VerifyError;

/// How far the time of a signature may be from now, in either direction. Retell, Stripe and Standard
/// Webhooks all recommend it.
pub(super) const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A number as it is written by whoever signs it: digits only, and no leading zeros.
pub(super) fn number(digits: &str) -> Result<i64, VerifyError> {
    // `parse` would also take a sign.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || (digits.len() > 1 && digits.starts_with('0')) {
        return Err(VerifyError::Malformed);
    }
    digits.parse().map_err(|_| VerifyError::Malformed)
}

/// The instant so many seconds after the epoch; no calendar has one for every number.
pub(super) fn from_seconds(seconds: i64) -> Result<DateTime<Utc>, VerifyError> {
    DateTime::from_timestamp(seconds, 0).ok_or(VerifyError::Malformed)
}

/// Checks that a signature is recent.
pub(super) fn check_age(
    signed_at: DateTime<Utc>,
    now: DateTime<Utc>,
    tolerance: Duration,
) -> Result<(), VerifyError> {
    let apart = now.signed_duration_since(signed_at).abs().to_std();
    if apart.is_ok_and(|apart| apart <= tolerance) {
        Ok(())
    } else {
        Err(VerifyError::Stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        from_seconds(seconds).unwrap()
    }

    #[test]
    fn a_number_is_digits_only() {
        assert_eq!(number("0"), Ok(0));
        assert_eq!(number("1796040000"), Ok(1_796_040_000));
        assert_eq!(number("9223372036854775807"), Ok(i64::MAX));
        for text in [
            "",
            " 1",
            "+1",
            "-1",
            "01",
            "1.5",
            "1e3",
            "0x1",
            "\u{661}",
            "9223372036854775808",
            &"9".repeat(400),
        ] {
            assert_eq!(number(text), Err(VerifyError::Malformed), "{text}");
        }
        assert_eq!(from_seconds(i64::MAX), Err(VerifyError::Malformed));
    }

    #[test]
    fn the_tolerance_holds_in_both_directions_and_includes_its_end() {
        let now = at(1_796_040_000);
        let second = Duration::from_secs(1);
        for direction in [1, -1] {
            let apart = |seconds: i64| at(1_796_040_000 + direction * seconds);
            assert_eq!(check_age(apart(300), now, TOLERANCE), Ok(()));
            assert_eq!(
                check_age(apart(301), now, TOLERANCE),
                Err(VerifyError::Stale)
            );
            assert_eq!(check_age(apart(1), now, second), Ok(()));
            assert_eq!(check_age(apart(2), now, second), Err(VerifyError::Stale));
        }
        assert_eq!(check_age(now, now, Duration::ZERO), Ok(()));
    }

    #[test]
    fn the_ends_of_time_do_not_overflow() {
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        for (signed_at, now) in [(first, last), (last, first)] {
            assert_eq!(
                check_age(signed_at, now, TOLERANCE),
                Err(VerifyError::Stale)
            );
            assert_eq!(check_age(signed_at, now, Duration::MAX), Ok(()));
        }
    }
}
