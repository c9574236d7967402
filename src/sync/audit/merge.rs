//! The merge of both streams, and how far it has come.

use chrono::{DateTime, TimeDelta, Utc};

use super::compare::allowed_cancellations;
use super::group::{Group, MAX_GROUP};
use super::report::Failure;
use super::rows::{Appointments, Bookings};
use super::{AuditCursor, AuditMode, AuditParams, AuditProgress, AuditReport, AuditStop, Brake};
use crate::store::StoreError;
use crate::sync::engine::Engine;
use crate::sync::review::with_causes;
use crate::sync::tenant::Tenant;

/// After how many rows the observer hears how far the audit has come.
const ROWS_PER_PROGRESS: usize = 100;

/// An audit of one tenant.
pub(super) struct Audit<'a> {
    pub(super) engine: &'a Engine,
    pub(super) tenant: &'a Tenant,
    pub(super) params: AuditParams,
    pub(super) cursor: AuditCursor,
    /// The cursor as it was when all rows of one start were compared, and how many differences the
    /// report held: what was counted since is counted again after a stop.
    safe: (AuditCursor, usize),
    pub(super) report: AuditReport,
    /// What was written after that is left to its webhook or its change.
    settled_until: DateTime<Utc>,
}

impl<'a> Audit<'a> {
    pub(super) fn new(
        engine: &'a Engine,
        tenant: &'a Tenant,
        params: AuditParams,
        cursor: AuditCursor,
    ) -> Self {
        let lag = TimeDelta::from_std(engine.config.webhook_lag).unwrap_or(TimeDelta::MAX);
        let settled_until = engine.clock.now().checked_sub_signed(lag);
        Self {
            engine,
            tenant,
            params,
            report: AuditReport {
                tenant: tenant.id.clone(),
                counts: cursor.counts.clone(),
                drift: Vec::new(),
                notices_given: 0,
                changes_recorded: 0,
                has_gaps: false,
                brake: None,
                stopped: None,
                cursor: None,
            },
            safe: (cursor.clone(), 0),
            cursor,
            settled_until: settled_until.unwrap_or(DateTime::<Utc>::UNIX_EPOCH),
        }
    }

    pub(super) async fn run(mut self) -> Result<AuditReport, StoreError> {
        let stop = match self.walk_all().await {
            Ok(()) => None,
            Err(Failure::Store(error)) => return Err(error),
            Err(Failure::Brake) => Some(AuditStop::Brake),
            Err(Failure::Host(error)) => {
                tracing::warn!(tenant = %self.tenant.id, error = %with_causes(&error), "the host stopped an audit");
                Some(AuditStop::Host(error.kind()))
            }
            Err(Failure::Calendar(error)) => {
                tracing::warn!(tenant = %self.tenant.id, error = %with_causes(&error), "Cal.com stopped an audit");
                Some(AuditStop::Calendar {
                    kind: error.kind(),
                    retry_after: error.retry_after(),
                })
            }
        };
        let (safe, kept) = self.safe;
        self.report.drift.truncate(kept);
        self.report.counts = safe.counts.clone();
        self.report.cursor = stop.is_some().then_some(safe);
        self.report.stopped = stop;
        Ok(self.report)
    }

    async fn walk_all(&mut self) -> Result<(), Failure> {
        if !self.cursor.counted {
            self.walk().await?;
            if self.params.mode == AuditMode::CheckOnly {
                return Ok(());
            }
            self.cursor.begin_repair();
            self.note_safe();
        }
        if self.params.mode == AuditMode::CheckOnly {
            return Ok(());
        }
        let would_cancel = self.cursor.counts.would_cancel.max(self.cursor.cancelled);
        self.brake(would_cancel)?;
        self.walk().await
    }

    /// Stops a repair that would cancel too many.
    pub(super) fn brake(&mut self, would_cancel: u64) -> Result<(), Failure> {
        let Some(percent) = self.params.brake_percent else {
            return Ok(());
        };
        let appointments = self.cursor.counts.appointments_read;
        let allowed = allowed_cancellations(appointments, percent);
        if would_cancel <= allowed {
            return Ok(());
        }
        self.report.brake = Some(Brake {
            would_cancel,
            appointments,
            allowed,
        });
        Err(Failure::Brake)
    }

