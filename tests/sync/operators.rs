//! What an operations page asks and does: recent activity, what persons did, free slots, a test of the webhook.

use std::sync::Arc;
use std::time::Duration;

use calcom::store::{
    AppointmentId, HistoryEvent, LogEvent, LogId, OperatorAction, Origin, Page, Person, Resolution,
    StoreErrorKind, SyncLog, Window,
};
use calcom::sync::{
    Activity, ActivityFilter, ActivityPage, CalendarErrorKind, Engine, Error, ErrorKind,
    Operations, StaticTenants, SubscriptionError, SyncState, Tenant, WebhookTest,
};
use calcom::testing::{FaultyAppointments, StoreFault, StoreOperation, StoreTrouble};
use http::StatusCode;
use wiremock::matchers::method;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::harness::{SECRET, World, at, client, config, move_to};

fn id(name: &str) -> AppointmentId {
    name.into()
}

fn names(rows: &[Activity]) -> Vec<&str> {
    let names = rows.iter().map(|row| row.status.appointment.as_str());
    names.collect()
}

async fn recent(world: &World, filter: &ActivityFilter, page: Page<LogId>) -> ActivityPage {
    let recent = world.engine.recent(&world.tenant, filter, page).await;
    recent.unwrap()
}

async fn found(world: &World, filter: ActivityFilter) -> Vec<String> {
    let page = recent(world, &filter, Page::first(50)).await;
    assert_eq!(page.next, None);
    let names = page.rows.iter();
    let mut names: Vec<_> = names
        .map(|row| row.status.appointment.to_string())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn what_waits_is_recent_before_any_worker_has_looked_at_it() {
    let world = World::new().await;
    let none = recent(&world, &ActivityFilter::default(), Page::first(9)).await;
    assert_eq!(none, ActivityPage::default());
    world.make("a", at(0), Origin::Phone);
    world.clock.advance(Duration::from_secs(60));
    world.make("b", at(1), Origin::Admin);
    world.change(&id("a"), Origin::Admin, move_to(at(5))).await;
    let page = recent(&world, &ActivityFilter::default(), Page::first(9)).await;
    assert_eq!((names(&page.rows), page.next), (vec!["b", "a"], None));
    for row in &page.rows {
        assert_eq!((&row.event, row.status.state), (&None, SyncState::Waiting));
        let name = row.status.appointment.clone();
        assert_eq!(row.appointment, Some(world.appointment(&name).await));
    }
    assert!(page.rows[0].at > page.rows[1].at);
}

#[tokio::test]
async fn what_was_worked_on_is_listed_once_with_what_was_done_last() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    world.make("b", at(2), Origin::Phone);
    world.settle().await;
    world.change(&id("a"), Origin::Admin, move_to(at(4))).await;
    world.settle().await;
    let page = recent(&world, &ActivityFilter::default(), Page::first(9)).await;
    assert_eq!((names(&page.rows), page.next), (vec!["a", "b"], None));
    let log = world
        .store
        .latest(&world.tenant, calcom::store::LogScope::All, Page::first(99));
    let log = log.await.unwrap();
    for row in &page.rows {
        let own = |line: &&calcom::store::LogEntry| {
            line.appointment.as_ref() == Some(&row.status.appointment)
        };
        let newest = log.iter().find(own).unwrap();
        assert_eq!(row.event.as_ref(), Some(&newest.event));
        assert_eq!(row.at, newest.at);
        let status = world.engine.status(&world.tenant, &row.status.appointment);
        assert_eq!(row.status, status.await.unwrap());
        assert_eq!(row.status.state, SyncState::InSync);
        let name = row.status.appointment.clone();
        assert_eq!(row.appointment, Some(world.appointment(&name).await));
    }
    // Of an appointment that has been worked on and waits anew, the change that waits is told.
    world.change(&id("b"), Origin::Admin, move_to(at(8))).await;
    let page = recent(&world, &ActivityFilter::default(), Page::first(9)).await;
    assert_eq!(names(&page.rows), ["b", "a"]);
    assert_eq!(page.rows[0].event, None);
}

