//! Looks at the plan of every statement of the store over 100,000 rows in each table: none may walk a
//! whole table, or a whole tenant. With and without statistics, which a host that shares the file may
//! have collected.

use sqlx::{Connection as _, Row as _, SqliteConnection};

use super::{
    SqliteStore, absorb, appointments, desk, documents, erasure, inbox, keys, links, log, marks,
    migrations, outbox, queue, report, review_items, reviews, routing, sender_events,
    service_links, services, settle, sweeps, tenants, upkeep,
};
#[cfg(feature = "client")]
use super::{idempotency, oauth_tokens, rate_budget};

/// Walks that are meant, by statement and by how the step of the plan begins.
const MEANT: &[(&str, &str)] = &[
    // A probe of the first entry: LIMIT 1, or EXISTS.
    ("TURN_FROM_START", UNROUTED),
    ("TURN_AFTER", UNROUTED),
    ("TURN_UP_TO", UNROUTED),
    ("TURN_BETWEEN", UNROUTED),
    ("TURN_OF", UNROUTED),
    ("NEXT_DUE", UNROUTED_ONLY),
    // The oldest few are asked for, and the index holds them in this order.
    (
        "UNROUTED",
        "SEARCH calcom_notices USING INDEX calcom_notices_unrouted",
    ),
    (
        "FIRST_UNROUTED",
        "SEARCH calcom_notices USING INDEX calcom_notices_unrouted",
    ),
    // The first few are asked for, and the index holds them in this order.
    (
        "ALL_WAITING_CHANGES",
        "SEARCH calcom_notices USING INDEX calcom_notices_waiting_changes",
    ),
    // The index holds what is parked, and nothing else.
    ("DISMISSED_EVENTS", PARKED_EVENTS),
    ("FREED_EVENTS", PARKED_EVENTS),
    // What waits, and what is open, is counted, and the index holds nothing else.
    (
        "CHANGES_WAITING",
        "SEARCH calcom_notices USING INDEX calcom_notices_waiting_changes",
    ),
    (
        "DELIVERIES_WAITING",
        "SEARCH calcom_notices USING INDEX calcom_notices_waiting_deliveries",
    ),
    ("COUNTS_OPEN", "SEARCH r USING INDEX calcom_reviews_open"),
    // All that is kept of a tenant's review items is to be counted.
    ("COUNTS", "SEARCH r USING INDEX calcom_reviews_reason"),
    // A tenant has one row at most.
    ("TURN_FROM_START", ROW_OF_TENANT),
    ("TURN_AFTER", ROW_OF_TENANT),
    ("TURN_UP_TO", ROW_OF_TENANT),
    ("TURN_BETWEEN", ROW_OF_TENANT),
    ("NEXT_DUE", ROW_OF_TENANT),
    ("IS_PAUSED", "SEARCH calcom_tenants USING PRIMARY KEY"),
    ("PAUSED_BY", "SEARCH calcom_tenants USING PRIMARY KEY"),
    ("TOO_EARLY", "SEARCH calcom_sweeps USING PRIMARY KEY"),
    ("ADVANCE", "SEARCH calcom_sweeps USING PRIMARY KEY"),
    ("FINISH", "SEARCH calcom_sweeps USING PRIMARY KEY"),
    ("TOO_EARLY", "SEARCH calcom_service_syncs USING PRIMARY KEY"),
    ("PROLONG", "SEARCH calcom_service_syncs USING PRIMARY KEY"),
    ("FINISH", "SEARCH calcom_service_syncs USING PRIMARY KEY"),
    ("RELEASE", "SEARCH calcom_tenants USING PRIMARY KEY"),
    ("HELD", "SEARCH calcom_tenants USING PRIMARY KEY"),
    ("FIRST_AFTER", ROW_OF_TENANT),
    ("FIRST_UP_TO", ROW_OF_TENANT),
    ("FORGET_TENANT", "SEARCH calcom_tenants USING PRIMARY KEY"),
    ("ERASE_SWEEP", "SEARCH calcom_sweeps USING PRIMARY KEY"),
    // A tenant is erased: the first few are asked for, whichever they are.
    ("ERASE_DELIVERIES", "SEARCH calcom_notices"),
    ("ERASE_EVENTS", "SEARCH calcom_sender_events"),
    ("ERASE_PARTS", "SEARCH calcom_review_links"),
    ("ERASE_REVIEWS", "SEARCH calcom_reviews"),
    ("ERASE_LOG", "SEARCH calcom_log"),
    ("ERASE_KEYS", "SEARCH calcom_keys"),
    ("ERASE_LINKS", "SEARCH calcom_links"),
    ("ERASE_APPOINTMENTS", "SEARCH calcom_appointments"),
    ("ERASE_DOCUMENTS", "SEARCH calcom_documents"),
    ("ERASE_SERVICES", "SEARCH calcom_services"),
    ("ERASE_SERVICE_LINKS", "SEARCH calcom_service_links"),
    (
        "ERASE_SERVICE_SYNC",
        "SEARCH calcom_service_syncs USING PRIMARY KEY",
    ),
];
/// What the planner calls scans of what is no table.
const NO_TABLES: &[&str] = &[
    "SCAN walk",
    "SCAN CONSTANT ROW",
    "SCAN json_each VIRTUAL TABLE INDEX 1:",
];
const PARKED_EVENTS: &str = "SCAN e USING INDEX calcom_sender_events_parked";
const UNROUTED: &str = "SEARCH n USING INDEX calcom_notices_unrouted";
const UNROUTED_ONLY: &str = "SEARCH n USING COVERING INDEX calcom_notices_unrouted";
const ROW_OF_TENANT: &str = "SEARCH t USING PRIMARY KEY";

