//! The PostgreSQL server dies, cuts its connections or runs out of disk while an engine works over it. What was acknowledged is
//! still there afterwards, and is settled by the same workers, without a restart of theirs; no booking is made twice.
//!
//! Each test has a server of its own, with the settings of one that keeps what it has committed. Needs PostgreSQL's programs, and
//! the full disk needs root, for a small file system of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a helper of a test that fails is the test that fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calcom::ambient::{Clock, Entropy, SystemClock, SystemEntropy};
use calcom::client::{Client, RetryPolicy};
use calcom::model::{BookingUid, EventTypeId, NewAttendee, NewBooking, NewWebhook};
use calcom::postgres::{HostTable, PostgresStore};
use calcom::server::{WebhookConfig, webhooks_with};
use calcom::store::{Change, Origin, Outbox, Page, Reviews, Revision, TenantId};
use calcom::sync::{Engine, StaticTenants, SyncConfig, SyncEngine, Tenant, Worker, WorkerConfig};
use calcom::testing::{DeliveryOutcome, FakeCalcom, FakeEventType};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

const SECRET: &str = "whsec_of_the_salon";
/// How long a server may take to start, and to recover.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How long the workers may take, once the server is well again: longer than a lease.
const REST_LIMIT: Duration = Duration::from_secs(90);

const TABLE: &str = "
CREATE TABLE public.visits (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision       bigint NOT NULL DEFAULT 1,
    origin         text NOT NULL DEFAULT 'phone',
    status         text NOT NULL DEFAULT 'confirmed',
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL DEFAULT now(),
    calcom_chain   text UNIQUE,
    attendee_name  text NOT NULL,
    attendee_email text,
    event_type_id  bigint NOT NULL
);
CREATE TABLE public.eaten (bytes text NOT NULL)";

fn tenant() -> TenantId {
    TenantId::new("salon")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The folder of PostgreSQL's programs, of the newest version that is installed.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let versions = versions.flatten().map(|version| version.path().join("bin"));
    let debian = versions.filter(|bin| bin.join("initdb").exists());
    let number = |bin: &PathBuf| {
        let version = bin.parent()?.file_name()?.to_str()?;
        version.parse::<u32>().ok()
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).find(|bin| bin.join("initdb").exists());
    let found = debian.max_by_key(number).or(others);
    found.expect("there is no PostgreSQL server here: apt-get install postgresql")
}

