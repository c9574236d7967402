//! Reading a row of a host's table.

use chrono::{DateTime, Utc};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, Row as _, Type};

use super::parts::Part;
use super::table::{EventTypeOf, HostTable, TimeZoneOf};
use crate::model::{EventTypeId, UserId};
use crate::postgres::error::failed;
use crate::store::{
    Appointment, AppointmentId, AppointmentState, AppointmentStatus, ChainKey, Origin, Person,
    Reason, Revision, StoreError, StoreErrorKind,
};

/// A row as the statements return it.
pub(super) struct HostRow<'r> {
    pub(super) table: &'r HostTable,
    pub(super) row: &'r PgRow,
}

impl<'r> HostRow<'r> {
    pub(super) fn appointment(&self) -> Result<Appointment, StoreError> {
        let name: Option<String> = self.part(Part::Name)?;
        let mut person = Person::new(name.unwrap_or_default(), "", self.time_zone()?);
        person.email = self.part(Part::Email)?;
        person.phone_number = self.part(Part::Phone)?;
        person.language = self.part(Part::Language)?;
        let (start, end) = (self.instant(Part::Start)?, self.instant(Part::End)?);
        let (status, event_type) = (self.status()?, self.event_type()?);
        let mut state = AppointmentState::new(status, start, end, event_type, person);
        state.host = self.part(Part::Host)?.map(UserId::new);
        state.location = self.part::<String>(Part::Location)?.map(Into::into);
        let guests: Option<Vec<String>> = self.part(Part::Guests)?;
        state.guests = guests.map(|guests| guests.into_iter().collect());
        state.notes = self.part::<String>(Part::Notes)?.map(Into::into);
        state.absent = self.part(Part::Absent)?;

        let revision: Option<i64> = self.get("row_revision")?;
        let revision = revision.and_then(|revision| u64::try_from(revision).ok());
        let revision = revision.ok_or_else(|| self.corrupt(&self.table.revision, "no revision"))?;
        let origin: Option<String> = self.part(Part::Origin)?;
        let origin = origin.map_or(Origin::Admin, |word| self.table.origin_of(&word));
        let chain: Option<String> = self.get("row_chain")?;
        let reason: Option<String> = self.part(Part::Reason)?;
        let appointment = Appointment::new(
            AppointmentId::new(self.get::<String>("row_id")?),
            Revision::new(revision),
            origin,
            state,
            self.instant(Part::UpdatedAt)?,
        );
        let appointment = appointment.with_chain(chain.map(ChainKey::from));
        Ok(appointment.with_reason(reason.map(Reason::from)))
    }

    fn get<T>(&self, alias: &'static str) -> Result<T, StoreError>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
    {
        self.row.try_get(alias).map_err(failed)
    }

    /// A part of the appointment; `None` if the row, or the table, is without it.
    fn part<T>(&self, part: Part) -> Result<Option<T>, StoreError>
    where
        T: Decode<'r, Postgres> + Type<Postgres>,
    {
        match self.column_of(part) {
            Some(_) => self.get(part.alias()),
            None => Ok(None),
        }
    }

    fn column_of(&self, part: Part) -> Option<&'r str> {
        let parts = self.table.parts();
        let found = parts.into_iter().find(|(held, _)| *held == part);
        found.map(|(_, column)| column)
    }

    fn instant(&self, part: Part) -> Result<DateTime<Utc>, StoreError> {
        let micros: Option<i64> = self.part(part)?;
        let instant = micros.and_then(DateTime::from_timestamp_micros);
        instant.ok_or_else(|| self.corrupt(self.column_of(part).unwrap_or_default(), "no time"))
    }

    fn status(&self) -> Result<AppointmentStatus, StoreError> {
        let word: Option<String> = self.part(Part::Status)?;
        let status = word.and_then(|word| self.table.statuses().remove(&word));
        status.ok_or_else(|| self.corrupt(&self.table.status, "a word that is mapped to no status"))
    }

    fn event_type(&self) -> Result<EventTypeId, StoreError> {
        match &self.table.event_type {
            EventTypeOf::Column(column) => {
                let id: Option<i64> = self.part(Part::EventType)?;
                id.map(EventTypeId::new)
                    .ok_or_else(|| self.corrupt(column, "no event type"))
            }
            EventTypeOf::Service(column, services) => {
                let service: Option<String> = self.part(Part::Service)?;
                let mut services = services.iter();
                let found = services.find(|(known, _)| Some(known) == service.as_ref());
                let (_, id) =
                    found.ok_or_else(|| self.corrupt(column, "a service without an event type"))?;
                Ok(*id)
            }
        }
    }

    fn time_zone(&self) -> Result<String, StoreError> {
        match &self.table.time_zone {
            TimeZoneOf::Fixed(zone) => Ok(zone.clone()),
            TimeZoneOf::Column(column) => self
                .part(Part::TimeZone)?
                .ok_or_else(|| self.corrupt(column, "no time zone")),
        }
    }

    /// An error that names the column, and not what it holds.
    fn corrupt(&self, column: &str, what: &str) -> StoreError {
        let HostTable { schema, table, .. } = self.table;
        let message = format!("the column {column:?} of {schema:?}.{table:?} holds {what}");
        StoreError::new(StoreErrorKind::Corrupt, message)
    }
}
