//! What an [`AppointmentRepository`] promises.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::fixtures::{assert_fails, at, other_tenant, state, tenant};
use crate::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentStatus, AppointmentWrite,
    ChainKey, Origin, Reason, Revision, StoreErrorKind, Window,
};

fn write(start_minute: i64, minute: i64) -> AppointmentWrite {
    AppointmentWrite::new(state(start_minute), Origin::Calcom, at(minute))
}

async fn create(
    repository: &dyn AppointmentRepository,
    chain: &str,
    write: AppointmentWrite,
) -> Appointment {
    let chain = ChainKey::new(chain);
    let created = repository
        .create_for_booking(&tenant(), &chain, write)
        .await;
    created.expect("an appointment is created")
}

async fn get(repository: &dyn AppointmentRepository, id: &AppointmentId) -> Option<Appointment> {
    let read = repository.get(&tenant(), id).await;
    read.expect("an appointment is read")
}

/// An appointment that is not there is none, and no error.
pub async fn an_unknown_appointment_is_none(repository: &dyn AppointmentRepository) {
    assert_eq!(get(repository, &AppointmentId::new("unknown")).await, None);
}

/// A created appointment is read back as it was answered: state, origin, chain and time.
pub async fn a_created_appointment_is_read_back(repository: &dyn AppointmentRepository) {
    let created = create(repository, "chain", write(60, 3)).await;
    assert_eq!(created.state, state(60));
    assert_eq!(created.origin, Origin::Calcom);
    assert_eq!(created.chain, Some(ChainKey::new("chain")));
    assert_eq!(created.updated_at, at(3));
    assert_eq!(get(repository, &created.id).await, Some(created.clone()));
    let elsewhere = repository.get(&other_tenant(), &created.id).await;
    assert_eq!(elsewhere.expect("an appointment is read"), None);
}

/// Creating for a chain again returns the first one's appointment as it stands now, and writes
/// nothing.
pub async fn creating_for_a_chain_twice_writes_once(repository: &dyn AppointmentRepository) {
    let created = create(repository, "chain", write(60, 0)).await;
    let moved = repository
        .update(&tenant(), &created.id, created.revision, write(90, 1))
        .await
        .expect("an update of the expected revision is written");
    let again = create(repository, "chain", write(120, 2)).await;
    assert_eq!(again, moved);
    assert_eq!(get(repository, &created.id).await, Some(moved));
    let other = create(repository, "other chain", write(60, 3)).await;
    assert_ne!(other.id, created.id);
}

/// The same chain in two tenants makes an appointment in each.
pub async fn one_chain_in_two_tenants_is_two_appointments(repository: &dyn AppointmentRepository) {
    let ours = create(repository, "chain", write(60, 0)).await;
    let theirs = repository
        .create_for_booking(&other_tenant(), &ChainKey::new("chain"), write(90, 1))
        .await
        .expect("an appointment is created");
    assert_eq!(theirs.state, state(90));
    assert_eq!(get(repository, &ours.id).await, Some(ours));
    let read = repository.get(&other_tenant(), &theirs.id).await;
    assert_eq!(read.expect("an appointment is read"), Some(theirs));
}

/// An update raises the revision, stores state, origin and time, and keeps the chain.
pub async fn an_update_raises_the_revision(repository: &dyn AppointmentRepository) {
    let created = create(repository, "chain", write(60, 0)).await;
    let mut cancelled = write(60, 5);
    cancelled.state.status = AppointmentStatus::Cancelled;
    cancelled.origin = Origin::Other("kiosk".to_owned());
    let updated = repository
        .update(&tenant(), &created.id, created.revision, cancelled.clone())
        .await
        .expect("an update of the expected revision is written");
    assert!(updated.revision > created.revision);
    assert_eq!(updated.id, created.id);
    assert_eq!(updated.state, cancelled.state);
    assert_eq!(updated.origin, cancelled.origin);
    assert_eq!(updated.updated_at, at(5));
    assert_eq!(updated.chain, created.chain);
    assert_eq!(get(repository, &created.id).await, Some(updated));
}

/// A detail that the host has a place for is read back as it was written; one that it has no place
/// for is unknown, and never anything else. A reason goes with the write that gave it.
pub async fn details_are_kept_or_unknown(repository: &dyn AppointmentRepository) {
    let detailed = |minute: i64, host: i64, reason: &str| {
        let mut write = write(60, minute).with_reason(Reason::new(reason));
        write.state = state(60)
            .with_host(host.into())
            .with_location("Hauptstr. 1")
            .with_guests(["bob@example.com", "cy@example.com"])
            .with_notes("rings\ntwice");
        write
    };
    let check = |read: &Appointment, written: &AppointmentWrite| {
        let (read, state) = (read, &written.state);
        let kept = |is_unknown: bool, is_same: bool| assert!(is_unknown || is_same, "{read:?}");
        kept(read.state.host.is_none(), read.state.host == state.host);
        kept(
            read.state.location.is_none(),
            read.state.location == state.location,
        );
        kept(
            read.state.guests.is_none(),
            read.state.guests == state.guests,
        );
        kept(read.state.notes.is_none(), read.state.notes == state.notes);
        kept(read.reason.is_none(), read.reason == written.reason);
        assert!(read.state.agrees_with(state), "{read:?}");
    };
    let first = detailed(0, 5, "moved");
    let created = create(repository, "chain", first.clone()).await;
    check(&created, &first);
    let second = detailed(1, 6, "moved again");
    let updated = repository
        .update(&tenant(), &created.id, created.revision, second.clone())
        .await
        .expect("an update of the expected revision is written");
    check(&updated, &second);
    assert_eq!(get(repository, &created.id).await, Some(updated.clone()));
    // Of details that a write does not know, the host may keep its own; an old reason is gone.
    let plain = write(60, 2);
    let updated = repository
        .update(&tenant(), &created.id, updated.revision, plain)
        .await
        .expect("an update of the expected revision is written");
    assert!(updated.state.agrees_with(&state(60)), "{updated:?}");
    assert_eq!(updated.reason, None);
}