/// A command that runs as the server does, which refuses to run as root.
fn as_server(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

async fn succeeds(command: &mut Command) {
    let ran = timeout(START_LIMIT, command.kill_on_drop(true).output());
    let ran = ran.await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
}

/// A file system in memory, unmounted when it is dropped.
#[derive(Debug)]
struct SmallDisk(PathBuf);

impl SmallDisk {
    async fn mount(path: &Path, size: &str) -> Self {
        assert!(
            is_root(),
            "only root can mount a small disk: leave this test out with --skip the_disk_is_full"
        );
        std::fs::create_dir(path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        succeeds(mount.arg(path)).await;
        Self(path.to_owned())
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Writes until nothing more can be written.
    fn fill(&self) {
        use std::io::Write;
        let ballast = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.ballast());
        let mut ballast = ballast.unwrap();
        while ballast.write_all(&[7; 4096]).is_ok() {}
    }

    fn free(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmount = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
        let _ = unmount;
    }
}

/// A server of the test's own. `folder` and `disk` go after the process.
#[derive(Debug)]
struct Server {
    process: Option<Child>,
    bin: PathBuf,
    data: PathBuf,
    log: PathBuf,
    port: u16,
    password: String,
    disk: Option<SmallDisk>,
    _folder: tempfile::TempDir,
}

impl Server {
    /// A new cluster, on a disk of this size or on the one of the folder for temporary files.
    async fn new(disk: Option<&str>) -> Self {
        let bin = programs();
        let folder = tempfile::tempdir().unwrap();
        let may_pass = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(folder.path(), may_pass).unwrap();
        let place = folder.path().join("disk");
        let disk = match disk {
            Some(size) => Some(SmallDisk::mount(&place, size).await),
            None => {
                std::fs::create_dir(&place).unwrap();
                None
            }
        };
        let own = folder.path().join("own");
        std::fs::create_dir(&own).unwrap();
        if is_root() {
            succeeds(Command::new("chown").arg("postgres").arg(&place).arg(&own)).await;
        }
        let password = format!("{:016x}", SystemEntropy.next_u64());
        let secret = folder.path().join("password");
        std::fs::write(&secret, &password).unwrap();
        let data = place.join("data");
        let mut initdb = as_server(&bin.join("initdb"));
        initdb
            .arg("-D")
            .arg(&data)
            .args(["-U", "calcom", "-A", "scram-sha-256", "-E", "UTF8"]);
        initdb.args(["--locale=C", "--wal-segsize=1"]);
        initdb.arg(format!("--pwfile={}", secret.display()));
        succeeds(&mut initdb).await;
        let mut server = Self {
            process: None,
            bin,
            data,
            log: own.join("log"),
            port: 0,
            password,
            disk,
            _folder: folder,
        };
        // PostgreSQL cannot ask for any free port.
        for _ in 0..20 {
            server.port = 20_000 + u16::try_from(SystemEntropy.next_u64() % 12_000).unwrap();
            if std::net::TcpListener::bind(("127.0.0.1", server.port)).is_ok() {
                server.start().await;
                return server;
            }
        }
        panic!("no port is free");
    }

    fn url(&self) -> String {
        format!(
            "postgres://calcom:{}@127.0.0.1:{}/postgres",
            self.password, self.port
        )
    }

    /// Starts it, and waits until it has recovered.
    async fn start(&mut self) {
        let log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.log);
        let log = log.unwrap();
        let mut server = as_server(&self.bin.join("postgres"));
        server
            .arg("-D")
            .arg(&self.data)
            .arg("-p")
            .arg(self.port.to_string());
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=on",
            "synchronous_commit=on",
            "min_wal_size=2MB",
            "max_wal_size=4MB",
            "restart_after_crash=on",
        ] {
            server.args(["-c", setting]);
        }
        server.stdout(log.try_clone().unwrap()).stderr(log);
        self.process = Some(server.spawn().unwrap());
        let answers = async {
            while PgConnection::connect(&self.url()).await.is_err() {
                sleep(Duration::from_millis(50)).await;
            }
        };
        if timeout(START_LIMIT, answers).await.is_err() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            panic!("the server does not start: {log}");
        }
    }

    /// As if the machine had lost its power, but for what the kernel has in its buffers.
    async fn crash(&mut self) {
        let mut stop = as_server(&self.bin.join("pg_ctl"));
        stop.arg("-D")
            .arg(&self.data)
            .args(["-m", "immediate", "-w", "stop"]);
        succeeds(&mut stop).await;
        let mut process = self.process.take().unwrap();
        timeout(START_LIMIT, process.wait()).await.unwrap().unwrap();
    }

    /// Whether the server's own process has ended.
    fn has_ended(&mut self) -> bool {
        let process = self.process.as_mut();
        process.is_none_or(|process| process.try_wait().unwrap().is_some())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.is_some() {
            let mut stop = as_server(&self.bin.join("pg_ctl")).into_std();
            stop.arg("-D").arg(&self.data);
            let stopped = stop.args(["-m", "immediate", "-w", "-s", "stop"]).status();
            let _ = stopped;
        }
    }
}

/// What the application knows to be stored: its transaction was committed, or the call returned without an error.
#[derive(Debug, Default)]
struct Told {
    /// The revision of each visit.
    visits: BTreeMap<i64, i64>,
    /// Calls and transactions that failed.
    failures: u32,
}

