//! Storing how far the work on a link has come, and its outcome. All of it runs under the tenant's
//! lock.

use std::time::Duration;

use sqlx::PgConnection;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;

use super::error::failed;
use super::log::{self, Subject};
use super::rows::ahead;
use super::{absorb, inbox, keys, links, outbox, reviews, statements, tenants};
use crate::model::{BookingUid, RecurringBookingUid};
use crate::sql::decode::QueuedLink;
use crate::store::{
    AppointmentId, ChainKey, Checkpoint, Lease, Link, LinkId, LogEvent, Opaque, ReviewScope,
    Settled, Settlement, StoreError, StoreErrorKind, SyncKey,
};

/// Whether anything waits for the link $2, whose appointment is `$appointment`.
macro_rules! is_awaited {
    ($appointment:literal) => {
        concat!(
            "(EXISTS (SELECT FROM notices \
               WHERE kind = 'change' AND fate IS NULL AND tenant = $1 AND appointment = ", $appointment, ") \
             OR EXISTS (SELECT FROM notices \
               WHERE kind = 'delivery' AND fate IS NULL AND tenant = $1 \
                 AND booking IN (SELECT name FROM keys WHERE tenant = $1 AND link = $2 AND kind = 'booking')) \
             OR EXISTS (SELECT FROM notices WHERE kind = 'mark' AND tenant = $1 AND target = $2))"
        )
    };
}

statements! {
    CHECKPOINT =
        "UPDATE links SET appointment = COALESCE($3, appointment), booking = $4, chain = $5, series = $6, sync_key = $7, \
           is_bare = $8, state = $9, format = $10, due_at = GREATEST(due_at, now_of_books() + $11 * interval '1 us') \
         WHERE tenant = $1 AND id = $2";
    /// $11 is when the link is due, from now; without it, at once if anything waits. $12: not before.
    SETTLE = concat!(
        "UPDATE links SET appointment = COALESCE($3, appointment), booking = $4, chain = $5, series = $6, sync_key = $7, \
           is_bare = $8, state = $9, format = $10, \
           is_leased = false, fence = fence + 1, begun = 0, not_before = now_of_books() + $12 * interval '1 us', \
           due_at = CASE \
             WHEN $11 IS NOT NULL THEN now_of_books() + $11 * interval '1 us' \
             WHEN ", is_awaited!("COALESCE($3, links.appointment)"), " \
             THEN now_of_books() + COALESCE($12, 0) * interval '1 us' END \
         WHERE tenant = $1 AND id = $2"
    );
    HAS_WAITING = concat!("SELECT ", is_awaited!("$3"));
    END_MARKS = "DELETE FROM notices WHERE kind = 'mark' AND tenant = $1 AND target = $2 AND id = ANY ($3)";
    /// A sibling is not locked, only marked; routing makes it due.
    MARK_SIBLINGS =
        "INSERT INTO notices (kind, tenant, target, source) \
         SELECT 'mark', $1, id, 'sibling' FROM links WHERE tenant = $1 AND series = $2 AND id <> $3 ORDER BY id";
}

