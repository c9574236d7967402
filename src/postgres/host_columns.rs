//! What the catalog says about the columns of a host's table, and whether they can hold what they are
//! for.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::postgres::PgPool;

use super::error::failed;
use super::host_table::{EventTypeOf, HostTable, TenantOf, TimeZoneOf};
use super::statements;
use crate::store::{AppointmentStatus, Origin, StoreError, StoreErrorKind};

statements! {
    COLUMNS = "SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS full_type, \
                      format_type(a.atttypid, NULL) AS base_type, a.attnotnull AS is_required, \
                      a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' AS has_default, \
                      (SELECT array_agg(enumlabel::text ORDER BY enumsortorder) FROM pg_catalog.pg_enum \
                       WHERE enumtypid = a.atttypid) AS labels \
               FROM pg_catalog.pg_attribute AS a \
               JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid \
               JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
               WHERE n.nspname = $1 AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped";
    /// An index over some of the rows, or over an expression, keeps two rows of one chain apart less
    /// often than one over the column.
    UNIQUE_CHAIN = "SELECT EXISTS (
                        SELECT FROM pg_catalog.pg_index AS i \
                        JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid \
                        JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                        WHERE n.nspname = $1 AND c.relname = $2 AND i.indisunique AND i.indisvalid \
                          AND i.indpred IS NULL AND i.indexprs IS NULL \
                          AND (SELECT array_agg(a.attname::text) FROM pg_catalog.pg_attribute AS a \
                               WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey)) <@ $3 \
                          AND $4 IN (SELECT a.attname::text FROM pg_catalog.pg_attribute AS a \
                                     WHERE a.attrelid = c.oid AND a.attnum = ANY (i.indkey)))";
}

/// What a column is for, which says what its type may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Anything that can be written as a text.
    Text,
    Integer,
    Time,
    Truth,
    Texts,
}

/// A column of the host's table.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    full_type: String,
    base_type: String,
    is_required: bool,
    has_default: bool,
    labels: Option<Vec<String>>,
}

impl Column {
    /// A text that becomes a value of this column.
    pub(super) fn text(&self, parameter: &str) -> String {
        format!("CAST({parameter}::text AS {})", self.full_type)
    }

    /// A parameter that becomes a value of this column: of times, microseconds since 1970.
    pub(super) fn value(&self, parameter: usize) -> String {
        match self.base_type.as_str() {
            "timestamp with time zone" => {
                format!("(timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond')")
            }
            "timestamp without time zone" => {
                format!("(timestamp 'epoch' + ${parameter}::bigint * interval '1 microsecond')")
            }
            "smallint" | "integer" | "bigint" => {
                format!("CAST(${parameter}::bigint AS {})", self.full_type)
            }
            "boolean" => format!("${parameter}::boolean"),
            "text[]" => format!("${parameter}::text[]"),
            _ => self.text(&format!("${parameter}")),
        }
    }

    fn serves(&self, purpose: Purpose) -> bool {
        let base = self.base_type.as_str();
        match purpose {
            Purpose::Text => !matches!(
                base,
                "smallint"
                    | "integer"
                    | "bigint"
                    | "boolean"
                    | "text[]"
                    | "timestamp with time zone"
                    | "timestamp without time zone"
            ),
            Purpose::Integer => matches!(base, "smallint" | "integer" | "bigint"),
            Purpose::Time => matches!(
                base,
                "timestamp with time zone" | "timestamp without time zone"
            ),
            Purpose::Truth => base == "boolean",
            Purpose::Texts => base == "text[]",
        }
    }
}

/// The columns of the host's table, by name.
#[derive(Debug)]
pub(super) struct Columns {
    table: String,
    by_name: BTreeMap<String, Column>,
}

impl Columns {
    pub(super) fn get(&self, name: &str) -> Result<&Column, StoreError> {
        let found = self.by_name.get(name);
        found.ok_or_else(|| self.refuse(name, "does not exist"))
    }

    /// An error about one column.
    pub(super) fn refuse(&self, column: &str, why: &str) -> StoreError {
        let message = format!("the column {column:?} of {} {why}", self.table);
        StoreError::new(StoreErrorKind::Invalid, message)
    }

    fn check(&self, name: &str, purpose: Purpose) -> Result<(), StoreError> {
        let column = self.get(name)?;
        if column.serves(purpose) {
            return Ok(());
        }
        let needed = match purpose {
            Purpose::Text => "a text, an enum, a uuid or the like",
            Purpose::Integer => "smallint, integer or bigint",
            Purpose::Time => "timestamptz or timestamp",
            Purpose::Truth => "boolean",
            Purpose::Texts => "text[]",
        };
        let why = format!(
            "is of the type {}, and has to be {needed}",
            column.full_type
        );
        Err(self.refuse(name, &why))
    }

