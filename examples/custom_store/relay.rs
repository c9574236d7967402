//! The relay: carries the salon's outbox to the engine's.

use std::sync::Arc;
use std::time::Duration;

use calcom::chrono::DateTime;
use calcom::store::{AppointmentId, Change, Origin, Revision, TenantId};
use calcom::sync::SyncEngine;

use crate::salon::Salon;

/// Records what the salon's outbox holds, oldest first. A line is removed once it is recorded: if the
/// process dies in between, it is recorded again, which changes nothing.
pub(crate) async fn relay_once(
    salon: &Salon,
    engine: &dyn SyncEngine,
    tenant: &TenantId,
) -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
    let lines: Vec<(i64, i64, i64, String, i64)> = sqlx::query_as(
        "SELECT position, visit_no, version, changed_by, changed_ms FROM outbox ORDER BY position LIMIT 100",
    )
    .fetch_all(&salon.database)
    .await?;
    for (position, number, version, by, millis) in &lines {
        let change = Change::new(
            tenant.clone(),
            AppointmentId::new(number.to_string()),
            Revision::new(version.unsigned_abs()),
            Origin::from(by.as_str()),
            DateTime::from_timestamp_millis(*millis).unwrap_or_default(),
        );
        engine.record(&change).await?;
        sqlx::query("DELETE FROM outbox WHERE position = ?1")
            .bind(position)
            .execute(&salon.database)
            .await?;
    }
    Ok(lines.len())
}

/// Relays for as long as the process runs. An outage of either database delays it.
pub(crate) async fn relay(salon: Salon, engine: Arc<dyn SyncEngine>, tenant: TenantId) {
    loop {
        let pause = match relay_once(&salon, &*engine, &tenant).await {
            Ok(0) => Duration::from_millis(20),
            Ok(_) => continue,
            Err(error) => {
                eprintln!("the outbox cannot be relayed: {error}");
                Duration::from_secs(1)
            }
        };
        tokio::time::sleep(pause).await;
    }
}
