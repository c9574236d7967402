//! Check seven: an outage, an answer that never comes, and a request that can never succeed.

use calcom::ambient::{Clock, SystemClock};
use calcom::store::{AppointmentId, AppointmentStatus, LogEvent, Origin, Resolution, ReviewReason};
use calcom::sync::SyncEngine;
use calcom::testing::{FakeCalcom, Fault, Operation, Then};
use chrono::TimeDelta;

use crate::checks::{Checked, Verdict, ensure};
use crate::host::Host;
use crate::server::Server;
use crate::timeline::{Timeline, when};

pub(crate) async fn trouble(server: &Server, host: &Host, timeline: &Timeline) -> Checked {
    match &server.fake {
        Some(fake) => {
            outage(fake, server, host, timeline).await?;
            lost_answers(fake, server, host, timeline).await?;
            long_outage(fake, server, host, timeline).await?;
            hopeless(server, host, timeline).await?;
            let live = fake.live_bookings().len();
            let starts: std::collections::BTreeSet<_> =
                fake.live_bookings().iter().map(|b| b.start).collect();
            ensure(live == starts.len(), "two live bookings hold one slot")?;
            Ok(Verdict::Passed)
        }
        None => {
            hopeless(server, host, timeline).await?;
            let why = "except outage and lost answers, which cannot be provoked on a real server";
            Ok(Verdict::PassedExcept(why.to_owned()))
        }
    }
}

async fn outage(
    fake: &FakeCalcom,
    server: &Server,
    host: &Host,
    timeline: &Timeline,
) -> Result<(), String> {
    timeline.calcom("goes down");
    fake.go_offline().await;
    let start = server.slot()?;
    timeline.host(&format!("phone takes outage-1 for {}", when(start)));
    let taken = host.take("outage-1", server, start, Origin::Phone).await?;
    host.eventually("an attempt fails", async || {
        let log = host.log(None).await?;
        let retried = |event: &LogEvent| matches!(event, LogEvent::RetryScheduled { .. });
        let mut ours = log
            .iter()
            .filter(|e| e.appointment.as_ref() == Some(&taken.id));
        Ok(ours.any(|entry| retried(&entry.event)).then_some(()))
    })
    .await?;
    timeline.calcom("is back");
    fake.come_back().await.map_err(|error| error.to_string())?;
    host.booked(&taken.id).await?;
    one_booking(fake, start)
}

/// The answers to a create, a move and a cancellation get lost after Cal.com has done what was asked.
async fn lost_answers(
    fake: &FakeCalcom,
    server: &Server,
    host: &Host,
    timeline: &Timeline,
) -> Result<(), String> {
    timeline.calcom("from now on loses the answer to each first write, after it was done");
    for operation in [
        Operation::CreateBooking,
        Operation::Reschedule,
        Operation::Cancel,
    ] {
        fake.inject(Fault::new(operation, Then::ApplyThenDrop));
    }
    let before = fake.writes().len();
    let start = server.slot()?;
    timeline.host(&format!("phone takes lost-1 for {}", when(start)));
    let taken = host.take("lost-1", server, start, Origin::Phone).await?;
    host.booked(&taken.id).await?;
    host.quiet().await?;
    one_booking(fake, start)?;

    let moved = server.slot()?;
    timeline.host(&format!("admin moves lost-1 to {}", when(moved)));
    host.change(&taken.id, |state| {
        state.start = moved;
        state.end = moved + TimeDelta::minutes(30);
    })
    .await?;
    host.quiet().await?;
    one_booking(fake, moved)?;

    timeline.host("admin cancels lost-1");
    host.change(&taken.id, |state| {
        state.status = AppointmentStatus::Cancelled;
    })
    .await?;
    host.quiet().await?;
    let live = fake.live_bookings();
    let left = live.iter().any(|b| b.start == start || b.start == moved);
    ensure(!left, "a booking is left over")?;
    let sent = fake.writes().len() - before;
    ensure(
        sent == 3,
        format!("{sent} writes were sent for three changes"),
    )
}

async fn long_outage(
    fake: &FakeCalcom,
    server: &Server,
    host: &Host,
    timeline: &Timeline,
) -> Result<(), String> {
    let start = server.slot()?;
    timeline.calcom("fails at every booking for a while");
    fake.inject(Fault::new(Operation::CreateBooking, Then::status(503)).always());
    timeline.host(&format!("phone takes outage-2 for {}", when(start)));
    let taken = host.take("outage-2", server, start, Origin::Phone).await?;
    let item = reviewed(host, &taken.id, &ReviewReason::RetriesExhausted).await?;
    fake.clear_faults();
    timeline.calcom("works again");
    timeline.host("a person looks at the review queue, and retries");
    host.engine
        .resolve(&host.tenant, item, Resolution::Retry, "quickstart")
        .await
        .map_err(|error| error.to_string())?;
    host.booked(&taken.id).await?;
    host.quiet().await?;
    one_booking(fake, start)
}

/// A booking in the past can never succeed.
async fn hopeless(server: &Server, host: &Host, timeline: &Timeline) -> Result<(), String> {
    let start = SystemClock.now() - TimeDelta::days(7);
    timeline.host(&format!(
        "admin takes hopeless-1 for {}, a week ago",
        when(start)
    ));
    let taken = host
        .take("hopeless-1", server, start, Origin::Admin)
        .await?;
    reviewed(host, &taken.id, &ReviewReason::Rejected).await?;
    Ok(())
}

async fn reviewed(
    host: &Host,
    id: &AppointmentId,
    reason: &ReviewReason,
) -> Result<calcom::store::ReviewId, String> {
    host.eventually("a person is asked", async || {
        let open = host.reviews().await?;
        let ours = open
            .into_iter()
            .find(|item| item.appointment.as_ref() == Some(id));
        match ours {
            Some(item) if item.reason == *reason => Ok(Some(item.id)),
            Some(item) => Err(format!("reviewed as {}, not as {reason}", item.reason)),
            None => Ok(None),
        }
    })
    .await
}

fn one_booking(fake: &FakeCalcom, start: chrono::DateTime<chrono::Utc>) -> Result<(), String> {
    let live = fake.live_bookings();
    let count = live.iter().filter(|booking| booking.start == start).count();
    ensure(
        count == 1,
        format!("{count} live bookings where one is wanted"),
    )
}
