//! What a database tells about its indexes and its slow statements. It is asked over a connection of
//! its own that only reads.

use std::str::FromStr;
use std::time::Duration;

use secrecy::ExposeSecret;
use serde::Serialize;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use crate::failure::{Failure, FailureKind};
use crate::settings::{DatabaseUrl, Settings};

/// How long the database may take to answer.
const AT_MOST: Duration = Duration::from_secs(30);
/// The schema of the tables unless set otherwise.
const DEFAULT_SCHEMA: &str = "calcom";
/// How much of a statement is shown.
const LONGEST_STATEMENT: usize = 160;

/// An index.
#[derive(Debug, Serialize)]
pub(super) struct Index {
    pub(super) table: String,
    pub(super) name: String,
    /// How many times it was used; `None` if the database does not count it.
    pub(super) scans: Option<i64>,
    /// `None` if the database does not say.
    pub(super) bytes: Option<i64>,
    pub(super) is_unique: bool,
}

/// All indexes, and what is to be known about the figures.
#[derive(Debug, Default, Serialize)]
pub(super) struct Indexes {
    pub(super) indexes: Vec<Index>,
    pub(super) notes: Vec<String>,
}

/// A statement of which the database has kept a record.
#[derive(Debug, Serialize)]
pub(super) struct Recorded {
    pub(super) calls: i64,
    pub(super) mean_ms: f64,
    pub(super) longest_ms: f64,
    pub(super) statement: String,
}

/// A statement that is running.
#[derive(Debug, Serialize)]
pub(super) struct Running {
    pub(super) process: i32,
    pub(super) for_ms: f64,
    pub(super) statement: String,
}

/// Slow statements; `None` where the database cannot tell.
#[derive(Debug, Default, Serialize)]
pub(super) struct Slow {
    pub(super) recorded: Option<Vec<Recorded>>,
    pub(super) running: Option<Vec<Running>>,
    pub(super) notes: Vec<String>,
}

fn failed(error: sqlx::Error) -> Failure {
    Failure::new(
        FailureKind::Storage,
        "the database does not answer what was asked",
        "check that it runs, and that this user may read its statistics",
    )
    .because(error)
}

async fn in_time<T>(work: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, Failure> {
    match tokio::time::timeout(AT_MOST, work).await {
        Ok(result) => result.map_err(failed),
        Err(_) => Err(Failure::new(
            FailureKind::Storage,
            "the database took too long",
            "try again when it has less to do",
        )),
    }
}

/// The indexes of the sync's tables.
pub(super) async fn indexes(settings: &Settings) -> Result<Indexes, Failure> {
    match &settings.database {
        DatabaseUrl::Sqlite(path) => {
            let options = SqliteConnectOptions::new().filename(path).read_only(true);
            in_time(async {
                let mut connection = options.connect().await?;
                let indexes = of_sqlite(&mut connection).await;
                connection.close().await?;
                indexes
            })
            .await
        }
        DatabaseUrl::Postgres { url, schema } => {
            let schema = schema.as_deref().unwrap_or(DEFAULT_SCHEMA);
            in_time(async {
                let mut connection = connect(url.expose_secret()).await?;
                let indexes = of_postgres(&mut connection, schema).await;
                connection.close().await?;
                indexes
            })
            .await
        }
    }
}

async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    let options = PgConnectOptions::from_str(url)?;
    PgConnection::connect_with(&options).await
}

async fn of_postgres(connection: &mut PgConnection, schema: &str) -> Result<Indexes, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT s.relname::text, s.indexrelname::text, s.idx_scan, pg_relation_size(s.indexrelid), \
                i.indisunique \
         FROM pg_stat_user_indexes s JOIN pg_index i ON i.indexrelid = s.indexrelid \
         WHERE s.schemaname = $1 ORDER BY s.idx_scan, s.relname, s.indexrelname",
    )
    .bind(schema)
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Indexes::default();
    for row in rows {
        found.indexes.push(Index {
            table: row.try_get(0)?,
            name: row.try_get(1)?,
            scans: row.try_get(2)?,
            bytes: row.try_get(3)?,
            is_unique: row.try_get(4)?,
        });
    }
    let since: Option<String> = sqlx::query_scalar(
        "SELECT to_char(stats_reset AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') \
         FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_optional(connection)
    .await?
    .flatten();
    let unused = found.indexes.iter();
    let unused = unused.filter(|index| index.scans == Some(0) && !index.is_unique);
    let unused = unused.count();
    let since = match since {
        Some(since) => format!("since {since} UTC"),
        None => "since the database's statistics began".to_owned(),
    };
    found.notes.push(format!(
        "Indexes that keep nothing unique and were not used {since}: {unused}. A young database, or one with few rows, uses fewer: \
         PostgreSQL reads small tables whole."
    ));
    Ok(found)
}

