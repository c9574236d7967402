//! The seven checks: pure functions from what was seen to what is thought of it.

use std::fmt;
use std::time::Duration;

use super::observed::{BooksObserved, Observed, TenantObserved};
use super::thresholds::HealthThresholds;
use super::verdict::{Findings, Health, HealthCheck, HealthStatus};
use crate::sync::condition::{CalendarCondition, CircuitCondition};

use HealthStatus::{Degraded, Unhealthy};

/// How many requests must have failed lately, and be half of all, for a connection to count as
/// failing.
const FAILING: u32 = 5;

impl Health {
    /// Judges what was seen.
    pub fn of(seen: &Observed, thresholds: &HealthThresholds) -> Self {
        Self::from_checks(
            seen.at,
            [
                ("configuration", configuration(seen, thresholds)),
                ("storage", storage(seen, thresholds)),
                ("workers", workers(seen, thresholds)),
                ("webhooks", webhooks(seen, thresholds)),
                ("api", api(seen, thresholds)),
                ("rate_limit", rate_limit(seen, thresholds)),
                ("sync", sync(seen, thresholds)),
            ],
        )
    }
}

/// How many of how many tenants something concerns.
#[derive(Clone, Copy)]
struct Share {
    affected: usize,
    of: usize,
}

impl Share {
    fn of<T>(all: &[T], is_affected: impl Fn(&T) -> bool) -> Self {
        let affected = all.iter().filter(|it| is_affected(it)).count();
        Self {
            affected,
            of: all.len(),
        }
    }

