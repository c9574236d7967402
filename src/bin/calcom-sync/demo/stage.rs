//! What is there when the demo begins: appointments from all three sides, and a few items that need a
//! decision, each made by its real cause.

use std::time::Duration;

use calcom::ambient::{Clock, SystemClock};
use calcom::model::{BookingUid, EventTypeId, NewAttendee, NewBooking};
use calcom::store::{
    AppointmentId, AppointmentWrite, LinkKey, Origin, StoreError, TenantId, Window,
};
use calcom::sync::{ServiceSyncParams, SyncEngine, Worker};
use chrono::{DateTime, TimeDelta, Utc};

use super::salon::{Salon, Service};
use crate::context::Context;
use crate::failure::{Failure, FailureKind};

/// How long everything may take to come to rest.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is due later than this is the last look for answers that got lost.
const SOON: Duration = Duration::from_secs(60);

/// Sets the stage. Nobody else works yet.
pub(super) async fn set(salon: &Salon, context: &Context) -> Result<(), Failure> {
    let tenant = context.tenant()?;
    refuse_used(context, tenant).await?;
    let import = ServiceSyncParams::default().with_import(true);
    context.engine.sync_services(tenant, import).await?;
    let taker = Taker {
        salon,
        context,
        tenant,
    };

    // So many that the few items below do not look like a rule.
    for _ in 0..16 {
        let Some((booking, _)) = taker.booking() else {
            break;
        };
        book(salon, booking).await?;
    }
    for (number, origin) in [Origin::Phone, Origin::Admin, Origin::Phone]
        .into_iter()
        .enumerate()
    {
        let service = salon.any_service().clone();
        if let Some(start) = salon.free_time(service.length) {
            let state = salon.appointment(&service, start, salon.somebody());
            taker
                .take(&format!("{origin}-{}", number + 1), state, origin)
                .await?;
        }
    }
    rest(context).await?;

    conflict(&taker).await?;
    slot_taken(&taker).await?;
    too_late(&taker).await?;
    unknown_service(&taker).await?;
    rest(context).await
}

/// The customer moves the appointment at Cal.com while the reception moves it, too.
async fn conflict(taker: &Taker<'_>) -> Result<(), Failure> {
    let (salon, context) = (taker.salon, taker.context);
    let service = salon.services[0].clone();
    let mut times = Vec::new();
    for _ in 0..3 {
        let Some(start) = salon.free_time(service.length) else {
            return Ok(());
        };
        salon.keep_time(start, service.length);
        times.push(start);
    }
    let state = salon.appointment(&service, times[0], salon.somebody());
    let id = taker.take("phone-conflict", state, Origin::Phone).await?;
    rest(context).await?;
    let Some(booking) = taker.booking_of(&id).await? else {
        return Ok(());
    };
    taker.move_to(&id, times[1]).await?;
    let moved = salon
        .fake
        .move_booking(&booking, times[2])
        .await
        .map_err(refused)?;
    salon.keep(&id, Some(&moved.uid));
    rest(context).await
}

/// The phone agent takes an appointment for a time that somebody else has booked meanwhile.
async fn slot_taken(taker: &Taker<'_>) -> Result<(), Failure> {
    let salon = taker.salon;
    let Some((booking, _)) = taker.booking() else {
        return Ok(());
    };
    let start = booking.start;
    let booked = book(salon, booking).await?;
    let service = salon.services[0].clone();
    let state = salon.appointment(&service, start, salon.somebody());
    let id = taker.take("phone-taken", state, Origin::Phone).await?;
    salon.keep(&id, Some(&booked));
    Ok(())
}

/// An appointment of last week is entered today.
async fn too_late(taker: &Taker<'_>) -> Result<(), Failure> {
    let salon = taker.salon;
    let service = salon.services[1].clone();
    let start = SystemClock.now().date_naive() - TimeDelta::days(7);
    let Some(start) = start.and_hms_opt(10, 0, 0) else {
        return Ok(());
    };
    let state = salon.appointment(&service, start.and_utc(), salon.somebody());
    let id = taker.take("admin-late", state, Origin::Admin).await?;
    salon.keep(&id, None);
    Ok(())
}

/// An appointment for a service whose event type is not the salon's.
async fn unknown_service(taker: &Taker<'_>) -> Result<(), Failure> {
    let salon = taker.salon;
    let service = salon.services[0].clone();
    let Some(start) = salon.free_time(service.length) else {
        return Ok(());
    };
    let mut state = salon.appointment(&service, start, salon.somebody());
    state.event_type = EventTypeId::new(999_999);
    let id = taker.take("admin-unknown", state, Origin::Admin).await?;
    salon.keep(&id, None);
    Ok(())
}