struct World {
    url: String,
    fake: FakeCalcom,
    store: PostgresStore,
    engine: Arc<Engine>,
    woken: Arc<AtomicU32>,
    told: Arc<Mutex<Told>>,
    is_over: Arc<AtomicBool>,
    opens: DateTime<Utc>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Drop for World {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl World {
    async fn new(server: &Server) -> Self {
        let url = server.url();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(TABLE).execute(&mut connection).await.unwrap();
        let builder = PostgresStore::builder()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(1));
        let store = builder.connect(url.as_str()).await.unwrap();
        let cut = FakeEventType::new("cut", 30).with_id(7).with_hours(0..24);
        let cut = cut.with_days_off([]);
        let fake = FakeCalcom::builder().event_type(cut).start().await.unwrap();
        let client = Client::builder(fake.api_key())
            .base_url(fake.base_url().as_str())
            .retry(RetryPolicy::none())
            .breaker(None)
            .rate(None)
            .build();
        let salon = Tenant::new(tenant(), Arc::new(client.unwrap()))
            .with_webhook_secret(SECRET)
            .with_event_type(EventTypeId::new(7))
            .with_host(fake.host_id());
        let table = HostTable::new("visits").only_tenant("salon");
        let table = table.email_column("attendee_email");
        let appointments = Arc::new(store.appointments_in(table).await.unwrap());
        let mut config = SyncConfig::default();
        config.lease = Duration::from_secs(10);
        config.call_timeout = Duration::from_secs(4);
        config.store_timeout = Duration::from_secs(5);
        // An attempt that the server cuts off is not the link's fault, and this many are cut off here.
        config.max_begun = 50;
        let tenants = Arc::new(StaticTenants::new([salon]));
        let engine = Engine::builder(Arc::new(store.clone()), appointments, tenants);
        let engine: Arc<Engine> = Arc::new(engine.config(config).build());

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let unlimited = WebhookConfig::default().with_requests_per_minute(None);
        let router = webhooks_with(engine.clone(), unlimited);
        let receiving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let receiver = format!("http://{address}/webhooks/calcom/{}", tenant());
        fake.subscribe(receiver, SECRET, NewWebhook::booking_triggers());

        let mut world = Self {
            url,
            fake,
            store,
            engine,
            woken: Arc::default(),
            told: Arc::default(),
            is_over: Arc::default(),
            opens: (SystemClock.now() + TimeDelta::days(5))
                .date_naive()
                .and_hms_opt(0, 0, 0)
                .unwrap()
                .and_utc(),
            tasks: vec![receiving],
        };
        world.work();
        world
    }

    /// The workers, who sweep nothing: what is lost stays lost.
    fn work(&mut self) {
        let mut config = WorkerConfig::default();
        config.poll_interval = Duration::from_millis(500);
        config.sweep_every = None;
        config.services_every = None;
        let worker = Worker::new(self.engine.clone()).with_config(config);
        let working = async move { worker.run_until(std::future::pending()).await };
        self.tasks.push(tokio::spawn(working));
        let (store, engine, woken) = (self.store.clone(), self.engine.clone(), self.woken.clone());
        self.tasks.push(tokio::spawn(async move {
            let wake = || {
                woken.fetch_add(1, Ordering::SeqCst);
                engine.nudge();
            };
            store.wake_on_change(wake).await;
        }));
    }

    /// A start that nobody else has: the application takes the even ones.
    fn slot(&self, number: u32) -> DateTime<Utc> {
        self.opens + TimeDelta::minutes(30) * i32::try_from(number).unwrap()
    }

    /// The application changes its visits, and people book at Cal.com, until it is over.
    async fn traffic(&self) {
        tokio::join!(self.reception(), self.people());
    }

    async fn reception(&self) {
        let mut number = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            let changed = match timeout(Duration::from_secs(5), self.change(number)).await {
                Ok(changed) => changed,
                Err(_) => Err(sqlx::Error::PoolTimedOut),
            };
            self.note(changed.ok());
            number += 1;
            sleep(Duration::from_millis(25)).await;
        }
    }

    fn note(&self, changed: Option<(i64, i64)>) {
        let mut told = self.told.lock().unwrap();
        match changed {
            Some((id, revision)) => drop(told.visits.insert(id, revision)),
            None => told.failures += 1,
        }
    }

    /// A new visit, or one that is moved, by turns: within the application's transaction, or by a call of its own after it.
    async fn change(&self, number: u32) -> Result<(i64, i64), sqlx::Error> {
        let start = self.slot(number * 2).timestamp();
        let mut connection = PgConnection::connect(&self.url).await?;
        let mut transaction = connection.begin().await?;
        let known: Vec<i64> = self.told.lock().unwrap().visits.keys().copied().collect();
        let moved = known.last().filter(|_| number % 3 == 2);
        let row = match moved {
            Some(id) => {
                let update = "UPDATE public.visits SET starts_at = to_timestamp($2::bigint), ends_at = to_timestamp($2::bigint) + interval '30 min', \
                              revision = revision + 1, origin = 'phone' WHERE id = $1 RETURNING id, revision";
                let query = sqlx::query(update).bind(*id).bind(start);
                query.fetch_one(&mut *transaction).await?
            }
            None => {
                let insert = "INSERT INTO public.visits (starts_at, ends_at, attendee_name, attendee_email, event_type_id) \
                              VALUES (to_timestamp($1::bigint), to_timestamp($1::bigint) + interval '30 min', 'Ann', $2, 7) RETURNING id, revision";
                let query = sqlx::query(insert)
                    .bind(start)
                    .bind(format!("v{number}@example.com"));
                query.fetch_one(&mut *transaction).await?
            }
        };
        let (id, revision): (i64, i64) = (row.get("id"), row.get("revision"));
        if number.is_multiple_of(2) {
            let call = "SELECT calcom.record_change('salon', $1, $2, 'phone')";
            let call = sqlx::query(call).bind(id.to_string()).bind(revision);
            call.execute(&mut *transaction).await?;
            transaction.commit().await?;
        } else {
            transaction.commit().await?;
            let revision = Revision::new(revision.unsigned_abs());
            let now = SystemClock.now();
            let change = Change::new(
                tenant(),
                id.to_string().into(),
                revision,
                Origin::Phone,
                now,
            );
            let recorded = self.store.record(&change).await;
            recorded.map_err(|_| sqlx::Error::WorkerCrashed)?;
        }
        Ok((id, revision))
    }

