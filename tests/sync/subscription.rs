//! The webhook subscription: what is wrong with ours is found and mended, and others' are left alone.

use std::sync::Arc;

use crate::harness::{SECRET, World, client, config, hosted};
use calcom::model::{NewWebhook, Trigger, WebhookQuery, WebhookSubscription, WebhookUpdate};
use calcom::store::TenantId;
use calcom::sync::{
    Engine, StaticTenants, SubscriptionError, SubscriptionFinding, SubscriptionReport, SyncEngine,
    Tenant,
};
use calcom::testing::{Operation, ServerKind};
use http::Method;

const URL: &str = "https://salon.example/webhooks/salon";
const NEWER: [Trigger; 2] = [Trigger::BookingLocationUpdated, Trigger::BookingReassigned];

fn engine_of(world: &World, change: impl FnOnce(Tenant) -> Tenant) -> Engine {
    let calendar = Arc::new(client(&world.fake));
    let tenant = Tenant::new(world.tenant.clone(), calendar);
    let tenants = Arc::new(StaticTenants::new([change(tenant)]));
    let store = Arc::new(world.store.clone());
    let engine = Engine::builder(store.clone(), store, tenants).config(config());
    engine.clock(world.clock.shared()).build()
}

fn engine(world: &World) -> Engine {
    engine_of(world, |tenant| {
        let tenant = tenant.with_webhook_secret(SECRET);
        tenant.with_subscription(Arc::new(client(&world.fake)), URL)
    })
}

async fn check(world: &World, engine: &Engine) -> SubscriptionReport {
    engine.check_subscription(&world.tenant).await.unwrap()
}

async fn repair(world: &World, engine: &Engine) -> SubscriptionReport {
    engine.repair_subscription(&world.tenant).await.unwrap()
}

/// All subscriptions at Cal.com, in an order of their own; the first one of every world is another's.
async fn all(world: &World) -> Vec<WebhookSubscription> {
    let client = client(&world.fake);
    let webhooks = client.webhooks();
    let page = webhooks.list(&WebhookQuery::default()).await.unwrap();
    page.items
}

