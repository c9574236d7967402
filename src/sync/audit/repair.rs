//! What becomes of a difference: it is counted and told, or put into the inbox and the outbox.

use chrono::{DateTime, Utc};

use super::merge::Audit;
use super::report::{AuditCounts, Drift, DriftKind, Failure};
use crate::model::{Booking, BookingUid};
use crate::store::{Appointment, DeliveryClaim, Differences};
use crate::sync::notices::{notice_of, notice_of_missing, whole_of};

/// Where a turn has to look so that a difference goes away.
#[derive(Debug, Default)]
pub(super) struct Remedy<'a> {
    /// At this booking.
    pub(super) look_at: Option<&'a Booking>,
    /// For this booking, which could not be read.
    pub(super) look_for: Option<BookingUid>,
    /// At this appointment, whose change may never have been recorded.
    pub(super) record: Option<&'a Appointment>,
    /// Whether one side is going to be cancelled.
    pub(super) cancels: bool,
}

impl Audit<'_> {
    /// Counts and reports a difference, or has it repaired.
    pub(super) async fn found(&mut self, drift: Drift, remedy: Remedy<'_>) -> Result<(), Failure> {
        // What a person has to decide about is theirs.
        let cancels = remedy.cancels && !drift.in_review;
        if self.is_counting() {
            self.cursor.counts.add(&drift, cancels);
            if let Some(observer) = &self.params.observer {
                observer.drift(&drift).await;
            }
            if self.report.drift.len() < self.params.kept {
                self.report.drift.push(drift);
            }
            return Ok(());
        }
        if drift.in_review {
            return Ok(());
        }
        if cancels {
            // More has ended since it was counted.
            let cancelled = self.cursor.cancelled + 1;
            self.brake(cancelled)?;
            self.cursor.cancelled = cancelled;
        }
        self.put(remedy).await.map_err(Failure::Store)
    }

    async fn put(&mut self, remedy: Remedy<'_>) -> Result<(), crate::store::StoreError> {
        let (engine, tenant) = (self.engine, &self.tenant.id);
        if let Some(appointment) = remedy.record
            && !engine.is_recorded(tenant, appointment).await?
        {
            engine.record_found(tenant, appointment).await?;
            self.report.changes_recorded += 1;
        }
        let notice = match (remedy.look_at, remedy.look_for) {
            (Some(booking), _) => {
                let from = booking.rescheduled_from_uid.clone();
                let about = whole_of(&booking.uid);
                // It claims nothing, so that it passes for no echo.
                notice_of(tenant, booking, about, from, DeliveryClaim::default())
            }
            (None, Some(uid)) => notice_of_missing(tenant, whole_of(&uid)),
            (None, None) => return Ok(()),
        };
        self.report.notices_given += u64::from(engine.give_notice(notice).await?);
        Ok(())
    }

    /// Counts one row.
    pub(super) fn count(&mut self, which: impl Fn(&mut AuditCounts) -> &mut u64) {
        if self.is_counting() {
            *which(&mut self.cursor.counts) += 1;
        }
    }
}

/// A difference of a kind, of which only the place is known.
pub(super) fn drift_at(kind: DriftKind, start: DateTime<Utc>) -> Drift {
    Drift {
        kind,
        appointment: None,
        booking: None,
        rival: None,
        start,
        fields: Differences::NONE,
        in_review: false,
    }
}

pub(super) fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