    /// The status of trouble that single tenants have; `None` if none has it.
    fn status(self, thresholds: &HealthThresholds) -> Option<HealthStatus> {
        if self.affected == 0 {
            return None;
        }
        let share = ratio(self.affected as u64, self.of as u64);
        Some(if share >= thresholds.affected_tenants {
            Unhealthy
        } else {
            Degraded
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.of == 1 { "tenant" } else { "tenants" };
        write!(f, "{} of {} {noun}", self.affected, self.of)
    }
}

/// A share between 0 and 1. What is counted is far below 2^52.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// A duration as a person would say it.
fn said(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{} ms", duration.as_millis()),
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn books(seen: &Observed) -> Vec<&BooksObserved> {
    let tenants = seen.tenants.iter();
    tenants.filter_map(|tenant| tenant.books.as_ref()).collect()
}

fn connections(seen: &Observed) -> Vec<&CalendarCondition> {
    let tenants = seen.tenants.iter();
    tenants
        .filter_map(|tenant| tenant.connection.as_ref())
        .collect()
}

fn configuration(seen: &Observed, thresholds: &HealthThresholds) -> HealthCheck {
    let mut findings = Findings::default();
    let all = &seen.tenants;
    let setup_is = |tenant: &TenantObserved, wrong: fn(usize, usize, usize) -> bool| {
        let setup = tenant.setup.as_ref();
        setup.is_some_and(|it| wrong(it.webhook_secrets, it.event_types, it.hosts))
    };
    let unreadable = Share::of(all, |tenant| tenant.setup.is_none());
    let secretless = Share::of(all, |tenant| setup_is(tenant, |secrets, _, _| secrets == 0));
    let nothing = Share::of(all, |tenant| {
        setup_is(tenant, |_, event_types, hosts| event_types + hosts == 0)
    });
    findings.figure("tenants", all.len());
    findings.figure("unreadable", unreadable.affected);
    findings.figure("without_webhook_secret", secretless.affected);
    findings.figure("without_event_types_or_hosts", nothing.affected);
    if !seen.directory_answers {
        findings.found(
            Unhealthy,
            "The tenants cannot be listed.",
            "Check the tenant directory and what it reads from.",
        );
    } else if all.is_empty() {
        findings.found(
            Degraded,
            "There are no tenants.",
            "Add a tenant to the directory.",
        );
    }
    if let Some(status) = unreadable.status(thresholds) {
        findings.found(
            status,
            format!("The configuration cannot be read of {unreadable}."),
            "Check the tenant directory and what it reads from; the work of these tenants waits.",
        );
    }
    if let Some(status) = secretless.status(thresholds) {
        findings.found(
            status,
            format!("No webhook secret is configured for {secretless}."),
            "Configure the secret of the webhook subscription at Cal.com; until then webhooks are refused.",
        );
    }
    if let Some(status) = nothing.status(thresholds) {
        findings.found(
            status,
            format!("Neither event types nor hosts are named for {nothing}."),
            "Name the event types or hosts of these tenants; until then no booking is theirs.",
        );
    }
    findings.or_healthy("The tenants can be listed and read.")
}

fn storage(seen: &Observed, thresholds: &HealthThresholds) -> HealthCheck {
    let mut findings = Findings::default();
    let unread = Share::of(&seen.tenants, |tenant| tenant.books.is_none());
    match seen.storage {
        None => findings.found(
            Unhealthy,
            "The storage does not answer.",
            "Check the database and the connection to it; webhooks are refused and nothing is synced until it answers.",
        ),
        Some(took) => {
            findings.figure("answered_in_ms", milliseconds(took));
            let status = slow(took, thresholds.storage_degraded, thresholds.storage_unhealthy);
            if let Some(status) = status {
                findings.found(
                    status,
                    format!("The storage took {} for a small read.", said(took)),
                    "Look what keeps the database busy: its load, its locks, its disk.",
                );
            }
            if let Some(status) = unread.status(thresholds) {
                findings.found(
                    status,
                    format!("The books cannot be read of {unread}."),
                    "Check the database's log; a table may be damaged or locked.",
                );
            }
        }
    }
    findings.or_healthy("The storage answers.")
}

fn slow(took: Duration, degraded: Duration, unhealthy: Duration) -> Option<HealthStatus> {
    if took >= unhealthy {
        Some(Unhealthy)
    } else {
        (took >= degraded).then_some(Degraded)
    }
}

fn workers(seen: &Observed, thresholds: &HealthThresholds) -> HealthCheck {
    let mut findings = Findings::default();
    let books = books(seen);
    if books.is_empty() && !seen.tenants.is_empty() {
        findings.found(
            Degraded,
            "Nothing is known of the work that is due.",
            "Mend the storage first.",
        );
        return findings.or_healthy("");
    }
    // The work of a tenant that is paused is due, and left alone.
    let active: Vec<_> = books
        .into_iter()
        .filter(|books| books.is_active())
        .collect();
    let waiting: u64 = active.iter().map(|books| books.waiting).sum();
    let due: u64 = active.iter().map(|books| books.due).sum();
    let in_hand: u64 = active.iter().map(|books| books.in_hand).sum();
    let oldest = active.iter().filter_map(|books| books.oldest_due).max();
    findings.figure("waiting", waiting);
    findings.figure("due", due);
    findings.figure("in_hand", in_hand);
    findings.figure("oldest_due_seconds", oldest.map(|age| age.as_secs()));
    let Some(oldest) = oldest.filter(|age| *age >= thresholds.work_degraded) else {
        return findings.or_healthy(if in_hand > 0 {
            "Work is done as it comes in."
        } else {
            "No work has been waiting for long."
        });
    };
    let moves = active.iter().filter_map(|books| books.is_worked_on);
    let is_worked_on = moves.max();
    let waits = format!("Work has been due for {}", said(oldest));
    match is_worked_on {
        Some(false) if oldest >= thresholds.work_unhealthy => findings.found(
            Unhealthy,
            format!("{waits}, and none is taken in hand."),
            "Start a worker, or look why the running ones take nothing: their logs, their connection to the database.",
        ),
        Some(true) => findings.found(
            Degraded,
            format!("{waits}; the workers do not keep up."),
            "Add workers or raise their concurrency, unless the queue is getting shorter already.",
        ),
        _ => findings.found(
            Degraded,
            format!("{waits}."),
            "Look whether a worker is running.",
        ),
    }
    findings.or_healthy("")
}

fn webhooks(seen: &Observed, thresholds: &HealthThresholds) -> HealthCheck {
    let mut findings = Findings::default();
    let books = books(seen);
    let received: u64 = books.iter().map(|books| books.webhooks).sum();
    let found_by_sweep: u64 = books.iter().map(|books| books.found_by_sweep).sum();
    let well: u64 = books.iter().map(|books| books.webhooks_succeeded).sum();
    let ill: u64 = books.iter().map(|books| books.webhooks_failed).sum();
    let applied: u64 = books.iter().map(|books| books.lag.count).sum();
    let total = books.iter().map(|books| {
        let mean = books.lag.mean;
        mean.mul_f64(books.lag.count as f64)
    });
    let mean = total.sum::<Duration>().div_f64(applied.max(1) as f64);
    let longest = books.iter().map(|books| books.lag.longest).max();
    let longest = longest.unwrap_or_default();
    let silent = Share::of(&books, |books| books.is_silent);
    let rate = ratio(well, well + ill);
    findings.figure("received", received);
    findings.figure("found_by_sweep", found_by_sweep);
    findings.figure("silent_tenants", silent.affected);
    if applied > 0 {
        findings.figure("mean_lag_ms", milliseconds(mean));
        findings.figure("longest_lag_ms", milliseconds(longest));
    }
    if well + ill > 0 {
        findings.figure("success_rate", rate);
    }
    if let Some(status) = silent.status(thresholds) {
        findings.found(
            status,
            format!(
                "No webhook has come lately for {silent}, although bookings have changed."
            ),
            "Check these tenants' webhook subscriptions at Cal.com (`check_subscription`), and whether this server can be reached from there.",
        );
    }
    if unsuccessful(received, found_by_sweep, thresholds).is_some() && silent.affected == 0 {
        let lost = percent(ratio(found_by_sweep, received + found_by_sweep));
        findings.found(
            Degraded,
            format!("No webhook told of {lost} of what changed at Cal.com within a day."),
            "Look whether webhooks are refused or too many at once (`calcom_webhooks_total`), and whether this server was down; a self-hosted server sends none again.",
        );
    }
    if let Some(status) = slow(mean, thresholds.lag_degraded, thresholds.lag_unhealthy) {
        findings.found(
            status,
            format!("Applying a webhook takes {} on average.", said(mean)),
            "Look at the checks `workers` and `api`: either there are too few workers, or Cal.com answers slowly.",
        );
    } else if longest >= thresholds.longest_lag {
        findings.found(
            Degraded,
            format!("Applying a webhook took up to {}.", said(longest)),
            "Look at the checks `workers` and `api`; the history of the appointment says what was waited for.",
        );
    }
    if let Some(status) = unsuccessful(well, ill, thresholds) {
        findings.found(
            status,
            format!(
                "Only {} of the webhooks of a day ended well.",
                percent(rate)
            ),
            "Look at the open review items, and at the webhooks that Cal.com contradicted.",
        );
    }
    findings.or_healthy(if received == 0 {
        "No webhook has come within a day, and none was missed."
    } else {
        "Webhooks come, and are applied in time."
    })
}

/// The status of a success rate, if enough has ended to judge it.
fn unsuccessful(well: u64, ill: u64, thresholds: &HealthThresholds) -> Option<HealthStatus> {
    let rate = ratio(well, well + ill);
    if well + ill < thresholds.success_sample.max(1) {
        None
    } else if rate < thresholds.success_unhealthy {
        Some(Unhealthy)
    } else {
        (rate < thresholds.success_degraded).then_some(Degraded)
    }
}

fn api(seen: &Observed, thresholds: &HealthThresholds) -> HealthCheck {
    let mut findings = Findings::default();
    let connections = connections(seen);
    let open = Share::of(&connections, |it| it.circuit.is_open());
    let probing = Share::of(&connections, |it| it.circuit == CircuitCondition::HalfOpen);
    let failing = Share::of(&connections, |it| is_failing(it) && !it.circuit.is_open());
    let refused = Share::of(&connections, |it| it.answers.credentials_are_refused());
    let paused = Share::of(&books(seen), |books| {
        books.is_paused && !books.is_paused_by_person()
    });
    let on_purpose = Share::of(&books(seen), |books| books.is_paused_by_person());
    let held = Share::of(&books(seen), |books| books.is_held && !books.is_paused);
    let answered: u64 = connections
        .iter()
        .map(|it| u64::from(it.answers.count))
        .sum();
    let total = connections.iter().filter_map(|it| {
        let p95 = it.answers.p95?;
        Some(p95.mul_f64(f64::from(it.answers.count)))
    });
    let p95 = total.sum::<Duration>().div_f64(answered.max(1) as f64);
    findings.figure("connections", connections.len());
    findings.figure("circuits_open", open.affected);
    findings.figure("credentials_refused", refused.affected);
    findings.figure("paused_tenants", paused.affected + on_purpose.affected);
    findings.figure("held_tenants", held.affected);
    findings.figure("answers", answered);
    if answered > 0 {
        findings.figure("p95_ms", milliseconds(p95));
    }
    if let Some(status) = open.status(thresholds) {
        findings.found(
            status,
            format!("The circuit breaker is open for {open}."),
            "See whether Cal.com is up; the circuit closes by itself once it answers again.",
        );
    }
    if probing.affected > 0 {
        findings.found(
            Degraded,
            format!("The circuit breaker is trying Cal.com again for {probing}."),
            "See whether Cal.com is up; the circuit closes by itself once it answers again.",
        );
    }
    if let Some(status) = failing.status(thresholds) {
        findings.found(
            status,
            format!("At least half of the latest requests failed for {failing}."),
            "See whether Cal.com is up and can be reached from here.",
        );
    }
    if let Some(status) = refused.status(thresholds) {
        findings.found(
            status,
            format!("Cal.com refuses the credentials of {refused}."),
            "Replace these tenants' API keys or sign them in again, then resume them.",
        );
    }
    if let Some(status) = paused.status(thresholds) {
        findings.found(
            status,
            format!("The work is paused for {paused}."),
            "Resolve what the open review items about these tenants name, then resume them.",
        );
    }
    if on_purpose.affected > 0 {
        findings.found(
            Degraded,
            format!("Persons have paused the work for {on_purpose}."),
            "Resume these tenants once the reason is gone; the open review items say who paused them and why.",
        );
    }
    if held.affected > 0 {
        findings.found(
            Degraded,
            format!("The work is held for a while for {held}."),
            "It goes on by itself. If it comes back, look at the rate limit, the circuit breaker and the tenant directory.",
        );
    }
    if let Some(status) = slow(
        p95,
        thresholds.answers_degraded,
        thresholds.answers_unhealthy,
    ) {
        findings.found(
            status,
            format!("Cal.com takes {} for one answer in twenty.", said(p95)),
            "Look at the way to Cal.com, or at the load of a server of your own.",
        );
    }
    findings.or_healthy(if answered == 0 {
        "Nothing has been asked of Cal.com lately."
    } else {
        "Cal.com answers."
    })
}

/// Whether half of the latest requests failed.
fn is_failing(condition: &CalendarCondition) -> bool {
    let answers = &condition.answers;
    // What was not answered is counted among the failures only.
    answers.failed >= FAILING && answers.failed.saturating_mul(2) >= answers.count
}

fn rate_limit(seen: &Observed, thresholds: &HealthThresholds) -> HealthCheck {
    let mut findings = Findings::default();
    let connections = connections(seen);
    let budgets: Vec<_> = connections.iter().filter_map(|it| it.rate).collect();
    let left = |remaining: u32, limit: u32| ratio(u64::from(remaining), u64::from(limit));
    let exhausted = Share::of(&budgets, |rate| rate.remaining == 0);
    let low = Share::of(&budgets, |rate| {
        rate.remaining > 0 && left(rate.remaining, rate.limit) < thresholds.rate_left
    });
    let least = budgets
        .iter()
        .map(|rate| (left(rate.remaining, rate.limit), rate))
        .min_by(|(one, _), (other, _)| one.total_cmp(other));
    findings.figure("exhausted", exhausted.affected);
    if let Some((_, rate)) = least {
        findings.figure("least_remaining", rate.remaining);
        findings.figure("limit", rate.limit);
        findings.figure("resets_in_seconds", rate.resets_in.as_secs());
    }
    const ACTION: &str = "Wait for the end of the window. If it comes back, sweep less often, ask for a higher limit at Cal.com, or share the budget between processes (`shared_budget`).";
    if let Some(status) = exhausted.status(thresholds) {
        findings.found(
            status,
            format!("The rate limit is used up for {exhausted}."),
            ACTION,
        );
    }
    if low.affected > 0 {
        findings.found(
            Degraded,
            format!("Little of the rate limit is left for {low}."),
            ACTION,
        );
    }
    findings.or_healthy(if budgets.is_empty() {
        "No connection keeps a rate budget."
    } else {
        "Enough of the rate limit is left."
    })
}

fn sync(seen: &Observed, thresholds: &HealthThresholds) -> HealthCheck {
    let mut findings = Findings::default();
    let books = books(seen);
    let well: u64 = books.iter().map(|books| books.succeeded).sum();
    let ill: u64 = books.iter().map(|books| books.failed).sum();
    let reviews: u64 = books.iter().map(|books| books.open_reviews()).sum();
    let ages = books.iter().flat_map(|books| &books.reviews);
    let oldest = ages.map(|count| count.oldest).max();
    let caches = connections(seen).into_iter().filter_map(|it| it.cache);
    let (hits, misses) = caches.fold((0, 0), |(hits, misses), cache| {
        (hits + cache.hits, misses + cache.misses)
    });
    let rate = ratio(well, well + ill);
    findings.figure("succeeded", well);
    findings.figure("failed", ill);
    findings.figure("open_reviews", reviews);
    if well + ill > 0 {
        findings.figure("success_rate", rate);
    }
    if let Some(oldest) = oldest {
        findings.figure("oldest_review_seconds", oldest.as_secs());
    }
    if hits + misses > 0 {
        findings.figure("cache_hit_rate", ratio(hits, hits + misses));
    }
    if books.is_empty() && !seen.tenants.is_empty() {
        findings.found(
            Degraded,
            "Nothing is known of how the work of the last day went.",
            "Mend the storage first.",
        );
    }
    if let Some(status) = unsuccessful(well, ill, thresholds) {
        findings.found(
            status,
            format!(
                "Only {} of what ended within a day ended well.",
                percent(rate)
            ),
            "Look at the open review items by reason; one cause often explains many.",
        );
    }
    if reviews >= thresholds.open_reviews {
        findings.found(
            Degraded,
            format!("{reviews} review items are open."),
            "Resolve the open review items.",
        );
    } else if let Some(oldest) = oldest.filter(|age| *age >= thresholds.oldest_review) {
        findings.found(
            Degraded,
            format!("A review item has been open for {}.", said(oldest)),
            "Resolve the open review items.",
        );
    }
    let asked = hits + misses;
    let hit_rate = ratio(hits, asked);
    if asked >= thresholds.cache_sample.max(1) && hit_rate < thresholds.cache_hits {
        findings.found(
            Degraded,
            format!(
                "The cache answers only {} of what it is asked.",
                percent(hit_rate)
            ),
            "Let slots live longer (`CachePolicy`), or ask for the same windows of time.",
        );
    }
    findings.or_healthy("Changes and bookings are kept in sync.")
}
