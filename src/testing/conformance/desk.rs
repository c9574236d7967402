//! What an [`AppointmentDesk`] promises, besides what it promises as a repository.

use std::sync::Arc;

use super::fixtures::ALL;
use super::steps::{patiently, refused, same, told};
use super::table::{AppointmentTable, Detail};
use crate::model::{JsonObject, PhoneNumber};
use crate::store::{
    Appointment, AppointmentDesk, AppointmentId, AppointmentState, AppointmentStatus,
    AppointmentWrite, Change, Origin, Outbox, Page, RequestKey, Revision, StoreError,
    StoreErrorKind, Taken, TenantId,
};

/// How many tasks meet, and how often.
const TASKS: usize = 8;
const ROUNDS: i64 = 10;

const ADA: &str = "+4930123456";
/// Begins as Ada's does.
const BOB: &str = "+49301234567";

/// A desk on trial, the outbox that its changes are recorded in, and what is particular about its table.
#[derive(Clone, Debug)]
#[must_use]
pub struct DeskTable {
    desk: Arc<dyn AppointmentDesk>,
    outbox: Arc<dyn Outbox>,
    table: AppointmentTable,
}

impl<S: AppointmentDesk + Outbox> From<S> for DeskTable {
    fn from(store: S) -> Self {
        let store = Arc::new(store);
        Self::new(store.clone(), store)
    }
}

impl DeskTable {
    /// A desk with no appointments, and the outbox in which it records. Its table keeps every detail of
    /// two tenants.
    pub fn new(desk: Arc<dyn AppointmentDesk>, outbox: Arc<dyn Outbox>) -> Self {
        let table = AppointmentTable::new(desk.clone());
        Self {
            desk,
            outbox,
            table,
        }
    }

    /// Says what is particular about the table.
    pub fn describe(mut self, describe: impl FnOnce(AppointmentTable) -> AppointmentTable) -> Self {
        self.table = describe(self.table);
        self
    }

    /// The table, as it was described.
    #[doc(hidden)]
    pub fn table(&self) -> &AppointmentTable {
        &self.table
    }

    fn tenant(&self) -> &TenantId {
        self.table.tenant()
    }

    /// A confirmed half hour of somebody who is known by phone, as a phone agent takes it.
    fn state(&self, number: &str, minute: i64) -> AppointmentState {
        let mut state = self.table.state(minute);
        state.attendee.phone_number = Some(number.to_owned());
        state
    }

    fn write(&self, number: &str, minute: i64) -> AppointmentWrite {
        self.write_of(self.state(number, minute))
    }

    fn write_of(&self, state: AppointmentState) -> AppointmentWrite {
        AppointmentWrite::new(state, Origin::Phone, self.table.at(0))
    }

    async fn take_for(&self, tenant: &TenantId, key: &str, write: AppointmentWrite) -> Taken {
        let key = RequestKey::new(key);
        let taken = patiently(|| self.desk.take(tenant, &key, write.clone())).await;
        taken.unwrap_or_else(|error| panic!("an appointment is taken: {}", told(&error)))
    }

    async fn take(&self, key: &str, write: AppointmentWrite) -> Taken {
        self.take_for(self.tenant(), key, write).await
    }

    async fn try_revise(
        &self,
        tenant: &TenantId,
        known: &Appointment,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let revise = || {
            self.desk
                .revise(tenant, &known.id, known.revision, write.clone())
        };
        patiently(revise).await
    }

    async fn revise(&self, known: &Appointment, write: AppointmentWrite) -> Appointment {
        let revised = self.try_revise(self.tenant(), known, write).await;
        revised.unwrap_or_else(|error| {
            panic!("a revision of what is there is written: {}", told(&error))
        })
    }

    async fn found_by(
        &self,
        tenant: &TenantId,
        number: &str,
        after: i64,
        limit: u32,
    ) -> Vec<Appointment> {
        let number: PhoneNumber = number.parse().expect("a number of the promises is E.164");
        let after = self.table.at(after);
        let found = patiently(|| self.desk.by_phone(tenant, &number, after, limit)).await;
        found.unwrap_or_else(|error| panic!("a number is looked up: {}", told(&error)))
    }

