//! Reports: what is kept about one appointment, and how much of a tenant's work is in which state.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::appointment::{AppointmentId, Origin};
use super::error::StoreError;
use super::history::{HistoryEntry, HistoryPosition};
use super::inbox::DeliveryFate;
use super::link::Link;
use super::notice::NoticeSource;
use super::outbox::{ChangeFate, RecordedChange};
use super::page::Page;
use super::review::ReviewItem;
use super::review_filter::ReviewCount;
use super::tenant::TenantId;

/// How one appointment stands in the books.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LinkStatus {
    /// The store's current time.
    pub now: DateTime<Utc>,
    /// The appointment's link; `None` if nothing was recorded for it, or no worker has looked yet.
    pub link: Option<Link>,
    /// Whether a worker has the link.
    pub is_leased: bool,
    /// When the link can be claimed next; while it is leased, when the lease runs out. `None` if
    /// nothing is planned.
    pub due_at: Option<DateTime<Utc>>,
    /// How many times it has been claimed since it was last settled.
    pub begun: u32,
    /// How many changes wait.
    pub waiting_changes: u64,
    /// How many deliveries wait.
    pub waiting_deliveries: u64,
    /// How many marks wait.
    pub waiting_marks: u64,
    /// The change that was recorded last, and how it ended; `None` if none is kept.
    pub last_change: Option<(RecordedChange, Option<ChangeFate>)>,
    /// The open review items in which the appointment is involved, oldest first.
    pub open_reviews: Vec<ReviewItem>,
    /// Whether the tenant's work is paused.
    pub is_paused: bool,
    /// Until when the tenant's work is held.
    pub held_until: Option<DateTime<Utc>>,
}

impl LinkStatus {
    /// The status of an appointment that is not in the books.
    pub fn unknown(now: DateTime<Utc>) -> Self {
        Self {
            now,
            link: None,
            is_leased: false,
            due_at: None,
            begun: 0,
            waiting_changes: 0,
            waiting_deliveries: 0,
            waiting_marks: 0,
            last_change: None,
            open_reviews: Vec::new(),
            is_paused: false,
            held_until: None,
        }
    }
}

/// How long some rows waited: until they were settled, or until now if they still wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Waits {
    /// How many rows.
    pub count: u64,
    /// The longest wait.
    pub longest: Duration,
    /// The mean wait.
    pub mean: Duration,
}

impl Waits {
    /// Waits of this number, length and mean.
    pub const fn new(count: u64, longest: Duration, mean: Duration) -> Self {
        Self {
            count,
            longest,
            mean,
        }
    }
}

/// The changes of one origin that ended alike, or wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChangeCount {
    /// Who made them.
    pub origin: Origin,
    /// How they ended; `None` for those that wait.
    pub fate: Option<ChangeFate>,
    /// How many, and how long they waited.
    pub waits: Waits,
}

impl ChangeCount {
    /// A count.
    pub fn new(origin: Origin, fate: Option<ChangeFate>, waits: Waits) -> Self {
        Self {
            origin,
            fate,
            waits,
        }
    }
}

/// The deliveries from one source that ended alike, or wait.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryCount {
    /// Who told of them.
    pub source: NoticeSource,
    /// How they ended; `None` for those that wait.
    pub fate: Option<DeliveryFate>,
    /// How many, and how long they waited.
    pub waits: Waits,
}

impl DeliveryCount {
    /// A count.
    pub fn new(source: NoticeSource, fate: Option<DeliveryFate>, waits: Waits) -> Self {
        Self {
            source,
            fate,
            waits,
        }
    }
}

/// How much of a tenant's work is in which state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WorkCounts {
    /// The changes that wait, and those that ended within the span; ordered by the
    /// words for origin and fate, those that wait first.
    pub changes: Vec<ChangeCount>,
    /// The deliveries that wait, and those that ended within the span; ordered by
    /// the words for source and fate, those that wait first.
    pub deliveries: Vec<DeliveryCount>,
    /// The open review items, by reason.
    pub reviews: Vec<ReviewCount>,
    /// How many links workers have.
    pub leased: u64,
    /// How many links are due now.
    pub due: u64,
    /// How many links become due later: for a retry, or for another look.
    pub later: u64,
    /// For how long the oldest work that nobody has claimed has been due, notices that no worker
    /// has looked at included; `None` if nothing is due.
    pub oldest_due: Option<Duration>,
    /// Whether the tenant's work is paused.
    pub is_paused: bool,
    /// For how much longer the tenant's work is held.
    pub held_for: Option<Duration>,
}

impl WorkCounts {
    /// Sorts the counts as they are promised to be sorted; for stores.
    pub fn sort(&mut self) {
        self.changes.sort_by(|one, other| {
            let fate = |count: &ChangeCount| count.fate.clone().map(|fate| fate.to_string());
            let by_origin = one.origin.as_str().cmp(other.origin.as_str());
            by_origin.then_with(|| fate(one).cmp(&fate(other)))
        });
        self.deliveries.sort_by(|one, other| {
            let fate = |count: &DeliveryCount| count.fate.clone().map(|fate| fate.to_string());
            let by_source = one.source.as_str().cmp(other.source.as_str());
            by_source.then_with(|| fate(one).cmp(&fate(other)))
        });
    }
}