/// 50 tenants with 2,000 rows each in every table, of which the last few are not settled, and 100,000
/// tenants that were once held or swept. A row a minute.
const FILL: &str = r#"
PRAGMA synchronous = OFF;
CREATE TEMPORARY TABLE row_ AS
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    SELECT i, printf('t%05d', i % 50) AS tenant, i * 60000000 AS at, i <= 99400 AS is_old FROM n;
BEGIN;
INSERT INTO calcom_tenants SELECT printf('t%05d', i), iif(i % 1000 = 0, 'cause', NULL), 1 FROM row_;
INSERT INTO calcom_sweeps (tenant, fence, ended_at) SELECT tenant, 1, 1 FROM calcom_tenants;
INSERT INTO calcom_service_syncs (tenant, fence, ended_at) SELECT tenant, 1, 1 FROM calcom_tenants;
INSERT INTO calcom_links (tenant, appointment, booking, chain, series, sync_key, bare, format, state, due_at, is_leased)
    SELECT tenant, 'a' || i, 'b' || i, 'c' || i, iif(i % 20 = 7, 'series' || (i / 100), NULL), 'k' || i, 0, 1, zeroblob(300),
        iif(is_old, NULL, at), NOT is_old AND i % 10 = 0
    FROM row_ ORDER BY i;
INSERT INTO calcom_keys SELECT tenant, 'appointment', 'a' || i, i FROM row_ UNION ALL SELECT tenant, 'booking', 'b' || i, i FROM row_;
INSERT INTO calcom_notices (kind, tenant, taken_at, routed, fate, settled_at, appointment, revision, origin, at)
    SELECT 'change', tenant, at, i <= 99700, iif(is_old, 'pushed', NULL), iif(is_old, at, NULL), 'a' || i, 1, 'admin', at
    FROM row_ ORDER BY i;
INSERT INTO calcom_notices
    (kind, tenant, taken_at, routed, fate, settled_at, fingerprint, trigger_name, booking, sync_key, claim, body, source)
    SELECT 'delivery', tenant, at, i <= 99700, iif(is_old, 'applied', NULL), iif(is_old, at, NULL), CAST(i AS BLOB),
        'BOOKING_CREATED', 'b' || i, 'k' || i, '{}', iif(i > 90000, printf('%.400c', 'x'), ''), iif(i % 30 = 7, 'sweep', 'webhook')
    FROM row_ ORDER BY i;
INSERT INTO calcom_reviews
    (tenant, link, appointment, cause, reason, ends, evidence, opened_at, updated_at, resolution, resolved_by, resolved_at)
    SELECT tenant, i, 'a' || i, 'conflict', 'reason' || (i % 8), 'agreed', '{}', at, at,
        iif(is_old, 'retry', NULL), iif(is_old, 'eve', NULL), iif(is_old, at, NULL)
    FROM row_ ORDER BY i;
INSERT INTO calcom_review_links SELECT tenant, i, i FROM row_;
INSERT INTO calcom_notices (kind, tenant, taken_at, link, source, review)
    SELECT 'mark', tenant, at, i, 'instruction', i FROM row_ WHERE i > 99800;
INSERT INTO calcom_sender_events
    (tenant, sender, event_id, event, order_key, taken_at, body, due_at, is_leased, review, fate, ended_at)
    SELECT tenant, 'stripe', 'evt_' || i, 'invoice.paid', iif(i % 3 > 0, 'customer' || (i % 1000), NULL), at,
        iif(i > 90000, printf('%.400c', 'x'), ''), iif(is_old OR i % 20 = 3, NULL, at), NOT is_old AND i % 10 = 0,
        iif(i % 20 = 3, i, NULL), iif(is_old, 'handled', NULL), iif(is_old, at, NULL)
    FROM row_ ORDER BY i;
