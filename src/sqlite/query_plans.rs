//! Looks at the plan of every statement of the store: none may walk a whole table.

use sqlx::Row as _;

use super::{
    SqliteStore, absorb, appointments, inbox, links, log, migrations, outbox, reviews, settle,
    tenants,
};

/// Walks that are bounded, and by what.
const BOUNDED: &[(&str, &str)] = &[
    // The tenants that are paused right now: a handful, whatever the size of the rest.
    ("CLAIM", "calcom_paused_tenants"),
    ("NEXT_DUE", "calcom_paused_tenants"),
    // In order of time, and it stops at the first that is neither leased nor of a paused tenant.
    (
        "NEXT_DUE",
        "calcom_links USING COVERING INDEX calcom_links_due",
    ),
    // Nothing: the condition is false.
    ("ASK_TO_WRITE", "calcom_paused_tenants"),
    // The links that workers have right now.
    (
        "NEXT_DUE",
        "calcom_links USING COVERING INDEX calcom_links_leased",
    ),
];

#[tokio::test]
async fn no_statement_walks_a_whole_table() {
    let folder = tempfile::tempdir().expect("a folder for the test");
    let store = SqliteStore::open(folder.path().join("books.db"))
        .await
        .expect("a new file");
    let statements = [
        absorb::STATEMENTS,
        appointments::STATEMENTS,
        inbox::STATEMENTS,
        links::STATEMENTS,
        log::STATEMENTS,
        migrations::STATEMENTS,
        outbox::STATEMENTS,
        reviews::STATEMENTS,
        settle::STATEMENTS,
        tenants::STATEMENTS,
    ];
    for (name, sql) in statements.concat() {
        let plan = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}")))
            .fetch_all(store.reads())
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        for row in plan {
            let step: String = row.get("detail");
            let walks_a_table = step.starts_with("SCAN calcom_");
            let is_bounded = BOUNDED
                .iter()
                .any(|(statement, what)| *statement == name && step.ends_with(what));
            assert!(!walks_a_table || is_bounded, "{name}: {step}");
        }
    }
}
