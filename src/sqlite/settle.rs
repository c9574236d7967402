//! Storing how far the work on a link has come, and its outcome.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::SqliteConnection;

use super::error::failed;
use super::log::{self, Subject};
use super::marks;
use super::rows::{micros, micros_after};
use super::{absorb, inbox, keys, links, outbox, reviews, statements, tenants};
use crate::model::BookingUid;
use crate::sql::decode::QueuedLink;
use crate::store::{
    Checkpoint, Lease, Link, LogEvent, ReviewScope, Settled, Settlement, StoreError, StoreErrorKind,
};

statements! {
    PROLONG = "UPDATE calcom_links SET due_at = MAX(COALESCE(due_at, ?3), ?3) WHERE tenant = ?1 AND id = ?2";
    REMOVE_MARK = "DELETE FROM calcom_notices WHERE id = ?3 AND tenant = ?1 AND link = ?2 AND kind = 'mark'";
    MARK_SIBLINGS =
        "INSERT INTO calcom_notices (tenant, kind, taken_at, link, source) \
         SELECT ?1, 'mark', ?4, id, 'sibling' FROM calcom_links \
         WHERE tenant = ?1 AND series = ?2 AND id <> ?3 ORDER BY id";
    GIVE_BACK =
        "UPDATE calcom_links SET is_leased = 0, fence = fence + 1, begun = 0, not_before = ?3, due_at = ?4 \
         WHERE tenant = ?1 AND id = ?2";
}

