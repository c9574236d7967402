//! Giving to links what was taken in.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::error::failed;
use super::rows::Row;
use super::{keys, links, statements};
use crate::model::BookingUid;
use crate::store::{AppointmentId, Claim, LinkId, LinkKey, StoreError, SyncKey, TenantId};

/// How much is given to links in one claim: enough to keep the order, little enough to keep a claim
/// short.
const ROUTED_AT_ONCE: i64 = 64;

statements! {
    UNROUTED =
        "SELECT id, kind, taken_at, appointment, booking, rescheduled_from, sync_key, link FROM calcom_notices \
         WHERE tenant = ?1 AND routed = 0 ORDER BY id LIMIT ?2";
    ROUTED = "UPDATE calcom_notices SET routed = 1 WHERE tenant = ?1 AND routed = 0 AND id <= ?2";
    CHANGES_CAME =
        "UPDATE calcom_notices SET routed = 1 \
         WHERE tenant = ?1 AND appointment = ?2 AND kind = 'change' AND fate IS NULL AND +routed = 0";
    DELIVERIES_CAME =
        "UPDATE calcom_notices SET routed = 1 WHERE +routed = 0 AND id IN ( \
           SELECT n.id FROM calcom_keys k CROSS JOIN calcom_notices n \
           WHERE k.tenant = ?1 AND k.link = ?2 AND k.kind = 'booking' \
             AND n.tenant = k.tenant AND n.booking = k.name AND n.kind = 'delivery' AND n.fate IS NULL)";
    MARKS_CAME = "UPDATE calcom_notices SET routed = 1 WHERE tenant = ?1 AND link = ?2 AND +routed = 0";
    /// A worker that has the link makes it due again when it settles.
    MARK_DUE =
        "UPDATE calcom_links SET marks = marks + ?3, \
           due_at = CASE WHEN is_leased = 1 THEN due_at ELSE MIN( \
             COALESCE(due_at, MAX(COALESCE(not_before, ?4), ?4)), \
             MAX(COALESCE(not_before, ?4), ?4)) END \
         WHERE tenant = ?1 AND id = ?2";
}

/// What a notice is found by.
enum About {
    Appointment(AppointmentId),
    Booking {
        uid: BookingUid,
        rescheduled_from: Option<BookingUid>,
        sync_key: Option<SyncKey>,
    },
    Link(LinkId),
}

struct Notice {
    id: i64,
    taken_at: i64,
    about: About,
}

fn decode(row: &SqliteRow) -> Result<Notice, StoreError> {
    let row = Row::of("calcom_notices", row);
    let about = match row.get::<&str>("kind")? {
        "change" => About::Appointment(row.text("appointment")?),
        "delivery" => About::Booking {
            uid: row.text("booking")?,
            rescheduled_from: row.text_if_any("rescheduled_from")?,
            sync_key: row.text_if_any("sync_key")?,
        },
        _ => About::Link(row.number("link")?),
    };
    Ok(Notice {
        id: row.get("id")?,
        taken_at: row.get("taken_at")?,
        about,
    })
}

/// Gives the tenant's oldest notices to their links, and makes those due.
pub(super) async fn route(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
) -> Result<(), StoreError> {
    let rows = sqlx::query(UNROUTED)
        .bind(tenant.as_str())
        .bind(ROUTED_AT_ONCE)
        .fetch_all(&mut *connection)
        .await
        .map_err(failed)?;
    let notices: Vec<Notice> = rows.iter().map(decode).collect::<Result<_, _>>()?;
    let Some(last) = notices.last().map(|notice| notice.id) else {
        return Ok(());
    };
    // How many notices a link gets, and when the first of them was taken in.
    let mut marks: BTreeMap<LinkId, (i64, i64)> = BTreeMap::new();
    for notice in notices {
        let link = link_of(connection, tenant, &notice.about).await?;
        let (count, first) = marks.entry(link).or_insert((0, notice.taken_at));
        *count += 1;
        *first = notice.taken_at.min(*first);
    }
    for (link, (count, first)) in marks {
        sqlx::query(MARK_DUE)
            .bind(tenant.as_str())
            .bind(link.get())
            .bind(count)
            .bind(first)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    sqlx::query(ROUTED)
        .bind(tenant.as_str())
        .bind(last)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// What comes with a claim needs no routing any more: it is no news for the link.
pub(super) async fn pass_over(
    connection: &mut SqliteConnection,
    claim: &Claim,
) -> Result<(), StoreError> {
    let link = &claim.link;
    if let Some(appointment) = &link.appointment
        && !claim.changes.is_empty()
    {
        sqlx::query(CHANGES_CAME)
            .bind(link.tenant.as_str())
            .bind(appointment.as_str())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    let of_link = [
        (DELIVERIES_CAME, claim.deliveries.is_empty()),
        (MARKS_CAME, claim.marks.is_empty()),
    ];
    for (statement, has_none) in of_link {
        if has_none {
            continue;
        }
        sqlx::query(statement)
            .bind(link.tenant.as_str())
            .bind(link.id.get())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// The link that a notice is about, made if there is none.
async fn link_of(
    connection: &mut SqliteConnection,
    tenant: &TenantId,
    about: &About,
) -> Result<LinkId, StoreError> {
    match about {
        About::Appointment(appointment) => {
            let key = LinkKey::Appointment(appointment.clone());
            if let Some(known) = keys::owner(connection, tenant, &key).await? {
                return Ok(known);
            }
            let made = links::make(connection, tenant, Some(appointment), None).await?;
            keys::own(connection, tenant, &key, made).await?;
            Ok(made)
        }
        About::Booking {
            uid,
            rescheduled_from,
            sync_key,
        } => {
            let key = LinkKey::Booking(uid.clone());
            let others = [
                rescheduled_from.clone().map(LinkKey::Booking),
                sync_key.clone().map(LinkKey::SyncKey),
            ];
            let mut known = keys::owner(connection, tenant, &key).await?;
            for other in others.into_iter().flatten() {
                if known.is_none() {
                    known = keys::owner(connection, tenant, &other).await?;
                }
            }
            let link = match known {
                Some(known) => known,
                None => links::make(connection, tenant, None, Some(uid)).await?,
            };
            keys::own(connection, tenant, &key, link).await?;
            Ok(link)
        }
        About::Link(link) => Ok(*link),
    }
}
