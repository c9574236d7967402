//! The tenants of a history, and what they have at Cal.com.

use bytes::Bytes;
use crate::model::{EventTypeId, Frequency, NewWebhook, UserId};
use crate::store::TenantId;
use crate::sync::ConflictPolicy;
use crate::testing::{FakeCalcom, FakeEventType};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::chance::Chance;
use super::plan::Plan;
use super::post::NOWHERE;

/// One customer of the host.
pub(super) struct Customer {
    pub(super) id: TenantId,
    pub(super) secret: &'static str,
    pub(super) key: SecretString,
    pub(super) types: Types,
    pub(super) host: UserId,
    /// Who can hold an appointment, as the host sees it.
    pub(super) staff: [UserId; 2],
    pub(super) policy: ConflictPolicy,
}

/// What can be booked of a tenant.
#[derive(Clone, Copy)]
pub(super) struct Types {
    /// 30 minutes.
    pub(super) plain: EventTypeId,
    /// 30, 60 or 90.
    pub(super) lengths: EventTypeId,
    /// At Cal.com, three weeks in a row.
    pub(super) weekly: EventTypeId,
    /// Waits for a confirmation.
    pub(super) confirms: EventTypeId,
    /// Two a day.
    pub(super) limited: EventTypeId,
}

impl Types {
    fn add_to(fake: &FakeCalcom, name: &str, owner: UserId, blocks: bool) -> Self {
        let add = |event_type: FakeEventType| fake.add_event_type(event_type.with_owner(owner));
        let new = |what: &str| FakeEventType::new(format!("{name}-{what}"), 30);
        let confirms = if blocks {
            new("confirms").with_blocking_requests()
        } else {
            new("confirms").with_confirmation()
        };
        Self {
            plain: add(new("plain")),
            lengths: add(new("lengths").with_lengths([30, 60, 90])),
            weekly: add(new("weekly").with_recurrence(Frequency::Weekly, 1, 3)),
            confirms: add(confirms),
            limited: add(new("limited").with_daily_limit(2)),
        }
    }

    pub(super) fn all(&self) -> [EventTypeId; 5] {
        [
            self.plain,
            self.lengths,
            self.weekly,
            self.confirms,
            self.limited,
        ]
    }

    /// One of them, most often the plain one.
    pub(super) fn some(&self, chance: &Chance) -> EventTypeId {
        let others = [self.lengths, self.weekly, self.confirms, self.limited];
        match chance.percent(55) {
            true => self.plain,
            false => chance.one_of(&others),
        }
    }
}

impl Customer {
    pub(super) fn owns(&self, id: Option<EventTypeId>) -> bool {
        id.is_some_and(|id| self.types.all().contains(&id))
    }
}

pub(super) async fn customers(fake: &FakeCalcom, plan: &Plan, chance: &Chance) -> [Customer; 2] {
    let policy = || match chance.number(0..10) {
        0 => ConflictPolicy::RemoteWins,
        1 => ConflictPolicy::LocalWins,
        2 => ConflictPolicy::NewestWins,
        _ => ConflictPolicy::Review,
    };
    let hanna = fake.host_id();
    let petra = fake.add_user("petra").id;
    let salon = Customer {
        id: TenantId::new("salon"),
        secret: "whsec_of_the_salon",
        key: fake.api_key(),
        types: Types::add_to(fake, "salon", hanna, chance.percent(50)),
        host: hanna,
        staff: [hanna, petra],
        policy: policy(),
    };
    let (host, key) = if plan.one_user {
        (hanna, fake.api_key())
    } else {
        let stella = fake.add_user("stella");
        (stella.id, stella.api_key)
    };
    let studio = Customer {
        id: TenantId::new("studio"),
        secret: "whsec_of_the_studio",
        key,
        types: Types::add_to(fake, "studio", host, chance.percent(50)),
        host,
        staff: [host, petra],
        policy: policy(),
    };
    for customer in [&salon, &studio] {
        subscribe(fake, customer).await;
    }
    [salon, studio]
}

/// The webhook of a user tells of all that the user has.
async fn subscribe(fake: &FakeCalcom, customer: &Customer) {
    let body = json!({
        "active": true,
        "subscriberUrl": format!("{NOWHERE}{}", customer.id),
        "triggers": NewWebhook::booking_triggers(),
        "secret": customer.secret,
    });
    let request = http::Request::post("http://fake/v2/webhooks")
        .header("content-type", "application/json")
        .header(
            "authorization",
            format!("Bearer {}", customer.key.expose_secret()),
        )
        .body(Bytes::from(body.to_string()))
        .expect("the request is well-formed");
    let answer = fake.exchange(request).await;
    let answer = answer.expect("the fake answers");
    assert!(answer.status().is_success(), "{answer:?}");
}
