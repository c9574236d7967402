//! Each of the seven checks, driven to its states through a whole engine.

use std::sync::atomic::Ordering;
use std::time::Duration;

use calcom::client::Client;
use calcom::store::{Resolution, StoreErrorKind};
use calcom::sync::SyncEngine;
use calcom::testing::{Fault, Operation, StoreOperation, StoreTrouble, Then, When};

use crate::world::{World, at, bare, patient};

const MINUTE: Duration = Duration::from_secs(60);

/// What a self-hosted server announces comes back at once.
async fn sync_one_each_way(world: &World) {
    world.make("salon", "a", at(0));
    world.drain().await;
    world.book(at(2)).await;
    world.drain().await;
}

#[tokio::test]
async fn all_is_well_after_a_change_each_way() {
    let world = World::new().await;
    sync_one_each_way(&world).await;
    let answered = world.health().await;
    for name in ["configuration", "storage", "workers", "webhooks", "api"] {
        answered.says(name, "healthy");
    }
    answered.says("rate_limit", "healthy");
    answered.says("sync", "healthy");
    assert_eq!(answered.body["status"], "healthy");
    assert_eq!(answered.body["timestamp"], "2026-12-01T08:00:00.000Z");
    assert_eq!(answered.check("configuration")["tenants"], 1);
    assert_eq!(answered.check("webhooks")["received"], 2);
    assert_eq!(answered.check("sync")["failed"], 0);
    assert!(answered.check("sync")["succeeded"].as_u64() >= Some(2));
    let answers = answered.check("api")["answers"].as_u64().unwrap();
    assert_eq!(
        usize::try_from(answers).unwrap(),
        world.fake.requests().len()
    );
    let text = answered.body.to_string();
    for name in ["salon", "Ann", "example.com"] {
        assert!(!text.contains(name), "{name} is in {text}");
    }
}

#[tokio::test]
async fn configuration() {
    let secretless = |salon, client: &Client| {
        let host = calcom::model::UserId::new(7);
        let without_secret = bare("barber", client).with_host(host);
        let nothing = bare("clinic", client).with_webhook_secret("s");
        vec![salon, without_secret, nothing]
    };
    let world = World::with(patient(), |fake| fake, secretless).await;
    let check = world.health().await;
    let check = check.says("configuration", "degraded");
    assert_eq!(check["tenants"], 3);
    assert_eq!(check["without_webhook_secret"], 1);
    assert_eq!(check["without_event_types_or_hosts"], 1);
    let message = check["message"].as_str().unwrap();
    assert!(message.contains("No webhook secret is configured for 1 of 3 tenants."));

    world.directory.replace([bare("clinic", &world.client)]);
    let answered = world.health().await;
    assert_eq!(answered.says("configuration", "unhealthy")["tenants"], 1);

    world.directory.replace([]);
    world.health().await.says("configuration", "degraded");

    world.directory.fails.store(true, Ordering::SeqCst);
    let answered = world.health().await;
    let check = answered.says("configuration", "unhealthy");
    assert_eq!(check["message"], "The tenants cannot be listed.");
    assert_eq!(world.get("/health/ready").await.status, 503);
}

#[tokio::test]
async fn storage() {
    let mut config = patient();
    config.thresholds.storage_degraded = Duration::from_millis(300);
    let world = World::with(config, |fake| fake, |salon, _| vec![salon]).await;
    world.health().await.says("storage", "healthy");
    assert_eq!(world.get("/health/ready").await.body["status"], "ready");

    let slow = StoreTrouble::SlowBefore(Duration::from_millis(350));
    world.trouble(StoreOperation::NextDue, slow);
    let answered = world.health().await;
    let check = answered.says("storage", "degraded");
    assert!(check["answered_in_ms"].as_u64() >= Some(350));
    assert_eq!(world.get("/health/ready").await.status, 200);
    world.faulty.faults().clear();

    // The probe is answered, and the books are not.
    let fails = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    world.trouble(StoreOperation::WorkCounts, fails);
    world.health().await.says("storage", "unhealthy");
    world.faulty.faults().clear();

    world.trouble(StoreOperation::NextDue, fails);
    let answered = world.health().await;
    let check = answered.says("storage", "unhealthy");
    assert_eq!(check["message"], "The storage does not answer.");
    let ready = world.get("/health/ready").await;
    assert_eq!(
        (ready.status.as_u16(), &ready.body["status"]),
        (503, &"not_ready".into())
    );
    assert_eq!(world.get("/health/live").await.status, 200);
    world.faulty.faults().clear();
    world.health().await.says("storage", "healthy");
}

