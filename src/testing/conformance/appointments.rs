//! What an [`AppointmentRepository`](crate::store::AppointmentRepository) promises about one
//! appointment: reading, creating and updating it.

use super::steps::{patiently, refused, same};
use super::table::{AppointmentTable, Detail};
use crate::store::{
    AppointmentId, AppointmentStatus, ChainKey, Reason, Revision, StoreErrorKind, TenantId,
};

/// An appointment that is not there is none, and no error, whatever its id looks like.
pub async fn an_unknown_appointment_is_none(table: &AppointmentTable) {
    for id in table.unknown_ids() {
        let read = table.get(&id).await;
        assert!(
            read.is_none(),
            "an unknown appointment is none: id {id:?} is of no appointment, and {read:?} is read"
        );
    }
}

/// An id names its appointment only as it was given: `7` and `07` are two names, and with both of
/// them one appointment would be booked twice.
pub async fn an_id_has_one_spelling(table: &AppointmentTable) {
    let created = table.create("chain", table.write(60, 0)).await;
    let id = created.id.as_str();
    let spellings = [
        format!("0{id}"),
        format!("+{id}"),
        format!(" {id}"),
        format!("{id} "),
        format!("{id}.0"),
        id.to_uppercase(),
        id.to_lowercase(),
    ];
    for other in spellings.iter().filter(|other| *other != id) {
        let read = table.get(&AppointmentId::new(other.clone())).await;
        assert!(
            read.is_none(),
            "an id has one spelling: {other:?} finds the appointment whose id is {id:?}"
        );
    }
}

/// A created appointment is read back as it was answered: state, origin, chain and time.
pub async fn a_created_appointment_is_read_back(table: &AppointmentTable) {
    const PROMISE: &str = "a created appointment is read back";
    let write = table.write(60, 3);
    let created = table.create("chain", write.clone()).await;
    table.assert_stored(PROMISE, &created, &write).await;
    let chain = Some(ChainKey::new("chain"));
    same(PROMISE, "the chain", &created.chain, &chain);
}

/// Creating for a chain again returns the first one's appointment as it stands now, and writes
/// nothing.
pub async fn creating_for_a_chain_twice_writes_once(table: &AppointmentTable) {
    let created = table.create("chain", table.write(60, 0)).await;
    let moved = table.update(&created, table.write(90, 1)).await;
    let again = table.create("chain", table.write(120, 2)).await;
    assert!(
        again == moved,
        "creating for a chain twice writes once: the second call should return {moved:?}, and \
         returned {again:?}"
    );
    assert_eq!(
        table.get(&created.id).await,
        Some(moved),
        "creating for a chain again changed its appointment"
    );
    let other = table
        .create("other chain", table.write_of(table.state_of(1, 60), 3))
        .await;
    assert_ne!(
        other.id, created.id,
        "another chain gets an appointment of its own"
    );
}

/// Chain keys are compared byte by byte. Two that differ in case, in an accent or in a trailing
/// space are two bookings, which a collation of the database may take for one.
pub async fn chain_keys_are_compared_byte_by_byte(table: &AppointmentTable) {
    let long = "k".repeat(200);
    let keys = [
        "aBcD1234@Cal.com",
        "abcd1234@Cal.com",
        "aBcD1234@Cal.com ",
        "äBcD1234@Cal.com",
        long.as_str(),
        &format!("{long}2"),
    ];
    let mut ids = Vec::new();
    for (n, key) in (0_usize..).zip(keys) {
        let minute = i64::try_from(n).unwrap_or_default() * 30;
        let write = table.write_of(table.state_of(n, minute), 0);
        let created = table.create(key, write).await;
        let promise = format!("the chain key {key:?}");
        same(
            &promise,
            "as read",
            &created.chain,
            &Some(ChainKey::new(key)),
        );
        assert!(
            !ids.contains(&created.id),
            "chain keys are compared byte by byte: {key:?} found the appointment of another key"
        );
        ids.push(created.id);
    }
}

/// The same chain in two tenants makes an appointment in each.
pub async fn one_chain_in_two_tenants_is_two_appointments(table: &AppointmentTable) {
    let Some(other) = table.other_tenant() else {
        return;
    };
    let ours = table.create("chain", table.write(60, 0)).await;
    let write = table.write_of(table.state_of(1, 90), 1);
    let theirs = table.create_for(other, "chain", write.clone()).await;
    let promise = "one chain in two tenants is two appointments";
    table.assert_written(promise, &theirs, &write);
    assert_eq!(table.get(&ours.id).await, Some(ours), "{promise}");
    let read = table.repository.get(other, &theirs.id).await;
    assert_eq!(read.expect("an appointment is read"), Some(theirs));
}

/// An appointment is read and written in the name of its own tenant only.
pub async fn nothing_reaches_across_tenants(table: &AppointmentTable) {
    let Some(other) = table.other_tenant() else {
        return;
    };
    let created = table.create("chain", table.write(60, 0)).await;
    let nobody = TenantId::new("nobody");
    for tenant in [other, &nobody] {
        let read = patiently(|| table.repository.get(tenant, &created.id)).await;
        assert_eq!(
            read.expect("an appointment is read"),
            None,
            "nothing reaches across tenants: {tenant} reads an appointment of another tenant"
        );
        let write = table.write(90, 1);
        let updated = table
            .repository
            .update(tenant, &created.id, created.revision, write);
        let promise = "an update does not reach across tenants";
        refused(promise, updated.await, StoreErrorKind::NotFound);
    }
    assert_eq!(table.get(&created.id).await, Some(created));
}