#[tokio::test]
async fn recent_activity_is_found_by_state_origin_and_text() {
    let world = World::new().await;
    world.make("first", at(0), Origin::Phone);
    world.settle().await;
    world.make("late", at(0), Origin::Admin);
    world.settle().await;
    let mut state = world.state(at(6));
    state.attendee = Person::new("Çelik Öz", "oz@salon.example", "Europe/London");
    state.attendee.phone_number = Some("+49151234567".to_owned());
    world.make_as("third", state, Origin::Phone);
    let any = ActivityFilter::default;
    assert_eq!(found(&world, any()).await, ["first", "late", "third"]);
    for (state, expected) in [
        (SyncState::InSync, vec!["first"]),
        (SyncState::InReview, vec!["late"]),
        (SyncState::Waiting, vec!["third"]),
        (SyncState::Retrying, vec![]),
    ] {
        assert_eq!(found(&world, any().with_state(state)).await, expected);
    }
    let by_phone = any().with_origin(Origin::Phone);
    assert_eq!(found(&world, by_phone.clone()).await, ["first", "third"]);
    let both = by_phone.with_state(SyncState::Waiting);
    assert_eq!(found(&world, both.clone()).await, ["third"]);
    assert_eq!(found(&world, both.with_text("ann")).await, [""; 0]);
    let uid = world.booking_of(&id("first")).await;
    let part = uid.as_str()[3..9].to_uppercase();
    for (text, expected) in [
        ("  ANN att ", vec!["first", "late"]),
        ("EXAMPLE.com", vec!["first", "late"]),
        ("51234", vec!["third"]),
        ("çELIK ö", vec!["third"]),
        ("OZ@", vec!["third"]),
        (part.as_str(), vec!["first"]),
        ("LAT", vec!["late"]),
        ("nobody", vec![]),
        (" ", vec!["first", "late", "third"]),
    ] {
        assert_eq!(
            found(&world, any().with_text(text)).await,
            expected,
            "{text}"
        );
    }
    let mut given = any();
    given.text = Some("Çelik".to_owned());
    assert_eq!(found(&world, given).await, ["third"]);
}

/// All pages of this length, each with its names.
async fn pages(world: &World, limit: u32) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut page = Page::first(limit);
    for _ in 0..50 {
        let read = recent(world, &ActivityFilter::default(), page).await;
        assert!(read.rows.len() <= limit as usize, "{:?}", read.rows);
        pages.push(names(&read.rows).into_iter().map(String::from).collect());
        let Some(next) = read.next else {
            return pages;
        };
        page = Page::after(next, limit);
    }
    panic!("the pages do not end: {pages:?}");
}

#[tokio::test]
async fn recent_activity_comes_in_pages() {
    let world = World::new().await;
    for (n, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        world.make(name, at(n as i64), Origin::Phone);
        world.settle().await;
    }
    for limit in [1, 2, 3] {
        let all = pages(&world, limit).await.concat();
        let mut first: Vec<String> = Vec::new();
        for name in all {
            if !first.contains(&name) {
                first.push(name);
            }
        }
        assert_eq!(first, ["d", "c", "b", "a"], "pages of {limit}");
    }
    assert_eq!(pages(&world, 4).await[0], ["d", "c", "b", "a"]);
    // What waits fills the first page, and hides nothing.
    for (n, name) in ["w1", "w2", "w3"].into_iter().enumerate() {
        world.make(name, at(10 + n as i64), Origin::Phone);
        world.clock.advance(Duration::from_secs(1));
    }
    let all = pages(&world, 3).await;
    assert_eq!(all[0], ["w3", "w2", "w1"]);
    assert_eq!(all[1], ["d", "c", "b"]);
    assert_eq!(all.concat().iter().filter(|name| *name == "a").count(), 1);
    // The search looks at more of what waits than fits on a page.
    let filter = ActivityFilter::default().with_text("w3");
    let page = recent(&world, &filter, Page::first(1)).await;
    assert_eq!(names(&page.rows), ["w3"]);
}

