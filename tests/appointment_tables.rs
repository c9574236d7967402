//! The promises about appointments: a table of an ordinary application keeps them all, and each of
//! the usual mistakes breaks one.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use calcom::model::{EventTypeId, UserId};
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChainKey, Guests, InMemoryStore, Notes, Origin, Revision, StoreError,
    StoreErrorKind, TenantId, Window,
};
use calcom::testing::conformance::{
    AppointmentTable, Detail, HostWrites, TableReport, check_appointments,
};
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

/// What an adapter does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    None,
    ParsesIdsLeniently,
    FailsOnStrangeIds,
    FoldsChainKeys,
    ForgetsTheChain,
    ForgetsThatAppointmentsBelongToTenants,
    ReturnsWhatWasAskedInsteadOfWhatIsThere,
    RaisesNoRevisionWithoutAChange,
    ComparesNoRevision,
    ComparesTheRevisionBeforeItLocks,
    LooksForTheChainBeforeItLocks,
    RefusesWhoComesSecond,
    WritesInTwoSteps,
    ConfirmsWhatIsPending,
    CreatesEverythingAsLive,
    WritesEmptyForAbsent,
    ReadsUnknownGuestsAsNone,
    ReadsNoGuestsAsUnknown,
    ReadsUnknownNotesAsEmpty,
    KeepsTheOldReason,
    ForgetsWhoDidNotCome,
    ClaimsToKeepStaff,
    RoundsTimesUp,
    AnswersFinerThanItKeeps,
    KeepsClockTimes,
    LowersAddresses,
    CutsTexts,
    ComposesAccents,
    ScansTheLastInstant,
    ScansBackwards,
    ScansLivingOnes,
    ScansOverlappingPages,
    ScansOnFromARow,
    KeepsTheOrigin,
    RaisesNoRevisionOfItsOwn,
    GivesAnIdTwice,
    MakesAppointmentsOfCalcoms,
    OverwritesTheEngine,
}

/// A table with numbers for keys.
#[derive(Debug)]
struct Salon {
    mistake: Mistake,
    rows: Mutex<Vec<Row>>,
}

#[derive(Clone, Debug)]
struct Row {
    number: u64,
    tenant: TenantId,
    appointment: Appointment,
}

impl Salon {
    fn new(mistake: Mistake) -> Arc<Self> {
        let rows = Mutex::default();
        Arc::new(Self { mistake, rows })
    }

    fn makes(&self, mistake: Mistake) -> bool {
        self.mistake == mistake
    }

    fn number(&self, id: &AppointmentId) -> Option<u64> {
        if self.makes(Mistake::ParsesIdsLeniently) {
            return id.as_str().trim().parse().ok();
        }
        let number: u64 = id.as_str().parse().ok()?;
        (number.to_string() == id.as_str()).then_some(number)
    }

    fn position(&self, rows: &[Row], tenant: &TenantId, id: &AppointmentId) -> Option<usize> {
        let number = self.number(id)?;
        let anybody = self.makes(Mistake::ForgetsThatAppointmentsBelongToTenants);
        let is_it = |row: &Row| row.number == number && (anybody || row.tenant == *tenant);
        rows.iter().position(is_it)
    }

    fn is_of(&self, row: &Row, chain: &ChainKey) -> bool {
        let own = row.appointment.chain.as_ref().map(ChainKey::as_str);
        if self.makes(Mistake::FoldsChainKeys) {
            own.map(str::to_lowercase) == Some(chain.as_str().to_lowercase())
        } else {
            own == Some(chain.as_str())
        }
    }