    async fn found(&self, number: &str) -> Vec<Appointment> {
        self.found_by(self.tenant(), number, 0, ALL).await
    }

    async fn changes(&self, id: &AppointmentId) -> Vec<Change> {
        let changes = self
            .outbox
            .changes(self.tenant(), id, Page::first(ALL))
            .await;
        let changes = changes.expect("changes are read").into_iter();
        changes.map(|(recorded, _)| recorded.change).collect()
    }

    /// The change that a write was is recorded, once.
    async fn assert_recorded(&self, promise: &str, written: &Appointment) {
        let changes = self.changes(&written.id).await;
        let of_write: Vec<_> = changes
            .iter()
            .filter(|change| change.revision == written.revision)
            .collect();
        assert_eq!(
            of_write.len(),
            1,
            "{promise}: revision {} of {} is recorded {} times",
            written.revision,
            written.id,
            of_write.len()
        );
        same(promise, "the origin", &of_write[0].origin, &written.origin);
    }
}

fn ids(appointments: &[Appointment]) -> Vec<&AppointmentId> {
    appointments
        .iter()
        .map(|appointment| &appointment.id)
        .collect()
}

/// What is taken is read as it was written, came from no booking, and is recorded with its origin.
pub async fn what_is_taken_is_stored_and_recorded(desk: &DeskTable) {
    const PROMISE: &str = "what is taken is stored and recorded";
    let write = desk.write(ADA, 60);
    let taken = desk.take("call-1", write.clone()).await;
    assert!(
        taken.is_new,
        "{PROMISE}: the first request is no repetition"
    );
    let taken = taken.appointment;
    desk.table.assert_stored(PROMISE, &taken, &write).await;
    same(PROMISE, "the chain", &taken.chain, &None);
    desk.assert_recorded(PROMISE, &taken).await;
}

/// The same request again gets the appointment and writes nothing, whatever it asks for.
pub async fn taking_twice_takes_once(desk: &DeskTable) {
    const PROMISE: &str = "taking twice takes once";
    let first = desk.take("call-1", desk.write(ADA, 60)).await.appointment;
    for minute in [60, 120] {
        let again = desk.take("call-1", desk.write(ADA, minute)).await;
        assert!(
            !again.is_new,
            "{PROMISE}: the repetition says that it is new"
        );
        same(PROMISE, "the appointment", &again.appointment, &first);
    }
    same(
        PROMISE,
        "what is stored",
        &desk.table.known(&first.id).await,
        &first,
    );
    let recorded = desk.changes(&first.id).await.len();
    assert_eq!(recorded, 1, "{PROMISE}: a repetition is recorded");
    let other = desk.take("call-2", desk.write(ADA, 120)).await;
    assert!(other.is_new, "another request is no repetition");
    assert_ne!(other.appointment.id, first.id);
}

/// The same request again gets the appointment as it is now: moved, cancelled, or given to another person.
pub async fn taking_again_gets_what_has_become_of_it(desk: &DeskTable) {
    const PROMISE: &str = "taking again gets what has become of it";
    let request = desk.write(ADA, 60);
    let mut known = desk.take("call-1", request.clone()).await.appointment;
    let mut cancelled = desk.state(BOB, 90);
    cancelled.status = AppointmentStatus::Cancelled;
    for state in [desk.state(ADA, 90), desk.state(BOB, 90), cancelled] {
        known = desk.revise(&known, desk.write_of(state)).await;
        let again = desk.take("call-1", request.clone()).await;
        assert!(!again.is_new, "{PROMISE}: it was taken again");
        same(PROMISE, "the appointment", &again.appointment, &known);
    }
    let engine = desk.table.write(150, 1);
    let known = desk.table.update(&known, engine).await;
    let again = desk.take("call-1", request).await;
    assert!(!again.is_new, "{PROMISE}: it was taken again");
    same(
        PROMISE,
        "after the engine's write",
        &again.appointment,
        &known,
    );
    same(
        PROMISE,
        "what is stored",
        &desk.table.known(&known.id).await,
        &known,
    );
}

