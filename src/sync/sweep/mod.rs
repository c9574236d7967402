//! The sweep: what nobody told of is found by looking.
//!
//! A webhook can be lost for good, and a host can die between its write and the recording of it. So
//! from time to time both sides are compared with the books: the bookings that were updated at
//! Cal.com since the last sweep, and the host's appointments around today. Whatever differs comes
//! in by the same two doors as webhooks and changes, with [its source](NoticeSource::Sweep); a turn
//! then reads, decides and settles as ever. A sweep itself decides nothing and writes to neither
//! side, and it concludes nothing from what it does not meet.

mod compare;
mod place;
mod walk;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt, stream};
use sha2::{Digest, Sha256};

use self::compare::{BookingSays, Books, FoundBy, appointment_differs, booking_says};
use self::place::Place;
use self::walk::Walk;
use super::SYNC_KEY_METADATA;
use super::calendar::{CalendarError, CalendarErrorKind};
use super::engine::{Engine, Error, SyncEngine};
use super::ownership::Ownership;
use super::review::with_causes;
use super::standing::Standing;
use super::state::chain_key;
use super::tenant::Tenant;
use crate::model::{Booking, BookingUid, format_instant};
use crate::store::{
    Accepted, Appointment, Change, DeliveryClaim, Link, LinkKey, NewDelivery, NoticeSource, Page,
    StoreError, StoreErrorKind, SweepLease, SyncKey, TenantId, Window,
};

/// How many appointments are read at a time.
const APPOINTMENTS: u32 = 100;
/// How many tenants are listed at a time.
const TENANTS: u32 = 100;
/// How many tenants one engine sweeps at once: one that is slow is not to hold up the others.
const AT_ONCE: usize = 4;
/// How many of a sweep's own notices are remembered, to give none twice.
const MAX_TOLD: usize = 10_000;
/// The rest after throttling if the server names none.
const DEFAULT_THROTTLE: Duration = Duration::from_secs(60);

/// What a sweep met and told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SweepReport {
    /// The tenant.
    pub tenant: TenantId,
    /// How many bookings that were updated lately were compared.
    pub bookings_read: u64,
    /// How many of them differed from the books and were put into the inbox.
    pub notices_given: u64,
    /// How many appointments of the host's were compared.
    pub appointments_read: u64,
    /// How many of them differed from the books and were put into the outbox.
    pub changes_recorded: u64,
    /// Why either side was not read to its end. The next sweep goes on where this one stood.
    pub stopped: Vec<SweepStop>,
}

impl SweepReport {
    fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            bookings_read: 0,
            notices_given: 0,
            appointments_read: 0,
            changes_recorded: 0,
            stopped: Vec::new(),
        }
    }

    /// Whether both sides were read to their ends.
    pub fn is_complete(&self) -> bool {
        self.stopped.is_empty()
    }
}

/// Why a sweep did not read a side to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SweepStop {
    /// The tenant is not in the directory.
    UnknownTenant,
    /// The directory, or the host's repository, failed.
    Host(StoreErrorKind),
    /// A call to Cal.com failed. After [`Throttled`](CalendarErrorKind::Throttled), the next sweep
    /// does not begin before Cal.com may be called again.
    Calendar(CalendarErrorKind),
    /// Cal.com's list did not go on from page to page: what lies behind was not read.
    Gaps,
    /// The lease ran out, and another worker sweeps the tenant.
    Overtaken,
}

/// A failure that ends one side of a sweep, or all of it.
enum Failure {
    Calendar(CalendarError),
    Host(StoreError),
    Store(StoreError),
}

impl Engine {
    /// Sweeps a tenant if it is due.
    pub(super) async fn sweep_tenant(
        &self,
        id: &TenantId,
        every: Duration,
    ) -> Result<Option<SweepReport>, StoreError> {
        // Its credentials are refused; once its work goes on, it is due.
        if self.store_call(self.store.is_paused(id)).await? {
            return Ok(None);
        }
        let begun = self.store.begin_sweep(id, every, self.config.lease);
        let Some(lease) = self.store_call(begun).await? else {
            return Ok(None);
        };
        let mut report = SweepReport::new(id.clone());
        let tenant = match self.host_call(self.tenants.tenant(id)).await {
            Ok(Some(tenant)) => tenant,
            unreadable => {
                report.stopped.push(match unreadable {
                    Err(error) => {
                        tracing::warn!(tenant = %id, error = %with_causes(&error), "the tenant cannot be read");
                        SweepStop::Host(error.kind())
                    }
                    Ok(_) => SweepStop::UnknownTenant,
                });
                let place = Place::of(lease.cursor.as_ref()).to_opaque();
                let ended = self.store.end_sweep(&lease, &place, Duration::ZERO);
                self.store_call(ended).await?;
                return Ok(Some(report));
            }
        };
        let sweep = Sweep {
            engine: self,
            tenant: &tenant,
            place: Place::of(lease.cursor.as_ref()),
            lease,
            told: HashSet::new(),
            report,
        };
        let report = sweep.run().await?;
        tracing::debug!(?report, "sweep ended");
        Ok(Some(report))
    }