pub(super) async fn checkpoint(
    connection: &mut PgConnection,
    lease: &Lease,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    links::lock(connection, &lease.tenant, &[lease.link]).await?;
    let stored = links::leased(connection, lease).await?.link;
    lease.check_link(&checkpoint.link)?;
    let link = checkpoint.link.clone().keeping_appointment_of(&stored)?;
    let keys = link.keys(&checkpoint.chain_uids);
    let others = keys::other_owners(connection, &link, &keys).await?;
    if !others.is_empty() {
        return Err(StoreError::conflict("a key belongs to another link"));
    }
    keys::own(connection, &link.tenant, &keys, link.id).await?;
    for event in &checkpoint.log {
        log::write(connection, Subject::of_link(&link), event).await?;
    }
    storing(CHECKPOINT, &link)
        .bind(ahead(checkpoint.lease))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

pub(super) async fn settle(
    connection: &mut PgConnection,
    lease: &Lease,
    settlement: &Settlement,
) -> Result<Settled, StoreError> {
    // A look without a lock, to know which links are to be locked. Appointments and keys stay as
    // they are under the tenant's lock; the lease may yet be lost.
    let stored = links::leased(connection, lease).await?.link;
    lease.check_link(&settlement.link)?;
    let link = settlement.link.clone().keeping_appointment_of(&stored)?;
    let keys = link.keys(&settlement.chain_uids);
    let others = keys::other_owners(connection, &link, &keys).await?;
    let to_lock: Vec<LinkId> = others.iter().copied().chain([link.id]).collect();
    links::lock(connection, &link.tenant, &to_lock).await?;
    let QueuedLink {
        link: stored,
        marks,
        ..
    } = links::leased(connection, lease).await?;

    let bare = absorbable(connection, &link, &others).await?;
    outbox::end(connection, &link, &settlement.changes).await?;
    inbox::end(connection, &link, &settlement.deliveries).await?;
    end_marks(connection, &link, settlement).await?;

    let mut moved_work = false;
    for from in &bare {
        moved_work |= has_waiting(connection, from).await?;
    }
    let mut into = stored;
    for from in &bare {
        absorb::move_over(connection, from, &into).await?;
        into.appointment = into.appointment.or_else(|| from.appointment.clone());
    }
    // An absorbed link may have brought an appointment.
    let mut settled = link.clone();
    settled.appointment = settled.appointment.or(into.appointment);
    let keys = settled.keys(&settlement.chain_uids);
    keys::own(connection, &settled.tenant, &keys, settled.id).await?;
    write_log(connection, &link, settlement).await?;
    let opened = reviews::store(connection, &link, settlement).await?;
    if let Some(hold) = &settlement.hold {
        tenants::hold(connection, &link.tenant, hold).await?;
    }
    if settlement.mark_siblings {
        mark_siblings(connection, &link).await?;
    }
    let is_marked = marks != lease.marks || moved_work;
    give_back(connection, &settled, settlement, is_marked).await?;
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
    connection: &mut PgConnection,
    link: &Link,
    owners: &[LinkId],
) -> Result<Vec<Link>, StoreError> {
    let mut appointment = link.appointment.clone();
    let mut bare = Vec::new();
    for owner in owners {
        let Some(other) = links::by_id(connection, &link.tenant, *owner).await? else {
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

/// Removes the marks that were heeded.
async fn end_marks(
    connection: &mut PgConnection,
    link: &Link,
    settlement: &Settlement,
) -> Result<(), StoreError> {
    if settlement.marks.is_empty() {
        return Ok(());
    }
    let marks: Vec<i64> = settlement.marks.iter().map(|mark| mark.get()).collect();
    sqlx::query(END_MARKS)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(marks)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// A statement with the columns of a link that is stored.
fn storing<'q>(statement: &'static str, link: &'q Link) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(statement)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(link.appointment.as_ref().map(AppointmentId::as_str))
        .bind(link.booking.as_ref().map(BookingUid::as_str))
        .bind(link.chain.as_ref().map(ChainKey::as_str))
        .bind(link.series.as_ref().map(RecurringBookingUid::as_str))
        .bind(link.sync_key.as_ref().map(SyncKey::as_str))
        .bind(link.bare)
        .bind(link.state.as_ref().map(Opaque::bytes))
        .bind(i32::from(link.state.as_ref().map_or(0, Opaque::format)))
}

async fn write_log(
    connection: &mut PgConnection,
    link: &Link,
    settlement: &Settlement,
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
        log::write(connection, subject, event).await?;
    }
    Ok(())
}

async fn mark_siblings(connection: &mut PgConnection, link: &Link) -> Result<(), StoreError> {
    let Some(series) = &link.series else {
        return Ok(());
    };
    sqlx::query(MARK_SIBLINGS)
        .bind(link.tenant.as_str())
        .bind(series.as_str())
        .bind(link.id.get())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// Stores the link, ends the lease, and makes the link due for whatever waits for it.
async fn give_back(
    connection: &mut PgConnection,
    link: &Link,
    settlement: &Settlement,
    is_marked: bool,
) -> Result<(), StoreError> {
    let wanted = if is_marked {
        Some(Duration::ZERO)
    } else {
        settlement.wake
    };
    let not_before = settlement.not_before;
    let due = wanted.map(|wait| not_before.map_or(wait, |not_before| not_before.max(wait)));
    storing(SETTLE, link)
        .bind(due.map(ahead))
        .bind(not_before.map(ahead))
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn has_waiting(connection: &mut PgConnection, link: &Link) -> Result<bool, StoreError> {
    sqlx::query_scalar(HAS_WAITING)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(link.appointment.as_ref().map(AppointmentId::as_str))
        .fetch_one(connection)
        .await
        .map_err(failed)
}
