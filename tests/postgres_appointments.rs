//! A host's own appointments table in PostgreSQL: the conformance suite of repositories over it, the trigger that watches it, and
//! what is refused at start-up.
//!
//! Needs a server, which `CALCOM_TEST_POSTGRES` names; `scripts/with-postgres` starts one.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::Client;
use calcom::model::EventTypeId;
use calcom::postgres::{HostTable, PostgresAppointments, PostgresStore};
use calcom::store::{
    AppointmentDesk, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, Change, Origin, Outbox, Page, Person, RequestKey, StoreError, StoreErrorKind,
    TenantId,
};
use calcom::sync::{Engine, Operations, StaticTenants, SyncEngine, Tenant};
use calcom::testing::conformance::{AppointmentTable, DeskTable, Detail, HostWrites};
use calcom::testing::{FakeCalcom, FakeEventType};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

/// A salon's table: keys made by the database, words of its own, and names that need quoting.
const VISITS: &str = r#"
CREATE TYPE HOST."visit state" AS ENUM ('requested', 'booked', 'done', 'off', 'refused');
CREATE TABLE HOST."Visits; --" (
    "No"           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Salon"        text NOT NULL,
    state          HOST."visit state" NOT NULL,
    "from"         timestamptz NOT NULL,
    "to"           timestamp NOT NULL,
    service        text NOT NULL,
    client         text NOT NULL,
    "e-mail"       text,
    phone          text,
    language       text,
    zone           text NOT NULL,
    stylist        integer,
    place          text,
    guests         text[],
    remarks        text,
    missed         boolean,
    version        integer NOT NULL DEFAULT 1,
    changed_by     text NOT NULL DEFAULT 'admin',
    changed_why    text,
    changed_at     timestamptz NOT NULL DEFAULT now(),
    "it's a chain" text,
    "asked; for"   text,
    price          numeric,
    UNIQUE ("Salon", "it's a chain"),
    UNIQUE ("Salon", "asked; for")
);
CREATE INDEX ON HOST."Visits; --" ("Salon", phone, "to");
"#;

fn visits(schema: &str) -> HostTable {
    HostTable::new("Visits; --")
        .in_schema(schema)
        .tenant_column("Salon")
        .id_column("No")
        .revision_column("version")
        .origin_column("changed_by")
        .status_column("state")
        .start_column("from")
        .end_column("to")
        .updated_at_column("changed_at")
        .chain_column("it's a chain")
        .request_column("asked; for")
        .service_column(
            "service",
            [
                ("cut", EventTypeId::new(7)),
                ("it's \"colour\"", EventTypeId::new(8)),
            ],
        )
        .name_column("client")
        .email_column("e-mail")
        .phone_column("phone")
        .language_column("language")
        .time_zone_column("zone")
        .host_column("stylist")
        .location_column("place")
        .guests_column("guests")
        .notes_column("remarks")
        .absent_column("missed")
        .reason_column("changed_why")
        .status_word("requested", AppointmentStatus::Pending)
        .status_word("booked", AppointmentStatus::Confirmed)
        .status_word("done", AppointmentStatus::Confirmed)
        .status_word("off", AppointmentStatus::Cancelled)
        .status_word("refused", AppointmentStatus::Declined)
        .origin_word("retell", Origin::Phone)
        .origin_word("from Cal.com", Origin::Calcom)
}

/// A table with the names that `HostTable` goes by unless it is told otherwise, and keys made of chance.
const PLAIN: &str = r#"
CREATE TABLE HOST.plain (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    revision       bigint NOT NULL DEFAULT 1,
    origin         text NOT NULL DEFAULT 'admin',
    status         text NOT NULL,
    starts_at      timestamp NOT NULL,
    ends_at        timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    calcom_chain   text UNIQUE,
    attendee_name  text NOT NULL,
    attendee_email text,
    event_type_id  integer NOT NULL
);
"#;

/// A database with a salon's table beside the store's schema.
#[derive(Debug)]
struct Salon {
    server: String,
    name: String,
    store: PostgresStore,
}

