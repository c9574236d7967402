//! Messages, deduplication and possible resolutions of review items.

use std::error::Error as StdError;

use crate::model::{clean_line, clean_text};
use crate::store::{
    AppointmentState, NewReview, Resolution, ReviewEnd, ReviewEvidence, ReviewItem, ReviewReason,
    ReviewScope, StoreError, StoreErrorKind,
};

/// What happened and what can be done about it, for reasons that need no further detail.
pub(super) fn explain(reason: &ReviewReason) -> &'static str {
    match reason {
        ReviewReason::Conflict => {
            "The appointment and its booking were both changed, differently. Take Cal.com's state, force the appointment's, or accept the difference."
        }
        ReviewReason::AppointmentMissing => {
            "The appointment cannot be found, and its booking lives. Force the host's side to cancel the booking, put the appointment back under its id and retry, or accept the difference."
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
        ReviewReason::PausedByPerson => {
            "A person has paused the tenant's work. Resume the tenant, or retry this item, to go on."
        }
        ReviewReason::HandlerFailed => {
            "The handler of another sender's event has not taken it. Fix the cause, then retry, or dismiss the event."
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

/// The item that goes with a pause by a person.
pub(super) fn of_pause(by: &str, why: &str) -> NewReview {
    let by = clean_line(by);
    let why = clean_line(why);
    let reason = match why.trim() {
        "" => String::new(),
        why => format!(" Reason given: {why}."),
    };
    let message = format!(
        "The tenant's work was paused by {by}.{reason} What comes in is stored and waits. Resume the tenant, or retry this item, to go on."
    );
    let reason = ReviewReason::PausedByPerson;
    let cause = reason.as_str().to_owned();
    let review = NewReview::of_tenant(cause, reason, ReviewEvidence::new(message));
    review.ending(ReviewEnd::WithCause)
}

/// A decision that can be made about a review item, and what it will do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The decision; a rebooking is listed with the first free slot of the evidence, or with the
    /// appointment's own start if there is none.
    pub resolution: Resolution,
    /// What it will do, in a sentence or two.
    pub effect: String,
    /// Whether the item's reason suggests it.
    pub is_suggested: bool,
}

/// The decisions that make sense about an open item, those that its reason suggests first; none about
/// a resolved one. Pure: an item's evidence is of when its cause last occurred, and a decision is
/// carried out on what both sides hold then.
///
/// All of them can be [resolved](super::SyncEngine::resolve) with. Others are accepted too, where an
/// item can take them, and would only bring the same item up again, or book an appointment twice.
///
/// ```
/// # fn show(item: &calcom::store::ReviewItem) {
/// for choice in calcom::sync::choices(item) {
///     println!("{}: {}", choice.resolution.as_str(), choice.effect);
/// }
/// # }
/// ```
pub fn choices(item: &ReviewItem) -> Vec<Choice> {
    if item.resolved.is_some() {
        return Vec::new();
    }
    let evidence = &item.evidence;
    let own_start = evidence.local.as_ref().map(|local| local.start);
    let slot = evidence.alternatives.first().copied().or(own_start);
    let all = [
        Some(Resolution::Retry),
        Some(Resolution::TakeRemote),
        Some(Resolution::ForceLocal),
        Some(Resolution::AcceptDifference),
        slot.map(Resolution::rebook),
        Some(Resolution::Dismiss),
    ];
    let sides = Sides::of(item);
    let possible = all
        .into_iter()
        .flatten()
        .filter(|one| makes_sense(item, sides, one));
    let mut choices: Vec<Choice> = possible
        .map(|resolution| Choice {
            effect: effect(item, sides, &resolution).to_owned(),
            is_suggested: suggests(item, &resolution),
            resolution,
        })
        .collect();
    // What a reason recommends may not be possible.
    if !choices.iter().any(|choice| choice.is_suggested)
        && let Some(retry) = choices.first_mut()
    {
        retry.is_suggested = true;
    }
    choices.sort_by_key(|choice| !choice.is_suggested);
    choices
}

/// What an item's evidence says of one side.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Absent,
    Ended,
    Live,
}

#[derive(Clone, Copy)]
struct Sides {
    local: Side,
    remote: Side,
}

impl Sides {
    fn of(item: &ReviewItem) -> Self {
        let side = |state: &Option<AppointmentState>| match state {
            None => Side::Absent,
            Some(state) if state.status.is_live() => Side::Live,
            Some(_) => Side::Ended,
        };
        Self {
            local: side(&item.evidence.local),
            remote: side(&item.evidence.remote),
        }
    }
}

/// Whether a decision would end the case. Orders do where the engine has compared both sides or was
/// refused a write; in all other cases it stops before it comes to them.
fn makes_sense(item: &ReviewItem, sides: Sides, resolution: &Resolution) -> bool {
    use ReviewReason as Why;
    use Side::{Absent, Ended, Live};
    if check(item, resolution).is_err() {
        return false;
    }
    match resolution {
        Resolution::Retry => return true,
        // While the pause lasts, its item can only be retried.
        Resolution::Dismiss => {
            return !matches!(item.reason, Why::CredentialsRefused | Why::PausedByPerson);
        }
        // Both sides agree: the item asks what somebody may have meant.
        _ if item.ends == ReviewEnd::ByPerson => return false,
        _ => {}
    }
    let is_compared = match &item.reason {
        Why::Conflict | Why::OriginContradicted | Why::RemoteEnded | Why::NotExpressible => true,
        // The reason is also that of one that never became visible, whose booking is unknown.
        Why::AppointmentMissing => sides.remote == Live,
        Why::BookingMissing => sides.local != Absent,
        // The read went well, and the write was refused: what is not written there can be ordered.
        Why::HostRefused => sides.local != Absent && sides.remote != Absent,
        _ => false,
    };
    let is_refused = matches!(
        item.reason,
        Why::SlotTaken | Why::Rejected | Why::RequiredFieldMissing
    );
    match resolution {
        Resolution::TakeRemote => {
            let is_there = match sides.remote {
                Absent => false,
                Ended => sides.local == Live,
                Live => sides.local != Absent,
            };
            (is_compared || is_refused) && is_there && item.reason != Why::HostRefused
        }
        // Where a write was refused, to force it is to retry it.
        Resolution::ForceLocal => is_compared && (sides.local == Live || sides.remote == Live),
        Resolution::AcceptDifference => is_compared || (is_refused && sides.local != Absent),
        // A move decides no conflict, and revives no booking.
        Resolution::Rebook { .. } => {
            let is_free = is_refused && item.reason != Why::RequiredFieldMissing;
            let in_the_way = item.reason == Why::AnotherBooking;
            (is_free || in_the_way) && sides.local == Live && sides.remote != Ended
        }
        _ => false,
    }
}

/// What the text of [`explain`] recommends.
fn suggests(item: &ReviewItem, resolution: &Resolution) -> bool {
    use ReviewReason as Why;
    let suggested: &[&str] = match &item.reason {
        Why::HandlerFailed => &["retry"],
        _ if item.ends == ReviewEnd::ByPerson => &["dismiss"],
        Why::Conflict => &["take_remote", "force_local", "accept_difference"],
        Why::AppointmentMissing if item.evidence.remote.is_some() => {
            &["force_local", "accept_difference"]
        }
        Why::BookingMissing if item.evidence.local.is_some() => {
            &["force_local", "accept_difference"]
        }
        Why::OriginContradicted | Why::RemoteEnded => &["take_remote", "force_local"],
        Why::NotExpressible => &["take_remote", "accept_difference"],
        Why::SlotTaken => &["rebook"],
        Why::ForeignBooking => &["dismiss"],
        _ => &["retry"],
    };
    suggested.contains(&resolution.as_str())
}

fn effect(item: &ReviewItem, sides: Sides, resolution: &Resolution) -> &'static str {
    use ReviewReason as Why;
    use Side::{Absent, Ended, Live};
    match resolution {
        Resolution::Retry if item.reason == Why::PausedByPerson => "Resumes the tenant's work.",
        Resolution::Retry if item.reason == Why::CredentialsRefused => {
            "Resumes the tenant's work, unless a person has paused it too. Replace the credentials first, or it is paused again."
        }
        Resolution::Retry if item.reason == Why::HandlerFailed => {
            "Calls the handler again with the event. If it fails every time, a new item is opened."
        }
        Resolution::Retry if item.link.is_none() => {
            "Looks again and retries, for every appointment that is involved."
        }
        Resolution::Retry => {
            "Reads both sides again and retries what failed. If the cause is still there, the item opens again."
        }
        Resolution::TakeRemote => match (sides.local, sides.remote) {
            (_, Ended) => {
                "Ends the appointment as its booking has ended at Cal.com. Nothing is changed at Cal.com."
            }
            (Ended, _) => {
                "Revives the appointment as Cal.com has it. Nothing is changed at Cal.com."
            }
            _ => "Changes the appointment to what Cal.com has. Nothing is changed at Cal.com.",
        },
        Resolution::ForceLocal => match (sides.local, sides.remote) {
            (Absent | Ended, _) => {
                "Cancels the booking at Cal.com, or declines it if it waits for confirmation; the attendee is told by e-mail."
            }
            (Live, Live) => {
                "Changes the booking at Cal.com to what the appointment says, as far as its API can, or replaces it by a new one; the attendee may be told by e-mail."
            }
            (Live, _) => "Books the appointment anew at Cal.com; the attendee is told by e-mail.",
        },
        Resolution::AcceptDifference => match (sides.local, sides.remote) {
            (Ended | Live, Live) => {
                "Changes neither side. This difference is not reported again; later changes are synced as usual."
            }
            _ => {
                "Changes neither side. This difference is not reported again, unless one of them changes."
            }
        },
        Resolution::Rebook { .. } if sides.remote == Live => {
            "Moves the appointment to the slot that you pick, and its booking with it; the attendee is told by e-mail."
        }
        Resolution::Rebook { .. } => {
            "Moves the appointment to the slot that you pick, and books it there; the attendee is told by e-mail."
        }
        Resolution::Dismiss if item.reason == Why::HandlerFailed => {
            "Closes the item. The event counts as dealt with: its handler is not called again."
        }
        Resolution::Dismiss => {
            "Closes the item and changes nothing. The next change or webhook may open it again."
        }
        Resolution::Settled => "",
    }
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
        // Another one would be the second for its booking.
        (ReviewScope::Link, Resolution::TakeRemote)
            if item.reason == ReviewReason::AppointmentMissing =>
        {
            "an appointment that is missing is not made again: put it back under its id, and retry"
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
