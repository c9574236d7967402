//! The statements over a host's table, built from the names and types of its columns.

use super::columns::{Column, Columns};
use super::parts::{Holds, Part};
use super::table::{EventTypeOf, HostTable, TenantOf};
use crate::store::StoreError;

/// In each, the tenant is `$1`.
#[derive(Debug)]
pub(super) struct Statements {
    /// `$2`: the id.
    pub(super) get: String,
    /// `$2`: the chain.
    pub(super) get_by_chain: String,
    /// `$2`: the chain; `$3` and so on: the [parts](HostTable::parts).
    pub(super) create: String,
    /// `$2`: the id; `$3`: the expected revision; `$4` and so on: the [parts](HostTable::parts).
    pub(super) update: String,
    /// `$2`, `$3`: the window; `$4`: how many.
    pub(super) scan_first: String,
    /// `$4`, `$5`: after which start and id; `$6`: how many.
    pub(super) scan_next: String,
    /// `$2`: the request; `$3` and so on: the [parts](HostTable::parts); then the origin. With the statement
    /// that reads the row of a request. `None` if the table names no requests.
    pub(super) take: Option<(String, String)>,
    /// As [`update`](Self::update), and then the origin.
    pub(super) revise: String,
    /// `$2`: the number; `$3`: after when; `$4`: how many. `None` if the table has no phone numbers.
    pub(super) by_phone: Option<String>,
}

/// A column that the engine writes.
struct Written<'a> {
    part: Part,
    column: &'a Column,
    keeps: Keeps,
}

/// When an update leaves a column as it is.
enum Keeps {
    Never,
    /// The engine does not know the value.
    IfUnknown,
    /// The row's word means the same as the one that is written. Pairs of a word of the column and the
    /// word that the engine writes for it.
    IfSame(Vec<(String, String)>),
}

impl<'a> Written<'a> {
    fn of(table: &HostTable, part: Part, column: &'a Column) -> Self {
        let keeps = match part {
            Part::Status => {
                let statuses = table.statuses().into_iter();
                let words = statuses.map(|(word, status)| (word, table.word_of(status).to_owned()));
                Keeps::IfSame(words.collect())
            }
            Part::Service => Keeps::IfSame(table.services()),
            _ if part.is_kept_if_unknown() => Keeps::IfUnknown,
            _ => Keeps::Never,
        };
        Self {
            part,
            column,
            keeps,
        }
    }

    /// A parameter, as a value of the column.
    fn value(&self, parameter: usize) -> String {
        self.column.value(self.part.holds(), parameter)
    }

