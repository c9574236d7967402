//! Operating the engine from code: history, status, overview, bulk calls, and erasure.

use std::time::Duration;

use crate::harness::{World, ann, at, cancel, move_to};
use calcom::store::{
    AppointmentId, AppointmentStatus, Change, ChangeFate, Erasure, HistoryEvent, LogEvent, Origin,
    Outbox, Page, Resolution, ReviewFilter, ReviewReason, Revision, StoreErrorKind, Tenants,
};
use calcom::sync::{
    Cancellation, Cancelled, Engine, Error, Operations, PersonOutcome, PersonPlace, PersonQuery,
    Resynced, StaticTenants, SyncEngine, SyncState, Tenant, Worker, WorkerConfig,
};
use calcom::testing::{Fault, Operation, Then, When};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn id(name: &str) -> AppointmentId {
    name.into()
}

#[tokio::test]
async fn the_history_of_an_appointment_tells_its_life_in_order() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    world.change(&id("a"), Origin::Admin, move_to(at(2))).await;
    world.settle().await;
    world.make("other", at(5), Origin::Phone);
    world.settle().await;
    let mut told = Vec::new();
    let mut page = Page::first(2);
    loop {
        let entries = world.engine.history(&world.tenant, &id("a"), page).await;
        let entries = entries.unwrap();
        let Some(last) = entries.last() else {
            break;
        };
        page = Page::after(last.position, 2);
        told.extend(entries);
    }
    assert!(told.is_sorted_by_key(|entry| entry.position));
    let changes: Vec<u64> = told
        .iter()
        .filter_map(|entry| match &entry.event {
            HistoryEvent::Change {
                recorded, ended, ..
            } => {
                assert!(ended.is_some(), "{recorded:?} still waits");
                Some(recorded.change.revision.get())
            }
            _ => None,
        })
        .collect();
    assert_eq!(changes, [1, 2]);
    let is_log = |event: &HistoryEvent, wanted: fn(&LogEvent) -> bool| match event {
        HistoryEvent::Log(entry) => wanted(&entry.event),
        _ => false,
    };
    let position = |wanted: fn(&LogEvent) -> bool| {
        told.iter()
            .position(|entry| is_log(&entry.event, wanted))
            .expect("it was logged")
    };
    let created = position(|event| matches!(event, LogEvent::BookingCreated { .. }));
    let moved = position(|event| matches!(event, LogEvent::BookingRescheduled { .. }));
    assert!(created < moved);
    let webhooks = told
        .iter()
        .filter(|entry| matches!(entry.event, HistoryEvent::Delivery { .. }))
        .count();
    // One for each of both bookings of the chain.
    assert_eq!(webhooks, 2);
}

