//! Judging what was seen: a pure function.

use std::time::Duration;

use calcom::store::{ReviewCount, ReviewReason, Waits};
use calcom::sync::{
    AnswerCondition, BooksObserved, CacheCondition, CalendarCondition, CalendarFailure,
    CircuitCondition, Health, HealthStatus, HealthThresholds, Observed, RateCondition,
    TenantObserved,
};
use chrono::{DateTime, Utc};

const SECOND: Duration = Duration::from_secs(1);

fn now() -> DateTime<Utc> {
    "2026-12-01T08:00:00Z".parse().unwrap()
}

/// So many tenants that are well.
fn well(tenants: usize) -> Observed {
    let mut tenant = TenantObserved::default();
    let mut setup = calcom::sync::TenantSetup::default();
    setup.webhook_secrets = 1;
    setup.event_types = 3;
    tenant.setup = Some(setup);
    tenant.books = Some(BooksObserved::default());
    tenant.connection = Some(CalendarCondition::default());
    let mut seen = Observed::default();
    seen.at = now();
    seen.storage = Some(Duration::from_millis(3));
    seen.directory_answers = true;
    seen.tenants = vec![tenant; tenants];
    seen
}

fn books(seen: &mut Observed, tenant: usize) -> &mut BooksObserved {
    seen.tenants[tenant].books.as_mut().unwrap()
}

fn connection(seen: &mut Observed, tenant: usize) -> &mut CalendarCondition {
    seen.tenants[tenant].connection.as_mut().unwrap()
}

#[track_caller]
fn judged(seen: &Observed, check: &str, status: HealthStatus) -> Health {
    let health = Health::of(seen, &HealthThresholds::default());
    let found = &health.checks[check];
    assert_eq!(found.status, status, "{found:?}");
    // Nothing else is to blame.
    for (name, other) in &health.checks {
        assert!(
            *name == check || other.status == HealthStatus::Healthy,
            "{name}: {other:?}"
        );
    }
    health
}

use HealthStatus::{Degraded, Healthy, Unhealthy};

#[test]
fn nothing_wrong_is_healthy_whatever_the_number_of_tenants() {
    for tenants in [1, 2, 1_000] {
        judged(&well(tenants), "storage", Healthy);
    }
    let nothing = Health::of(&Observed::default(), &HealthThresholds::default());
    assert_eq!(nothing.status, Unhealthy);
    assert_eq!(nothing.checks.len(), 7);
}

#[test]
fn trouble_of_few_tenants_is_degraded_and_of_half_of_them_unhealthy() {
    for (affected, status) in [(0, Healthy), (1, Degraded), (4, Degraded), (5, Unhealthy)] {
        let mut seen = well(10);
        for tenant in 0..affected {
            seen.tenants[tenant].setup = None;
        }
        judged(&seen, "configuration", status);
        let mut seen = well(10);
        for tenant in 0..affected {
            connection(&mut seen, tenant).circuit = CircuitCondition::open(SECOND);
        }
        judged(&seen, "api", status);
        let mut seen = well(10);
        for tenant in 0..affected {
            let refused = CalendarFailure::new(now(), CalendarFailure::UNAUTHORIZED);
            let answers = AnswerCondition::new(1, 1).with_last_failure(refused);
            connection(&mut seen, tenant).answers = answers;
        }
        judged(&seen, "api", status);
        let mut seen = well(10);
        for tenant in 0..affected {
            books(&mut seen, tenant).is_paused = true;
        }
        judged(&seen, "api", status);
        let mut seen = well(10);
        for tenant in 0..affected {
            connection(&mut seen, tenant).rate = Some(RateCondition::new(120, 0, SECOND));
        }
        // Those that have no budget are not counted.
        for tenant in affected..10 {
            connection(&mut seen, tenant).rate = Some(RateCondition::new(120, 120, SECOND));
        }
        judged(&seen, "rate_limit", status);
        let mut seen = well(10);
        for tenant in 0..affected {
            books(&mut seen, tenant).is_silent = true;
        }
        judged(&seen, "webhooks", status);
    }
}

