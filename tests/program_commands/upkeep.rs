//! Services, pauses, erasure, rebuilding, pruning, figures.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn services_are_checked_and_imported() {
    let world = World::new(false).await;
    let check = world.run(&["services", "check"]).await.is(1);
    check
        .says("the event type has no service")
        .says("would create the service")
        .says("Event types with a service: 0 of 1.")
        .says("calcom-sync services import");
    let page = world.store_services().await;
    assert_eq!(page, 0);
    let (code, json) = world.json(&["services", "import", "--by", "Ann"]).await;
    assert_eq!((code, &json["tenants"][0]["is_synced"]), (0, &true.into()));
    assert_eq!(json["tenants"][0]["lines"][0]["action"], "create_service");
    assert_eq!(world.store_services().await, 1);
    world
        .run(&["services", "check"])
        .await
        .is(0)
        .says("Offered services with an event type: 1 of 1.");
    world.run(&["services", "import", "--force"]).await.is(0);
    world
        .fake
        .inject(Fault::new(When::Any, Then::status(500)).always());
    world
        .run(&["services", "check"])
        .await
        .is(4)
        .tells("Cal.com cannot be reached");
    world.fake.clear_faults();
    let first = actions(&world).await.pop();
    assert_eq!(first, Some(pair("Ann", "sync_services")));
}

