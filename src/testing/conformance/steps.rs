//! The steps that the promises about appointments share, and how they compare.

use std::fmt;
use std::future::Future;

use chrono::{DateTime, TimeDelta, Utc};

use super::table::{AppointmentTable, Detail};
use crate::store::{
    Appointment, AppointmentId, AppointmentWrite, ChainKey, Guests, HostMetadata, Notes, Place,
    Reason, Responses, Revision, StoreError, StoreErrorKind, Window,
};

/// How often a call that finds the table busy is made again.
const TRIES: u32 = 50;

/// Makes a call again while the table is busy: a lock that timed out or a serialization failure is
/// no answer.
pub(super) async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut tries = 1;
    loop {
        match call().await {
            Err(error) if error.kind() == StoreErrorKind::Unavailable && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            answer => return answer,
        }
    }
}

/// Panics unless a value was read as it should be, with the promise that is broken.
#[track_caller]
pub(super) fn same<T: PartialEq + fmt::Debug>(promise: &str, what: &str, read: &T, expected: &T) {
    assert!(
        read == expected,
        "{promise}: {what} should be {expected:?}, and is {read:?}"
    );
}

/// Panics unless a call failed in this way, with the promise that is broken.
#[track_caller]
pub(super) fn refused<T: fmt::Debug>(
    promise: &str,
    answer: Result<T, StoreError>,
    kind: StoreErrorKind,
) {
    match answer {
        Ok(value) => panic!("{promise}: {kind:?} was to be answered, and {value:?} is"),
        Err(error) => assert_eq!(
            error.kind(),
            kind,
            "{promise}: it fails in another way: {}",
            told(&error)
        ),
    }
}

impl AppointmentTable {
    pub(super) async fn create(&self, chain: &str, write: AppointmentWrite) -> Appointment {
        self.create_for(self.tenant(), chain, write).await
    }

    pub(super) async fn create_for(
        &self,
        tenant: &crate::store::TenantId,
        chain: &str,
        write: AppointmentWrite,
    ) -> Appointment {
        let chain = ChainKey::new(chain);
        let created = patiently(|| {
            self.repository
                .create_for_booking(tenant, &chain, write.clone())
        });
        created.await.unwrap_or_else(|error| {
            panic!("an appointment is created for a booking: {}", told(&error))
        })
    }

    pub(super) async fn get(&self, id: &AppointmentId) -> Option<Appointment> {
        let read = patiently(|| self.repository.get(self.tenant(), id)).await;
        read.unwrap_or_else(|error| panic!("an appointment is read: {}", told(&error)))
    }

    pub(super) async fn known(&self, id: &AppointmentId) -> Appointment {
        let read = self.get(id).await;
        read.unwrap_or_else(|| panic!("appointment {id} was written, and is not found"))
    }

    pub(super) async fn try_update(
        &self,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let update = || {
            let write = write.clone();
            self.repository.update(self.tenant(), id, expected, write)
        };
        patiently(update).await
    }

    pub(super) async fn update(&self, known: &Appointment, write: AppointmentWrite) -> Appointment {
        let updated = self.try_update(&known.id, known.revision, write).await;
        updated.unwrap_or_else(|error| {
            panic!(
                "an update that expects the revision that is there is written: {}",
                told(&error)
            )
        })
    }

