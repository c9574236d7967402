//! An operator's day: what is wrong is found, understood and put right from the command line alone.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_is_found_understood_and_resolved() {
    let world = World::new(true).await;
    world.appointment("a 1", at(9, 0)).await;
    world.drain().await;
    let booking = world.booking_of("a 1").await;
    // Both sides move it, differently.
    world.fake.move_booking(&booking, at(11, 0)).await.unwrap();
    world.move_local("a 1", at(14, 0)).await;
    world.drain().await;

    world
        .run(&["status"])
        .await
        .is(1)
        .says("somebody has to look")
        .says("To be decided: 1 review item; see with: calcom-sync reviews list");
    let list = world.run(&["reviews", "list"]).await.is(1);
    let list = list
        .says("both sides were changed, differently")
        .says("a 1");
    let id = list.first_id();
    let show = world.run(&["reviews", "show", &id]).await.is(0);
    let show = show
        .says("2099-12-08 14:00:00 UTC  2099-12-08 11:00:00 UTC  <- differs")
        .says("https://cal.example.org/booking/")
        .says("take-remote (suggested): Changes the appointment to what Cal.com has.");
    let command = show.out.lines().map(str::trim);
    let command = command
        .filter(|line| line.starts_with("calcom-sync reviews resolve"))
        .find(|line| line.contains("take-remote"))
        .unwrap();
    assert_eq!(
        command,
        format!("calcom-sync reviews resolve {id} take-remote")
    );
    let (code, json) = world.json(&["reviews", "show", &id]).await;
    assert_eq!(code, 0);
    assert_eq!(
        json["evidence"]["differences"],
        serde_json::json!(["start"])
    );
    assert_eq!(json["evidence"]["local"]["start"], "2099-12-08T14:00:00Z");
    assert_eq!(json["evidence"]["remote"]["start"], "2099-12-08T11:00:00Z");
    assert_eq!(json["review"]["reason"], "conflict");

    // The command as it was printed, while nobody works.
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let mut briefly = words.clone();
    briefly.extend(["--wait", "1s", "--by", "Ann"]);
    let stored = world.run(&briefly).await.is(7);
    stored.says("is stored; a worker will carry it out; none has within 1.0 s");
    world
        .run(&words)
        .await
        .is(1)
        .tells("was resolved already by Ann (take_remote)");
    let working = world.work();
    world.until_in_sync("a 1").await;
    working.stop().await;
    assert_eq!(world.start_of("a 1").await, at(11, 0));
    world
        .run(&["reviews", "list"])
        .await
        .is(0)
        .says("Nothing needs a decision.");
    let resolved = world.run(&["reviews", "list", "--resolved"]).await.is(0);
    resolved.says("take_remote by Ann");
    world
        .run(&["status", "a 1"])
        .await
        .is(0)
        .says("Appointment 'a 1' of tenant salon: both sides agree.")
        .says("calcom-sync history 'a 1'");
    let history = world.run(&["history", "a 1"]).await.is(0);
    let history = history
        .says("A phone agent made the appointment (revision 1)")
        .says("Webhook BOOKING_RESCHEDULED about booking")
        .says("It needs a decision: both sides were changed, differently.")
        .says("Ann decided: take what Cal.com says");
    let lines = history.out.lines().filter(|line| line.starts_with("20"));
    let times: Vec<&str> = lines.map(|line| &line[..19]).collect();
    assert!(times.len() > 5 && times.is_sorted(), "{times:?}");
    let (_, json) = world.json(&["history", "a 1", "--limit", "2"]).await;
    assert_eq!(json["entries"].as_array().unwrap().len(), 2);
    assert!(json["left_out"].as_u64().unwrap() > 2);
    assert_eq!(actions(&world).await, [pair("Ann", "resolve")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_slot_is_found_understood_and_rebooked() {
    let world = World::new(true).await;
    let working = world.work();
    world.book_at_calcom(at(10, 0)).await;
    let event_type = world.event_type().to_string();
    let start = "2099-12-08T10:00:00Z";
    let book = [
        "book",
        &event_type,
        start,
        "--name",
        "Ann",
        "--email",
        "ann@example.com",
        "--wait",
        "20s",
        "--id",
        "taken",
    ];
    let booked = world.run(&book).await.is(1);
    let booked = booked.says("It is not booked at Cal.com: it needs a decision.");
    let mark = "calcom-sync reviews show ";
    let (_, id) = booked.out.split_once(mark).unwrap();
    let id = id.lines().next().unwrap().to_owned();
    let show = world.run(&["reviews", "show", &id]).await.is(0);
    let show = show
        .says("the slot is taken at Cal.com")
        .says("rebook (suggested)")
        .says("Free slots for rebook, as Cal.com has them now");
    let command = show.out.lines().map(str::trim);
    let command = command
        .filter(|line| line.starts_with("calcom-sync reviews resolve"))
        .find(|line| line.contains("rebook"))
        .unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let resolved = world.run(&words).await.is(0);
    resolved.says("the decision (rebook) was carried out.");
    world.until_in_sync("taken").await;
    working.stop().await;
    let live = world.fake.live_bookings();
    let start = world.start_of("taken").await;
    assert_ne!(start, at(10, 0));
    let ours = world.booking_of("taken").await;
    let ours = live.iter().find(|booking| booking.uid == ours).unwrap();
    assert_eq!((ours.start, live.len()), (start, 2));
    let resolve = pair("hanna", "resolve");
    assert_eq!(actions(&world).await, [resolve, pair("hanna", "book")]);
    let log = world
        .run(&["log", "--by", "hanna", "--limit", "1"])
        .await
        .is(0);
    log.says("hanna decided: rebook for 2099-12-")
        .says("There are more");
    world
        .run(&["log", "--by", "nobody"])
        .await
        .is(0)
        .says("Nobody did anything.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_found_understood_and_replaced() {
    let mut world = World::new(false).await;
    let right = world.environment["CALCOM_API_KEY"].clone();
    let url = format!(
        "{}/webhooks/calcom/salon",
        world.environment["CALCOM_SYNC_PUBLIC_URL"]
    );
    let wrong = Arc::new(engine_with(&world.store, &world.fake, WRONG_KEY, &url));
    world.set("CALCOM_API_KEY", WRONG_KEY);
    world.appointment("a-1", at(9, 0)).await;
    let working = world.work_with(wrong);
    let until = Instant::now() + Duration::from_secs(20);
    while world.open_reviews().await != [ReviewReason::CredentialsRefused] {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    working.stop().await;

    let status = world.run(&["status"]).await.is(1);
    status
        .says("the work is stopped")
        .says("calcom-sync resume");
    let (code, json) = world.json(&["status"]).await;
    assert_eq!(
        (code, &json["tenants"][0]["health"]),
        (1, &"stopped".into())
    );
    assert_eq!(json["tenants"][0]["is_paused"], true);
    let list = world
        .run(&["reviews", "list", "--reason", "credentials-refused"])
        .await
        .is(1);
    let list = list
        .says("Cal.com refuses the API key")
        .says("(the tenant)");
    let id = list.first_id();
    let show = world.run(&["reviews", "show", &id]).await.is(0);
    show.says("Replace the credentials first, or it is paused again.");
    // Whoever asks Cal.com is told the same.
    let warm = world.run(&["warm-up"]).await.is(3);
    warm.says("Cal.com refuses the API key")
        .says("create a key in Cal.com's settings");
    world
        .run(&["webhook", "status"])
        .await
        .is(3)
        .tells("Cal.com refuses the API key");
    world
        .run(&["reconcile"])
        .await
        .is(3)
        .tells("Cal.com refuses the API key");
    let status = world.run(&["status", "a-1"]).await.is(1);
    status
        .says("To be decided")
        .says(&format!("calcom-sync reviews show {id}"));

    world.set("CALCOM_API_KEY", right);
    let working = world.work();
    let resolved = world.run(&["reviews", "resolve", &id, "retry"]).await.is(0);
    resolved.says("the decision (retry) was carried out.");
    world.until_in_sync("a-1").await;
    working.stop().await;
    world
        .run(&["status"])
        .await
        .is(0)
        .says("everything is fine");
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_webhook_is_found_and_its_cause_repaired() {
    let world = World::new(false).await;
    world.appointment("a-1", at(9, 0)).await;
    world.appointment("a-2", at(12, 0)).await;
    world.drain().await;
    // Nothing is subscribed, so that nobody hears of it.
    let booking = world.booking_of("a-1").await;
    world.fake.move_booking(&booking, at(10, 0)).await.unwrap();
    world.drain().await;
    world
        .run(&["status", "a-1"])
        .await
        .is(0)
        .says("both sides agree");

    let status = world.run(&["webhook", "status"]).await.is(1);
    status
        .says("No subscription at Cal.com goes to our address")
        .says("calcom-sync webhook repair");
    let window = ["--from", "2099-12-01", "--until", "2099-12-31"];
    let mut check = vec!["reconcile"];
    check.extend(window);
    let found = world.run(&check).await.is(1);
    let found = found
        .says("compared 2 appointments and 3 bookings")
        .says("1  pairs differ")
        .says("differs in start")
        .says("Nothing was changed.");
    assert_eq!(world.start_of("a-1").await, at(9, 0));
    let mut commands = found.out.lines().map(str::trim);
    let command = commands.rfind(|line| line.ends_with("--repair")).unwrap();
    let (code, json) = world.json(&check).await;
    assert_eq!((code, &json["tenants"][0]["differences"]), (1, &1.into()));
    assert_eq!(json["tenants"][0]["drift"][0]["appointment"], "a-1");
    assert_eq!(json["tenants"][0]["drift"][0]["kind"], "differs");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    world
        .run(&words)
        .await
        .is(0)
        .says("Given to the workers: 1 difference.");
    world.drain().await;
    assert_eq!(world.start_of("a-1").await, at(10, 0));
    world.run(&check).await.is(0).says("No differences.");
    // The status says that a webhook was missed.
    world
        .run(&["status"])
        .await
        .is(1)
        .says("Webhooks get lost: 1 change at Cal.com was found by comparing");

    world
        .run(&["webhook", "repair", "--by", "Ann"])
        .await
        .is(0)
        .says("created subscription");
    world
        .run(&["webhook", "status"])
        .await
        .is(0)
        .says("is in order");
    let test = world.run(&["webhook", "test"]).await.is(0);
    test.says("came back through the webhook's address and was verified");
    let (code, json) = world.json(&["webhook", "test"]).await;
    assert_eq!(
        (code, &json["tenants"][0]["has_arrived"]),
        (0, &true.into())
    );
    // The next change is heard of.
    let booking = world.booking_of("a-1").await;
    world.fake.cancel_booking(&booking, "ill").await.unwrap();
    let working = world.work();
    let until = Instant::now() + Duration::from_secs(20);
    let id = AppointmentId::new("a-1");
    loop {
        let found = world.store.get(&world.tenant, &id).await.unwrap().unwrap();
        if found.state.status == AppointmentStatus::Cancelled {
            break;
        }
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    working.stop().await;
    let done: Vec<_> = actions(&world)
        .await
        .into_iter()
        .map(|(_, action)| action)
        .collect();
    assert_eq!(
        done,
        [
            "test_webhook",
            "test_webhook",
            "repair_subscription",
            "check_drift",
            "repair_drift",
            "check_drift",
            "check_drift"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_refused_or_leads_nowhere_is_told() {
    let mut world = World::new(true).await;
    world.set("CALCOM_WEBHOOK_SECRET", "another_secret_of_nobody");
    let test = world.run(&["webhook", "test"]).await.is(1);
    test.says("The answer was 401")
        .says("refused the signature");
    world
        .run(&["webhook", "status"])
        .await
        .is(1)
        .says("has another secret");
    world.set("CALCOM_SYNC_PUBLIC_URL", "http://127.0.0.1:9");
    let test = world.run(&["webhook", "test"]).await.is(1);
    test.tells("nothing answers at http://127.0.0.1:9/webhooks/calcom/salon");
    world.environment.remove("CALCOM_SYNC_PUBLIC_URL");
    world
        .run(&["webhook", "status"])
        .await
        .is(2)
        .tells("set public_url");
    world.run(&["webhook", "test"]).await.is(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_found_and_repaired_and_the_brake_explains_itself() {
    let world = World::new(false).await;
    for (id, hour) in [("a-1", 9), ("a-2", 10), ("a-3", 11)] {
        world.appointment(id, at(hour, 0)).await;
    }
    world.drain().await;
    // A booking that nobody heard of, and a write that was never recorded.
    world.book_at_calcom(at(14, 0)).await;
    let window = ["--from", "2099-12-01", "--until", "2099-12-31"];
    let run = |more: &'static [&'static str]| {
        let mut all = vec!["reconcile"];
        all.extend(window);
        all.extend(more);
        all
    };
    let found = world.run(&run(&[])).await.is(1);
    found
        .says("1  bookings have no appointment here")
        .says("no appointment here");
    let (code, json) = world.json(&run(&["--repair"])).await;
    assert_eq!(
        (code, &json["tenants"][0]["given_to_workers"]),
        (0, &1.into())
    );
    world.drain().await;
    world.run(&run(&[])).await.is(0).says("No differences.");

    // All bookings end at Cal.com, untold.
    for booking in world.fake.live_bookings() {
        world
            .fake
            .cancel_booking(&booking.uid, "closed")
            .await
            .unwrap();
    }
    let braked = world.run(&run(&["--repair"])).await.is(1);
    let braked = braked
        .says("The repair was stopped before it did anything: it would cancel 3")
        .says("--repair --without-brake");
    let (code, json) = world.json(&run(&["--repair"])).await;
    assert_eq!(
        (code, &json["tenants"][0]["brake"]["would_cancel"]),
        (1, &3.into())
    );
    assert_eq!(json["tenants"][0]["given_to_workers"], 0);
    let mut commands = braked.out.lines().map(str::trim);
    let command = commands
        .rfind(|line| line.ends_with("--without-brake"))
        .unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    world
        .run(&words)
        .await
        .is(0)
        .says("Given to the workers: 3 differences.");
    world.drain().await;
    for id in ["a-1", "a-2", "a-3"] {
        let id = AppointmentId::new(id);
        let found = world.store.get(&world.tenant, &id).await.unwrap().unwrap();
        assert_eq!(found.state.status, AppointmentStatus::Cancelled, "{id}");
    }
    world.run(&run(&[])).await.is(0);
    // A window must not be empty, and no brake goes without a repair.
    let empty = ["reconcile", "--from", "2099-12-08", "--until", "2099-12-08"];
    world
        .run(&empty)
        .await
        .is(2)
        .tells("the span of time is empty");
    world.run(&run(&["--without-brake"])).await.is(2);
    world.run(&run(&["--check-only", "--repair"])).await.is(2);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_items_are_decided_at_once() {
    let world = World::new(true).await;
    for (id, hour) in [("a-1", 9), ("a-2", 15)] {
        world.appointment(id, at(hour, 0)).await;
        world.drain().await;
        let booking = world.booking_of(id).await;
        let to = at(hour + 1, 0);
        world.fake.move_booking(&booking, to).await.unwrap();
        world.move_local(id, at(hour + 2, 0)).await;
        world.drain().await;
    }
    let (code, list) = world
        .json(&["reviews", "list", "--reason", "conflict"])
        .await;
    assert_eq!(code, 1);
    let ids = list["reviews"].as_array().unwrap().iter();
    let ids: Vec<String> = ids.map(|item| item["id"].to_string()).collect();
    assert_eq!(ids.len(), 2);
    let (_, limited) = world.json(&["reviews", "list", "--limit", "1"]).await;
    assert_eq!(limited["reviews"].as_array().unwrap().len(), 1);
    assert_eq!(limited["has_more"], true);
    let young = ["reviews", "list", "--older-than", "1d"];
    world
        .run(&young)
        .await
        .is(0)
        .says("Nothing needs a decision.");
    let resolve = [
        "reviews",
        "resolve",
        &ids[0],
        "999",
        &ids[1],
        "accept-difference",
    ];
    let (code, json) = world.json(&resolve).await;
    assert_eq!(code, 6, "{json}");
    let progress = json["decisions"].as_array().unwrap().iter();
    let progress: Vec<&Value> = progress.map(|decision| &decision["progress"]).collect();
    assert_eq!(progress, ["stored", "failed", "stored"]);
    world.drain().await;
    for (id, hour) in [("a-1", 11), ("a-2", 17)] {
        assert_eq!(world.state(id).await, SyncState::InSync);
        assert_eq!(world.start_of(id).await, at(hour, 0));
    }
    let (code, json) = world.json(&["reviews", "show", &ids[0]]).await;
    assert_eq!(code, 0);
    assert!(json["review"]["resolved"]["outcome"].is_string(), "{json}");
    assert_eq!(json["choices"], serde_json::json!([]));
    let window = ["reconcile", "--from", "2099-12-01", "--until", "2099-12-31"];
    let accepted = world.run(&window).await.is(0);
    accepted.says("2  differ in a way that was accepted");
}