#[test]
fn a_slow_store() {
    for (millis, status) in [
        (249, Healthy),
        (250, Degraded),
        (1_999, Degraded),
        (2_000, Unhealthy),
    ] {
        let mut seen = well(1);
        seen.storage = Some(Duration::from_millis(millis));
        judged(&seen, "storage", status);
    }
}

#[test]
fn old_work() {
    for (seconds, worked_on, status) in [
        (59, Some(false), Healthy),
        (60, Some(false), Degraded),
        (299, Some(false), Degraded),
        (300, Some(false), Unhealthy),
        // Somebody is at it, or nobody can tell yet.
        (3_000, Some(true), Degraded),
        (3_000, None, Degraded),
    ] {
        let mut seen = well(3);
        books(&mut seen, 1).oldest_due = Some(seconds * SECOND);
        books(&mut seen, 1).due = 1;
        books(&mut seen, 1).is_worked_on = worked_on;
        judged(&seen, "workers", status);
    }
    // Workers that take another tenant's work are workers.
    let mut seen = well(3);
    books(&mut seen, 1).oldest_due = Some(3_000 * SECOND);
    books(&mut seen, 1).is_worked_on = Some(false);
    books(&mut seen, 2).is_worked_on = Some(true);
    judged(&seen, "workers", Degraded);
    // The work of a tenant that is paused is due, and left alone.
    let mut seen = well(3);
    books(&mut seen, 1).oldest_due = Some(3_000 * SECOND);
    books(&mut seen, 1).waiting = 1;
    books(&mut seen, 1).is_paused = true;
    let health = judged(&seen, "api", Degraded);
    assert_eq!(health.checks["workers"].figures["waiting"], 0);
}

#[test]
fn a_pause_on_purpose_is_no_failure() {
    let item = |reason| ReviewCount::new(reason, 1, SECOND);
    let mut seen = well(1);
    books(&mut seen, 0).is_paused = true;
    books(&mut seen, 0).reviews = vec![item(ReviewReason::PausedByPerson)];
    let health = judged(&seen, "api", Degraded);
    assert_eq!(health.checks["api"].figures["paused_tenants"], 1);
    // Whoever resumes it finds that the key is refused.
    let refused = item(ReviewReason::CredentialsRefused);
    books(&mut seen, 0).reviews.push(refused);
    judged(&seen, "api", Unhealthy);
}

#[test]
fn lags_are_weighed_by_how_many_webhooks_had_them() {
    let lag = |count, longest: u32, mean: u64| {
        Waits::new(count, longest * SECOND, Duration::from_millis(mean))
    };
    let mut seen = well(2);
    books(&mut seen, 0).lag = lag(99, 4, 100);
    books(&mut seen, 1).lag = lag(1, 290, 290_000);
    books(&mut seen, 0).webhooks = 99;
    let health = judged(&seen, "webhooks", Healthy);
    assert_eq!(health.checks["webhooks"].figures["mean_lag_ms"], 2_999);
    books(&mut seen, 1).lag = lag(1, 300, 300_000);
    judged(&seen, "webhooks", Degraded);
    books(&mut seen, 1).lag = lag(3, 290, 290_000);
    judged(&seen, "webhooks", Degraded);
    books(&mut seen, 1).lag = lag(99, 290, 290_000);
    judged(&seen, "webhooks", Unhealthy);
}

#[test]
fn success_is_judged_once_enough_has_ended() {
    for (succeeded, failed, status) in [
        (0, 19, Healthy),
        (0, 20, Unhealthy),
        (95, 5, Healthy),
        (94, 6, Degraded),
        (80, 20, Degraded),
        (79, 21, Unhealthy),
    ] {
        let mut seen = well(2);
        books(&mut seen, 0).succeeded = succeeded;
        books(&mut seen, 1).failed = failed;
        judged(&seen, "sync", status);
        let mut seen = well(2);
        books(&mut seen, 0).webhooks_succeeded = succeeded;
        books(&mut seen, 1).webhooks_failed = failed;
        judged(&seen, "webhooks", status);
    }
}