impl World {
    async fn store_services(&self) -> usize {
        use calcom::store::ServiceRepository;

        let page = self.store.services_page(&self.tenant, None, 10);
        page.await.unwrap().len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_paused_and_resumed() {
    let world = World::new(false).await;
    let pause = ["pause", "--reason", "Holiday", "--by", "Ann"];
    world
        .run(&pause)
        .await
        .is(0)
        .says("Tenant salon is paused.")
        .says("calcom-sync resume");
    world.run(&["pause"]).await.is(0).says("was paused already");
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    assert!(world.fake.live_bookings().is_empty());
    world
        .run(&["status", "a-1"])
        .await
        .is(1)
        .says("the tenant's work is paused");
    let event_type = world.event_type().to_string();
    let book = [
        "book",
        &event_type,
        "2099-12-08T12:00:00Z",
        "--name",
        "A",
        "--email",
        "bob@example.com",
        "--wait",
        "10s",
    ];
    world
        .run(&book)
        .await
        .is(1)
        .says("Go on with: calcom-sync resume");
    let list = world
        .run(&["reviews", "list"])
        .await
        .is(1)
        .says("somebody has paused the work");
    let id = list.first_id();
    // It can only be resumed.
    let refused = world
        .run(&["reviews", "resolve", &id, "dismiss"])
        .await
        .is(2);
    refused
        .tells("cannot be resolved with dismiss")
        .tells("possible are: retry");
    let (code, json) = world.json(&["resume"]).await;
    assert_eq!((code, &json["was_paused"]), (0, &true.into()));
    let working = world.work();
    let until = Instant::now() + Duration::from_secs(20);
    while world.fake.live_bookings().len() < 2 {
        assert!(
            Instant::now() < until,
            "{}",
            world.run(&["status"]).await.out
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    working.stop().await;
    world.run(&["resume"]).await.is(0).says("was not paused");
    let done = actions(&world).await;
    let wanted = [
        pair("hanna", "resume"),
        pair("hanna", "resume"),
        pair("hanna", "book"),
        pair("Ann", "pause"),
    ];
    assert_eq!(done, wanted);
    let log = world.run(&["log", "--within", "1h"]).await.is(0);
    log.says("Ann paused the tenant: Holiday.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_found_and_erased_and_a_tenant_too() {
    let world = World::new(true).await;
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    world.drain().await;
    let ann = ["erase", "person", "--email", "ann@example.com"];
    let mut look = ann.to_vec();
    look.push("--check-only");
    let found = world
        .run(&look)
        .await
        .is(0)
        .says("found")
        .says_not("ann@example.com");
    assert!(found.out.contains("webhook "), "{}", found.out);
    // Nobody can be asked here.
    let asked = world.run(&ann).await.is(2).tells("add --yes");
    asked.says("found");
    let mut erase = ann.to_vec();
    erase.extend(["--yes", "--json"]);
    let ran = world.run(&erase).await;
    let json = ran.json();
    let is_clear = json["is_clear"].as_bool().unwrap();
    assert_eq!(ran.code, i32::from(!is_clear));
    let outcomes = json["findings"].as_array().unwrap().iter();
    assert!(
        outcomes.clone().any(|one| one["outcome"] == "erased"),
        "{json}"
    );
    let nobody = ["erase", "person", "--phone", "+4930999999999"];
    world
        .run(&nobody)
        .await
        .is(0)
        .says("nothing of the person was found");
    world
        .run(&["erase", "person", "--phone", "12"])
        .await
        .is(2)
        .tells("too short");
    world.run(&["erase", "person"]).await.is(2);
    assert_eq!(actions(&world).await, [pair("hanna", "erase_person")]);
    let log = world.run(&["log"]).await.is(0);
    log.says_not("ann@example.com");

    world
        .run(&["erase", "tenant", "--yes"])
        .await
        .is(2)
        .tells("name it with --tenant");
    world
        .run(&["erase", "tenant", "--tenant", "salon"])
        .await
        .is(2)
        .tells("add --yes");
    let erase = ["erase", "tenant", "--tenant", "salon", "--yes"];
    world
        .run(&erase)
        .await
        .is(0)
        .says("appointments          1");
    let id = AppointmentId::new("a-1");
    assert_eq!(world.store.get(&world.tenant, &id).await.unwrap(), None);
    world
        .run(&["history", "a-1"])
        .await
        .is(6)
        .tells("there is no appointment a-1 of tenant salon");
}

#[tokio::test(flavor = "multi_thread")]
async fn books_that_were_lost_are_rebuilt_and_old_ones_pruned() {
    let mut world = World::new(false).await;
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    world.run(&["prune", "--tenant", "salon"]).await.is(2);
    world.run(&["prune"]).await.is(0).says("there are none");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let (code, json) = world.json(&["prune", "--older-than", "1s"]).await;
    assert_eq!((code, &json["changes"]), (0, &1.into()));
    assert_eq!(actions(&world).await, [pair("hanna", "prune")]);

    // Another database, with the appointments only.
    let path = world.dir.path().join("new.sqlite");
    let store = SqliteStore::open(&path).await.unwrap();
    let old = world
        .store
        .get(&world.tenant, &"a-1".into())
        .await
        .unwrap()
        .unwrap();
    let write = AppointmentWrite::new(old.state, Origin::System, old.updated_at);
    store
        .create_appointment(&world.tenant, &"a-1".into(), write)
        .await
        .unwrap();
    world.set("CALCOM_SYNC_DATABASE", path.display().to_string());
    let rebuild = ["rebuild", "--from", "2099-12-01", "--until", "2099-12-31"];
    world.run(&rebuild).await.is(2).tells("add --yes");
    let mut sure = rebuild.to_vec();
    sure.push("--yes");
    let rebuilt = world.run(&sure).await.is(0);
    rebuilt
        .says("Read 1 booking and 1 appointment ")
        .says("to be paired: 1 booking and 0 appointments");
    let key = world.fake.api_key();
    let store = Arc::new(store);
    let engine = engine_with(
        &store,
        &world.fake,
        key.expose_secret(),
        "http://127.0.0.1:9",
    );
    Worker::new(Arc::new(engine)).drain().await.unwrap();
    world
        .run(&["status", "a-1"])
        .await
        .is(0)
        .says("both sides agree");
    // It was paired with its booking, and not booked again.
    assert_eq!(world.fake.live_bookings().len(), 1);
    assert_eq!(actions(&world).await, [pair("hanna", "rebuild")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn performance_and_warm_up_measure() {
    let world = World::new(true).await;
    world.appointment("a-1", at(9, 0)).await;
    world.drain().await;
    world.drain().await;
    let report = world.run(&["performance", "--report"]).await.is(0);
    report
        .says("a round trip takes")
        .says("Webhooks of the last 24 h waited for")
        .says("Cal.com answers in")
        .says("overview of the last 24 h");
    let all = [
        "performance",
        "--report",
        "--index-stats",
        "--slow-queries",
        "--over",
        "0ms",
    ];
    let (code, json) = world.json(&all).await;
    assert_eq!(code, 0);
    assert_eq!(
        json["report"]["tenants"][0]["calcom_round_trip"]["times"],
        5
    );
    assert!(json["report"]["tenants"][0]["webhook_lag"]["count"].as_u64() >= Some(1));
    let indexes = json["indexes"]["indexes"].as_array().unwrap();
    assert!(
        indexes
            .iter()
            .any(|index| index["table"] == "calcom_notices"),
        "{json}"
    );
    assert!(indexes.iter().all(|index| index["scans"].is_null()));
    let reads = json["slow_queries"]["reads"].as_array().unwrap().len();
    assert_eq!(json["slow_queries"]["reads_measured"], reads);
    let text = world
        .run(&[
            "performance",
            "--index-stats",
            "--slow-queries",
            "--over",
            "1h",
        ])
        .await;
    text.is(0)
        .says("SQLite does not count how often an index is used")
        .says("SQLite keeps no record of its statements")
        .says("Reads of this program that took 1 h or longer just now: 0 of 9.");
    world.run(&["performance"]).await.is(2);

    let warm = world.run(&["warm-up", "--days", "3"]).await.is(0);
    warm.says("database")
        .says("account")
        .says("slots of event type")
        .says("in all");
    let (code, json) = world.json(&["warm-up"]).await;
    assert_eq!(
        (code, json["tenants"][0]["steps"].as_array().unwrap().len()),
        (0, 4)
    );
    world.fake.go_offline().await;
    world
        .run(&["warm-up"])
        .await
        .is(4)
        .says("failed:")
        .says("What to do about the account");
    let offline = world.run(&["performance", "--report"]).await.is(0);
    offline.says("Cal.com does not answer");
}

/// A worker elsewhere knows nothing of what is done here, so that it has to be told from here.
#[tokio::test(flavor = "multi_thread")]
async fn a_pause_notifies_whoever_is_to_be_notified() {
    let mut world = World::new(false).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (sender, mut received) = tokio::sync::mpsc::unbounded_channel::<String>();
    let hook = move |body: String| {
        let sender = sender.clone();
        async move { sender.send(body).unwrap() }
    };
    let router = axum::Router::new().route("/hook", axum::routing::post(hook));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    world.set("CALCOM_SYNC_NOTIFY_URL", url);
    world.run(&["pause", "--by", "Ann"]).await.is(0);
    let body = received.try_recv().unwrap();
    assert!(body.contains("tenant_paused"), "{body}");
    world.run(&["resume"]).await.is(0);
    let body = received.try_recv().unwrap();
    assert!(body.contains("tenant_resumed"), "{body}");
    serving.abort();
}