#[tokio::test]
async fn workers() {
    let world = World::new().await;
    world.health().await.says("workers", "healthy");
    world.make("salon", "a", at(0));
    world.health().await.says("workers", "healthy");
    world.clock.advance(2 * MINUTE);
    let answered = world.health().await;
    let check = answered.says("workers", "degraded");
    assert_eq!(check["oldest_due_seconds"], 120);
    assert_eq!(check["waiting"], 1);
    world.clock.advance(4 * MINUTE);
    let answered = world.health().await;
    let check = answered.says("workers", "unhealthy");
    assert!(check["action"].as_str().unwrap().contains("Start a worker"));

    // One is done, another one has been waiting for long: somebody is at it.
    world.make("salon", "b", at(1));
    world.clock.advance(6 * MINUTE);
    world.engine.step().await.unwrap().unwrap();
    let answered = world.health().await;
    let check = answered.says("workers", "degraded");
    let message = check["message"].as_str().unwrap();
    assert!(message.contains("do not keep up"), "{message}");
    world.drain().await;
    world.health().await.says("workers", "healthy");
}

#[tokio::test]
async fn webhooks_that_are_applied_late() {
    let world = World::new().await;
    sync_one_each_way(&world).await;
    world.health().await.says("webhooks", "healthy");
    world.book(at(4)).await;
    world.clock.advance(Duration::from_secs(30));
    world.drain().await;
    let answered = world.health().await;
    let check = answered.says("webhooks", "degraded");
    assert_eq!(check["longest_lag_ms"], 30_000);
    // The one before was applied at once.
    assert_eq!(check["mean_lag_ms"], 15_000);
    world.book(at(6)).await;
    world.clock.advance(5 * MINUTE);
    world.drain().await;
    world.health().await.says("webhooks", "unhealthy");
    // It is not held against it for a day.
    world.clock.advance(61 * MINUTE);
    world.health().await.says("webhooks", "healthy");
}

#[tokio::test]
async fn webhooks_that_do_not_come() {
    let with_others = |salon, client: &Client| {
        let mut all = vec![salon];
        all.extend(["barber", "clinic"].map(|id| bare(id, client)));
        all
    };
    let world = World::with(patient(), |fake| fake, with_others).await;
    world
        .fake
        .inject(Fault::new(When::Any, Then::LoseWebhook).always());
    world.clock.advance(MINUTE);
    world.book(at(0)).await;
    world.clock.advance(10 * MINUTE);
    world.sweep().await;
    world.drain().await;
    let answered = world.health().await;
    let check = answered.says("webhooks", "degraded");
    assert_eq!(
        (&check["silent_tenants"], &check["found_by_sweep"]),
        (&1.into(), &1.into())
    );

    let alone = World::new().await;
    alone
        .fake
        .inject(Fault::new(When::Any, Then::LoseWebhook).always());
    alone.clock.advance(MINUTE);
    alone.book(at(0)).await;
    alone.clock.advance(10 * MINUTE);
    alone.sweep().await;
    alone.drain().await;
    let answered = alone.health().await;
    let check = answered.says("webhooks", "unhealthy");
    let action = check["action"].as_str().unwrap();
    assert!(action.contains("check_subscription"), "{action}");

    // One that has come before does not hide it for a day.
    alone.fake.clear_faults();
    alone.clock.advance(24 * 60 * MINUTE);
    alone.book(at(2)).await;
    alone.drain().await;
    alone.health().await.says("webhooks", "healthy");
    alone.clock.advance(2 * 60 * MINUTE);
    alone.fake.inject(Fault::new(When::Any, Then::LoseWebhook));
    alone.book(at(4)).await;
    alone.clock.advance(10 * MINUTE);
    alone.sweep().await;
    alone.drain().await;
    let answered = alone.health().await;
    let check = answered.says("webhooks", "unhealthy");
    assert_eq!(
        (&check["received"], &check["silent_tenants"]),
        (&1.into(), &1.into())
    );
}

#[tokio::test]
async fn api_that_is_down() {
    let with_others = |salon, client: &Client| {
        // A connection of their own.
        let other = Client::builder("cal_test_0123456789")
            .base_url(client.base_url().as_str())
            .build()
            .unwrap();
        let mut all = vec![salon];
        all.extend(["barber", "clinic"].map(|id| bare(id, &other)));
        all
    };
    let world = World::with(patient(), |fake| fake, with_others).await;
    world.health().await.says("api", "healthy");
    world
        .fake
        .inject(Fault::new(When::Any, Then::status(503)).always());
    for _ in 0..3 {
        world.client.me().get().await.unwrap_err();
    }
    let answered = world.health().await;
    let check = answered.says("api", "degraded");
    assert_eq!(
        (&check["circuits_open"], &check["connections"]),
        (&1.into(), &3.into())
    );

    let alone = World::new().await;
    alone
        .fake
        .inject(Fault::new(When::Any, Then::status(503)).always());
    for _ in 0..3 {
        alone.client.me().get().await.unwrap_err();
    }
    let answered = alone.health().await;
    let check = answered.says("api", "unhealthy");
    let message = check["message"].as_str().unwrap();
    assert_eq!(message, "The circuit breaker is open for 1 of 1 tenant.");
}

