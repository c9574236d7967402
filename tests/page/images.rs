//! The pictures of the README, with a day of a salon that nobody has. They are written to `target/page` and, when one of them is to
//! change, copied to `docs/images` by hand.

use std::sync::Arc;
use std::time::Duration;

use calcom::store::{Origin, Person};
use calcom::testing::ManualClock;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::browser::{Browser, Look};
use crate::host::{Host, OPERATOR};

/// The morning before a Tuesday in December.
const MORNING: &str = "2026-12-07T10:10:00Z";
const HOURS: usize = 23;

/// How many appointments are made by phone and booked at Cal.com, in each hour.
const DAY: [(usize, usize); HOURS] = [
    (4, 3),
    (5, 2),
    (2, 2),
    (3, 4),
    (6, 3),
    (5, 3),
    (4, 4),
    (2, 5),
    (0, 6),
    (0, 4),
    (0, 3),
    (0, 1),
    (0, 0),
    (0, 1),
    (0, 0),
    (0, 0),
    (0, 0),
    (0, 1),
    (0, 2),
    (1, 4),
    (4, 3),
    (6, 4),
    (3, 2),
];

const NAMES: [&str; 12] = [
    "Ada Marsh",
    "Ben Okafor",
    "Clara Stein",
    "Deniz Aydin",
    "Elif Kaya",
    "Finn Larsen",
    "Greta Vogel",
    "Hugo Martin",
    "Ines Costa",
    "Jonas Weber",
    "Kira Novak",
    "Liam Byrne",
];

fn attendee(number: usize) -> Person {
    let name = NAMES[number % NAMES.len()];
    let address = name.to_lowercase().replace(' ', ".");
    Person::new(name, format!("{address}@example.com"), "Europe/Berlin")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: scripts/test-page"]
async fn the_pictures_of_the_readme_are_drawn() {
    let morning: DateTime<Utc> = MORNING.parse().unwrap();
    let clock = ManualClock::at(morning);
    let host = Host::start_at(Arc::new(clock.clone())).await;
    let monday: DateTime<Utc> = "2026-12-14T08:00:00Z".parse().unwrap();
    // Eight half hours on each day of a week but its last two.
    let slot = |number: usize| {
        let (day, place) = (number / 8, number % 8);
        let day = i64::try_from(day / 5 * 7 + day % 5).unwrap();
        let place = i64::try_from(place).unwrap();
        monday + TimeDelta::days(day) + TimeDelta::minutes(60 * place)
    };
    let mut number = 0;
    for (by_phone, booked) in DAY {
        let mut ids = Vec::new();
        for _ in 0..by_phone {
            let id = format!("a-{}", 1_201 + number);
            let origin = match number % 3 {
                0 => Origin::Admin,
                _ => Origin::Phone,
            };
            ids.push(host.make(&id, slot(number), attendee(number), origin).await);
            number += 1;
        }
        for _ in 0..booked {
            host.book(slot(number), &attendee(number)).await;
            number += 1;
        }
        for id in &ids {
            host.is_in_sync(id).await;
        }
        host.is_idle().await;
        clock.advance(Duration::from_secs(60 * 60));
    }
    let taken = slot(number);
    host.taken_slot("a-1901", taken).await;
    let next = slot(8 * (number / 8 + 1));
    let free = |hour| next + TimeDelta::hours(hour);
    clock.advance(Duration::from_secs(7 * 60));
    let (_, conflict) = host.conflict("a-1902", free(0), free(5), free(2)).await;
    host.is_idle().await;
    clock.advance(Duration::from_secs(9 * 60));

    let browser = Browser::start(&host.url()).await;
    let hidden = json!({"hidden": true});
    browser.cdp("Emulation.setScrollbarsHidden", hidden).await;
    browser.look(Look::DESK).await;
    browser.sign_in(OPERATOR).await;
    browser.open("t/salon").await;
    browser.sees("2 need a person").await;
    browser.sees_anywhere("Live").await;
    browser.picture_of_window("readme-overview").await;
    let taller = Look {
        height: 1_120,
        ..Look::DESK.dark()
    };
    browser.look(taller).await;
    browser
        .open(&format!("t/salon/reviews/{}", conflict.id))
        .await;
    browser.sees_anywhere("Live").await;
    browser.picture_of_window("readme-review").await;
    browser.close(&[]).await;
}
