//! A host's own appointments table, described by the names of its columns.

use std::collections::BTreeMap;

use crate::model::EventTypeId;
use crate::store::{AppointmentStatus, Origin, TenantId};

/// Where a row's tenant comes from.
#[derive(Clone, Debug)]
pub(super) enum TenantOf {
    /// All rows are this tenant's.
    Only(TenantId),
    /// A column names it.
    Column(String),
}

/// Where a row's Cal.com event type comes from.
#[derive(Clone, Debug)]
pub(super) enum EventTypeOf {
    /// An integer column holds its id.
    Column(String),
    /// A column names a service, and each service has one.
    Service(String, Vec<(String, EventTypeId)>),
}

/// Where the attendee's time zone comes from.
#[derive(Clone, Debug)]
pub(super) enum TimeZoneOf {
    /// That of the host's place, for all.
    Fixed(String),
    /// A column names it.
    Column(String),
}

/// A host's own appointments table, for
/// [`PostgresStore::appointments_in`](crate::postgres::PostgresStore::appointments_in).
///
/// Names of columns are taken as they are, capital letters and all, and quoted. The columns that
/// every table needs have defaults; an optional one is used once it is named:
///
/// ```
/// use calcom::model::EventTypeId;
/// use calcom::postgres::HostTable;
/// use calcom::store::{AppointmentStatus, Origin};
///
/// let table = HostTable::new("visits")
///     .in_schema("salon")
///     .tenant_column("salon_id")
///     .service_column("service", [("haircut", EventTypeId::new(42)), ("colour", EventTypeId::new(43))])
///     .start_column("begins_at")
///     .end_column("ends_at")
///     .status_word("booked", AppointmentStatus::Confirmed)
///     .status_word("completed", AppointmentStatus::Confirmed)
///     .status_word("cancelled", AppointmentStatus::Cancelled)
///     .origin_word("retell", Origin::Phone)
///     .notes_column("remarks");
/// # let _ = table;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HostTable {
    pub(super) schema: String,
    pub(super) table: String,
    pub(super) tenant: TenantOf,
    pub(super) event_type: EventTypeOf,
    pub(super) time_zone: TimeZoneOf,
    pub(super) id: String,
    pub(super) revision: String,
    pub(super) origin: String,
    pub(super) status: String,
    pub(super) start: String,
    pub(super) end: String,
    pub(super) updated_at: String,
    pub(super) chain: String,
    pub(super) request: Option<String>,
    pub(super) name: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) language: Option<String>,
    pub(super) host: Option<String>,
    pub(super) location: Option<String>,
    pub(super) guests: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) absent: Option<String>,
    pub(super) reason: Option<String>,
    /// In the order given: the engine writes the first word of a status.
    pub(super) status_words: Vec<(String, AppointmentStatus)>,
    pub(super) origin_words: Vec<(String, Origin)>,
}