    /// Whether an enum has the words that the engine writes.
    fn check_words<'a>(
        &self,
        name: &str,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        let column = self.get(name)?;
        let Some(labels) = &column.labels else {
            return Ok(());
        };
        for word in words {
            if !labels.iter().any(|label| label == word) {
                let why = format!(
                    "is an enum without the word {word:?}: add it, or name the word that stands for it"
                );
                return Err(self.refuse(name, &why));
            }
        }
        Ok(())
    }
}

/// Reads the columns, and refuses a table that the engine could not work with.
pub(super) async fn columns_of(pool: &PgPool, table: &HostTable) -> Result<Columns, StoreError> {
    let rows = sqlx::query(COLUMNS)
        .bind(&table.schema)
        .bind(&table.table)
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    let named = format!("{:?}.{:?}", table.schema, table.table);
    if rows.is_empty() {
        let message = format!("there is no table {named}, or the role may not see it");
        return Err(StoreError::new(StoreErrorKind::Invalid, message));
    }
    let mut by_name = BTreeMap::new();
    for row in &rows {
        let name: String = row.try_get("name").map_err(failed)?;
        let column = Column {
            name: name.clone(),
            full_type: row.try_get("full_type").map_err(failed)?,
            base_type: row.try_get("base_type").map_err(failed)?,
            is_required: row.try_get("is_required").map_err(failed)?,
            has_default: row.try_get("has_default").map_err(failed)?,
            labels: row.try_get("labels").map_err(failed)?,
        };
        by_name.insert(name, column);
    }
    let columns = Columns {
        table: named,
        by_name,
    };
    check(table, &columns)?;
    Ok(columns)
}

fn check(table: &HostTable, columns: &Columns) -> Result<(), StoreError> {
    let text = |name: &str| columns.check(name, Purpose::Text);
    columns.get(&table.id)?;
    columns.check(&table.revision, Purpose::Integer)?;
    for name in [&table.origin, &table.status, &table.chain, &table.name] {
        text(name)?;
    }
    for name in [&table.start, &table.end, &table.updated_at] {
        columns.check(name, Purpose::Time)?;
    }
    let mut filled: Vec<&str> = vec![
        &table.revision,
        &table.origin,
        &table.status,
        &table.chain,
        &table.name,
        &table.start,
        &table.end,
        &table.updated_at,
    ];
    if let TenantOf::Column(name) = &table.tenant {
        columns.get(name)?;
        filled.push(name);
    }
    match &table.event_type {
        EventTypeOf::Column(name) => {
            columns.check(name, Purpose::Integer)?;
            filled.push(name);
        }
        EventTypeOf::Service(name, services) => {
            columns.get(name)?;
            if services.is_empty() {
                return Err(columns.refuse(name, "names services, of which none has an event type"));
            }
            columns.check_words(name, services.iter().map(|(service, _)| service.as_str()))?;
            filled.push(name);
        }
    }
    if let TimeZoneOf::Column(name) = &table.time_zone {
        text(name)?;
        filled.push(name);
    }
    let optional = [
        (&table.email, Purpose::Text),
        (&table.phone, Purpose::Text),
        (&table.language, Purpose::Text),
        (&table.host, Purpose::Integer),
        (&table.location, Purpose::Text),
        (&table.guests, Purpose::Texts),
        (&table.notes, Purpose::Text),
        (&table.absent, Purpose::Truth),
        (&table.reason, Purpose::Text),
    ];
    for (name, purpose) in optional {
        let Some(name) = name else { continue };
        columns.check(name, purpose)?;
        let column = columns.get(name)?;
        if column.is_required {
            return Err(columns.refuse(name, "may not be empty, and what it is for can be unknown"));
        }
        filled.push(name);
    }
    for column in columns.by_name.values() {
        let is_filled = filled.contains(&column.name.as_str());
        if column.is_required && !column.has_default && !is_filled {
            let why =
                "may not be empty, has no default, and is filled by nothing: give it a default";
            return Err(columns.refuse(&column.name, why));
        }
    }
    let statuses = AppointmentStatus::ALL.map(|status| table.word_of(status));
    columns.check_words(&table.status, statuses)?;
    let calcom = Origin::Calcom;
    columns.check_words(&table.origin, [table.word_of_origin(&calcom)])?;
    Ok(())
}

/// Whether no two rows of a tenant can be made for one chain.
pub(super) async fn has_unique_chain(pool: &PgPool, table: &HostTable) -> Result<bool, StoreError> {
    let mut among = vec![table.chain.clone()];
    if let TenantOf::Column(column) = &table.tenant {
        among.push(column.clone());
    }
    sqlx::query_scalar(UNIQUE_CHAIN)
        .bind(&table.schema)
        .bind(&table.table)
        .bind(among)
        .bind(&table.chain)
        .fetch_one(pool)
        .await
        .map_err(failed)
}
