//! Appointments by hand, and free slots.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_appointment_is_booked_moved_and_cancelled_without_a_worker() {
    let world = World::new(false).await;
    let event_type = world.event_type().to_string();
    let book = [
        "book",
        &event_type,
        "2099-12-08T09:00:00Z",
        "--name",
        "Ann",
        "--email",
        "ann@example.com",
        "--wait",
        "40s",
        "--json",
    ];
    // Nobody works: the command does so itself, after a while.
    let booked = world.run(&book).await.is(0).json();
    assert_eq!(
        (&booked["state"], &booked["worked_here"]),
        (&"in_sync".into(), &true.into())
    );
    let id = booked["appointment"].as_str().unwrap().to_owned();
    assert!(id.starts_with("cli-") && id.len() == 20, "{id}");
    assert_eq!(booked["end"], "2099-12-08T09:30:00Z");
    let live = world.fake.live_bookings();
    assert_eq!(live.len(), 1);
    assert_eq!(booked["booking"], live[0].uid.as_str());
    let link = format!("https://cal.example.org/booking/{}", live[0].uid);
    assert_eq!(booked["booking_url"], link);

    // Without --wait it is only recorded.
    let moved = world
        .run(&["move", &id, "2099-12-08T12:00:00Z"])
        .await
        .is(0);
    moved
        .says("is moved to 2099-12-08 12:00:00 UTC")
        .says("A worker brings it to Cal.com.");
    assert_eq!(world.fake.live_bookings()[0].start, at(9, 0));
    let working = world.work();
    world.until_in_sync(&id).await;
    assert_eq!(world.fake.live_bookings()[0].start, at(12, 0));
    let cancel = [
        "cancel", &id, "nobody", "--reason", "ill", "--wait", "20s", "--json",
    ];
    let cancelled = world.run(&cancel).await.is(6).json();
    assert_eq!(cancelled["appointments"][0]["state"], "in_sync");
    assert_eq!(cancelled["appointments"][0]["worked_here"], false);
    assert_eq!(cancelled["appointments"][1]["error"]["kind"], "not_found");
    assert!(world.fake.live_bookings().is_empty());
    working.stop().await;
    world
        .run(&["cancel", &id])
        .await
        .is(0)
        .says("had ended before");
    world
        .run(&["move", &id, "2099-12-08T12:00:00Z"])
        .await
        .is(1)
        .tells("is cancelled");
    let done: Vec<_> = actions(&world)
        .await
        .into_iter()
        .map(|(_, action)| action)
        .collect();
    assert_eq!(done, ["cancel", "move", "book"]);
    let search = world.run(&["status", "--search", "ANN@"]).await.is(0);
    search.says(&id).says("Ann");
    world
        .run(&["status", "--search", "nobody at all"])
        .await
        .is(6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_booked_is_refused_with_the_next_step() {
    let world = World::new(false).await;
    let event_type = world.event_type().to_string();
    let start = "2099-12-08T09:00:00Z";
    let book = |more: &[&'static str]| {
        let mut all = vec!["book", &event_type, start, "--name", "Ann"];
        all.extend(more);
        all.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    for (more, told) in [
        (vec!["--email", "nobody"], "no e-mail address"),
        (vec!["--phone", "0301234"], "country code"),
        (vec!["--phone", "+49301"], "no such number"),
        (
            vec!["--email", "a@b.c", "--time-zone", "Mars"],
            "no such time zone",
        ),
        (
            vec!["--email", "a@b.c", "--length", "2d"],
            "between a minute and a day",
        ),
        (vec!["--email", "a@b.c", "--id", " "], "the id is empty"),
    ] {
        let all = book(&more);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        world.run(&all).await.is(2).tells(told).tells("What to do");
    }
    let past = [
        "book",
        &event_type,
        "2020-12-08",
        "--name",
        "A",
        "--email",
        "a@b.c",
    ];
    world.run(&past).await.is(2).tells("lies in the past");
    let unknown = ["book", "Shave", start, "--name", "A", "--email", "a@b.c"];
    world
        .run(&unknown)
        .await
        .is(6)
        .tells("there is no service \"Shave\"");
    let foreign = ["book", "999", start, "--name", "A", "--email", "a@b.c"];
    world
        .run(&foreign)
        .await
        .is(6)
        .tells("event type 999 is none of tenant salon's");
    world.appointment("a-1", at(9, 0)).await;
    let all = book(&["--email", "a@b.c", "--id", "a-1"]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    world
        .run(&all)
        .await
        .is(2)
        .tells("there is an appointment a-1 already");
    world
        .run(&["move", "a-9", start])
        .await
        .is(6)
        .tells("there is no appointment a-9");
    assert!(world.fake.live_bookings().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_leave_out_what_calcom_does_not_know_yet() {
    let world = World::new(false).await;
    let write = ServiceWrite::new(ServiceDetails::new("Haircut", 30), SystemClock.now())
        .with_event_type(world.event_type());
    world
        .store
        .create_service(&world.tenant, &"cut".into(), write)
        .await
        .unwrap();
    let day = ["--from", "2099-12-08", "--until", "2099-12-09"];
    let mut slots = vec!["slots", "haircut"];
    slots.extend(day);
    let (code, before) = world.json(&slots).await;
    assert_eq!(code, 0);
    let free = |json: &Value, slot: &str| {
        let slots = json["event_types"][0]["slots"].as_array().unwrap();
        slots.contains(&slot.into())
    };
    assert!(free(&before, "2099-12-08T10:00:00Z"));
    assert_eq!(before["event_types"][0]["name"], "Haircut");
    // Recorded, and not at Cal.com yet.
    world.appointment("a-1", at(10, 0)).await;
    let (_, after) = world.json(&slots).await;
    assert!(!free(&after, "2099-12-08T10:00:00Z"));
    assert!(free(&after, "2099-12-08T11:00:00Z"));
    assert_eq!(after["event_types"][0]["held_back"], 1);
    let shown = world.run(&slots).await.is(0);
    shown
        .says("Haircut (cut), 30 min; times in UTC")
        .says("Tue 2099-12-08")
        .says_not(" 10:00")
        .says("Held back: 1 slot, free at Cal.com");
    let mut berlin = slots.clone();
    berlin.extend(["--time-zone", "Asia/Tokyo"]);
    world
        .run(&berlin)
        .await
        .is(0)
        .says("times in Asia/Tokyo")
        .says("Wed 2099-12-09");
    world.run(&["slots", "--time-zone", "Mars"]).await.is(2);
    world.run(&["slots", "Shave"]).await.is(6);
    world.run(&["slots", "--until", "2020-01-01"]).await.is(2);
    // By its name, with the service's length.
    let book = [
        "book",
        "HAIRCUT",
        "2099-12-08T15:00:00Z",
        "--name",
        "A",
        "--email",
        "a@b.c",
    ];
    world
        .run(&book)
        .await
        .is(0)
        .says("2099-12-08 15:00:00 UTC, 30 min");
}