#[tokio::test]
async fn a_page_of_recent_activity_looks_at_a_bounded_part_of_the_log() {
    let world = World::new().await;
    let line = LogEvent::operated(OperatorAction::CheckDrift, "eve", "None was found.");
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    for _ in 0..2500 {
        let noted = world.engine.note(&world.tenant, None, line.clone());
        noted.await.unwrap();
    }
    let newer = id("newer");
    let note = LogEvent::operated(OperatorAction::Resync, "eve", "It was marked.");
    let noted = world.engine.note(&world.tenant, Some(&newer), note.clone());
    noted.await.unwrap();
    let mut pages = vec![recent(&world, &ActivityFilter::default(), Page::first(9)).await];
    while let Some(next) = pages[pages.len() - 1].next {
        let page = Page::after(next, 9);
        pages.push(recent(&world, &ActivityFilter::default(), page).await);
    }
    let told: Vec<_> = pages.iter().map(|page| names(&page.rows)).collect();
    assert_eq!(told, [vec!["newer"], vec![], vec!["a"]]);
    assert_eq!(pages[0].rows[0].event, Some(note));
    assert_eq!(pages[0].rows[0].appointment, None, "the host has none");
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_asked_once_a_page() {
    let world = World::new().await;
    for (n, name) in ["a", "b", "c"].into_iter().enumerate() {
        world.make(name, at(n as i64), Origin::Phone);
    }
    world.settle().await;
    let host = Arc::new(FaultyAppointments::new(Arc::new(world.store.clone())));
    let books = Arc::new(world.store.clone());
    let tenants = Arc::new(StaticTenants::default());
    let engine = Engine::builder(books, host.clone(), tenants).config(config());
    let engine = engine.clock(world.clock.shared()).build();
    let hangs = StoreFault::new(StoreOperation::Get, StoreTrouble::Hangs);
    host.inject(hangs.always());
    let before = host.faults().calls(StoreOperation::Get);
    let any = ActivityFilter::default();
    let page = engine
        .recent(&world.tenant, &any, Page::first(9))
        .await
        .unwrap();
    assert_eq!(names(&page.rows).len(), 3);
    for row in &page.rows {
        assert_eq!(row.appointment, None);
        assert_eq!(row.status.state, SyncState::InSync);
        assert_eq!(row.status.origin, Some(Origin::Phone), "as it was recorded");
    }
    let asked = host.faults().calls(StoreOperation::Get) - before;
    assert_eq!(asked, 1);
}

#[tokio::test]
async fn what_persons_did_is_listed_and_is_in_the_history_of_its_appointment() {
    let world = World::new().await;
    world.make("first", at(0), Origin::Phone);
    world.settle().await;
    world.make("late", at(0), Origin::Phone);
    world.settle().await;
    let cancelled = LogEvent::operated(
        OperatorAction::Cancel,
        "ann",
        "Cancelled.\u{202e}\nroot: ok",
    );
    let LogEvent::Operated { outcome, .. } = &cancelled else {
        panic!("{cancelled:?} is no action");
    };
    assert!(!outcome.contains('\u{202e}'), "{outcome:?}");
    let first = id("first");
    let note = |about: Option<AppointmentId>, event: LogEvent| {
        let engine = world.engine.clone();
        let tenant = world.tenant.clone();
        async move { engine.note(&tenant, about.as_ref(), event).await.unwrap() }
    };
    note(Some(first.clone()), cancelled.clone()).await;
    world.resolve(Resolution::Dismiss).await;
    let rebuilt = LogEvent::operated(OperatorAction::Rebuild, "bob", "It is under way.");
    note(None, rebuilt.clone()).await;
    world.engine.pause(&world.tenant, "eve", "").await.unwrap();
    world.engine.resume(&world.tenant).await.unwrap();

    let actions = world
        .engine
        .actions(&world.tenant, Page::first(9))
        .await
        .unwrap();
    let who: Vec<_> = actions
        .iter()
        .map(|line| line.event.actor().unwrap())
        .collect();
    assert_eq!(who, ["bob", "eve", "ann"]);
    assert_eq!(actions[0].event, rebuilt);
    assert_eq!(actions[0].appointment, None);
    assert_eq!(actions[2].event, cancelled);
    let page = Page::after(actions[0].id, 1);
    let next = world.engine.actions(&world.tenant, page).await.unwrap();
    assert_eq!(next, [actions[1].clone()]);
    let theirs = world.engine.actions(&"other".into(), Page::first(9)).await;
    assert_eq!(theirs.unwrap(), []);

    let history = world
        .engine
        .history(&world.tenant, &first, Page::first(99))
        .await
        .unwrap();
    let noted = history.iter().filter(|entry| match &entry.event {
        HistoryEvent::Log(line) => line.event == cancelled,
        _ => false,
    });
    assert_eq!(noted.count(), 1);
    let of_tenant = |entry: &&calcom::store::HistoryEntry| match &entry.event {
        HistoryEvent::Log(line) => line.event == rebuilt,
        _ => false,
    };
    assert_eq!(history.iter().filter(of_tenant).count(), 0);
    assert_eq!(world.drain().await, [], "writing it down is no work");
}

#[tokio::test]
async fn an_appointment_and_an_item_are_read_by_their_ids() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    let read = async |name: &str| {
        world
            .engine
            .appointment(&world.tenant, &id(name))
            .await
            .unwrap()
    };
    assert_eq!(read("a").await, Some(made));
    assert_eq!(read("b").await, None);
    world.settle().await;
    world.make("late", at(0), Origin::Phone);
    world.settle().await;
    let item = world.reviews().await.remove(0);
    let review = world.engine.review(&world.tenant, item.id).await.unwrap();
    assert_eq!(review, Some(item.clone()));
    let theirs = world.engine.review(&"other".into(), item.id).await.unwrap();
    assert_eq!(theirs, None);
    let closed = world.resolve(Resolution::Dismiss).await;
    let review = world.engine.review(&world.tenant, item.id).await.unwrap();
    assert_eq!(review, Some(closed));
}

