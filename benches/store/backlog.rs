//! A claim and its settlement, with a million rows beside it: of changes that wait for a worker, and of changes that were settled.
//! Against a store in which no more waits than is claimed.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calcom::ambient::{Entropy, SystemEntropy};
use calcom::postgres::PostgresStore;
use calcom::sqlite::SqliteStore;
use calcom::store::{ChangeFate, ClaimRequest, Settlement, Store, TenantId};
use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Executor};
use tokio::runtime::{Builder, Runtime};

use crate::is_test;
use crate::ratio::{compare, print_heading, print_ratio};

const TENANTS: u32 = 50;
/// How many claims are timed together.
const CLAIMS: u32 = 10;
const WAITING_GOAL: f64 = 1.5;
const SETTLED_GOAL: f64 = 1.2;

#[derive(Clone, Copy)]
enum Beside {
    Nothing,
    Waiting,
    Settled,
}

fn rows() -> u32 {
    if is_test() { 5_000 } else { 1_000_000 }
}

/// What is claimed, whatever is beside it.
fn claimed() -> u32 {
    if is_test() { 2_000 } else { 20_000 }
}

/// The statements that fill a SQLite file.
fn fill_sqlite(beside: Beside) -> Vec<String> {
    let numbers = |count: u32| {
        format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {count})"
        )
    };
    let waiting = |name: &str, count: u32| {
        format!(
            "INSERT INTO calcom_notices (tenant, kind, taken_at, appointment, revision, origin, at, source) \
             {} SELECT printf('tenant-%02d', n % {TENANTS}), 'change', n, '{name}-' || n, 1, 'admin', 1, 'host' FROM n",
            numbers(count)
        )
    };
    let mut statements = Vec::new();
    match beside {
        Beside::Nothing => {}
        Beside::Waiting => {}
        Beside::Settled => {
            let rows = rows();
            statements.push(waiting("settled", rows));
            statements.push(
                "UPDATE calcom_notices SET fate = 'pushed', settled_at = taken_at, routed = 1"
                    .to_owned(),
            );
            statements.push(format!(
                "INSERT INTO calcom_links (id, tenant, appointment, bare) {} \
                 SELECT n, printf('tenant-%02d', n % {TENANTS}), 'settled-' || n, 0 FROM n",
                numbers(rows)
            ));
            statements.push(format!(
                "INSERT INTO calcom_keys (tenant, kind, name, link) {} \
                 SELECT printf('tenant-%02d', n % {TENANTS}), 'appointment', 'settled-' || n, n FROM n",
                numbers(rows)
            ));
        }
    }
    let count = if let Beside::Waiting = beside {
        rows()
    } else {
        claimed()
    };
    statements.push(waiting("waiting", count));
    statements.push("ANALYZE".to_owned());
    statements
}

/// The statements that fill a PostgreSQL schema.
fn fill_postgres(beside: Beside) -> Vec<String> {
    let waiting = |name: &str, count: u32| {
        format!(
            "INSERT INTO notices (kind, tenant, appointment, revision, origin, at, source) \
             SELECT 'change', 'tenant-' || lpad((n % {TENANTS})::text, 2, '0'), '{name}-' || n, 1, 'admin', now(), 'host' \
             FROM generate_series(1, {count}) AS n"
        )
    };
    let mut statements = Vec::new();
    if let Beside::Settled = beside {
        let rows = rows();
        statements.push(waiting("settled", rows));
        statements.push(
            "UPDATE notices SET fate = 'pushed', settled_at = now(), is_routed = true".to_owned(),
        );
        statements.push(format!(
            "INSERT INTO links (tenant, appointment, is_bare) \
             SELECT 'tenant-' || lpad((n % {TENANTS})::text, 2, '0'), 'settled-' || n, false FROM generate_series(1, {rows}) AS n"
        ));
        statements.push(
            "INSERT INTO keys SELECT tenant, 'appointment', appointment, id FROM links".to_owned(),
        );
    }
    let count = if let Beside::Waiting = beside {
        rows()
    } else {
        claimed()
    };
    statements.push(waiting("waiting", count));
    statements.push("VACUUM ANALYZE notices, links, keys".to_owned());
    statements
}

