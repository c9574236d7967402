//! What is told at once, and what is summed up: a pure state machine.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};

use super::{EventCount, Notification, NotificationEvent, NotifyConfig};
use crate::store::{ReviewReason, TenantId};

/// Notifications that wait, and the digests that build up. Bounded: by its capacity, and by the
/// number of tenants times that of different events.
#[derive(Debug)]
pub(super) struct Mailbox {
    singles: u32,
    span: TimeDelta,
    capacity: usize,
    waiting: VecDeque<Notification>,
    tenants: BTreeMap<TenantId, Window>,
}

/// One span of one tenant.
#[derive(Debug)]
struct Window {
    since: DateTime<Utc>,
    singles: u32,
    digest: BTreeMap<(String, Option<ReviewReason>), u64>,
}

impl Window {
    fn starting(now: DateTime<Utc>) -> Self {
        Self {
            since: now,
            singles: 0,
            digest: BTreeMap::new(),
        }
    }

    fn is_over(&self, now: DateTime<Utc>, span: TimeDelta) -> bool {
        // A clock that was set back must not keep a digest for hours.
        now < self.since || now - self.since >= span
    }

    fn add(&mut self, event: &NotificationEvent) {
        match event {
            NotificationEvent::Digest { since, counts } => {
                self.since = self.since.min(*since);
                for count in counts {
                    let key = (count.event.clone(), count.reason.clone());
                    *self.digest.entry(key).or_default() += count.count;
                }
            }
            event => {
                let key = (event.as_str().to_owned(), event.reason().cloned());
                *self.digest.entry(key).or_default() += 1;
            }
        }
    }
}

impl Mailbox {
    pub(super) fn new(config: &NotifyConfig) -> Self {
        Self {
            singles: config.singles,
            span: TimeDelta::from_std(config.span).unwrap_or(TimeDelta::MAX),
            capacity: config.capacity,
            waiting: VecDeque::new(),
            tenants: BTreeMap::new(),
        }
    }

    /// Takes in what happened.
    pub(super) fn post(&mut self, notification: Notification) {
        let (now, span) = (notification.at, self.span);
        let is_full = self.waiting.len() >= self.capacity;
        let tenant = notification.tenant.clone();
        let window = self.tenants.entry(tenant);
        let window = window.or_insert_with(|| Window::starting(now));
        // One with a digest is over only once that is taken.
        if window.digest.is_empty() && window.is_over(now, span) {
            *window = Window::starting(now);
        }
        if is_full || window.singles >= self.singles {
            window.add(&notification.event);
        } else {
            window.singles += 1;
            self.waiting.push_back(notification);
        }
    }

    /// The next notification to deliver: one that waits, or the digest of a span that is over.
    pub(super) fn take(&mut self, now: DateTime<Utc>) -> Option<Notification> {
        if let Some(next) = self.waiting.pop_front() {
            return Some(next);
        }
        let span = self.span;
        self.tenants
            .retain(|_, window| !window.digest.is_empty() || !window.is_over(now, span));
        let mut tenants = self.tenants.iter_mut();
        let (tenant, window) =
            tenants.find(|(_, window)| !window.digest.is_empty() && window.is_over(now, span))?;
        let ended = std::mem::replace(window, Window::starting(now));
        let counts = ended.digest.into_iter();
        let event = NotificationEvent::Digest {
            since: ended.since,
            counts: counts
                .map(|((event, reason), count)| EventCount {
                    event,
                    reason,
                    count,
                })
                .collect(),
        };
        Some(Notification::new(tenant.clone(), now, event))
    }

