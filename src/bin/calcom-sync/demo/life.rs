//! Life: somebody books, moves or cancels every few seconds, at either side.

use std::time::Duration;

use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::store::{AppointmentStatus, Origin, Page, Resolution, StoreError, StoreErrorKind};
use calcom::sync::SyncEngine;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::salon::{Salon, Service};
use super::stage::Taker;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Output, Tone};

/// The pause between two events, in milliseconds; at first, and once it has run for a while, so that
/// a forgotten demo stays small.
const LIVELY: std::ops::Range<u64> = 2_000..4_000;
const CALM: std::ops::Range<u64> = 8_000..15_000;
const LIVELY_FOR: Duration = Duration::from_secs(60 * 60);

/// How many bookings there are at least and at most.
const FEW: usize = 12;
const MANY: usize = 28;

/// How many items may wait for a decision before the demo decides some itself.
const MOST_REVIEWS: usize = 12;

/// Lives for ever; fails only if the database does.
pub(super) async fn live(salon: &Salon, context: &Context, output: &Output) -> Result<(), Failure> {
    let begun = Instant::now();
    let taker = Taker {
        salon,
        context,
        tenant: context.tenant()?,
    };
    let run = SystemEntropy.next_u64() % 100_000;
    for number in 1_u64.. {
        let pause = if begun.elapsed() < LIVELY_FOR {
            LIVELY
        } else {
            CALM
        };
        let pause = salon.chance().u64(pause);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        match event(&taker, run, number).await {
            Ok(Some(told)) => tell(output, &told),
            Ok(None) => {}
            // Somebody was faster; it is the demo's own users who decide, so that nothing is wrong.
            Err(error) if error.kind() == StoreErrorKind::Conflict => {}
            Err(error) if error.kind() == StoreErrorKind::Unavailable => {
                tracing::warn!(%error, "the demo's database is busy");
            }
            Err(error) => return Err(error.into()),
        }
        if number % 20 == 0 {
            tidy(&taker).await?;
        }
    }
    Ok(())
}

struct Told {
    side: &'static str,
    what: String,
}

fn tell(output: &Output, told: &Told) {
    let time = SystemClock.now().format("%H:%M:%S");
    let side = output.paint(Tone::Faint, &format!("{time}  {:<8}", told.side));
    output.line(format!("{side} {}", told.what));
}

fn when(start: DateTime<Utc>) -> String {
    start.format("%a %-d %b %H:%M UTC").to_string()
}

/// One event at one of the sides; `None` if there was nothing to be done.
async fn event(taker: &Taker<'_>, run: u64, number: u64) -> Result<Option<Told>, StoreError> {
    let salon = taker.salon;
    let live = salon.upcoming().len();
    let die = match live {
        ..FEW => salon.chance().u32(..40),
        FEW..MANY => salon.chance().u32(..100),
        _ => salon.chance().u32(40..100),
    };
    match die {
        0..18 => Ok(attendee_books(taker).await),
        18..30 => takes(taker, &format!("phone-{run}-{number}"), Origin::Phone).await,
        30..40 => takes(taker, &format!("admin-{run}-{number}"), Origin::Admin).await,
        40..58 => Ok(attendee_moves(salon).await),
        58..72 => reception_moves(taker).await,
        72..86 => Ok(attendee_cancels(salon).await),
        _ => reception_cancels(taker).await,
    }
}

async fn attendee_books(taker: &Taker<'_>) -> Option<Told> {
    let (booking, service) = taker.booking()?;
    let start = booking.start;
    let booked = taker.salon.fake.book(booking).await.ok()?;
    let name = booked
        .attendees
        .first()
        .map(|attendee| attendee.name.clone());
    Some(Told {
        side: "Cal.com",
        what: format!(
            "{} books: {}, {}",
            name.unwrap_or_else(|| "Somebody".to_owned()),
            service.name,
            when(start)
        ),
    })
}

