//! Storing how far the work on a link has come, and its outcome.
//!
//! Each is one call of a function in the database. The outcome of work that touches other links, or
//! review items, is stored by a transaction of several statements.

use std::collections::BTreeMap;

use sqlx::postgres::PgArguments;
use sqlx::query::QueryScalar;
use sqlx::{PgConnection, Postgres};

use super::error::failed;
use super::rows::ahead;
use super::transaction::alone;
use super::{PostgresStore, absorb, keys, links, reviews, statements, tenants};
use crate::model::{BookingUid, RecurringBookingUid};
use crate::sql::decode::QueuedLink;
use crate::sql::json;
use crate::store::{
    AppointmentId, ChainKey, Checkpoint, Lease, Link, LinkId, LinkKey, LogEvent, Opaque,
    ReviewScope, Settled, Settlement, StoreError, SyncKey,
};

statements! {
    CHECKPOINT =
        "SELECT checkpoint_link($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
    SETTLE =
        "SELECT settle_link($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, \
           $22, $23, $24, $25, $26)";
    SETTLE_NOTICES = "SELECT settle_notices($1, $2, $3, now_of_books(), $4, $5, $6, $7, $8)";
    WRITE_TURN = "SELECT write_turn($1, $2, $3, now_of_books(), $4, $5, $6, $7)";
    GIVE_BACK =
        "SELECT give_back($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now_of_books(), $11, $12, $13)";
    IS_AWAITED = "SELECT is_awaited($1, $2, $3)";
    MARK_SIBLINGS = "SELECT mark_siblings($1, $2, $3)";
}

/// What kept the database from storing a link.
const LEASE_LOST: &str = "lease_lost";
const OTHER_APPOINTMENT: &str = "appointment";

pub(super) async fn checkpoint(
    store: &PostgresStore,
    lease: &Lease,
    checkpoint: &Checkpoint,
) -> Result<(), StoreError> {
    let link = &checkpoint.link;
    let keys = link.keys(&checkpoint.chain_uids);
    let (kinds, names) = keys::columns(&keys);
    let log: Vec<String> = checkpoint.log.iter().map(json).collect();
    let stored = with_link(CHECKPOINT, link)
        .bind(lease.fence)
        .bind(kinds)
        .bind(names)
        .bind(log)
        .bind(ahead(checkpoint.lease))
        .fetch_one(store.pool());
    let obstacle: Option<String> = alone("checkpoint", stored).await?;
    match obstacle.as_deref() {
        None => Ok(()),
        Some(LEASE_LOST) => Err(StoreError::lease_lost()),
        Some(OTHER_APPOINTMENT) => Err(StoreError::conflict(
            "the link has another appointment already",
        )),
        Some(_) => Err(StoreError::conflict("a key belongs to another link")),
    }
}

pub(super) async fn settle(
    store: &PostgresStore,
    lease: &Lease,
    settlement: &Settlement,
) -> Result<Settled, StoreError> {
    if touches_link_only(settlement) {
        let obstacle = settle_link(store, lease, settlement).await?;
        match obstacle.as_deref() {
            None => return Ok(Settled::default()),
            Some(LEASE_LOST) => return Err(StoreError::lease_lost()),
            // Another link or a review item is involved; or it is refused, and told why.
            Some(_) => {}
        }
    }
    let mut transaction = store.begin_for("settle", &lease.tenant).await?;
    let settled = settle_with_others(&mut transaction, lease, settlement).await;
    transaction.end(settled).await
}

/// Whether no other row is to be written, as far as can be told before the books are looked into.
fn touches_link_only(settlement: &Settlement) -> bool {
    settlement.outcomes.is_empty() && settlement.reviews.is_empty() && settlement.hold.is_none()
}

/// Stores an outcome that touches nothing else; returns what stands in the way.
async fn settle_link(
    store: &PostgresStore,
    lease: &Lease,
    settlement: &Settlement,
) -> Result<Option<String>, StoreError> {
    let link = &settlement.link;
    let keys = link.keys(&settlement.chain_uids);
    let (kinds, names) = keys::columns(&keys);
    let (log, is_of_tenant) = lines(link, settlement);
    let ended = Ended::of(settlement);
    let stored = with_link(SETTLE, link)
        .bind(lease.fence)
        .bind(kinds)
        .bind(names)
        .bind(log)
        .bind(is_of_tenant)
        .bind(lease.marks)
        .bind(ended.changes)
        .bind(ended.change_fates)
        .bind(ended.deliveries)
        .bind(ended.delivery_fates)
        .bind(ended.marks)
        .bind(settlement.wake.map(ahead))
        .bind(settlement.not_before.map(ahead))
        .bind(settlement.settled)
        .bind(&settlement.gone)
        .bind(settlement.mark_siblings)
        .fetch_one(store.pool());
    alone("settle", stored).await
}

