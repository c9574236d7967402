//! The names under which links are found.

use sqlx::PgConnection;

use super::error::failed;
use super::statements;
use crate::store::{AppointmentId, Link, LinkId, LinkKey, StoreError};

statements! {
    /// Under the tenant's lock, so that the answer holds until the transaction ends.
    OWNERS =
        "SELECT DISTINCT link FROM keys WHERE tenant = $1 AND (kind, name) IN (SELECT * FROM unnest($2, $3)) \
         ORDER BY link";
    /// The uids move; the appointment too, if it is named.
    MOVE =
        "UPDATE keys SET link = $3 \
         WHERE tenant = $1 AND link = $2 AND (kind = 'booking' OR (kind = 'appointment' AND name = $4))";
    FORGET = "DELETE FROM keys WHERE tenant = $1 AND link = $2";
}

/// Keys as columns: what kind each is, and its name.
pub(super) fn columns(keys: &[LinkKey]) -> (Vec<&'static str>, Vec<&str>) {
    keys.iter().filter_map(|key| key.parts()).unzip()
}

/// The other links that own one of the keys, in the order of their ids.
pub(super) async fn other_owners(
    connection: &mut PgConnection,
    link: &Link,
    keys: &[LinkKey],
) -> Result<Vec<LinkId>, StoreError> {
    let (kinds, names) = columns(keys);
    let owners: Vec<i64> = sqlx::query_scalar(OWNERS)
        .bind(link.tenant.as_str())
        .bind(kinds)
        .bind(names)
        .fetch_all(connection)
        .await
        .map_err(failed)?;
    let owners = owners.into_iter().map(LinkId::new);
    Ok(owners.filter(|owner| *owner != link.id).collect())
}

/// Moves the uids of a link to another one, and the appointment that the other one takes over, and
/// forgets its other keys.
pub(super) async fn move_over(
    connection: &mut PgConnection,
    from: &Link,
    into: &Link,
) -> Result<(), StoreError> {
    let taken = from.appointment.as_ref();
    let taken = taken.filter(|_| into.appointment.is_none());
    sqlx::query(MOVE)
        .bind(from.tenant.as_str())
        .bind(from.id.get())
        .bind(into.id.get())
        .bind(taken.map(AppointmentId::as_str))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    sqlx::query(FORGET)
        .bind(from.tenant.as_str())
        .bind(from.id.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