impl Salon {
    async fn new() -> Arc<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("CALCOM_TEST_POSTGRES");
        let server = server
            .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
        let chance = SystemEntropy.next_u64();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("salon_{chance:x}_{number}");
        let builder = PostgresStore::builder().schema(&name).max_connections(4);
        let store = builder.connect(server.as_str()).await.unwrap();
        let salon = Self {
            server,
            name,
            store,
        };
        let schema = salon.host_schema();
        salon
            .run(&format!("CREATE SCHEMA {schema}; {VISITS} {PLAIN}"))
            .await;
        Arc::new(salon)
    }

    fn host_schema(&self) -> String {
        format!("{}_host", self.name)
    }

    /// The salon's own connection, which knows nothing of the crate.
    async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.server).await.unwrap()
    }

    async fn run(&self, sql: &str) {
        let ran = self.try_run(sql).await;
        ran.unwrap();
    }

    async fn try_run(&self, sql: &str) -> Result<(), sqlx::Error> {
        let sql = sql.replace("HOST", &self.host_schema());
        let sql = sql.replace("BOOKS", &self.name);
        let mut connection = self.connection().await;
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut connection)
            .await?;
        Ok(())
    }

    async fn appointments(&self) -> PostgresAppointments {
        let table = visits(&self.host_schema());
        self.store.appointments_in(table).await.unwrap()
    }

    async fn refusal(&self, table: HostTable) -> String {
        let refused = self.store.appointments_in(table).await.unwrap_err();
        assert_eq!(refused.kind(), StoreErrorKind::Invalid, "{refused}");
        refused.to_string()
    }

    async fn changes(&self, tenant: &str, id: &str) -> Vec<Change> {
        let (tenant, id) = (TenantId::new(tenant), AppointmentId::new(id));
        let found = self.store.changes(&tenant, &id, Page::first(100)).await;
        found
            .unwrap()
            .into_iter()
            .map(|(row, _)| row.change)
            .collect()
    }
}

impl Drop for Salon {
    fn drop(&mut self) {
        let (server, name, host) = (self.server.clone(), self.name.clone(), self.host_schema());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let drop = format!("DROP SCHEMA IF EXISTS {name}, {host} CASCADE");
                let mut connection = PgConnection::connect(&server).await?;
                sqlx::raw_sql(AssertSqlSafe(drop))
                    .execute(&mut connection)
                    .await?;
                Ok::<_, sqlx::Error>(())
            })
        });
        let _ = dropping.join();
    }
}

/// The salon's own forms: plain statements.
#[async_trait]
impl HostWrites for Salon {
    async fn create(
        &self,
        tenant: &TenantId,
        state: &AppointmentState,
    ) -> Result<AppointmentId, StoreError> {
        let sql = format!(
            "INSERT INTO {}.\"Visits; --\" (\"Salon\", state, \"from\", \"to\", service, client, \"e-mail\", zone) \
             VALUES ($1, 'booked', $2::text::timestamptz, $3::text::timestamptz AT TIME ZONE 'UTC', 'cut', $4, $5, $6) RETURNING \"No\"",
            self.host_schema()
        );
        let row = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant.as_str())
            .bind(state.start.to_rfc3339())
            .bind(state.end.to_rfc3339())
            .bind(&state.attendee.name)
            .bind(&state.attendee.email)
            .bind(&state.attendee.time_zone)
            .fetch_one(&mut self.connection().await)
            .await
            .unwrap();
        Ok(AppointmentId::new(row.get::<i64, _>(0).to_string()))
    }

    async fn change(
        &self,
        _: &TenantId,
        id: &AppointmentId,
        state: &AppointmentState,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "UPDATE {0}.\"Visits; --\" SET \"from\" = $2::text::timestamptz, \
             \"to\" = $3::text::timestamptz AT TIME ZONE 'UTC', client = $4, state = $5::text::{0}.\"visit state\", \
             version = version + 1, changed_by = 'admin', changed_why = NULL WHERE \"No\" = $1",
            self.host_schema()
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(id.as_str().parse::<i64>().unwrap())
            .bind(state.start.to_rfc3339())
            .bind(state.end.to_rfc3339())
            .bind(&state.attendee.name)
            .bind(if state.status.is_live() {
                "booked"
            } else {
                "off"
            })
            .execute(&mut self.connection().await)
            .await
            .unwrap();
        Ok(())
    }
}