    /// Takes back what was not delivered: the next digest tells it.
    pub(super) fn give_back(&mut self, notification: &Notification, now: DateTime<Utc>) {
        let window = self.tenants.entry(notification.tenant.clone());
        let window = window.or_insert_with(|| Window::starting(now));
        let since = window.since;
        window.add(&notification.event);
        // The digest says since when it counts; its span goes on as it was.
        window.since = since;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::store::ReviewId;

    fn now(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn config() -> NotifyConfig {
        NotifyConfig {
            singles: 2,
            span: Duration::from_secs(60),
            capacity: 3,
            ..NotifyConfig::default()
        }
    }

    fn opened(tenant: &str, id: i64, at: i64) -> Notification {
        let event = NotificationEvent::ReviewOpened {
            review: ReviewId::new(id),
            reason: ReviewReason::Conflict,
            appointment: None,
        };
        Notification::new(tenant.into(), now(at), event)
    }

    fn total(notification: &Notification) -> u64 {
        match &notification.event {
            NotificationEvent::Digest { counts, .. } => counts.iter().map(|c| c.count).sum(),
            _ => 1,
        }
    }

    fn take_all(mailbox: &mut Mailbox, at: i64) -> Vec<Notification> {
        std::iter::from_fn(|| mailbox.take(now(at))).collect()
    }

    #[test]
    fn a_flood_becomes_a_digest() {
        let mut mailbox = Mailbox::new(&config());
        for id in 0..10 {
            mailbox.post(opened("a", id, id));
        }
        mailbox.post(opened("b", 99, 9));
        let told = take_all(&mut mailbox, 10);
        assert_eq!(
            told,
            [opened("a", 0, 0), opened("a", 1, 1), opened("b", 99, 9)]
        );
        assert_eq!(take_all(&mut mailbox, 59), []);
        let digest = take_all(&mut mailbox, 60);
        let [digest] = digest.as_slice() else {
            panic!("expected one digest, got {digest:?}");
        };
        assert_eq!((digest.tenant.as_str(), total(digest)), ("a", 8));
        // A new span begins with the digest.
        for id in 10..13 {
            mailbox.post(opened("a", id, 61));
        }
        assert_eq!(take_all(&mut mailbox, 62).len(), 2);
        assert_eq!(
            take_all(&mut mailbox, 120).iter().map(total).sum::<u64>(),
            1
        );
        take_all(&mut mailbox, 500);
        assert!(mailbox.tenants.is_empty());
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut mailbox = Mailbox::new(&config());
        for tenant in ["a", "b", "c"] {
            mailbox.post(opened(tenant, 1, 0));
            mailbox.post(opened(tenant, 2, 0));
        }
        assert_eq!(mailbox.waiting.len(), 3);
        assert_eq!(take_all(&mut mailbox, 1).len(), 3);
        let digests = take_all(&mut mailbox, 60);
        assert_eq!(digests.iter().map(total).sum::<u64>(), 3);
    }

    #[test]
    fn what_was_not_delivered_is_told_by_the_next_digest() {
        let mut mailbox = Mailbox::new(&config());
        mailbox.post(opened("a", 1, 0));
        for round in 1..4 {
            let at = round * 60;
            let failed = mailbox.take(now(at)).expect("something to tell");
            assert_eq!(total(&failed), 1);
            mailbox.give_back(&failed, now(at));
        }
        let digest = mailbox.take(now(240)).expect("a digest");
        assert_eq!(total(&digest), 1);
        assert_eq!(mailbox.take(now(1000)), None);
    }

    proptest! {
        /// Whatever happens in whatever order, and however deliveries fail, everything is told
        /// exactly once in the end, and no more singles of a tenant are told in a span than allowed.
        #[test]
        fn everything_is_told_once(
            steps in prop::collection::vec((0..3_u8, 0..3_usize, 0..40_i64), 0..200)
        ) {
            let mut mailbox = Mailbox::new(&config());
            let (mut posted, mut told, mut at) = (0, 0, 0);
            for (what, tenant, wait) in steps {
                at += wait;
                match what {
                    0 => {
                        mailbox.post(opened(["a", "b", "c"][tenant], posted, at));
                        posted += 1;
                    }
                    1 => told += mailbox.take(now(at)).as_ref().map_or(0, total),
                    _ => if let Some(failed) = mailbox.take(now(at)) {
                        mailbox.give_back(&failed, now(at));
                    },
                }
                prop_assert!(mailbox.waiting.len() <= 3);
            }
            told += take_all(&mut mailbox, at + 60).iter().map(total).sum::<u64>();
            prop_assert_eq!(told, u64::try_from(posted).unwrap());
        }
    }
}