    /// Sweeps every tenant that is due, a few at a time.
    pub(super) async fn sweep_tenants(&self, every: Duration) -> Result<Vec<SweepReport>, Error> {
        let mut reports = Vec::new();
        let mut after: Option<TenantId> = None;
        loop {
            let page = self.tenants.tenants(after.as_ref(), TENANTS);
            let page = self.host_call(page).await.map_err(Error::Directory)?;
            // A directory that does not go on is not asked for ever.
            let Some(last) = page
                .iter()
                .max()
                .filter(|last| Some(*last) > after.as_ref())
            else {
                return Ok(reports);
            };
            let last = last.clone();
            let sweeps = page.into_iter().map(|id| async move {
                // What goes wrong with one tenant stays with it.
                let sweep = AssertUnwindSafe(self.sweep_tenant(&id, every)).catch_unwind();
                match Box::pin(sweep).await {
                    Ok(Ok(report)) => report,
                    Ok(Err(error)) => {
                        let causes = with_causes(&error);
                        tracing::warn!(tenant = %id, error = %causes, "a sweep failed");
                        None
                    }
                    Err(_) => {
                        tracing::error!(tenant = %id, "a sweep panicked");
                        None
                    }
                }
            });
            let swept = stream::iter(sweeps).buffer_unordered(AT_ONCE);
            reports.extend(
                swept
                    .filter_map(|report| async { report })
                    .collect::<Vec<_>>()
                    .await,
            );
            after = Some(last);
        }
    }
}

/// A sweep of one tenant.
struct Sweep<'a> {
    engine: &'a Engine,
    tenant: &'a Tenant,
    lease: SweepLease,
    place: Place,
    /// The bookings that this sweep has given notice of.
    told: HashSet<BookingUid>,
    report: SweepReport,
}