    /// A row as the table keeps it.
    fn store(&self, state: &AppointmentState) -> AppointmentState {
        let mut state = state.clone();
        let cut = |instant: DateTime<Utc>| instant.trunc_subsecs(3);
        (state.start, state.end) = (cut(state.start), cut(state.end));
        let ann = &mut state.attendee;
        match self.mistake {
            Mistake::ConfirmsWhatIsPending if state.status == AppointmentStatus::Pending => {
                state.status = AppointmentStatus::Confirmed;
            }
            Mistake::WritesEmptyForAbsent => ann.email = Some(ann.email.take().unwrap_or_default()),
            Mistake::ReadsUnknownGuestsAsNone => {
                state.guests = state.guests.or(Some(Guests::from_iter([""; 0])));
            }
            Mistake::ReadsNoGuestsAsUnknown => {
                state.guests = state.guests.filter(|guests| !guests.is_empty());
            }
            Mistake::ReadsUnknownNotesAsEmpty => {
                state.notes = state.notes.or(Some(Notes::new("")));
            }
            Mistake::ForgetsWhoDidNotCome => state.absent = state.absent.filter(|absent| *absent),
            Mistake::ClaimsToKeepStaff => state.host = None,
            Mistake::KeepsClockTimes => {
                // The second of two hours that a clock in Berlin shows as one.
                let second: DateTime<Utc> = "2027-10-31T01:00:00Z".parse().unwrap();
                if (second..second + TimeDelta::hours(1)).contains(&state.start) {
                    state.start -= TimeDelta::hours(1);
                    state.end -= TimeDelta::hours(1);
                }
            }
            Mistake::LowersAddresses => {
                ann.email = ann.email.as_ref().map(|email| email.to_lowercase());
            }
            Mistake::CutsTexts => {
                let cut =
                    |notes: Notes| Notes::new(notes.as_str().chars().take(255).collect::<String>());
                state.notes = state.notes.map(cut);
            }
            Mistake::ComposesAccents => ann.name = ann.name.replace("e\u{308}", "ë"),
            _ => {}
        }
        state
    }

    fn rounded(&self, written: &AppointmentState, kept: &mut AppointmentState) {
        if self.makes(Mistake::RoundsTimesUp) {
            kept.start = written.start.round_subsecs(3);
        }
    }

    fn insert(
        &self,
        rows: &mut Vec<Row>,
        tenant: &TenantId,
        origin: Origin,
        state: &AppointmentState,
        at: DateTime<Utc>,
    ) -> usize {
        let twice = self.makes(Mistake::GivesAnIdTwice) && rows.len() == 5;
        let number = rows.len() as u64 + u64::from(!twice);
        let mut kept = self.store(state);
        self.rounded(state, &mut kept);
        let id = AppointmentId::new(number.to_string());
        let at = at.trunc_subsecs(3);
        let appointment = Appointment::new(id, Revision::new(40), origin, kept, at);
        rows.push(Row {
            number,
            tenant: tenant.clone(),
            appointment,
        });
        rows.len() - 1
    }

    fn answer(&self, row: &Row, write: &AppointmentWrite) -> Appointment {
        let mut answer = row.appointment.clone();
        if self.makes(Mistake::AnswersFinerThanItKeeps) {
            answer.state.start = write.state.start;
        }
        answer
    }
}

