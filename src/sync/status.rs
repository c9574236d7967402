//! The sync status of one appointment.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::last_work::LastWork;
use super::standing::{PendingWrite, SentWrite, Standing};
use crate::model::BookingUid;
use crate::store::{
    Appointment, AppointmentId, ChangeFate, LinkStatus, Origin, ReviewId, ReviewReason, Revision,
};

/// How an appointment and its booking stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SyncState {
    /// Nothing was recorded for the appointment, as far as the books reach back.
    Unknown,
    /// Needs manual review.
    InReview,
    /// Its review item was closed without a decision about the two sides: nothing is done until either
    /// of them changes.
    Dismissed,
    /// There is work, and the tenant is paused: its credentials are refused.
    Paused,
    /// A worker is at it.
    Working,
    /// The last attempt failed; the next one is planned.
    Retrying,
    /// There is work that no worker has done yet, or Cal.com does not show yet what a webhook
    /// claims.
    Waiting,
    /// Nothing is to be pushed, for a named reason: the appointment ended before it was ever booked,
    /// or its change came from Cal.com.
    Skipped,
    /// Both sides agreed when they were last looked at, or their difference was accepted.
    InSync,
}

impl SyncState {
    /// Judges what the books say.
    fn of(status: &LinkStatus, standing: Option<&Standing>) -> Self {
        let waiting = status.waiting_changes + status.waiting_deliveries + status.waiting_marks > 0;
        let is_due = status.due_at.is_some_and(|at| at <= status.now);
        let in_doubt = standing.is_some_and(|s| !s.doubts.is_empty() || s.awaits_outcome());
        if !status.open_reviews.is_empty() {
            Self::InReview
        } else if status.is_paused && (waiting || is_due) {
            Self::Paused
        } else if status.is_leased {
            Self::Working
        } else if standing.is_some_and(|standing| standing.attempts > 0) {
            Self::Retrying
        } else if waiting || is_due || in_doubt {
            Self::Waiting
        } else if standing.is_some_and(|standing| standing.in_review) {
            Self::Dismissed
        } else if standing.is_some_and(|standing| standing.base.is_some()) {
            Self::InSync
        } else if status.last_change.is_some() || status.link.is_some() {
            Self::Skipped
        } else {
            Self::Unknown
        }
    }
}

/// What kind of write a [`PendingWork`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WriteKind {
    /// Creates a booking.
    Create,
    /// Moves a booking.
    Reschedule,
    /// Cancels a booking.
    Cancel,
    /// Changes a booking in place.
    Amend,
}

/// A write to Cal.com that may still take effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PendingWork {
    /// What it does.
    pub kind: WriteKind,
    /// The booking that it changes; `None` for one that is created.
    pub booking: Option<BookingUid>,
    /// When it was last sent.
    pub sent_at: DateTime<Utc>,
    /// How many attempts may still take effect.
    pub sends: u32,
    /// Whether one attempt is known to have taken effect.
    pub is_known: bool,
}

impl From<&PendingWrite> for PendingWork {
    fn from(pending: &PendingWrite) -> Self {
        let (kind, booking) = match &pending.write {
            SentWrite::Create { .. } => (WriteKind::Create, None),
            SentWrite::Reschedule { booking, .. } => (WriteKind::Reschedule, Some(booking)),
            SentWrite::Cancel { booking, .. } => (WriteKind::Cancel, Some(booking)),
            SentWrite::Amend { booking, .. } => (WriteKind::Amend, Some(booking)),
        };
        Self {
            kind,
            booking: booking.cloned(),
            sent_at: pending.sent_at,
            sends: pending.sends,
            is_known: pending.is_known,
        }
    }
}

/// The sync status of one appointment. Contains no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SyncStatus {
    /// The appointment.
    pub appointment: AppointmentId,
    /// Its state.
    pub state: SyncState,
    /// Who made its latest change: as the host says, or else as the change that was recorded last
    /// does.
    pub origin: Option<Origin>,
    /// Its revision, from the same source.
    pub revision: Option<Revision>,
    /// The revision that was recorded last, as far as the books reach back.
    pub recorded_revision: Option<Revision>,
    /// How the change that was recorded last ended; `None` while it waits.
    pub last_fate: Option<ChangeFate>,
    /// The newest booking of its chain.
    pub booking: Option<BookingUid>,
    /// When it was last worked on, when that last succeeded, and the last error.
    pub last: LastWork,
    /// The number of failed attempts at the current work.
    pub attempts: u32,
    /// When the next attempt, or the next look, is planned; `None` if nothing is. A worker may be
    /// held longer by its tenant.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// Until when all of the tenant's work is held.
    pub held_until: Option<DateTime<Utc>>,
    /// Whether all of the tenant's work is paused.
    pub is_paused: bool,
    /// The open review items in which it is involved, with their reasons, oldest first.
    pub reviews: Vec<(ReviewId, ReviewReason)>,
    /// How many changes wait.
    pub waiting_changes: u64,
    /// How many deliveries wait.
    pub waiting_deliveries: u64,
    /// Writes to Cal.com that may still take effect.
    pub pending: Vec<PendingWork>,
    /// How many deliveries claim what Cal.com does not show yet.
    pub doubts: usize,
    /// Whether the engine's memory of the appointment cannot be decoded.
    pub is_undecodable: bool,
}

