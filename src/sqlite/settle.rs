//! Storing the outcome of the work on a link.

use sqlx::SqliteConnection;

use super::error::failed;
use super::log::Subject;
use super::rows::{json, micros};
use super::{absorb, inbox, links, log, outbox, reviews, statements, tenants};
use crate::model::{BookingUid, RecurringBookingUid};
use crate::store::{
    AppointmentId, ChainKey, Lease, Link, LinkKey, LogEvent, Settlement, StoreError,
    StoreErrorKind, SyncKey,
};

statements! {
    /// ?12 is how often the link had been marked when it was claimed. What a later mark asked for outlives the settlement.
    STORE_LINK =
        "UPDATE calcom_links SET appointment = ?3, booking = ?4, chain = ?5, series = ?6, base = ?7, sync_key = ?8, \
           pending = ?9, rivals = ?15, \
           attempts = CASE WHEN retry_mark > ?12 THEN 0 ELSE ?10 END, \
           verify = CASE WHEN read_mark > ?12 THEN 1 ELSE ?11 END, \
           due_at = CASE WHEN marks > ?12 THEN ?14 ELSE ?13 END, \
           lease_until = NULL \
         WHERE tenant = ?1 AND id = ?2";
    MARK_SERIES =
        "UPDATE calcom_links SET marks = marks + 1, due_at = MIN(COALESCE(due_at, ?4), ?4), \
           verify = 1, read_mark = marks + 1 \
         WHERE tenant = ?1 AND series = ?2 AND id <> ?3";
}

pub(super) async fn settle(
    connection: &mut SqliteConnection,
    lease: &Lease,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    let link = &settlement.link;
    if (&link.tenant, link.id) != (&lease.tenant, lease.link) {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            "a settlement is about the link of its lease",
        ));
    }
    links::leased(connection, lease).await?;

    let more_work = absorb_owners(connection, settlement).await?;
    for uid in link.booking.iter().chain(&settlement.chain_uids) {
        links::remember_uid(connection, &link.tenant, uid, link.id).await?;
    }
    for (change, fate) in &settlement.changes {
        outbox::end(connection, link, *change, fate).await?;
    }
    for (delivery, fate) in &settlement.deliveries {
        inbox::end(connection, link, *delivery, fate).await?;
    }
    store_link(connection, lease, settlement, more_work).await?;
    store_reviews_and_log(connection, settlement).await?;
    if settlement.pause_tenant {
        tenants::pause(connection, &link.tenant, settlement.at).await?;
    }
    if settlement.mark_series {
        mark_series(connection, settlement).await?;
    }
    Ok(())
}

/// Stores how a change or a delivery that waited for a link ended.
pub(super) async fn end(
    connection: &mut SqliteConnection,
    statement: &'static str,
    link: &Link,
    row: i64,
    fate: &str,
) -> Result<(), StoreError> {
    let ended = sqlx::query(statement)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(row)
        .bind(fate)
        .execute(connection)
        .await
        .map_err(failed)?;
    if ended.rows_affected() == 0 {
        return Err(StoreError::new(
            StoreErrorKind::Invalid,
            format!("a settlement names {row}, which does not wait for its link"),
        ));
    }
    Ok(())
}

/// Absorbs the bare links that hold what is the settled link's from now on. Tells whether one of them was due.
async fn absorb_owners(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Result<bool, StoreError> {
    let link = &settlement.link;
    let keys = [
        link.appointment.clone().map(LinkKey::Appointment),
        link.chain.clone().map(LinkKey::Chain),
        link.sync_key.clone().map(LinkKey::SyncKey),
    ];
    let uids = link.booking.iter().chain(&settlement.chain_uids);
    let keys = keys
        .into_iter()
        .flatten()
        .chain(uids.cloned().map(LinkKey::Booking));

    let mut was_due = false;
    for key in keys {
        let Some(owner) = links::find(connection, &link.tenant, &key).await? else {
            continue;
        };
        if owner.link.id == link.id {
            continue;
        }
        if !owner.link.is_bare() {
            return Err(StoreError::conflict(
                "the appointment, a booking or a key belongs to another link: read again, then decide again",
            ));
        }
        absorb::take_over(connection, &owner.link, link.id, settlement.at).await?;
        was_due |= owner.is_due;
    }
    Ok(was_due)
}

async fn store_link(
    connection: &mut SqliteConnection,
    lease: &Lease,
    settlement: &Settlement,
    more_work: bool,
) -> Result<(), StoreError> {
    let link = &settlement.link;
    let next_due = if more_work {
        Some(settlement.at)
    } else {
        settlement.next_due
    };
    sqlx::query(STORE_LINK)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(link.appointment.as_ref().map(AppointmentId::as_str))
        .bind(link.booking.as_ref().map(BookingUid::as_str))
        .bind(link.chain.as_ref().map(ChainKey::as_str))
        .bind(link.series.as_ref().map(RecurringBookingUid::as_str))
        .bind(link.base.as_ref().map(json))
        .bind(link.sync_key.as_ref().map(SyncKey::as_str))
        .bind(link.pending.as_ref().map(json))
        .bind(i64::from(link.attempts))
        .bind(link.verify)
        .bind(lease.marks)
        .bind(next_due.map(micros))
        .bind(micros(settlement.at))
        .bind(json(&link.rivals))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn store_reviews_and_log(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    let link = &settlement.link;
    let at = settlement.at;
    let of_link = Subject::of_link(link);
    let of_case = if settlement.pause_tenant {
        Subject::of_tenant(&link.tenant)
    } else {
        of_link
    };

    if let Some(review) = &settlement.review {
        reviews::open(connection, of_case, review, at).await?;
    }
    for event in &settlement.log {
        let subject = match event {
            LogEvent::TenantPaused => Subject::of_tenant(&link.tenant),
            LogEvent::SentToReview { .. } => of_case,
            _ => of_link,
        };
        log::write(connection, subject, event, at).await?;
    }
    if settlement.close_reviews {
        let kept = settlement
            .review
            .as_ref()
            .filter(|_| !settlement.pause_tenant)
            .map(|review| &review.reason);
        reviews::settle_all(connection, link, kept, at).await?;
    }
    Ok(())
}

async fn mark_series(
    connection: &mut SqliteConnection,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    let link = &settlement.link;
    let Some(series) = &link.series else {
        return Ok(());
    };
    sqlx::query(MARK_SERIES)
        .bind(link.tenant.as_str())
        .bind(series.as_str())
        .bind(link.id.get())
        .bind(micros(settlement.at))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}
