//! How many round trips a turn takes: a proxy in front of the server counts its answers.

#![cfg(all(feature = "postgres", feature = "testing", feature = "client"))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::Client;
use calcom::model::EventTypeId;
use calcom::postgres::PostgresStore;
use calcom::store::{
    AppointmentId, AppointmentState, AppointmentStatus, AppointmentWrite, Origin, Person, TenantId,
};
use calcom::sync::{Engine, StaticTenants, SyncEngine, Tenant, TurnOutcome};
use calcom::testing::{FakeCalcom, FakeEventType};
use chrono::TimeDelta;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// With these the server says that it has answered and waits for the next request, that it has
/// carried out a statement, and that it has looked at one without carrying it out
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
const READY_FOR_QUERY: u8 = b'Z';
const COMMAND_COMPLETE: u8 = b'C';
const PARAMETER_DESCRIPTION: u8 = b't';

/// Passes on what the server says, and counts how often it was asked for SQL. An empty request is
/// not counted: sqlx sends one whenever a connection goes back to the pool, and nobody waits for it.
async fn pass_on(
    mut server: impl AsyncRead + Unpin,
    mut client: impl AsyncWriteExt + Unpin,
    ready: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    let mut was_asked = false;
    loop {
        let kind = server.read_u8().await?;
        let length = server.read_u32().await?;
        let mut rest = vec![0; length as usize - 4];
        server.read_exact(&mut rest).await?;
        match kind {
            COMMAND_COMPLETE | PARAMETER_DESCRIPTION => was_asked = true,
            READY_FOR_QUERY => {
                ready.fetch_add(usize::from(was_asked), Ordering::SeqCst);
                was_asked = false;
            }
            _ => {}
        }
        let mut message = vec![kind];
        message.extend(length.to_be_bytes());
        message.extend(rest);
        client.write_all(&message).await?;
        client.flush().await?;
    }
}

/// A proxy in front of the server; returns its port.
async fn proxy(server: String, ready: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&server).await.unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, mut to_server) = server.into_split();
            tokio::spawn(pass_on(from_server, to_client, Arc::clone(&ready)));
            tokio::spawn(async move {
                let mut from_client = from_client;
                tokio::io::copy(&mut from_client, &mut to_server).await
            });
        }
    });
    port
}

async fn run(url: &str, sql: String) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut connection)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_round_trips -- --include-ignored"]
async fn a_push_that_goes_well_takes_three_round_trips() {
    let url = std::env::var("CALCOM_TEST_POSTGRES")
        .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
    let schema = format!("round_trips_{:x}", SystemEntropy.next_u64());
    let (credentials, address) = url.split_once('@').unwrap();
    let (server, database) = address.split_once('/').unwrap();
    let ready = Arc::new(AtomicUsize::new(0));
    let port = proxy(server.to_owned(), Arc::clone(&ready)).await;

    // The bookkeeping goes through the proxy, the host's own table does not.
    let counted = PostgresStore::builder()
        .schema(&schema)
        // Each connection describes a statement when it first meets it.
        .max_connections(1)
        .connect(format!(
            "{credentials}@127.0.0.1:{port}/{database}?sslmode=disable"
        ))
        .await
        .unwrap();
    let beside = PostgresStore::builder().schema(&schema);
    let host = Arc::new(beside.connect(url.as_str()).await.unwrap());

    let cut = FakeEventType::new("cut", 30).with_id(7);
    let fake = FakeCalcom::builder().event_type(cut).start().await.unwrap();
    let client = Client::builder(fake.api_key()).base_url(fake.base_url().as_str());
    let id = TenantId::new("salon");
    let tenant = Tenant::new(id.clone(), Arc::new(client.build().unwrap()))
        .with_event_type(EventTypeId::new(7))
        .with_host(fake.host_id());
    let engine = Engine::builder(
        Arc::new(counted.clone()),
        host.clone(),
        Arc::new(StaticTenants::new([tenant])),
    )
    .build();

    let day = SystemClock.now().date_naive() + TimeDelta::days(7);
    let nine = day.and_hms_opt(9, 0, 0).unwrap().and_utc();
    let mut trips = Vec::new();
    for number in 0..12 {
        let start = nine + TimeDelta::minutes(30 * number);
        let state = AppointmentState::new(
            AppointmentStatus::Confirmed,
            start,
            start + TimeDelta::minutes(30),
            EventTypeId::new(7),
            Person::new("Ada", "ada@example.com", "UTC"),
        );
        let write = AppointmentWrite::new(state, Origin::Phone, SystemClock.now());
        let appointment = AppointmentId::new(format!("appointment-{number}"));
        // Which records the change.
        host.create_appointment(&id, &appointment, write)
            .await
            .unwrap();
        let before = ready.load(Ordering::SeqCst);
        let report = engine.step().await.unwrap().unwrap();
        assert_eq!(report.outcome, TurnOutcome::Settled);
        trips.push(ready.load(Ordering::SeqCst) - before);
    }
    assert_eq!(fake.live_bookings().len(), 12);
    fake.shutdown().await;
    counted.close().await;
    host.close().await;
    run(&url, format!("DROP SCHEMA {schema} CASCADE")).await;
    // Describing a statement takes a round trip of its own.
    assert!(trips[0] >= 3, "nothing was counted: {trips:?}");
    assert_eq!(trips[6..], [3; 6], "of all: {trips:?}");
}