/// A setter for each column, and what it holds.
macro_rules! columns {
    ($($(#[$doc:meta])* $setter:ident => $field:ident),+ $(,)?) => {
        $(
            $(#[$doc])*
            pub fn $setter(mut self, column: impl Into<String>) -> Self {
                self.$field = column.into().into();
                self
            }
        )+
    };
}

impl HostTable {
    /// A table in the schema `public`.
    ///
    /// Defaults: the columns `id`, `revision`, `origin`, `status`, `starts_at`, `ends_at`,
    /// `updated_at`, `calcom_chain`, `attendee_name` and `event_type_id`; all rows belong to the
    /// tenant `default`; everybody's time zone is UTC; the words of statuses and origins are the
    /// crate's own.
    pub fn new(table: impl Into<String>) -> Self {
        let text = str::to_owned;
        Self {
            schema: text("public"),
            table: table.into(),
            tenant: TenantOf::Only(TenantId::new("default")),
            event_type: EventTypeOf::Column(text("event_type_id")),
            time_zone: TimeZoneOf::Fixed(text("UTC")),
            id: text("id"),
            revision: text("revision"),
            origin: text("origin"),
            status: text("status"),
            start: text("starts_at"),
            end: text("ends_at"),
            updated_at: text("updated_at"),
            chain: text("calcom_chain"),
            request: None,
            name: text("attendee_name"),
            email: None,
            phone: None,
            language: None,
            host: None,
            location: None,
            guests: None,
            notes: None,
            absent: None,
            reason: None,
            status_words: Vec::new(),
            origin_words: Vec::new(),
        }
    }

    /// The schema that the table is in.
    pub fn in_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// The tenant that all rows belong to.
    pub fn only_tenant(mut self, tenant: impl Into<TenantId>) -> Self {
        self.tenant = TenantOf::Only(tenant.into());
        self
    }

    /// The column that names the tenant.
    pub fn tenant_column(mut self, column: impl Into<String>) -> Self {
        self.tenant = TenantOf::Column(column.into());
        self
    }

    /// The integer column that holds the id of the Cal.com event type.
    pub fn event_type_column(mut self, column: impl Into<String>) -> Self {
        self.event_type = EventTypeOf::Column(column.into());
        self
    }

    /// The column that names the service, and the event type of each. Several services may share one:
    /// the engine writes the first, and leaves a row that has another of them as it is.
    ///
    /// Scans leave out the rows of other services, but a recorded change of one ends in review: do not
    /// record them, or watch the table with a `row_condition`.
    pub fn service_column<S: Into<String>>(
        mut self,
        column: impl Into<String>,
        services: impl IntoIterator<Item = (S, EventTypeId)>,
    ) -> Self {
        let services = services.into_iter();
        let services = services.map(|(service, id)| (service.into(), id)).collect();
        self.event_type = EventTypeOf::Service(column.into(), services);
        self
    }

    /// The time zone of every attendee, by its IANA name.
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = TimeZoneOf::Fixed(name.into());
        self
    }

    /// The column that names the attendee's time zone.
    pub fn time_zone_column(mut self, column: impl Into<String>) -> Self {
        self.time_zone = TimeZoneOf::Column(column.into());
        self
    }

    /// A word of the status column. Several may mean the same status: the engine writes the first, and
    /// leaves a row that has another of them as it is.
    pub fn status_word(mut self, word: impl Into<String>, status: AppointmentStatus) -> Self {
        self.status_words.push((word.into(), status));
        self
    }

    /// A word of the origin column, such as the name of a phone agent. The first word that is given
    /// for an origin is the one that the engine writes.
    pub fn origin_word(mut self, word: impl Into<String>, origin: Origin) -> Self {
        self.origin_words.push((word.into(), origin));
        self
    }

    columns! {
        /// The column of the primary key, of any type. New rows get its default.
        id_column => id,
        /// The integer column that every write raises.
        revision_column => revision,
        /// The column that says who wrote last.
        origin_column => origin,
        /// The column of the status.
        status_column => status,
        /// The column of the start. Without a time zone, it is UTC.
        start_column => start,
        /// The column of the end. Without a time zone, it is UTC.
        end_column => end,
        /// The column of the time of the last write. Without a time zone, it is UTC.
        updated_at_column => updated_at,
        /// The column that names the chain of bookings that a row was made for; unique, by itself or
        /// with the tenant.
        chain_column => chain,
        /// The text column that names the request that a row was taken by; unique, by itself or with the
        /// tenant, and NULL in all other rows. [`take`](crate::store::AppointmentDesk::take) needs it.
        request_column => request,
        /// The column of the attendee's name.
        name_column => name,
        /// The column of the attendee's e-mail address.
        email_column => email,
        /// The column of the attendee's phone number, in E.164.
        ///
        /// [`by_phone`](crate::store::AppointmentDesk::by_phone) looks appointments up by it, which takes
        /// an index over the tenant, if a column names it, the phone number and the end: `CREATE INDEX ON
        /// visits (salon_id, phone, ends_at)`.
        phone_column => phone,
        /// The column of the attendee's language.
        language_column => language,
        /// The integer column of the Cal.com user who holds it.
        host_column => host,
        /// The column of the location.
        location_column => location,
        /// The column of the guests' e-mail addresses, of the type `text[]`.
        guests_column => guests,
        /// The column of the notes.
        notes_column => notes,
        /// The Boolean column that says whether the attendee did not come.
        absent_column => absent,
        /// The column of the reason for the last change.
        reason_column => reason,
    }

    /// What the words of the status column mean.
    pub(super) fn statuses(&self) -> BTreeMap<String, AppointmentStatus> {
        // Of a word that was given twice, the first meaning counts.
        let words = self.status_words.iter().rev().cloned();
        let mut known: BTreeMap<_, _> = words.collect();
        for status in AppointmentStatus::ALL {
            if !known.values().any(|mapped| *mapped == status) {
                known.entry(status.as_str().to_owned()).or_insert(status);
            }
        }
        known
    }

    /// The word that is written for a status.
    pub(super) fn word_of(&self, status: AppointmentStatus) -> &str {
        let mut words = self.status_words.iter();
        let word = words.find(|(_, mapped)| *mapped == status);
        word.map_or(status.as_str(), |(word, _)| word)
    }

    /// Every service, with the one that the engine writes for its event type.
    pub(super) fn services(&self) -> Vec<(String, String)> {
        let EventTypeOf::Service(_, services) = &self.event_type else {
            return Vec::new();
        };
        let services = services.iter();
        let services = services.filter_map(|(service, id)| {
            let written = self.service_of(*id)?;
            Some((service.clone(), written.to_owned()))
        });
        services.collect()
    }

    /// The service that is written for an event type, if services are named and one has it.
    pub(super) fn service_of(&self, id: EventTypeId) -> Option<&str> {
        let EventTypeOf::Service(_, services) = &self.event_type else {
            return None;
        };
        let mut services = services.iter();
        let (service, _) = services.find(|(_, known)| *known == id)?;
        Some(service)
    }

    /// The origin that a word of the column means.
    pub(super) fn origin_of(&self, word: &str) -> Origin {
        let mut words = self.origin_words.iter();
        let mapped = words.find(|(known, _)| known == word);
        mapped.map_or_else(|| Origin::from(word), |(_, origin)| origin.clone())
    }

    /// The word that is written for an origin.
    pub(super) fn word_of_origin<'a>(&'a self, origin: &'a Origin) -> &'a str {
        let mut words = self.origin_words.iter();
        let word = words.find(|(_, mapped)| mapped == origin);
        word.map_or(origin.as_str(), |(word, _)| word)
    }
}
