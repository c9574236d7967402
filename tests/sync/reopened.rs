//! The engine over a SQLite file: the process is gone, and only the file is left.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{MORNING, SECRET, ann, at, client, config, drain};
use calcom::ambient::Clock;
use calcom::sqlite::SqliteStore;
use calcom::store::{
    AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus, AppointmentWrite,
    LinkKey, Links, Origin, Page, Store, TenantId,
};
use calcom::sync::{Engine, Standing, StaticTenants, SyncEngine, Tenant};
use calcom::testing::{
    FakeCalcom, Fault, ManualClock, Operation, SeededEntropy, Then, WebhookBody,
};
use calcom::webhook::SIGNATURE_HEADER;
use chrono::TimeDelta;

struct Process {
    engine: Arc<Engine>,
    store: SqliteStore,
}

/// Starts over with nothing but the file.
async fn start(file: &std::path::Path, fake: &FakeCalcom, clock: &ManualClock) -> Process {
    let store = SqliteStore::open_with_clock(file, clock.shared())
        .await
        .unwrap();
    let tenant = Tenant::new(tenant(), Arc::new(client(fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(fake.event_type_id());
    let shared = Arc::new(store.clone());
    let books: Arc<dyn Store> = shared.clone();
    let engine = Engine::builder(books, shared, Arc::new(StaticTenants::new([tenant])))
        .config(config())
        .clock(Arc::new(clock.clone()))
        .entropy(Arc::new(SeededEntropy::new(3)))
        .build();
    Process {
        engine: Arc::new(engine),
        store,
    }
}

fn tenant() -> TenantId {
    TenantId::new("salon")
}

async fn write(process: &Process, clock: &ManualClock, state: AppointmentState) -> AppointmentId {
    let id = AppointmentId::new("a");
    let write = AppointmentWrite::new(state, Origin::Phone, clock.now());
    let store = &process.store;
    match store.get(&tenant(), &id).await.unwrap() {
        None => store.create_appointment(&tenant(), &id, write).await,
        Some(found) => store.update(&tenant(), &id, found.revision, write).await,
    }
    .unwrap();
    id
}

#[tokio::test]
async fn nothing_is_doubled_when_only_the_file_is_left() {
    for operation in [
        Operation::CreateBooking,
        Operation::Reschedule,
        Operation::Cancel,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("books.sqlite");
        let clock = ManualClock::at(MORNING.parse().unwrap());
        let fake = FakeCalcom::builder()
            .clock(clock.shared())
            .start()
            .await
            .unwrap();
        let process = start(&file, &fake, &clock).await;

        let mut state = AppointmentState::new(
            AppointmentStatus::Confirmed,
            at(0),
            at(0) + TimeDelta::minutes(30),
            fake.event_type_id(),
            ann(),
        );
        fake.inject(Fault::new(operation, Then::ApplyThenDrop));
        let id = write(&process, &clock, state.clone()).await;
        if operation != Operation::CreateBooking {
            drain(&process.engine).await;
            if operation == Operation::Reschedule {
                state.start = at(2);
                state.end = at(2) + TimeDelta::minutes(30);
            } else {
                state.status = AppointmentStatus::Cancelled;
            }
            write(&process, &clock, state.clone()).await;
        }
        process.engine.step().await.unwrap().unwrap();
        let sent = fake.writes().len();
        process.store.pool().close().await;
        drop(process);

        clock.advance(Duration::from_secs(2));
        let process = start(&file, &fake, &clock).await;
        drain(&process.engine).await;
        assert_eq!(fake.writes().len(), sent, "{operation:?} is not sent twice");
        let link = process
            .store
            .find(&tenant(), &LinkKey::Appointment(id))
            .await;
        let link = link.unwrap().unwrap();
        let standing = Standing::of(&link).unwrap();
        assert!(!standing.awaits_outcome());
        assert!(standing.base.unwrap().local.agrees_with(&state));
        let live = fake.live_bookings();
        let expected = usize::from(operation != Operation::Cancel);
        assert_eq!(live.len(), expected, "{operation:?}");
        if let Some(booking) = live.first() {
            assert_eq!(Some(&booking.uid), link.booking.as_ref());
            assert_eq!(booking.start, state.start);
        }
        assert_eq!(
            process
                .engine
                .open_reviews(&tenant(), Page::first(10))
                .await
                .unwrap(),
            []
        );
    }
}

/// One-time passwords get into no file, though the body that brings them does.
#[tokio::test]
async fn no_one_time_password_gets_into_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(MORNING.parse().unwrap());
    let fake = FakeCalcom::start().await.unwrap();
    let process = start(&folder.path().join("books.sqlite"), &fake, &clock).await;
    let body = WebhookBody::requested("a-booking-that-is-awaited", at(0));
    let signature = http::HeaderValue::from_str(&body.signed_with(SECRET)).unwrap();
    let mut headers = http::HeaderMap::new();
    headers.insert(SIGNATURE_HEADER, signature);
    let bytes = body.to_bytes();
    let tenant = tenant();
    let received = process.engine.receive(&tenant, &headers, &bytes);
    received.await.unwrap();
    process.store.pool().close().await;
    let mut text = String::new();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        text += &String::from_utf8_lossy(&bytes);
    }
    assert!(text.contains("a-booking-that-is-awaited"));
    let json = body.to_json();
    let password = json["payload"]["oneTimePassword"].as_str().unwrap();
    assert!(!text.contains(password));
}
