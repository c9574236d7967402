//! Resolving review items, one or many.

use calcom::store::{Resolution, ReviewItem, ReviewReason};
use calcom::sync::{Operations, SyncEngine, choices};
use calcom::testing::{Fault, Operation, Then};
use chrono::{DateTime, Utc};

use crate::world::{SALLY, World, at, form};

async fn decide(world: &World, item: &ReviewItem, word: &str, more: &[(&str, &str)]) {
    let id = item.id.to_string();
    let fields = [
        ("item", id.as_str()),
        ("resolution", word),
        ("confirmed", "1"),
    ];
    let fields = [&fields[..], more].concat();
    let sent = world.send("POST", "/t/salon/reviews", Some(SALLY), form(&fields), &[]);
    let answer = sent.await;
    let link = format!("/t/salon/reviews/{}", item.id);
    assert_eq!(answer.is(303).location(), link);
    let resolved = world.review(item).await.resolved.unwrap();
    assert_eq!(
        (resolved.resolution.as_str(), resolved.by.as_str()),
        (word, "sally")
    );
    world.work().await;
    let shown = world.get(&link).await;
    shown
        .is(200)
        .says("decided by <bdi>sally")
        .does_not_say("What can be done");
    world.get("/t/salon/actions").await.says("sally");
}

#[tokio::test]
async fn every_decision_does_what_the_page_says() {
    for word in [
        "take_remote",
        "force_local",
        "accept_difference",
        "retry",
        "dismiss",
    ] {
        let world = World::new().await;
        let item = world.conflict("a-1", 0).await;
        let shown = world.get(&format!("/t/salon/reviews/{}", item.id)).await;
        let mut possible = choices(&item).into_iter();
        let choice = possible.find(|choice| choice.resolution.as_str() == word);
        let effect = choice.unwrap().effect;
        shown
            .says(&format!("value=\"{word}\""))
            .says(effect.split('\'').next().unwrap());
        decide(&world, &item, word, &[]).await;
        let here = world.store.appointments(&world.salon)[0].state.start;
        let there = world.fake.live_bookings()[0].start;
        let starts = match word {
            "take_remote" => (at(200), at(200)),
            "force_local" => (at(100), at(100)),
            _ => (at(100), at(200)),
        };
        assert_eq!((here, there), starts, "{word}");
    }
}

/// An item of an appointment whose slot is taken.
async fn taken(world: &World, id: &str) -> ReviewItem {
    world.fake.inject(Fault::new(
        Operation::CreateBooking,
        Then::booking_limit_reached(),
    ));
    let id = world.make(id, "Ann", at(1)).await;
    world.work().await;
    let open = world
        .engine
        .open_reviews(&world.salon, calcom::store::Page::first(99))
        .await;
    let mut open = open.unwrap().into_iter();
    open.find(|item| item.appointment.as_ref() == Some(&id))
        .unwrap()
}

#[tokio::test]
async fn an_appointment_is_booked_at_another_slot() {
    let world = World::new().await;
    let item = taken(&world, "a-1").await;
    let path = format!("/t/salon/reviews/{}", item.id);
    let shown = world.get(&path).await;
    shown.says("Book another slot").says("?slots=1");
    let slots = world.get(&format!("{path}?slots=1")).await;
    slots
        .is(200)
        .says("type=\"radio\" name=\"start\"")
        .says("Tuesday 8 December");
    let value = slots
        .body
        .split("name=\"start\" required value=\"")
        .nth(3)
        .unwrap();
    let value = value.split('"').next().unwrap();
    let start: DateTime<Utc> = value.parse().unwrap();
    decide(&world, &item, "rebook", &[("start", value)]).await;
    assert_eq!(world.fake.live_bookings()[0].start, start);
    assert_eq!(world.store.appointments(&world.salon)[0].state.start, start);
}