/// The same request many times at once takes one appointment, which all of them get, and of which one
/// says that it is new.
pub async fn taking_at_once_takes_once(desk: &DeskTable) {
    const PROMISE: &str = "taking at once takes once";
    for round in 0..ROUNDS {
        let key = format!("call-{round}");
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (desk, key) = (desk.clone(), key.clone());
                tokio::spawn(async move { desk.take(&key, desk.write(ADA, round * 30)).await })
            })
            .collect();
        let mut taken = Vec::new();
        for task in tasks {
            taken.push(
                task.await
                    .unwrap_or_else(|error| panic!("{PROMISE}: {error}")),
            );
        }
        let first = &taken[0].appointment;
        assert!(
            taken.iter().all(|taken| taken.appointment == *first),
            "{PROMISE}: the calls got {taken:?}"
        );
        let new = taken.iter().filter(|taken| taken.is_new).count();
        assert_eq!(new, 1, "{PROMISE}: {new} calls say that it is new");
        let found = desk.found(ADA).await.len();
        let expected = usize::try_from(round).unwrap_or_default() + 1;
        assert_eq!(found, expected, "{PROMISE}: round {round}");
        desk.assert_recorded(PROMISE, first).await;
    }
}

/// What a request has taken is found by its key, whatever has become of it.
pub async fn what_was_requested_is_found(desk: &DeskTable) {
    const PROMISE: &str = "what was requested is found by its key";
    let found = async |key: &str| {
        let key = RequestKey::new(key);
        let read = async || desk.desk.requested(desk.table.tenant(), &key).await;
        patiently(read).await.expect(PROMISE)
    };
    assert_eq!(found("call-1").await, None, "{PROMISE}: nothing was");
    let taken = desk.take("call-1", desk.write(ADA, 60)).await.appointment;
    desk.take("call-2", desk.write(ADA, 120)).await;
    assert_eq!(found("call-1").await.as_ref(), Some(&taken), "{PROMISE}");
    let mut cancelled = desk.state(BOB, 90);
    cancelled.status = AppointmentStatus::Cancelled;
    let cancelled = desk.revise(&taken, desk.write_of(cancelled)).await;
    assert_eq!(
        found("call-1").await.as_ref(),
        Some(&cancelled),
        "{PROMISE}"
    );
    assert_eq!(found("call-").await, None, "{PROMISE}: a part of a key");
}

/// Keys are compared byte by byte, and belong to their tenant.
pub async fn request_keys_are_their_tenants_own(desk: &DeskTable) {
    const PROMISE: &str = "request keys are compared byte by byte";
    let mut known = Vec::new();
    for (minute, key) in (0..).zip(["call-a", "call-A", "call-a ", "call-ä"]) {
        let taken = desk.take(key, desk.write(ADA, minute * 30)).await;
        assert!(taken.is_new, "{PROMISE}: {key:?} is taken for another key");
        known.push(taken.appointment);
    }
    let Some(other) = desk.table.other_tenant() else {
        return;
    };
    let theirs = desk.take_for(other, "call-a", desk.write(ADA, 300)).await;
    assert!(
        theirs.is_new,
        "the request of another tenant is one of its own"
    );
    let ours = desk.table.known(&known[0].id).await;
    same("one key in two tenants", "ours", &ours, &known[0]);
}