async fn table(salon: &Arc<Salon>) -> AppointmentTable {
    AppointmentTable::new(Arc::new(salon.appointments().await))
        .with_event_types([7, 8].map(EventTypeId::new))
        .without(Detail::Responses)
        .without(Detail::Metadata)
        .with_host_writes(salon.clone())
}

calcom::appointment_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
    own_table,
    let salon = Salon::new().await;
    table(&salon).await
);

calcom::desk_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
    own_desk,
    let salon = Salon::new().await;
    desk(&salon).await
);
calcom::desk_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
    watched_desk,
    let salon = Salon::new().await;
    {
        salon
            .run("SELECT BOOKS.watch('HOST.\"Visits; --\"', tenant_column => 'Salon', id_column => 'No', revision_column => 'version')")
            .await;
        desk(&salon).await
    }
);

/// A rule of the host's own that has no room for an appointment is a conflict.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn an_index_of_the_hosts_that_refuses_a_row_is_a_conflict() {
    let salon = Salon::new().await;
    let index = r#"CREATE UNIQUE INDEX ON HOST."Visits; --" ("Salon", "from")"#;
    salon.run(index).await;
    let (desk, tenant) = (salon.appointments().await, TenantId::new("salon"));
    let start = DateTime::UNIX_EPOCH;
    let (one, other) = (RequestKey::new("call-1"), RequestKey::new("call-2"));
    let first = desk.take(&tenant, &one, write(start));
    assert!(first.await.unwrap().is_new);
    let second = desk.take(&tenant, &other, write(start));
    let refused = second.await.unwrap_err();
    assert_eq!(refused.kind(), StoreErrorKind::Conflict, "{refused}");
    let again = desk.take(&tenant, &one, write(start));
    assert!(!again.await.unwrap().is_new);
}

/// A table that names no requests and no phone numbers is no desk, and says what it lacks.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn a_desk_without_its_columns_says_what_it_lacks() {
    let salon = Salon::new().await;
    let plain = HostTable::new("plain").in_schema(salon.host_schema());
    let plain = plain.only_tenant("salon").email_column("attendee_email");
    let desk = salon.store.appointments_in(plain.clone()).await.unwrap();
    let (tenant, number) = (TenantId::new("salon"), "+4930123456".parse().unwrap());
    let found = desk.by_phone(&tenant, &number, DateTime::UNIX_EPOCH, 10);
    let found = found.await.unwrap_err();
    assert_eq!(found.kind(), StoreErrorKind::Invalid);
    assert!(found.to_string().contains("phone_column"), "{found}");
    let person = Person::by_phone("Ann", "+4930123456", "UTC");
    let (start, end) = (
        DateTime::UNIX_EPOCH,
        DateTime::UNIX_EPOCH + TimeDelta::hours(1),
    );
    let state = AppointmentState::new(AppointmentStatus::Confirmed, start, end, 7.into(), person);
    let write = AppointmentWrite::new(state, Origin::Phone, start);
    let taken = desk.take(&tenant, &RequestKey::new("call"), write).await;
    let taken = taken.unwrap_err();
    assert_eq!(taken.kind(), StoreErrorKind::Invalid);
    assert!(taken.to_string().contains("request_column"), "{taken}");

    let told = salon.refusal(plain.clone().request_column("attendee_email"));
    assert!(told.await.contains("needs a unique index"));
    let told = salon.refusal(plain.clone().request_column("attendee_name"));
    assert!(told.await.contains("most rows are taken by no request"));
    let told = salon.refusal(plain.request_column("event_type_id"));
    assert!(told.await.contains("is of type integer"));
}

async fn desk(salon: &Arc<Salon>) -> DeskTable {
    let desk = Arc::new(salon.appointments().await);
    let lacks = [Detail::Responses, Detail::Metadata];
    DeskTable::new(desk, Arc::new(salon.store.clone()))
        .describe(|table| lacks.into_iter().fold(table, AppointmentTable::without))
}

