//! Runs every statement of the store, and every function of its schema, over 100,000 rows in each table, and looks at the plans:
//! none may walk a whole table, or a whole tenant.
//!
//! What is judged is the plan that ran, with the rows that it touched, as `auto_explain` reports it: so the statements within
//! functions and the checks of foreign keys are seen, too. Each is run twice, by the plan for any arguments, which a connection
//! comes to use for a prepared statement, and by the plan for the arguments at hand.

use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, NoTls, SimpleQueryMessage};

use super::{
    PostgresStore, absorb, appointments, desk, documents, erasure, inbox, keys, links, log, marks,
    outbox, queue, report, review_items, reviews, sender_events, service_links, services, settle,
    sweeps, tenants, upkeep,
};
use crate::ambient::{Entropy, SystemEntropy};

/// The tables as they are after a hundred days: 50 tenants with 2,000 rows each in every table, of which the last few are not
/// settled; one tenant more, which is being erased; and 100,000 tenants that were once held or swept.
const FILL: &str = "
CREATE TEMPORARY VIEW row_ AS
    SELECT i, 't' || lpad((i % 50)::text, 5, '0') AS tenant, now() - (100000 - i) * interval '86.4 s' AS at, i <= 99400 AS is_old
    FROM generate_series(1, 100000) AS i;
INSERT INTO tenants (tenant, paused_by, not_before)
    SELECT 't' || lpad(i::text, 5, '0'), CASE WHEN i % 1000 = 0 THEN 'cause' END, now() - interval '1 day'
    FROM generate_series(0, 99999) AS i;
INSERT INTO sweeps (tenant, ended_at, format, cursor) SELECT tenant, now(), 1, 'cursor' FROM tenants;
INSERT INTO service_syncs (tenant, ended_at) SELECT tenant, now() FROM tenants;
INSERT INTO links (tenant, appointment, booking, chain, series, sync_key, is_bare, format, state, due_at, is_leased)
    SELECT tenant, 'a' || i, 'b' || i, 'c' || i, CASE WHEN i % 20 = 7 THEN 'series' || i / 100 END, 'k' || i, false, 1,
        convert_to(repeat('state', 60), 'UTF8'), CASE WHEN NOT is_old THEN now() + (i - 99700) * interval '1 s' END,
        NOT is_old AND i % 10 = 0
    FROM row_ ORDER BY i;
INSERT INTO keys (tenant, kind, name, link)
    SELECT tenant, 'appointment', 'a' || i, i FROM row_ UNION ALL SELECT tenant, 'booking', 'b' || i, i FROM row_;
INSERT INTO notices (kind, tenant, taken_at, is_routed, fate, settled_at, appointment, revision, origin, at)
    SELECT 'change', tenant, at, i <= 99700, CASE WHEN is_old THEN 'pushed' END, CASE WHEN is_old THEN at END, 'a' || i, 1, 'admin', at
    FROM row_ ORDER BY i;
INSERT INTO notices
    (kind, tenant, taken_at, is_routed, fate, settled_at, fingerprint, trigger_name, booking, sync_key, claim, body, source)
    SELECT 'delivery', tenant, at, i <= 99700, CASE WHEN is_old THEN 'applied' END, CASE WHEN is_old THEN at END,
        sha256(convert_to(i::text, 'UTF8')), 'BOOKING_CREATED', 'b' || i, 'k' || i, '{}',
        CASE WHEN i > 90000 THEN convert_to(repeat('body', 100), 'UTF8') ELSE '' END,
        CASE WHEN i % 30 = 7 THEN 'sweep' ELSE 'webhook' END
    FROM row_ ORDER BY i;
INSERT INTO reviews
    (tenant, link, appointment, cause, reason, ends, evidence, opened_at, updated_at, resolution, resolved_by, resolved_at)
    SELECT tenant, i, 'a' || i, 'conflict', 'reason' || i % 8, 'agreed', '{}', at, at,
        CASE WHEN is_old THEN 'retry' END, CASE WHEN is_old THEN 'eve' END, CASE WHEN is_old THEN at END
    FROM row_ ORDER BY i;