/// A kept database knows bookings of a Cal.com that is gone.
async fn refuse_used(context: &Context, tenant: &TenantId) -> Result<(), Failure> {
    let until = SystemClock.now() + TimeDelta::days(3650);
    let ever = Window::new(DateTime::UNIX_EPOCH, until);
    let first = context.appointments.scan(tenant, ever, None, 1).await?;
    if first.is_empty() {
        return Ok(());
    }
    Err(Failure::settings(
        format!(
            "a demo has used this database before ({})",
            context.settings.database
        ),
        "name a new file, or leave out --database: the demo's Cal.com begins empty each time",
    ))
}

/// Works until nothing is due.
async fn rest(context: &Context) -> Result<(), Failure> {
    let end = tokio::time::Instant::now() + PATIENCE;
    loop {
        Worker::new(context.engine.clone()).drain().await?;
        let due = context.store.next_due(u16::MAX).await?;
        if due.is_none_or(|due| due > SOON) || tokio::time::Instant::now() > end {
            return Ok(());
        }
        let pause = due.unwrap_or_default();
        tokio::time::sleep(pause.clamp(Duration::from_millis(5), Duration::from_secs(1))).await;
    }
}

/// Books as an attendee does.
pub(super) async fn book(salon: &Salon, booking: NewBooking) -> Result<BookingUid, Failure> {
    let booked = salon.fake.book(booking).await.map_err(refused)?;
    Ok(booked.uid)
}

fn refused(refused: calcom::testing::Refused) -> Failure {
    Failure::new(
        FailureKind::Found,
        "the demo's Cal.com refused a booking",
        "try again",
    )
    .because(refused)
}

/// Takes appointments at the salon's side.
pub(super) struct Taker<'a> {
    pub(super) salon: &'a Salon,
    pub(super) context: &'a Context,
    pub(super) tenant: &'a TenantId,
}

impl Taker<'_> {
    /// What an attendee could book.
    pub(super) fn booking(&self) -> Option<(NewBooking, &Service)> {
        let service = self.salon.any_service();
        let start = self.salon.free_time(service.length)?;
        let attendee = NewAttendee::from(&self.salon.somebody());
        let booking = NewBooking::new(service.event_type, start, attendee);
        Some((booking, service))
    }

    pub(super) async fn take(
        &self,
        id: &str,
        state: calcom::store::AppointmentState,
        origin: Origin,
    ) -> Result<AppointmentId, StoreError> {
        let id = AppointmentId::new(id);
        let write = AppointmentWrite::new(state, origin, SystemClock.now());
        let database = &self.context.database;
        database.create_appointment(self.tenant, &id, write).await?;
        self.context.engine.nudge();
        Ok(id)
    }

    /// The reception moves an appointment.
    pub(super) async fn move_to(
        &self,
        id: &AppointmentId,
        start: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let found = self.context.appointments.get(self.tenant, id).await?;
        let Some(found) = found else { return Ok(()) };
        let mut state = found.state.clone();
        let length = state.end - state.start;
        state.start = start;
        state.end = start + length;
        self.write(id, found.revision, state, Origin::Admin).await
    }

    pub(super) async fn write(
        &self,
        id: &AppointmentId,
        expected: calcom::store::Revision,
        state: calcom::store::AppointmentState,
        origin: Origin,
    ) -> Result<(), StoreError> {
        let write = AppointmentWrite::new(state, origin, SystemClock.now());
        let appointments = &self.context.appointments;
        appointments
            .update(self.tenant, id, expected, write)
            .await?;
        self.context.engine.nudge();
        Ok(())
    }

    async fn booking_of(&self, id: &AppointmentId) -> Result<Option<BookingUid>, StoreError> {
        let key = LinkKey::Appointment(id.clone());
        let link = self.context.store.find(self.tenant, &key).await?;
        Ok(link.and_then(|link| link.booking))
    }

    /// The appointment of a booking.
    pub(super) async fn appointment_of(
        &self,
        booking: &BookingUid,
    ) -> Result<Option<AppointmentId>, StoreError> {
        let key = LinkKey::Booking(booking.clone());
        let link = self.context.store.find(self.tenant, &key).await?;
        Ok(link.and_then(|link| link.appointment))
    }
}