/// A revision is an update that is recorded: of what another one has written meanwhile, or of what is not
/// there, it is none.
pub async fn a_revision_is_written_and_recorded(desk: &DeskTable) {
    const PROMISE: &str = "a revision is written and recorded";
    let taken = desk.take("call-1", desk.write(ADA, 60)).await.appointment;
    let write = desk.write(ADA, 90);
    let revised = desk.revise(&taken, write.clone()).await;
    assert!(revised.revision > taken.revision, "{PROMISE}");
    same(PROMISE, "the id", &revised.id, &taken.id);
    desk.table.assert_stored(PROMISE, &revised, &write).await;
    desk.assert_recorded(PROMISE, &revised).await;
    // A booking of Cal.com's is the desk's, too.
    let booked = desk.table.create("chain", desk.table.write(150, 0)).await;
    let moved = desk.revise(&booked, desk.write(ADA, 180)).await;
    same(PROMISE, "the chain", &moved.chain, &booked.chain);
    desk.assert_recorded(PROMISE, &moved).await;

    let late = desk
        .try_revise(desk.tenant(), &taken, desk.write(ADA, 120))
        .await;
    refused(PROMISE, late, StoreErrorKind::Conflict);
    same(
        PROMISE,
        "what is stored",
        &desk.table.known(&taken.id).await,
        &revised,
    );
    let recorded = desk.changes(&taken.id).await.len();
    assert_eq!(recorded, 2, "{PROMISE}: what was refused is recorded");
    for id in desk.table.unknown_ids() {
        let mut unknown = taken.clone();
        (unknown.id, unknown.revision) = (id, Revision::FIRST);
        let revised = desk.try_revise(desk.tenant(), &unknown, desk.write(ADA, 120));
        refused(PROMISE, revised.await, StoreErrorKind::NotFound);
    }
    if let Some(other) = desk.table.other_tenant() {
        let theirs = desk.try_revise(other, &revised, desk.write(ADA, 120)).await;
        refused(PROMISE, theirs, StoreErrorKind::NotFound);
    }
}

/// A number finds the appointments whose attendee has it, and those alone, as they are stored.
pub async fn a_number_finds_its_appointments(desk: &DeskTable) {
    const PROMISE: &str = "a number finds its appointments";
    same(PROMISE, "of nobody", &desk.found(ADA).await, &Vec::new());
    let of_ada = desk.take("call-1", desk.write(ADA, 60)).await.appointment;
    let of_bob = desk.take("call-2", desk.write(BOB, 60)).await.appointment;
    let mut nobody = desk.table.state(60);
    nobody.attendee.phone_number = None;
    desk.take("call-3", desk.write_of(nobody)).await;
    same(PROMISE, "Ada's", &desk.found(ADA).await, &vec![of_ada]);
    same(PROMISE, "Bob's", &desk.found(BOB).await, &vec![of_bob]);
    // The beginning of both, one more digit, and what looks like a pattern's target.
    for other in ["+493012345", "+493012345678", "+4930123457"] {
        same(PROMISE, other, &desk.found(other).await, &Vec::new());
    }
}

/// A number that stands elsewhere in an appointment is not its attendee's.
pub async fn a_number_elsewhere_is_nobodys(desk: &DeskTable) {
    const PROMISE: &str = "a number elsewhere is nobody's";
    let mut state = desk.state(BOB, 60);
    state = state.with_notes(format!("\"phone_number\":\"{ADA}\" {ADA}").as_str());
    state.attendee.name = format!("{{\"attendee\":{{\"phone_number\":\"{ADA}\"}}}}");
    if desk.table.keeps(Detail::Responses) {
        // Some databases cannot have every text that JSON can have.
        let attendee = serde_json::json!({ "phone_number": ADA, "odd": "\u{0}\\\u{0}\u{0}" });
        let answers = [("phone_number", ADA.into()), ("attendee", attendee)];
        let answers: JsonObject = answers.into_iter().collect::<JsonObject>();
        state.responses = Some(answers.into());
    }
    let of_bob = desk.take("call-1", desk.write_of(state)).await.appointment;
    same(PROMISE, "Ada's", &desk.found(ADA).await, &Vec::new());
    let found = desk.found(BOB).await;
    same(PROMISE, "Bob's", &found, &vec![of_bob]);
}