#[tokio::test]
async fn a_status_follows_the_work() {
    let world = World::new().await;
    let status = async || world.engine.status(&world.tenant, &id("a")).await.unwrap();
    assert_eq!(status().await.state, SyncState::Unknown);
    world.fake.go_offline().await;
    world.make("a", at(0), Origin::Phone);
    let waiting = status().await;
    assert_eq!(
        (waiting.state, waiting.waiting_changes),
        (SyncState::Waiting, 1)
    );
    assert_eq!(waiting.origin, Some(Origin::Phone));
    assert_eq!(waiting.revision, Some(Revision::FIRST));
    world.drain().await;
    let retrying = status().await;
    assert_eq!(
        (retrying.state, retrying.attempts),
        (SyncState::Retrying, 1)
    );
    assert_eq!(retrying.last.attempted_at, retrying.last.failed_at);
    assert!(retrying.last.error.is_some() && retrying.last.succeeded_at.is_none());
    assert!(retrying.next_attempt_at > retrying.last.failed_at);
    world.settle().await;
    let reviewed = status().await;
    assert_eq!(reviewed.state, SyncState::InReview);
    let [(_, reason)] = reviewed.reviews.as_slice() else {
        panic!("expected one item, got {:?}", reviewed.reviews);
    };
    assert_eq!(*reason, ReviewReason::RetriesExhausted);
    world.fake.come_back().await.unwrap();
    world.resolve(Resolution::Retry).await;
    world.settle().await;
    let agreed = status().await;
    assert_eq!(agreed.state, SyncState::InSync);
    assert_eq!(agreed.booking, Some(world.booking_of(&id("a")).await));
    assert!(agreed.last.succeeded_at > agreed.last.failed_at);
    assert_eq!(
        agreed.last.error, reviewed.last.error,
        "the last error is kept"
    );
    assert_eq!((agreed.attempts, agreed.reviews.len()), (0, 0));
    let text = format!("{agreed:?}");
    for secret in ["ann@example.com", "Ann Attendee"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn a_status_names_a_write_whose_outcome_is_unknown() {
    let world = World::new().await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let status = world.engine.status(&world.tenant, &id("a")).await.unwrap();
    assert_eq!(status.pending.len(), 1, "{status:?}");
    assert_eq!(status.pending[0].sends, 1);
    assert_eq!(status.state, SyncState::Retrying);
    world.settle().await;
    world.assert_in_step().await;
}

#[tokio::test]
async fn an_overview_counts_what_waits_and_what_ended() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.make("b", at(0), Origin::Admin);
    world.settle().await;
    world.make("c", at(3), Origin::Api);
    world.clock.advance(Duration::from_secs(90));
    let overview = world.engine.overview(&world.tenant, DAY).await.unwrap();
    let told = |origin: Origin, fate: Option<ChangeFate>| {
        let mut counts = overview.counts.changes.iter();
        let found = counts.find(|count| count.origin == origin && count.fate == fate);
        found.map_or(0, |count| count.waits.count)
    };
    assert_eq!(told(Origin::Phone, Some(ChangeFate::Pushed)), 1);
    assert_eq!(told(Origin::Admin, Some(ChangeFate::InReview)), 1);
    assert_eq!(told(Origin::Api, None), 1);
    assert_eq!(overview.open_reviews(), 1);
    assert_eq!(overview.counts.reviews[0].reason, ReviewReason::SlotTaken);
    assert!(overview.counts.oldest_due >= Some(Duration::from_secs(90)));
    assert!(overview.webhooks.received >= 1);
    let rate = overview.success_rate().unwrap();
    assert!(rate > 0.5 && rate < 1.0, "{rate}");
}

#[tokio::test]
async fn appointments_are_cancelled_together_and_one_failure_stops_no_other() {
    let world = World::new().await;
    for (name, hour) in [("a", 0), ("b", 1), ("c", 2)] {
        world.make(name, at(hour), Origin::Phone);
    }
    world.settle().await;
    world.change(&id("b"), Origin::Phone, cancel).await;
    world.settle().await;
    let bookings = [
        world.booking_of(&id("a")).await,
        world.booking_of(&id("c")).await,
    ];
    let illness = Cancellation::by(Origin::Admin).because("Hanna is ill.");
    let asked = ["a", "nobody", "b", "c"].map(id);
    let results = world
        .engine
        .cancel_all(&world.tenant, &asked, &illness)
        .await;
    assert_eq!(results.len(), 4);
    assert_eq!(
        *results[0].as_ref().unwrap(),
        Cancelled::Now(Revision::new(2))
    );
    assert!(matches!(&results[1], Err(Error::Host(e)) if e.kind() == StoreErrorKind::NotFound));
    assert!(matches!(results[2], Ok(Cancelled::Before(_))));
    assert!(matches!(results[3], Ok(Cancelled::Now(_))));
    world.settle().await;
    for uid in bookings {
        let booking = world.fake.booking(&uid).unwrap();
        assert!(!booking.is_live());
        assert_eq!(
            booking.cancellation_reason.as_deref(),
            Some("Hanna is ill.")
        );
    }
    let cancelled = world.appointment(&id("a")).await;
    assert_eq!(cancelled.origin, Origin::Admin);
    assert_eq!(cancelled.state.status, AppointmentStatus::Cancelled);
    world.assert_in_step().await;
    let loops = Cancellation::by(Origin::Calcom);
    let refused = world.engine.cancel_all(&world.tenant, &asked, &loops).await;
    let is_invalid = |result: &Result<Cancelled, Error>| matches!(result, Err(Error::Host(e)) if e.kind() == StoreErrorKind::Invalid);
    assert!(refused.iter().all(is_invalid));
}

#[tokio::test]
async fn resyncing_finds_what_nobody_told() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let uid = world.booking_of(&id("a")).await;
    let lost = Fault::new(When::Any, Then::LoseWebhook);
    world.fake.inject(lost.always());
    world.fake.cancel_booking(&uid, "by phone").await.unwrap();
    world.settle().await;
    let live = world.appointment(&id("a")).await.state.status.is_live();
    assert!(live, "the webhook was lost");
    let asked = ["a", "nobody"].map(id);
    let results = world.engine.resync_all(&world.tenant, &asked).await;
    assert_eq!(*results[0].as_ref().unwrap(), Resynced::Marked);
    assert!(matches!(&results[1], Err(Error::Host(e)) if e.kind() == StoreErrorKind::NotFound));
    world.settle().await;
    assert!(!world.appointment(&id("a")).await.state.status.is_live());
}