/// Stores any outcome. The transaction holds the tenant's lock.
async fn settle_with_others(
    connection: &mut PgConnection,
    lease: &Lease,
    settlement: &Settlement,
) -> Result<Settled, StoreError> {
    // A look without a lock, to know which links are to be locked. Appointments and keys stay as
    // they are under the tenant's lock; the lease may yet be lost.
    let stored = links::leased(connection, lease).await?.link;
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
    settle_notices(connection, &link, Ended::of(settlement)).await?;
    let mut moved_work = false;
    for from in &bare {
        moved_work |= is_awaited(connection, from).await?;
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
    write_turn(connection, &link, &keys, settlement).await?;
    let opened = reviews::store(connection, &link, settlement).await?;
    if let Some(hold) = &settlement.hold {
        tenants::hold(connection, &link.tenant, hold).await?;
    }
    if settlement.mark_siblings {
        mark_siblings(connection, &link).await?;
    }
    let is_marked = marks != lease.marks || moved_work;
    let given_back = with_link::<()>(GIVE_BACK, &settled)
        .bind(is_marked)
        .bind(settlement.wake.map(ahead))
        .bind(settlement.not_before.map(ahead));
    given_back.fetch_one(connection).await.map_err(failed)?;
    Ok(Settled::opening(opened))
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

async fn settle_notices(
    connection: &mut PgConnection,
    link: &Link,
    ended: Ended<'_>,
) -> Result<(), StoreError> {
    sqlx::query(SETTLE_NOTICES)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(link.appointment.as_ref().map(AppointmentId::as_str))
        .bind(ended.changes)
        .bind(ended.change_fates)
        .bind(ended.deliveries)
        .bind(ended.delivery_fates)
        .bind(ended.marks)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn write_turn(
    connection: &mut PgConnection,
    link: &Link,
    keys: &[LinkKey],
    settlement: &Settlement,
) -> Result<(), StoreError> {
    let (kinds, names) = keys::columns(keys);
    let (log, is_of_tenant) = lines(link, settlement);
    sqlx::query(WRITE_TURN)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(link.appointment.as_ref().map(AppointmentId::as_str))
        .bind(kinds)
        .bind(names)
        .bind(log)
        .bind(is_of_tenant)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

async fn is_awaited(connection: &mut PgConnection, link: &Link) -> Result<bool, StoreError> {
    sqlx::query_scalar(IS_AWAITED)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(link.appointment.as_ref().map(AppointmentId::as_str))
        .fetch_one(connection)
        .await
        .map_err(failed)
}

async fn mark_siblings(connection: &mut PgConnection, link: &Link) -> Result<(), StoreError> {
    let Some(series) = &link.series else {
        return Ok(());
    };
    sqlx::query(MARK_SIBLINGS)
        .bind(link.tenant.as_str())
        .bind(link.id.get())
        .bind(series.as_str())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(())
}

/// What waited for a link and ended, as columns. What is named twice ends as was said last.
struct Ended<'a> {
    changes: Vec<i64>,
    change_fates: Vec<&'a str>,
    deliveries: Vec<i64>,
    delivery_fates: Vec<&'a str>,
    marks: Vec<i64>,
}

impl<'a> Ended<'a> {
    fn of(settlement: &'a Settlement) -> Self {
        let changes = settlement.changes.iter();
        let changes: BTreeMap<_, _> = changes
            .map(|(id, fate)| (id.get(), fate.as_str()))
            .collect();
        let deliveries = settlement.deliveries.iter();
        let deliveries: BTreeMap<_, _> = deliveries
            .map(|(id, fate)| (id.get(), fate.as_str()))
            .collect();
        let (changes, change_fates) = changes.into_iter().unzip();
        let (deliveries, delivery_fates) = deliveries.into_iter().unzip();
        Self {
            changes,
            change_fates,
            deliveries,
            delivery_fates,
            marks: settlement.marks.iter().map(|mark| mark.get()).collect(),
        }
    }
}

/// The lines that go into the log, and which of them are about the tenant and not the link.
fn lines(link: &Link, settlement: &Settlement) -> (Vec<String>, Vec<bool>) {
    let mut reviews = settlement.reviews.iter();
    let is_tenants = reviews.any(|new| new.scope == ReviewScope::Tenant);
    let is_of_tenant = |event: &LogEvent| match event {
        LogEvent::TenantPaused => true,
        LogEvent::SentToReview { .. } => is_tenants && link.appointment.is_none(),
        _ => false,
    };
    let log = settlement.log.iter();
    log.map(|event| (json(event), is_of_tenant(event))).unzip()
}

/// A call with the columns of a link that is stored.
fn with_link<'q, T>(
    statement: &'static str,
    link: &'q Link,
) -> QueryScalar<'q, Postgres, T, PgArguments>
where
    (T,): for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
{
    sqlx::query_scalar(statement)
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