#[tokio::test]
async fn api_that_is_slow() {
    let mut config = patient();
    config.thresholds.answers_degraded = Duration::from_millis(400);
    config.thresholds.answers_unhealthy = Duration::from_millis(900);
    let world = World::with(config, |fake| fake, |salon, _| vec![salon]).await;
    let delay = |millis| Then::DelayBefore(Duration::from_millis(millis));
    world.fake.inject(Fault::new(Operation::Me, delay(450)));
    world.client.me().get().await.unwrap();
    let answered = world.health().await;
    assert!(answered.says("api", "degraded")["p95_ms"].as_u64() >= Some(450));
    world.fake.inject(Fault::new(Operation::Me, delay(950)));
    world.client.me().get().await.unwrap();
    world.health().await.says("api", "unhealthy");
}

#[tokio::test]
async fn api_that_refuses_the_credentials() {
    let world = World::new().await;
    world
        .fake
        .inject(Fault::new(When::Any, Then::status(401)).always());
    world.make("salon", "a", at(0));
    world.drain().await;
    let answered = world.health().await;
    let check = answered.says("api", "unhealthy");
    assert_eq!(
        (&check["credentials_refused"], &check["paused_tenants"]),
        (&1.into(), &1.into())
    );
    // The work of a paused tenant is nobody's fault.
    world.clock.advance(60 * MINUTE);
    world.health().await.says("workers", "healthy");
    world.fake.clear_faults();
    let (salon, page) = ("salon".into(), calcom::store::Page::first(10));
    let items = world.engine.open_reviews(&salon, page).await.unwrap();
    let resolved = world
        .engine
        .resolve(&salon, items[0].id, Resolution::Retry, "eve");
    resolved.await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    world.drain().await;
    world.health().await.says("api", "healthy");
}

#[tokio::test]
async fn rate_limit() {
    let limited = |fake: calcom::testing::FakeCalcomBuilder| fake.rate_limit(10);
    let world = World::with(patient(), limited, |salon, _| vec![salon]).await;
    let answered = world.health().await;
    assert_eq!(answered.says("rate_limit", "healthy")["limit"], 120);
    for _ in 0..9 {
        world.client.me().get().await.unwrap();
    }
    let answered = world.health().await;
    let check = answered.says("rate_limit", "degraded");
    assert_eq!(
        (&check["limit"], &check["least_remaining"]),
        (&10.into(), &1.into())
    );
    // Writes may use what is left.
    let _ = world
        .client
        .bookings()
        .cancel(&"nothing".into(), &Default::default())
        .await;
    let answered = world.health().await;
    assert_eq!(answered.says("rate_limit", "unhealthy")["exhausted"], 1);
}

#[tokio::test]
async fn sync() {
    let mut config = patient();
    config.thresholds.success_sample = 4;
    let world = World::with(config, |fake| fake, |salon, _| vec![salon]).await;
    sync_one_each_way(&world).await;
    world.book(at(4)).await;
    world.drain().await;
    world.health().await.says("sync", "healthy");
    // The slot is taken at Cal.com, and nobody has told.
    world
        .fake
        .inject(Fault::new(When::Any, Then::LoseWebhook).always());
    world.book(at(10)).await;
    world.make("salon", "b", at(10));
    world.drain().await;
    let answered = world.health().await;
    let check = answered.says("sync", "degraded");
    assert_eq!(
        (&check["failed"], &check["open_reviews"]),
        (&1.into(), &1.into())
    );
    assert_eq!(check["succeeded"], 4);
    for hour in 20..23 {
        world.book(at(hour)).await;
        world.make("salon", &hour.to_string(), at(hour));
    }
    world.drain().await;
    let answered = world.health().await;
    assert_eq!(answered.says("sync", "unhealthy")["failed"], 4);
    // A day later only the items are left.
    world.clock.advance(25 * 60 * MINUTE);
    let answered = world.health().await;
    let check = answered.says("sync", "degraded");
    let message = check["message"].as_str().unwrap();
    assert_eq!(message, "A review item has been open for 25 h.");
}