async fn takes(taker: &Taker<'_>, id: &str, origin: Origin) -> Result<Option<Told>, StoreError> {
    let salon = taker.salon;
    let service: Service = salon.any_service().clone();
    let Some(start) = salon.free_time(service.length) else {
        return Ok(None);
    };
    let person = salon.somebody();
    let name = person.name.clone();
    let state = salon.appointment(&service, start, person);
    let who = if origin == Origin::Phone {
        "phone"
    } else {
        "admin"
    };
    taker.take(id, state, origin).await?;
    Ok(Some(Told {
        side: "Salon",
        what: format!("{who} takes {name}: {}, {}", service.name, when(start)),
    }))
}

async fn attendee_moves(salon: &Salon) -> Option<Told> {
    let booking = salon.any_booking()?;
    let start = salon.free_time(booking.end - booking.start)?;
    let moved = salon.fake.move_booking(&booking.uid, start).await.ok()?;
    let name = moved
        .attendees
        .first()
        .map(|attendee| attendee.name.clone())?;
    Some(Told {
        side: "Cal.com",
        what: format!(
            "{name} moves from {} to {}",
            when(booking.start),
            when(start)
        ),
    })
}

async fn attendee_cancels(salon: &Salon) -> Option<Told> {
    let booking = salon.any_booking()?;
    let cancelled = salon
        .fake
        .cancel_booking(&booking.uid, "I cannot make it")
        .await;
    let cancelled = cancelled.ok()?;
    let name = cancelled
        .attendees
        .first()
        .map(|attendee| attendee.name.clone())?;
    Some(Told {
        side: "Cal.com",
        what: format!("{name} cancels {}", when(booking.start)),
    })
}

async fn reception_moves(taker: &Taker<'_>) -> Result<Option<Told>, StoreError> {
    let Some(found) = theirs(taker).await? else {
        return Ok(None);
    };
    let Some(start) = taker.salon.free_time(found.state.end - found.state.start) else {
        return Ok(None);
    };
    let (name, before) = (found.state.attendee.name.clone(), found.state.start);
    taker.move_to(&found.id, start).await?;
    Ok(Some(Told {
        side: "Salon",
        what: format!(
            "admin moves {name} from {} to {}",
            when(before),
            when(start)
        ),
    }))
}

async fn reception_cancels(taker: &Taker<'_>) -> Result<Option<Told>, StoreError> {
    let Some(found) = theirs(taker).await? else {
        return Ok(None);
    };
    let mut state = found.state.clone();
    state.status = AppointmentStatus::Cancelled;
    taker
        .write(&found.id, found.revision, state, Origin::Admin)
        .await?;
    Ok(Some(Told {
        side: "Salon",
        what: format!(
            "admin cancels {}, {}",
            found.state.attendee.name,
            when(found.state.start)
        ),
    }))
}

/// An appointment that the reception may touch: one that both sides have.
async fn theirs(taker: &Taker<'_>) -> Result<Option<calcom::store::Appointment>, StoreError> {
    let Some(booking) = taker.salon.any_booking() else {
        return Ok(None);
    };
    let Some(id) = taker.appointment_of(&booking.uid).await? else {
        return Ok(None);
    };
    if taker.salon.keeps(&id) {
        return Ok(None);
    }
    let found = taker.context.appointments.get(taker.tenant, &id).await?;
    let agrees = |found: &calcom::store::Appointment| {
        found.state.status.is_live() && found.state.start == booking.start
    };
    Ok(found.filter(agrees))
}

/// Keeps the list of open items short, without touching those of the stage.
async fn tidy(taker: &Taker<'_>) -> Result<(), Failure> {
    let (engine, tenant) = (&taker.context.engine, taker.tenant);
    let open = engine.open_reviews(tenant, Page::first(100)).await?;
    let excess = open.len().saturating_sub(MOST_REVIEWS);
    let own = open.iter().filter(|item| {
        let appointment = item.appointment.as_ref();
        !appointment.is_some_and(|id| taker.salon.keeps(id))
    });
    for item in own.take(excess) {
        // Somebody may have decided meanwhile.
        let _ = engine
            .resolve(tenant, item.id, Resolution::Dismiss, "demo")
            .await;
    }
    Ok(())
}