calcom::appointment_conformance!(
    #[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
    plain_table,
    let salon = Salon::new().await;
    {
        let plain = HostTable::new("plain").in_schema(salon.host_schema());
        let plain = plain.only_tenant("salon").email_column("attendee_email");
        let plain = salon.store.appointments_in(plain).await.unwrap();
        let table = AppointmentTable::new(Arc::new(plain)).with_tenants([TenantId::new("salon")]);
        let lacks = [
            Detail::Staff,
            Detail::Location,
            Detail::Guests,
            Detail::Notes,
            Detail::Absent,
            Detail::Responses,
            Detail::Metadata,
            Detail::Reason,
            Detail::Phone,
            Detail::Language,
            Detail::TimeZone,
        ];
        lacks.into_iter().fold(table, AppointmentTable::without)
    }
);

fn at(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap() + TimeDelta::hours(hours)
}

fn write(start: DateTime<Utc>) -> AppointmentWrite {
    let person = Person::new("Ann", "ann@example.com", "Europe/Berlin");
    let end = start + TimeDelta::minutes(30);
    let state = AppointmentState::new(
        AppointmentStatus::Confirmed,
        start,
        end,
        EventTypeId::new(7),
        person,
    );
    AppointmentWrite::new(state, Origin::Calcom, start)
}

/// A table that was made by hand, an `UPDATE` of somebody who knows nothing of the crate, and the engine's own writes.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn a_watched_table_records_its_changes_and_not_the_engines() {
    let salon = Salon::new().await;
    salon
        .run(
            "SELECT BOOKS.watch('HOST.\"Visits; --\"', tenant_column => 'Salon', id_column => 'No', \
             revision_column => 'version', origin_column => 'changed_by')",
        )
        .await;
    salon
        .run(
            "INSERT INTO HOST.\"Visits; --\" (\"Salon\", state, \"from\", \"to\", service, client, zone, changed_by) \
             VALUES ('salon', 'booked', now(), now(), 'cut', 'Ann', 'UTC', 'retell')",
        )
        .await;
    salon
        .run("UPDATE HOST.\"Visits; --\" SET remarks = 'by hand'")
        .await;
    let recorded = salon.changes("salon", "1").await;
    let told: Vec<_> = recorded
        .iter()
        .map(|change| (change.revision.get(), change.origin.as_str()))
        .collect();
    assert_eq!(told, [(1, "retell"), (2, "retell")]);

    let appointments = salon.appointments().await;
    let (tenant, id) = (TenantId::new("salon"), AppointmentId::new("1"));
    let found = appointments.get(&tenant, &id).await.unwrap().unwrap();
    assert_eq!(found.origin, Origin::Phone);
    let updated = appointments.update(&tenant, &id, found.revision, write(at(0)));
    assert_eq!(updated.await.unwrap().revision.get(), 3);
    let made = appointments
        .create_for_booking(&tenant, &"chain".into(), write(at(1)))
        .await
        .unwrap();
    let recorded = salon.changes("salon", "1").await;
    assert_eq!(recorded.last().unwrap().origin, Origin::Calcom);
    let recorded = salon.changes("salon", made.id.as_str()).await;
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].origin, Origin::Calcom);

    salon
        .run("SELECT BOOKS.unwatch('HOST.\"Visits; --\"')")
        .await;
    salon
        .run("UPDATE HOST.\"Visits; --\" SET version = version + 1")
        .await;
    assert_eq!(salon.changes("salon", "1").await.len(), 3);
}