async fn ours(world: &World) -> WebhookSubscription {
    let mut all = all(world).await;
    all.retain(|known| known.subscriber_url == URL);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// How many requests were to change a subscription.
fn writes(world: &World) -> usize {
    let requests = world.fake.requests();
    let writes = requests.iter().filter(|request| {
        request.operation == Operation::Webhooks && request.method != Method::GET
    });
    writes.count()
}

fn text(subscriptions: &[WebhookSubscription]) -> String {
    serde_json::to_string(subscriptions).unwrap()
}

/// A server of 2025 refuses the newer triggers, and one of 2026 knows them.
#[tokio::test]
async fn a_missing_subscription_is_created_with_all_triggers_that_the_server_knows() {
    for (kind, knows_newer) in [(ServerKind::SelfHosted, false), (hosted(), true)] {
        let world = World::on(kind, |tenant| tenant).await;
        let engine = engine(&world);
        let others = text(&all(&world).await);
        let report = check(&world, &engine).await;
        assert_eq!(report.findings, [SubscriptionFinding::Missing]);
        assert!(!report.is_healthy());
        assert_eq!(text(&all(&world).await), others, "a check writes nothing");

        let report = repair(&world, &engine).await;
        assert_eq!(report.findings, [SubscriptionFinding::Missing]);
        assert_eq!(report.remaining, []);
        assert!(report.is_healthy());
        let made = ours(&world).await;
        assert_eq!(report.created, Some(made.id.clone()));
        assert!(made.active && made.payload_template.is_none());
        let mut triggers = NewWebhook::booking_triggers();
        triggers.extend(NEWER.into_iter().filter(|_| knows_newer));
        assert_eq!(made.triggers, triggers);
        assert_eq!(check(&world, &engine).await.findings, []);

        // What the server has refused is not tried again.
        let before = writes(&world);
        let report = repair(&world, &engine).await;
        assert_eq!((report.created, report.updated), (None, None));
        assert_eq!(writes(&world), before);
    }
}

#[tokio::test]
async fn what_is_wrong_with_ours_is_mended_and_what_was_added_is_kept() {
    let world = World::new().await;
    let engine = engine(&world);
    let others = text(&all(&world).await);
    let triggers = [Trigger::BookingCreated, Trigger::MeetingEnded];
    let new = NewWebhook::unsigned(URL, triggers).inactive();
    let client = client(&world.fake);
    let made = client.webhooks().create(&new).await.unwrap();
    let id = || made.id.clone();
    let found = check(&world, &engine).await.findings;
    assert!(found.iter().any(
        |finding| matches!(finding, SubscriptionFinding::Inactive { id: of, .. } if *of == id())
    ));
    assert!(found.iter().any(
        |finding| matches!(finding, SubscriptionFinding::Unsigned { id: of, .. } if *of == id())
    ));
    assert_eq!(found.len(), 4, "{found:?}");

    let report = repair(&world, &engine).await;
    assert_eq!((report.created, report.updated), (None, Some(id())));
    assert_eq!(report.remaining, []);
    let mended = ours(&world).await;
    assert!(mended.active);
    assert!(mended.triggers.contains(&Trigger::MeetingEnded));
    for trigger in NewWebhook::booking_triggers() {
        assert!(mended.triggers.contains(&trigger), "{trigger:?}");
    }
    // The hosted service switches it off after a 410.
    let off = WebhookUpdate::default().with_active(false);
    client.webhooks().update(&made.id, &off).await.unwrap();
    assert!(!check(&world, &engine).await.is_healthy());
    assert!(repair(&world, &engine).await.is_healthy());
    assert!(ours(&world).await.active);
    let mut left = all(&world).await;
    left.retain(|known| known.subscriber_url != URL);
    assert_eq!(text(&left), others);
}

/// Deliveries signed with a secret that is not ours are refused.
#[tokio::test]
async fn a_secret_that_is_not_ours_is_replaced() {
    let world = World::new().await;
    let engine = engine(&world);
    let new = NewWebhook::new(URL, NewWebhook::booking_triggers(), "theirs");
    let client = client(&world.fake);
    client.webhooks().create(&new).await.unwrap();
    let found = check(&world, &engine).await.findings;
    let is_other =
        |found: &&SubscriptionFinding| matches!(found, SubscriptionFinding::OtherSecret { .. });
    assert_eq!(found.iter().filter(is_other).count(), 1, "{found:?}");
    assert!(repair(&world, &engine).await.is_healthy());
    let mended = text(&[ours(&world).await]);
    assert!(mended.contains(SECRET) && !mended.contains("theirs"));
}

/// Cal.com refuses a second subscription to one URL, but takes another spelling of it.
#[tokio::test]
async fn a_second_subscription_of_ours_is_reported_and_left_alone() {
    let world = World::new().await;
    let engine = engine(&world);
    repair(&world, &engine).await;
    let slash = format!("{URL}/");
    let new = NewWebhook::new(&slash, [Trigger::BookingCreated], SECRET);
    let client = client(&world.fake);
    let made = client.webhooks().create(&new).await.unwrap();
    let before = text(&all(&world).await);
    let report = repair(&world, &engine).await;
    let [SubscriptionFinding::Duplicate { id, .. }] = &report.remaining[..] else {
        panic!("{report:?}");
    };
    assert_eq!(*id, made.id);
    assert!(report.is_healthy(), "deliveries come twice, none is lost");
    assert_eq!((report.created, report.updated), (None, None));
    assert_eq!(text(&all(&world).await), before);
}

#[tokio::test]
async fn what_cannot_be_checked_is_an_error_and_writes_nothing() {
    let world = World::new().await;
    let unnamed = engine_of(&world, |tenant| tenant);
    let checked = unnamed.check_subscription(&world.tenant).await;
    assert!(matches!(checked, Err(SubscriptionError::NotNamed)));
    let nobody = TenantId::new("nobody");
    let checked = unnamed.repair_subscription(&nobody).await;
    assert!(matches!(checked, Err(SubscriptionError::UnknownTenant)));
    // Without a secret here, a subscription would be good for nothing.
    let kept_in = Arc::new(client(&world.fake));
    let engine = engine_of(&world, |tenant| tenant.with_subscription(kept_in, URL));
    let report = repair(&world, &engine).await;
    let findings = [
        SubscriptionFinding::NoSecretHere,
        SubscriptionFinding::Missing,
    ];
    assert_eq!(report.remaining, findings);
    assert!(!report.is_healthy());
    assert_eq!(writes(&world), 0);
}
