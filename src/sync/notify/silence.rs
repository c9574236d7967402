//! Whether a tenant's webhooks have fallen silent: a pure state machine.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::NotificationEvent;
use crate::store::{TenantId, WebhookHealth};

/// How many times tenants are checked within the time of silence that is reported.
const CHECKS: i32 = 4;

/// Remembers which tenants were reported silent.
#[derive(Debug, Default)]
pub(super) struct SilenceWatch {
    silent: BTreeSet<TenantId>,
    checked_at: Option<DateTime<Utc>>,
}

impl SilenceWatch {
    /// Whether it is time to check the tenants; counts as a check if so.
    pub(super) fn is_due(&mut self, now: DateTime<Utc>, silent_after: Duration) -> bool {
        let pause = TimeDelta::from_std(silent_after).unwrap_or(TimeDelta::MAX) / CHECKS;
        let is_due = self
            .checked_at
            .is_none_or(|at| now < at || now - at >= pause);
        if is_due {
            self.checked_at = Some(now);
        }
        is_due
    }

    /// What the health of the webhooks within the time of silence gives rise to telling.
    pub(super) fn judge(
        &mut self,
        tenant: &TenantId,
        health: &WebhookHealth,
        silent_after: Duration,
    ) -> Option<NotificationEvent> {
        if health.received > 0 {
            let was_silent = self.silent.remove(tenant);
            return was_silent.then_some(NotificationEvent::WebhookHeard);
        }
        // Where nothing changed there is nothing to hear.
        if health.found_by_sweep == 0 || !self.silent.insert(tenant.clone()) {
            return None;
        }
        Some(NotificationEvent::WebhookSilent {
            seconds: silent_after.as_secs(),
            found_by_sweep: health.found_by_sweep,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn health(received: u64, found_by_sweep: u64) -> WebhookHealth {
        WebhookHealth {
            received,
            found_by_sweep,
            ..WebhookHealth::default()
        }
    }

    #[test]
    fn silence_is_told_once_and_its_end_too() {
        let mut watch = SilenceWatch::default();
        let tenant = TenantId::new("salon");
        let mut judge = |health| watch.judge(&tenant, &health, HOUR);
        assert_eq!(judge(health(0, 0)), None);
        assert_eq!(judge(health(4, 2)), None);
        let silent = NotificationEvent::WebhookSilent {
            seconds: 3600,
            found_by_sweep: 3,
        };
        assert_eq!(judge(health(0, 3)), Some(silent));
        assert_eq!(judge(health(0, 4)), None);
        assert_eq!(judge(health(0, 0)), None);
        let heard = Some(NotificationEvent::WebhookHeard);
        assert_eq!(judge(health(1, 0)), heard);
        assert_eq!(judge(health(1, 0)), None);
    }

    #[test]
    fn tenants_are_checked_now_and_then() {
        let mut watch = SilenceWatch::default();
        let at = |minutes: i64| DateTime::from_timestamp(1_800_000_000 + minutes * 60, 0).unwrap();
        let due: Vec<bool> = [0, 1, 14, 15, 16, 10]
            .map(|minutes| watch.is_due(at(minutes), HOUR))
            .to_vec();
        assert_eq!(due, [true, false, false, true, false, true]);
    }
}