/// An update raises the revision, stores the whole state, and keeps id and chain.
pub async fn an_update_raises_the_revision(table: &AppointmentTable) {
    const PROMISE: &str = "an update raises the revision";
    let created = table.create("chain", table.write(60, 0)).await;
    let mut write = table.write(75, 5);
    write.state.end = table.at(150);
    write.state.event_type = table.event_type(1);
    write.state.attendee.name = "Ada L.".to_owned();
    write.state.host = table.staff(1);
    let updated = table.update(&created, write.clone()).await;
    assert!(
        updated.revision > created.revision,
        "{PROMISE}: it was {}, and is {}",
        created.revision,
        updated.revision
    );
    same(PROMISE, "the id", &updated.id, &created.id);
    same(PROMISE, "the chain", &updated.chain, &created.chain);
    table.assert_stored(PROMISE, &updated, &write).await;
}

/// Writing the state that is there already raises the revision, too: the engine counts on it to
/// take notice of its own writes.
pub async fn an_update_without_a_change_raises_the_revision(table: &AppointmentTable) {
    let write = table.write(60, 0);
    let created = table.create("chain", write.clone()).await;
    let updated = table.update(&created, write).await;
    assert!(
        updated.revision > created.revision,
        "every write raises the revision, also one that changes nothing: some databases report \
         that no row was affected, and some triggers stay silent"
    );
}

/// Every status survives: pending is not confirmed, and what has ended has ended.
pub async fn every_status_is_kept(table: &AppointmentTable) {
    let statuses = [
        AppointmentStatus::Pending,
        AppointmentStatus::Confirmed,
        AppointmentStatus::Cancelled,
        AppointmentStatus::Declined,
        AppointmentStatus::Confirmed,
        AppointmentStatus::Pending,
    ];
    let mut write = table.write(60, 0);
    write.state.status = AppointmentStatus::Pending;
    let mut known = table.create("chain", write.clone()).await;
    for status in statuses {
        write.state.status = status;
        known = table.update(&known, write.clone()).await;
        let read = known.state.status;
        // Between two ways to have ended there is no difference that counts.
        let is_right = read == status || !read.is_live() && !status.is_live();
        assert!(
            is_right,
            "every status is kept: {status:?} was written, and {read:?} is read"
        );
        assert_eq!(table.get(&known.id).await.as_ref(), Some(&known));
    }
}

/// A booking may have ended when its appointment is created.
pub async fn an_appointment_can_be_created_as_ended(table: &AppointmentTable) {
    let mut write = table.write(60, 0);
    write.state.status = AppointmentStatus::Cancelled;
    let created = table.create("chain", write.clone()).await;
    let promise = "an appointment can be created as ended";
    table.assert_stored(promise, &created, &write).await;
}

/// A reason goes with the write that gave it: the next write replaces it or takes it away.
pub async fn a_reason_goes_with_its_write(table: &AppointmentTable) {
    if !table.must_keep(Detail::Reason, "the table keeps no reasons") {
        return;
    }
    const PROMISE: &str = "a reason goes with its write";
    let with = |minute, reason: &str| table.write(60, minute).with_reason(Reason::new(reason));
    let created = table.create("chain", with(0, "asked for by phone")).await;
    let reason = |text: &str| Some(Reason::new(text));
    same(
        PROMISE,
        "the first",
        &created.reason,
        &reason("asked for by phone"),
    );
    let moved = table
        .update(&created, with(1, "ill\nsince \"Monday\""))
        .await;
    same(
        PROMISE,
        "the second",
        &moved.reason,
        &reason("ill\nsince \"Monday\""),
    );
    let plain = table.update(&moved, table.write(60, 2)).await;
    same(
        PROMISE,
        "an old one, after a write without",
        &plain.reason,
        &None,
    );
    assert_eq!(table.get(&created.id).await, Some(plain));
}

/// An update that expects another revision fails and writes nothing.
pub async fn an_update_expects_the_revision(table: &AppointmentTable) {
    let created = table.create("chain", table.write(60, 0)).await;
    let updated = table.update(&created, table.write(90, 1)).await;
    let stale = [
        created.revision,
        updated.revision.next(),
        Revision::new(0),
        Revision::new(u64::MAX),
    ];
    for expected in stale {
        let late = table
            .try_update(&created.id, expected, table.write(120, 2))
            .await;
        let promise = "an update expects the revision";
        refused(promise, late, StoreErrorKind::Conflict);
    }
    assert_eq!(
        table.get(&created.id).await,
        Some(updated),
        "an update that expected another revision has written something"
    );
}

/// An update of an appointment that is not there fails.
pub async fn an_update_of_an_unknown_appointment_is_not_found(table: &AppointmentTable) {
    for id in table.unknown_ids() {
        let updated = table
            .try_update(&id, Revision::FIRST, table.write(60, 0))
            .await;
        let promise = "an update of an unknown appointment is not found";
        refused(promise, updated, StoreErrorKind::NotFound);
    }
}