#[tokio::test]
async fn what_the_books_do_not_know_is_recorded_by_a_resync() {
    let world = World::new().await;
    let books = calcom::store::InMemoryStore::with_clock(std::sync::Arc::new(world.clock.clone()));
    let books = std::sync::Arc::new(books);
    world.make("a", at(0), Origin::Phone);
    let host = std::sync::Arc::new(world.store.clone());
    let tenants = std::sync::Arc::new(StaticTenants::default());
    let engine = Engine::builder(books.clone(), host, tenants).build();
    let results = engine.resync_all(&world.tenant, &[id("a")]).await;
    assert_eq!(
        *results[0].as_ref().unwrap(),
        Resynced::Recorded(Revision::FIRST)
    );
    let changes = books.changes(&world.tenant, &id("a"), Page::first(9)).await;
    assert_eq!(changes.unwrap().len(), 1);
}

#[tokio::test]
async fn changes_are_recorded_and_items_resolved_together() {
    let world = World::new().await;
    world.make("first", at(0), Origin::Phone);
    world.settle().await;
    let names = ["a", "b"];
    for name in names {
        world.make(name, at(0), Origin::Phone);
    }
    let changes = names.map(|name| {
        let revision = Revision::FIRST;
        Change::new(
            world.tenant.clone(),
            id(name),
            revision,
            Origin::Phone,
            at(0),
        )
    });
    let recorded = world.engine.record_all(&changes).await;
    assert!(recorded.iter().all(Result::is_ok) && recorded.len() == 2);
    world.settle().await;
    let open = ReviewFilter::open().with_reason(ReviewReason::SlotTaken);
    let items = world
        .engine
        .reviews(&world.tenant, &open, Page::first(9))
        .await;
    let mut ids: Vec<_> = items.unwrap().iter().map(|item| item.id).collect();
    assert_eq!(ids.len(), 2);
    let counts = world
        .engine
        .count_reviews(&world.tenant, &open)
        .await
        .unwrap();
    assert_eq!(counts[0].count, 2);
    ids.insert(1, calcom::store::ReviewId::new(987_654));
    let dismiss = Resolution::Dismiss;
    let results = world
        .engine
        .resolve_all(&world.tenant, &ids, &dismiss, "eve")
        .await;
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(matches!(&results[1], Err(Error::Store(e)) if e.kind() == StoreErrorKind::NotFound));
    assert_eq!(world.reviews().await, []);
}

