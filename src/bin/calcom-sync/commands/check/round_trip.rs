//! `check --sync`: one booking there and back. Books a slot at Cal.com, waits until `serve` has made an
//! appointment of it, cancels it, and waits until that has arrived, too.

use std::time::Duration;

use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::Client;
use calcom::model::{
    BookingFilter, BookingQuery, BookingUid, CancelParams, EventTypeId, NewAttendee, NewBooking,
    SlotQuery,
};
use calcom::store::{AppointmentId, LinkKey, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::line::{Line, Lines};
use crate::cli::CheckArgs;
use crate::context::Context;
use crate::failure::{Failure, FailureKind};
use crate::signals::Stop;

const WHAT: &str = "sync";
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Nobody real comes at such short notice, and every event type can be booked so far ahead.
const FROM: TimeDelta = TimeDelta::days(2);
const UNTIL: TimeDelta = TimeDelta::days(21);
const ATTENDEE: &str = "calcom-sync check";
const REASON: &str = "A test by calcom-sync check";

pub(super) async fn run(
    context: &Context,
    arguments: &CheckArgs,
    stop: &mut Stop,
    lines: &mut Lines<'_>,
) {
    let mut trip = match RoundTrip::plan(context, arguments) {
        Ok(trip) => trip,
        Err(failure) => return lines.push(Line::failed(WHAT, &failure)),
    };
    let outcome = tokio::select! {
        outcome = trip.go() => outcome,
        () = stop.told() => Err(Failure::interrupted()),
    };
    match outcome {
        Ok(text) => lines.push(Line::fine(WHAT, text)),
        Err(failure) => lines.push(Line::failed(WHAT, &failure)),
    }
    // A booking that nobody wants would block the slot.
    if let Err(error) = trip.clean_up().await {
        let failure = Failure::new(
            FailureKind::Found,
            format!("the test booking of {ATTENDEE} could not be cancelled"),
            "look for it at Cal.com, and cancel it",
        )
        .because(error);
        lines.push(Line::failed("clean-up", &failure));
    }
}

/// What is still to be cancelled.
enum Open {
    Nothing,
    /// A booking was asked for, and nothing is known of it.
    Unknown,
    Booking(BookingUid),
}

struct RoundTrip<'a> {
    context: &'a Context,
    tenant: &'a TenantId,
    client: &'a Client,
    event_type: EventTypeId,
    wait: Duration,
    /// An address that no other run uses.
    email: String,
    open: Open,
}

impl<'a> RoundTrip<'a> {
    fn plan(context: &'a Context, arguments: &CheckArgs) -> Result<Self, Failure> {
        let tenant = context.tenant()?;
        let known = &context.settings_of(tenant)?.event_types;
        let event_type = match arguments.event_type {
            Some(id) if known.contains(&id) => id,
            Some(id) => {
                return Err(Failure::not_found(
                    format!("event type {id} is not one of the tenant's"),
                    "name one of event_types",
                ));
            }
            None => known.first().copied().ok_or_else(|| {
                Failure::settings("no event type can be booked", "set event_types")
            })?,
        };
        Ok(Self {
            context,
            tenant,
            client: context.client(tenant)?,
            event_type,
            wait: arguments.wait,
            email: format!(
                "calcom-sync-check-{:016x}@example.com",
                SystemEntropy.next_u64()
            ),
            open: Open::Nothing,
        })
    }

    async fn go(&mut self) -> Result<String, Failure> {
        let start = self.free_slot().await?;
        let attendee = NewAttendee::new(ATTENDEE, &self.email, "UTC".into());
        let begun = Instant::now();
        let booking = NewBooking::new(self.event_type, start, attendee);
        self.open = Open::Unknown;
        let booked = self.client.bookings().create(&booking).await?;
        let answered = begun.elapsed();
        let uid = booked
            .into_vec()
            .into_iter()
            .next()
            .map(|booked| booked.uid);
        let uid = uid.ok_or_else(|| {
            Failure::new(
                FailureKind::Unreachable,
                "Cal.com made no booking",
                "try again",
            )
        })?;
        self.open = Open::Booking(uid.clone());

        let key = LinkKey::Booking(uid.clone());
        self.until("the webhook of the booking", async || {
            Ok(self.context.store.find(self.tenant, &key).await?.map(drop))
        })
        .await?;
        let arrived = begun.elapsed();
        let id: AppointmentId = self
            .until("the appointment", async || {
                let link = self.context.store.find(self.tenant, &key).await?;
                Ok(link.and_then(|link| link.appointment))
            })
            .await?;
        let made = begun.elapsed();

        let begun = Instant::now();
        self.cancel(&uid).await?;
        self.open = Open::Nothing;
        self.until("the cancellation", async || {
            let found = self.context.appointments.get(self.tenant, &id).await?;
            Ok(found
                .filter(|found| !found.state.status.is_live())
                .map(drop))
        })
        .await?;
        let cancelled = begun.elapsed();
        Ok(format!(
            "booked {} in {}, the webhook was here after {}, the appointment after {}; cancelled on both sides in {}",
            start.format("%-d %b %H:%M UTC"),
            told(answered),
            told(arrived),
            told(made),
            told(cancelled),
        ))
    }

    async fn free_slot(&self) -> Result<DateTime<Utc>, Failure> {
        let now = SystemClock.now();
        let query = SlotQuery::new(self.event_type, now + FROM, now + UNTIL);
        let days = self.client.slots().list(&query).await?;
        let mut slots = days.into_values().flatten().map(|slot| slot.start);
        slots.next().ok_or_else(|| {
            Failure::new(
                FailureKind::Found,
                format!(
                    "event type {} has no free slot in the next three weeks",
                    self.event_type
                ),
                "name another one with --event-type",
            )
        })
    }

    async fn cancel(&self, uid: &BookingUid) -> Result<(), calcom::client::Error> {
        let params = CancelParams::reason(REASON);
        let cancelled = self.client.bookings().cancel(uid, &params).await;
        cancelled.map(drop)
    }

    /// Cancels what is left. A booking whose answer got lost is found by its attendee.
    async fn clean_up(&self) -> Result<(), calcom::client::Error> {
        match &self.open {
            Open::Nothing => Ok(()),
            Open::Booking(uid) => self.cancel(uid).await,
            Open::Unknown => {
                let query = BookingQuery::default()
                    .with_status(BookingFilter::Upcoming)
                    .with_attendee_email(&self.email);
                let bookings = self.client.bookings().list_all(query);
                let bookings: Vec<_> = bookings.try_collect().await?;
                for booking in bookings.iter().filter(|booking| booking.is_live()) {
                    self.cancel(&booking.uid).await?;
                }
                Ok(())
            }
        }
    }

    /// Looks until something is there.
    async fn until<T>(
        &self,
        what: &str,
        look: impl AsyncFn() -> Result<Option<T>, Failure>,
    ) -> Result<T, Failure> {
        let end = Instant::now() + self.wait;
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            if Instant::now() > end {
                return Err(Failure::new(
                    FailureKind::Unfinished,
                    format!("{what} did not arrive within {} s", self.wait.as_secs()),
                    "is `calcom-sync serve` running over this database? See the lines `webhook` and `public address`",
                ));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn told(time: Duration) -> String {
    match time.as_millis() {
        millis @ ..10_000 => format!("{millis} ms"),
        _ => format!("{} s", time.as_secs()),
    }
}
