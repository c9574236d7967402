//! Waiting for an engine whose workers run by themselves.

use std::time::Duration;

use super::Sides;
use super::report::complaint;
use crate::store::{Page, StoreError};

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(10);

/// Waits, in real time, until every change and every webhook of the tenant has been dealt with and
/// nothing is due: for a test whose workers run by themselves. What is in review, or will be looked
/// at later, is not waited for.
///
/// # Panics
///
/// If it takes longer than `at_most`, with what still waits and the end of the sync log. Also if the
/// store or the repository fails.
pub async fn wait_until_settled(sides: &Sides, at_most: Duration) {
    let patience = tokio::time::sleep(at_most);
    tokio::pin!(patience);
    loop {
        let waiting = waiting(sides).await;
        if waiting.as_ref().is_ok_and(Vec::is_empty) {
            return;
        }
        let is_over = tokio::select! {
            () = &mut patience => true,
            () = tokio::time::sleep(PAUSE) => false,
        };
        if is_over {
            let what = format!("it is not settled after {at_most:?}");
            panic!("{}", complaint(sides, &what, waiting).await);
        }
    }
}

/// What waits, or is being worked on.
async fn waiting(sides: &Sides) -> Result<Vec<String>, StoreError> {
    let (tenant, store) = (sides.tenant(), sides.store());
    let mut found = Vec::new();
    for appointment in sides.all_appointments().await? {
        let changes = store.changes(tenant, &appointment.id, Page::first(1_000));
        for (recorded, _) in changes.await?.iter().filter(|(_, fate)| fate.is_none()) {
            let (id, revision) = (&appointment.id, recorded.change.revision);
            found.push(format!(
                "the change of appointment {id} to revision {revision} waits"
            ));
        }
    }
    let deliveries = store.deliveries(tenant, Page::first(10_000)).await?;
    for (delivery, _) in deliveries.iter().filter(|(_, fate)| fate.is_none()) {
        found.push(format!("the webhook {} waits", delivery.trigger));
    }
    if store.next_due(u16::MAX).await? == Some(Duration::ZERO) {
        found.push("a link is due".to_owned());
    }
    Ok(found)
}
