//! What a monitor has seen: plain values, from which health is judged.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::store::{DeliveryFate, NoticeSource, ReviewCount, ReviewReason, Waits, WorkCounts};
use crate::sync::condition::CalendarCondition;
use crate::sync::overview::{self, Overview};
use crate::sync::tenant::TenantSetup;

/// What was seen of the whole.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Observed {
    /// When the last look ended.
    pub at: DateTime<Utc>,
    /// How long the store took to answer; `None` if it failed.
    pub storage: Option<Duration>,
    /// Whether the tenants could be listed.
    pub directory_answers: bool,
    /// The tenants that have been looked at so far, as they were when it was last their turn.
    pub tenants: Vec<TenantObserved>,
}

/// What was seen of one tenant.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TenantObserved {
    /// What is set up; `None` if the tenant could not be read.
    pub setup: Option<TenantSetup>,
    /// Its connection to Cal.com; `None` if nothing is known of it.
    pub connection: Option<CalendarCondition>,
    /// Its books; `None` if they could not be read.
    pub books: Option<BooksObserved>,
}

/// What was seen in the books of one tenant.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BooksObserved {
    /// How many changes and deliveries wait, those included that are to be tried again later.
    pub waiting: u64,
    /// How many links are due, and not in hand. Changes and deliveries that no worker has looked at
    /// yet may have no link.
    pub due: u64,
    /// How many links workers have in hand.
    pub in_hand: u64,
    /// For how long the oldest work that nobody has taken in hand has been due.
    pub oldest_due: Option<Duration>,
    /// Whether anything was worked on, now or since the last look; `None` at the first look, if
    /// nothing was in hand.
    pub is_worked_on: Option<bool>,
    /// Whether the tenant's work is paused, until somebody resumes it.
    pub is_paused: bool,
    /// Whether the tenant's work is held for a while: throttled, or not to be read from the directory.
    pub is_held: bool,
    /// How many changes and deliveries ended well within the last day.
    pub succeeded: u64,
    /// How many did not.
    pub failed: u64,
    /// How many webhooks were received within the last day.
    pub webhooks: u64,
    /// How many webhooks ended well within the last day.
    pub webhooks_succeeded: u64,
    /// How many did not.
    pub webhooks_failed: u64,
    /// How many changes sweeps found within the last day that no webhook told of.
    pub found_by_sweep: u64,
    /// Whether lately sweeps found changes and no webhook came at all.
    pub is_silent: bool,
    /// How long the webhooks that were applied lately waited for it.
    pub lag: Waits,
    /// The open review items.
    pub reviews: Vec<ReviewCount>,
    /// How many changes and deliveries ended within the last day, however.
    pub(super) ended: u64,
}

impl BooksObserved {
    /// What the overviews of a day, and of a shorter span if anything came in, say of a tenant that
    /// was looked at before.
    pub(super) fn of(day: &Overview, lately: Option<&Overview>, before: Option<&Self>) -> Self {
        let counts = &day.counts;
        let (succeeded, failed) = day.successes_and_failures();
        let (webhooks_succeeded, webhooks_failed) = webhook_successes_and_failures(counts);
        let ended = ended(counts);
        let worked_on = match before {
            _ if counts.leased > 0 => Some(true),
            Some(before) => {
                let took_up = counts.oldest_due < before.oldest_due;
                Some(ended != before.ended || took_up)
            }
            None => None,
        };
        Self {
            waiting: waiting(counts),
            due: counts.due,
            in_hand: counts.leased,
            oldest_due: counts.oldest_due,
            is_worked_on: worked_on,
            is_paused: counts.is_paused,
            is_held: counts.held_for.is_some(),
            succeeded,
            failed,
            webhooks: day.webhooks.received,
            webhooks_succeeded,
            webhooks_failed,
            found_by_sweep: day.webhooks.found_by_sweep,
            is_silent: lately.is_some_and(|lately| {
                lately.webhooks.received == 0 && lately.webhooks.found_by_sweep > 0
            }),
            lag: lately.map(lag).unwrap_or_default(),
            reviews: counts.reviews.clone(),
            ended,
        }
    }

    /// Whether the tenant is paused because a person wanted it, and for no other reason.
    pub(super) fn is_paused_by_person(&self) -> bool {
        let is_open = |reason: ReviewReason| {
            let mut counts = self.reviews.iter();
            counts.any(|count| count.reason == reason && count.count > 0)
        };
        self.is_paused
            && is_open(ReviewReason::PausedByPerson)
            && !is_open(ReviewReason::CredentialsRefused)
    }

    /// Whether workers take the tenant's work in hand.
    pub(super) fn is_active(&self) -> bool {
        !self.is_paused && !self.is_held
    }

    /// How many review items are open.
    pub(super) fn open_reviews(&self) -> u64 {
        self.reviews.iter().map(|count| count.count).sum()
    }
}

fn is_webhook(source: &NoticeSource) -> bool {
    *source == NoticeSource::Webhook
}

fn webhook_successes_and_failures(counts: &WorkCounts) -> (u64, u64) {
    let (mut well, mut ill) = (0, 0);
    let webhooks = counts.deliveries.iter().filter(|d| is_webhook(&d.source));
    for delivery in webhooks {
        let fate = delivery.fate.as_ref();
        match fate.and_then(overview::delivery_succeeded) {
            Some(true) => well += delivery.waits.count,
            Some(false) => ill += delivery.waits.count,
            None => {}
        }
    }
    (well, ill)
}

fn ended(counts: &WorkCounts) -> u64 {
    let changes = counts.changes.iter().filter(|c| c.fate.is_some());
    let deliveries = counts.deliveries.iter().filter(|d| d.fate.is_some());
    let changes = changes.map(|change| change.waits.count);
    changes.chain(deliveries.map(|d| d.waits.count)).sum()
}

fn waiting(counts: &WorkCounts) -> u64 {
    let changes = counts.changes.iter().filter(|c| c.fate.is_none());
    let deliveries = counts.deliveries.iter().filter(|d| d.fate.is_none());
    let changes = changes.map(|change| change.waits.count);
    changes.chain(deliveries.map(|d| d.waits.count)).sum()
}

/// How long webhooks waited until they were applied.
fn lag(overview: &Overview) -> Waits {
    let deliveries = overview.counts.deliveries.iter();
    let mut applied = deliveries
        .filter(|d| is_webhook(&d.source) && d.fate == Some(DeliveryFate::Applied))
        .map(|d| d.waits);
    applied.next().unwrap_or_default()
}