async fn of_sqlite(connection: &mut SqliteConnection) -> Result<Indexes, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT m.name, m.tbl_name, l.\"unique\" FROM sqlite_master m, pragma_index_list(m.tbl_name) l \
         WHERE m.type = 'index' AND l.name = m.name ORDER BY m.tbl_name, m.name",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut found = Indexes::default();
    for row in rows {
        found.indexes.push(Index {
            name: row.try_get(0)?,
            table: row.try_get(1)?,
            scans: None,
            bytes: None,
            is_unique: row.try_get::<i64, _>(2)? != 0,
        });
    }
    // Not every SQLite is compiled with it.
    let sizes = sqlx::query("SELECT name, sum(pgsize) FROM dbstat GROUP BY name");
    match sizes.fetch_all(&mut *connection).await {
        Ok(rows) => {
            for row in rows {
                let (name, bytes): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
                let mut same = found.indexes.iter_mut();
                if let Some(index) = same.find(|index| index.name == name) {
                    index.bytes = Some(bytes);
                }
            }
        }
        Err(_) => found
            .notes
            .push("This SQLite does not tell the sizes of indexes.".to_owned()),
    }
    let pages: i64 = sqlx::query_scalar("SELECT page_count FROM pragma_page_count")
        .fetch_one(&mut *connection)
        .await?;
    let page: i64 = sqlx::query_scalar("SELECT page_size FROM pragma_page_size")
        .fetch_one(&mut *connection)
        .await?;
    found.notes.push(format!(
        "The file has {pages} pages of {page} bytes, {:.1} MiB.",
        // Sizes of files are far below 2^52.
        (pages * page) as f64 / 1024.0 / 1024.0
    ));
    let analyzed: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_stat1'")
            .fetch_one(&mut *connection)
            .await?;
    if analyzed > 0 {
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_stat1")
            .fetch_one(connection)
            .await?;
        found
            .notes
            .push(format!("ANALYZE has left figures about {rows} indexes."));
    }
    found.notes.push(
        "SQLite does not count how often an index is used, so that nothing can be said about unused ones."
            .to_owned(),
    );
    Ok(found)
}

/// The statements that take at least this long.
pub(super) async fn slow(settings: &Settings, over: Duration) -> Result<Slow, Failure> {
    match &settings.database {
        DatabaseUrl::Sqlite(_) => Ok(Slow {
            notes: vec![
                "SQLite keeps no record of its statements, so that the program's own reads were timed instead."
                    .to_owned(),
            ],
            ..Slow::default()
        }),
        DatabaseUrl::Postgres { url, .. } => {
            in_time(async {
                let mut connection = connect(url.expose_secret()).await?;
                let slow = slow_of_postgres(&mut connection, over).await;
                connection.close().await?;
                slow
            })
            .await
        }
    }
}

async fn slow_of_postgres(
    connection: &mut PgConnection,
    over: Duration,
) -> Result<Slow, sqlx::Error> {
    let over_ms = over.as_secs_f64() * 1000.0;
    let mut slow = Slow::default();
    let schema: Option<String> = sqlx::query_scalar(
        "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace \
         WHERE e.extname = 'pg_stat_statements'",
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(schema) = schema {
        // Only statements whose values were taken out: others may hold passwords.
        let text = format!(
            "SELECT calls, mean_exec_time, max_exec_time, query FROM {schema}.pg_stat_statements \
             WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) \
               AND mean_exec_time >= $1 AND query ~* '^\\s*(select|insert|update|delete|with)' \
             ORDER BY total_exec_time DESC LIMIT 20"
        );
        let rows = sqlx::query(AssertSqlSafe(text)).bind(over_ms);
        // The extension may be there, and its library not loaded.
        if let Ok(rows) = rows.fetch_all(&mut *connection).await {
            let mut recorded = Vec::new();
            for row in rows {
                recorded.push(Recorded {
                    calls: row.try_get(0)?,
                    mean_ms: row.try_get(1)?,
                    longest_ms: row.try_get(2)?,
                    statement: short(&row.try_get::<String, _>(3)?),
                });
            }
            slow.recorded = Some(recorded);
        }
    }
    if slow.recorded.is_none() {
        slow.notes.push(
            "The database keeps no record of its statements. To have it keep one: add pg_stat_statements to \
             shared_preload_libraries in postgresql.conf, restart it, and run CREATE EXTENSION pg_stat_statements."
                .to_owned(),
        );
    }
    let rows = sqlx::query(
        "SELECT pid, extract(epoch FROM clock_timestamp() - query_start)::float8 * 1000, query \
         FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user \
           AND pid <> pg_backend_pid() AND state = 'active' \
           AND extract(epoch FROM clock_timestamp() - query_start)::float8 * 1000 >= $1 \
         ORDER BY query_start LIMIT 20",
    )
    .bind(over_ms)
    .fetch_all(connection)
    .await?;
    let mut running = Vec::new();
    for row in rows {
        running.push(Running {
            process: row.try_get(0)?,
            for_ms: row.try_get(1)?,
            statement: short(&row.try_get::<String, _>(2)?),
        });
    }
    slow.running = Some(running);
    Ok(slow)
}

/// The beginning of a statement, in one line.
fn short(statement: &str) -> String {
    let words: Vec<&str> = statement.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_STATEMENT).collect()
}
