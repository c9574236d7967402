//! The PostgreSQL store: the conformance suite, and what a server adds to it.
//!
//! Needs a server, which `CALCOM_TEST_POSTGRES` names: `postgres://user:password@host:port/database`. Each test makes a schema of
//! its own there, and drops it. `scripts/with-postgres` starts a server for the command that it is given.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use calcom::ambient::{Entropy, SystemEntropy};
use calcom::model::{BookingUid, EventTypeId};
use calcom::postgres::PostgresStore;
use calcom::store::{
    Accepted, Appointment, AppointmentDesk, AppointmentId, AppointmentRepository, AppointmentState,
    AppointmentStatus, AppointmentWrite, ChainKey, Change, ChangeFate, Checkpoint, Claim,
    ClaimRequest, DeliveryClaim, DeliveryFate, Erasure, EventClaimRequest, Hold, Inbox, Links,
    LogScope, NewDelivery, NewReview, NewSenderEvent, Opaque, Origin, Outbox, Page, Person,
    RequestKey, Resolution, Retention, ReviewEvidence, ReviewReason, Reviews, Revision,
    SenderEventFate, SenderEvents, Settlement, StoreErrorKind, SyncKey, SyncLog, TenantId, Tenants,
    Upkeep, Window,
};
use calcom::testing::conformance::{AppointmentTable, PassTime};
use calcom::webhook::Sender;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

calcom::store_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
    store,
    let books = Books::new().await;
    books.store(),
    time: books.store()
);
calcom::appointment_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
    repository,
    let books = Books::new().await;
    {
        let store = Arc::new(books.store());
        AppointmentTable::new(store.clone()).with_host_writes(store)
    }
);
calcom::desk_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
    desk,
    let books = Books::new().await;
    books.store()
);
calcom::service_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
    services,
    let books = Books::new().await;
    books.store()
);

const LEASE: Duration = Duration::from_secs(60);

/// A schema of one test, which is dropped with it.
struct Schema {
    url: String,
    name: String,
}

impl Schema {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let url = std::env::var("CALCOM_TEST_POSTGRES");
        let url = url
            .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
        let chance = SystemEntropy.next_u64();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{chance:x}_{number}");
        // By the name the connections are told apart from those of other tests.
        let url = format!("{url}?application_name={name}");
        Self { url, name }
    }

    async fn open(&self) -> PostgresStore {
        let builder = PostgresStore::builder().schema(&self.name);
        builder.connect(self.url.as_str()).await.unwrap()
    }

    /// A connection that looks at the schema past the store.
    async fn beside(&self) -> PgConnection {
        let mut connection = self.host().await;
        let path = format!("SET search_path = {}", self.name);
        run(&mut connection, path).await;
        connection
    }

    /// A connection of the host's, which knows nothing of the schema.
    async fn host(&self) -> PgConnection {
        let server = self.url.split('?').next().unwrap();
        PgConnection::connect(server).await.unwrap()
    }

    /// Ends every connection of the store's, as a restart of the server or of a pooler does.
    async fn disconnect(&self) {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
        )
        .bind(&self.name)
        .execute(&mut self.host().await)
        .await
        .unwrap();
    }

    /// Returns once a statement of the store's waits for somebody.
    async fn until_a_lock_is_waited_for(&self) {
        let waiting = "SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'";
        let mut host = self.host().await;
        for _ in 0..1000 {
            let count: i64 = sqlx::query_scalar(waiting)
                .bind(&self.name)
                .fetch_one(&mut host)
                .await
                .unwrap();
            if count > 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("nobody waits for a lock");
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let drop = format!(
            "SET lock_timeout = '10s'; DROP SCHEMA IF EXISTS {} CASCADE",
            self.name
        );
        let server = self.url.split('?').next().unwrap_or_default().to_owned();
        // The test's own runtime may be on its way out.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let mut connection = PgConnection::connect(&server).await?;
                sqlx::raw_sql(AssertSqlSafe(drop))
                    .execute(&mut connection)
                    .await
            })
        });
        let dropped = dropping.join().map(|dropped| dropped.is_ok());
        if !matches!(dropped, Ok(true)) {
            eprintln!("the schema {} is left behind", self.name);
        }
    }
}

/// A store whose clock the test moves, and its schema.
struct Books {
    store: PostgresStore,
    _schema: Schema,
}

impl Books {
    async fn new() -> Self {
        let schema = Schema::new();
        let builder = PostgresStore::builder()
            .schema(&schema.name)
            .with_movable_clock();
        let store = builder.connect(schema.url.as_str()).await.unwrap();
        Self {
            store,
            _schema: schema,
        }
    }

    fn store(&self) -> PostgresStore {
        self.store.clone()
    }
}

async fn run(connection: &mut PgConnection, sql: impl Into<String>) {
    sqlx::raw_sql(AssertSqlSafe(sql.into()))
        .execute(connection)
        .await
        .unwrap();
}

fn tenant() -> TenantId {
    TenantId::new("tenant")
}

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::minutes(minute)
}

fn write(start_minute: i64) -> AppointmentWrite {
    let state = AppointmentState::new(
        AppointmentStatus::Confirmed,
        at(start_minute),
        at(start_minute + 30),
        EventTypeId::new(7),
        Person::new("Ada", "ada@example.com", "Europe/Berlin"),
    );
    AppointmentWrite::new(state, Origin::Phone, at(0))
}

fn change(appointment: &str) -> Change {
    let appointment = AppointmentId::new(appointment);
    Change::new(tenant(), appointment, Revision::FIRST, Origin::Admin, at(0))
}

fn delivery(booking: &str) -> NewDelivery {
    let mut delivery = NewDelivery::new(tenant(), [1; 32], "BOOKING_CREATED");
    delivery.booking = Some(BookingUid::new(booking));
    delivery.body = "{}".to_owned();
    delivery
}

fn request() -> ClaimRequest {
    ClaimRequest::new(LEASE, 1)
}