    /// What an update sets the column to; `parameter` is the new value.
    fn updated(&self, parameter: usize) -> String {
        let (column, value) = (of_row(&self.column.name), self.value(parameter));
        match &self.keeps {
            Keeps::Never => value,
            Keeps::IfUnknown => format!("COALESCE({value}, {column})"),
            Keeps::IfSame(words) => {
                let pairs = words
                    .iter()
                    .map(|(word, written)| format!("({}, {})", literal(word), literal(written)));
                format!(
                    "CASE WHEN ({column}::text, ${parameter}::text) IN ({}) THEN {column} ELSE {value} END",
                    pairs.collect::<Vec<_>>().join(", ")
                )
            }
        }
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A column of the row, told apart from whatever else a statement names.
fn of_row(column: &str) -> String {
    format!("own.{}", quoted(column))
}

/// Each connection of the store's has `standard_conforming_strings` on.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The columns that are read, under names of their own.
fn read_columns(table: &HostTable) -> String {
    let mut columns = vec![
        format!("{}::text AS row_id", of_row(&table.id)),
        format!("{}::bigint AS row_revision", of_row(&table.revision)),
        format!("{}::text AS row_chain", of_row(&table.chain)),
    ];
    columns.extend(table.parts().into_iter().map(|(part, name)| {
        let column = of_row(name);
        let value = match part.holds() {
            Holds::Text | Holds::Anything => format!("{column}::text"),
            Holds::Integer => format!("{column}::bigint"),
            Holds::Boolean => column,
            Holds::Texts => format!("{column}::text[]"),
            // Microseconds since 1970, whether the column has a time zone or not.
            Holds::Time => format!("round(extract(epoch from {column}) * 1000000)::bigint"),
        };
        format!("{value} AS {}", part.alias())
    }));
    columns.join(", ")
}

/// Sets the origin for the time of one statement, so that a trigger that watches the table records it as
/// the engine's, whatever word the table has for that.
const AS_ENGINE: &str =
    "(SELECT set_config('calcom.origin', 'calcom', true) IS NOT NULL AS is_set) AS engine";

/// The same, for a write of somebody else's: the parameter is the origin.
fn as_writer(parameter: usize) -> String {
    format!(
        "(SELECT set_config('calcom.origin', ${parameter}::text, true) IS NOT NULL AS is_set) AS engine"
    )
}

impl Statements {
    pub(super) fn of(table: &HostTable, columns: &Columns) -> Result<Self, StoreError> {
        let name = format!("{}.{}", quoted(&table.schema), quoted(&table.table));
        let read = read_columns(table);
        // The parameter is used in any case, so that every statement has the same ones.
        let of_tenant = match &table.tenant {
            TenantOf::Only(tenant) => format!("$1::text = {}", literal(tenant.as_str())),
            TenantOf::Column(column) => {
                format!("{} = {}", of_row(column), columns.get(column)?.text("$1"))
            }
        };
        let select = format!("SELECT {read} FROM {name} AS own WHERE {of_tenant}");
        let (id, own) = (columns.get(&table.id)?, of_row(&table.id));
        // One spelling of an id: `01` is not the row `1`.
        let is_it = format!("{own} = {} AND {own}::text = $2", id.text("$2"));
        let chain = columns.get(&table.chain)?.text("$2");
        let is_of_chain = format!("{} = {chain}", of_row(&table.chain));
        let written = table.parts().into_iter();
        let written = written.map(|(part, name)| Ok(Written::of(table, part, columns.get(name)?)));
        let written: Vec<Written<'_>> = written.collect::<Result<_, StoreError>>()?;

        let (revision, expected) = (quoted(&table.revision), of_row(&table.revision));
        let mut set = vec![format!("{revision} = {expected} + 1")];
        set.extend(written.iter().enumerate().map(|(index, one)| {
            format!("{} = {}", quoted(&one.column.name), one.updated(index + 4))
        }));

        let mut inserted = vec![(revision, "1".to_owned())];
        let may_insert = match &table.tenant {
            TenantOf::Only(_) => of_tenant.as_str(),
            TenantOf::Column(column) => {
                inserted.push((quoted(column), columns.get(column)?.text("$1")));
                "true"
            }
        };
        inserted.extend(
            written
                .iter()
                .enumerate()
                .map(|(index, one)| (quoted(&one.column.name), one.value(index + 3))),
        );
        // A row for a chain of bookings, or for a request, which is `$2` in either case.
        let insert = |key: &str, value: &str, writer: &str, returning: &str| {
            let (into, values): (Vec<_>, Vec<_>) = inserted.iter().cloned().unzip();
            format!(
                "INSERT INTO {name} AS own ({}, {}) SELECT {value}, {} FROM {writer} WHERE engine.is_set AND {may_insert} \
                 ON CONFLICT DO NOTHING{returning}",
                quoted(key),
                into.join(", "),
                values.join(", "),
            )
        };
        let update = |writer: &str| {
            format!(
                "UPDATE {name} AS own SET {} FROM {writer} \
                 WHERE engine.is_set AND {of_tenant} AND {is_it} AND {expected} = $3 RETURNING {read}",
                set.join(", ")
            )
        };
        let take = match &table.request {
            None => None,
            Some(request) => {
                let value = columns.get(request)?.text("$2");
                let returning = format!(" RETURNING {read}");
                let writer = as_writer(written.len() + 3);
                let get = format!("{select} AND {} = {value}", of_row(request));
                Some((insert(request, &value, &writer, &returning), get))
            }
        };
        let by_phone = by_phone(table, columns, &select)?;

        let (start, at) = (columns.get(&table.start)?, of_row(&table.start));
        let [from, until, after] = [2, 3, 4].map(|parameter| start.value(Holds::Time, parameter));
        let is_synced = is_synced(table);
        let scan = format!("{select} AND {is_synced} AND {at} >= {from} AND {at} < {until}");
        let (after_id, order) = (id.text("$5"), format!("ORDER BY {at}, {own}"));
        Ok(Self {
            get: format!("{select} AND {is_it}"),
            get_by_chain: format!("{select} AND {is_of_chain}"),
            create: insert(&table.chain, &chain, AS_ENGINE, ""),
            update: update(AS_ENGINE),
            take,
            revise: update(&as_writer(written.len() + 4)),
            by_phone,
            scan_first: format!("{scan} {order} LIMIT $4"),
            scan_next: format!("{scan} AND ({at}, {own}) > ({after}, {after_id}) {order} LIMIT $6"),
        })
    }
}

/// The look-up by phone number, if the table has one. What is found is sorted by itself, so that no plan
/// walks the table in the order of starts.
fn by_phone(
    table: &HostTable,
    columns: &Columns,
    select: &str,
) -> Result<Option<String>, StoreError> {
    let Some(phone) = &table.phone else {
        return Ok(None);
    };
    let number = columns.get(phone)?.text("$2");
    let (phone, end) = (of_row(phone), columns.get(&table.end)?);
    let after = end.value(Holds::Time, 3);
    let (end, status) = (of_row(&end.name), of_row(&table.status));
    let live = table.statuses().into_iter();
    let live = live.filter(|(_, status)| status.is_live());
    let live: Vec<String> = live.map(|(word, _)| literal(&word)).collect();
    let is_synced = is_synced(table);
    Ok(Some(format!(
        "WITH found AS MATERIALIZED ({select} AND {is_synced} AND {phone} = {number} AND {end} > {after} \
         AND {status}::text IN ({})) \
         SELECT * FROM found ORDER BY row_start, row_id LIMIT $4",
        live.join(", ")
    )))
}

/// Whether a row has an event type at Cal.com.
fn is_synced(table: &HostTable) -> String {
    match &table.event_type {
        EventTypeOf::Column(column) => format!("{} IS NOT NULL", of_row(column)),
        EventTypeOf::Service(column, services) => {
            let services = services.iter().map(|(service, _)| literal(service));
            let services = services.collect::<Vec<_>>().join(", ");
            format!("{}::text IN ({services})", of_row(column))
        }
    }
}