#[test]
fn webhooks_that_are_lost_now_and_then() {
    for (received, lost, status) in [
        (18, 1, Healthy),
        (19, 1, Healthy),
        (18, 2, Degraded),
        (0, 1_000, Degraded),
    ] {
        let mut seen = well(2);
        books(&mut seen, 0).webhooks = received;
        books(&mut seen, 1).found_by_sweep = lost;
        judged(&seen, "webhooks", status);
    }
}

/// A 429 holds a tenant for a minute, which is no reason to call for somebody.
#[test]
fn a_tenant_on_hold_is_degraded_at_most() {
    let mut seen = well(1);
    books(&mut seen, 0).is_held = true;
    books(&mut seen, 0).oldest_due = Some(3_000 * SECOND);
    judged(&seen, "api", Degraded);
}

#[test]
fn answers_are_weighed_by_their_number() {
    let answers = |count, p95| {
        let p95 = Duration::from_millis(p95);
        AnswerCondition::new(count, 0).with_percentiles(p95 / 2, p95)
    };
    for (slow, status) in [(250, Healthy), (1_000, Degraded), (20_000, Unhealthy)] {
        let mut seen = well(2);
        connection(&mut seen, 0).answers = answers(90, 150);
        connection(&mut seen, 1).answers = answers(10, slow);
        judged(&seen, "api", status);
    }
}

#[test]
fn a_connection_without_a_circuit_breaker_that_fails() {
    for (count, failed, status) in [
        (4, 4, Healthy),
        (0, 5, Unhealthy),
        (10, 5, Unhealthy),
        (11, 5, Healthy),
    ] {
        let mut seen = well(1);
        connection(&mut seen, 0).answers = AnswerCondition::new(count, failed);
        judged(&seen, "api", status);
    }
    let mut seen = well(10);
    connection(&mut seen, 0).circuit = CircuitCondition::HalfOpen;
    judged(&seen, "api", Degraded);
}

#[test]
fn a_rate_limit_that_is_nearly_used_up() {
    for (remaining, status) in [(24, Healthy), (23, Degraded), (1, Degraded), (0, Unhealthy)] {
        let mut seen = well(1);
        connection(&mut seen, 0).rate = Some(RateCondition::new(120, remaining, 30 * SECOND));
        let health = judged(&seen, "rate_limit", status);
        let figures = &health.checks["rate_limit"].figures;
        assert_eq!(figures["least_remaining"], remaining);
        assert_eq!(figures["resets_in_seconds"], 30);
    }
}

#[test]
fn open_reviews_and_old_ones() {
    let day = 24 * 60 * 60 * SECOND;
    for (count, oldest, status) in [
        (24, day - SECOND, Healthy),
        (25, SECOND, Degraded),
        (1, day, Degraded),
    ] {
        let mut seen = well(1);
        let reason = ReviewReason::SlotTaken;
        books(&mut seen, 0).reviews = vec![ReviewCount::new(reason, count, oldest)];
        judged(&seen, "sync", status);
    }
}

#[test]
fn a_cache_that_seldom_helps() {
    for (hits, misses, status) in [
        (0, 99, Healthy),
        (70, 30, Healthy),
        (69, 31, Degraded),
        (0, 1_000, Degraded),
    ] {
        let mut seen = well(1);
        connection(&mut seen, 0).cache = Some(CacheCondition::new(hits, misses));
        judged(&seen, "sync", status);
    }
}

#[test]
fn several_findings_are_told_worst_first() {
    let mut seen = well(4);
    connection(&mut seen, 0).circuit = CircuitCondition::HalfOpen;
    for tenant in 1..4 {
        connection(&mut seen, tenant).circuit = CircuitCondition::open(SECOND);
    }
    let health = judged(&seen, "api", Unhealthy);
    let check = &health.checks["api"];
    assert_eq!(
        check.message,
        "The circuit breaker is open for 3 of 4 tenants. The circuit breaker is trying Cal.com again for 1 of 4 tenants."
    );
    // Said once.
    assert_eq!(
        check
            .action
            .as_deref()
            .unwrap()
            .matches("See whether")
            .count(),
        1
    );
}
