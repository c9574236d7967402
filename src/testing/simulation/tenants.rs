//! The tenants of a history, and what they have at Cal.com.

use crate::model::{EventTypeId, Frequency, NewWebhook, Trigger, UserId};
use crate::store::{Field, TenantId};
use crate::sync::{ConflictPolicy, Inexpressible, SyncPolicy};
use crate::testing::{FakeCalcom, FakeEventType};
use secrecy::SecretString;

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
    pub(super) policy: SyncPolicy,
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
    /// Two seats.
    pub(super) course: EventTypeId,
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
            course: add(new("course").with_seats(2)),
        }
    }

    pub(super) fn all(&self) -> [EventTypeId; 6] {
        [
            self.plain,
            self.lengths,
            self.weekly,
            self.confirms,
            self.limited,
            self.course,
        ]
    }

    /// One of them, most often the plain one.
    pub(super) fn some(&self, chance: &Chance) -> EventTypeId {
        let others = [
            self.lengths,
            self.weekly,
            self.confirms,
            self.limited,
            self.course,
        ];
        match chance.percent(50) {
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

pub(super) fn customers(fake: &FakeCalcom, plan: &Plan, chance: &Chance) -> [Customer; 2] {
    let policy = || {
        let policy = SyncPolicy::new(match chance.number(0..10) {
            0 => ConflictPolicy::RemoteWins,
            1 => ConflictPolicy::LocalWins,
            2 => ConflictPolicy::NewestWins,
            _ => ConflictPolicy::Review,
        });
        let others = [Inexpressible::Review, Inexpressible::Rebook];
        let policy = policy.with_inexpressible(Field::Email, chance.one_of(&others));
        let others = [Inexpressible::Rebook, Inexpressible::Accept];
        policy.with_inexpressible(Field::Length, chance.one_of(&others))
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
        subscribe(fake, customer, plan);
    }
    [salon, studio]
}

/// The webhook of a user tells of all that the user has.
fn subscribe(fake: &FakeCalcom, customer: &Customer, plan: &Plan) {
    let mut triggers = NewWebhook::booking_triggers();
    // Self-hosted servers neither know it nor change locations.
    triggers.extend(plan.is_hosted().then_some(Trigger::BookingLocationUpdated));
    triggers.dedup();
    let url = format!("{NOWHERE}{}", customer.id);
    fake.subscribe_as(customer.host, url, customer.secret, triggers);
}
