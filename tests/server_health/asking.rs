//! What asking costs, and who looks when.

use std::time::Duration;

use calcom::server::{HealthConfig, health_with};
use calcom::store::StoreErrorKind;
use calcom::sync::HealthStatus;
use calcom::testing::{StoreOperation, StoreTrouble};

use crate::world::{World, at, bare, patient};

#[tokio::test]
async fn a_thousand_requests_ask_nobody() {
    let world = World::new().await;
    world.make("salon", "a", at(0));
    world.drain().await;
    world.health().await.says("sync", "healthy");
    let before = world.calls();
    assert!(before.0 > 0 && before.1 > 0 && before.2 > 0);
    for _ in 0..334 {
        assert_eq!(world.get("/health/calcom").await.status, 200);
        assert_eq!(world.get("/health/ready").await.status, 200);
        assert_eq!(world.get("/health/live").await.body["status"], "alive");
    }
    assert_eq!(world.calls(), before);
}

#[tokio::test]
async fn a_look_reads_the_store_and_asks_nothing_of_cal_com() {
    let world = World::new().await;
    world.make("salon", "a", at(0));
    world.drain().await;
    let (store, directory, requests) = world.calls();
    world.monitor.refresh().await;
    let (store_after, directory_after, requests_after) = world.calls();
    // A probe, and the counts and the webhooks of a day and of the span of lags.
    assert_eq!(store_after - store, 5);
    assert_eq!(directory_after - directory, 3);
    assert_eq!(requests_after, requests);
    let writes = [
        StoreOperation::Record,
        StoreOperation::Settle,
        StoreOperation::Accept,
        StoreOperation::BeginSweep,
        StoreOperation::Claim,
    ];
    let counts = world.faulty.faults();
    let before: Vec<u64> = writes.iter().map(|write| counts.calls(*write)).collect();
    world.monitor.refresh().await;
    let after: Vec<u64> = writes.iter().map(|write| counts.calls(*write)).collect();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_monitor_that_does_not_look_is_unhealthy() {
    let mut config = patient();
    config.interval = Duration::from_millis(40);
    let world = World::with(config, |fake| fake, |salon, _| vec![salon]).await;
    let answered = world.get("/health/calcom").await;
    assert_eq!(answered.status, 503);
    assert_eq!(answered.body["summary"]["unhealthy"], 7);
    let message = answered.says("storage", "unhealthy")["message"].as_str();
    assert!(
        message
            .unwrap()
            .starts_with("The monitor has not looked yet.")
    );
    assert_eq!(world.get("/health/ready").await.status, 503);
    assert_eq!(world.get("/health/live").await.status, 200);

    world.monitor.refresh().await;
    assert_eq!(world.monitor.health().status, HealthStatus::Healthy);
    tokio::time::sleep(Duration::from_millis(130)).await;
    let answered = world.get("/health/calcom").await;
    assert_eq!(answered.status, 503);
    let check = answered.says("storage", "unhealthy");
    let message =
        "The monitor has not looked since 2026-12-01T08:00:00Z. Before: The storage answers.";
    assert_eq!(check["message"], message);
    assert!(check["answered_in_ms"].is_u64());
    assert_eq!(world.get("/health/ready").await.status, 503);

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let monitor = world.monitor.clone();
    let looking = tokio::spawn(async move {
        let stop = async { stopped.await.unwrap_or_default() };
        monitor.run_until(stop).await;
    });
    let mut well = 0;
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(10)).await;
        well += u32::from(world.monitor.is_ready());
        if well > 30 {
            break;
        }
    }
    assert!(well > 30, "it looks again and again");
    stop.send(()).unwrap();
    looking.await.unwrap();
    tokio::time::sleep(Duration::from_millis(130)).await;
    assert!(!world.monitor.is_ready());
}

/// A store that hangs keeps nobody from hearing of it.
#[tokio::test]
async fn a_look_ends_in_time() {
    let mut config = patient();
    config.interval = Duration::from_millis(200);
    let world = World::with(config, |fake| fake, |salon, _| vec![salon]).await;
    world.monitor.refresh().await;
    world.trouble(StoreOperation::NextDue, StoreTrouble::Hangs);
    let began = tokio::time::Instant::now();
    let answered = world.health().await;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(
        answered.check("storage")["message"],
        "The storage does not answer."
    );
    // What was known of the work is kept.
    answered.says("workers", "healthy");
    world.faulty.faults().clear();
    world.trouble(StoreOperation::WorkCounts, StoreTrouble::Hangs);
    let began = tokio::time::Instant::now();
    world.health().await.says("storage", "healthy");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn tenants_are_looked_at_in_turn() {
    let mut config = patient();
    config.tenants_per_look = 7;
    let crowd = |salon, client: &calcom::client::Client| {
        let mut all: Vec<_> = (0..49)
            .map(|n| bare(&format!("tenant-{n:02}"), client))
            .collect();
        all.push(salon);
        all
    };
    let world = World::with(config, |fake| fake, crowd).await;
    let mut seen = Vec::new();
    for _ in 0..8 {
        let (store, directory, _) = world.calls();
        let answered = world.health().await;
        let (store_after, directory_after, _) = world.calls();
        assert!(store_after - store <= 1 + 7 * 4);
        assert!(directory_after - directory <= 2 + 7 * 2);
        seen.push(answered.check("configuration")["tenants"].as_u64().unwrap());
    }
    // `salon` comes first by name.
    assert_eq!(seen, [7, 14, 21, 28, 35, 42, 49, 50]);
    let counted = world.health().await;
    let check = counted.says("configuration", "unhealthy");
    assert_eq!(check["without_webhook_secret"], 49);
    assert!(!counted.body.to_string().contains("tenant-"));

    // Most of them leave.
    world
        .directory
        .replace((0..10).map(|n| bare(&format!("tenant-{n:02}"), &world.client)));
    for _ in 0..4 {
        world.monitor.refresh().await;
    }
    let answered = world.health().await;
    assert_eq!(answered.check("configuration")["tenants"], 10);
}

#[tokio::test]
async fn a_page_that_ends_with_the_directory_costs_no_look() {
    let mut config = patient();
    config.tenants_per_look = 2;
    let two = |salon, client: &calcom::client::Client| vec![salon, bare("barber", client)];
    let world = World::with(config, |fake| fake, two).await;
    world.monitor.refresh().await;
    let fails = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    world.trouble(StoreOperation::WorkCounts, fails);
    // Both are looked at again, and not an empty page behind them.
    world.health().await.says("storage", "unhealthy");
}

#[tokio::test]
async fn paths_are_configurable() {
    let world = World::new().await;
    world.monitor.refresh().await;
    let config = HealthConfig::default()
        .with_path("/internal/calcom")
        .with_live_path("/livez")
        .with_ready_path("/readyz");
    let router = health_with(world.monitor.clone(), config);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    for (path, status) in [
        ("/internal/calcom", 200),
        ("/livez", 200),
        ("/readyz", 200),
        ("/health/calcom", 404),
    ] {
        let response = reqwest::get(format!("http://{address}{path}")).await;
        assert_eq!(response.unwrap().status(), status, "{path}");
    }
    serving.abort();
}