/// What ended within one slice of time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ActivitySlice {
    /// When the slice begins, by the store's clock.
    pub from: DateTime<Utc>,
    /// The changes that ended within it, ordered as in [`WorkCounts::changes`].
    pub changes: Vec<ChangeCount>,
    /// The deliveries that ended within it, ordered as in [`WorkCounts::deliveries`].
    pub deliveries: Vec<DeliveryCount>,
}

/// The longest slice, in seconds: some 30 years.
const LONGEST_SLICE: u64 = 1_000_000_000;

impl ActivitySlice {
    /// The length of a slice in whole seconds, within what is promised and computable; for stores.
    pub fn seconds(slice: Duration) -> i64 {
        i64::try_from(slice.as_secs().clamp(1, LONGEST_SLICE)).unwrap_or(1)
    }

    /// A slice in which nothing ended.
    pub fn new(from: DateTime<Utc>) -> Self {
        Self {
            from,
            changes: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    /// Makes slices of counts, each with the start of its slice: in order, one slice an instant, its
    /// counts sorted; for stores.
    pub fn collect(
        changes: impl IntoIterator<Item = (DateTime<Utc>, ChangeCount)>,
        deliveries: impl IntoIterator<Item = (DateTime<Utc>, DeliveryCount)>,
    ) -> Vec<Self> {
        let mut slices: BTreeMap<DateTime<Utc>, WorkCounts> = BTreeMap::new();
        for (from, count) in changes {
            slices.entry(from).or_default().changes.push(count);
        }
        for (from, count) in deliveries {
            slices.entry(from).or_default().deliveries.push(count);
        }
        let slices = slices.into_iter().map(|(from, mut counts)| {
            counts.sort();
            Self {
                from,
                changes: counts.changes,
                deliveries: counts.deliveries,
            }
        });
        slices.collect()
    }
}

/// Reads for reports.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use calcom::store::{
///     Change, InMemoryStore, Origin, Outbox, Page, Reports, Revision, TenantId,
/// };
///
/// let store = InMemoryStore::new();
/// let tenant = TenantId::new("salon");
/// let at = "2026-12-08T09:00:00Z".parse()?;
/// let change = Change::new(tenant.clone(), "a-1".into(), Revision::FIRST, Origin::Phone, at);
/// store.record(&change).await?;
/// let status = store.link_status(&tenant, &"a-1".into()).await?;
/// assert_eq!(status.waiting_changes, 1);
/// let history = store.history(&tenant, &"a-1".into(), Page::first(50)).await?;
/// assert_eq!(history.len(), 1);
/// let counts = store.work_counts(&tenant, Duration::from_secs(3600)).await?;
/// assert_eq!(counts.changes[0].waits.count, 1);
/// # Ok(())
/// # }
/// ```
///
/// # Contract
///
/// - A history holds what is kept of the appointment: its changes; the deliveries for every booking
///   of its link; the log entries that name the appointment, and those that name its link and no
///   appointment; the review items in which its link is involved. Entries come in the order of
///   their [positions](HistoryPosition), and pages neither overlap nor leave anything out, but for
///   a row of a transaction that was still open when its place was passed.
/// - A status is read in one snapshot.
/// - Rows that still wait are counted whenever they were taken in; settled ones if they were settled
///   within the last `within`.
/// - The slices of [`activity`](Self::activity) add up to the settled rows of
///   [`work_counts`](Self::work_counts) over the same span. The first one may begin before the span,
///   and counts only what was settled within it.
/// - The cost of a history or a status depends on what is kept of that appointment; that of the
///   counts and slices, on what waits and what was settled within the span; that of the waiting
///   changes, on the limit. None depends on how many appointments, or tenants, there are.
#[async_trait]
pub trait Reports: fmt::Debug + Send + Sync + 'static {
    /// Everything that is kept about an appointment, oldest first.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn history(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        page: Page<HistoryPosition>,
    ) -> Result<Vec<HistoryEntry>, StoreError>;

    /// How an appointment stands in the books.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn link_status(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
    ) -> Result<LinkStatus, StoreError>;

    /// How much of a tenant's work is in which state.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn work_counts(
        &self,
        tenant: &TenantId,
        within: Duration,
    ) -> Result<WorkCounts, StoreError>;

    /// What was settled within the last `within`, in slices of this length, oldest first. Slices begin
    /// at multiples of their length since 1970 (UTC); those in which nothing ended are left out. The
    /// length counts in whole seconds, from one second to some 30 years.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable).
    async fn activity(
        &self,
        tenant: &TenantId,
        within: Duration,
        slice: Duration,
    ) -> Result<Vec<ActivitySlice>, StoreError>;

    /// The first `limit` of the changes that wait, in the order of their appointments and ids, as
    /// entries of a history.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](super::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](super::StoreErrorKind::Corrupt).
    async fn waiting_changes(
        &self,
        tenant: &TenantId,
        limit: u32,
    ) -> Result<Vec<HistoryEntry>, StoreError>;
}