#[async_trait]
impl AppointmentRepository for Salon {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        if self.makes(Mistake::FailsOnStrangeIds) && self.number(id).is_none() {
            return Err(StoreError::new(StoreErrorKind::Corrupt, "no number"));
        }
        let rows = self.rows.lock().unwrap();
        let found = self.position(&rows, tenant, id);
        Ok(found.map(|found| rows[found].appointment.clone()))
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let find = |rows: &[Row]| {
            let is_it = |row: &Row| row.tenant == *tenant && self.is_of(row, chain);
            rows.iter().position(is_it)
        };
        let mut found = find(&self.rows.lock().unwrap());
        if self.makes(Mistake::LooksForTheChainBeforeItLocks) {
            tokio::task::yield_now().await;
        } else {
            found = None;
        }
        let mut rows = self.rows.lock().unwrap();
        if !self.makes(Mistake::LooksForTheChainBeforeItLocks) {
            found = find(&rows);
        }
        if let Some(found) = found {
            let mut known = rows[found].appointment.clone();
            if self.makes(Mistake::RefusesWhoComesSecond) {
                let kind = StoreErrorKind::Conflict;
                return Err(StoreError::new(kind, "duplicate key"));
            }
            if self.makes(Mistake::ReturnsWhatWasAskedInsteadOfWhatIsThere) {
                known.state = write.state;
            }
            return Ok(known);
        }
        let (origin, at) = (write.origin.clone(), write.at);
        let mut state = write.state.clone();
        if self.makes(Mistake::CreatesEverythingAsLive) {
            state.status = AppointmentStatus::Confirmed;
        }
        let n = self.insert(&mut rows, tenant, origin, &state, at);
        rows[n].appointment.reason = write.reason.clone();
        if !self.makes(Mistake::ForgetsTheChain) || rows.len() > 1 {
            rows[n].appointment.chain = Some(chain.clone());
        }
        Ok(self.answer(&rows[n], &write))
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let missing = || StoreError::new(StoreErrorKind::NotFound, "there is no such appointment");
        let conflict = || StoreError::new(StoreErrorKind::Conflict, "it was written meanwhile");
        let found = {
            let rows = self.rows.lock().unwrap();
            let found = self.position(&rows, tenant, id).ok_or_else(missing)?;
            let is_expected = rows[found].appointment.revision == expected;
            if !is_expected && !self.makes(Mistake::ComparesNoRevision) {
                return Err(conflict());
            }
            found
        };
        if self.makes(Mistake::ComparesTheRevisionBeforeItLocks) {
            tokio::task::yield_now().await;
        }
        if self.makes(Mistake::WritesInTwoSteps) {
            self.rows.lock().unwrap()[found].appointment.state.start = write.state.start;
            tokio::time::sleep(std::time::Duration::from_micros(300)).await;
        }
        let mut rows = self.rows.lock().unwrap();
        let row = &mut rows[found].appointment;
        let compares = !matches!(
            self.mistake,
            Mistake::ComparesTheRevisionBeforeItLocks | Mistake::ComparesNoRevision
        );
        if compares && row.revision != expected {
            return Err(conflict());
        }
        let mut kept = self.store(&write.state);
        self.rounded(&write.state, &mut kept);
        let changed = kept != row.state || !self.makes(Mistake::RaisesNoRevisionWithoutAChange);
        if changed {
            row.revision = row.revision.next();
        }
        row.state = kept;
        row.origin = write.origin.clone();
        row.updated_at = write.at.trunc_subsecs(3);
        if !self.makes(Mistake::KeepsTheOldReason) || write.reason.is_some() {
            row.reason = write.reason.clone();
        }
        Ok(self.answer(&rows[found], &write))
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let mut rows = self.rows.lock().unwrap().clone();
        if !self.makes(Mistake::ForgetsThatAppointmentsBelongToTenants) {
            rows.retain(|row| row.tenant == *tenant);
        }
        let last = TimeDelta::minutes(i64::from(self.makes(Mistake::ScansTheLastInstant)));
        rows.retain(|row| {
            (window.from..window.until + last).contains(&row.appointment.state.start)
        });
        if self.makes(Mistake::ScansLivingOnes) {
            rows.retain(|row| row.appointment.state.status.is_live());
        }
        // By number, and not by the text of it: 9 comes before 10.
        rows.sort_by_key(|row| (row.appointment.state.start, row.number));
        if self.makes(Mistake::ScansBackwards) {
            rows.reverse();
        } else if let Some((start, id)) = after {
            let number = self.number(&id).unwrap_or_default();
            if self.makes(Mistake::ScansOnFromARow) {
                let stood = rows.iter().position(|row| row.number == number);
                rows.drain(..=stood.unwrap_or_default());
            } else {
                let overlap = self.makes(Mistake::ScansOverlappingPages);
                rows.retain(|row| {
                    let position = (row.appointment.state.start, row.number);
                    position > (start, number) || overlap && position.0 == start
                });
            }
        }
        rows.truncate(limit as usize);
        Ok(rows.into_iter().map(|row| row.appointment).collect())
    }
}

#[async_trait]
impl HostWrites for Salon {
    async fn create(
        &self,
        tenant: &TenantId,
        state: &AppointmentState,
    ) -> Result<AppointmentId, StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let origin = match self.mistake {
            Mistake::MakesAppointmentsOfCalcoms => Origin::Calcom,
            _ => Origin::Admin,
        };
        let n = self.insert(&mut rows, tenant, origin, state, state.start);
        Ok(rows[n].appointment.id.clone())
    }

    async fn change(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        state: &AppointmentState,
    ) -> Result<(), StoreError> {
        let mut rows = self.rows.lock().unwrap();
        let found = self.position(&rows, tenant, id).unwrap();
        let row = &mut rows[found].appointment;
        row.state = self.store(state);
        if self.makes(Mistake::OverwritesTheEngine) {
            row.revision = Revision::new(41);
            row.reason = None;
        } else {
            row.revision = row.revision.next();
            row.reason = None;
        }
        if self.makes(Mistake::RaisesNoRevisionOfItsOwn) {
            row.revision = Revision::new(row.revision.get() - 1);
        }
        if !self.makes(Mistake::KeepsTheOrigin) {
            row.origin = Origin::Admin;
        }
        Ok(())
    }
}