/// What a rolled back transaction has written was never recorded, and the origin can be that of the transaction.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn a_change_is_recorded_with_the_transaction_that_made_it() {
    let salon = Salon::new().await;
    salon
        .run(
            "SELECT BOOKS.watch('HOST.\"Visits; --\"', tenant => 'it''s', id_column => 'No', revision_column => 'version')",
        )
        .await;
    let insert = "INSERT INTO HOST.\"Visits; --\" (\"Salon\", state, \"from\", \"to\", service, client, zone) \
                  SELECT 'x', 'booked', now(), now(), 'cut', 'Ann', 'UTC' FROM generate_series(1, 3)";
    salon.run(&format!("BEGIN; {insert}; ROLLBACK")).await;
    salon
        .run(&format!(
            "BEGIN; SET LOCAL calcom.origin = 'phone'; {insert}; COMMIT; {insert}"
        ))
        .await;
    let mut origins = Vec::new();
    for id in 1..=9 {
        let recorded = salon.changes("it's", &id.to_string()).await;
        origins.push(recorded.first().map(|change| change.origin.clone()));
    }
    let (phone, admin) = (Some(Origin::Phone), Some(Origin::Admin));
    let expected = [
        [None, None, None],
        [phone.clone(), phone.clone(), phone],
        [admin.clone(), admin.clone(), admin],
    ];
    assert_eq!(origins, expected.concat());
    // By hand, one and several; a revision that is known is not recorded again.
    salon
        .run("SELECT BOOKS.record_change('it''s', 'by hand', 4, 'phone'), BOOKS.record_change('it''s', 'by hand', 4)")
        .await;
    salon
        .run("SELECT BOOKS.record_changes('it''s', ARRAY['by hand', 'other'], ARRAY[5, 1])")
        .await;
    let recorded = salon.changes("it's", "by hand").await;
    let told: Vec<_> = recorded
        .iter()
        .map(|c| (c.revision.get(), c.origin.clone()))
        .collect();
    assert_eq!(told, [(4, Origin::Phone), (5, Origin::Admin)]);
    let uneven = salon.try_run("SELECT BOOKS.record_changes('it''s', ARRAY['a', 'b'], ARRAY[5])");
    assert!(uneven.await.is_err());
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn what_cannot_be_watched_is_refused_by_name() {
    let salon = Salon::new().await;
    for (arguments, named) in [
        (
            "tenant => 'x', id_column => 'No', revision_column => 'nope\"; drop table x'",
            "nope",
        ),
        (
            "tenant => 'x', id_column => 'No', revision_column => 'client'",
            "client",
        ),
        ("id_column => 'No', revision_column => 'version'", "tenant"),
        (
            "tenant => 'x', tenant_column => 'Salon', id_column => 'No', revision_column => 'version'",
            "tenant",
        ),
    ] {
        let watch = format!("SELECT BOOKS.watch('HOST.\"Visits; --\"', {arguments})");
        let refused = salon.try_run(&watch).await.unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
    }
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn what_cannot_be_mapped_is_refused_by_name() {
    let salon = Salon::new().await;
    let schema = salon.host_schema();
    let table = || visits(&schema);
    let plain = || HostTable::new("plain").in_schema(&schema);
    for (table, named) in [
        (table().notes_column("nope\"; drop table x"), "nope"),
        (table().revision_column("client"), "\"client\""),
        (table().start_column("client"), "\"client\""),
        (table().guests_column("remarks"), "\"remarks\""),
        (table().absent_column("remarks"), "\"remarks\""),
        (table().host_column("remarks"), "\"remarks\""),
        (table().chain_column("remarks"), "\"remarks\""),
        (table().email_column("zone"), "\"zone\""),
        (table().time_zone("UTC"), "\"zone\""),
        (table().event_type_column("service"), "\"service\""),
        (HostTable::new("no such table"), "no such table"),
        // Read back as something else than was written.
        (
            plain().status_word("cancelled", AppointmentStatus::Declined),
            "cancelled",
        ),
        (plain().origin_word("calcom", Origin::Phone), "calcom"),
    ] {
        let refused = salon.refusal(table).await;
        assert!(refused.contains(named), "{refused}");
    }
    // A status of an enum needs a word.
    let words = HostTable::new("Visits; --").in_schema(&schema);
    let words = words
        .tenant_column("Salon")
        .id_column("No")
        .revision_column("version")
        .origin_column("changed_by")
        .status_column("state")
        .start_column("from")
        .end_column("to")
        .updated_at_column("changed_at")
        .chain_column("it's a chain")
        .name_column("client")
        .time_zone_column("zone")
        .service_column("service", [("cut", EventTypeId::new(7))])
        .status_word("booked", AppointmentStatus::Confirmed);
    let refused = salon.refusal(words).await;
    assert!(refused.contains("pending"), "{refused}");
}

/// A visit that is done is more than a confirmed one, and stays so.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn a_word_of_the_hosts_is_kept() {
    let salon = Salon::new().await;
    let appointments = salon.appointments().await;
    let tenant = TenantId::new("salon");
    let made = appointments
        .create_for_booking(&tenant, &"chain".into(), write(at(0)))
        .await
        .unwrap();
    salon
        .run("UPDATE HOST.\"Visits; --\" SET state = 'done', version = version + 1")
        .await;
    let found = appointments.get(&tenant, &made.id).await.unwrap().unwrap();
    assert_eq!(found.state.status, AppointmentStatus::Confirmed);
    let updated = appointments.update(&tenant, &made.id, found.revision, write(at(1)));
    let updated = updated.await.unwrap();
    assert_eq!(updated.state.start, at(1));
    salon
        .run("DO $$ BEGIN ASSERT (SELECT state = 'done' FROM HOST.\"Visits; --\"); END $$")
        .await;
}