#[tokio::test]
async fn a_person_is_found_and_erased_and_nothing_is_booked_twice_for_it() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.make("b", at(0), Origin::Phone);
    let mut bob = world.state(at(3));
    bob.attendee = calcom::store::Person::new("Bob", "bob@example.com", "Europe/London");
    world.make_as("bob", bob, Origin::Phone);
    world.settle().await;
    let person = PersonQuery::email("ANN@example.com");
    let found = world
        .engine
        .find_person(&world.tenant, &person)
        .await
        .unwrap();
    let places = |wanted: fn(&PersonPlace) -> bool| {
        let findings = found.findings.iter();
        findings.filter(|finding| wanted(&finding.place)).count()
    };
    assert!(places(|place| matches!(place, PersonPlace::Delivery(_))) >= 1);
    assert_eq!(places(|place| matches!(place, PersonPlace::Review(_))), 1);
    assert_eq!(places(|place| matches!(place, PersonPlace::Link(_))), 1);
    assert!(!found.is_clear());
    let text = format!("{found:?} {}", serde_json::to_string(&found).unwrap());
    assert!(!text.to_lowercase().contains("ann@example.com"));

    let erased = world
        .engine
        .erase_person(&world.tenant, &person)
        .await
        .unwrap();
    assert_eq!(erased.findings.len(), found.findings.len());
    assert!(erased.is_clear(), "{erased:?}");
    let again = world
        .engine
        .find_person(&world.tenant, &person)
        .await
        .unwrap();
    assert_eq!(again.findings, []);
    assert!(again.links_searched >= 3);
    let bob = PersonQuery::name("bob");
    let others = world.engine.find_person(&world.tenant, &bob).await.unwrap();
    assert!(!others.findings.is_empty(), "nobody else was erased");

    // What is left is compared with nothing: the pair is looked at again and nothing is written.
    let writes = world.writes();
    let results = world.engine.resync_all(&world.tenant, &[id("a")]).await;
    assert!(results[0].is_ok());
    world.settle().await;
    assert_eq!(world.writes(), writes);
    // And it can still be moved, as the same booking.
    world
        .engine
        .erase_person(&world.tenant, &person)
        .await
        .unwrap();
    world.change(&id("a"), Origin::Admin, move_to(at(6))).await;
    world.settle().await;
    let live = world.fake.live_bookings();
    assert_eq!(live.len(), 2, "{live:?}");
    assert!(live.iter().any(|booking| booking.start == at(6)));
}

#[tokio::test]
async fn what_a_pending_write_needs_is_kept_until_its_outcome_is_known() {
    let world = World::new().await;
    let lost = Fault::new(Operation::CreateBooking, Then::ApplyThenDrop);
    world.fake.inject(lost);
    world.make("a", at(0), Origin::Phone);
    world.drain().await;
    let person = PersonQuery::email("ann@example.com");
    let erased = world
        .engine
        .erase_person(&world.tenant, &person)
        .await
        .unwrap();
    let kept: Vec<_> = erased
        .findings
        .iter()
        .map(|finding| finding.outcome)
        .collect();
    assert!(
        kept.contains(&PersonOutcome::KeptForPendingWrite),
        "{erased:?}"
    );
    assert!(!erased.is_clear());
    world.settle().await;
    assert_eq!(world.fake.live_bookings().len(), 1);
    world.clock.advance(Duration::from_secs(11 * 60));
    world.settle().await;
    let erased = world
        .engine
        .erase_person(&world.tenant, &person)
        .await
        .unwrap();
    assert!(erased.is_clear(), "{erased:?}");
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn a_tenant_is_erased_with_a_report() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.make("b", at(0), Origin::Phone);
    world.settle().await;
    let erased = world.engine.erase_tenant(&world.tenant).await.unwrap();
    assert!(erased.is_done && erased.links >= 2 && erased.reviews == 1 && erased.appointments == 2);
    assert!(erased.deliveries >= 1 && erased.changes >= 2 && erased.log >= 2);
    let status = world.engine.status(&world.tenant, &id("a")).await.unwrap();
    assert_eq!(status.state, SyncState::Unknown);
    assert_eq!(world.events().await, []);
    let person = PersonQuery::name(&ann().name);
    let left = world
        .engine
        .find_person(&world.tenant, &person)
        .await
        .unwrap();
    assert_eq!(
        (
            left.bodies_searched,
            left.links_searched,
            left.reviews_searched
        ),
        (0, 0, 0)
    );
    assert!(!world.store.is_paused(&world.tenant).await.unwrap());
    assert_eq!(world.drain().await, []);
    assert!(world.engine.step().await.unwrap().is_none());
}

/// Runs a worker until something holds.
async fn work_until(world: &World, config: WorkerConfig, holds: impl AsyncFn() -> bool) {
    let worker = Worker::new(world.engine.clone()).with_config(config);
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let watching = async {
        for _ in 0..400 {
            if holds().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send(()).unwrap();
    };
    let working = worker.run_until(async { stopped.await.unwrap_or_default() });
    tokio::join!(working, watching);
}

#[tokio::test]
async fn a_worker_prunes_what_is_kept_for_a_span_only() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    world.clock.advance(2 * DAY);
    world.make("b", at(3), Origin::Phone);
    world.drain().await;
    let mut config = WorkerConfig::default();
    config.sweep_every = None;
    config.retention = config.retention.with_changes(DAY);
    work_until(&world, config, async || {
        world.fates(&id("a")).await.is_empty()
    })
    .await;
    assert_eq!(world.fates(&id("a")).await, []);
    assert_eq!(world.fates(&id("b")).await, [Some(ChangeFate::Pushed)]);
    assert!(
        !world.delivery_fates().await.is_empty(),
        "deliveries have no span"
    );
    world.assert_in_step().await;
}

