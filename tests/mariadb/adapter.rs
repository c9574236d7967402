//! The statements of the guide behind the engine's port.

use async_trait::async_trait;
use calcom::model::UserId;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChainKey, Notes, Origin, Person, Place, Reason, Revision, StoreError,
    StoreErrorKind, TenantId, Window,
};
use calcom::testing::conformance::HostWrites;
use chrono::{DateTime, NaiveDateTime, Utc};

use crate::client::{APP, Row, SYNC, Server, instant, literal};

const STATEMENTS: &str = include_str!("../../docs/hosts/mariadb/statements.sql");

#[derive(Clone, Debug)]
pub(crate) struct Salon {
    server: Server,
    pub(crate) database: String,
}

/// A statement of the guide, without its comments.
fn named(name: &str) -> String {
    let head = format!("-- name: {name}\n");
    let start = STATEMENTS.find(&head).unwrap() + head.len();
    let rest = &STATEMENTS[start..];
    let end = rest.find("-- name: ").unwrap_or(rest.len());
    let lines = rest[..end].lines();
    let lines: Vec<_> = lines.filter(|line| !line.starts_with("--")).collect();
    lines.join("\n")
}

/// A statement of the guide with its parameters.
fn statement(name: &str, parameters: &[String]) -> String {
    let sql = named(name).replace("@columns", &named("columns"));
    let pieces: Vec<_> = sql.split('?').collect();
    assert_eq!(pieces.len(), parameters.len() + 1, "{name}");
    let mut filled = pieces[0].to_owned();
    for (parameter, piece) in parameters.iter().zip(&pieces[1..]) {
        filled += parameter;
        filled += piece;
    }
    filled
}

fn text(text: Option<&str>) -> String {
    text.map_or("NULL".to_owned(), literal)
}

fn number<T: ToString>(number: Option<T>) -> String {
    number.map_or("NULL".to_owned(), |number| number.to_string())
}

fn number_of(id: &AppointmentId) -> Option<u64> {
    let number: u64 = id.as_str().parse().ok()?;
    (number.to_string() == id.as_str()).then_some(number)
}

fn column_of(status: AppointmentStatus) -> &'static str {
    match status {
        AppointmentStatus::Pending => "requested",
        AppointmentStatus::Confirmed => "booked",
        AppointmentStatus::Cancelled => "cancelled",
        AppointmentStatus::Declined => "refused",
    }
}

fn status_of(state: &str) -> AppointmentStatus {
    match state {
        "requested" => AppointmentStatus::Pending,
        "cancelled" => AppointmentStatus::Cancelled,
        "refused" => AppointmentStatus::Declined,
        _ => AppointmentStatus::Confirmed,
    }
}

/// What the writes of the engine and of the application have in common: from the start to the remarks.
fn common(state: &AppointmentState) -> Vec<String> {
    let attendee = &state.attendee;
    let guests = state.guests.as_ref();
    let guests = guests.map(|guests| guests.iter().collect::<Vec<_>>().join("\n"));
    vec![
        instant(state.start),
        instant(state.end),
        state.event_type.get().to_string(),
        number(state.host.map(UserId::get)),
        literal(&attendee.name),
        text(attendee.email.as_deref()),
        text(attendee.phone_number.as_deref()),
        text(attendee.language.as_deref()),
        literal(&attendee.time_zone),
        text(state.location.as_ref().map(Place::as_str)),
        text(guests.as_deref()),
        text(state.notes.as_ref().map(Notes::as_str)),
    ]
}

fn common_of(write: &AppointmentWrite) -> Vec<String> {
    let mut all = common(&write.state);
    all.push(text(write.reason.as_ref().map(Reason::as_str)));
    all.push(instant(write.at));
    all
}

fn appointment(row: &Row) -> Appointment {
    let get = |n: usize| row[n].clone();
    let known = |n: usize| row[n].clone().unwrap();
    let at = |n: usize| -> DateTime<Utc> {
        let read = NaiveDateTime::parse_from_str(&known(n), "%Y-%m-%d %H:%M:%S%.3f");
        read.unwrap().and_utc()
    };
    let mut client = Person::new(known(6), "", known(10));
    (client.email, client.phone_number, client.language) = (get(7), get(8), get(9));
    let event_type: i64 = known(4).parse().unwrap();
    let status = status_of(&known(1));
    let mut state = AppointmentState::new(status, at(2), at(3), event_type.into(), client);
    state.host = get(5).map(|user| user.parse::<i64>().unwrap().into());
    state.location = get(11).map(Into::into);
    state.guests = get(12).map(|guests| guests.lines().collect());
    state.notes = get(13).map(Into::into);
    let revision = Revision::new(known(14).parse().unwrap());
    let origin = Origin::from(known(15).as_str());
    Appointment::new(known(0).into(), revision, origin, state, at(17))
        .with_chain(get(18).map(ChainKey::from))
        .with_reason(get(16).map(Reason::from))
}

