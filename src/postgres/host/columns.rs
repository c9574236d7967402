//! The columns of a host's table as the catalog describes them, and whether they can hold what they are
//! for.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::postgres::PgPool;

use super::parts::Holds;
use super::table::{EventTypeOf, HostTable, TenantOf};
use crate::postgres::error::failed;
use crate::postgres::statements;
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
    /// A partial index, or one over an expression, does not keep two rows of one chain apart.
    UNIQUE = "SELECT EXISTS ( \
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
    /// A text parameter, as a value of this column.
    pub(super) fn text(&self, parameter: &str) -> String {
        format!("CAST({parameter}::text AS {})", self.full_type)
    }

    /// A parameter, as a value of this column.
    pub(super) fn value(&self, holds: Holds, parameter: usize) -> String {
        match holds {
            Holds::Text | Holds::Anything => self.text(&format!("${parameter}")),
            Holds::Integer => format!("CAST(${parameter}::bigint AS {})", self.full_type),
            Holds::Boolean => format!("${parameter}::boolean"),
            Holds::Texts => format!("${parameter}::text[]"),
            Holds::Time => {
                let kind = match self.base_type.as_str() {
                    "timestamp without time zone" => "timestamp",
                    _ => "timestamptz",
                };
                format!("({kind} 'epoch' + ${parameter}::bigint * interval '1 microsecond')")
            }
        }
    }

    fn can_hold(&self, holds: Holds) -> bool {
        let kind = match self.base_type.as_str() {
            "smallint" | "integer" | "bigint" => Holds::Integer,
            "timestamp with time zone" | "timestamp without time zone" => Holds::Time,
            "boolean" => Holds::Boolean,
            "text[]" => Holds::Texts,
            _ => Holds::Text,
        };
        holds == Holds::Anything || kind == holds
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
    fn refuse(&self, column: &str, why: &str) -> StoreError {
        let message = format!("the column {column:?} of {} {why}", self.table);
        StoreError::new(StoreErrorKind::Invalid, message)
    }

    fn check_type(&self, name: &str, holds: Holds) -> Result<(), StoreError> {
        let column = self.get(name)?;
        if column.can_hold(holds) {
            return Ok(());
        }
        let needed = match holds {
            Holds::Text | Holds::Anything => "a text, an enum, a uuid or the like",
            Holds::Integer => "smallint, integer or bigint",
            Holds::Time => "timestamptz or timestamp",
            Holds::Boolean => "boolean",
            Holds::Texts => "text[]",
        };
        let why = format!("is of type {}, but has to be {needed}", column.full_type);
        Err(self.refuse(name, &why))
    }

    /// Refuses an enum that lacks a word that the engine writes.
    fn check_words<'a>(
        &self,
        name: &str,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), StoreError> {
        let Some(labels) = &self.get(name)?.labels else {
            return Ok(());
        };
        let mut words = words.into_iter();
        match words.find(|word| !labels.iter().any(|label| label == word)) {
            Some(word) => {
                let why = format!(
                    "is an enum without the value {word:?}: add it, or map one of its values to that meaning"
                );
                Err(self.refuse(name, &why))
            }
            None => Ok(()),
        }
    }

    /// Refuses a table with which the engine could not work.
    fn check(&self, table: &HostTable) -> Result<(), StoreError> {
        self.get(&table.id)?;
        self.check_type(&table.revision, Holds::Integer)?;
        self.check_type(&table.chain, Holds::Text)?;
        let mut filled = vec![table.revision.as_str(), table.chain.as_str()];
        if let Some(request) = &table.request {
            self.check_type(request, Holds::Text)?;
            if self.get(request)?.is_required {
                return Err(self.refuse(
                    request,
                    "is NOT NULL, but most rows are taken by no request",
                ));
            }
        }
        if let TenantOf::Column(name) = &table.tenant {
            self.get(name)?;
            filled.push(name);
        }
        for (part, name) in table.parts() {
            self.check_type(name, part.holds())?;
            if part.is_optional() && self.get(name)?.is_required {
                return Err(self.refuse(name, "is NOT NULL, but what it is for can be unknown"));
            }
            filled.push(name);
        }
        for column in self.by_name.values() {
            let is_filled = filled.contains(&column.name.as_str());
            if column.is_required && !column.has_default && !is_filled {
                let why = "is NOT NULL without a default, and nothing fills it in a new row: give it a default";
                return Err(self.refuse(&column.name, why));
            }
        }
        self.check_meanings(table)
    }

    /// Refuses words that are missing, or that would be read back as something else than was written.
    fn check_meanings(&self, table: &HostTable) -> Result<(), StoreError> {
        let statuses = AppointmentStatus::ALL;
        self.check_words(&table.status, statuses.map(|status| table.word_of(status)))?;
        let known = table.statuses();
        for status in statuses {
            let word = table.word_of(status);
            if known.get(word) != Some(&status) {
                let why = format!(
                    "would hold {word:?} for {}, which is mapped to another status: map a word to it",
                    status.as_str()
                );
                return Err(self.refuse(&table.status, &why));
            }
        }
        let word = table.word_of_origin(&Origin::Calcom);
        self.check_words(&table.origin, [word])?;
        if table.origin_of(word) != Origin::Calcom {
            let why = format!("would hold {word:?} for calcom, which is mapped to another origin");
            return Err(self.refuse(&table.origin, &why));
        }
        if let EventTypeOf::Service(name, services) = &table.event_type {
            if services.is_empty() {
                return Err(self.refuse(name, "names services, but none has an event type"));
            }
            self.check_words(name, services.iter().map(|(service, _)| service.as_str()))?;
        }
        Ok(())
    }
}

/// Reads the columns, and refuses a table with which the engine could not work.
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
    columns.check(table)?;
    for column in [Some(&table.chain), table.request.as_ref()] {
        if let Some(column) = column
            && !is_unique(pool, table, column).await?
        {
            let why = "needs a unique index, by itself or together with the tenant";
            return Err(columns.refuse(column, why));
        }
    }
    Ok(columns)
}

/// Whether no two rows of a tenant can have the same value in a column.
async fn is_unique(pool: &PgPool, table: &HostTable, unique: &String) -> Result<bool, StoreError> {
    let mut among = vec![unique.clone()];
    if let TenantOf::Column(column) = &table.tenant {
        among.push(column.clone());
    }
    sqlx::query_scalar(UNIQUE)
        .bind(&table.schema)
        .bind(&table.table)
        .bind(among)
        .bind(unique)
        .fetch_one(pool)
        .await
        .map_err(failed)
}