INSERT INTO calcom_log (tenant, at, link, appointment, event)
    SELECT tenant, at, i, iif(i % 3 > 0, 'a' || i, NULL), iif(i % 1000 = 7, '{"event":"operated","by":"eve"}', '{}') FROM row_ ORDER BY i;
INSERT INTO calcom_appointments
    SELECT tenant, 'a' || i, 1, 'admin',
        json_object('status', 'confirmed', 'end', strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000000, 'unixepoch'),
            'attendee', json_object('phone_number', '+493012345' || (i % 20))),
        at, 'c' || i, at, NULL
    FROM row_;
INSERT INTO calcom_services SELECT tenant, 's' || i, 1, 'cut', 30, NULL, 1, i, at FROM row_;
INSERT INTO calcom_service_links (tenant, service, event_type, status, attempts, updated_at, state, format)
    SELECT tenant, 's' || i, i, 'agreed', 0, at, zeroblob(9), 1 FROM row_ ORDER BY i;
INSERT INTO calcom_documents (tenant, name, version, body, author, at)
    SELECT tenant, 'a' || (i % 1000), i / 1000 + 1, '{}', 'eve', at FROM row_ ORDER BY i;
COMMIT;
"#;

#[tokio::test]
async fn no_statement_walks_a_whole_table_or_tenant() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let file = folder.path().join("books.db");
    let store = SqliteStore::open(&file).await.expect("a new file");
    let url = format!("sqlite://{}", file.display());
    let mut host = SqliteConnection::connect(&url).await.expect("the file");
    sqlx::raw_sql(FILL)
        .execute(&mut host)
        .await
        .expect("rows for each table");
    let mut walks = walks(&store).await;
    sqlx::raw_sql("ANALYZE")
        .execute(&mut host)
        .await
        .expect("statistics");
    // Connections read them when they are opened.
    let store = SqliteStore::open(&file).await.expect("the file");
    let analyzed = "SELECT count(*) FROM sqlite_stat1 WHERE CAST(stat AS INTEGER) >= 100000 AND tbl LIKE 'calcom%'";
    let analyzed: i64 = sqlx::query_scalar(analyzed)
        .fetch_one(store.reads())
        .await
        .expect("statistics");
    assert!(analyzed >= 12, "few tables are full: {analyzed}");
    let with_statistics = self::walks(&store).await.into_iter();
    walks.extend(with_statistics.map(|walk| format!("with statistics: {walk}")));
    assert!(walks.is_empty(), "{}", walks.join("\n"));
}

/// What walks too far, by statement.
async fn walks(store: &SqliteStore) -> Vec<String> {
    let statements = [
        absorb::STATEMENTS,
        appointments::STATEMENTS,
        desk::STATEMENTS,
        documents::STATEMENTS,
        erasure::STATEMENTS,
        inbox::STATEMENTS,
        keys::STATEMENTS,
        links::STATEMENTS,
        log::STATEMENTS,
        marks::STATEMENTS,
        migrations::STATEMENTS,
        outbox::STATEMENTS,
        queue::STATEMENTS,
        report::STATEMENTS,
        review_items::STATEMENTS,
        reviews::STATEMENTS,
        routing::STATEMENTS,
        sender_events::STATEMENTS,
        service_links::STATEMENTS,
        services::STATEMENTS,
        settle::STATEMENTS,
        sweeps::STATEMENTS,
        tenants::STATEMENTS,
        upkeep::STATEMENTS,
        #[cfg(feature = "client")]
        idempotency::STATEMENTS,
        #[cfg(feature = "client")]
        oauth_tokens::STATEMENTS,
        #[cfg(feature = "client")]
        rate_budget::STATEMENTS,
    ];
    let mut walks = Vec::new();
    for (name, sql) in statements.concat() {
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
            .fetch_all(store.reads())
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        for row in plan {
            let step: String = row.get("detail");
            // An alias stands in the place of a table's name, and so all that may be scanned is
            // named.
            let walks_a_table = step.starts_with("SCAN ") && !NO_TABLES.contains(&step.as_str());
            let walks_a_tenant = step.ends_with("(tenant=?)");
            let is_meant = MEANT
                .iter()
                .any(|(statement, meant)| *statement == name && step.starts_with(meant));
            if (walks_a_table || walks_a_tenant) && !is_meant {
                walks.push(format!("{name}: {step}"));
            }
        }
    }
    walks
}