INSERT INTO review_links (tenant, review, link) SELECT tenant, i, i FROM row_;
INSERT INTO notices (kind, tenant, taken_at, target, source, review)
    SELECT 'mark', tenant, at, i, 'instruction', i FROM row_ WHERE i > 99800;
INSERT INTO sender_events
    (tenant, sender, event_id, event, order_key, taken_at, body, due_at, is_leased, review, fate, ended_at)
    SELECT tenant, 'stripe', 'evt_' || i, 'invoice.paid', CASE WHEN i % 3 > 0 THEN 'customer' || i % 1000 END, at,
        CASE WHEN i > 90000 THEN convert_to(repeat('body', 100), 'UTF8') ELSE '' END,
        CASE WHEN NOT (is_old OR i % 20 = 3) THEN at END, NOT is_old AND i % 10 = 0, CASE WHEN i % 20 = 3 THEN i END,
        CASE WHEN is_old THEN 'handled' END, CASE WHEN is_old THEN at END
    FROM row_ ORDER BY i;
INSERT INTO log (tenant, at, link, appointment, event)
    SELECT tenant, at, i, CASE WHEN i % 3 > 0 THEN 'a' || i END,
        CASE WHEN i % 1000 = 7 THEN '{\"event\":\"operated\",\"by\":\"eve\"}' ELSE '{}' END
    FROM row_ ORDER BY i;
INSERT INTO appointments (tenant, id, revision, origin, state, start_at, chain, updated_at)
    SELECT tenant, 'a' || i, 1, 'admin',
        json_build_object('status', 'confirmed', 'end', to_char((at + interval '50 days') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),
            'attendee', json_build_object('phone_number', '+493012345' || i % 20)),
        at + interval '50 days', 'c' || i, at
    FROM row_;
INSERT INTO services (tenant, id, revision, name, length_in_minutes, is_active, event_type, updated_at)
    SELECT tenant, 's' || i, 1, 'cut', 30, true, i, at FROM row_;
INSERT INTO service_links (tenant, service, event_type, status, attempts, updated_at, format, state)
    SELECT tenant, 's' || i, i, 'agreed', 0, at, 1, 'state' FROM row_ ORDER BY i;
INSERT INTO documents (tenant, name, version, body, author, at)
    SELECT tenant, 'a' || i % 1000, i / 1000 + 1, '{}', 'eve', at FROM row_;
INSERT INTO idempotency_keys (key, fingerprint, stored_at) SELECT sha256(convert_to(i::text, 'UTF8')), 'request', at FROM row_;
INSERT INTO oauth_tokens (session, access_token, refresh_token) SELECT 'a' || i, 'access', 'refresh' FROM row_;
INSERT INTO rate_budgets (credential, state, stored_at) SELECT sha256(convert_to(i::text, 'UTF8')), '{}', at FROM row_;
INSERT INTO links (tenant) SELECT 't00050' FROM generate_series(1, 300);
CREATE TABLE visits (id bigint PRIMARY KEY, revision bigint NOT NULL, salon text NOT NULL);
INSERT INTO visits SELECT i, 1, tenant FROM row_;
DROP VIEW row_;
";

/// Tables that may be walked.
const SMALL: &[(&str, &str)] = &[
    ("meta", "one row"),
    ("watched", "one row for each table of the host's"),
    ("visits", "the host's own"),
    ("pg_attribute", "watching a table is part of no work"),
    ("pg_class", "watching a table is part of no work"),
    ("pg_trigger", "watching a table is part of no work"),
];

/// A quarter of a tenant's rows.
const MOST_ROWS: f64 = 500.0;

/// Walks that are meant: file, statement, table, and why.
const MEANT: &[(&str, &str, &str, &str)] = &[
    (
        "review_items",
        "COUNTS",
        "reviews",
        "all that is kept of a tenant's items is counted",
    ),
    (
        "review_items",
        "COUNTS",
        "reviews_pkey",
        "all that is kept of a tenant's items is counted",
    ),
    (
        "sender_events",
        "BODIES",
        "sender_events",
        "all events of a tenant are read once, page by page, when a person is erased",
    ),
    (
        "sender_events",
        "BODIES",
        "sender_events_pkey",
        "all events of a tenant are read once, page by page, when a person is erased",
    ),
    (
        "erasure",
        "BODIES",
        "notices",
        "all deliveries of a tenant are read once, page by page, when a person is erased",
    ),
    (
        "erasure",
        "BODIES",
        "notices_deliveries",
        "all deliveries of a tenant are read once, page by page, when a person is erased",
    ),
];