/// Two services share an event type: a row keeps its own.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn a_service_of_the_hosts_is_kept() {
    let salon = Salon::new().await;
    let (cut, beard) = (("cut", EventTypeId::new(7)), ("beard", EventTypeId::new(7)));
    let colour = ("colour", EventTypeId::new(8));
    let table = visits(&salon.host_schema()).service_column("service", [cut, beard, colour]);
    let appointments = salon.store.appointments_in(table).await.unwrap();
    let tenant = TenantId::new("salon");
    let made = appointments
        .create_for_booking(&tenant, &"chain".into(), write(at(0)))
        .await
        .unwrap();
    salon
        .run("UPDATE HOST.\"Visits; --\" SET service = 'beard'")
        .await;
    let updated = appointments.update(&tenant, &made.id, made.revision, write(at(1)));
    let updated = updated.await.unwrap();
    salon
        .run("DO $$ BEGIN ASSERT (SELECT service = 'beard' FROM HOST.\"Visits; --\"); END $$")
        .await;
    let mut other = write(at(2));
    other.state.event_type = EventTypeId::new(8);
    let updated = appointments.update(&tenant, &made.id, updated.revision, other);
    updated.await.unwrap();
    salon
        .run("DO $$ BEGIN ASSERT (SELECT service = 'colour' FROM HOST.\"Visits; --\"); END $$")
        .await;
}

/// What is not for Cal.com is not recorded.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn a_condition_says_which_rows_are_watched() {
    let salon = Salon::new().await;
    salon
        .run(
            "SELECT BOOKS.watch('HOST.\"Visits; --\"', tenant => 'x', id_column => 'No', revision_column => 'version', \
             row_condition => $$service <> 'massage'$$)",
        )
        .await;
    salon
        .run(
            "INSERT INTO HOST.\"Visits; --\" (\"Salon\", state, \"from\", \"to\", service, client, zone) \
             VALUES ('x', 'booked', now(), now(), 'massage', 'Ann', 'UTC'), ('x', 'booked', now(), now(), 'cut', 'Ann', 'UTC')",
        )
        .await;
    assert_eq!(salon.changes("x", "1").await.len(), 0);
    assert_eq!(salon.changes("x", "2").await.len(), 1);
}

/// Rows of a service that Cal.com does not know are not the engine's, and stop nothing.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn rows_of_other_services_are_passed_over() {
    let salon = Salon::new().await;
    let appointments = salon.appointments().await;
    let tenant = TenantId::new("salon");
    appointments
        .create_for_booking(&tenant, &"chain".into(), write(at(0)))
        .await
        .unwrap();
    salon
        .run(
            "INSERT INTO HOST.\"Visits; --\" (\"Salon\", state, \"from\", \"to\", service, client, zone) \
             VALUES ('salon', 'booked', '2027-01-15T08:00:00Z', '2027-01-15T09:00:00Z', 'massage', 'Bob', 'UTC')",
        )
        .await;
    let window = calcom::store::Window::new(at(-999), at(999));
    let found = appointments.scan(&tenant, window, None, 10).await.unwrap();
    assert_eq!(found.len(), 1);
    let other = appointments.get(&tenant, &"2".into()).await.unwrap_err();
    assert_eq!(other.kind(), StoreErrorKind::Corrupt);
    assert!(other.to_string().contains("service"), "{other}");
}

