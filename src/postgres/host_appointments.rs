//! Appointments in the host's own table, without an adapter: the statements are put together from the
//! names and types of its columns.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres, Row as _};

use super::PostgresStore;
use super::error::failed;
use super::host_columns::{Column, columns_of, has_unique_chain};
use super::host_table::{EventTypeOf, HostTable, TenantOf, TimeZoneOf};
use crate::model::{EventTypeId, UserId};
use crate::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentState, AppointmentStatus,
    AppointmentWrite, ChainKey, Origin, Person, Reason, Revision, StoreError, StoreErrorKind,
    TenantId, Window,
};

/// The text of an id cannot be one of the column's type.
const NOT_OF_THE_TYPE: [&str; 4] = ["22P02", "22003", "22007", "22008"];

/// The appointments of a host's own table; made by [`PostgresStore::appointments_in`].
#[derive(Clone)]
pub struct PostgresAppointments {
    pool: PgPool,
    table: Arc<HostTable>,
    statements: Arc<Statements>,
}

impl fmt::Debug for PostgresAppointments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresAppointments")
            .field("schema", &self.table.schema)
            .field("table", &self.table.table)
            .finish_non_exhaustive()
    }
}

/// In each, the tenant is `$1`.
#[derive(Debug)]
struct Statements {
    /// `$2`: the id.
    get: String,
    /// `$2`: the chain.
    get_by_chain: String,
    /// `$2`: the chain; `$3` and so on: what is written.
    create: String,
    /// `$2`: the id; `$3`: the expected revision; `$4` and so on: what is written.
    update: String,
    /// `$2`, `$3`: the window; `$4`: how many.
    scan_first: String,
    /// `$4`, `$5`: after which start and id; `$6`: how many.
    scan_next: String,
}

/// A value as it is bound.
enum Value {
    Text(Option<String>),
    Number(Option<i64>),
    Truth(Option<bool>),
    Texts(Option<Vec<String>>),
}