/// Types of parameters that PostgreSQL cannot tell from the statement, and arguments for which the usual ones will not do: file,
/// statement, types, arguments. An empty text: the usual ones.
const HOW: &[(&str, &str, &str, &str)] = &[
    (
        "appointments",
        "SCAN",
        "",
        "'t00007', now() - interval '1 day', now() + interval '30 days', now(), 'a57', 100",
    ),
    // A thousand of the tenant's have this number, and most of them are over.
    (
        "desk",
        "BY_PHONE",
        "",
        "'t00007', '+4930123457', now() + interval '49 days', 100",
    ),
    ("erasure", "ERASE_LINKS", "", "'t00050', 100"),
    (
        "inbox",
        "ACCEPT",
        "",
        "'t00007', 'new', 'BOOKING_CREATED', 'b57', NULL, NULL, '{}', 'body', 'webhook', NULL",
    ),
    (
        "inbox",
        "ACCEPT_GROUP",
        "",
        "'{t00007, t00007}', '{new, newer}', '{BOOKING_CREATED, BOOKING_CANCELLED}', '{b57, b107}', '{NULL, NULL}', '{NULL, NULL}', \
         '{\"{}\", \"{}\"}', '{body, body}', '{webhook, webhook}', '{NULL, NULL}'",
    ),
    (
        "sender_events",
        "ACCEPT",
        "",
        "'t00007', 'stripe', 'new', 'invoice.paid', 'customer7', NULL, 'body'",
    ),
    ("sender_events", "FIRST_AFTER", "", "'t00007', '{stripe}'"),
    ("sender_events", "FIRST_UP_TO", "", "'t00007', '{stripe}'"),
    (
        "sender_events",
        "CLAIM",
        "",
        "'t00007', 60000000, '{stripe}'",
    ),
    (
        "keys",
        "OWNERS",
        "text, text[], text[]",
        "'t00007', '{booking, appointment}', '{b57, a107}'",
    ),
    ("log", "LATEST", "", "'t00007', 9223372036854775807, 100"),
    (
        "log",
        "LATEST_BY_PERSONS",
        "",
        "'t00007', 9223372036854775807, 100",
    ),
    ("links", "BY_KEY", "", "'t00007', 'booking', 'b57'"),
    ("links", "REMOVE", "", "'t00050', 100001"),
    (
        "marks",
        "MARK_BY_KEY",
        "",
        "'t00007', 'booking', 'b57', 'request'",
    ),
    // Those that are over; for those that are open there is another statement.
    (
        "review_items",
        "ITEMS",
        "",
        "'t00007', false, NULL, NULL, NULL, 57, 100",
    ),
    (
        "settle",
        "CHECKPOINT",
        "",
        "'t00010', 99910, 'a99910', 'b99910', 'c99910', NULL, 'k99910', false, 'state', 1, 0, '{booking, appointment}', \
         '{b99910, a99910}', '{\"{}\"}', 60000000",
    ),
    ("settle", "SETTLE", "", SETTLED),
    (
        "settle",
        "SETTLE_NOTICES",
        "",
        "'t00010', 99910, 'a99910', '{99910}', '{pushed}', '{199910}', '{applied}', '{57}'",
    ),
    (
        "settle",
        "WRITE_TURN",
        "",
        "'t00007', 57, 'a57', '{booking, chain}', '{b57, c57}', '{\"{}\"}', '{false}'",
    ),
    ("settle", "MARK_SIBLINGS", "", "'t00007', 7, 'series1'"),
    ("queue", "CLAIM_NEXT", "", "'t00007', NULL, 1, 60000000"),
    (
        "queue",
        "CLAIM_OF",
        "",
        "'t00007', 1, 60000000, true, false",
    ),
];