async fn claim(store: &PostgresStore) -> Claim {
    store.claim(&request()).await.unwrap().expect("some work")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_row_that_cannot_be_read_is_named_without_its_content() {
    let schema = Schema::new();
    let store = schema.open().await;
    let id = AppointmentId::new("a");
    store
        .create_appointment(&tenant(), &id, write(60))
        .await
        .unwrap();
    sqlx::query("UPDATE appointments SET state = '{\"status\":\"ada@example.com\"}'")
        .execute(&mut schema.beside().await)
        .await
        .unwrap();
    let error = store.get(&tenant(), &id).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Corrupt);
    let told = format!("{error} {error:?}");
    assert!(told.contains("row a of appointments"), "{told}");
    assert!(!told.contains("ada@example.com"), "{told}");
    // The books do not read it.
    assert_eq!(claim(&store).await.changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn what_a_newer_version_wrote_into_a_row_stops_nobody() {
    let schema = Schema::new();
    let store = schema.open().await;
    let mut sent = delivery("booking");
    sent.claim = DeliveryClaim::new(AppointmentStatus::Cancelled, None, None);
    store.accept(sent).await.unwrap();
    let first = claim(&store).await;
    let mut settlement = Settlement::new(first.link);
    settlement.wake = Some(Duration::ZERO);
    let evidence = ReviewEvidence::new("both sides changed");
    settlement.reviews = vec![NewReview::of_link(ReviewReason::Conflict, evidence)];
    let settled = store.settle(&first.lease, settlement).await.unwrap();
    let mut beside = schema.beside().await;
    for damage in [
        "UPDATE notices SET claim = '{\"status\":\"teleported\"}'",
        "UPDATE reviews SET evidence = '{\"local\":7}'",
    ] {
        sqlx::query(damage).execute(&mut beside).await.unwrap();
    }

    let again = claim(&store).await;
    assert_eq!(again.deliveries[0].claim, DeliveryClaim::default());
    let page = Page::first(10);
    let open = store.open_reviews(&tenant(), page).await.unwrap();
    assert_eq!(open.len(), 1);
    let told = &open[0].evidence.message;
    assert!(told.contains("cannot be read back"), "{told}");
    store
        .resolve(&tenant(), settled.opened[0], &Resolution::Retry, "eve")
        .await
        .unwrap();

    // A decision of a kind that this version does not know is none that it carries out.
    sqlx::query("UPDATE reviews SET resolution = '{\"kind\":\"reassign\"}'")
        .execute(&mut beside)
        .await
        .unwrap();
    let mut settlement = Settlement::new(again.link);
    settlement.deliveries = vec![(again.deliveries[0].id, DeliveryFate::Agreed)];
    store.settle(&again.lease, settlement).await.unwrap();
    let marked = claim(&store).await;
    assert_eq!(marked.marks.len(), 1);
    assert_eq!(marked.marks[0].instruction, None);
    let item = store.review(&tenant(), settled.opened[0]).await.unwrap();
    let outcome = item.unwrap().resolved.unwrap().outcome.unwrap();
    assert!(outcome.contains("cannot be read back"), "{outcome}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_link_of_a_newer_format_is_left_to_a_newer_worker() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.record(&change("newer")).await.unwrap();
    let newer = claim(&store).await;
    let mut settlement = Settlement::new(newer.link);
    settlement.link.state = Some(Opaque::new(2, vec![7]));
    store.settle(&newer.lease, settlement).await.unwrap();
    store.record(&change("older")).await.unwrap();
    let older = claim(&store).await;
    assert_eq!(older.link.appointment, Some(AppointmentId::new("older")));
    assert!(store.claim(&request()).await.unwrap().is_none());
    let both = ClaimRequest::new(LEASE, 2);
    assert!(store.claim(&both).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn numbers_that_are_too_large_are_refused_or_cut() {
    let schema = Schema::new();
    let store = schema.open().await;
    let mut huge = change("a");
    huge.revision = Revision::new(u64::MAX);
    let recorded = store.record(&huge).await;
    assert_eq!(recorded.unwrap_err().kind(), StoreErrorKind::Invalid);
    let id = AppointmentId::new("a");
    store
        .create_appointment(&tenant(), &id, write(60))
        .await
        .unwrap();
    let updated = store
        .update(&tenant(), &id, Revision::new(u64::MAX), write(60))
        .await;
    assert_eq!(updated.unwrap_err().kind(), StoreErrorKind::Conflict);

    let for_ever = ClaimRequest::new(Duration::MAX, u16::MAX);
    let claim = store.claim(&for_ever).await.unwrap().unwrap();
    assert!(store.next_due(1).await.unwrap().unwrap() > LEASE);
    let mut settlement = Settlement::new(claim.link);
    settlement.wake = Some(Duration::MAX);
    settlement.not_before = Some(Duration::MAX);
    settlement.hold = Some(Hold::For(Duration::MAX));
    settlement.changes = vec![(claim.changes[0].id, ChangeFate::Pushed)];
    store.settle(&claim.lease, settlement).await.unwrap();
    assert!(store.claim(&for_ever).await.unwrap().is_none());
    let pruned = store
        .prune(&Retention::of(Duration::MAX), u32::MAX)
        .await
        .unwrap();
    assert_eq!(pruned.total(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn two_stores_on_one_schema_share_one_queue() {
    const LINKS: usize = 60;
    let schema = Schema::new();
    let handles = [schema.open().await, schema.open().await];
    for number in 0..LINKS {
        handles[number % 2]
            .record(&change(&format!("a{number}")))
            .await
            .unwrap();
    }
    let workers: Vec<_> = (0..8)
        .map(|number| {
            let store = handles[number % 2].clone();
            tokio::spawn(async move {
                let mut claimed = Vec::new();
                while let Some(claim) = store.claim(&request()).await.unwrap() {
                    claimed.push(claim.link.id);
                }
                claimed
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    assert_eq!(claimed.len(), LINKS);
    assert_eq!(claimed.into_iter().collect::<BTreeSet<_>>().len(), LINKS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_dropped_call_has_happened_whole_or_not_at_all() {
    const CALLS: u32 = 150;
    let schema = Schema::new();
    let store = Arc::new(schema.open().await);
    for number in 0..CALLS {
        let change = change(&format!("a{number}"));
        let patience = Duration::from_micros(u64::from(number) * 20);
        let _answered_or_dropped = tokio::time::timeout(patience, store.record(&change)).await;
    }
    let mut recorded = 0;
    for number in 0..CALLS {
        let id = AppointmentId::new(format!("a{number}"));
        let changes = store
            .changes(&tenant(), &id, Page::first(10))
            .await
            .unwrap();
        recorded += changes.len();
    }
    let mut claimed = 0;
    while let Some(claim) = store.claim(&request()).await.unwrap() {
        claimed += claim.changes.len();
    }
    assert_eq!(claimed, recorded);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn every_write_of_the_ready_table_records_its_change() {
    async fn origins(store: &PostgresStore, appointment: &Appointment) -> Vec<(Revision, Origin)> {
        let page = Page::first(10);
        let changes = store
            .changes(&tenant(), &appointment.id, page)
            .await
            .unwrap();
        let changes = changes.into_iter().map(|(row, _)| row.change);
        changes
            .map(|change| (change.revision, change.origin))
            .collect()
    }

    let schema = Schema::new();
    let store = schema.open().await;
    let id = AppointmentId::new("a");
    let made = store
        .create_appointment(&tenant(), &id, write(60))
        .await
        .unwrap();
    let mut by_engine = write(90);
    by_engine.origin = Origin::Calcom;
    store
        .update(&tenant(), &id, made.revision, by_engine.clone())
        .await
        .unwrap();
    assert_eq!(
        origins(&store, &made).await,
        [
            (Revision::FIRST, Origin::Phone),
            (Revision::new(2), Origin::Calcom)
        ]
    );
    let chain = ChainKey::new("chain");
    let booked = store
        .create_for_booking(&tenant(), &chain, by_engine.clone())
        .await
        .unwrap();
    store
        .create_for_booking(&tenant(), &chain, by_engine)
        .await
        .unwrap();
    assert_eq!(
        origins(&store, &booked).await,
        [(Revision::FIRST, Origin::Calcom)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_change_waits_for_no_worker_and_moves_no_link() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let link = "SELECT concat_ws(' ', due_at, fence, marks) FROM links";
    let mut beside = schema.beside().await;
    let before: String = sqlx::query_scalar(link)
        .fetch_one(&mut beside)
        .await
        .unwrap();
    let mut later = change("a");
    later.revision = Revision::new(2);
    store.record(&later).await.unwrap();
    let after: String = sqlx::query_scalar(link)
        .fetch_one(&mut beside)
        .await
        .unwrap();
    assert_eq!(before, after);
    let mut settlement = Settlement::new(claimed.link);
    settlement.changes = vec![(claimed.changes[0].id, ChangeFate::Pushed)];
    store.settle(&claimed.lease, settlement).await.unwrap();
    let second = claim(&store).await;
    assert_eq!(second.changes.len(), 1);
    assert_eq!(second.changes[0].change, later);
    assert_eq!(second.first_revision, Some(Revision::FIRST));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn the_same_bytes_are_stored_again_once_the_first_ones_were_settled() {
    let schema = Schema::new();
    let store = schema.open().await;
    let accept = async |delivery: NewDelivery| store.accept(delivery).await.unwrap();
    assert_eq!(accept(delivery("booking")).await, Accepted::Stored);
    assert_eq!(accept(delivery("booking")).await, Accepted::Duplicate);
    let claimed = claim(&store).await;
    assert_eq!(accept(delivery("booking")).await, Accepted::Duplicate);
    let mut settlement = Settlement::new(claimed.link);
    settlement.deliveries = vec![(claimed.deliveries[0].id, DeliveryFate::Agreed)];
    store.settle(&claimed.lease, settlement).await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), None);
    assert_eq!(accept(delivery("booking")).await, Accepted::Stored);
    assert_eq!(claim(&store).await.deliveries.len(), 1);

    // What was ignored at the door is known for as long as it is kept.
    let mut ignored = delivery("booking");
    ignored.fingerprint = [2; 32];
    ignored.ignored = Some(DeliveryFate::IgnoredTemplate);
    assert_eq!(accept(ignored.clone()).await, Accepted::Ignored);
    assert_eq!(accept(ignored).await, Accepted::Duplicate);
    let page = Page::first(10);
    assert_eq!(store.deliveries(&tenant(), page).await.unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn what_was_settled_before_it_was_routed_is_not_routed() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut later = change("a");
    later.revision = Revision::FIRST.next();
    store.record(&later).await.unwrap();
    let appointment = AppointmentId::new("a");
    let page = Page::first(10);
    let recorded = store.changes(&tenant(), &appointment, page).await.unwrap();
    let mut settlement = Settlement::new(claimed.link);
    for (row, _) in recorded {
        settlement.changes.push((row.id, ChangeFate::Pushed));
    }
    assert_eq!(settlement.changes.len(), 2);
    store.settle(&claimed.lease, settlement).await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_paused_tenant_wakes_nobody() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut settlement = Settlement::new(claimed.link);
    settlement.wake = Some(Duration::ZERO);
    let evidence = ReviewEvidence::default();
    let review = NewReview::of_tenant("key", ReviewReason::CredentialsRefused, evidence);
    settlement.reviews = vec![review];
    settlement.hold = Some(Hold::Pause("key".to_owned()));
    store.settle(&claimed.lease, settlement).await.unwrap();
    store.record(&change("b")).await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), None);
    assert!(store.claim(&request()).await.unwrap().is_none());
    store.resume(&tenant()).await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), Some(Duration::ZERO));
    assert!(store.claim(&request()).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_settlement_of_what_does_not_wait_is_refused() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut settlement = Settlement::new(claimed.link.clone());
    settlement.changes = vec![(1234.into(), ChangeFate::Pushed)];
    let settled = store.settle(&claimed.lease, settlement).await;
    assert_eq!(settled.unwrap_err().kind(), StoreErrorKind::Invalid);
    let settlement = Settlement::new(claimed.link);
    store
        .settle(&claimed.lease, settlement.clone())
        .await
        .unwrap();
    // The lease was given back.
    let again = store.settle(&claimed.lease, settlement).await;
    assert_eq!(again.unwrap_err().kind(), StoreErrorKind::LeaseLost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn many_connect_at_once_to_a_new_schema() {
    let schema = Arc::new(Schema::new());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let schema = schema.clone();
            tokio::spawn(async move { schema.open().await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().record(&change("a")).await.unwrap();
    }
    let store = schema.open().await;
    assert_eq!(claim(&store).await.changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn nothing_is_made_outside_of_the_schema() {
    async fn made(host: &mut PgConnection, schema: &str) -> i64 {
        let names = "SELECT COUNT(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                     WHERE n.nspname = $1";
        sqlx::query_scalar(names)
            .bind(schema)
            .fetch_one(host)
            .await
            .unwrap()
    }

    let schema = Schema::new();
    let mut host = schema.host().await;
    schema.open().await;
    assert!(made(&mut host, &schema.name).await > 0);
    assert_eq!(made(&mut host, "public").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn tables_of_a_newer_version_are_left_alone() {
    let schema = Schema::new();
    schema.open().await;
    run(
        &mut schema.beside().await,
        "UPDATE meta SET version = 9999, oldest = 9999",
    )
    .await;
    for may_migrate in [true, false] {
        let mut builder = PostgresStore::builder().schema(&schema.name);
        if !may_migrate {
            builder = builder.without_migrating();
        }
        let error = builder.connect(schema.url.as_str()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::NewerSchema, "{error}");
    }
}

/// What the next version may do to the tables while workers of this one go on.
const EXPANSION: &str = "
    ALTER TABLE links ADD COLUMN later text NOT NULL DEFAULT 'grey';
    ALTER TABLE notices ADD COLUMN later text NOT NULL DEFAULT 'grey';
    ALTER TABLE keys ADD COLUMN later text NOT NULL DEFAULT 'grey';
    ALTER TABLE reviews ADD COLUMN later text NOT NULL DEFAULT 'grey';
    ALTER TABLE log ADD COLUMN later text NOT NULL DEFAULT 'grey';
    ALTER TABLE appointments ADD COLUMN later text NOT NULL DEFAULT 'grey';
    CREATE TABLE later (tenant text PRIMARY KEY);
    CREATE INDEX links_later ON links (tenant, later);
    CREATE FUNCTION claim_next_5() RETURNS SETOF links LANGUAGE sql AS 'SELECT * FROM links';
    UPDATE meta SET version = version + 1;
";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn workers_go_on_beside_those_of_the_next_version() {
    let schema = Schema::new();
    let running = schema.open().await;
    let work = async |store: &PostgresStore, appointment: &str| {
        // Which records the change.
        let id = AppointmentId::new(appointment);
        let created = store.create_appointment(&tenant(), &id, write(60)).await;
        created.unwrap();
        let mut delivery = delivery(appointment);
        delivery.fingerprint = [appointment.as_bytes()[0]; 32];
        assert_eq!(store.accept(delivery).await.unwrap(), Accepted::Stored);
        for _ in 0..2 {
            let claimed = claim(store).await;
            store
                .checkpoint(&claimed.lease, Checkpoint::new(claimed.link.clone(), LEASE))
                .await
                .unwrap();
            let mut settlement = Settlement::new(claimed.link);
            let changes = claimed.changes.iter();
            settlement.changes = changes.map(|row| (row.id, ChangeFate::Pushed)).collect();
            let deliveries = claimed.deliveries.iter();
            settlement.deliveries = deliveries
                .map(|delivery| (delivery.id, DeliveryFate::Applied))
                .collect();
            store.settle(&claimed.lease, settlement).await.unwrap();
        }
        assert!(store.claim(&request()).await.unwrap().is_none());
    };
    // Its connections have plans for the tables as they are.
    for appointment in ["a", "b", "c", "d", "e", "f"] {
        work(&running, appointment).await;
    }
    run(&mut schema.beside().await, EXPANSION).await;
    work(&running, "g").await;
    let started = schema.open().await;
    work(&started, "h").await;
    work(&running, "i").await;
    // What the workers of this version wrote is whole to those of the next one.
    let mut beside = schema.beside().await;
    for table in ["links", "notices", "keys", "appointments"] {
        let count = format!("SELECT count(*) FROM {table} WHERE later = 'grey'");
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut beside)
            .await
            .unwrap();
        assert!(count >= 9, "{table}: {count}");
    }
    // Once the tables are contracted, they are for newer workers only.
    run(&mut beside, "UPDATE meta SET oldest = version").await;
    let builder = PostgresStore::builder().schema(&schema.name);
    let error = builder.connect(schema.url.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::NewerSchema, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn what_persons_did_before_a_migration_or_beside_it_is_found() {
    /// Opens an item and dismisses it.
    async fn decide(store: &PostgresStore, name: &str) {
        store.record(&change(name)).await.unwrap();
        let claimed = claim(store).await;
        let mut settlement = Settlement::new(claimed.link);
        let changes = claimed.changes.iter();
        settlement.changes = changes.map(|row| (row.id, ChangeFate::InReview)).collect();
        let evidence = ReviewEvidence::default();
        settlement.reviews = vec![NewReview::of_link(ReviewReason::Conflict, evidence)];
        let settled = store.settle(&claimed.lease, settlement).await.unwrap();
        let (own, item) = (tenant(), settled.opened[0]);
        let dismissed = store.resolve(&own, item, &Resolution::Dismiss, name);
        dismissed.await.unwrap();
    }

    async fn indexes(host: &mut PgConnection, schema: &str) -> Vec<String> {
        let all = "SELECT indexdef FROM pg_indexes WHERE schemaname = $1 ORDER BY indexname";
        let all = sqlx::query_scalar(all).bind(schema);
        all.fetch_all(host).await.unwrap()
    }

    let schema = Schema::new();
    // It knows nothing of the index: it stands for a process of the version before.
    let before = schema.open().await;
    let mut beside = schema.beside().await;
    let new = indexes(&mut beside, &schema.name).await;
    let back = "DROP INDEX log_by_person, appointments_phone; DROP FUNCTION live_phone_of, end_of; \
                DROP TABLE documents; UPDATE meta SET version = 4";
    run(&mut beside, back).await;
    assert_ne!(indexes(&mut beside, &schema.name).await, new);
    decide(&before, "ann").await;
    // What later migrations made, which a process of today needs when it decides.
    run(&mut beside, "DROP TABLE sender_events").await;

    let store = schema.open().await;
    assert_eq!(indexes(&mut beside, &schema.name).await, new);
    decide(&before, "bob").await;
    let own = tenant();
    let by_persons = store.latest(&own, LogScope::ByPersons, Page::first(9));
    let by_persons = by_persons.await.unwrap();
    let who: Vec<_> = by_persons.iter().map(|line| line.event.actor()).collect();
    assert_eq!(who, [Some("bob"), Some("ann")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_host_may_run_the_migrations_itself() {
    let schema = Schema::new();
    let connect = || {
        let builder = PostgresStore::builder().schema(&schema.name);
        builder.without_migrating().connect(schema.url.as_str())
    };
    let error = connect().await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    let mut host = schema.host().await;
    let mut transaction = host.begin().await.unwrap();
    let path = format!(
        "CREATE SCHEMA {0}; SET LOCAL search_path = {0}",
        schema.name
    );
    run(&mut transaction, path).await;
    run(&mut transaction, PostgresStore::migrations()).await;
    transaction.commit().await.unwrap();
    let store = connect().await.unwrap();
    store.record(&change("a")).await.unwrap();
    assert_eq!(claim(&store).await.changes.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_name_that_is_no_schemas_is_refused() {
    let schema = Schema::new();
    let long = "a".repeat(64);
    for name in [
        "",
        "1",
        "pg_toast",
        "a b",
        "a\"; DROP SCHEMA public; --",
        "ä",
        long.as_str(),
    ] {
        let builder = PostgresStore::builder().schema(name);
        let error = builder.connect(schema.url.as_str()).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{name}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_password_is_told_to_nobody() {
    let schema = Schema::new();
    let server = schema.url.split_once('@').unwrap().1;
    for (url, kind) in [
        (
            format!("postgres://calcom:hunter2@{server}"),
            StoreErrorKind::Unavailable,
        ),
        (
            "postgres://calcom:hunter2@127.0.0.1:1/postgres".to_owned(),
            StoreErrorKind::Unavailable,
        ),
        (
            "postgres://calcom:hunter2@[/".to_owned(),
            StoreErrorKind::Invalid,
        ),
    ] {
        let builder = PostgresStore::builder().acquire_timeout(Duration::from_secs(2));
        let error = builder.connect(url).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        let told = format!("{error} {error:?}");
        assert!(!told.contains("hunter2"), "{told}");
    }
    let password = schema.url.split([':', '@']).nth(2).unwrap();
    let told = format!("{:?}", schema.open().await);
    assert!(!told.contains(password), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn reopening_keeps_everything() {
    let schema = Schema::new();
    let state = Some(Opaque::new(1, vec![0, 255, 1]));
    let open = async || {
        let builder = PostgresStore::builder()
            .schema(&schema.name)
            .with_movable_clock();
        builder.connect(schema.url.as_str()).await.unwrap()
    };
    let (before, appointment) = {
        let store = open().await;
        let id = AppointmentId::new("a");
        let appointment = store
            .create_appointment(&tenant(), &id, write(60))
            .await
            .unwrap();
        let claim = claim(&store).await;
        let mut checkpoint = Checkpoint::new(claim.link.clone(), 5 * LEASE);
        checkpoint.link.state = state.clone();
        checkpoint.link.sync_key = Some(SyncKey::new("key"));
        store.checkpoint(&claim.lease, checkpoint).await.unwrap();
        store.accept(delivery("booking")).await.unwrap();
        store.close().await;
        (claim, appointment)
    };

    let store = open().await;
    assert_eq!(
        store.get(&tenant(), &appointment.id).await.unwrap(),
        Some(appointment)
    );
    store.pass(4 * LEASE).await;
    let delivered = claim(&store).await;
    assert_eq!(delivered.deliveries.len(), 1);
    assert_eq!(delivered.books_since, before.books_since);
    let nothing = store.claim(&request()).await.unwrap();
    assert!(nothing.is_none(), "the lease is forgotten");
    store.pass(LEASE - Duration::from_secs(1)).await;
    let mut again = Vec::new();
    store.pass(Duration::from_secs(2)).await;
    while let Some(claim) = store.claim(&request()).await.unwrap() {
        again.push(claim);
    }
    let after = again
        .into_iter()
        .find(|claim| claim.link.id == before.link.id)
        .unwrap();
    assert_eq!(after.link.state, state);
    assert_eq!(after.link.sync_key, Some(SyncKey::new("key")));
    assert_eq!(after.changes, before.changes);
    assert_eq!(after.begun, 2);
    let late = store
        .settle(&before.lease, Settlement::new(before.link))
        .await;
    assert_eq!(late.unwrap_err().kind(), StoreErrorKind::LeaseLost);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_connection_that_was_ended_is_survived() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.record(&change("a")).await.unwrap();
    schema.disconnect().await;
    let claimed = claim(&store).await;
    schema.disconnect().await;
    let mut settlement = Settlement::new(claimed.link);
    settlement.changes = vec![(claimed.changes[0].id, ChangeFate::Pushed)];
    store.settle(&claimed.lease, settlement).await.unwrap();
    schema.disconnect().await;
    assert_eq!(store.next_due(1).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_connection_that_ends_during_a_call_leaves_nothing_behind() {
    let schema = Schema::new();
    let store = schema.open().await;
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut settlement = Settlement::new(claimed.link);
    settlement.changes = vec![(claimed.changes[0].id, ChangeFate::Pushed)];
    let mut beside = schema.beside().await;
    let mut locked = beside.begin().await.unwrap();
    run(&mut locked, "LOCK TABLE links IN ACCESS EXCLUSIVE MODE").await;
    let settling = tokio::spawn({
        let (store, lease) = (store.clone(), claimed.lease.clone());
        let settlement = settlement.clone();
        async move { store.settle(&lease, settlement).await }
    });
    schema.until_a_lock_is_waited_for().await;
    schema.disconnect().await;
    let settled = settling.await.unwrap();
    assert_eq!(settled.unwrap_err().kind(), StoreErrorKind::Unavailable);
    locked.rollback().await.unwrap();
    // The lease is still the same, and so is what waits.
    store.settle(&claimed.lease, settlement).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_lock_that_is_not_granted_is_unavailable_and_nothing_is_written() {
    let schema = Schema::new();
    let builder = PostgresStore::builder().schema(&schema.name);
    let impatient = builder.lock_timeout(Duration::from_millis(20));
    let store = impatient.connect(schema.url.as_str()).await.unwrap();
    let mut beside = schema.beside().await;
    let mut locked = beside.begin().await.unwrap();
    run(&mut locked, "LOCK TABLE notices IN ACCESS EXCLUSIVE MODE").await;
    let recorded = store.record(&change("a")).await;
    assert_eq!(recorded.unwrap_err().kind(), StoreErrorKind::Unavailable);
    locked.rollback().await.unwrap();
    assert!(store.claim(&request()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_taken_pool_is_unavailable() {
    let schema = Schema::new();
    let store = PostgresStore::builder()
        .schema(&schema.name)
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(2))
        .lock_timeout(Duration::from_secs(60))
        .connect(schema.url.as_str())
        .await
        .unwrap();
    let mut beside = schema.beside().await;
    let mut locked = beside.begin().await.unwrap();
    run(&mut locked, "LOCK TABLE notices IN ACCESS EXCLUSIVE MODE").await;
    let first = tokio::spawn({
        let store = store.clone();
        async move { store.record(&change("a")).await }
    });
    schema.until_a_lock_is_waited_for().await;
    let second = store.record(&change("b")).await;
    assert_eq!(second.unwrap_err().kind(), StoreErrorKind::Unavailable);
    locked.rollback().await.unwrap();
    first.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_role_that_may_not_write_is_read_only() {
    let schema = Schema::new();
    schema.open().await;
    let mut beside = schema.beside().await;
    let grants = format!(
        "CREATE ROLE {0} LOGIN PASSWORD 'reader'; GRANT USAGE ON SCHEMA {0} TO {0}; \
         GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO {0}",
        schema.name
    );
    run(&mut beside, grants).await;
    let server = schema.url.split_once('@').unwrap().1;
    let url = format!("postgres://{}:reader@{server}", schema.name);
    let builder = PostgresStore::builder().schema(&schema.name);
    let reader = builder.connect(url.as_str()).await.unwrap();
    assert_eq!(reader.next_due(1).await.unwrap(), None);
    let recorded = reader.record(&change("a")).await;
    let accepted = reader.accept(delivery("booking")).await;
    let builder = PostgresStore::builder().schema(format!("{}_of_its_own", schema.name));
    let made = builder.connect(url).await;
    reader.close().await;
    run(
        &mut beside,
        format!("DROP OWNED BY {0}; DROP ROLE {0}", schema.name),
    )
    .await;
    for error in [
        recorded.unwrap_err(),
        accepted.unwrap_err(),
        made.unwrap_err(),
    ] {
        assert_eq!(error.kind(), StoreErrorKind::ReadOnly, "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_server_that_takes_no_writes_is_read_only() {
    let schema = Schema::new();
    schema.open().await;
    let url = format!(
        "{}&options=-c%20default_transaction_read_only%3Don",
        schema.url
    );
    let builder = PostgresStore::builder().schema(&schema.name);
    let store = builder.connect(url).await.unwrap();
    let recorded = store.record(&change("a")).await;
    assert_eq!(recorded.unwrap_err().kind(), StoreErrorKind::ReadOnly);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn what_cannot_be_stored_is_invalid() {
    let schema = Schema::new();
    let store = schema.open().await;
    let mut nameless = change("a");
    nameless.tenant = TenantId::new("");
    for change in [change("a\0b"), nameless] {
        let error = store.record(&change).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
    }
    let mut write = write(60);
    write.state.start = DateTime::<Utc>::MIN_UTC;
    let created = store
        .create_appointment(&tenant(), &AppointmentId::new("a"), write)
        .await;
    assert_eq!(created.unwrap_err().kind(), StoreErrorKind::Invalid);
    assert!(store.claim(&request()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn two_hundred_deliveries_at_once_are_stored_over_ten_connections() {
    let schema = Schema::new();
    let store = schema.open().await;
    let storing = (0..200_u8).map(|number| {
        let store = store.clone();
        let mut delivery = delivery("booking");
        delivery.fingerprint[0] = number;
        tokio::spawn(async move { store.accept(delivery).await })
    });
    for stored in storing.collect::<Vec<_>>() {
        assert_eq!(stored.await.unwrap().unwrap(), Accepted::Stored);
    }
    let of_tenant = store.deliveries(&tenant(), Page::first(500)).await.unwrap();
    assert_eq!(of_tenant.len(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_delivery_that_is_refused_fails_alone() {
    let schema = Schema::new();
    let store = schema.open().await;
    // While its lock is held, those that arrive are gathered.
    let mut beside = schema.beside().await;
    run(&mut beside, "BEGIN; LOCK TABLE notices").await;
    let storing: Vec<_> = (0..30_u8)
        .map(|number| {
            let store = store.clone();
            let mut delivery = delivery("booking");
            // Each comes twice, but for the bad one.
            delivery.fingerprint[0] = number / 2;
            if number == 20 {
                delivery = NewDelivery::new(tenant(), [100; 32], "BOOKING\0CREATED");
            }
            tokio::spawn(async move { store.accept(delivery).await })
        })
        .collect();
    schema.until_a_lock_is_waited_for().await;
    run(&mut beside, "COMMIT").await;
    let mut stored = 0;
    for (number, answer) in storing.into_iter().enumerate() {
        match answer.await.unwrap() {
            Ok(Accepted::Stored) => stored += 1,
            Ok(answer) => assert_eq!(answer, Accepted::Duplicate),
            Err(error) => {
                assert_eq!(number, 20, "{error}");
                assert_eq!(error.kind(), StoreErrorKind::Invalid, "{error}");
            }
        }
    }
    assert_eq!(stored, 15);
    let of_tenant = store.deliveries(&tenant(), Page::first(500)).await.unwrap();
    assert_eq!(of_tenant.len(), 15);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_value_that_is_refused_is_not_repeated() {
    let schema = Schema::new();
    let store = schema.open().await;
    run(
        &mut schema.beside().await,
        "ALTER TABLE appointments ADD CHECK (state NOT LIKE '%ada@example.com%')",
    )
    .await;
    let id = AppointmentId::new("a");
    let created = store.create_appointment(&tenant(), &id, write(60)).await;
    let error = created.unwrap_err();
    let told = format!("{error} {error:?}");
    assert!(!told.contains("ada@example.com"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_window_without_an_end_is_scanned() {
    let schema = Schema::new();
    let store = schema.open().await;
    let id = AppointmentId::new("a");
    store
        .create_appointment(&tenant(), &id, write(60))
        .await
        .unwrap();
    let window = Window::new(DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    let scanned = store.scan(&tenant(), window, None, 10).await.unwrap();
    assert_eq!(scanned.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_change_is_recorded_in_the_hosts_transaction_or_not_at_all() {
    let schema = Schema::new();
    let store = schema.open().await;
    // The host's own connection names neither the schema nor an isolation level.
    let mut host = schema.host().await;
    let visits = format!("{}.visits", schema.name);
    run(
        &mut host,
        format!("CREATE TABLE {visits} (id text PRIMARY KEY)"),
    )
    .await;
    for commits in [false, true] {
        let mut transaction = host.begin().await.unwrap();
        run(
            &mut transaction,
            format!("INSERT INTO {visits} VALUES ('a')"),
        )
        .await;
        store
            .record_change_in(&mut transaction, &change("a"))
            .await
            .unwrap();
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        let changes = store
            .changes(&tenant(), &AppointmentId::new("a"), Page::first(10))
            .await
            .unwrap();
        assert_eq!(changes.len(), usize::from(commits));
        let claim = store.claim(&request()).await.unwrap();
        assert_eq!(claim.is_some(), commits);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn an_appointment_is_created_in_the_hosts_transaction_or_not_at_all() {
    let schema = Schema::new();
    let store = schema.open().await;
    let id = AppointmentId::new("a");
    let mut host = schema.beside().await;
    let mut transaction = host.begin().await.unwrap();
    store
        .create_appointment_in(&mut transaction, &tenant(), &id, write(60))
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(store.get(&tenant(), &id).await.unwrap(), None);
    assert!(store.claim(&request()).await.unwrap().is_none());

    let mut transaction = host.begin().await.unwrap();
    let created = store
        .create_appointment_in(&mut transaction, &tenant(), &id, write(60))
        .await
        .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(store.get(&tenant(), &id).await.unwrap(), Some(created));
    let again = store.create_appointment(&tenant(), &id, write(90)).await;
    assert_eq!(again.unwrap_err().kind(), StoreErrorKind::Conflict);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_hosts_open_transaction_holds_nobody_up() {
    let schema = Schema::new();
    let store = schema.open().await;
    let mut host = schema.host().await;
    let mut of_the_host = host.begin().await.unwrap();
    store
        .record_change_in(&mut of_the_host, &change("a"))
        .await
        .unwrap();

    store.record(&change("b")).await.unwrap();
    let accepted = store.accept(delivery("booking")).await;
    assert_eq!(accepted.unwrap(), Accepted::Stored);
    for _ in 0..2 {
        let claimed = claim(&store).await;
        let mut settlement = Settlement::new(claimed.link);
        let changes = claimed.changes.iter();
        settlement.changes = changes.map(|row| (row.id, ChangeFate::Pushed)).collect();
        let deliveries = claimed.deliveries.iter();
        settlement.deliveries = deliveries
            .map(|row| (row.id, DeliveryFate::Agreed))
            .collect();
        store.settle(&claimed.lease, settlement).await.unwrap();
    }
    assert!(store.claim(&request()).await.unwrap().is_none());
    assert_eq!(store.next_due(1).await.unwrap(), None);

    // It is visible behind changes that were recorded after it, and not missed.
    of_the_host.commit().await.unwrap();
    assert_eq!(store.next_due(1).await.unwrap(), Some(Duration::ZERO));
    let claimed = claim(&store).await;
    assert_eq!(claimed.link.appointment, Some(AppointmentId::new("a")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_revision_that_is_recorded_twice_at_once_waits_for_the_first() {
    let schema = Schema::new();
    let store = schema.open().await;
    for commits in [false, true] {
        let change = change(if commits { "committed" } else { "rolled back" });
        let mut host = schema.host().await;
        let mut of_the_host = host.begin().await.unwrap();
        store
            .record_change_in(&mut of_the_host, &change)
            .await
            .unwrap();
        let second = tokio::spawn({
            let (store, change) = (store.clone(), change.clone());
            async move { store.record(&change).await }
        });
        schema.until_a_lock_is_waited_for().await;
        assert!(!second.is_finished());
        if commits {
            of_the_host.commit().await.unwrap();
        } else {
            of_the_host.rollback().await.unwrap();
        }
        second.await.unwrap().unwrap();
        let page = Page::first(10);
        let changes = store.changes(&tenant(), &change.appointment, page).await;
        assert_eq!(changes.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_prune_waits_for_nobody() {
    let schema = Schema::new();
    let builder = PostgresStore::builder().schema(&schema.name);
    let store = builder.with_movable_clock().connect(schema.url.as_str());
    let store = store.await.unwrap();
    store.record(&change("a")).await.unwrap();
    let claimed = claim(&store).await;
    let mut settlement = Settlement::new(claimed.link);
    settlement.changes = vec![(claimed.changes[0].id, ChangeFate::Pushed)];
    store.settle(&claimed.lease, settlement).await.unwrap();
    store.pass(LEASE).await;
    let mut beside = schema.beside().await;
    let mut locked = beside.begin().await.unwrap();
    run(&mut locked, "SELECT 1 FROM notices FOR UPDATE").await;
    let retention = Retention::of(Duration::from_secs(1));
    let pruned = store.prune(&retention, 100).await.unwrap();
    assert_eq!(pruned.changes, 0);
    locked.rollback().await.unwrap();
    let pruned = store.prune(&retention, 100).await.unwrap();
    assert_eq!(pruned.changes, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn an_erasure_and_a_prune_at_once_come_to_an_end() {
    let books = Books::new().await;
    let store = books.store();
    for number in 0..20 {
        store.record(&change(&format!("a{number}"))).await.unwrap();
    }
    while let Some(claimed) = store.claim(&request()).await.unwrap() {
        let mut settlement = Settlement::new(claimed.link);
        settlement.changes = vec![(claimed.changes[0].id, ChangeFate::Pushed)];
        let evidence = ReviewEvidence::new("both sides changed");
        settlement.reviews = vec![NewReview::of_link(ReviewReason::Conflict, evidence)];
        let settled = store.settle(&claimed.lease, settlement).await.unwrap();
        store
            .resolve(&tenant(), settled.opened[0], &Resolution::Dismiss, "eve")
            .await
            .unwrap();
    }
    store.pass(LEASE).await;
    let pruning = tokio::spawn({
        let store = store.clone();
        async move {
            for _ in 0..30 {
                store
                    .prune(&Retention::of(Duration::from_secs(1)), 3)
                    .await
                    .unwrap();
            }
        }
    });
    while !store.erase_tenant(&tenant(), 2).await.unwrap().is_done {}
    pruning.await.unwrap();
    assert!(
        store
            .open_reviews(&tenant(), Page::first(10))
            .await
            .unwrap()
            .is_empty()
    );
}

/// A text of any length in the place of a phone number does not keep an appointment from being written.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn a_text_that_is_no_phone_number_is_written() {
    let books = Books::new().await;
    let desk = books.store();
    // No database makes it short by compressing it.
    let mut chance = SystemEntropy.next_u64() | 1;
    let long = std::iter::repeat_with(|| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        char::from(b'0' + u8::try_from(chance % 75).unwrap())
    });
    let long: String = long.take(10_000).collect();
    for text in [long.as_str(), "+49 30 123456", "+4930123456"] {
        let mut write = write(60);
        write.state.attendee.phone_number = Some(text.to_owned());
        let (tenant, key) = (tenant(), RequestKey::new(&text[..6]));
        let taken = desk.take(&tenant, &key, write);
        let written = taken.await.unwrap().appointment.state;
        assert_eq!(written.attendee.phone_number.as_deref(), Some(text));
    }
    let number = "+4930123456".parse().unwrap();
    let found = desk.by_phone(&tenant(), &number, at(0), 10).await.unwrap();
    assert_eq!(found.len(), 1);
}

/// A process of a version without events resolves an item and leaves its event parked: pruning decides
/// about it.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_store -- --include-ignored"]
async fn what_an_older_process_has_resolved_is_not_parked_for_ever() {
    let schema = Schema::new();
    let store = schema.open().await;
    let mut older = schema.beside().await;
    for id in ["retried", "dismissed", "removed", "open"] {
        let event = NewSenderEvent::new(tenant(), Sender::new("stripe"), id, "invoice.paid");
        store.accept_event(event).await.unwrap();
        let request = EventClaimRequest::new(LEASE);
        let claim = store.claim_event(&request).await.unwrap().unwrap();
        let evidence = ReviewEvidence::new("it failed");
        let review = NewReview::of_tenant(id, ReviewReason::HandlerFailed, evidence);
        store.park_event(&claim.lease, &review, None).await.unwrap();
    }
    for (id, kind) in [("retried", "retry"), ("dismissed", "dismiss")] {
        run(
            &mut older,
            format!(
                "UPDATE reviews SET resolution = '{{\"kind\":\"{kind}\"}}', resolved_by = 'eve', resolved_at = opened_at \
                 WHERE cause = '{id}'"
            ),
        )
        .await;
    }
    run(&mut older, "DELETE FROM reviews WHERE cause = 'removed'").await;
    store.prune(&Retention::forever(), 10).await.unwrap();
    let events = store.sender_events(&tenant(), Page::first(10)).await;
    let found: Vec<_> = events
        .unwrap()
        .into_iter()
        .map(|event| (event.event_id, event.is_parked, event.attempts, event.fate))
        .collect();
    let dismissed = Some(SenderEventFate::Dismissed);
    assert_eq!(
        found,
        [
            ("retried".to_owned(), false, 0, None),
            ("dismissed".to_owned(), false, 1, dismissed),
            ("removed".to_owned(), false, 0, None),
            ("open".to_owned(), true, 1, None),
        ]
    );
}