/// An update that expects another revision fails and writes nothing.
pub async fn an_update_expects_the_revision(repository: &dyn AppointmentRepository) {
    let created = create(repository, "chain", write(60, 0)).await;
    let updated = repository
        .update(&tenant(), &created.id, created.revision, write(90, 1))
        .await
        .expect("an update of the expected revision is written");
    for expected in [created.revision, updated.revision.next()] {
        let late = repository
            .update(&tenant(), &created.id, expected, write(120, 2))
            .await;
        assert_fails(late, StoreErrorKind::Conflict);
    }
    assert_eq!(get(repository, &created.id).await, Some(updated));
}

/// An update of an appointment that is not there fails.
pub async fn an_update_of_an_unknown_appointment_is_not_found(
    repository: &dyn AppointmentRepository,
) {
    let id = AppointmentId::new("unknown");
    let updated = repository
        .update(&tenant(), &id, Revision::FIRST, write(60, 0))
        .await;
    assert_fails(updated, StoreErrorKind::NotFound);
}

/// An update in the name of another tenant finds nothing and writes nothing.
pub async fn an_update_does_not_reach_across_tenants(repository: &dyn AppointmentRepository) {
    let created = create(repository, "chain", write(60, 0)).await;
    let updated = repository
        .update(&other_tenant(), &created.id, created.revision, write(90, 1))
        .await;
    assert_fails(updated, StoreErrorKind::NotFound);
    assert_eq!(get(repository, &created.id).await, Some(created));
}

/// Creates appointments inside, at the edges of and outside the window `[60, 120)`.
async fn fill(repository: &dyn AppointmentRepository) -> Vec<(DateTime<Utc>, AppointmentId)> {
    let mut inside = Vec::new();
    for (number, start) in [90, 59, 60, 119, 120, 90, 90].into_iter().enumerate() {
        let chain = format!("chain {number}");
        let created = create(repository, &chain, write(start, 0)).await;
        if (60..120).contains(&start) {
            inside.push((created.state.start, created.id));
        }
    }
    inside.sort();
    inside
}

const WHOLE: u32 = 100;

fn window() -> Window {
    Window {
        from: at(60),
        until: at(120),
    }
}

fn position(appointment: &Appointment) -> (DateTime<Utc>, AppointmentId) {
    (appointment.state.start, appointment.id.clone())
}

/// A scan gives the appointments that begin in the window, the first instant included and the last
/// not, by start and id.
pub async fn a_scan_walks_the_window_in_order(repository: &dyn AppointmentRepository) {
    let expected = fill(repository).await;
    let found = repository.scan(&tenant(), window(), None, WHOLE).await;
    let found = found.expect("a window is scanned");
    let positions: Vec<_> = found.iter().map(position).collect();
    assert_eq!(positions, expected);
    assert_eq!(
        get(repository, &found[0].id).await.as_ref(),
        Some(&found[0])
    );
    let theirs = repository
        .scan(&other_tenant(), window(), None, WHOLE)
        .await;
    assert!(theirs.expect("a window is scanned").is_empty());
}

/// A scan that goes on after the last one of a page misses none and repeats none, also among equal
/// starts.
pub async fn a_scan_goes_on_after_the_last_page(repository: &dyn AppointmentRepository) {
    let expected = fill(repository).await;
    let mut positions = Vec::new();
    loop {
        let after = positions.last().cloned();
        let page = repository.scan(&tenant(), window(), after, 2).await;
        let page = page.expect("a window is scanned");
        assert!(page.len() <= 2, "a page is longer than asked for");
        assert!(positions.len() <= expected.len(), "the scan does not end");
        if page.is_empty() {
            break;
        }
        positions.extend(page.iter().map(position));
    }
    assert_eq!(positions, expected);
}

/// Tasks that create for one chain at once make one appointment, and all get it.
pub async fn creating_for_a_chain_at_once_writes_once(repository: Arc<dyn AppointmentRepository>) {
    let tasks: Vec<_> = (0..8)
        .map(|minute| {
            let repository = Arc::clone(&repository);
            tokio::spawn(async move { create(&*repository, "chain", write(60, minute)).await })
        })
        .collect();
    let mut created = Vec::new();
    for task in tasks {
        created.push(task.await.expect("the task creates"));
    }
    assert!(created.iter().all(|appointment| *appointment == created[0]));
    let found = repository.scan(&tenant(), window(), None, WHOLE).await;
    assert_eq!(found.expect("a window is scanned").len(), 1);
}

/// Of updates that expect one revision at once, one is written.
pub async fn of_updates_at_once_one_wins(repository: Arc<dyn AppointmentRepository>) {
    let created = create(&*repository, "chain", write(60, 0)).await;
    let tasks: Vec<_> = (1..=8)
        .map(|minute| {
            let repository = Arc::clone(&repository);
            let (id, expected) = (created.id.clone(), created.revision);
            tokio::spawn(async move {
                let write = write(60 + minute, minute);
                repository.update(&tenant(), &id, expected, write).await
            })
        })
        .collect();
    let mut written = Vec::new();
    for task in tasks {
        match task.await.expect("the task updates") {
            Ok(appointment) => written.push(appointment),
            Err(error) => assert_eq!(error.kind(), StoreErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!(written.len(), 1);
    assert_eq!(get(&*repository, &created.id).await, written.pop());
}