/// A settlement of a link that is leased, and of all that waits for it.
const SETTLED: &str = "'t00010', 99910, 'a99910', 'b99910', 'c99910', 'series1', 'k99910', false, 'state', 1, 0, \
    '{booking, appointment}', '{b99910, a99910}', '{\"{}\"}', '{false}', 0, '{99910}', '{pushed}', '{199910}', '{applied}', '{57}', \
    NULL, NULL, true, '{cause}', true";

/// Each function of the schema in PL/pgSQL, with a statement that calls it. A function with branches needs one for each.
const CALLS: &[(&str, &str)] = &[
    ("record_change", "SELECT record_change('t00007', 'a57', 2)"),
    ("record_change", "SELECT record_change('t00007', 'a57', 1)"),
    (
        "record_changes",
        "SELECT record_changes('t00007', ARRAY['a57', 'a107', 'a157'], ARRAY[2, 1, 2])",
    ),
    ("watch", "SELECT watch('visits', tenant_column => 'salon')"),
    ("unwatch", "SELECT unwatch('visits')"),
    (
        "record_watched",
        "WITH watched AS (SELECT watch('visits', tenant_column => 'salon')) SELECT * FROM watched; \
         UPDATE visits SET salon = salon WHERE id IN (7, 57); INSERT INTO visits VALUES (0, 1, 't00007')",
    ),
    (
        "raise_watched_revision",
        "WITH watched AS (SELECT watch('visits', tenant_column => 'salon')) SELECT * FROM watched; \
         UPDATE visits SET salon = salon WHERE id = 7",
    ),
    (
        "next_turn",
        "SELECT * FROM next_turn('t00007', 1, clock_of_books())",
    ),
    (
        "next_turn",
        "SELECT * FROM next_turn(NULL, 1, clock_of_books())",
    ),
    (
        "routes_first",
        "SELECT routes_first('t00007', 1, clock_of_books(), false)",
    ),
    ("route", "SELECT route('t00007')"),
    (
        "claim_of",
        "SELECT * FROM claim_of('t00007', 1, 60000000, true, true, false)",
    ),
    (
        "claim_next",
        "SELECT * FROM claim_next(NULL, NULL, 1, 60000000)",
    ),
    // What these are called by runs them, too.
    (
        "lock_leased",
        "SELECT * FROM lock_leased('t00010', 99910, 0, 'a99910', '{booking}', '{b99910}')",
    ),
    (
        "checkpoint_link",
        "SELECT checkpoint_link('t00010', 99910, 'a99910', 'b99910', 'c99910', NULL, 'k99910', false, 'state', 1, 0, '{booking}', \
         '{b99910}', '{\"{}\"}', 60000000)",
    ),
    (
        "write_turn",
        "SELECT write_turn('t00007', 57, 'a57', now(), '{booking}', '{b57}', '{\"{}\"}', '{false}')",
    ),
    (
        "settle_notices",
        "SELECT settle_notices('t00010', 99910, 'a99910', now(), '{99910}', '{pushed}', '{199910}', '{applied}', '{57}')",
    ),
    (
        "give_back",
        "SELECT give_back('t00010', 99910, 'a99910', 'b99910', NULL, NULL, NULL, false, 'state', 1, now(), false, NULL, NULL)",
    ),
    (
        "live_phone_of",
        "SELECT live_phone_of(state) FROM appointments WHERE tenant = 't00007' AND id = 'a57'",
    ),
    (
        "end_of",
        "SELECT end_of(state) FROM appointments WHERE tenant = 't00007' AND id = 'a57'",
    ),
    ("is_awaited", "SELECT is_awaited('t00007', 57, 'a57')"),
    (
        "mark_siblings",
        "SELECT mark_siblings('t00007', 7, 'series1')",
    ),
    (
        "settle_link",
        "SELECT settle_link('t00010', 99910, 'a99910', 'b99910', 'c99910', 'series1', 'k99910', false, 'state', 1, 0, \
        '{booking, appointment}', '{b99910, a99910}', '{\"{}\"}', '{false}', 0, '{99910}', '{pushed}', '{199910}', '{applied}', \
        '{57}', NULL, NULL, true, '{cause}', true)",
    ),
];