#[tokio::test]
async fn free_slots_are_those_of_cal_com() {
    let world = World::new().await;
    let window = Window::new(at(0), at(4));
    let slots = async || {
        let asked = world
            .engine
            .free_slots(&world.tenant, world.fake.event_type_id(), window);
        asked.await
    };
    world.book(at(1)).await;
    let free = slots().await.unwrap();
    assert!(free.is_sorted() && free.contains(&at(0)) && free.contains(&at(2)));
    assert!(!free.contains(&at(1)), "{free:?}");
    assert!(
        free.iter().all(|slot| (at(0)..at(4)).contains(slot)),
        "{free:?}"
    );
    let other = "other".into();
    let unknown = world
        .engine
        .free_slots(&other, world.fake.event_type_id(), window);
    let error = unknown.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Directory(StoreErrorKind::NotFound));
    world.fake.go_offline().await;
    let error = slots().await.unwrap_err();
    assert!(matches!(error, Error::Calendar(_)), "{error:?}");
}

/// An engine whose tenant has a subscription that goes to this URL.
fn subscribed(world: &World, url: &str, secrets: &[&str]) -> Engine {
    let calendar = Arc::new(client(&world.fake));
    let mut tenant = Tenant::new(world.tenant.clone(), calendar.clone());
    tenant = tenant.with_subscription(calendar, url);
    for secret in secrets {
        tenant = tenant.with_webhook_secret(*secret);
    }
    let store = Arc::new(world.store.clone());
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Engine::builder(store.clone(), store, tenants).config(config());
    engine.clock(world.clock.shared()).build()
}

async fn test_webhook(world: &World, url: &str, secrets: &[&str]) -> WebhookTest {
    let engine = subscribed(world, url, secrets);
    let tested = engine.test_webhook(&world.tenant).await.unwrap();
    assert_eq!(tested.url, url);
    tested
}

#[tokio::test]
async fn a_test_of_the_webhook_arrives_and_changes_nothing() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let before = world.delivery_fates().await.len();
    let url = format!(
        "http://{}/webhooks/calcom/{}",
        world.address(),
        world.tenant
    );
    // During a rotation Cal.com signs with the first secret until it is replaced there.
    for secrets in [&[SECRET][..], &[SECRET, "the next one"]] {
        let tested = test_webhook(&world, &url, secrets).await;
        assert!(tested.has_arrived(), "{tested:?}");
        assert_eq!(tested.status, StatusCode::OK);
        assert_eq!(tested.code.as_deref(), Some("ignored"));
        assert!(tested.advice().contains("was verified"));
    }
    let fates = world.delivery_fates().await;
    assert_eq!(fates.len(), before + 2, "two tests are two deliveries");
    assert_eq!(world.drain().await, []);
    world.assert_in_step().await;
}