/// A store to claim from, turn by turn.
struct Side<'a> {
    runtime: &'a Runtime,
    store: Arc<dyn Store>,
    served: std::cell::RefCell<Option<TenantId>>,
}

impl<'a> Side<'a> {
    fn new(runtime: &'a Runtime, store: Arc<dyn Store>) -> Self {
        Self {
            runtime,
            store,
            served: std::cell::RefCell::default(),
        }
    }

    fn time(&self) -> Duration {
        self.runtime.block_on(async {
            let began = Instant::now();
            for _ in 0..CLAIMS {
                let request = ClaimRequest::new(Duration::from_secs(60), 1);
                let request = request.after(self.served.borrow().clone());
                let claim = self.store.claim(&request).await.unwrap().unwrap();
                self.served.replace(Some(claim.link.tenant.clone()));
                let mut settlement = Settlement::new(claim.link.clone());
                let changes = claim.changes.iter();
                settlement.changes = changes.map(|row| (row.id, ChangeFate::Pushed)).collect();
                assert_eq!(settlement.changes.len(), 1);
                self.store.settle(&claim.lease, settlement).await.unwrap();
            }
            began.elapsed()
        })
    }
}

async fn sqlite(folder: &Path, beside: Beside) -> Arc<dyn Store> {
    let path = folder.join(format!("{}.db", beside as u8));
    let store = SqliteStore::open(&path).await.unwrap();
    let file = format!("sqlite://{}", path.display());
    let pool: SqlitePool = SqlitePoolOptions::new().connect(&file).await.unwrap();
    for statement in fill_sqlite(beside) {
        pool.execute(sqlx::raw_sql(AssertSqlSafe(statement)))
            .await
            .unwrap();
    }
    pool.close().await;
    Arc::new(store)
}

async fn postgres(url: &str, beside: Beside) -> Arc<dyn Store> {
    let schema = format!("backlog_{:x}", SystemEntropy.next_u64());
    let builder = PostgresStore::builder().schema(&schema);
    let store = builder.connect(url).await.unwrap();
    let pool = PgPool::connect_with(
        url.parse::<sqlx::postgres::PgConnectOptions>()
            .unwrap()
            .options([("search_path", schema)]),
    )
    .await
    .unwrap();
    for statement in fill_postgres(beside) {
        pool.execute(sqlx::raw_sql(AssertSqlSafe(statement)))
            .await
            .unwrap();
    }
    pool.close().await;
    Arc::new(store)
}

pub(crate) fn measure() {
    let folder = tempfile::tempdir_in(".").unwrap();
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let url = crate::postgres();
    let samples = if is_test() { 10 } else { 200 };
    let mut measured = Vec::new();
    for database in ["SQLite", "PostgreSQL"] {
        let side = |beside| {
            let began = Instant::now();
            let store: Arc<dyn Store> = match (database, &url) {
                ("SQLite", _) => runtime.block_on(sqlite(folder.path(), beside)),
                (_, Some(url)) => runtime.block_on(postgres(url, beside)),
                (_, None) => return None,
            };
            println!("{database}: filled in {:.1?}", began.elapsed());
            Some(Side::new(&runtime, store))
        };
        let Some(nothing) = side(Beside::Nothing) else {
            continue;
        };
        for (name, beside, goal) in [
            ("waiting", Beside::Waiting, WAITING_GOAL),
            ("settled", Beside::Settled, SETTLED_GOAL),
        ] {
            let with = side(beside).unwrap();
            let blocks = compare(samples, || with.time(), || nothing.time());
            measured.push((format!("{database}: {} rows {name}", rows()), goal, blocks));
        }
    }
    print_heading("with", "without");
    for (name, goal, blocks) in measured {
        print_ratio(&name, goal, &blocks);
    }
    println!("each: {CLAIMS} claims with their settlements, the tenants in turn");
}
