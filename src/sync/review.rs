//! Messages, deduplication and possible resolutions of review items.

use std::error::Error as StdError;

use crate::model::clean_text;
use crate::store::{Resolution, ReviewItem, ReviewReason, ReviewScope, StoreError, StoreErrorKind};

/// What happened and what can be done about it, for reasons that need no further detail.
pub(super) fn explain(reason: &ReviewReason) -> &'static str {
    match reason {
        ReviewReason::Conflict => {
            "The appointment and its booking were both changed, differently. Take Cal.com's state, force the appointment's, or accept the difference."
        }
        ReviewReason::AppointmentMissing => {
            "The appointment cannot be found, and its booking lives. Force the host's side to cancel the booking, take Cal.com's to make the appointment again, or accept the difference."
        }
        ReviewReason::BookingMissing => {
            "Cal.com does not know the booking any more. It may have been deleted there. Force the appointment's state to book it anew, or accept the difference."
        }
        ReviewReason::RevisionMissing => {
            "A revision that was recorded, or that the engine wrote, never became visible in the host's repository. Retry once it is there."
        }
        ReviewReason::LinkLost => {
            "The appointment was made for a booking, and which one is not known any more. Find it at Cal.com; forcing the appointment's state would book it a second time."
        }
        ReviewReason::OriginContradicted => {
            "The appointment says that Cal.com made its latest change, and Cal.com holds another state. Take Cal.com's state, or force the appointment's."
        }
        ReviewReason::RemoteEnded => {
            "The booking has ended at Cal.com and the appointment was changed since; a booking cannot be revived. Force the appointment's state to book it anew, or take Cal.com's to end it."
        }
        ReviewReason::NotExpressible => {
            "The appointment was changed in a way that Cal.com's API, or this server, cannot take. Take Cal.com's state, or accept the difference."
        }
        ReviewReason::SeatedBooking => {
            "The booking lives and has no attendee, so that nobody's appointment can be made of it. Look at it at Cal.com, then retry or dismiss the item."
        }
        ReviewReason::TwoLiveBookings => {
            "The appointment has more than one live booking. Cancel all but one at Cal.com, then retry."
        }
        _ => "Look at the evidence, then retry or dismiss.",
    }
}

/// An error with all its causes, addresses masked and the text cleaned: for log lines and evidence.
pub(super) fn with_causes(error: &(dyn StdError + 'static)) -> String {
    let mut text = mask_addresses(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = mask_addresses(&error.to_string());
        // Some errors repeat their causes.
        if !next.is_empty() && !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    clean_text(&text).into_owned()
}

/// An adapter's error may contain its input.
fn mask_addresses(text: &str) -> String {
    let words = text.split(' ');
    let masked = words.map(|word| {
        if word.contains('@') {
            "[address]"
        } else {
            word
        }
    });
    masked.collect::<Vec<_>>().join(" ")
}

/// Refuses a resolution that the item's turn could not carry out.
pub(super) fn check(item: &ReviewItem, resolution: &Resolution) -> Result<(), StoreError> {
    let scope = match item.link {
        Some(_) => ReviewScope::Link,
        None => ReviewScope::Tenant,
    };
    // The booking's state cannot be taken, so that there are no two sides to choose from.
    let is_unreadable = matches!(
        item.reason,
        ReviewReason::UnknownStatus | ReviewReason::SeatedBooking | ReviewReason::ForeignBooking
    );
    let why_not = match (scope, resolution) {
        (_, Resolution::Settled) => "only the engine settles an item",
        (_, Resolution::Retry | Resolution::Dismiss) => return Ok(()),
        (ReviewScope::Link, _) if is_unreadable => {
            "the booking's state cannot be taken: the item can be retried or dismissed"
        }
        (ReviewScope::Link, _) => return Ok(()),
        (ReviewScope::Tenant, _) => {
            "an item about the tenant as a whole can be retried or dismissed"
        }
    };
    Err(StoreError::new(StoreErrorKind::Invalid, why_not))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_once_and_without_addresses() {
        let inner = StoreError::new(StoreErrorKind::Unavailable, "no row for ann@example.com");
        let outer = StoreError::new(StoreErrorKind::Unavailable, "the table is away");
        let text = with_causes(&outer.with_source(inner));
        assert_eq!(text, "the table is away: no row for [address]");
    }

    #[test]
    fn every_reason_says_what_can_be_done() {
        for reason in ReviewReason::KNOWN {
            assert!(explain(reason).contains('.'), "{reason}");
        }
    }
}
