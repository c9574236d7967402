//! The adapter: the salon's table behind the engine's port.

use async_trait::async_trait;
use calcom::chrono::{DateTime, Utc};
use calcom::model::UserId;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChainKey, Origin, Person, Reason, Revision, StoreError, StoreErrorKind,
    TenantId, Window,
};
use sqlx::Row;
use sqlx::error::ErrorKind;
use sqlx::sqlite::SqliteRow;

use crate::salon::Salon;

/// The columns of a visit, with the numbers that Cal.com knows its service and stylist by.
macro_rules! visit {
    () => {
        "visit_no, state, begins_ms, ends_ms, client, email, phone, language, zone, place, guests, remarks, version, \
         changed_by, changed_why, changed_ms, calcom_chain, \
         (SELECT calcom_event_type FROM services WHERE services.service_no = visits.service_no) AS event_type, \
         (SELECT calcom_user FROM stylists WHERE stylists.stylist_no = visits.stylist_no) AS host"
    };
}

const GET: &str = concat!("SELECT ", visit!(), " FROM visits WHERE visit_no = ?1");
const GET_BY_CHAIN: &str = concat!("SELECT ", visit!(), " FROM visits WHERE calcom_chain = ?1");
const CREATE: &str = "
INSERT INTO visits (calcom_chain, state, begins_ms, ends_ms, service_no, stylist_no, client, email, phone, language, zone,
    place, guests, remarks, changed_by, changed_why, changed_ms)
VALUES (?1, ?2, ?3, ?4, (SELECT service_no FROM services WHERE calcom_event_type = ?5),
    (SELECT stylist_no FROM stylists WHERE calcom_user = ?6), ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
ON CONFLICT (calcom_chain) DO NOTHING";
/// What the engine does not know stays as it is. That a visit was completed is more than Cal.com
/// knows, so a booking that is confirmed leaves it so.
const UPDATE: &str = concat!(
    "UPDATE visits SET state = CASE WHEN ?2 = 'booked' AND state IN ('completed', 'no_show') THEN state ELSE ?2 END, \
        begins_ms = ?3, ends_ms = ?4, service_no = (SELECT service_no FROM services WHERE calcom_event_type = ?5), \
        stylist_no = COALESCE((SELECT stylist_no FROM stylists WHERE calcom_user = ?6), stylist_no), \
        client = ?7, email = ?8, phone = ?9, language = ?10, zone = ?11, place = COALESCE(?12, place), \
        guests = COALESCE(?13, guests), remarks = COALESCE(?14, remarks), changed_by = ?15, changed_why = ?16, \
        changed_ms = ?17, version = version + 1 \
     WHERE visit_no = ?1 AND version = ?18 RETURNING ",
    visit!()
);
const SCAN: &str = concat!(
    "SELECT ",
    visit!(),
    " FROM visits \
     WHERE begins_ms >= ?1 AND begins_ms < ?2 AND (begins_ms, visit_no) > (?3, ?4) \
     ORDER BY begins_ms, visit_no LIMIT ?5"
);

/// What the tables refuse, such as a service that is not theirs, is refused every time; any other
/// failure is worth another try.
pub(crate) fn failed(error: sqlx::Error) -> StoreError {
    let of_database = error.as_database_error();
    let (kind, message) = if of_database.is_some_and(|error| error.kind() != ErrorKind::Other) {
        (
            StoreErrorKind::Invalid,
            "the salon's tables refuse the visit",
        )
    } else {
        (StoreErrorKind::Unavailable, "the salon's database failed")
    };
    StoreError::new(kind, message).with_source(error)
}

/// The number that an id stands for, if it is spelled as the salon spells it.
pub(crate) fn number_of(id: &AppointmentId) -> Option<i64> {
    let number: i64 = id.as_str().parse().ok()?;
    (number.to_string() == id.as_str()).then_some(number)
}

/// The salon's word for a status.
pub(crate) fn column_of(status: AppointmentStatus) -> &'static str {
    match status {
        AppointmentStatus::Pending => "requested",
        AppointmentStatus::Confirmed => "booked",
        AppointmentStatus::Cancelled => "cancelled",
        AppointmentStatus::Declined => "refused",
    }
}

/// What a visit is to Cal.com. One that is over, or that nobody came to, has been a confirmed one.
fn status_of(state: &str) -> Option<AppointmentStatus> {
    match state {
        "requested" => Some(AppointmentStatus::Pending),
        "booked" | "completed" | "no_show" => Some(AppointmentStatus::Confirmed),
        "cancelled" => Some(AppointmentStatus::Cancelled),
        "refused" => Some(AppointmentStatus::Declined),
        _ => None,
    }
}

/// The guests as the salon stores them; nothing if they are unknown.
pub(crate) fn guests_of(state: &AppointmentState) -> Option<String> {
    let guests = state.guests.as_ref()?;
    Some(guests.iter().collect::<Vec<_>>().join("\n"))
}

fn appointment(row: &SqliteRow) -> Result<Appointment, StoreError> {
    read(row).map_err(|error| {
        StoreError::new(StoreErrorKind::Corrupt, "a visit cannot be read").with_source(error)
    })
}