const STATEMENTS: &[(&str, &[(&str, &str)])] = &[
    ("absorb", absorb::STATEMENTS),
    ("appointments", appointments::STATEMENTS),
    ("desk", desk::STATEMENTS),
    ("documents", documents::STATEMENTS),
    ("erasure", erasure::STATEMENTS),
    #[cfg(feature = "client")]
    ("idempotency", super::idempotency::STATEMENTS),
    ("inbox", inbox::STATEMENTS),
    ("keys", keys::STATEMENTS),
    ("links", links::STATEMENTS),
    ("log", log::STATEMENTS),
    ("marks", marks::STATEMENTS),
    #[cfg(feature = "client")]
    ("oauth_tokens", super::oauth_tokens::STATEMENTS),
    ("outbox", outbox::STATEMENTS),
    ("queue", queue::STATEMENTS),
    #[cfg(feature = "client")]
    ("rate_budget", super::rate_budget::STATEMENTS),
    ("report", report::STATEMENTS),
    ("review_items", review_items::STATEMENTS),
    ("reviews", reviews::STATEMENTS),
    ("sender_events", sender_events::STATEMENTS),
    ("service_links", service_links::STATEMENTS),
    ("services", services::STATEMENTS),
    ("settle", settle::STATEMENTS),
    ("sweeps", sweeps::STATEMENTS),
    ("tenants", tenants::STATEMENTS),
    ("upkeep", upkeep::STATEMENTS),
];

/// A connection that receives the plan of every statement it runs.
struct Watched {
    client: tokio_postgres::Client,
    notices: mpsc::UnboundedReceiver<String>,
}

impl Watched {
    async fn connect(url: &str, schema: &str) -> Self {
        let (client, mut connection) = tokio_postgres::connect(url, NoTls)
            .await
            .expect("a server that accepts connections");
        let (sender, notices) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut messages = poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notice(notice) = message {
                    let _ = sender.send(notice.message().to_owned());
                }
            }
        });
        let watched = Self { client, notices };
        watched
            .run(&format!("SET search_path = {schema}, pg_temp"))
            .await
            .expect("a schema");
        watched
    }

    /// Needs to be a superuser, which it is on a server of the test's.
    async fn watch(&self) {
        let settings = "LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; \
                        SET auto_explain.log_timing = off; SET auto_explain.log_nested_statements = on; \
                        SET auto_explain.log_format = json; SET client_min_messages = log; SET jit = off";
        self.run(settings).await.expect("auto_explain is installed");
    }

    /// The first column of each row.
    async fn run(&self, sql: &str) -> Result<Vec<String>, String> {
        let answer = self.client.simple_query(sql).await.map_err(|error| {
            error
                .as_db_error()
                .map_or_else(|| error.to_string(), ToString::to_string)
        })?;
        let row = |message| match message {
            SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
            _ => None,
        };
        Ok(answer.into_iter().filter_map(row).collect())
    }

    /// Runs it, leaves nothing behind, and returns the plans.
    async fn plans(&mut self, sql: &str) -> Result<Vec<Value>, String> {
        while self.notices.try_recv().is_ok() {}
        self.run("BEGIN").await?;
        let ran = self.run(sql).await;
        self.run("ROLLBACK").await?;
        ran?;
        let mut plans = Vec::new();
        while let Ok(notice) = self.notices.try_recv() {
            if let Some((_, plan)) = notice.split_once("plan:") {
                let mut plan: Value = serde_json::from_str(plan).map_err(|e| e.to_string())?;
                plans.push(plan["Plan"].take());
            }
        }
        if plans.is_empty() {
            return Err("no plan was reported".to_owned());
        }
        Ok(plans)
    }
}

/// What is wrong with a plan.
struct Judge<'a> {
    /// The leading column of each index.
    leading: &'a [(String, String)],
    is_meant: &'a dyn Fn(&str) -> bool,
    wrong: Vec<String>,
}

