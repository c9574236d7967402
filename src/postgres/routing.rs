//! Giving to links what was taken in.

use sqlx::PgConnection;

use super::error::failed;
use super::statements;
use crate::store::{Claim, StoreError, TenantId};

statements! {
    /// What the tenant has unrouted, the 64 rows that were taken in first: enough to keep the order,
    /// little enough to keep a claim short. Finds or makes the link of each in their order, which is
    /// what `walk` does row by row: `owners` holds what each key belongs to by then, and a link that
    /// is to be made is the number of its first row, negative. A link is made due unless a worker
    /// has it: then its settlement does.
    ///
    /// The tenant is compared twice, as the planner would otherwise take the order by id for enough
    /// and walk the primary key. An upsert finds its row by the unique index, whatever the planner
    /// believes of the table.
    ROUTE = r#"
         WITH RECURSIVE
         batch AS MATERIALIZED (
             SELECT row_number() OVER (ORDER BY id) AS n, first.*
             FROM (
                 SELECT id, taken_at, appointment, booking, rescheduled_from, sync_key, target
                 FROM notices
                 WHERE tenant >= $1 AND tenant <= $1 AND NOT is_routed AND fate IS NULL
                 ORDER BY tenant, id LIMIT 64
             ) AS first
         ),
         known AS (
             SELECT kind || ':' || name AS key, link
             FROM keys
             WHERE tenant = $1 AND (kind, name) IN (
                 SELECT 'appointment', appointment FROM batch
                 UNION SELECT 'booking', booking FROM batch
                 UNION SELECT 'booking', rescheduled_from FROM batch
                 UNION SELECT 'sync_key', sync_key FROM batch
             )
         ),
         walk (n, link, owners) AS (
             SELECT 0::bigint, NULL::bigint, COALESCE((SELECT jsonb_object_agg(key, link) FROM known), '{}')
             UNION ALL
             SELECT batch.n, owner.link,
                 CASE WHEN batch.target IS NULL THEN walk.owners || jsonb_build_object(
                     COALESCE('appointment:' || batch.appointment, 'booking:' || batch.booking), owner.link
                 ) ELSE walk.owners END
             FROM walk
             JOIN batch ON batch.n = walk.n + 1
             CROSS JOIN LATERAL (
                 SELECT COALESCE(
                     batch.target,
                     (walk.owners ->> ('appointment:' || batch.appointment))::bigint,
                     (walk.owners ->> ('booking:' || batch.booking))::bigint,
                     (walk.owners ->> ('booking:' || batch.rescheduled_from))::bigint,
                     (walk.owners ->> ('sync_key:' || batch.sync_key))::bigint,
                     -batch.n
                 ) AS link
             ) AS owner
         ),
         numbered AS MATERIALIZED (
             SELECT made.link AS n, nextval('links_id_seq') AS id
             FROM (SELECT DISTINCT link FROM walk WHERE link < 0 ORDER BY link DESC) AS made
         ),
         routed AS MATERIALIZED (
             SELECT batch.*, COALESCE(numbered.id, walk.link) AS link
             FROM walk JOIN batch USING (n) LEFT JOIN numbered ON numbered.n = walk.link
         ),
         marked AS (
             INSERT INTO links (tenant, id, appointment, booking, due_at, marks)
             OVERRIDING SYSTEM VALUE
             SELECT $1, link, (array_agg(appointment ORDER BY n))[1], (array_agg(booking ORDER BY n))[1], min(taken_at), count(*)
             FROM routed GROUP BY link ORDER BY link
             ON CONFLICT (tenant, id) DO UPDATE
             SET marks = links.marks + excluded.marks,
                 due_at = CASE WHEN links.is_leased THEN links.due_at
                     ELSE LEAST(links.due_at, GREATEST(links.not_before, excluded.due_at)) END
         ),
         owned AS (
             INSERT INTO keys (tenant, kind, name, link)
             SELECT DISTINCT $1, CASE WHEN appointment IS NULL THEN 'booking' ELSE 'appointment' END, COALESCE(appointment, booking), link
             FROM routed WHERE target IS NULL
             ON CONFLICT (tenant, kind, name) DO NOTHING
         )
         UPDATE notices SET is_routed = true
         FROM routed WHERE notices.id = routed.id"#;
    /// What came with a claim needs no routing any more. A notice that another claim is routing at
    /// this moment is left to it: it waits for the link, which this one has.
    CAME =
        "UPDATE notices SET is_routed = true WHERE id = ANY (ARRAY ( \
           SELECT id FROM notices WHERE id = ANY ($1) AND NOT is_routed FOR UPDATE SKIP LOCKED))";
}

/// Gives the tenant's oldest notices to their links, and makes those due. Returns how many. The
/// transaction holds the tenant's lock.
pub(super) async fn route(
    connection: &mut PgConnection,
    tenant: &TenantId,
) -> Result<u64, StoreError> {
    let routed = sqlx::query(ROUTE)
        .bind(tenant.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(routed.rows_affected())
}

/// What comes with a claim is no news for the link.
pub(super) async fn pass_over(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<(), StoreError> {
    let changes = claim.changes.iter().map(|change| change.id.get());
    let deliveries = claim.deliveries.iter().map(|delivery| delivery.id.get());
    let marks = claim.marks.iter().map(|mark| mark.id.get());
    let came: Vec<i64> = changes.chain(deliveries).chain(marks).collect();
    if came.is_empty() {
        return Ok(());
    }
    sqlx::query(CAME)
        .bind(came)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