/// They contain personal data.
#[tokio::test]
async fn by_default_bodies_of_webhooks_are_kept_for_thirty_days() {
    let world = World::new().await;
    let bodies = async || {
        let bodies = world.store.bodies(&world.tenant, Page::first(100));
        bodies.await.unwrap().len()
    };
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    world.clock.advance(15 * DAY);
    world.make("b", at(1000), Origin::Phone);
    world.settle().await;
    world.clock.advance(16 * DAY);
    assert_eq!(bodies().await, 2);
    let mut config = WorkerConfig::default();
    config.sweep_every = None;
    work_until(&world, config, async || bodies().await < 2).await;
    assert_eq!(bodies().await, 1);
    assert_eq!(world.delivery_fates().await.len(), 2);
}

#[tokio::test]
async fn the_tenants_come_in_pages_with_what_is_set_up_for_them() {
    let world = World::new().await;
    let calendar = std::sync::Arc::new(crate::harness::client(&world.fake));
    let tenant = |id: &str| Tenant::new(id.into(), calendar.clone());
    let tenants = StaticTenants::new([
        tenant("c"),
        tenant("a")
            .with_webhook_secret("one")
            .with_webhook_secret("two")
            .with_branch(calcom::sync::Branch::new(
                "mitte".into(),
                "Mitte",
                "Europe/Berlin".into(),
            ))
            .with_staff_member(calcom::sync::StaffMember::new("hanna".into(), "Hanna")),
        tenant("b").with_host(world.fake.host_id()),
    ]);
    let store = std::sync::Arc::new(world.store.clone());
    let tenants = std::sync::Arc::new(tenants);
    let engine = Engine::builder(store.clone(), store, tenants).build();
    let first = engine.tenants(None, 2).await.unwrap();
    assert_eq!(first, ["a", "b"]);
    let rest = engine.tenants(first.last(), 2).await.unwrap();
    assert_eq!(rest, ["c"]);
    assert!(engine.tenants(rest.last(), 2).await.unwrap().is_empty());
    let a = engine.setup(&"a".into()).await.unwrap().unwrap();
    assert_eq!((a.webhook_secrets, a.event_types, a.hosts), (2, 0, 0));
    let b = engine.setup(&"b".into()).await.unwrap().unwrap();
    assert_eq!((b.webhook_secrets, b.event_types, b.hosts), (0, 0, 1));
    assert!(!b.has_subscription && !b.has_services);
    assert_eq!((a.branches, a.staff), (1, 1));
    let places = engine.places(&"a".into()).await.unwrap().unwrap();
    assert_eq!(places.branches[0].id, "mitte");
    assert!(
        engine
            .places(&"b".into())
            .await
            .unwrap()
            .unwrap()
            .is_empty()
    );
    assert_eq!(engine.places(&"nobody".into()).await.unwrap(), None);
    assert_eq!(engine.setup(&"nobody".into()).await.unwrap(), None);
    assert_eq!(engine.connection(&"nobody".into()).await.unwrap(), None);
}

#[tokio::test]
async fn the_condition_of_a_connection_is_known_without_a_request() {
    let world = World::new().await;
    let connection = async || {
        world
            .engine
            .connection(&world.tenant)
            .await
            .unwrap()
            .unwrap()
    };
    assert_eq!(connection().await.answers.count, 0);
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let requests = world.requests();
    let known = connection().await.answers;
    assert_eq!(usize::try_from(known.count).unwrap(), requests);
    assert_eq!(known.failed, 0);
    assert!(known.last_success_at.is_some() && known.p95.is_some());
    assert_eq!(world.requests(), requests);
    world.fake.go_offline().await;
    world.make("b", at(1), Origin::Phone);
    world.drain().await;
    let failure = connection().await.answers.last_failure.unwrap();
    assert_eq!(failure.kind, "transport");
}