/// The application's role owns nothing of the store's, and brings tables of its own under the store's names.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn the_doors_need_no_rights_on_the_tables() {
    let salon = Salon::new().await;
    let role = format!("{}_app", salon.name);
    salon
        .run(&format!(
            "CREATE ROLE {role}; GRANT USAGE ON SCHEMA BOOKS TO {role}; GRANT USAGE ON SCHEMA HOST TO {role}; \
             GRANT ALL ON HOST.\"Visits; --\" TO {role}; \
             SELECT BOOKS.watch('HOST.\"Visits; --\"', tenant => 'x', id_column => 'No', revision_column => 'version')"
        ))
        .await;
    salon
        .run(&format!(
            "SET ROLE {role}; CREATE TEMPORARY TABLE notices (nothing integer); \
             SELECT BOOKS.record_change('x', 'by hand', 1); \
             INSERT INTO HOST.\"Visits; --\" (\"Salon\", state, \"from\", \"to\", service, client, zone) \
             VALUES ('x', 'booked', now(), now(), 'cut', 'Ann', 'UTC')"
        ))
        .await;
    assert_eq!(salon.changes("x", "by hand").await.len(), 1);
    assert_eq!(salon.changes("x", "1").await.len(), 1);
    for forbidden in [
        "DELETE FROM BOOKS.notices",
        "SELECT BOOKS.watch('HOST.\"Visits; --\"', tenant => 'y', id_column => 'No', revision_column => 'version')",
    ] {
        let tried = salon
            .try_run(&format!("SET ROLE {role}; {forbidden}"))
            .await;
        assert!(tried.is_err(), "{forbidden}");
    }
    salon
        .run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"))
        .await;
}

/// A host runs the migrations itself, with whatever `search_path` it has; afterwards it still has that.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn migrations_leave_the_search_path_as_it_was() {
    let salon = Salon::new().await;
    let schema = salon.host_schema();
    let migrations = PostgresStore::migrations();
    salon
        .run(&format!(
            "BEGIN; SET LOCAL search_path = {schema}, public; {migrations} \
             DO $$ BEGIN ASSERT current_setting('search_path') = '{schema}, public'; END $$; \
             DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = '{schema}'::regnamespace AND prosecdef \
               AND NOT proconfig @> ARRAY['search_path={schema}, pg_temp']); END $$; COMMIT"
        ))
        .await;
}

/// Polls until a count has grown, for at most ten seconds.
async fn grows(count: &AtomicU32, from: u32) -> u32 {
    for _ in 0..1000 {
        let now = count.load(Ordering::SeqCst);
        if now > from {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("nobody was woken");
}

/// What is recorded by anybody wakes whoever listens, also after the connection was cut.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn a_recorded_change_wakes_who_listens() {
    let salon = Salon::new().await;
    let woken = Arc::new(AtomicU32::new(0));
    let (store, count) = (salon.store.clone(), woken.clone());
    let listening = tokio::spawn(async move {
        let wake = || {
            count.fetch_add(1, Ordering::SeqCst);
        };
        store.wake_on_change(wake).await;
    });
    let before = grows(&woken, 0).await;
    salon.run("SELECT BOOKS.record_change('t', 'a', 1)").await;
    let before = grows(&woken, before).await;
    // A change that is known wakes nobody, and one that is rolled back neither.
    salon.run("SELECT BOOKS.record_change('t', 'a', 1)").await;
    salon
        .run("BEGIN; SELECT BOOKS.record_change('t', 'a', 2); ROLLBACK")
        .await;
    // Nor does one of whom it is not to.
    salon
        .run("BEGIN; SET LOCAL calcom.notify = 'off'; SELECT BOOKS.record_change('t', 'a', 4); COMMIT")
        .await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(woken.load(Ordering::SeqCst), before);

    let channel = format!("{}_due", salon.name);
    salon
        .run(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%{channel}%'"
        ))
        .await;
    let before = grows(&woken, before).await;
    salon.run("SELECT BOOKS.record_change('t', 'a', 3)").await;
    grows(&woken, before).await;
    listening.abort();
}