impl Judge<'_> {
    /// `limited`: whether the rows are read one by one until there are enough of them.
    fn judge(&mut self, node: &Value, limited: bool) {
        let text = |name: &str| node[name].as_str().unwrap_or_default();
        let number = |name: &str| node[name].as_f64().unwrap_or_default();
        let (kind, table, index) = (text("Node Type"), text("Relation Name"), text("Index Name"));
        let is_scan = kind.ends_with("Scan") && !(table.is_empty() && index.is_empty());
        let removed = ["Rows Removed by Filter", "Rows Removed by Index Recheck"];
        let touched = number("Actual Rows") + removed.iter().map(|name| number(name)).sum::<f64>();
        let touched = touched * number("Actual Loops");
        let on = if table.is_empty() { index } else { table };
        let is_small = SMALL
            .iter()
            .any(|(small, _)| *small == table || index.starts_with(small));
        if is_scan && !is_small && !(self.is_meant)(on) {
            let condition = text("Index Cond");
            let leading = self.leading.iter().find(|(name, _)| name == index);
            let begins = leading.is_some_and(|(_, column)| condition.contains(column.as_str()));
            let is_in_order = limited && condition.is_empty();
            if kind == "Seq Scan" {
                self.wrong.push(format!("walks {on}"));
            } else if !(index.is_empty() || begins || is_in_order) {
                self.wrong.push(format!(
                    "walks {index} on {on}: its condition is {condition:?}"
                ));
            } else if touched > MOST_ROWS {
                self.wrong.push(format!(
                    "touches {touched} rows of {on} ({kind} {index}, {condition})"
                ));
            }
        }
        // What sorts or counts reads everything, whoever takes few rows of it.
        let limited = match kind {
            "Limit" => true,
            "Sort" | "Aggregate" | "Hash" | "WindowAgg" => false,
            _ => limited,
        };
        for below in node["Plans"].as_array().into_iter().flatten() {
            self.judge(below, limited);
        }
    }
}

/// A usual argument: something of the seventh tenant's.
fn argument(sql: &str, number: usize, kind: &str) -> String {
    let limit = format!("LIMIT ${number}");
    let is_limit = sql.split(&limit).skip(1).any(|rest| {
        let next = rest.chars().next();
        !next.is_some_and(|next| next.is_ascii_digit())
    });
    let argument = match kind {
        _ if is_limit => "100",
        "text" if number == 1 => "'t00007'",
        "text" => "'a57'",
        "text[]" => "'{a57,a107}'",
        "bigint[]" => "'{57,107}'",
        "integer" => "1",
        "bigint" => "57",
        "boolean" => "true",
        "bytea" => "'body'",
        // Microseconds: a day.
        "double precision" => "86400000000",
        "timestamp with time zone" => "now() - interval '1 day'",
        _ => "NULL",
    };
    argument.to_owned()
}