/// A number finds what is pending and confirmed, and nothing that was cancelled or declined.
pub async fn a_number_finds_live_appointments_only(desk: &DeskTable) {
    const PROMISE: &str = "a number finds live appointments only";
    let statuses = [
        AppointmentStatus::Pending,
        AppointmentStatus::Confirmed,
        AppointmentStatus::Cancelled,
        AppointmentStatus::Declined,
    ];
    let mut live = Vec::new();
    for (n, status) in (0..).zip(statuses) {
        let mut state = desk.state(ADA, n * 30);
        state.status = status;
        let key = format!("call-{n}");
        let taken = desk.take(&key, desk.write_of(state)).await.appointment;
        if status.is_live() {
            live.push(taken);
        }
    }
    same(PROMISE, "what is found", &desk.found(ADA).await, &live);
    let mut state = desk.state(ADA, 0);
    state.status = AppointmentStatus::Cancelled;
    desk.revise(&live[0], desk.write_of(state.clone())).await;
    let left = vec![live[1].clone()];
    same(
        PROMISE,
        "after one was cancelled",
        &desk.found(ADA).await,
        &left,
    );
    state.status = AppointmentStatus::Confirmed;
    let known = desk.table.known(&live[0].id).await;
    let back = desk.revise(&known, desk.write_of(state)).await;
    let both = vec![back, live[1].clone()];
    same(PROMISE, "after it came back", &desk.found(ADA).await, &both);
}

/// A number finds what ends after the instant, also if it has begun, and nothing that has ended by then.
pub async fn a_number_finds_what_has_not_ended(desk: &DeskTable) {
    const PROMISE: &str = "a number finds what has not ended";
    let mut all = Vec::new();
    for n in 0..3 {
        let key = format!("call-{n}");
        let write = desk.write(ADA, n * 60);
        all.push(desk.take(&key, write).await.appointment);
    }
    // It began before all others and ends after them.
    let mut long = desk.state(ADA, -60);
    long.end = desk.table.at(600);
    let long = desk.take("long", desk.write_of(long)).await.appointment;
    for (after, first) in [
        (-600, 0),
        (29, 0),
        (30, 1),
        (60, 1),
        (89, 1),
        (90, 2),
        (150, 3),
    ] {
        let found = desk.found_by(desk.tenant(), ADA, after, ALL).await;
        let mut expected = vec![long.clone()];
        expected.extend_from_slice(&all[first..]);
        let what = format!("what ends after minute {after}");
        same(PROMISE, &what, &found, &expected);
    }
    let none = desk.found_by(desk.tenant(), ADA, 600, ALL).await;
    same(PROMISE, "what ends after the last", &none, &Vec::new());
    let number: PhoneNumber = ADA.parse().expect("E.164");
    for (after, count) in [
        (chrono::DateTime::<chrono::Utc>::MIN_UTC, 4),
        (chrono::DateTime::<chrono::Utc>::MAX_UTC, 0),
    ] {
        let found = desk.desk.by_phone(desk.tenant(), &number, after, ALL).await;
        let found = found.unwrap_or_else(|error| panic!("{PROMISE}: {}", told(&error)));
        assert_eq!(found.len(), count, "{PROMISE}: after {after:?}");
    }
}

/// What ends within the second is told apart to the millisecond, where the table keeps them.
pub async fn ends_are_compared_to_the_millisecond(desk: &DeskTable) {
    const PROMISE: &str = "ends are compared to the millisecond";
    if desk.table.step > chrono::TimeDelta::milliseconds(1) {
        return;
    }
    let mut state = desk.state(ADA, 0);
    state.end = desk.table.at(30) + chrono::TimeDelta::milliseconds(123);
    let taken = desk.take("call-1", desk.write_of(state)).await.appointment;
    let number: PhoneNumber = ADA.parse().expect("E.164");
    for (millis, is_found) in [(0, true), (122, true), (123, false), (124, false)] {
        let after = desk.table.at(30) + chrono::TimeDelta::milliseconds(millis);
        let found = desk.desk.by_phone(desk.tenant(), &number, after, ALL).await;
        let found = found.unwrap_or_else(|error| panic!("{PROMISE}: {}", told(&error)));
        let expected = if is_found {
            vec![taken.clone()]
        } else {
            Vec::new()
        };
        same(PROMISE, &format!("after {millis} ms"), &found, &expected);
    }
}