impl Sweep<'_> {
    async fn run(mut self) -> Result<SweepReport, StoreError> {
        let mut rest = Duration::ZERO;
        let read = self.read_bookings().await;
        if !self.note(read, &mut rest)? {
            return Ok(self.report);
        }
        // Where Cal.com is out of order, the host may not be.
        let read = self.read_appointments().await;
        if !self.note(read, &mut rest)? {
            return Ok(self.report);
        }
        let place = self.place.to_opaque();
        let ended = self.engine.store.end_sweep(&self.lease, &place, rest);
        let ended = self.engine.store_call(ended).await;
        self.note(ended.map_err(Failure::Store), &mut rest)?;
        Ok(self.report)
    }

    /// Notes why a side was not read to its end; false if the sweep is over.
    fn note(&mut self, read: Result<(), Failure>, rest: &mut Duration) -> Result<bool, StoreError> {
        let tenant = &self.lease.tenant;
        let stop = match read {
            Ok(()) => return Ok(true),
            Err(Failure::Store(error)) if error.kind() == StoreErrorKind::LeaseLost => {
                self.report.stopped.push(SweepStop::Overtaken);
                return Ok(false);
            }
            Err(Failure::Store(error)) => return Err(error),
            Err(Failure::Host(error)) => {
                tracing::warn!(%tenant, error = %with_causes(&error), "the host stopped a sweep");
                SweepStop::Host(error.kind())
            }
            Err(Failure::Calendar(error)) => {
                tracing::warn!(%tenant, error = %with_causes(&error), "Cal.com stopped a sweep");
                if error.kind() == CalendarErrorKind::Throttled {
                    *rest = error.retry_after().unwrap_or(DEFAULT_THROTTLE);
                }
                SweepStop::Calendar(error.kind())
            }
        };
        self.report.stopped.push(stop);
        Ok(true)
    }

    /// Cal.com's side: what was updated since the last sweep.
    async fn read_bookings(&mut self) -> Result<(), Failure> {
        let config = &self.engine.config;
        let overlap = span(config.sweep_overlap);
        let now = self.lease.now;
        let until = whole_millis(back(now, config.webhook_lag));
        let from = match self.place.seen {
            Some(seen) => back(seen, config.sweep_overlap),
            None => back(now, config.sweep_window_past),
        };
        let mut walk = Walk::new(whole_millis(from), until);
        while let Some(query) = walk.query() {
            let page = self.tenant.calendar.bookings_page(&query);
            let page = self.engine.calendar_call(page).await;
            let page = page.map_err(Failure::Calendar)?;
            let met = walk.take(page);
            self.report.bookings_read += count(met.len());
            for booking in met {
                self.compare_booking(&booking).await?;
            }
            if let Some(reached) = walk.reached() {
                self.place.advance(reached, overlap);
            }
            self.advance().await?;
        }
        if walk.has_gaps() {
            self.report.stopped.push(SweepStop::Gaps);
        }
        Ok(())
    }

    /// Stores how far the sweep has come, and makes sure that it is still ours.
    async fn advance(&mut self) -> Result<(), Failure> {
        let place = self.place.to_opaque();
        let lease = self.engine.config.lease;
        let advanced = self.engine.store.advance_sweep(&self.lease, &place, lease);
        let advanced = self.engine.store_call(advanced).await;
        advanced.map_err(Failure::Store)
    }

    async fn find(&self, key: LinkKey) -> Result<Option<Link>, Failure> {
        let found = self.engine.store.find(&self.lease.tenant, &key);
        self.engine.store_call(found).await.map_err(Failure::Store)
    }

    /// The link that a delivery about the booking would go to.
    async fn link_of(&self, booking: &Booking) -> Result<Option<(Link, FoundBy)>, Failure> {
        let own = LinkKey::Booking(booking.uid.clone());
        let before = booking.rescheduled_from_uid.clone();
        let sync_key = booking.metadata_str(SYNC_KEY_METADATA).map(SyncKey::new);
        let keys = [
            Some((own, FoundBy::Uid)),
            before.map(|uid| (LinkKey::Booking(uid), FoundBy::Predecessor)),
            sync_key.map(|key| (LinkKey::SyncKey(key), FoundBy::Chain)),
            Some((LinkKey::Chain(chain_key(booking)), FoundBy::Chain)),
        ];
        for (key, found_by) in keys.into_iter().flatten() {
            if let Some(link) = self.find(key).await? {
                return Ok(Some((link, found_by)));
            }
        }
        Ok(None)
    }

    async fn compare_booking(&mut self, booking: &Booking) -> Result<(), Failure> {
        let known = self.link_of(booking).await?;
        let standing = known.as_ref().and_then(|(link, _)| Standing::of(link).ok());
        let books = known.as_ref().map(|(link, found_by)| Books {
            link,
            standing: standing.as_ref(),
            found_by: *found_by,
        });
        let link = known.as_ref().map(|(link, _)| link);
        let notice = match booking_says(booking, books) {
            BookingSays::Nothing => return Ok(()),
            BookingSays::Look(claim) => {
                let from = booking.rescheduled_from_uid.clone();
                self.notice_of(booking, booking.uid.clone(), from, claim)
            }
            BookingSays::LookAhead(next) => {
                if self.find(LinkKey::Booking(next.clone())).await?.is_some() {
                    return Ok(());
                }
                let from = link.and_then(|link| link.booking.clone());
                self.notice_of(booking, next, from, DeliveryClaim::default())
            }
        };
        let is_known = link.is_some_and(|link| link.booking.as_ref() == Some(&booking.uid));
        let is_known = is_known && standing.is_some_and(|standing| standing.base.is_some());
        let owner = self.engine.ownership(self.tenant, booking, is_known);
        if owner.await.map_err(Failure::Host)? != Ownership::Ours {
            return Ok(());
        }
        self.tell(booking.updated_at, notice).await
    }

    /// A delivery that says *look here*. It holds nothing that identifies a person.
    fn notice_of(
        &self,
        met: &Booking,
        about: BookingUid,
        from: Option<BookingUid>,
        claim: DeliveryClaim,
    ) -> NewDelivery {
        let updated_at = met.updated_at.map(format_instant);
        let mut fingerprint = Sha256::new_with_prefix("calcom sweep\n");
        for part in [
            about.as_str(),
            updated_at.as_deref().unwrap_or_default(),
            met.status.as_str(),
            &format_instant(met.start),
        ] {
            fingerprint.update(part.as_bytes());
            fingerprint.update(b"\n");
        }
        let tenant = self.lease.tenant.clone();
        let mut notice = NewDelivery::new(tenant, fingerprint.finalize().into(), "");
        notice.source = NoticeSource::Sweep;
        notice.sync_key = met.metadata_str(SYNC_KEY_METADATA).map(SyncKey::new);
        notice.booking = Some(about);
        notice.rescheduled_from = from;
        notice.claim = claim;
        notice
    }

    /// Gives a notice, unless it was given before.
    async fn tell(
        &mut self,
        updated_at: Option<DateTime<Utc>>,
        notice: NewDelivery,
    ) -> Result<(), Failure> {
        let at = updated_at.unwrap_or(self.lease.now).timestamp_millis();
        let [a, b, c, d, e, f, g, h, ..] = notice.fingerprint;
        let token = (at, u64::from_be_bytes([a, b, c, d, e, f, g, h]));
        let about = notice.booking.clone();
        let is_told = about.as_ref().is_some_and(|uid| self.told.contains(uid));
        if is_told || self.place.has_told(token) {
            return Ok(());
        }
        let accepted = self.engine.store.accept(notice);
        let accepted = self.engine.store_call(accepted).await;
        if accepted.map_err(Failure::Store)? == Accepted::Stored {
            self.report.notices_given += 1;
            self.engine.nudge();
        }
        self.place.tell(token);
        if self.told.len() >= MAX_TOLD {
            self.told.clear();
        }
        self.told.extend(about);
        Ok(())
    }

    /// The host's side: its appointments around today.
    async fn read_appointments(&mut self) -> Result<(), Failure> {
        let config = &self.engine.config;
        let now = self.lease.now;
        let ahead = now.checked_add_signed(span(config.sweep_window_ahead));
        let window = Window::new(
            back(now, config.sweep_window_past),
            ahead.unwrap_or(DateTime::<Utc>::MAX_UTC),
        );
        loop {
            let after = self.place.scanned.clone();
            let page = self.engine.appointments.scan(
                &self.lease.tenant,
                window,
                after.clone(),
                APPOINTMENTS,
            );
            let page = self.engine.host_call(page).await.map_err(Failure::Host)?;
            let last = page
                .iter()
                .map(|met| (met.state.start, met.id.clone()))
                .max();
            // A repository that does not go on is not asked for ever.
            let Some(last) = last.filter(|last| Some(last) > after.as_ref()) else {
                self.place.scanned = None;
                return Ok(());
            };
            self.report.appointments_read += count(page.len());
            for appointment in &page {
                self.compare_appointment(appointment).await?;
            }
            self.place.scanned = Some(last);
            self.advance().await?;
        }
    }

    async fn compare_appointment(&mut self, appointment: &Appointment) -> Result<(), Failure> {
        let lag = self.engine.config.webhook_lag;
        let written_at = appointment.updated_at;
        // Whoever wrote it is about to record it. It is met again next time.
        if (back(self.lease.now, lag)..=self.lease.now).contains(&written_at) {
            return Ok(());
        }
        let link = self
            .find(LinkKey::Appointment(appointment.id.clone()))
            .await?;
        let standing = link.as_ref().and_then(|link| Standing::of(link).ok());
        let known = link.as_ref().map(|link| (link, standing.as_ref()));
        if !appointment_differs(appointment, known) || self.is_recorded(appointment).await? {
            return Ok(());
        }
        let change = Change::new(
            self.lease.tenant.clone(),
            appointment.id.clone(),
            appointment.revision,
            appointment.origin.clone(),
            appointment.updated_at,
        );
        let change = change.with_source(NoticeSource::Sweep);
        let recorded = self.engine.store.record(&change);
        let recorded = self.engine.store_call(recorded).await;
        recorded.map_err(Failure::Store)?;
        self.report.changes_recorded += 1;
        self.engine.nudge();
        Ok(())
    }

    /// Whether the appointment's revision is in the outbox: then it waits, or a turn has seen it.
    async fn is_recorded(&self, appointment: &Appointment) -> Result<bool, Failure> {
        let tenant = &self.lease.tenant;
        let mut page = Page::first(APPOINTMENTS);
        loop {
            let changes = self.engine.store.changes(tenant, &appointment.id, page);
            let changes = self.engine.store_call(changes).await;
            let changes = changes.map_err(Failure::Store)?;
            let mut revisions = changes.iter().map(|(row, _)| row.change.revision);
            if revisions.any(|revision| revision == appointment.revision) {
                return Ok(true);
            }
            let Some((last, _)) = changes.last() else {
                return Ok(false);
            };
            page = Page::after(last.id, APPOINTMENTS);
        }
    }
}

fn span(length: Duration) -> TimeDelta {
    TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX)
}

fn back(instant: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let earlier = instant.checked_sub_signed(span(by));
    earlier.unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
}

/// An instant as precise as Cal.com keeps it.
fn whole_millis(instant: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(instant.timestamp_millis()).unwrap_or(instant)
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