/// Prepares a statement, and returns the one that executes it.
async fn prepared(
    connection: &Watched,
    file: &str,
    name: &str,
    sql: &str,
) -> Result<String, String> {
    let how = HOW.iter().find(|how| (how.0, how.1) == (file, name));
    let (_, _, types, arguments) = how.copied().unwrap_or_default();
    connection.run("DEALLOCATE ALL").await?;
    let types = if types.is_empty() {
        String::new()
    } else {
        format!(" ({types})")
    };
    connection
        .run(&format!("PREPARE it{types} AS {sql}"))
        .await?;
    let types =
        "SELECT unnest(parameter_types)::text FROM pg_prepared_statements WHERE name = 'it'";
    let types = connection.run(types).await?;
    if types.is_empty() {
        return Ok("EXECUTE it".to_owned());
    }
    if !arguments.is_empty() {
        return Ok(format!("EXECUTE it ({arguments})"));
    }
    let types = types.iter().enumerate();
    let arguments: Vec<_> = types.map(|(n, kind)| argument(sql, n + 1, kind)).collect();
    Ok(format!("EXECUTE it ({})", arguments.join(", ")))
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: scripts/with-postgres cargo test --lib postgres -- --include-ignored"]
async fn no_statement_walks_a_whole_table_or_tenant() {
    let url = std::env::var("CALCOM_TEST_POSTGRES")
        .expect("CALCOM_TEST_POSTGRES names the server: run this with scripts/with-postgres");
    let schema = format!("query_plans_{:x}", SystemEntropy.next_u64());
    let builder = PostgresStore::builder().schema(&schema);
    let store = builder.connect(url.as_str()).await.expect("a new schema");
    store.close().await;
    let mut connection = Watched::connect(&url, &schema).await;
    connection.run(FILL).await.expect("rows for each table");
    connection.run("VACUUM ANALYZE").await.expect("statistics");
    let few = "SELECT relname FROM pg_class c WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace \
               AND reltuples < 100000";
    let few = connection.run(few).await.expect("the tables");
    let is_small = |table: &String| SMALL.iter().any(|(small, _)| small == table);
    assert!(few.iter().all(is_small), "there are few rows in {few:?}");
    let leading = "SELECT indexrelid::regclass::text || ' ' || pg_get_indexdef(indexrelid, 1, true) FROM pg_index \
                   JOIN pg_class c ON c.oid = indexrelid WHERE relnamespace = current_schema()::regnamespace";
    let leading = connection.run(leading).await.expect("the indexes");
    let leading: Vec<(String, String)> = leading
        .iter()
        .filter_map(|line| line.split_once(' '))
        .map(|(index, column)| (index.to_owned(), column.to_owned()))
        .collect();
    connection.watch().await;

    let record = outbox::record_in(&schema);
    let mut wrong = Vec::new();
    let mut used = std::collections::BTreeSet::new();
    for mode in ["force_generic_plan", "force_custom_plan"] {
        let set = format!("SET plan_cache_mode = {mode}");
        connection.run(&set).await.expect("a mode");
        let mut all = Vec::new();
        for (file, statements) in STATEMENTS {
            all.extend(statements.iter().map(|(name, sql)| (*file, *name, *sql)));
        }
        all.push(("outbox", "record_in", record.as_str()));
        all.extend(CALLS.iter().map(|(name, call)| ("function", *name, *call)));
        for (file, name, sql) in all {
            used.insert((file, name));
            let execute = match file {
                "function" => Ok(sql.to_owned()),
                _ => prepared(&connection, file, name, sql).await,
            };
            let execute = match execute {
                Ok(execute) => execute,
                Err(error) => {
                    wrong.push(format!("{file}::{name}: {error}"));
                    continue;
                }
            };
            let is_meant = |table: &str| {
                MEANT
                    .iter()
                    .any(|meant| (meant.0, meant.1, meant.2) == (file, name, table))
            };
            match connection.plans(&execute).await {
                Ok(plans) => {
                    let mut judge = Judge {
                        leading: &leading,
                        is_meant: &is_meant,
                        wrong: Vec::new(),
                    };
                    plans.iter().for_each(|plan| judge.judge(plan, false));
                    let found = judge.wrong.into_iter();
                    wrong.extend(found.map(|what| format!("{file}::{name} ({mode}): {what}")));
                }
                Err(error) => wrong.push(format!("{file}::{name} ({mode}): {error}: {execute}")),
            }
        }
    }
    let functions = "SELECT proname FROM pg_proc JOIN pg_language l ON l.oid = prolang \
                     WHERE pronamespace = current_schema()::regnamespace AND lanname = 'plpgsql'";
    for function in connection.run(functions).await.expect("the functions") {
        if !CALLS.iter().any(|(name, _)| *name == function) {
            wrong.push(format!("{function}: is not called here"));
        }
    }
    // An exception for what is not there any more would hide what comes under its name.
    let exceptions = HOW
        .iter()
        .map(|how| (how.0, how.1))
        .chain(MEANT.iter().map(|meant| (meant.0, meant.1)));
    for (file, name) in exceptions {
        if !used.contains(&(file, name)) {
            wrong.push(format!("{file}::{name}: there is no such statement"));
        }
    }
    let drop = format!("DROP SCHEMA {schema} CASCADE");
    connection.run(&drop).await.expect("the schema goes");
    wrong.dedup();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