/// What a number finds comes in the order of its start, as many as are asked for.
pub async fn what_a_number_finds_is_ordered_and_limited(desk: &DeskTable) {
    const PROMISE: &str = "what a number finds is ordered and limited";
    let mut all = Vec::new();
    for (n, minute) in (0..).zip([90, 30, 60, 0, 120]) {
        let key = format!("call-{n}");
        all.push(desk.take(&key, desk.write(ADA, minute)).await.appointment);
        let other = format!("other-{n}");
        desk.take(&other, desk.write(BOB, minute)).await;
    }
    all.sort_by_key(|appointment| appointment.state.start);
    for limit in [0, 1, 3, 5, 100] {
        let found = desk.found_by(desk.tenant(), ADA, 0, limit).await;
        let expected = all.iter().take(limit as usize).cloned().collect();
        same(
            PROMISE,
            &format!("with the limit {limit}"),
            &found,
            &expected,
        );
    }
    // Who comes first when two start at once is the table's choice, and the same each time.
    desk.take("twin", desk.write(ADA, 0)).await;
    let twice = [desk.found(ADA).await, desk.found(ADA).await];
    same(PROMISE, "asked again", &ids(&twice[0]), &ids(&twice[1]));
}

/// A number finds an appointment that came from Cal.com, with the number that it came with.
pub async fn a_number_finds_what_came_from_calcom(desk: &DeskTable) {
    const PROMISE: &str = "a number finds what came from Cal.com";
    let mut write = desk.write(ADA, 60);
    write.origin = Origin::Calcom;
    let booked = desk.table.create("chain", write).await;
    same(
        PROMISE,
        "what is found",
        &desk.found(ADA).await,
        &vec![booked.clone()],
    );
    let mut write = desk.write(ADA, 90);
    write.origin = Origin::Calcom;
    let moved = desk.table.update(&booked, write).await;
    same(
        PROMISE,
        "after a move",
        &desk.found(ADA).await,
        &vec![moved],
    );
}

/// When the number of an appointment changes, the new one finds it and the old one does not.
pub async fn a_changed_number_finds_it_and_the_old_one_does_not(desk: &DeskTable) {
    const PROMISE: &str = "a changed number finds it, and the old one does not";
    let taken = desk.take("call-1", desk.write(ADA, 60)).await.appointment;
    let revised = desk.revise(&taken, desk.write(BOB, 60)).await;
    same(PROMISE, "the old one", &desk.found(ADA).await, &Vec::new());
    same(
        PROMISE,
        "the new one",
        &desk.found(BOB).await,
        &vec![revised.clone()],
    );
    let mut write = desk.write(ADA, 60);
    write.origin = Origin::Calcom;
    let updated = desk.table.update(&revised, write).await;
    same(
        PROMISE,
        "the engine's",
        &desk.found(ADA).await,
        &vec![updated.clone()],
    );
    let mut nobody = desk.state(ADA, 60);
    nobody.attendee.phone_number = None;
    desk.revise(&updated, desk.write_of(nobody)).await;
    same(
        PROMISE,
        "after it was taken away",
        &desk.found(ADA).await,
        &Vec::new(),
    );
}

/// The same number at two tenants finds what is the tenant's own.
pub async fn a_number_does_not_reach_across_tenants(desk: &DeskTable) {
    const PROMISE: &str = "a number does not reach across tenants";
    let Some(other) = desk.table.other_tenant() else {
        return;
    };
    let ours = desk.take("call-1", desk.write(ADA, 60)).await.appointment;
    let theirs = desk.take_for(other, "call-1", desk.write(ADA, 90)).await;
    same(PROMISE, "ours", &desk.found(ADA).await, &vec![ours]);
    let found = desk.found_by(other, ADA, 0, ALL).await;
    same(PROMISE, "theirs", &found, &vec![theirs.appointment]);
    let nobody = desk.found_by(&TenantId::new("nobody"), ADA, 0, ALL).await;
    same(PROMISE, "an unknown tenant's", &nobody, &Vec::new());
}