fn table(salon: &Arc<Salon>) -> AppointmentTable {
    AppointmentTable::new(salon.clone()).with_host_writes(salon.clone())
}

async fn check(mistake: Mistake) -> TableReport {
    check_appointments(|| async { table(&Salon::new(mistake)) }).await
}

calcom::appointment_conformance!(numbered, table(&Salon::new(Mistake::None)));

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_with_numbers_for_keys_keeps_every_promise() {
    let report = check(Mistake::None).await;
    assert!(report.is_kept() && report.skipped.is_empty(), "{report}");
    assert!(report.kept.len() > 30, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_bundled_tables_keep_every_promise() {
    let in_memory = check_appointments(|| async {
        let store = InMemoryStore::new();
        AppointmentTable::new(Arc::new(store.clone())).with_host_writes(Arc::new(store))
    })
    .await;
    let in_memory = (in_memory.is_kept(), in_memory.skipped);
    assert_eq!(in_memory, (true, vec![]));
}

/// A table of few columns says so, and is then held to what it keeps.
#[derive(Debug)]
struct Bare(Arc<Salon>);

fn bare(mut appointment: Appointment) -> Appointment {
    let state = &mut appointment.state;
    (state.host, state.location, state.guests, state.notes) = (None, None, None, None);
    (state.absent, state.responses, state.metadata) = (None, None, None);
    (state.attendee.phone_number, state.attendee.language) = (None, None);
    state.attendee.time_zone = "Europe/Berlin".to_owned();
    appointment.reason = None;
    appointment.updated_at = DateTime::UNIX_EPOCH;
    appointment
}

#[async_trait]
impl AppointmentRepository for Bare {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        Ok(self.0.get(tenant, id).await?.map(bare))
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let created = self.0.create_for_booking(tenant, chain, write);
        Ok(bare(created.await?))
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        Ok(bare(self.0.update(tenant, id, expected, write).await?))
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let found = self.0.scan(tenant, window, after, limit).await?;
        Ok(found.into_iter().map(bare).collect())
    }
}

fn bare_table() -> AppointmentTable {
    AppointmentTable::from(Bare(Salon::new(Mistake::None)))
        .with_tenants([TenantId::new("the-only-one")])
        .with_event_types([EventTypeId::new(4711)])
        .with_staff([UserId::new(3)])
        .without(Detail::Staff)
        .without(Detail::Location)
        .without(Detail::Guests)
        .without(Detail::Notes)
        .without(Detail::Absent)
        .without(Detail::Responses)
        .without(Detail::Metadata)
        .without(Detail::Reason)
        .without(Detail::Phone)
        .without(Detail::Language)
        .without(Detail::TimeZone)
        .without(Detail::WriteTime)
}

calcom::appointment_conformance!(of_few_columns, bare_table());

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_table_does_not_have_is_skipped_and_said() {
    let report = check_appointments(|| async { bare_table() }).await;
    assert!(report.is_kept(), "{report}");
    let skipped: Vec<_> = report.skipped.iter().map(|(promise, _)| *promise).collect();
    let expected = [
        "one_chain_in_two_tenants_is_two_appointments",
        "nothing_reaches_across_tenants",
        "a_reason_goes_with_its_write",
        "no_guests_is_not_unknown_guests",
        "a_scan_does_not_reach_across_tenants",
        "what_the_application_makes_is_its_own",
        "every_appointment_of_the_application_has_its_own_id",
        "the_application_is_not_overwritten",
        "an_origin_does_not_outlive_its_write",
        "what_the_application_cancels_has_ended",
        "a_race_with_the_application_loses_nothing",
    ];
    assert_eq!(skipped, expected);
    let text = report.to_string();
    assert!(text.contains("SKIPPED a_reason_goes_with_its_write: the table keeps no reasons"));
}

/// The whole list: each mistake, and a promise that it breaks.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_mistake_breaks_a_promise() {
    use Mistake as M;
    let mistakes = [
        (M::ParsesIdsLeniently, "an_id_has_one_spelling"),
        (M::FailsOnStrangeIds, "an_unknown_appointment_is_none"),
        (M::FoldsChainKeys, "chain_keys_are_compared_byte_by_byte"),
        (M::ForgetsTheChain, "a_created_appointment_is_read_back"),
        (
            M::ForgetsThatAppointmentsBelongToTenants,
            "nothing_reaches_across_tenants",
        ),
        (
            M::ForgetsThatAppointmentsBelongToTenants,
            "a_scan_does_not_reach_across_tenants",
        ),
        (
            M::ReturnsWhatWasAskedInsteadOfWhatIsThere,
            "creating_for_a_chain_twice_writes_once",
        ),
        (
            M::RaisesNoRevisionWithoutAChange,
            "an_update_without_a_change_raises_the_revision",
        ),
        (M::ComparesNoRevision, "an_update_expects_the_revision"),
        (
            M::ComparesTheRevisionBeforeItLocks,
            "of_updates_at_once_one_wins",
        ),
        (
            M::LooksForTheChainBeforeItLocks,
            "creating_for_a_chain_at_once_writes_once",
        ),
        (
            M::RefusesWhoComesSecond,
            "creating_for_a_chain_at_once_writes_once",
        ),
        (
            M::WritesInTwoSteps,
            "a_dropped_call_leaves_nothing_half_done",
        ),
        (M::ConfirmsWhatIsPending, "every_status_is_kept"),
        (
            M::CreatesEverythingAsLive,
            "an_appointment_can_be_created_as_ended",
        ),
        (
            M::WritesEmptyForAbsent,
            "what_an_attendee_lacks_stays_absent",
        ),
        (
            M::ReadsUnknownGuestsAsNone,
            "no_guests_is_not_unknown_guests",
        ),
        (M::ReadsNoGuestsAsUnknown, "no_guests_is_not_unknown_guests"),
        (M::ReadsUnknownNotesAsEmpty, "no_notes_is_not_unknown_notes"),
        (M::KeepsTheOldReason, "a_reason_goes_with_its_write"),
        (M::ForgetsWhoDidNotCome, "details_are_kept_or_unknown"),
        (M::ClaimsToKeepStaff, "details_are_kept_or_unknown"),
        (M::RoundsTimesUp, "fractions_of_a_second_are_cut_off_alike"),
        (
            M::AnswersFinerThanItKeeps,
            "fractions_of_a_second_are_cut_off_alike",
        ),
        (M::KeepsClockTimes, "an_instant_is_kept_where_clocks_change"),
        (M::LowersAddresses, "an_address_keeps_its_case"),
        (M::CutsTexts, "the_longest_texts_are_kept"),
        (M::ComposesAccents, "hostile_texts_are_kept"),
        (M::ScansTheLastInstant, "a_scan_walks_the_window_in_order"),
        (M::ScansBackwards, "a_scan_walks_the_window_in_order"),
        (M::ScansLivingOnes, "a_scan_gives_what_has_ended"),
        (
            M::ScansOverlappingPages,
            "pages_miss_nothing_and_repeat_nothing",
        ),
        (M::ScansOnFromARow, "a_scan_goes_on_from_where_it_stood"),
        (M::KeepsTheOrigin, "an_origin_does_not_outlive_its_write"),
        (
            M::RaisesNoRevisionOfItsOwn,
            "the_application_is_not_overwritten",
        ),
        (
            M::GivesAnIdTwice,
            "every_appointment_of_the_application_has_its_own_id",
        ),
        (
            M::MakesAppointmentsOfCalcoms,
            "what_the_application_makes_is_its_own",
        ),
        (
            M::OverwritesTheEngine,
            "a_race_with_the_application_loses_nothing",
        ),
    ];
    for (mistake, promise) in mistakes {
        let report = check(mistake).await;
        let is_broken = report.broken.iter().any(|(broken, _)| *broken == promise);
        assert!(is_broken, "{mistake:?} does not break {promise}: {report}");
    }
}

/// What a table says is broken names the promise.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_broken_promise_is_named_with_both_values() {
    let report = check(Mistake::ConfirmsWhatIsPending).await;
    let text = report.to_string();
    let line = "every status is kept: Pending was written, and Confirmed is read";
    assert!(text.contains(line), "{text}");
}
