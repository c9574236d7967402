//! Cal.com, and the people who book, move and cancel there.

use std::sync::Arc;
use std::time::Duration;

use calcom::ambient::Clock;
use calcom::model::{Booking, BookingUid, NewAttendee, NewBooking, NewWebhook};
use calcom::testing::{
    FakeCalcom, FakeEventType, Fault, RecordedRequest, RequestOutcome, Then, When,
};

use crate::chance::Chance;
use crate::salon::{LaterClock, SECRET, Salon, Types, mark_of, person};

/// How long a call that the process is killed in would take.
const SLOW: Duration = Duration::from_millis(400);

/// Where a call is hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// Before Cal.com carries it out, which it does all the same.
    Request,
    /// After Cal.com has carried it out, and before it answers.
    Answer,
}

pub(crate) async fn start(seed: u64, clock: &LaterClock) -> (FakeCalcom, Types) {
    let clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let fake = FakeCalcom::builder()
        .seed(seed)
        .clock(clock)
        // Of two changes at once, Cal.com would make two bookings by itself.
        .processing_time(Duration::ZERO);
    let fake = fake.start().await.unwrap();
    let types = Types {
        plain: fake.event_type_id(),
        other: fake.add_event_type(FakeEventType::new("other-45", 45)),
        lengths: fake
            .add_event_type(FakeEventType::new("lengths-30", 30).with_lengths([30, 60, 90])),
        confirm: fake.add_event_type(FakeEventType::new("confirm-30", 30).with_confirmation()),
    };
    (fake, types)
}

pub(crate) fn subscribe(fake: &FakeCalcom, url: String) {
    fake.subscribe(url, SECRET, NewWebhook::booking_triggers());
}

/// The next write becomes so slow that the process can be killed while it waits.
pub(crate) fn slow_down(fake: &FakeCalcom, within: Within) {
    let then = match within {
        Within::Request => Then::DelayBefore(SLOW),
        Within::Answer => Then::DelayAfterApplying(SLOW),
    };
    fake.inject(Fault::new(When::AnyWrite, then));
}

/// Whether the process waits in such a call.
pub(crate) fn is_waiting(fake: &FakeCalcom, since: usize, within: Within) -> bool {
    let writes = fake.writes();
    let mut new = writes.iter().skip(since);
    new.any(|write| write.applied || within == Within::Request)
}

/// Waits for the requests that are under way, whoever has sent them: only the clock is put forward, and none of them takes effect
/// after the time for which the engine waits.
pub(crate) async fn carry_out_what_was_sent(fake: &FakeCalcom) {
    let patience = tokio::time::Instant::now() + 10 * SLOW;
    let is_open = |write: &RecordedRequest| write.outcome == RequestOutcome::Open;
    while fake.writes().iter().any(is_open) {
        // One whose sender is gone need not be noted as ended.
        if tokio::time::Instant::now() > patience {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What somebody has changed: the mark of the booking, and where it was moved to.
pub(crate) type ChangedThere = Option<(String, Option<BookingUid>)>;

/// Somebody books, moves or cancels.
pub(crate) async fn somebody_acts(
    fake: &FakeCalcom,
    salon: &Salon,
    chance: &mut Chance,
    mark: &str,
) -> ChangedThere {
    let live = fake.live_bookings();
    let kind = chance.number(0..10);
    let booking: Option<&Booking> = chance.pick(&live).filter(|_| kind >= 4);
    let Some(booking) = booking else {
        let (event_type, minutes) = salon.types.some(chance);
        let attendee = NewAttendee::from(&person(mark, 0));
        let mut booking = NewBooking::new(event_type, salon.slot(chance), attendee);
        if event_type == salon.types.lengths {
            booking = booking.with_length(minutes);
        }
        // The slot may be taken.
        let _ = fake.book(booking).await;
        return None;
    };
    let uid = &booking.uid;
    // It may have been changed since, or the slot be taken.
    let (mark, _) = mark_of(&booking.attendees[0].email);
    let moved_to = match kind {
        4..=7 => {
            let moved = fake.move_booking(uid, salon.slot(chance)).await;
            Some(moved.ok()?.uid)
        }
        _ => {
            fake.cancel_booking(uid, "ill").await.ok()?;
            None
        }
    };
    Some((mark.to_owned(), moved_to))
}