fn read(row: &SqliteRow) -> Result<Appointment, sqlx::Error> {
    let instant = |column: &str| {
        let millis: i64 = row.try_get(column)?;
        DateTime::from_timestamp_millis(millis)
            .ok_or_else(|| sqlx::Error::Decode(format!("{column} is out of range").into()))
    };
    let unknown = || sqlx::Error::Decode("the state is unknown".into());
    let state: String = row.try_get("state")?;
    let status = status_of(&state).ok_or_else(unknown)?;
    let event_type: i64 = row.try_get("event_type")?;
    let mut client = Person::new(
        row.try_get::<String, _>("client")?,
        "",
        row.try_get::<String, _>("zone")?,
    );
    client.email = row.try_get("email")?;
    client.phone_number = row.try_get("phone")?;
    client.language = row.try_get("language")?;
    let (start, end) = (instant("begins_ms")?, instant("ends_ms")?);
    let mut state = AppointmentState::new(status, start, end, event_type.into(), client);
    state.host = row.try_get::<Option<i64>, _>("host")?.map(Into::into);
    state.location = row.try_get::<Option<String>, _>("place")?.map(Into::into);
    let guests: Option<String> = row.try_get("guests")?;
    state.guests = guests.map(|guests| guests.lines().collect());
    state.notes = row.try_get::<Option<String>, _>("remarks")?.map(Into::into);
    let number: i64 = row.try_get("visit_no")?;
    let version: i64 = row.try_get("version")?;
    let by: String = row.try_get("changed_by")?;
    let why: Option<String> = row.try_get("changed_why")?;
    let chain: Option<String> = row.try_get("calcom_chain")?;
    Ok(Appointment::new(
        AppointmentId::new(number.to_string()),
        Revision::new(version.unsigned_abs()),
        Origin::from(by.as_str()),
        state,
        instant("changed_ms")?,
    )
    .with_chain(chain.map(ChainKey::from))
    .with_reason(why.map(Reason::from)))
}

/// Binds what a write has in common, from the status (the second parameter) to the time.
macro_rules! bound {
    ($query:expr, $write:expr) => {
        $query
            .bind(column_of($write.state.status))
            .bind($write.state.start.timestamp_millis())
            .bind($write.state.end.timestamp_millis())
            .bind($write.state.event_type.get())
            .bind($write.state.host.map(UserId::get))
            .bind($write.state.attendee.name.clone())
            .bind($write.state.attendee.email.clone())
            .bind($write.state.attendee.phone_number.clone())
            .bind($write.state.attendee.language.clone())
            .bind($write.state.attendee.time_zone.clone())
            .bind(
                $write
                    .state
                    .location
                    .as_ref()
                    .map(|place| place.as_str().to_owned()),
            )
            .bind(guests_of(&$write.state))
            .bind(
                $write
                    .state
                    .notes
                    .as_ref()
                    .map(|notes| notes.as_str().to_owned()),
            )
            .bind($write.origin.as_str().to_owned())
            .bind(
                $write
                    .reason
                    .as_ref()
                    .map(|reason| reason.as_str().to_owned()),
            )
            .bind($write.at.timestamp_millis())
    };
}

#[async_trait]
impl AppointmentRepository for Salon {
    async fn get(
        &self,
        _: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        let Some(number) = number_of(id) else {
            return Ok(None);
        };
        let row = sqlx::query(GET).bind(number).fetch_optional(&self.database);
        row.await
            .map_err(failed)?
            .as_ref()
            .map(appointment)
            .transpose()
    }

    async fn create_for_booking(
        &self,
        _: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let create = sqlx::query(CREATE).bind(chain.as_str());
        let created = bound!(create, write).execute(&self.database).await;
        created.map_err(failed)?;
        // Whoever came first, it is this one now.
        let row = sqlx::query(GET_BY_CHAIN)
            .bind(chain.as_str())
            .fetch_one(&self.database);
        appointment(&row.await.map_err(failed)?)
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let missing = || StoreError::new(StoreErrorKind::NotFound, "there is no such visit");
        let number = number_of(id).ok_or_else(missing)?;
        // A version that is too large for the column is in no row.
        let expected = i64::try_from(expected.get()).unwrap_or(-1);
        let update = bound!(sqlx::query(UPDATE).bind(number), write).bind(expected);
        let row = update
            .fetch_optional(&self.database)
            .await
            .map_err(failed)?;
        match row {
            Some(row) => appointment(&row),
            None => match self.get(tenant, id).await? {
                Some(_) => Err(StoreError::new(
                    StoreErrorKind::Conflict,
                    "the visit was changed meanwhile",
                )),
                None => Err(missing()),
            },
        }
    }

    async fn scan(
        &self,
        _: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let (after_start, after_number) = match &after {
            Some((start, id)) => (start.timestamp_millis(), number_of(id).unwrap_or_default()),
            None => (i64::MIN, 0),
        };
        let rows = sqlx::query(SCAN)
            .bind(window.from.timestamp_millis())
            .bind(window.until.timestamp_millis())
            .bind(after_start)
            .bind(after_number)
            .bind(limit)
            .fetch_all(&self.database);
        rows.await
            .map_err(failed)?
            .iter()
            .map(appointment)
            .collect()
    }
}
