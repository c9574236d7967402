//! What the [`SyncLog`](crate::store::SyncLog) promises.

use super::bench::Bench;
use super::fixtures::*;
use crate::store::{
    Checkpoint, Erased, HistoryEvent, LogEntry, LogEvent, LogId, LogScope, OperatorAction, Origin,
    Page, Resolution, Retention, ReviewReason, StoreErrorKind, TenantId,
};

/// A turn of the appointment's link whose settlement writes these lines.
async fn write(bench: &Bench, name: &str, revision: u64, log: Vec<LogEvent>) {
    bench.record(name, revision).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.log = log;
    bench.settle(&claim, settlement).await;
}

/// Lines come in the order in which they were stored, under growing ids, and can be read page by
/// page.
pub async fn lines_come_in_order_and_in_pages(bench: &Bench) {
    let created = LogEvent::BookingCreated {
        booking: uid("booking-1"),
        origin: Origin::Phone,
    };
    let retried = LogEvent::RetryScheduled {
        at: at(9),
        attempts: 1,
        error: "timeout".to_owned(),
    };
    write(bench, "b", 1, vec![retried.clone(), created.clone()]).await;
    write(bench, "a", 1, vec![LogEvent::BaseMoved]).await;
    let all = bench.log().await;
    let events: Vec<_> = all.iter().map(|line| line.event.clone()).collect();
    assert_eq!(events, [retried, created, LogEvent::BaseMoved]);
    assert!(all.is_sorted_by(|a, b| a.id < b.id), "ids do not grow");

    let mut paged: Vec<LogEntry> = Vec::new();
    loop {
        let page = match paged.last() {
            Some(line) => Page::after(line.id, 2),
            None => Page::first(2),
        };
        let page = bench.store.log(&tenant(), page).await;
        let page = page.expect("the log is read");
        assert!(page.len() <= 2, "a page is longer than asked for");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let theirs = bench.store.log(&other_tenant(), Page::first(ALL)).await;
    assert_eq!(theirs.expect("the log is read"), []);
}

/// A line says when, by the store's clock, whose, and which link and appointment.
pub async fn lines_name_the_link_and_the_appointment(bench: &Bench) {
    write(bench, "a", 1, vec![LogEvent::BaseMoved]).await;
    bench.pass(SPAN).await;
    bench.record("a", 2).await;
    let claim = bench.claim().await;
    let mut settlement = all_settled(&claim);
    settlement.log = vec![LogEvent::DifferenceAccepted];
    bench.settle(&claim, settlement).await;
    let log = bench.log().await;
    assert!(log[0].at < claim.now && log[1].at >= claim.now);
    for line in &log {
        assert_eq!(line.tenant, tenant());
        assert_eq!(line.link, Some(claim.link.id));
        assert_eq!(line.appointment, Some(appointment("a")));
    }
}

/// Lines of a checkpoint are there before the settlement, whose lines come after them; lines of a
/// settlement that was refused are not.
pub async fn lines_of_a_checkpoint_come_first(bench: &Bench) {
    bench.record("a", 1).await;
    let claim = bench.claim().await;
    let mut checkpoint = Checkpoint::new(claim.link.clone(), LEASE);
    checkpoint.log = vec![LogEvent::BaseMoved];
    let stored = bench.store.checkpoint(&claim.lease, checkpoint).await;
    stored.expect("a checkpoint under a valid lease is stored");
    let events = |log: Vec<LogEntry>| log.into_iter().map(|line| line.event).collect::<Vec<_>>();
    assert_eq!(events(bench.log().await), [LogEvent::BaseMoved]);
    let mut settlement = all_settled(&claim);
    settlement.log = vec![LogEvent::SkippedNeverBooked];
    bench.settle(&claim, settlement.clone()).await;
    let again = bench.store.settle(&claim.lease, settlement).await;
    assert_fails(again, StoreErrorKind::LeaseLost);
    let expected = [LogEvent::BaseMoved, LogEvent::SkippedNeverBooked];
    assert_eq!(events(bench.log().await), expected);
}

/// The line that says that a tenant was paused is about no link; others of the same settlement are.
pub async fn a_line_about_the_tenant_names_no_link(bench: &Bench) {
    let log = vec![LogEvent::TenantPaused, LogEvent::BaseMoved];
    write(bench, "a", 1, log).await;
    let log = bench.log().await;
    assert_eq!((log[0].link, &log[0].appointment), (None, &None));
    assert!(log[1].link.is_some());
}

/// What a person decided is logged, with why it was in review and who decided: about the link, or
/// about the tenant.
pub async fn a_decision_is_logged(bench: &Bench) {
    let of_link = bench.review("a", 1, of_link(ReviewReason::SlotTaken)).await;
    let of_tenant = bench.review("a", 2, of_tenant("moved")).await;
    for (item, name) in [(of_link, Some("a")), (of_tenant, None)] {
        bench.resolve(&item, Resolution::TakeRemote).await;
        let log = bench.log().await;
        let line = log.last().expect("the decision is logged");
        let expected = LogEvent::ReviewResolved {
            reason: item.reason.clone(),
            resolution: Resolution::TakeRemote,
            by: "desk".to_owned(),
        };
        assert_eq!(line.event, expected);
        assert_eq!(line.link, item.link);
        if let Some(name) = name {
            assert_eq!(line.appointment, Some(appointment(name)));
        }
    }
}

/// Resuming a tenant closes the item of its pause, and the log says so.
pub async fn resuming_is_logged(bench: &Bench) {
    let item = super::resolutions::pause(bench, "a").await;
    let resumed = bench.store.resume(&tenant()).await;
    resumed.expect("a tenant can be resumed");
    let log = bench.log().await;
    let line = log.last().expect("the end of the pause is logged");
    assert_eq!(line.link, None);
    match &line.event {
        LogEvent::ReviewResolved { reason, .. } => assert_eq!(*reason, item.reason),
        other => panic!("expected the item to be closed, found {other:?}"),
    }
}

async fn append(bench: &Bench, tenant: &TenantId, name: Option<&str>, event: &LogEvent) {
    let name = name.map(appointment);
    let appended = bench.store.append(tenant, name.as_ref(), event).await;
    appended.expect("a line is appended");
}

async fn latest(bench: &Bench, scope: LogScope, page: Page<LogId>) -> Vec<LogEntry> {
    let latest = bench.store.latest(&tenant(), scope, page).await;
    latest.expect("the log is read")
}

/// All pages of this length.
async fn all_latest(bench: &Bench, scope: LogScope, limit: u32) -> Vec<LogEntry> {
    let mut all: Vec<LogEntry> = Vec::new();
    loop {
        let page = match all.last() {
            Some(line) => Page::after(line.id, limit),
            None => Page::first(limit),
        };
        let read = latest(bench, scope, page).await;
        assert!(read.len() <= limit as usize, "a page is longer than asked");
        if read.is_empty() {
            return all;
        }
        all.extend(read);
    }
}

fn tested(by: &str) -> LogEvent {
    LogEvent::operated(OperatorAction::TestWebhook, by, "It arrived.")
}

/// The latest lines are those of the log, the other way round, whatever the length of the pages;
/// another tenant's are not among them.
pub async fn the_latest_lines_come_first_and_in_pages(bench: &Bench) {
    for name in ["a", "b", "c"] {
        let log = vec![LogEvent::BaseMoved, LogEvent::DifferenceAccepted];
        write(bench, name, 1, log).await;
        append(bench, &other_tenant(), None, &tested("eve")).await;
        append(bench, &tenant(), Some(name), &tested(name)).await;
    }
    let mut log = bench.log().await;
    assert_eq!(log.len(), 9);
    log.reverse();
    for limit in [1, 2, 4, 9, ALL] {
        let pages = all_latest(bench, LogScope::All, limit).await;
        assert_eq!(pages, log, "pages of {limit}");
    }
    assert_eq!(
        latest(bench, LogScope::All, Page::first(0)).await,
        Vec::new()
    );
    let last = log.last().expect("the log has lines");
    let after_all = Page::after(last.id, ALL);
    assert_eq!(latest(bench, LogScope::All, after_all).await, []);
}

/// Lines by persons are exactly those with an actor: decisions and what operators did; neither what
/// the engine did nor an item that closed by itself, whatever words are in them.
pub async fn lines_by_persons_have_an_actor(bench: &Bench) {
    let quoted = r#"a","resolution":{"kind":"settled"},"by":"x"#;
    let item = bench.review("a", 1, of_link(ReviewReason::Conflict)).await;
    bench.resolve(&item, Resolution::Dismiss).await;
    let item = bench.review("a", 2, of_link(ReviewReason::Other(quoted.to_owned())));
    let item = item.await;
    let rebook = Resolution::Rebook { start: at(90) };
    let own = tenant();
    let resolved = bench.store.resolve(&own, item.id, &rebook, quoted);
    resolved.await.expect("an open item can be resolved");
    let claim = bench.claim().await;
    bench.settle_all(&claim).await;
    let error = r#"{"event":"operated","by":"eve"}"#.to_owned();
    let retried = LogEvent::RetryScheduled {
        at: at(9),
        attempts: 1,
        error,
    };
    let ended = LogEvent::InstructionEnded {
        resolution: Resolution::Retry,
        outcome: "carried out".to_owned(),
    };
    write(bench, "a", 3, vec![retried, ended, LogEvent::TenantPaused]).await;
    super::resolutions::pause(bench, "b").await;
    let resumed = bench.store.resume(&tenant()).await;
    resumed.expect("a tenant can be resumed");
    for by in ["eve", "", "calcom", quoted, "a\0b \u{1f600} \\"] {
        append(bench, &tenant(), None, &tested(by)).await;
    }
    append(bench, &tenant(), Some("a"), &LogEvent::BaseMoved).await;
    append(bench, &other_tenant(), None, &tested("eve")).await;

    let mut expected = bench.log().await;
    expected.reverse();
    assert_eq!(expected.len(), 12, "{expected:?}");
    expected.retain(|line| line.event.actor().is_some());
    assert_eq!(expected.len(), 7, "{expected:?}");
    for limit in [1, 3, ALL] {
        let pages = all_latest(bench, LogScope::ByPersons, limit).await;
        assert_eq!(pages, expected, "pages of {limit}");
    }
}

/// A line that is appended is in the log, among the latest, and in the history of its appointment,
/// whether or not anything else is known of it; it names no link, and says when by the store's clock.
pub async fn an_appended_line_is_one_like_others(bench: &Bench) {
    write(bench, "a", 1, vec![LogEvent::BaseMoved]).await;
    bench.pass(SPAN).await;
    append(bench, &tenant(), None, &tested("eve")).await;
    append(bench, &tenant(), Some("a"), &tested("ann")).await;
    append(bench, &tenant(), Some("nobody"), &LogEvent::BaseMoved).await;
    let log = bench.log().await;
    let told: Vec<_> = log
        .iter()
        .map(|line| (line.appointment.clone(), line.event.clone()))
        .collect();
    let a = Some(appointment("a"));
    let expected = [
        (a.clone(), LogEvent::BaseMoved),
        (None, tested("eve")),
        (a, tested("ann")),
        (Some(appointment("nobody")), LogEvent::BaseMoved),
    ];
    assert_eq!(told, expected);
    assert!(log.is_sorted_by(|a, b| a.id < b.id), "ids do not grow");
    for line in &log[1..] {
        assert_eq!((line.link, &line.tenant), (None, &tenant()));
        assert!(line.at >= log[0].at + SPAN, "{line:?}");
    }
    let newest = latest(bench, LogScope::All, Page::first(2)).await;
    assert_eq!(newest, [log[3].clone(), log[2].clone()]);
    for (name, lines) in [("a", vec![&log[0], &log[2]]), ("nobody", vec![&log[3]])] {
        let (id, page) = (appointment(name), Page::first(ALL));
        let history = bench.store.history(&tenant(), &id, page).await;
        let history = history.expect("a history is read");
        let of_log = history.iter().filter_map(|entry| match &entry.event {
            HistoryEvent::Log(line) => Some(line),
            _ => None,
        });
        assert_eq!(of_log.collect::<Vec<_>>(), lines, "of {name}");
        let theirs = bench.store.history(&other_tenant(), &id, page).await;
        assert_eq!(theirs.expect("a history is read"), []);
    }
    bench.assert_nothing_due().await;
}

/// A line that is appended is pruned when it is old, and erased with its tenant.
pub async fn an_appended_line_goes_like_others(bench: &Bench) {
    append(bench, &tenant(), Some("a"), &tested("eve")).await;
    append(bench, &tenant(), None, &tested("eve")).await;
    append(bench, &other_tenant(), None, &tested("ann")).await;
    bench.pass(SPAN).await;
    append(bench, &tenant(), None, &tested("late")).await;
    let pruned = bench.store.prune(&Retention::of(SPAN / 2), ALL).await;
    assert_eq!(pruned.expect("old rows can be removed").log, 3);
    let late = latest(bench, LogScope::ByPersons, Page::first(ALL)).await;
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].event, tested("late"));

    append(bench, &other_tenant(), None, &tested("ann")).await;
    let mut erased = Erased::default();
    while !erased.is_done {
        let batch = bench.store.erase_tenant(&tenant(), ALL).await;
        erased = erased.and(batch.expect("a tenant can be erased"));
    }
    assert_eq!(erased.log, 1);
    for scope in [LogScope::All, LogScope::ByPersons] {
        assert_eq!(latest(bench, scope, Page::first(ALL)).await, []);
        let theirs = bench
            .store
            .latest(&other_tenant(), scope, Page::first(ALL))
            .await;
        assert_eq!(theirs.expect("the log is read").len(), 1);
    }
}
