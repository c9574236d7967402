//! An overview of a tenant's work.

use std::time::Duration;

use crate::store::{ChangeFate, DeliveryFate, TenantId, WebhookHealth, WorkCounts};

/// How much of a tenant's work is in which state, and how well it went lately.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overview {
    /// The tenant.
    pub tenant: TenantId,
    /// The span over which what has ended is counted.
    pub within: Duration,
    /// Counts and ages by state and origin, and the queue.
    pub counts: WorkCounts,
    /// What became of the webhooks.
    pub webhooks: WebhookHealth,
}

impl Overview {
    pub(super) fn new(
        tenant: TenantId,
        within: Duration,
        counts: WorkCounts,
        webhooks: WebhookHealth,
    ) -> Self {
        Self {
            tenant,
            within,
            counts,
            webhooks,
        }
    }

    /// How many changes and deliveries ended well within the span, and how many did not. What was
    /// superseded, skipped or ignored counts as neither.
    pub fn successes_and_failures(&self) -> (u64, u64) {
        let changes = self.counts.changes.iter();
        let changes = changes.filter_map(|c| Some((change_succeeded(c.fate.as_ref()?)?, c.waits)));
        let deliveries = self.counts.deliveries.iter();
        let deliveries =
            deliveries.filter_map(|d| Some((delivery_succeeded(d.fate.as_ref()?)?, d.waits)));
        let (mut well, mut ill) = (0, 0);
        for (succeeded, waits) in changes.chain(deliveries) {
            *(if succeeded { &mut well } else { &mut ill }) += waits.count;
        }
        (well, ill)
    }

    /// The share of changes and deliveries that ended well within the span, between 0 and 1; `None`
    /// if none ended.
    pub fn success_rate(&self) -> Option<f64> {
        let (well, ill) = self.successes_and_failures();
        // Counts of rows are far below 2^52.
        let rate = well as f64 / (well + ill) as f64;
        (well + ill > 0).then_some(rate)
    }

    /// How many open review items there are.
    pub fn open_reviews(&self) -> u64 {
        self.counts.reviews.iter().map(|count| count.count).sum()
    }
}

/// Whether a change ended well; `None` if there was nothing to do for it.
fn change_succeeded(fate: &ChangeFate) -> Option<bool> {
    match fate {
        ChangeFate::Pushed
        | ChangeFate::Agreed
        | ChangeFate::Overruled
        | ChangeFate::KeptAtHost => Some(true),
        ChangeFate::InReview => Some(false),
        _ => None,
    }
}

/// Whether a delivery ended well; `None` if there was nothing to do for it.
pub(super) fn delivery_succeeded(fate: &DeliveryFate) -> Option<bool> {
    match fate {
        DeliveryFate::Applied | DeliveryFate::Agreed | DeliveryFate::Overruled => Some(true),
        DeliveryFate::InReview | DeliveryFate::Contradicted | DeliveryFate::RefusedForeign => {
            Some(false)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{ChangeCount, DeliveryCount, NoticeSource, Origin, Waits};

    #[test]
    fn the_rate_counts_what_ended_well_and_what_did_not() {
        let waits = |count| Waits::new(count, Duration::ZERO, Duration::ZERO);
        let change = |fate, count| ChangeCount::new(Origin::Admin, fate, waits(count));
        let mut counts = WorkCounts::default();
        let overview = |counts: &WorkCounts| {
            let health = WebhookHealth::default();
            Overview::new("salon".into(), Duration::ZERO, counts.clone(), health)
        };
        assert_eq!(overview(&counts).success_rate(), None);
        counts.changes = vec![
            change(None, 5),
            change(Some(ChangeFate::Pushed), 2),
            change(Some(ChangeFate::Superseded), 9),
            change(Some(ChangeFate::InReview), 1),
        ];
        let applied = Some(DeliveryFate::Applied);
        counts.deliveries = vec![DeliveryCount::new(NoticeSource::Webhook, applied, waits(1))];
        assert_eq!(overview(&counts).successes_and_failures(), (3, 1));
        assert_eq!(overview(&counts).success_rate(), Some(0.75));
    }
}
