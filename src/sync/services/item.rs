//! One item of a sync: which row of the books it is, whether it is due, and how it ends. Pure
//! functions.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::params::ServiceSyncMode;
use super::plan::{LeftAlone, ServiceFinding, Step};
use crate::store::{ServiceLink, ServiceStatus};
use crate::sync::calendar::CalendarErrorKind;

/// The row of the books about a step: the one of its pair, else one of either side alone.
pub(super) fn link_of<'a>(links: &'a [ServiceLink], step: &Step) -> Option<&'a ServiceLink> {
    let (service, event_type) = (&step.service, step.event_type);
    let find = |is_it: &dyn Fn(&ServiceLink) -> bool| links.iter().find(|link| is_it(link));
    find(&|link| link.service == *service && link.event_type == event_type)
        .or_else(|| {
            // A pair goes on in the row of the service, which knows the slug.
            let is_alone =
                |link: &ServiceLink| link.service == *service && link.event_type.is_none();
            event_type
                .and(service.as_ref())
                .and_then(|_| find(&is_alone))
        })
        .or_else(|| {
            // An event type whose service is gone keeps the row of the pair.
            let is_of_event_type = |link: &ServiceLink| {
                link.event_type == event_type && (service.is_none() || link.service.is_none())
            };
            event_type.and_then(|_| find(&is_of_event_type))
        })
}

/// Whether an action is to be tried now.
pub(super) fn is_due(
    link: Option<&ServiceLink>,
    is_same_action: bool,
    mode: ServiceSyncMode,
    now: DateTime<Utc>,
) -> bool {
    let Some(link) = link.filter(|_| is_same_action) else {
        return true;
    };
    match mode {
        ServiceSyncMode::Forced => true,
        _ if link.status == ServiceStatus::Error => false,
        _ => link.next_attempt.is_none_or(|at| at <= now),
    }
}

/// How an item stands that nothing was done about.
pub(super) fn status_of(step: &Step) -> (ServiceStatus, Option<String>) {
    let error = |message: &str| (ServiceStatus::Error, Some(message.to_owned()));
    match &step.finding {
        _ if step.action.is_some() => (ServiceStatus::Pending, None),
        ServiceFinding::Synced => (ServiceStatus::Synced, None),
        ServiceFinding::Different { .. } | ServiceFinding::NotPaired => {
            (ServiceStatus::Pending, None)
        }
        ServiceFinding::Conflict { fields } => {
            let fields: Vec<&str> = fields.iter().map(|field| field.as_str()).collect();
            let message = format!(
                "Both sides differ in: {}. Change one of them, or sync with a winner.",
                fields.join(", ")
            );
            (ServiceStatus::Error, Some(message))
        }
        ServiceFinding::NoEventType
        | ServiceFinding::NoService
        | ServiceFinding::EventTypeGone
        | ServiceFinding::ServiceGone => (ServiceStatus::Orphan, None),
        ServiceFinding::Duplicate { .. } => error(
            "More than one service and one event type belong together. Pair each service with an event type of its own.",
        ),
        ServiceFinding::LeftAlone { because } => match because {
            LeftAlone::OtherTenant => error("The event type belongs to another tenant."),
            LeftAlone::NotNamed => {
                error("The event type is none of the tenant's. Add it to the tenant's event types.")
            }
            LeftAlone::Hidden | LeftAlone::Managed => (ServiceStatus::Synced, None),
        },
    }
}

/// How to proceed after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// Try again after this wait.
    Retry(Duration),
    /// Not before somebody changes something.
    Stop,
}

/// After the `failed`-th failed attempt in a row.
pub(super) fn after(failed: u32, can_succeed: bool, delays: &[Duration]) -> After {
    let index = usize::try_from(failed)
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    match delays.get(index) {
        Some(delay) if can_succeed => After::Retry(*delay),
        _ => After::Stop,
    }
}

/// Whether the `begun`-th attempt in a row is one too many.
pub(super) fn is_exhausted(begun: u32, delays: &[Duration]) -> bool {
    let most = u32::try_from(delays.len()).unwrap_or(u32::MAX);
    begun > most.saturating_add(1)
}

/// Whether the same call may succeed later.
pub(super) fn can_succeed(kind: CalendarErrorKind) -> bool {
    !matches!(
        kind,
        CalendarErrorKind::Rejected | CalendarErrorKind::Unsupported
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_is_repeated_after_60_300_and_900_seconds_and_then_never() {
        let delays = [60, 300, 900].map(Duration::from_secs);
        let after = |failed| super::after(failed, true, &delays);
        assert_eq!(after(1), After::Retry(Duration::from_secs(60)));
        assert_eq!(after(2), After::Retry(Duration::from_secs(300)));
        assert_eq!(after(3), After::Retry(Duration::from_secs(900)));
        assert_eq!(after(4), After::Stop);
        assert_eq!(after(u32::MAX), After::Stop);
        assert_eq!(super::after(1, false, &delays), After::Stop);
        assert!(!is_exhausted(4, &delays));
        assert!(is_exhausted(5, &delays));
    }

    #[test]
    fn an_action_waits_for_its_time_and_another_one_does_not() {
        let now: DateTime<Utc> = "2026-12-01T08:00:00Z".parse().unwrap();
        let mut link = ServiceLink::new(None, None);
        link.next_attempt = Some(now + Duration::from_secs(1));
        let due = |link: &ServiceLink, is_same, mode| is_due(Some(link), is_same, mode, now);
        assert!(!due(&link, true, ServiceSyncMode::Due));
        assert!(due(&link, false, ServiceSyncMode::Due));
        assert!(due(&link, true, ServiceSyncMode::Forced));
        link.next_attempt = Some(now);
        assert!(due(&link, true, ServiceSyncMode::Due));
        link.status = ServiceStatus::Error;
        assert!(!due(&link, true, ServiceSyncMode::Due));
        assert!(due(&link, true, ServiceSyncMode::Forced));
    }
}