    async fn people(&self) {
        let mut number = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            let start = self.slot(number * 2 + 1);
            let email = format!("p{number}@example.com");
            let who = NewAttendee::new("Bob", email.as_str(), "Europe/Berlin".into());
            let booking = NewBooking::new(EventTypeId::new(7), start, who);
            self.fake.book(booking).await.unwrap();
            number += 1;
            sleep(Duration::from_millis(40)).await;
        }
    }

    async fn scalar(&self, sql: &str) -> Result<i64, sqlx::Error> {
        let mut connection = PgConnection::connect(&self.url).await?;
        let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection);
        row.await?.try_get(0)
    }

    /// The bookings whose webhook was acknowledged.
    fn acknowledged(&self) -> BTreeSet<BookingUid> {
        let deliveries = self.fake.deliveries().into_iter();
        let taken =
            deliveries.filter(|delivery| delivery.outcome == DeliveryOutcome::Answered(200));
        taken.map(|delivery| delivery.booking_uid).collect()
    }

    /// The server is well again: the listener hears, the workers end what waits, and nothing is missing or there twice.
    async fn recovers(&self) {
        // A lost connection may be noticed only by a call that fails.
        let woken = self.woken.load(Ordering::SeqCst);
        let heard = async {
            let mut revision = 1;
            while self.woken.load(Ordering::SeqCst) == woken {
                let call = format!(
                    "SELECT calcom.record_change('other salon', 'a', {revision})::int::bigint"
                );
                let _ = self.scalar(&call).await;
                revision += 1;
                sleep(Duration::from_millis(500)).await;
            }
        };
        timeout(Duration::from_secs(20), heard)
            .await
            .expect("the listener hears again");
        // There is no such tenant, and so nobody works for it.
        let forget = "WITH gone AS (DELETE FROM calcom.notices WHERE tenant = 'other salon' RETURNING 1) SELECT count(*) FROM gone";
        self.scalar(forget).await.unwrap();

        let waiting = "SELECT (SELECT count(*) FROM calcom.notices WHERE tenant = 'salon' AND fate IS NULL) \
                       + (SELECT count(*) FROM calcom.links WHERE tenant = 'salon' AND due_at IS NOT NULL)";
        let rests = async {
            while self.scalar(waiting).await.unwrap() > 0 {
                sleep(Duration::from_millis(100)).await;
            }
        };
        if timeout(REST_LIMIT, rests).await.is_err() {
            panic!("{} still wait", self.scalar(waiting).await.unwrap());
        }
        self.judge().await;
    }

    async fn judge(&self) {
        let reviews = self
            .store
            .open_reviews(&tenant(), Page::first(100))
            .await
            .unwrap();
        let reasons: Vec<_> = reviews.iter().map(|item| item.reason.clone()).collect();
        assert!(reasons.is_empty(), "{reasons:?}");

        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let rows = sqlx::query("SELECT id, revision, extract(epoch FROM starts_at)::bigint AS start, attendee_email FROM public.visits")
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let told = self.told.lock().unwrap();
        let mut revisions = BTreeMap::new();
        let mut visits: BTreeMap<String, Vec<DateTime<Utc>>> = BTreeMap::new();
        let mut recorded = BTreeSet::new();
        for row in rows {
            let (id, email): (i64, String) = (row.get("id"), row.get("attendee_email"));
            revisions.insert(id, row.get::<i64, _>("revision"));
            if told.visits.contains_key(&id) {
                recorded.insert(email.clone());
            }
            visits
                .entry(email)
                .or_default()
                .push(DateTime::from_timestamp(row.get("start"), 0).unwrap());
        }
        for (id, revision) in &told.visits {
            let stored = revisions.get(id).copied().unwrap_or_default();
            assert!(
                stored >= *revision,
                "visit {id}: {stored}, but {revision} was committed"
            );
        }
        let mut bookings: BTreeMap<String, Vec<DateTime<Utc>>> = BTreeMap::new();
        let acknowledged = self.acknowledged();
        for booking in self.fake.live_bookings() {
            let email = booking.attendees[0].email.clone();
            if email.starts_with('p') && acknowledged.contains(&booking.uid) {
                assert_eq!(
                    visits.get(&email).map(Vec::as_slice),
                    Some(&[booking.start][..]),
                    "{email}"
                );
            }
            bookings.entry(email).or_default().push(booking.start);
        }
        for (email, starts) in &bookings {
            assert_eq!(starts.len(), 1, "{email} is booked at {starts:?}");
        }
        for (email, starts) in &visits {
            assert_eq!(starts.len(), 1, "{email} has visits at {starts:?}");
            if recorded.contains(email) {
                assert_eq!(bookings.get(email), Some(starts), "{email}");
            }
        }
        // There was something to lose.
        assert!(told.visits.len() >= 10, "{} visits", told.visits.len());
        assert!(acknowledged.len() >= 10, "{} bookings", acknowledged.len());
    }

    fn failures(&self) -> u32 {
        self.told.lock().unwrap().failures
    }

    /// Lets things go on for a while, and ends the traffic.
    async fn end(&self) {
        sleep(Duration::from_secs(3)).await;
        self.is_over.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs: scripts/with-postgres cargo test --test postgres_failures -- --include-ignored"]
async fn the_server_crashes_and_comes_back() {
    let mut server = Server::new(None).await;
    let world = World::new(&server).await;
    let trouble = async {
        for _ in 0..3 {
            sleep(Duration::from_millis(1500)).await;
            server.crash().await;
            sleep(Duration::from_millis(700)).await;
            server.start().await;
        }
        world.end().await;
    };
    tokio::join!(world.traffic(), trouble);
    assert!(world.failures() > 0, "nobody noticed");
    world.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs: scripts/with-postgres cargo test --test postgres_failures -- --include-ignored"]
async fn every_connection_is_cut_again_and_again() {
    let server = Server::new(None).await;
    let world = World::new(&server).await;
    let trouble = async {
        let mut listeners = 0;
        for _ in 0..12 {
            sleep(Duration::from_millis(400)).await;
            let cut = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid) AND query LIKE 'LISTEN%') FROM pg_stat_activity \
                       WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
            listeners += world.scalar(cut).await.unwrap();
        }
        world.end().await;
        listeners
    };
    let ((), listeners) = tokio::join!(world.traffic(), trouble);
    assert!(
        listeners > 1,
        "the listening connection was cut {listeners} times"
    );
    world.recovers().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs, and root: scripts/with-postgres cargo test --test postgres_failures -- --include-ignored"]
async fn the_disk_is_full_for_a_while() {
    let mut server = Server::new(Some("96m")).await;
    let world = World::new(&server).await;
    let trouble = async {
        sleep(Duration::from_millis(1500)).await;
        let disk = server.disk.as_ref().unwrap();
        for _ in 0..300 {
            // Whatever the server has given back is taken, too; and what it has in reserve is used up.
            disk.fill();
            for eat in [
                "SELECT count(pg_logical_emit_message(true, '', repeat('log', 100000))) FROM generate_series(1, 4)",
                "WITH eaten AS (INSERT INTO public.eaten SELECT repeat(md5(i::text), 60) FROM generate_series(1, 200) AS i \
                 RETURNING 1) SELECT count(*) FROM eaten",
            ] {
                let _ = timeout(Duration::from_secs(1), world.scalar(eat)).await;
            }
            sleep(Duration::from_millis(50)).await;
            if world.failures() >= 20 {
                break;
            }
        }
        disk.free();
        // Without room for its log the server ends itself, and does not come up again; whoever looks after it starts it.
        sleep(Duration::from_secs(1)).await;
        if server.has_ended() {
            server.start().await;
        }
        world.end().await;
    };
    tokio::join!(world.traffic(), trouble);
    assert!(world.failures() > 0, "nobody noticed");
    world.recovers().await;
}
