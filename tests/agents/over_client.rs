//! The tools over Cal.com alone.

use std::sync::Arc;

use calcom::agents::{Caller, Outcome, Tool, Tools};
use calcom::client::Client;
use calcom::store::TenantId;
use calcom::sync::{Locale, Tenant};
use calcom::testing::{FakeCalcom, FakeEventType, ManualClock};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::salon::{ANN, BEN, calling, id_of, kind, shown, utc};

struct Online {
    fake: FakeCalcom,
    tools: Tools,
    tenant: TenantId,
}

impl Online {
    async fn open() -> Self {
        let clock = ManualClock::at(utc("2026-12-01T08:00:00Z"));
        let haircut = FakeEventType::new("haircut", 30).with_title("Haircut");
        let builder = FakeCalcom::builder().clock(clock.shared());
        let fake = builder.event_type(haircut).start().await.unwrap();
        let client = Client::builder(fake.api_key()).base_url(fake.base_url().as_str());
        let client = client.build().unwrap();
        let tenant = TenantId::new("online");
        let online = Tenant::new(tenant.clone(), Arc::new(client.clone()))
            .with_event_type(fake.event_type_id())
            .with_phone_only_domain("phone.example")
            .with_locale(Locale::new("Europe/Berlin".into(), "en").with_region("DE"));
        let tools = Tools::over_client(client, online)
            .clock(clock.shared())
            .build();
        Self {
            fake,
            tools,
            tenant,
        }
    }

    async fn call(&self, caller: &Caller, tool: Tool, arguments: Value) -> calcom::agents::Answer {
        self.tools.call(&self.tenant, caller, tool, arguments).await
    }
}

/// The key alone tells that it is the same request: there is no phone number.
#[tokio::test]
async fn a_booking_that_is_repeated_books_once() {
    let online = Online::open().await;
    let program = Caller::program();
    let arguments = json!({
        "service": "haircut", "when": "2026-12-03T10:00", "name": "Ann", "email": "ann@example.com",
    });
    let once = || online.call(&program, Tool::BookAppointment, arguments.clone());
    let mut answers = join_all((0..5).map(|_| once())).await;
    answers.push(once().await);
    for answer in &answers {
        assert_eq!(kind(answer), "booked", "{}", shown(answer));
        assert_eq!(id_of(answer), id_of(&answers[0]));
    }
    assert_eq!(online.fake.live_bookings().len(), 1);
    let other = json!({
        "service": "haircut", "when": "2026-12-03T10:00", "name": "Ben", "email": "ben@example.com",
    });
    let taken = online.call(&program, Tool::BookAppointment, other).await;
    assert!(
        matches!(&taken.result, Outcome::Taken { alternatives, .. } if !alternatives.is_empty()),
        "{}",
        shown(&taken)
    );
}

#[tokio::test]
async fn a_caller_moves_and_cancels_what_is_theirs() {
    let online = Online::open().await;
    let ann = calling("call-1", ANN);
    let arguments = json!({"service": "haircut", "when": "2026-12-03T10:00", "name": "Ann"});
    let booked = online.call(&ann, Tool::BookAppointment, arguments).await;
    let id = id_of(&booked);
    let ben = calling("call-2", BEN);
    let refused = json!({"appointment": id.clone()});
    let refused = online.call(&ben, Tool::CancelAppointment, refused).await;
    assert_eq!(kind(&refused), "refused", "{}", shown(&refused));
    for _ in 0..2 {
        // By its old name, too.
        let moved = json!({"appointment": id.clone(), "when": "2026-12-04T14:00"});
        let moved = online.call(&ann, Tool::MoveAppointment, moved).await;
        assert_eq!(kind(&moved), "moved", "{}", shown(&moved));
    }
    let found = online.call(&ann, Tool::FindAppointments, json!({})).await;
    assert!(
        matches!(&found.result, Outcome::Appointments { appointments, .. } if appointments.len() == 1),
        "{}",
        shown(&found)
    );
    for _ in 0..2 {
        let cancelled = online.call(&ann, Tool::CancelAppointment, json!({})).await;
        assert_eq!(kind(&cancelled), "cancelled", "{}", shown(&cancelled));
    }
    assert!(online.fake.live_bookings().is_empty());
}