fn bind(query: Query<'_, Postgres, PgArguments>, value: Value) -> Query<'_, Postgres, PgArguments> {
    match value {
        Value::Text(text) => query.bind(text),
        Value::Number(number) => query.bind(number),
        Value::Truth(truth) => query.bind(truth),
        Value::Texts(texts) => query.bind(texts),
    }
}

/// A column that the engine writes, and how its value is put into a statement.
struct Written {
    column: Column,
    /// What is unknown to the engine stays as it is.
    keeps_if_unknown: bool,
}

impl PostgresStore {
    /// The host's own table as the engine's repository. The columns are looked at once, here.
    ///
    /// The engine's writes carry the origin [`Calcom`](Origin::Calcom), and raise the revision by
    /// one. For the application's own writes to be seen, let the database watch the table
    /// (`SELECT calcom.watch('…')`), or record each with
    /// [`record_change_in`](Self::record_change_in).
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use calcom::postgres::{HostTable, PostgresStore};
    ///
    /// let store = PostgresStore::connect("postgres://salon@localhost/salon").await?;
    /// let table = HostTable::new("appointments").email_column("attendee_email");
    /// let appointments = store.appointments_in(table).await?;
    /// # let _ = appointments;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Invalid`](StoreErrorKind::Invalid), with the name of the column, if one is missing, is of a
    /// type that cannot hold what it is for, would be left empty in a new row although it may not be,
    /// or lacks the word of a status or an origin that the engine writes;
    /// [`Unavailable`](StoreErrorKind::Unavailable) if the database cannot be reached.
    pub async fn appointments_in(
        &self,
        table: HostTable,
    ) -> Result<PostgresAppointments, StoreError> {
        let columns = columns_of(self.pool(), &table).await?;
        if !has_unique_chain(self.pool(), &table).await? {
            return Err(columns.refuse(
                &table.chain,
                "needs a unique index of its own, or one together with the tenant",
            ));
        }
        let statements = Statements::of(&table, &columns)?;
        Ok(PostgresAppointments {
            pool: self.pool().clone(),
            table: Arc::new(table),
            statements: Arc::new(statements),
        })
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Microseconds since 1970, of a time with or without a time zone.
fn micros_of(column: &str) -> String {
    format!(
        "round(extract(epoch from {}) * 1000000)::bigint",
        quoted(column)
    )
}

/// The columns that are read, under names of their own.
fn read_columns(table: &HostTable) -> String {
    let mut columns = vec![
        format!("{}::text AS row_id", quoted(&table.id)),
        format!("{}::bigint AS row_revision", quoted(&table.revision)),
        format!("{}::text AS row_origin", quoted(&table.origin)),
        format!("{}::text AS row_status", quoted(&table.status)),
        format!("{} AS row_start", micros_of(&table.start)),
        format!("{} AS row_end", micros_of(&table.end)),
        format!("{} AS row_updated", micros_of(&table.updated_at)),
        format!("{}::text AS row_chain", quoted(&table.chain)),
        format!("{}::text AS row_name", quoted(&table.name)),
    ];
    columns.push(match &table.event_type {
        EventTypeOf::Column(column) => format!("{}::bigint AS row_event_type", quoted(column)),
        EventTypeOf::Service(column, _) => format!("{}::text AS row_service", quoted(column)),
    });
    if let TimeZoneOf::Column(column) = &table.time_zone {
        columns.push(format!("{}::text AS row_time_zone", quoted(column)));
    }
    let optional = [
        (&table.email, "text", "row_email"),
        (&table.phone, "text", "row_phone"),
        (&table.language, "text", "row_language"),
        (&table.host, "bigint", "row_host"),
        (&table.location, "text", "row_location"),
        (&table.guests, "text[]", "row_guests"),
        (&table.notes, "text", "row_notes"),
        (&table.absent, "boolean", "row_absent"),
        (&table.reason, "text", "row_reason"),
    ];
    for (column, of_type, name) in optional {
        if let Some(column) = column {
            columns.push(format!("{}::{of_type} AS {name}", quoted(column)));
        }
    }
    columns.join(", ")
}

impl Statements {
    fn of(table: &HostTable, columns: &super::host_columns::Columns) -> Result<Self, StoreError> {
        let name = format!("{}.{}", quoted(&table.schema), quoted(&table.table));
        let read = read_columns(table);
        let id = columns.get(&table.id)?;
        // The parameter is used in any case, so that every statement has the same ones.
        let of_tenant = match &table.tenant {
            TenantOf::Only(tenant) => format!("$1::text = {}", literal(tenant.as_str())),
            TenantOf::Column(column) => {
                let tenant = columns.get(column)?;
                format!("{} = {}", quoted(column), tenant.text("$1"))
            }
        };
        let own = quoted(&table.id);
        // One spelling of an id: `01` is not the row `1`.
        let is_it = format!("{own} = {} AND {own}::text = $2", id.text("$2"));
        let chain = columns.get(&table.chain)?;
        let by_chain = format!("{} = {}", quoted(&table.chain), chain.text("$2"));
        let written = written(table, columns)?;
        let revision = quoted(&table.revision);

        let mut set = format!("{revision} = {revision} + 1");
        for (index, one) in written.iter().enumerate() {
            let value = one.column.value(index + 4);
            let column = quoted(&one.column.name);
            let value = if one.column.name == table.status {
                // A row that has another word of the same status keeps it.
                let same = same_words(table, &column, index + 4);
                format!("CASE WHEN {same} THEN {column} ELSE {value} END")
            } else if one.keeps_if_unknown {
                format!("COALESCE({value}, {column})")
            } else {
                value
            };
            let _ = write!(set, ", {column} = {value}");
        }
        let mut into = vec![quoted(&table.chain), revision.clone()];
        let mut values = vec![chain.text("$2"), "1".to_owned()];
        if let TenantOf::Column(column) = &table.tenant {
            into.push(quoted(column));
            values.push(columns.get(column)?.text("$1"));
        }
        for (index, one) in written.iter().enumerate() {
            into.push(quoted(&one.column.name));
            values.push(one.column.value(index + 3));
        }
        // Watched, the row is recorded as the engine's own, whatever the column calls that.
        let as_engine = "(SELECT set_config('calcom.origin', 'calcom', true) AS origin) AS engine";
        let start = columns.get(&table.start)?;
        let (from, until, after) = (start.value(2), start.value(3), start.value(4));
        let synced = match &table.event_type {
            EventTypeOf::Column(column) => format!("{} IS NOT NULL", quoted(column)),
            EventTypeOf::Service(column, services) => {
                let known = services.iter().map(|(service, _)| literal(service));
                let known = known.collect::<Vec<_>>().join(", ");
                format!("{}::text IN ({known})", quoted(column))
            }
        };
        let at = quoted(&table.start);
        let scan = format!(
            "SELECT {read} FROM {name} WHERE {of_tenant} AND {synced} AND {at} >= {from} AND {at} < {until}"
        );
        Ok(Self {
            get: format!("SELECT {read} FROM {name} WHERE {of_tenant} AND {is_it}"),
            get_by_chain: format!("SELECT {read} FROM {name} WHERE {of_tenant} AND {by_chain}"),
            create: format!(
                "INSERT INTO {name} ({}) SELECT {} FROM {as_engine} \
                 WHERE engine.origin IS NOT NULL AND {} ON CONFLICT DO NOTHING",
                into.join(", "),
                values.join(", "),
                match &table.tenant {
                    TenantOf::Only(_) => of_tenant.clone(),
                    TenantOf::Column(_) => "true".to_owned(),
                },
            ),
            update: format!(
                "UPDATE {name} SET {set} FROM {as_engine} \
                 WHERE engine.origin IS NOT NULL AND {of_tenant} AND {is_it} AND {revision} = $3 \
                 RETURNING {read}"
            ),
            scan_first: format!("{scan} ORDER BY {at}, {own} LIMIT $4"),
            scan_next: format!(
                "{scan} AND ({at}, {own}) > ({after}, {}) ORDER BY {at}, {own} LIMIT $6",
                id.text("$5")
            ),
        })
    }
}

/// Whether the row has a word of the status that is written.
fn same_words(table: &HostTable, column: &str, parameter: usize) -> String {
    let statuses = table.statuses();
    let cases = statuses.iter().map(|(word, status)| {
        let writes = literal(table.word_of(*status));
        format!(
            "({column}::text = {} AND ${parameter}::text = {writes})",
            literal(word)
        )
    });
    cases.collect::<Vec<_>>().join(" OR ")
}

/// What the engine writes, in the order in which [`PostgresAppointments::values`] gives the values.
fn written(
    table: &HostTable,
    columns: &super::host_columns::Columns,
) -> Result<Vec<Written>, StoreError> {
    let mut written = Vec::new();
    let mut add = |column: &str, keeps_if_unknown: bool| -> Result<(), StoreError> {
        written.push(Written {
            column: columns.get(column)?.clone(),
            keeps_if_unknown,
        });
        Ok(())
    };
    for column in [
        &table.origin,
        &table.status,
        &table.start,
        &table.end,
        &table.updated_at,
        &table.name,
    ] {
        add(column, false)?;
    }
    match &table.event_type {
        EventTypeOf::Column(column) | EventTypeOf::Service(column, _) => add(column, false)?,
    }
    if let TimeZoneOf::Column(column) = &table.time_zone {
        add(column, false)?;
    }
    let replaced = [&table.email, &table.phone, &table.language, &table.reason];
    for column in replaced.into_iter().flatten() {
        add(column, false)?;
    }
    let kept_if_unknown = [
        &table.host,
        &table.location,
        &table.guests,
        &table.notes,
        &table.absent,
    ];
    for column in kept_if_unknown.into_iter().flatten() {
        add(column, true)?;
    }
    Ok(written)
}

impl PostgresAppointments {
    /// What is written, in the order of [`written`].
    fn values(&self, write: &AppointmentWrite) -> Result<Vec<Value>, StoreError> {
        let (table, state) = (&self.table, &write.state);
        let text = |text: &str| Value::Text(Some(text.to_owned()));
        let person = &state.attendee;
        let mut values = vec![
            text(table.word_of_origin(&write.origin)),
            text(table.word_of(state.status)),
            Value::Number(Some(state.start.timestamp_micros())),
            Value::Number(Some(state.end.timestamp_micros())),
            Value::Number(Some(write.at.timestamp_micros())),
            text(&person.name),
        ];
        values.push(match &table.event_type {
            EventTypeOf::Column(_) => Value::Number(Some(state.event_type.get())),
            EventTypeOf::Service(_, services) => {
                let mut services = services.iter();
                let found = services.find(|(_, id)| *id == state.event_type);
                let Some((service, _)) = found else {
                    let message = format!("no service has the event type {}", state.event_type);
                    return Err(StoreError::new(StoreErrorKind::Invalid, message));
                };
                text(service)
            }
        });
        if let TimeZoneOf::Column(_) = &table.time_zone {
            values.push(text(&person.time_zone));
        }
        let reason = write
            .reason
            .as_ref()
            .map(|reason| reason.as_str().to_owned());
        let optional = [
            (&table.email, Value::Text(person.email.clone())),
            (&table.phone, Value::Text(person.phone_number.clone())),
            (&table.language, Value::Text(person.language.clone())),
            (&table.reason, Value::Text(reason)),
            (&table.host, Value::Number(state.host.map(UserId::get))),
            (
                &table.location,
                Value::Text(
                    state
                        .location
                        .as_ref()
                        .map(|place| place.as_str().to_owned()),
                ),
            ),
            (
                &table.guests,
                Value::Texts(
                    state
                        .guests
                        .as_ref()
                        .map(|guests| guests.iter().map(str::to_owned).collect()),
                ),
            ),
            (
                &table.notes,
                Value::Text(state.notes.as_ref().map(|notes| notes.as_str().to_owned())),
            ),
            (&table.absent, Value::Truth(state.absent)),
        ];
        let named = optional.into_iter().filter(|(column, _)| column.is_some());
        values.extend(named.map(|(_, value)| value));
        Ok(values)
    }

    fn appointment(&self, row: &PgRow) -> Result<Appointment, StoreError> {
        let table = &self.table;
        let corrupt = |column: &str, what: &str| {
            let message = format!(
                "the column {column} of {}.{} holds {what}",
                table.schema, table.table
            );
            StoreError::new(StoreErrorKind::Corrupt, message)
        };
        let word: String = row.try_get("row_status").map_err(failed)?;
        let status: AppointmentStatus = *table
            .statuses()
            .get(&word)
            .ok_or_else(|| corrupt(&table.status, "a word that means no status"))?;
        let instant = |name: &str, column: &str| -> Result<DateTime<Utc>, StoreError> {
            let micros: Option<i64> = row.try_get(name).map_err(failed)?;
            let instant = micros.and_then(DateTime::from_timestamp_micros);
            instant.ok_or_else(|| corrupt(column, "no time"))
        };
        let event_type = match &table.event_type {
            EventTypeOf::Column(column) => {
                let id: Option<i64> = row.try_get("row_event_type").map_err(failed)?;
                id.map(EventTypeId::new)
                    .ok_or_else(|| corrupt(column, "no event type"))?
            }
            EventTypeOf::Service(column, services) => {
                let service: Option<String> = row.try_get("row_service").map_err(failed)?;
                let mut services = services.iter();
                let found = services.find(|(known, _)| Some(known) == service.as_ref());
                let (_, id) =
                    found.ok_or_else(|| corrupt(column, "a service that has no event type"))?;
                *id
            }
        };
        let time_zone = match &table.time_zone {
            TimeZoneOf::Fixed(zone) => zone.clone(),
            TimeZoneOf::Column(column) => {
                let zone: Option<String> = row.try_get("row_time_zone").map_err(failed)?;
                zone.ok_or_else(|| corrupt(column, "no time zone"))?
            }
        };
        let text = |column: &Option<String>, name: &str| -> Result<Option<String>, StoreError> {
            match column {
                Some(_) => row.try_get(name).map_err(failed),
                None => Ok(None),
            }
        };
        let name: Option<String> = row.try_get("row_name").map_err(failed)?;
        let mut person = Person::new(name.unwrap_or_default(), "", time_zone);
        person.email = text(&table.email, "row_email")?;
        person.phone_number = text(&table.phone, "row_phone")?;
        person.language = text(&table.language, "row_language")?;
        let (start, end) = (
            instant("row_start", &table.start)?,
            instant("row_end", &table.end)?,
        );
        let mut state = AppointmentState::new(status, start, end, event_type, person);
        if table.host.is_some() {
            let host: Option<i64> = row.try_get("row_host").map_err(failed)?;
            state.host = host.map(UserId::new);
        }
        state.location = text(&table.location, "row_location")?.map(Into::into);
        state.notes = text(&table.notes, "row_notes")?.map(Into::into);
        if table.guests.is_some() {
            let guests: Option<Vec<String>> = row.try_get("row_guests").map_err(failed)?;
            state.guests = guests.map(|guests| guests.into_iter().collect());
        }
        if table.absent.is_some() {
            state.absent = row.try_get("row_absent").map_err(failed)?;
        }
        let revision: Option<i64> = row.try_get("row_revision").map_err(failed)?;
        let revision = revision
            .and_then(|revision| u64::try_from(revision).ok())
            .ok_or_else(|| corrupt(&table.revision, "no revision"))?;
        let origin: Option<String> = row.try_get("row_origin").map_err(failed)?;
        let chain: Option<String> = row.try_get("row_chain").map_err(failed)?;
        let id: String = row.try_get("row_id").map_err(failed)?;
        let appointment = Appointment::new(
            AppointmentId::new(id),
            Revision::new(revision),
            origin.map_or(Origin::Admin, |origin| table.origin_of(&origin)),
            state,
            instant("row_updated", &table.updated_at)?,
        );
        let appointment = appointment.with_chain(chain.map(ChainKey::from));
        let reason = text(&table.reason, "row_reason")?;
        Ok(appointment.with_reason(reason.map(Reason::from)))
    }
}

/// Nothing, if a text cannot be an id of this table.
fn unless_foreign<T>(found: Result<Option<T>, sqlx::Error>) -> Result<Option<T>, StoreError> {
    match found {
        Err(sqlx::Error::Database(error))
            if error
                .code()
                .is_some_and(|code| NOT_OF_THE_TYPE.contains(&code.as_ref())) =>
        {
            Ok(None)
        }
        found => found.map_err(failed),
    }
}

#[async_trait]
impl AppointmentRepository for PostgresAppointments {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        let get = sqlx::query(AssertSqlSafe(self.statements.get.clone()));
        let get = get.bind(tenant.as_str()).bind(id.as_str());
        let row = unless_foreign(get.fetch_optional(&self.pool).await)?;
        row.as_ref().map(|row| self.appointment(row)).transpose()
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let create = sqlx::query(AssertSqlSafe(self.statements.create.clone()));
        let mut create = create.bind(tenant.as_str()).bind(chain.as_str());
        for value in self.values(&write)? {
            create = bind(create, value);
        }
        create.execute(&self.pool).await.map_err(failed)?;
        // Whoever came first, it is this one now.
        let get = sqlx::query(AssertSqlSafe(self.statements.get_by_chain.clone()));
        let get = get.bind(tenant.as_str()).bind(chain.as_str());
        match get.fetch_optional(&self.pool).await.map_err(failed)? {
            Some(row) => self.appointment(&row),
            None => Err(StoreError::new(
                StoreErrorKind::Invalid,
                "the row was not created: another unique index of the table refuses it, or the tenant is not the table's",
            )),
        }
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let update = sqlx::query(AssertSqlSafe(self.statements.update.clone()));
        // A revision that is too large for the column is in no row.
        let expected = i64::try_from(expected.get()).unwrap_or(-1);
        let mut update = update
            .bind(tenant.as_str())
            .bind(id.as_str())
            .bind(expected);
        for value in self.values(&write)? {
            update = bind(update, value);
        }
        if let Some(row) = unless_foreign(update.fetch_optional(&self.pool).await)? {
            return self.appointment(&row);
        }
        let (kind, message) = match self.get(tenant, id).await? {
            Some(_) => (
                StoreErrorKind::Conflict,
                "the appointment has changed meanwhile",
            ),
            None => (StoreErrorKind::NotFound, "there is no such appointment"),
        };
        Err(StoreError::new(kind, message))
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let sql = match &after {
            Some(_) => &self.statements.scan_next,
            None => &self.statements.scan_first,
        };
        let scan = sqlx::query(AssertSqlSafe(sql.clone()))
            .bind(tenant.as_str())
            .bind(window.from.timestamp_micros())
            .bind(window.until.timestamp_micros());
        let scan = match &after {
            Some((start, id)) => scan.bind(start.timestamp_micros()).bind(id.as_str()),
            None => scan,
        };
        let rows = scan.bind(i64::from(limit)).fetch_all(&self.pool).await;
        let rows = rows.map_err(failed)?;
        rows.iter().map(|row| self.appointment(row)).collect()
    }
}