#[tokio::test]
async fn a_test_of_the_webhook_with_a_wrong_secret_or_address_is_refused() {
    let world = World::new().await;
    let url = format!(
        "http://{}/webhooks/calcom/{}",
        world.address(),
        world.tenant
    );
    for (url, secret) in [(url.clone(), "wrong"), (format!("{url}-other"), SECRET)] {
        let tested = test_webhook(&world, &url, &[secret]).await;
        assert!(!tested.has_arrived());
        assert_eq!(tested.status, StatusCode::UNAUTHORIZED);
        assert!(tested.code.is_some());
        assert!(tested.advice().contains("refused the signature"));
    }
    let elsewhere = format!("http://{}/elsewhere", world.address());
    let tested = test_webhook(&world, &elsewhere, &[SECRET]).await;
    assert_eq!(tested.status, StatusCode::NOT_FOUND);
    assert!(!tested.has_arrived());
    assert!(tested.advice().contains("Nothing takes webhooks"));
    assert_eq!(world.delivery_fates().await, []);
}

/// An answer like ours, to a body that is not the test's.
const SOMEBODYS: &str =
    r#"{"status":"ok","code":"stored","message":"","delivery":"ab","correlation_id":"1"}"#;

#[tokio::test]
async fn a_test_of_the_webhook_says_what_else_answers_and_shows_it_nothing() {
    let world = World::new().await;
    for (status, body, advice) in [
        (200, "hello", "not this crate's server"),
        (204, "", "not this crate's server"),
        (200, "{\"code\": 7}", "not this crate's server"),
        (200, SOMEBODYS, "not this crate's server"),
        (302, "", "in a way that no webhook receiver does"),
        (413, "", "size"),
        (429, "", "in a minute"),
        (502, "bad gateway", "cannot reach one"),
    ] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status)
            .insert_header("location", "/elsewhere")
            .set_body_string(body);
        let mock = Mock::given(method("POST")).respond_with(answer);
        mock.expect(1).mount(&server).await;
        let tested = test_webhook(&world, &server.uri(), &[SECRET]).await;
        assert_eq!((tested.status.as_u16(), &tested.code), (status, &None));
        assert!(!tested.has_arrived(), "a success alone proves nothing");
        assert!(tested.advice().contains(advice), "{}", tested.advice());
        let requests = server.received_requests().await.unwrap();
        let headers = &requests[0].headers;
        assert!(headers.contains_key("x-cal-signature-256"));
        for name in ["authorization", "cal-api-version", "x-cal-client-id"] {
            assert!(!headers.contains_key(name), "{name} is sent");
        }
    }
}

#[tokio::test]
async fn a_test_of_the_webhook_that_cannot_be_sent_is_an_error() {
    let world = World::new().await;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    for (url, kind) in [
        (nobody.as_str(), CalendarErrorKind::Unavailable),
        ("no url", CalendarErrorKind::Rejected),
    ] {
        let engine = subscribed(&world, url, &[SECRET]);
        let error = engine.test_webhook(&world.tenant).await.unwrap_err();
        let SubscriptionError::Calendar(error) = error else {
            panic!("expected the call to fail, got {error:?}");
        };
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            error.to_string().contains("the subscription's URL"),
            "{error}"
        );
    }
    let server = MockServer::start().await;
    let page = ResponseTemplate::new(200).set_body_string("x".repeat(100_000));
    Mock::given(method("POST"))
        .respond_with(page)
        .mount(&server)
        .await;
    let engine = subscribed(&world, &server.uri(), &[SECRET]);
    let error = engine.test_webhook(&world.tenant).await.unwrap_err();
    let SubscriptionError::Calendar(error) = error else {
        panic!("expected the call to fail, got {error:?}");
    };
    assert_eq!(error.kind(), CalendarErrorKind::Rejected);
    assert!(error.to_string().contains("too large"), "{error}");
    let engine = subscribed(&world, &nobody, &[]);
    let error = engine.test_webhook(&world.tenant).await;
    assert!(matches!(error, Err(SubscriptionError::NoSecret)));
    let error = engine.test_webhook(&"other".into()).await;
    assert!(matches!(error, Err(SubscriptionError::UnknownTenant)));
    let error = world.engine.test_webhook(&world.tenant).await;
    assert!(matches!(error, Err(SubscriptionError::NotNamed)));
}