pub(super) async fn checkpoint(
    connection: &mut SqliteConnection,
    lease: &Lease,
    checkpoint: &Checkpoint,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let stored = links::leased(connection, lease).await?.link;
    lease.check_link(&checkpoint.link)?;
    let link = checkpoint.link.clone().keeping_appointment_of(&stored)?;
    let keys = link.keys(&checkpoint.chain_uids);
    let others = keys::other_owners(connection, &link, &keys).await?;
    if !others.is_empty() {
        return Err(StoreError::conflict("a key belongs to another link"));
    }
    store(connection, &link, &checkpoint.chain_uids).await?;
    for event in &checkpoint.log {
        log::write(connection, Subject::of_link(&link), event, now).await?;
    }
    sqlx::query(PROLONG)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(micros_after(now, checkpoint.lease))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn settle(
    connection: &mut SqliteConnection,
    lease: &Lease,
    settlement: &Settlement,
    now: DateTime<Utc>,
) -> Result<Settled, StoreError> {
    let QueuedLink {
        link: stored,
        marks,
        ..
    } = links::leased(connection, lease).await?;
    lease.check_link(&settlement.link)?;
    let link = settlement.link.clone().keeping_appointment_of(&stored)?;
    let bare = absorbable(connection, &link, &settlement.chain_uids).await?;
    end_rows(connection, &link, settlement, now).await?;

    let mut moved_work = false;
    for from in &bare {
        moved_work |= has_waiting(connection, from).await?;
    }
    let mut into = stored;
    for from in &bare {
        absorb::move_over(connection, from, &into, now).await?;
        into.appointment = into.appointment.or_else(|| from.appointment.clone());
    }
    // An absorbed link may have brought an appointment.
    let mut settled = link.clone();
    settled.appointment = settled.appointment.or(into.appointment);
    store(connection, &settled, &settlement.chain_uids).await?;
    write_log(connection, &link, settlement, now).await?;
    let opened = reviews::store(connection, &link, settlement, now).await?;
    if let Some(hold) = &settlement.hold {
        tenants::hold(connection, &link.tenant, hold, now).await?;
    }
    if settlement.mark_siblings {
        mark_siblings(connection, &link, now).await?;
    }
    let is_marked = marks != lease.marks || moved_work;
    give_back(connection, &settled, settlement, is_marked, now).await?;
    Ok(Settled::opening(opened))
}

/// The error of a settlement that ends a change or a delivery of another link, of nobody, or for
/// the second time.
pub(super) fn not_waiting() -> StoreError {
    StoreError::new(
        StoreErrorKind::Invalid,
        "the settlement names what does not wait for its link",
    )
}

/// The links that own what the settled link is to own, if all of them can be absorbed.
async fn absorbable(
    connection: &mut SqliteConnection,
    link: &Link,
    chain_uids: &[BookingUid],
) -> Result<Vec<Link>, StoreError> {
    let keys = link.keys(chain_uids);
    let mut appointment = link.appointment.clone();
    let mut bare = Vec::new();
    for owner in keys::other_owners(connection, link, &keys).await? {
        let Some(other) = links::by_id(connection, &link.tenant, owner).await? else {
            continue;
        };
        let is_second = other.appointment.is_some()
            && appointment.is_some()
            && other.appointment != appointment;
        if !other.bare || is_second {
            return Err(StoreError::conflict(format!(
                "link {owner} holds what link {} was to hold",
                link.id
            )));
        }
        appointment = appointment.or_else(|| other.appointment.clone());
        bare.push(other);
    }
    Ok(bare)
}

/// Stores how changes and deliveries ended, and removes the marks that were heeded.
async fn end_rows(
    connection: &mut SqliteConnection,
    link: &Link,
    settlement: &Settlement,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    // One that is named twice ends as was said last.
    let changes: BTreeMap<_, _> = settlement
        .changes
        .iter()
        .map(|(id, fate)| (id, fate))
        .collect();
    for (id, fate) in changes {
        outbox::end(connection, link, *id, fate, now).await?;
    }
    let deliveries = settlement.deliveries.iter();
    let deliveries: BTreeMap<_, _> = deliveries.map(|(id, fate)| (id, fate)).collect();
    for (id, fate) in deliveries {
        inbox::end(connection, link, *id, fate, now).await?;
    }
    for mark in &settlement.marks {
        sqlx::query(REMOVE_MARK)
            .bind(link.tenant.as_str())
            .bind(link.id.get())
            .bind(mark.get())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Stores a link and the keys that are its own from now on.
async fn store(
    connection: &mut SqliteConnection,
    link: &Link,
    chain_uids: &[BookingUid],
) -> Result<(), StoreError> {
    for key in link.keys(chain_uids) {
        keys::own(connection, &link.tenant, &key, link.id).await?;
    }
    links::store(connection, link).await
}

async fn write_log(
    connection: &mut SqliteConnection,
    link: &Link,
    settlement: &Settlement,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut reviews = settlement.reviews.iter();
    let is_tenants = reviews.any(|new| new.scope == ReviewScope::Tenant);
    for event in &settlement.log {
        let about_tenant = match event {
            LogEvent::TenantPaused => true,
            LogEvent::SentToReview { .. } => is_tenants && link.appointment.is_none(),
            _ => false,
        };
        let subject = if about_tenant {
            Subject::of_tenant(&link.tenant)
        } else {
            Subject::of_link(link)
        };
        log::write(connection, subject, event, now).await?;
    }
    Ok(())
}

async fn mark_siblings(
    connection: &mut SqliteConnection,
    link: &Link,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(series) = &link.series else {
        return Ok(());
    };
    sqlx::query(MARK_SIBLINGS)
        .bind(link.tenant.as_str())
        .bind(series.as_str())
        .bind(link.id.get())
        .bind(micros(now))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Ends the lease, and makes the link due for whatever waits for it.
async fn give_back(
    connection: &mut SqliteConnection,
    link: &Link,
    settlement: &Settlement,
    is_marked: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let after = |wait: Duration| micros_after(now, wait);
    let wanted = match settlement.wake {
        Some(wait) if !is_marked => Some(after(wait)),
        _ if is_marked || has_waiting(connection, link).await? => Some(micros(now)),
        _ => None,
    };
    let not_before = settlement.not_before.map(after);
    let due_at = wanted.map(|at| not_before.map_or(at, |not_before| not_before.max(at)));
    sqlx::query(GIVE_BACK)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(not_before)
        .bind(due_at)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn has_waiting(connection: &mut SqliteConnection, link: &Link) -> Result<bool, StoreError> {
    Ok(!outbox::waiting(connection, link).await?.is_empty()
        || !inbox::waiting(connection, link).await?.is_empty()
        || !marks::waiting(connection, link).await?.is_empty())
}
