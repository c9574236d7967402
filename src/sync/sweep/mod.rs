//! The sweep: what nobody told of is found by looking.
//!
//! A webhook can be lost for good, and a host can die between its write and the recording of it. So
//! from time to time both sides are compared with the books: the bookings that were updated at
//! Cal.com since the last sweep, and the host's appointments around today. Whatever differs comes
//! in by the same two doors as webhooks and changes, with [its source](NoticeSource::Sweep); a turn
//! then reads, decides and settles as ever. A sweep itself decides nothing and writes to neither
//! side, and it concludes nothing from what it does not meet.

mod appointments;
mod bookings;
mod compare;
mod cursor;
mod report;
mod walk;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{FutureExt, StreamExt, stream};

use self::cursor::SweepCursor;
use self::report::Failure;
pub use self::report::{SweepReport, SweepStop};
use super::calendar::CalendarErrorKind;
use super::engine::Engine;
use super::error::Error;
use super::review::with_causes;
use super::tenant::Tenant;
use crate::model::BookingUid;
use crate::store::{Link, LinkKey, StoreError, StoreErrorKind, SweepLease, TenantId};

/// How many tenants are listed at a time.
const TENANTS: u32 = 100;
/// How many tenants one engine sweeps at once: one that is slow is not to hold up the others.
const AT_ONCE: usize = 4;
/// The rest after throttling if the server names none.
const DEFAULT_THROTTLE: Duration = Duration::from_secs(60);

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
                let cursor = SweepCursor::of(lease.cursor.as_ref()).to_opaque();
                let ended = self.store.end_sweep(&lease, &cursor, Duration::ZERO);
                self.store_call(ended).await?;
                return Ok(Some(report));
            }
        };
        let sweep = Sweep {
            engine: self,
            tenant: &tenant,
            cursor: SweepCursor::of(lease.cursor.as_ref()),
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
            let sweeps = page
                .into_iter()
                .map(|id| async move { self.sweep_contained(&id, every).await });
            let mut swept = stream::iter(sweeps).buffer_unordered(AT_ONCE);
            while let Some(report) = swept.next().await {
                reports.extend(report);
            }
            after = Some(last);
        }
    }

    /// Sweeps a tenant if it is due. What goes wrong with one tenant stays with it.
    async fn sweep_contained(&self, id: &TenantId, every: Duration) -> Option<SweepReport> {
        let sweep = AssertUnwindSafe(self.sweep_tenant(id, every)).catch_unwind();
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
    }
}

/// A sweep of one tenant.
struct Sweep<'a> {
    engine: &'a Engine,
    tenant: &'a Tenant,
    lease: SweepLease,
    cursor: SweepCursor,
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
        let cursor = self.cursor.to_opaque();
        let ended = self.engine.store.end_sweep(&self.lease, &cursor, rest);
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

    /// Stores how far the sweep has come, and makes sure that it is still ours.
    async fn advance(&mut self) -> Result<(), Failure> {
        let cursor = self.cursor.to_opaque();
        let lease = self.engine.config.lease;
        let advanced = self.engine.store.advance_sweep(&self.lease, &cursor, lease);
        let advanced = self.engine.store_call(advanced).await;
        advanced.map_err(Failure::Store)
    }

    async fn find(&self, key: LinkKey) -> Result<Option<Link>, Failure> {
        let found = self.engine.find_link(&self.lease.tenant, key).await;
        found.map_err(Failure::Store)
    }
}

fn span(length: Duration) -> TimeDelta {
    TimeDelta::from_std(length).unwrap_or(TimeDelta::MAX)
}

fn back(instant: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    let earlier = instant.checked_sub_signed(span(by));
    earlier.unwrap_or(DateTime::<Utc>::UNIX_EPOCH)
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
