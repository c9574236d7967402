//! Checks one to six.

use std::collections::BTreeSet;

use calcom::model::{Booking, BookingStatus, BookingUid};
use calcom::store::{Appointment, AppointmentId, AppointmentStatus, LinkKey, LogEvent, Origin};
use calcom::sync::Standing;
use chrono::{DateTime, Utc};

use crate::host::{Host, all_appointments};
use crate::server::Server;
use crate::timeline::{Timeline, when};

/// How a check ended.
pub(crate) enum Verdict {
    Passed,
    /// Passed, but for what cannot be provoked on this server.
    PassedExcept(String),
    Failed(String),
}

pub(crate) type Checked = Result<Verdict, String>;

pub(crate) fn ensure(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}

pub(crate) async fn read(server: &Server, uid: &BookingUid) -> Result<Booking, String> {
    let booking = server.read(uid).await;
    booking.map_err(|error| error.to_string())
}

/// The appointment that the engine made for a booking.
async fn made_for(host: &Host, uid: &BookingUid) -> Result<Appointment, String> {
    let id = host
        .eventually("the booking has an appointment", async || {
            let link = host.link(LinkKey::Booking(uid.clone())).await?;
            let Some(link) = link else {
                return Ok(None);
            };
            let standing = Standing::of(&link).map_err(|error| error.to_string())?;
            Ok(link.appointment.filter(|_| standing.base.is_some()))
        })
        .await?;
    host.appointment(&id).await
}

/// How often the engine has written to Cal.com, by its own log.
async fn pushes(host: &Host) -> Result<usize, String> {
    let log = host.log(None).await?;
    let is_push = |event: &LogEvent| {
        matches!(
            event,
            LogEvent::BookingCreated { .. }
                | LogEvent::BookingRescheduled { .. }
                | LogEvent::BookingCancelled { .. }
        )
    };
    Ok(log.iter().filter(|entry| is_push(&entry.event)).count())
}

pub(crate) async fn arrives(server: &Server, host: &Host, timeline: &Timeline) -> Checked {
    let start = server.slot()?;
    timeline.calcom(&format!("somebody books {}", when(start)));
    let booking = server.stranger_books(start, &host.somebody()).await?;
    let appointment = made_for(host, &booking.uid).await?;
    host.quiet().await?;
    ensure(
        appointment.origin == Origin::Calcom,
        "the appointment's origin is not Cal.com",
    )?;
    ensure(
        appointment.state.start == start,
        "the appointment is at another time",
    )?;
    ensure(pushes(host).await? == 0, "the engine wrote to Cal.com")?;
    if let Some(fake) = &server.fake {
        ensure(fake.writes().is_empty(), "Cal.com received a write")?;
    }
    let log = host.log(None).await?;
    let skipped = log
        .iter()
        .any(|entry| entry.event == LogEvent::SkippedOriginCalcom);
    ensure(skipped, "the log does not say that the echo was skipped")?;
    Ok(Verdict::Passed)
}

/// Takes an appointment at the host and follows it to Cal.com.
async fn reaches(
    server: &Server,
    host: &Host,
    timeline: &Timeline,
    id: &str,
    origin: Origin,
) -> Result<(AppointmentId, BookingUid), String> {
    let start = server.slot()?;
    timeline.host(&format!("{origin} takes {id} for {}", when(start)));
    let taken = host.take(id, server, start, origin).await?;
    let uid = host.booked(&taken.id).await?;
    host.quiet().await?;
    let booking = read(server, &uid).await?;
    ensure(booking.is_live(), format!("booking {uid} is not live"))?;
    ensure(
        booking.start == start,
        format!("booking {uid} is at another time"),
    )?;
    Ok((taken.id, uid))
}

pub(crate) async fn by_phone(server: &Server, host: &Host, timeline: &Timeline) -> Checked {
    reaches(server, host, timeline, "phone-1", Origin::Phone).await?;
    Ok(Verdict::Passed)
}

pub(crate) async fn by_admin(server: &Server, host: &Host, timeline: &Timeline) -> Checked {
    reaches(server, host, timeline, "admin-1", Origin::Admin).await?;
    Ok(Verdict::Passed)
}