fn failed(complaint: String) -> StoreError {
    // What the server takes for wrong never succeeds; a lock, a deadlock or a lost connection may.
    let kind = match complaint.contains("ERROR 1205") || complaint.contains("ERROR 1213") {
        true => StoreErrorKind::Unavailable,
        false => StoreErrorKind::Corrupt,
    };
    StoreError::new(kind, complaint)
}

impl Salon {
    pub(crate) fn new(server: Server, database: &str) -> Self {
        let database = database.to_owned();
        Self { server, database }
    }

    async fn run(&self, sql: &str) -> Result<Vec<Row>, StoreError> {
        let answer = self.server.run(SYNC, &self.database, sql).await;
        answer.map_err(failed)
    }

    async fn app(&self, sql: &str) -> Result<Vec<Row>, StoreError> {
        let answer = self.server.run(APP, &self.database, sql).await;
        answer.map_err(failed)
    }
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
        let rows = self.run(&statement("get", &[number.to_string()])).await?;
        Ok(rows.first().map(appointment))
    }

    async fn create_for_booking(
        &self,
        _: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let key = literal(chain.as_str());
        let mut parameters = vec![key.clone(), literal(column_of(write.state.status))];
        parameters.extend(common_of(&write));
        match self.run(&statement("create", &parameters)).await {
            Err(error) if error.to_string().contains("ERROR 1062") => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let rows = self.run(&statement("get_by_chain", &[key])).await?;
        Ok(appointment(&rows[0]))
    }

    async fn update(
        &self,
        _: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let missing = || StoreError::new(StoreErrorKind::NotFound, "there is no such visit");
        let number = number_of(id).ok_or_else(missing)?.to_string();
        let state = literal(column_of(write.state.status));
        let mut parameters = vec![state.clone(), state];
        parameters.extend(common_of(&write));
        parameters.extend([number.clone(), expected.get().to_string()]);
        let update = statement("update", &parameters);
        let get = statement("get", &[number]);
        let sql = format!("START TRANSACTION;\n{update}\nSELECT ROW_COUNT();\n{get}\nCOMMIT;");
        let rows = self.run(&sql).await?;
        let is_written = rows[0][0].as_deref() == Some("1");
        match rows.get(1) {
            Some(row) if is_written => Ok(appointment(row)),
            Some(_) => {
                let kind = StoreErrorKind::Conflict;
                Err(StoreError::new(kind, "the visit was changed meanwhile"))
            }
            None => Err(missing()),
        }
    }

    async fn scan(
        &self,
        _: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let (start, last) = match &after {
            Some((start, id)) => (instant(*start), number_of(id).unwrap_or_default()),
            None => ("'1000-01-01'".to_owned(), 0),
        };
        let parameters = [
            instant(window.from),
            instant(window.until),
            start,
            last.to_string(),
            limit.to_string(),
        ];
        let rows = self.run(&statement("scan", &parameters)).await?;
        Ok(rows.iter().map(appointment).collect())
    }
}

/// The application's own statements, which name no column that was added for Cal.com.
#[async_trait]
impl HostWrites for Salon {
    async fn create(
        &self,
        _: &TenantId,
        state: &AppointmentState,
    ) -> Result<AppointmentId, StoreError> {
        let all = common(state);
        let (status, rest) = (literal(column_of(state.status)), all[4..].join(", "));
        let (begins, ends, event_type, user) = (&all[0], &all[1], &all[2], &all[3]);
        let sql = format!(
            "INSERT INTO visits (state, begins, ends, service_no, stylist_no, client, email, phone, language, zone, place, \
                guests, remarks) \
             SELECT {status}, {begins}, {ends}, service_no, (SELECT stylist_no FROM stylists WHERE calcom_user = {user}), \
                {rest} FROM services WHERE calcom_event_type = {event_type}; \
             SELECT LAST_INSERT_ID();"
        );
        let rows = self.app(&sql).await?;
        Ok(AppointmentId::new(rows[0][0].clone().unwrap()))
    }

    async fn change(
        &self,
        _: &TenantId,
        id: &AppointmentId,
        state: &AppointmentState,
    ) -> Result<(), StoreError> {
        let all = common(state);
        let sql = format!(
            "UPDATE visits SET state = {}, begins = {}, ends = {}, client = {} WHERE visit_no = {id};",
            literal(column_of(state.status)),
            all[0],
            all[1],
            all[4]
        );
        self.app(&sql).await?;
        Ok(())
    }
}