    /// Whether the walk counts what it meets; otherwise it repairs.
    pub(super) fn is_counting(&self) -> bool {
        !self.cursor.counted
    }

    /// Whether something was written so recently that it is not compared yet.
    pub(super) fn is_recent(&self, written_at: Option<DateTime<Utc>>) -> bool {
        written_at.is_some_and(|at| at > self.settled_until)
    }

    /// Walks through what is left of the window.
    async fn walk(&mut self) -> Result<(), Failure> {
        let (engine, tenant) = (self.engine, self.tenant);
        let rest = self.cursor.rest();
        let listed = if self.cursor.unordered {
            self.cursor.window()
        } else {
            rest
        };
        let mut bookings = Bookings::new(listed);
        let mut appointments = Appointments::new(rest, None);
        let mut rows = 0;
        loop {
            bookings.fill(engine, tenant).await?;
            appointments.fill(engine, tenant).await?;
            self.cursor.unordered |= !bookings.walk().is_sorted();
            self.safe.0.unordered = self.cursor.unordered;
            let starts = [bookings.next_start(), appointments.next_start()];
            let Some(start) = starts.into_iter().flatten().min() else {
                break;
            };
            let mut group = Group::default();
            let whole = self
                .gather(start, &mut group, &mut bookings, &mut appointments)
                .await?;
            rows += group.bookings.len() + group.appointments.len();
            self.compare(group).await?;
            if whole && let Some(next) = DateTime::from_timestamp_millis(start + 1) {
                self.cursor.position = self.cursor.position.max(next);
                self.note_safe();
            }
            if rows >= ROWS_PER_PROGRESS {
                rows = 0;
                self.tell_progress().await;
            }
        }
        self.report.has_gaps |= bookings.walk().has_gaps();
        self.cursor.position = self.cursor.until;
        self.note_safe();
        self.tell_progress().await;
        Ok(())
    }

    /// Takes the rows of one start from both sides; returns whether these were all of them.
    async fn gather(
        &mut self,
        start: i64,
        group: &mut Group,
        bookings: &mut Bookings,
        appointments: &mut Appointments,
    ) -> Result<bool, Failure> {
        while bookings.next_start() == Some(start) && group.bookings.len() < MAX_GROUP {
            if let Some(row) = bookings.pop() {
                group.add_booking(row);
            }
            bookings.fill(self.engine, self.tenant).await?;
        }
        while appointments.next_start() == Some(start) && group.appointments.len() < MAX_GROUP {
            if let Some(row) = appointments.pop() {
                group.add_appointment(row);
            }
            appointments.fill(self.engine, self.tenant).await?;
        }
        Ok(bookings.next_start() != Some(start) && appointments.next_start() != Some(start))
    }

    async fn compare(&mut self, mut group: Group) -> Result<(), Failure> {
        if self.is_counting() {
            let counts = &mut self.cursor.counts;
            counts.bookings_read += super::repair::count(group.bookings.len());
            counts.appointments_read += super::repair::count(group.appointments.len());
        }
        for index in 0..group.bookings.len() {
            let booking = group.bookings[index].clone();
            self.compare_booking(&booking, &mut group).await?;
        }
        for appointment in &group.appointments {
            if !group.is_compared(&appointment.id) {
                self.compare_appointment(appointment, &group).await?;
            }
        }
        Ok(())
    }

    /// All rows of one start were compared.
    fn note_safe(&mut self) {
        self.safe = (self.cursor.clone(), self.report.drift.len());
    }

    async fn tell_progress(&self) {
        let Some(observer) = &self.params.observer else {
            return;
        };
        let safe = &self.safe.0;
        let progress = AuditProgress {
            repairing: safe.counted,
            reached: safe.position,
            counts: safe.counts.clone(),
            cursor: safe.clone(),
        };
        observer.progress(&progress).await;
    }
}