#[tokio::test]
async fn many_items_are_resolved_after_the_page_has_asked() {
    let world = World::new().await;
    let items = [
        world.conflict("a-1", 0).await,
        world.conflict("a-2", 3).await,
    ];
    let done = world.conflict("a-3", 6).await;
    let dismissed = world
        .engine
        .resolve(&world.salon, done.id, Resolution::Dismiss, "somebody");
    dismissed.await.unwrap();
    let ids = [&items[0], &items[1], &done].map(|item| item.id.to_string());
    let fields: Vec<(&str, &str)> = ids.iter().map(|id| ("item", id.as_str())).collect();
    let fields = [&fields[..], &[("resolution", "take_remote")]].concat();
    let asked = world.post("/t/salon/reviews", &fields).await;
    asked
        .is(200)
        .says("2 items?")
        .says("id=\"confirm\"")
        .says("it is resolved already");
    asked.says("Changes the appointment to what Cal.com has.");
    assert!(world.review(&items[0]).await.resolved.is_none());
    let fields = [&fields[..], &[("confirmed", "1")]].concat();
    let answer = world.post("/t/salon/reviews", &fields).await;
    answer
        .is(200)
        .says("2 of 3 items resolved")
        .says("resolved it already");
    world.work().await;
    for (item, hour) in items.iter().zip([200, 203]) {
        let resolved = world.review(item).await.resolved.unwrap();
        assert_eq!(resolved.resolution, Resolution::TakeRemote);
        assert!(resolved.outcome.is_some());
        assert!(
            world
                .store
                .appointments(&world.salon)
                .iter()
                .any(|one| one.state.start == at(hour))
        );
    }
}

#[tokio::test]
async fn every_decision_can_be_made_of_many() {
    for word in [
        "take_remote",
        "force_local",
        "accept_difference",
        "retry",
        "dismiss",
        "rebook",
    ] {
        let world = World::new().await;
        // Another slot is no answer to a conflict.
        let items = match word {
            "rebook" => [taken(&world, "a-1").await, taken(&world, "a-2").await],
            _ => [
                world.conflict("a-1", 0).await,
                world.conflict("a-2", 3).await,
            ],
        };
        world
            .get("/t/salon/reviews")
            .await
            .says(&format!("<option value=\"{word}\">"));
        let ids = items.clone().map(|item| item.id.to_string());
        let fields = [
            ("item", ids[0].as_str()),
            ("item", ids[1].as_str()),
            ("resolution", word),
            ("confirmed", "1"),
        ];
        let answer = world.post("/t/salon/reviews", &fields).await;
        answer.is(200).says("2 of 2 items resolved");
        for item in &items {
            let resolved = world.review(item).await.resolved.unwrap();
            assert_eq!(resolved.resolution.as_str(), word);
        }
    }
}

#[tokio::test]
async fn an_item_is_resolved_once_and_only_as_it_can_be() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await;
    let id = item.id.to_string();
    let fields = |word| {
        [
            ("item", id.as_str()),
            ("resolution", word),
            ("confirmed", "1"),
        ]
    };
    world
        .post("/t/salon/reviews", &fields("settled"))
        .await
        .is(422);
    world
        .post("/t/salon/reviews", &fields("nonsense"))
        .await
        .is(422);
    world
        .post("/t/salon/reviews", &fields("dismiss"))
        .await
        .is(303);
    world
        .post("/t/salon/reviews", &fields("retry"))
        .await
        .is(409)
        .says("already");
    world
        .post("/t/salon/pause", &[("reason", "x")])
        .await
        .is(303);
    let open = world
        .engine
        .open_reviews(&world.salon, calcom::store::Page::first(9))
        .await;
    let mut open = open.unwrap().into_iter();
    let pause = open
        .find(|item| item.reason == ReviewReason::PausedByPerson)
        .unwrap();
    let shown = world.get(&format!("/t/salon/reviews/{}", pause.id)).await;
    shown.says("Resume").does_not_say("value=\"dismiss\"");
    let id = pause.id.to_string();
    let resume = [
        ("item", id.as_str()),
        ("resolution", "retry"),
        ("confirmed", "1"),
    ];
    world.post("/t/salon/reviews", &resume).await.is(303);
    let day = std::time::Duration::from_secs(86_400);
    assert!(
        !world
            .engine
            .overview(&world.salon, day)
            .await
            .unwrap()
            .counts
            .is_paused
    );
}
