//! A host that talks to PostgreSQL with `tokio-postgres` records a change in its own transaction.
//!
//! `DATABASE_URL=postgres://… cargo run --example tokio_postgres`, with a database to try things in: it makes the schema `calcom`
//! there, unless there is one, and records a change of a tenant that is named after this example.

#![allow(clippy::print_stdout)]

use calcom::postgres::PostgresStore;
use calcom::store::{Outbox, Page, TenantId};
use tokio_postgres::{Client, NoTls, Transaction};

const TENANT: &str = "tokio_postgres example";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("DATABASE_URL").map_err(|_| "DATABASE_URL is not set")?;
    // The sync service does this when it starts; the application itself needs nothing of the crate.
    let store = PostgresStore::connect(url.as_str()).await?;

    let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    let visit = open_visit(&client).await?;

    // The write and the record of it are committed together, and the workers are woken.
    let transaction = client.transaction().await?;
    move_visit(&transaction, visit, "11:00").await?;
    transaction.commit().await?;

    // Or neither happens.
    let transaction = client.transaction().await?;
    move_visit(&transaction, visit, "12:00").await?;
    transaction.rollback().await?;

    let (tenant, appointment) = (TenantId::new(TENANT), visit.to_string().into());
    let recorded = store.changes(&tenant, &appointment, Page::first(10));
    for (row, fate) in recorded.await? {
        let state = if fate.is_none() { "waits" } else { "has ended" };
        let (revision, origin) = (row.change.revision.get(), row.change.origin);
        println!("revision {revision}, changed by {origin}, {state}");
    }
    Ok(())
}

/// Moves a visit and says so, in whatever transaction the application has open.
async fn move_visit(
    transaction: &Transaction<'_>,
    visit: i64,
    begins: &str,
) -> Result<(), tokio_postgres::Error> {
    let row = transaction
        .query_one(
            "UPDATE visits SET begins = $2::text::time, version = version + 1 WHERE visit_no = $1 RETURNING version",
            &[&visit, &begins],
        )
        .await?;
    record(transaction, visit, row.get("version")).await
}

/// Tenant, appointment, revision and origin. Recording a revision again changes nothing.
async fn record(
    transaction: &Transaction<'_>,
    visit: i64,
    version: i64,
) -> Result<(), tokio_postgres::Error> {
    let call = "SELECT calcom.record_change($1, $2, $3, $4)";
    let (visit, origin) = (visit.to_string(), "reception");
    transaction
        .execute(call, &[&TENANT, &visit, &version, &origin])
        .await?;
    Ok(())
}

/// Stands for the application's own table, which is gone when the connection is closed.
async fn open_visit(client: &Client) -> Result<i64, tokio_postgres::Error> {
    client
        .batch_execute(
            "CREATE TEMPORARY TABLE visits \
             (visit_no bigint PRIMARY KEY, begins time NOT NULL, version bigint NOT NULL DEFAULT 1)",
        )
        .await?;
    // A number that no earlier run has used.
    let insert = "INSERT INTO visits SELECT extract(epoch FROM clock_timestamp())::bigint, '10:00' RETURNING visit_no";
    let row = client.query_one(insert, &[]).await?;
    Ok(row.get("visit_no"))
}