pub(crate) async fn cancelled(server: &Server, host: &Host, timeline: &Timeline) -> Checked {
    let (id, uid) = reaches(server, host, timeline, "cancel-1", Origin::Phone).await?;
    timeline.host(&format!("admin cancels {id}"));
    host.change(&id, |state| state.status = AppointmentStatus::Cancelled)
        .await?;
    host.quiet().await?;
    let status = read(server, &uid).await?.status;
    ensure(
        status == BookingStatus::Cancelled,
        format!("booking {uid} is {status}"),
    )?;

    let start = server.slot()?;
    timeline.calcom(&format!("somebody books {} and cancels it", when(start)));
    let booking = server.stranger_books(start, &host.somebody()).await?;
    let appointment = made_for(host, &booking.uid).await?;
    server.stranger_cancels(&booking.uid).await?;
    host.eventually("the appointment is cancelled", async || {
        let now = host.appointment(&appointment.id).await?;
        Ok((now.state.status == AppointmentStatus::Cancelled).then_some(()))
    })
    .await?;
    host.quiet().await?;
    if server.fake.is_some() {
        let log = host.log(None).await?;
        let is_look = |event: &LogEvent| matches!(event, LogEvent::NotThereYet { .. });
        ensure(
            log.iter().any(|entry| is_look(&entry.event)),
            "the cancellation was not announced before it was carried out",
        )?;
    }
    Ok(Verdict::Passed)
}

pub(crate) async fn rescheduled(server: &Server, host: &Host, timeline: &Timeline) -> Checked {
    let (id, first) = reaches(server, host, timeline, "move-1", Origin::Phone).await?;
    let to = server.slot()?;
    timeline.host(&format!("admin moves {id} to {}", when(to)));
    host.change(&id, |state| {
        let length = state.end - state.start;
        state.start = to;
        state.end = to + length;
    })
    .await?;
    let second = follows(host, &id, &first).await?;
    let old = read(server, &first).await?;
    ensure(
        !old.is_live(),
        format!("the old booking {first} still lives"),
    )?;
    at(&read(server, &second).await?, to)?;

    let to = server.slot()?;
    timeline.calcom(&format!("somebody moves it to {}", when(to)));
    let third = server.stranger_moves(&second, to).await?;
    host.eventually("the appointment has moved", async || {
        let now = host.appointment(&id).await?;
        Ok((now.state.start == to).then_some(()))
    })
    .await?;
    host.quiet().await?;
    let followed = host.booked(&id).await?;
    ensure(
        followed == third.uid,
        "the link does not hold the newest uid",
    )?;
    Ok(Verdict::Passed)
}

/// The uid that replaced another one, once the link holds it.
async fn follows(
    host: &Host,
    id: &AppointmentId,
    before: &BookingUid,
) -> Result<BookingUid, String> {
    let newer = host
        .eventually("the new uid is followed", async || {
            let link = host.link(LinkKey::Appointment(id.clone())).await?;
            let uid = link.and_then(|link| link.booking);
            Ok(uid.filter(|uid| uid != before))
        })
        .await?;
    host.quiet().await?;
    Ok(newer)
}

fn at(booking: &Booking, start: DateTime<Utc>) -> Result<(), String> {
    ensure(
        booking.is_live() && booking.start == start,
        format!("booking {} is not live at the new time", booking.uid),
    )
}

pub(crate) async fn twenty(server: &Server, host: &Host, timeline: &Timeline) -> Checked {
    const COUNT: usize = 20;
    timeline.host(&format!("the phones ring: {COUNT} appointments at once"));
    let mut taken = Vec::new();
    for number in 1..=COUNT {
        let id = format!("rush-{number:02}");
        let start = server.slot()?;
        taken.push(async move { host.take(&id, server, start, Origin::Phone).await });
    }
    let mut uids = BTreeSet::new();
    for appointment in futures_util::future::try_join_all(taken).await? {
        uids.insert(host.booked(&appointment.id).await?);
    }
    host.quiet().await?;
    ensure(
        uids.len() == COUNT,
        format!("{} bookings for {COUNT} appointments", uids.len()),
    )?;
    if let Some(fake) = &server.fake {
        let live = fake.live_bookings().len();
        let appointments = all_appointments(&host.store, &host.tenant).await;
        let appointments = appointments.map_err(|error| error.to_string())?;
        let expected = appointments
            .iter()
            .filter(|appointment| appointment.state.status.is_live())
            .count();
        ensure(
            live == expected,
            format!("{live} live bookings for {expected} appointments"),
        )?;
    }
    Ok(Verdict::Passed)
}
