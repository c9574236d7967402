//! When a mail is sent, and what waits for it: a pure state machine.

use std::time::Duration;

use calcom::sync::Notification;
use tokio::time::Instant;

/// How many notifications a mail lists. What is beyond is counted.
const LISTED: usize = 200;

/// How long to wait after the first notification, so that a burst goes out as one mail.
const GATHERING: Duration = Duration::from_secs(10);
/// The pause after a mail that could not be sent.
const AFTER_FAILURE: Duration = Duration::from_secs(60);

/// What waits to be mailed.
#[derive(Debug)]
pub(super) struct Digest {
    every: Duration,
    gathering: Duration,
    waiting: Vec<Notification>,
    left_out: u64,
    /// When the oldest of them came.
    since: Option<Instant>,
    /// Before this, no mail is sent.
    rests_until: Option<Instant>,
}

/// What one mail tells.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) notifications: Vec<Notification>,
    /// How many more there were.
    pub(super) left_out: u64,
}

impl Digest {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            every,
            gathering: GATHERING.min(every),
            waiting: Vec::new(),
            left_out: 0,
            since: None,
            rests_until: None,
        }
    }

    pub(super) fn add(&mut self, notification: Notification, now: Instant) {
        self.since.get_or_insert(now);
        if self.waiting.len() < LISTED {
            self.waiting.push(notification);
        } else {
            self.left_out += 1;
        }
    }

    /// When the next mail is due; `None` if nothing waits.
    pub(super) fn due_at(&self) -> Option<Instant> {
        let gathered = self.since? + self.gathering;
        Some(
            self.rests_until
                .map_or(gathered, |until| until.max(gathered)),
        )
    }

    /// What is to be mailed now. Whatever comes of it, nothing else is due for a while.
    pub(super) fn take(&mut self, now: Instant) -> Option<Batch> {
        self.since.take()?;
        self.rests_until = Some(now + self.every);
        Some(Batch {
            notifications: std::mem::take(&mut self.waiting),
            left_out: std::mem::take(&mut self.left_out),
        })
    }

    /// The mail was not sent: what it told waits again, before what has come since.
    pub(super) fn give_back(&mut self, batch: Batch, now: Instant) {
        let newer = std::mem::replace(&mut self.waiting, batch.notifications);
        self.left_out += batch.left_out;
        self.since = Some(now);
        for notification in newer {
            self.add(notification, now);
        }
        self.rests_until = Some(now + AFTER_FAILURE.min(self.every));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(number: usize) -> Notification {
        let event = serde_json::json!({
            "tenant": format!("salon-{number}"), "at": "2026-12-01T09:00:00Z", "event": "webhook_heard",
        });
        serde_json::from_value(event).unwrap()
    }

    const EVERY: Duration = Duration::from_secs(900);

    #[tokio::test(start_paused = true)]
    async fn at_most_one_mail_in_the_time() {
        let now = Instant::now();
        let mut digest = Digest::new(EVERY);
        assert_eq!(digest.due_at(), None);
        digest.add(heard(1), now);
        digest.add(heard(2), now + Duration::from_secs(3));
        assert_eq!(digest.due_at(), Some(now + GATHERING));
        let sent = now + GATHERING;
        assert_eq!(digest.take(sent).unwrap().notifications.len(), 2);
        assert_eq!(digest.due_at(), None);
        assert!(digest.take(sent).is_none());
        digest.add(heard(3), sent + Duration::from_secs(1));
        assert_eq!(digest.due_at(), Some(sent + EVERY));
        let late = sent + EVERY * 3;
        let _ = digest.take(sent + EVERY);
        digest.add(heard(4), late);
        assert_eq!(digest.due_at(), Some(late + GATHERING));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_sent_waits_before_what_came_since() {
        let now = Instant::now();
        let mut digest = Digest::new(EVERY);
        digest.add(heard(1), now);
        let batch = digest.take(now).unwrap();
        digest.add(heard(2), now);
        digest.give_back(batch, now);
        assert_eq!(digest.due_at(), Some(now + AFTER_FAILURE));
        let batch = digest.take(now).unwrap();
        let tenants: Vec<_> = batch
            .notifications
            .iter()
            .map(|n| n.tenant.as_str())
            .collect();
        assert_eq!(tenants, ["salon-1", "salon-2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded_and_counted() {
        let now = Instant::now();
        let mut digest = Digest::new(EVERY);
        for number in 0..LISTED + 5 {
            digest.add(heard(number), now);
        }
        let batch = digest.take(now).unwrap();
        assert_eq!((batch.notifications.len(), batch.left_out), (LISTED, 5));
        digest.add(heard(0), now);
        digest.give_back(batch, now);
        let batch = digest.take(now).unwrap();
        assert_eq!((batch.notifications.len(), batch.left_out), (LISTED, 6));
    }
}
