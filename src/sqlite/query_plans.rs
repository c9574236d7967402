//! Looks at the plan of every statement of the store: none may walk a whole table, or a whole
//! tenant.

use sqlx::Row as _;

use super::{
    SqliteStore, absorb, appointments, erasure, inbox, keys, links, log, marks, migrations, outbox,
    queue, report, review_items, reviews, routing, service_links, services, settle, sweeps,
    tenants, upkeep,
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
    ("FORGET_TENANT", "SEARCH calcom_tenants USING PRIMARY KEY"),
    ("ERASE_SWEEP", "SEARCH calcom_sweeps USING PRIMARY KEY"),
    // A tenant is erased: the first few are asked for, whichever they are.
    ("ERASE_DELIVERIES", "SEARCH calcom_notices"),
    ("ERASE_PARTS", "SEARCH calcom_review_links"),
    ("ERASE_REVIEWS", "SEARCH calcom_reviews"),
    ("ERASE_LOG", "SEARCH calcom_log"),
    ("ERASE_KEYS", "SEARCH calcom_keys"),
    ("ERASE_LINKS", "SEARCH calcom_links"),
    ("ERASE_APPOINTMENTS", "SEARCH calcom_appointments"),
    ("ERASE_SERVICES", "SEARCH calcom_services"),
    ("ERASE_SERVICE_LINKS", "SEARCH calcom_service_links"),
    (
        "ERASE_SERVICE_SYNC",
        "SEARCH calcom_service_syncs USING PRIMARY KEY",
    ),
];
/// What the planner calls scans of what is no table.
const NO_TABLES: &[&str] = &["SCAN walk", "SCAN CONSTANT ROW"];
const UNROUTED: &str = "SEARCH n USING INDEX calcom_notices_unrouted";
const UNROUTED_ONLY: &str = "SEARCH n USING COVERING INDEX calcom_notices_unrouted";
const ROW_OF_TENANT: &str = "SEARCH t USING PRIMARY KEY";

#[tokio::test]
async fn no_statement_walks_a_whole_table_or_tenant() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let store = SqliteStore::open(folder.path().join("books.db"))
        .await
        .expect("a new file");
    let statements = [
        absorb::STATEMENTS,
        appointments::STATEMENTS,
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
    assert!(walks.is_empty(), "{}", walks.join("\n"));
}