    pub(super) async fn scan(
        &self,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Vec<Appointment> {
        let page = || {
            let after = after.clone();
            self.repository.scan(self.tenant(), window, after, limit)
        };
        let page = patiently(page).await;
        page.unwrap_or_else(|error| panic!("a window is scanned: {}", told(&error)))
    }

    /// What is left of an instant: what is finer than the table's step is cut off.
    fn kept(&self, instant: DateTime<Utc>) -> DateTime<Utc> {
        let step = self.step.num_microseconds().unwrap_or(1).max(1);
        let micros = instant.timestamp_micros();
        let cut = TimeDelta::microseconds(micros.rem_euclid(step));
        DateTime::from_timestamp_micros(micros).map_or(instant, |instant| instant - cut)
    }

    /// Whether an instant was read as it was written, or cut off where the table's step ends.
    pub(super) fn assert_instant(
        &self,
        promise: &str,
        what: &str,
        read: DateTime<Utc>,
        written: DateTime<Utc>,
    ) {
        let least = self.kept(written);
        assert!(
            (least..=written).contains(&read),
            "{promise}: {what} was written as {written:?} and is read as {read:?}; what is finer \
             than {} ms may be cut off, never rounded up, and nothing else may change",
            self.step.num_milliseconds()
        );
    }

    /// An appointment is read as it was written, as far as the table keeps what was written.
    pub(super) fn assert_written(
        &self,
        promise: &str,
        read: &Appointment,
        written: &AppointmentWrite,
    ) {
        let (state, wrote) = (&read.state, &written.state);
        same(promise, "the status", &state.status, &wrote.status);
        self.assert_instant(promise, "the start", state.start, wrote.start);
        self.assert_instant(promise, "the end", state.end, wrote.end);
        let event_types = (&state.event_type, &wrote.event_type);
        same(promise, "the event type", event_types.0, event_types.1);
        same(promise, "the origin", &read.origin, &written.origin);
        if self.keeps(Detail::WriteTime) {
            self.assert_instant(
                promise,
                "the time of the write",
                read.updated_at,
                written.at,
            );
        }
        let (person, ann) = (&state.attendee, &wrote.attendee);
        same(promise, "the attendee's name", &person.name, &ann.name);
        same(promise, "the e-mail address", &person.email, &ann.email);
        if self.keeps(Detail::TimeZone) {
            same(promise, "the time zone", &person.time_zone, &ann.time_zone);
        }
        let detail = |detail: Detail, what: &str, read: Option<String>, wrote: Option<String>| {
            let expected = wrote.filter(|_| self.keeps(detail));
            same(promise, what, &read, &expected);
        };
        let owned = |text: &Option<String>| text.clone();
        detail(
            Detail::Phone,
            "the phone number",
            owned(&person.phone_number),
            owned(&ann.phone_number),
        );
        detail(
            Detail::Language,
            "the language",
            owned(&person.language),
            owned(&ann.language),
        );
        let reason = |reason: &Option<Reason>| reason.as_ref().map(|r| r.as_str().to_owned());
        detail(
            Detail::Reason,
            "the reason",
            reason(&read.reason),
            reason(&written.reason),
        );
        self.assert_details(promise, read, written);
    }

    /// A detail that a write does not know may be the host's own afterwards, but is never empty.
    fn assert_details(&self, promise: &str, read: &Appointment, written: &AppointmentWrite) {
        let detail = |detail: Detail, what: &str, read: Option<String>, wrote: Option<String>| {
            if !self.keeps(detail) {
                same(promise, what, &read, &None);
            } else if wrote.is_some() {
                same(promise, what, &read, &wrote);
            } else {
                assert!(
                    read.as_deref().is_none_or(|read| !read.is_empty()),
                    "{promise}: {what} was written as unknown and is read as empty: that there is \
                     none is something else than not to know"
                );
            }
        };
        let (state, wrote) = (&read.state, &written.state);
        let absent = |absent: Option<bool>| absent.map(|absent| absent.to_string());
        detail(
            Detail::Absent,
            "whether the attendee did not come",
            absent(state.absent),
            absent(wrote.absent),
        );
        let answers = |answers: &Option<Responses>| {
            let answers = answers.as_ref()?.as_object();
            Some(
                serde_json::to_value(answers)
                    .unwrap_or_default()
                    .to_string(),
            )
        };
        detail(
            Detail::Responses,
            "the answers to booking fields",
            answers(&state.responses),
            answers(&wrote.responses),
        );
        let metadata = |metadata: &Option<HostMetadata>| {
            let entries: Vec<_> = metadata.as_ref()?.iter().collect();
            Some(format!("{entries:?}"))
        };
        detail(
            Detail::Metadata,
            "the metadata",
            metadata(&state.metadata),
            metadata(&wrote.metadata),
        );
        let staff = |id: &Option<crate::model::UserId>| id.map(|id| id.to_string());
        detail(
            Detail::Staff,
            "the member of staff",
            staff(&state.host),
            staff(&wrote.host),
        );
        let place = |place: &Option<Place>| place.as_ref().map(|p| p.as_str().to_owned());
        detail(
            Detail::Location,
            "the location",
            place(&state.location),
            place(&wrote.location),
        );
        let guests = |guests: &Option<Guests>| {
            let guests = guests.as_ref()?;
            Some(guests.iter().collect::<Vec<_>>().join(", "))
        };
        detail(
            Detail::Guests,
            "the guests",
            guests(&state.guests),
            guests(&wrote.guests),
        );
        let notes = |notes: &Option<Notes>| notes.as_ref().map(|n| n.as_str().to_owned());
        let mut read_notes = notes(&state.notes);
        // Some databases have no empty text. That it is unknown then costs nothing.
        if read_notes.is_none() && notes(&wrote.notes).is_some_and(|notes| notes.is_empty()) {
            read_notes = notes(&wrote.notes).filter(|_| self.keeps(Detail::Notes));
        }
        detail(Detail::Notes, "the notes", read_notes, notes(&wrote.notes));
    }

    /// The answer to a write, and what is read afterwards, are the write.
    pub(super) async fn assert_stored(
        &self,
        promise: &str,
        answer: &Appointment,
        written: &AppointmentWrite,
    ) {
        self.assert_written(promise, answer, written);
        let read = self.known(&answer.id).await;
        assert!(
            read == *answer,
            "{promise}: what a write answers is what is read afterwards, to the last digit of its \
             times; the answer was {answer:?}, and {read:?} is read"
        );
    }
}

/// An error with its causes.
pub(super) fn told(error: &StoreError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