impl SyncStatus {
    /// The status as the books tell it.
    pub(super) fn of(appointment: AppointmentId, status: LinkStatus) -> Self {
        let decoded = status.link.as_ref().map(Standing::of).transpose();
        let is_undecodable = decoded.is_err();
        let standing = decoded.ok().flatten();
        let state = SyncState::of(&status, standing.as_ref());
        let standing = standing.unwrap_or_default();
        let (last_change, last_fate) = status.last_change.unzip();
        let change = last_change.map(|recorded| recorded.change);
        let recorded_revision = change.as_ref().map(|change| change.revision);
        let reviews = status.open_reviews.into_iter();
        Self {
            appointment,
            state,
            revision: recorded_revision,
            origin: change.map(|change| change.origin),
            recorded_revision,
            last_fate: last_fate.flatten(),
            booking: status.link.and_then(|link| link.booking),
            last: standing.last,
            attempts: standing.attempts,
            next_attempt_at: status.due_at.filter(|_| !status.is_leased),
            held_until: status.held_until,
            is_paused: status.is_paused,
            reviews: reviews.map(|item| (item.id, item.reason)).collect(),
            waiting_changes: status.waiting_changes,
            waiting_deliveries: status.waiting_deliveries,
            pending: standing.pending.iter().map(PendingWork::from).collect(),
            doubts: standing.doubts.len(),
            is_undecodable,
        }
    }

    /// Takes over what the host's appointment says of itself.
    pub(super) fn is_of(&mut self, local: &Appointment) {
        self.revision = Some(local.revision);
        self.origin = Some(local.origin.clone());
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::store::{
        Change, Link, LinkId, NewReview, RecordedChange, ReviewEvidence, ReviewItem, TenantId,
    };

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn linked(edit: impl FnOnce(&mut Standing)) -> LinkStatus {
        let mut link = Link::new(TenantId::new("salon"), LinkId::new(1));
        let mut standing = Standing::default();
        edit(&mut standing);
        standing.put_into(&mut link);
        let mut status = LinkStatus::unknown(now());
        status.link = Some(link);
        status
    }

    fn state_of(status: LinkStatus) -> SyncState {
        SyncStatus::of("a".into(), status).state
    }

    #[test]
    fn the_state_follows_from_the_books() {
        assert_eq!(state_of(LinkStatus::unknown(now())), SyncState::Unknown);
        let mut recorded = LinkStatus::unknown(now());
        recorded.waiting_changes = 1;
        assert_eq!(state_of(recorded.clone()), SyncState::Waiting);
        recorded.is_paused = true;
        assert_eq!(state_of(recorded), SyncState::Paused);
        let retrying = || linked(|standing| standing.attempts = 2);
        assert_eq!(state_of(retrying()), SyncState::Retrying);
        let mut working = retrying();
        working.is_leased = true;
        assert_eq!(state_of(working), SyncState::Working);
        let mut reviewed = linked(|standing| standing.in_review = true);
        assert_eq!(state_of(reviewed.clone()), SyncState::Dismissed);
        reviewed.waiting_marks = 1;
        assert_eq!(state_of(reviewed.clone()), SyncState::Waiting);
        let (conflict, evidence) = (ReviewReason::Conflict, ReviewEvidence::default());
        let new = NewReview::of_link(conflict, evidence);
        let item = ReviewItem::new(ReviewId::new(1), TenantId::new("salon"), new, now());
        reviewed.open_reviews.push(item);
        assert_eq!(state_of(reviewed), SyncState::InReview);
        let mut later = linked(|_| {});
        later.due_at = Some(now() + TimeDelta::seconds(1));
        assert_eq!(state_of(later.clone()), SyncState::Skipped);
        later.due_at = Some(now());
        assert_eq!(state_of(later), SyncState::Waiting);
    }

    #[test]
    fn a_status_names_the_change_that_was_recorded_last() {
        let mut status = linked(|standing| standing.last.failed(now(), "no route"));
        let tenant = TenantId::new("salon");
        let revision = Revision::new(4);
        let change = Change::new(tenant, "a".into(), revision, Origin::Phone, now());
        let recorded = RecordedChange::new(7.into(), change);
        status.last_change = Some((recorded, Some(ChangeFate::Pushed)));
        let status = SyncStatus::of("a".into(), status);
        assert_eq!(status.revision, Some(revision));
        assert_eq!(status.origin, Some(Origin::Phone));
        assert_eq!(status.last_fate, Some(ChangeFate::Pushed));
        assert_eq!(status.last.error.as_deref(), Some("no route"));
        assert_eq!(status.last.failed_at, Some(now()));
    }

    #[test]
    fn what_cannot_be_decoded_is_said() {
        let mut status = linked(|_| {});
        let link = status.link.as_mut().unwrap();
        link.state = Some(crate::store::Opaque::new(1, b"{".to_vec()));
        assert!(SyncStatus::of("a".into(), status).is_undecodable);
    }
}
