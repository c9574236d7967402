//! What the engine counts on when the application itself writes its table.

use super::steps::{refused, same, told};
use super::table::{AppointmentTable, HostWrites};
use crate::store::{
    Appointment, AppointmentId, AppointmentState, AppointmentStatus, Origin, Reason,
    StoreErrorKind, Window,
};

async fn make(
    table: &AppointmentTable,
    writes: &dyn HostWrites,
    state: &AppointmentState,
) -> Appointment {
    let made = writes.create(table.tenant(), state).await;
    let id = made
        .unwrap_or_else(|error| panic!("the application makes an appointment: {}", told(&error)));
    table.known(&id).await
}

async fn change(
    table: &AppointmentTable,
    writes: &dyn HostWrites,
    id: &AppointmentId,
    state: &AppointmentState,
) -> Appointment {
    let changed = writes.change(table.tenant(), id, state).await;
    changed
        .unwrap_or_else(|error| panic!("the application changes an appointment: {}", told(&error)));
    table.known(id).await
}

/// What the application makes is read as it was made: it came from no booking, and is not Cal.com's.
pub async fn what_the_application_makes_is_its_own(table: &AppointmentTable) {
    const PROMISE: &str = "what the application makes is its own";
    let Some(writes) = table.host_writes() else {
        return;
    };
    let state = table.state(60);
    let made = make(table, writes, &state).await;
    assert!(
        made.state.agrees_with(&state),
        "{PROMISE}: it differs from what was written: {:?}",
        made.state.differences(&state)
    );
    same(PROMISE, "its chain", &made.chain, &None);
    assert_ne!(
        made.origin,
        Origin::Calcom,
        "{PROMISE}: with the origin of Cal.com it would never be booked"
    );
    let window = Window::new(table.at(60), table.at(61));
    let found = table.scan(window, None, 10).await;
    same(PROMISE, "what a scan gives", &found, &vec![made]);
}

/// Of appointments that the application makes, each has an id of its own.
pub async fn every_appointment_of_the_application_has_its_own_id(table: &AppointmentTable) {
    let Some(writes) = table.host_writes() else {
        return;
    };
    let mut ids = std::collections::BTreeSet::new();
    for n in 0..12_usize {
        let minute = i64::try_from(n).unwrap_or_default() * 30;
        let made = make(table, writes, &table.state_of(n, minute)).await;
        assert!(
            ids.insert(made.id.clone()),
            "every appointment has an id of its own: {} was given twice",
            made.id
        );
    }
}

/// A write of the application's raises the revision, so that the engine, which had read the
/// appointment before, cannot overwrite it.
pub async fn the_application_is_not_overwritten(table: &AppointmentTable) {
    let Some(writes) = table.host_writes() else {
        return;
    };
    let created = table.create("chain", table.write(60, 0)).await;
    let changed = change(table, writes, &created.id, &table.state(90)).await;
    assert!(
        changed.revision > created.revision,
        "every write raises the revision, the application's own too: it was {}, and is {}",
        created.revision,
        changed.revision
    );
    let late = table
        .try_update(&created.id, created.revision, table.write(120, 1))
        .await;
    let promise = "the application is not overwritten";
    refused(promise, late, StoreErrorKind::Conflict);
    assert_eq!(table.get(&created.id).await, Some(changed));
}

/// After a write of the application's, the origin is no longer Cal.com, and the reason that came
/// with Cal.com's write is gone: a stale origin keeps the change from ever being pushed.
pub async fn an_origin_does_not_outlive_its_write(table: &AppointmentTable) {
    const PROMISE: &str = "an origin does not outlive its write";
    let Some(writes) = table.host_writes() else {
        return;
    };
    let write = table.write(60, 0).with_reason(Reason::new("moved by Ann"));
    let created = table.create("chain", write).await;
    same(PROMISE, "the engine's", &created.origin, &Origin::Calcom);
    let changed = change(table, writes, &created.id, &table.state(90)).await;
    assert_ne!(
        changed.origin,
        Origin::Calcom,
        "{PROMISE}: the application changed the appointment, and it still says that Cal.com did"
    );
    assert_eq!(
        changed.reason, None,
        "{PROMISE}: the reason of an earlier write would reach the attendee with this one"
    );
    same(PROMISE, "the chain", &changed.chain, &created.chain);
    let again = table.update(&changed, table.write(120, 1)).await;
    same(
        PROMISE,
        "the engine's again",
        &again.origin,
        &Origin::Calcom,
    );
}

/// What the application cancels is read as cancelled.
pub async fn what_the_application_cancels_has_ended(table: &AppointmentTable) {
    let Some(writes) = table.host_writes() else {
        return;
    };
    let mut state = table.state(60);
    let made = make(table, writes, &state).await;
    state.status = AppointmentStatus::Cancelled;
    let changed = change(table, writes, &made.id, &state).await;
    assert!(
        !changed.state.status.is_live(),
        "what the application cancels has ended: it is read as {:?}",
        changed.state.status
    );
}

/// When the application and the engine write at once, neither write is lost unseen.
pub async fn a_race_with_the_application_loses_nothing(table: &AppointmentTable) {
    let Some(writes) = table.host_writes() else {
        return;
    };
    let mut known = table.create("chain", table.write(0, 0)).await;
    for round in 1..=10 {
        let theirs = table.state(round * 60);
        let ours = table.write(round * 60 + 30, round);
        let (changed, updated) = tokio::join!(
            writes.change(table.tenant(), &known.id, &theirs),
            table.try_update(&known.id, known.revision, ours.clone()),
        );
        if let Err(error) = changed {
            panic!("the application changes an appointment: {}", told(&error));
        }
        let read = table.known(&known.id).await;
        let ends_with_theirs = read.state.agrees_with(&theirs);
        match updated {
            // The engine came second, or the application wrote over it knowingly.
            Ok(updated) => assert!(
                read == updated || ends_with_theirs && read.revision > updated.revision,
                "a race loses nothing: {updated:?} was answered, and {read:?} is read"
            ),
            Err(error) => {
                assert_eq!(error.kind(), StoreErrorKind::Conflict, "{}", told(&error));
                assert!(
                    ends_with_theirs,
                    "a race loses nothing: the engine was refused, and the application's write is \
                     not there"
                );
            }
        }
        assert!(
            read.revision > known.revision,
            "the revision was not raised"
        );
        known = read;
    }
}