/// Works until nothing is due, for at most ten seconds.
async fn work(engine: &Engine) {
    for _ in 0..1000 {
        if engine.step().await.unwrap().is_none() {
            return;
        }
    }
    panic!("the work does not end");
}

/// The whole way: a row by hand, an UPDATE by hand, and back.
#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --test postgres_appointments -- --include-ignored"]
async fn an_update_by_hand_moves_the_booking_and_the_engines_writes_cause_nothing() {
    let salon = Salon::new().await;
    salon
        .run(
            "SELECT BOOKS.watch('HOST.\"Visits; --\"', tenant_column => 'Salon', id_column => 'No', \
             revision_column => 'version', origin_column => 'changed_by')",
        )
        .await;
    let cut = FakeEventType::new("cut", 30).with_id(7);
    let fake = FakeCalcom::builder().event_type(cut).start().await.unwrap();
    let client = Client::builder(fake.api_key())
        .base_url(fake.base_url().as_str())
        .build();
    let tenant = Tenant::new(TenantId::new("salon"), Arc::new(client.unwrap()))
        .with_event_type(EventTypeId::new(7))
        .with_host(fake.host_id());
    let books = Arc::new(salon.store.clone());
    let appointments = Arc::new(salon.appointments().await);
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Engine::builder(books, appointments.clone(), tenants).build();

    let day = SystemClock.now().date_naive() + TimeDelta::days(7);
    let hour = |hour: u32| day.and_hms_opt(hour, 0, 0).unwrap().and_utc();
    let (nine, eleven, twelve) = (hour(9), hour(11), hour(12));
    salon
        .run(&format!(
            "INSERT INTO HOST.\"Visits; --\" (\"Salon\", state, \"from\", \"to\", service, client, \"e-mail\", zone, changed_by) \
             VALUES ('salon', 'booked', '{nine}', timestamptz '{nine}' AT TIME ZONE 'UTC' + interval '30 min', 'cut', 'Ann', \
             'ann@example.com', 'UTC', 'retell')"
        ))
        .await;
    work(&engine).await;
    let starts = || -> Vec<DateTime<Utc>> {
        let live = fake.live_bookings().into_iter();
        live.map(|booking| booking.start).collect()
    };
    assert_eq!(starts(), [nine]);

    salon
        .run(&format!(
            "UPDATE HOST.\"Visits; --\" SET \"from\" = '{eleven}', \"to\" = timestamptz '{eleven}' AT TIME ZONE 'UTC' + interval '30 min'"
        ))
        .await;
    work(&engine).await;
    assert_eq!(starts(), [eleven]);

    // Somebody at Cal.com moves it: the row follows, and nothing is written to Cal.com for that.
    let uid = fake.live_bookings().remove(0).uid;
    fake.move_booking(&uid, twelve).await.unwrap();
    let writes = fake.writes().len();
    let (tenant, id) = (TenantId::new("salon"), AppointmentId::new("1"));
    let marked = engine.resync_all(&tenant, std::slice::from_ref(&id)).await;
    marked
        .into_iter()
        .for_each(|marked| assert!(marked.is_ok()));
    work(&engine).await;
    let row = appointments.get(&tenant, &id).await.unwrap().unwrap();
    assert_eq!((row.state.start, row.origin), (twelve, Origin::Calcom));
    work(&engine).await;
    assert_eq!(fake.writes().len(), writes);
    let recorded = salon.changes("salon", "1").await;
    assert_eq!(recorded.last().unwrap().origin, Origin::Calcom);
    fake.shutdown().await;
}
