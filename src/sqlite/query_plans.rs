//! Looks at the plan of every statement of the store: none may walk a whole table, or a whole tenant.

use sqlx::Row as _;

use super::{
    SqliteStore, absorb, appointments, inbox, links, log, migrations, outbox, reviews, settle,
    tenants,
};

/// Walks of a table, or of all that a tenant has in it, that are meant.
const MEANT: &[&str] = &[
    // The condition is false: it walks nothing.
    "ASK_TO_WRITE",
    // All of a tenant's deliveries are what is asked for.
    "OF_TENANT",
    // The index holds open items only, and all of them are asked for.
    "OPEN_ITEMS",
    // A tenant has one row at most.
    "IS_PAUSED",
    "RESUME",
];

#[tokio::test]
async fn no_statement_walks_a_whole_table_or_tenant() {
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
            let walks_a_tenant = step.ends_with("(tenant=?)");
            assert!(
                !(walks_a_table || walks_a_tenant) || MEANT.contains(&name),
                "{name}: {step}"
            );
        }
    }
}
