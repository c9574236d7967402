//! A fake that is set up like the recorded server.

use std::time::Duration;

use calcom::model::Frequency;
use calcom::testing::{FakeAccount, FakeCalcom, FakeEventType, FakeUser, ManualClock};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::mapping::Mapping;

/// The recorded server: two users, six event types. The number 1 belonged to an event type that was deleted.
pub(crate) struct Server {
    pub(crate) fake: FakeCalcom,
    other: FakeUser,
}

fn link(name: &str) -> Vec<serde_json::Value> {
    vec![
        json!({"type": "link", "link": format!("https://meet.example.test/{name}"), "public": true}),
    ]
}

impl Server {
    pub(crate) async fn start(clock: &ManualClock) -> Self {
        let account = |name: &str, full: &str, zone: &str| {
            FakeAccount::new(name)
                .with_name(full)
                .with_email(format!("{name}@example.test"))
                .with_time_zone(zone)
                .with_hours(9..17)
        };
        let fake = FakeCalcom::builder()
            .clock(clock.shared())
            .processing_time(Duration::ZERO)
            .cancellation_lag(Duration::from_millis(1))
            .host(account("host", "Host Example", "Europe/Berlin"))
            .event_type(
                FakeEventType::new("intro-30", 30)
                    .with_id(2)
                    .with_title("Intro 30")
                    .with_locations(link("intro")),
            )
            .start()
            .await
            .unwrap();
        let other = fake.add_user(account("other", "Other Example", "America/New_York"));
        for event_type in [
            FakeEventType::new("long-60", 60)
                .with_title("Long 60")
                .with_locations([json!({"type": "address", "address": "Teststrasse 1, 10115 Berlin", "public": true})]),
            FakeEventType::new("confirm-30", 30)
                .with_title("Confirm 30")
                .with_blocking_requests()
                .with_locations(link("confirm")),
            FakeEventType::new("seats-30", 30)
                .with_title("Seats 30")
                .with_seats(3)
                .with_locations(link("seats")),
            FakeEventType::new("weekly-30", 30)
                .with_title("Weekly 30")
                .with_recurrence(Frequency::Weekly, 1, 4)
                .with_locations(link("weekly")),
            FakeEventType::new("other-30", 30)
                .with_title("Other 30")
                .with_owner(other.id)
                .with_locations(link("other")),
        ] {
            fake.add_event_type(event_type);
        }
        Self { fake, other }
    }

    /// The users and event types that were there before the first request have the same numbers in both.
    pub(crate) fn keep_numbers(&self, mapping: &mut Mapping) {
        for id in 1..=2 {
            mapping.keep("user", id);
            mapping.keep("schedule", id);
        }
        for id in 2..=7 {
            mapping.keep("event type", id);
        }
    }

    /// The header of somebody whom the recording names.
    pub(crate) fn authorization(&self, caller: Option<&str>) -> Option<String> {
        let host = self.fake.api_key();
        let key = match caller? {
            "host" => host.expose_secret(),
            "other" => self.other.api_key.expose_secret(),
            // A key without the prefix that makes it one.
            "noprefix" => host.expose_secret().trim_start_matches("cal_"),
            _ => "cal_nobody",
        };
        Some(format!("Bearer {key}"))
    }
}
