//! Tenants as the engine sees them: credentials, secrets, and what belongs to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::Serialize;

use super::branch::{Branch, StaffMember};
use super::calendar::Calendar;
use super::defaults::BookingDefaults;
use super::locale::Locale;
use super::places::{PlaceFlaw, Places};
use super::policy::{ConflictPolicy, SyncPolicy};
use super::services::TenantServices;
use super::subscription::Subscriptions;
use crate::model::{Booking, EventTypeId, PhoneNumber, UserId};
use crate::store::{AppointmentState, Person, StoreError, TenantId};
use crate::webhook::{Sender, Verifier};

/// One customer of the host. `Debug` shows no secret.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub(super) id: TenantId,
    pub(super) calendar: Arc<dyn Calendar>,
    pub(super) webhook_secrets: Vec<SecretString>,
    pub(super) event_types: BTreeSet<EventTypeId>,
    pub(super) hosts: BTreeSet<UserId>,
    pub(super) policy: SyncPolicy,
    pub(super) services: Option<TenantServices>,
    /// Where the tenant's webhook subscription is kept, and the URL that it goes to.
    pub(super) subscription: Option<(Arc<dyn Subscriptions>, String)>,
    /// Services that several members of staff offer, each with an event type of their own.
    staff: Vec<BTreeMap<UserId, EventTypeId>>,
    locale: Locale,
    branches: Vec<Branch>,
    members: Vec<StaffMember>,
    /// Whoever else may deliver webhooks for the tenant.
    senders: Vec<Arc<dyn Verifier>>,
    defaults: BTreeMap<EventTypeId, BookingDefaults>,
    /// The domain of the addresses that stand for attendees who are known by phone only.
    phone_only_domain: Option<String>,
}

impl Tenant {
    /// A tenant that reaches Cal.com through `calendar`, usually a client with the tenant's own
    /// key.
    ///
    /// Nothing belongs to a tenant until it is named: its event types or hosts, and its webhook
    /// secrets. Only the tenant's event types are ever booked.
    pub fn new(id: TenantId, calendar: Arc<dyn Calendar>) -> Self {
        Self {
            id,
            calendar,
            webhook_secrets: Vec::new(),
            event_types: BTreeSet::new(),
            hosts: BTreeSet::new(),
            policy: SyncPolicy::default(),
            services: None,
            subscription: None,
            staff: Vec::new(),
            locale: Locale::default(),
            branches: Vec::new(),
            members: Vec::new(),
            senders: Vec::new(),
            defaults: BTreeMap::new(),
            phone_only_domain: None,
        }
    }

    /// Adds a secret that signs the tenant's webhooks. During rotation, two are active.
    #[must_use]
    pub fn with_webhook_secret(mut self, secret: impl Into<SecretString>) -> Self {
        self.webhook_secrets.push(secret.into());
        self
    }

    /// Adds an event type of the tenant.
    #[must_use]
    pub fn with_event_type(mut self, id: EventTypeId) -> Self {
        self.event_types.insert(id);
        self
    }

    /// Adds a Cal.com user whose bookings belong to the tenant, unless a tenant names their event
    /// types. Where the tenant names event types itself, its hosts distinguish its users' other
    /// bookings from a stranger's.
    #[must_use]
    pub fn with_host(mut self, id: UserId) -> Self {
        self.hosts.insert(id);
        self
    }

    /// Names the tenant's webhook subscription by the URL that it goes to, so that it can be
    /// [checked](super::SyncEngine::check_subscription). A client is where subscriptions are kept.
    #[must_use]
    pub fn with_subscription(
        mut self,
        kept_in: Arc<dyn Subscriptions>,
        url: impl Into<String>,
    ) -> Self {
        self.subscription = Some((kept_in, url.into()));
        self
    }

    /// Adds a service that several members of staff offer, each with an event type of their own. They
    /// become event types and hosts of the tenant.
    ///
    /// An appointment for one of these event types that is given to another of these members of staff
    /// is [rebooked](super::Inexpressible::Rebook) on theirs, whichever of the event types the host
    /// application names.
    #[must_use]
    pub fn with_staff(mut self, service: impl IntoIterator<Item = (UserId, EventTypeId)>) -> Self {
        let service: BTreeMap<UserId, EventTypeId> = service.into_iter().collect();
        self.hosts.extend(service.keys().copied());
        self.event_types.extend(service.values().copied());
        self.staff.push(service);
        self
    }

    /// Sets its time zone, language and country.
    #[must_use]
    pub fn with_locale(mut self, locale: Locale) -> Self {
        self.locale = locale;
        self
    }

    /// Adds a branch. Its event types become the tenant's.
    #[must_use]
    pub fn with_branch(mut self, branch: Branch) -> Self {
        self.event_types.extend(branch.event_types.iter().copied());
        self.branches.push(branch);
        self
    }

    /// Adds a member of staff. Their event types become the tenant's, and their user one of its hosts.
    ///
    /// Where several members of staff offer the same service, each with an event type of their own, also
    /// say [`with_staff`](Self::with_staff).
    #[must_use]
    pub fn with_staff_member(mut self, member: StaffMember) -> Self {
        self.event_types.extend(member.event_types.iter().copied());
        self.hosts.extend(member.user);
        self.members.push(member);
        self
    }

    /// Adds somebody else who may deliver webhooks for the tenant, with the secrets for it. One for
    /// each sender: a later one takes the place of an earlier one.
    #[must_use]
    pub fn with_sender(mut self, verifier: Arc<dyn Verifier>) -> Self {
        let sender = verifier.sender();
        self.senders.retain(|known| known.sender() != sender);
        self.senders.push(verifier);
        self
    }

    /// Its time zone, language and country.
    pub fn locale(&self) -> &Locale {
        &self.locale
    }

    /// Its services, if they are kept in sync.
    pub fn services(&self) -> Option<&TenantServices> {
        self.services.as_ref()
    }

    /// Its calendar.
    pub fn calendar(&self) -> &Arc<dyn Calendar> {
        &self.calendar
    }

    /// Its branches.
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The branch that is called under a number.
    pub fn branch_of_number(&self, number: &PhoneNumber) -> Option<&Branch> {
        let mut branches = self.branches.iter();
        branches.find(|branch| branch.phone_numbers.contains(number))
    }

    /// Its staff.
    pub fn staff_members(&self) -> &[StaffMember] {
        &self.members
    }

    /// Whoever else may deliver webhooks for it.
    pub fn senders(&self) -> &[Arc<dyn Verifier>] {
        &self.senders
    }

    /// What verifies the deliveries of a sender.
    pub fn sender(&self, sender: &Sender) -> Option<&Arc<dyn Verifier>> {
        let mut senders = self.senders.iter();
        senders.find(|known| known.sender() == *sender)
    }

    /// Whether somebody who is known by phone only can be booked on any of its event types.
    pub fn takes_phone_only(&self) -> bool {
        self.phone_only_domain.is_some()
    }

    /// Its event types.
    pub fn event_types(&self) -> impl Iterator<Item = EventTypeId> {
        self.event_types.iter().copied()
    }

    /// Its branches and staff.
    pub fn places(&self) -> Places {
        Places::new(self.branches.clone(), self.members.clone())
    }

    /// What is wrong with its branches and staff; nothing, if they are fine. The engine works whatever is
    /// wrong; whoever sets a tenant up looks.
    pub fn check(&self) -> Vec<PlaceFlaw> {
        self.places().check()
    }

    /// Its identifier.
    pub fn id(&self) -> &TenantId {
        &self.id
    }

    /// Sets what is sent with every new booking of an event type.
    #[must_use]
    pub fn with_booking_defaults(
        mut self,
        event_type: EventTypeId,
        defaults: BookingDefaults,
    ) -> Self {
        self.defaults.insert(event_type, defaults);
        self
    }

    /// Books attendees who are known by phone only under an address at this domain, made of the digits
    /// of the number: Cal.com requires one on most event types, and sends its e-mails there. The host
    /// never sees it.
    #[must_use]
    pub fn with_phone_only_domain(mut self, domain: impl Into<String>) -> Self {
        self.phone_only_domain = Some(domain.into());
        self
    }

    pub(super) fn defaults_of(&self, event_type: EventTypeId) -> Option<&BookingDefaults> {
        self.defaults.get(&event_type)
    }

    /// The host's state as it is booked: on the event type of the member of staff who holds it, and
    /// under an address that stands for the phone number of an attendee who has none.
    pub(crate) fn as_booked(&self, mut state: AppointmentState) -> AppointmentState {
        state.event_type = self.event_type_of(&state);
        if state.attendee.email.is_none() {
            state.attendee.email = self.stand_in(&state.attendee);
        }
        state
    }

    /// A state as the host keeps it, without an address that only stands for a phone number.
    pub(super) fn as_kept(&self, mut state: AppointmentState) -> AppointmentState {
        let domain = self.phone_only_domain.as_deref();
        let is_stand_in = |email: &String| {
            let at = email.rsplit_once('@').map(|(_, at)| at);
            at.is_some() && at == domain
        };
        state.attendee.email.take_if(|email| is_stand_in(email));
        state
    }

    fn stand_in(&self, attendee: &Person) -> Option<String> {
        let number = attendee.phone_number.as_deref()?;
        let domain = self.phone_only_domain.as_deref()?;
        let digits: String = number.chars().filter(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| format!("{digits}@{domain}"))
    }

    fn event_type_of(&self, state: &AppointmentState) -> EventTypeId {
        let of_host = state
            .host
            .map(|host| self.event_type_with(state.event_type, host));
        of_host.unwrap_or(state.event_type)
    }

    /// The event type on which a member of staff is booked for what is offered as another one: their own, if
    /// both belong to one [service](Self::with_staff).
    pub fn event_type_with(&self, event_type: EventTypeId, host: UserId) -> EventTypeId {
        let mut services = self.staff.iter();
        let service = services.find(|service| service.values().any(|id| *id == event_type));
        let of_host = service.and_then(|service| service.get(&host));
        of_host.copied().unwrap_or(event_type)
    }

    /// Sets which side wins when both have changed, whatever the field.
    #[must_use]
    pub fn with_conflict_policy(mut self, policy: ConflictPolicy) -> Self {
        self.policy.conflicts = policy;
        self
    }

    /// Sets the policies, field by field.
    #[must_use]
    pub fn with_policy(mut self, policy: SyncPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Keeps the tenant's services in sync with its event types.
    #[must_use]
    pub fn with_services(mut self, services: TenantServices) -> Self {
        self.services = Some(services);
        self
    }

    /// Whether a booking belongs to the tenant by its own definition: by event type if it names
    /// any, else by host. Naming event types narrows: where one host works for two tenants, each
    /// gets the bookings of its own event types.
    ///
    /// Cal.com lets anybody read a booking by uid, so a successful read proves nothing about
    /// ownership.
    pub fn owns(&self, booking: &Booking) -> bool {
        match booking.event_type_id() {
            Some(id) if !self.event_types.is_empty() => self.event_types.contains(&id),
            // Its event type was deleted, or any event type of the tenant's hosts is the tenant's.
            _ => self.hosts_one_of(booking),
        }
    }

    /// Whether one of the booking's hosts is the tenant's.
    pub(super) fn hosts_one_of(&self, booking: &Booking) -> bool {
        let mut hosts = booking.hosts.iter().filter_map(|host| host.id);
        hosts.any(|id| self.hosts.contains(&id))
    }
}

/// What is set up for a tenant, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TenantSetup {
    /// How many secrets may sign its webhooks; with none, every webhook is refused.
    pub webhook_secrets: usize,
    /// How many event types it names.
    pub event_types: usize,
    /// How many hosts it names. With neither event types nor hosts, no booking is the tenant's.
    pub hosts: usize,
    /// Whether it names its webhook subscription.
    pub has_subscription: bool,
    /// Whether its services are kept in sync.
    pub has_services: bool,
    /// How many branches it names.
    pub branches: usize,
    /// How many members of staff it names.
    pub staff: usize,
}

impl Tenant {
    /// What is set up, in numbers.
    pub fn setup(&self) -> TenantSetup {
        TenantSetup {
            webhook_secrets: self.webhook_secrets.len(),
            event_types: self.event_types.len(),
            hosts: self.hosts.len(),
            has_subscription: self.subscription.is_some(),
            has_services: self.services.is_some(),
            branches: self.branches.len(),
            staff: self.members.len(),
        }
    }
}

/// Looks up tenants for the engine. A host with tenants in a database implements it and decides how
/// long to cache them.
///
/// ```
/// use std::sync::Arc;
///
/// use async_trait::async_trait;
/// use calcom::model::EventTypeId;
/// use calcom::store::{StoreError, TenantId};
/// use calcom::sync::{Tenant, TenantDirectory};
///
/// /// One tenant, from the application's settings.
/// #[derive(Debug)]
/// struct Single(Arc<Tenant>, EventTypeId);
///
/// #[async_trait]
/// impl TenantDirectory for Single {
///     async fn tenants(
///         &self,
///         after: Option<&TenantId>,
///         limit: u32,
///     ) -> Result<Vec<TenantId>, StoreError> {
///         let all = [TenantId::new("salon")];
///         let rest = all.into_iter().filter(|id| after.is_none_or(|after| id > after));
///         Ok(rest.take(limit as usize).collect())
///     }
///
///     async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
///         Ok((*id == TenantId::new("salon")).then(|| Arc::clone(&self.0)))
///     }
///
///     async fn tenant_of_event_type(&self, id: EventTypeId) -> Result<Option<TenantId>, StoreError> {
///         Ok((id == self.1).then(|| TenantId::new("salon")))
///     }
/// }
/// # fn main() {}
/// ```
#[async_trait]
pub trait TenantDirectory: fmt::Debug + Send + Sync + 'static {
    /// One page of the tenants, in the order of their ids and strictly after `after`; an empty one
    /// at the end. Sweeps go by it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable). Until it is over, nothing is
    /// swept.
    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, StoreError>;

    /// One tenant; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) or
    /// [`Corrupt`](crate::store::StoreErrorKind::Corrupt). An error delays this tenant only.
    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError>;

    /// The tenant that names an event type; `None` if none does. A booking belongs to the tenant
    /// that names its event type, whoever hosts it.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable).
    async fn tenant_of_event_type(&self, id: EventTypeId) -> Result<Option<TenantId>, StoreError>;
}

/// A fixed set of tenants.
#[derive(Clone, Debug, Default)]
pub struct StaticTenants(HashMap<TenantId, Arc<Tenant>>);

impl StaticTenants {
    /// A directory of exactly these tenants.
    pub fn new(tenants: impl IntoIterator<Item = Tenant>) -> Self {
        let by_id = tenants.into_iter().map(|t| (t.id.clone(), Arc::new(t)));
        Self(by_id.collect())
    }
}

#[async_trait]
impl TenantDirectory for StaticTenants {
    async fn tenants(
        &self,
        after: Option<&TenantId>,
        limit: u32,
    ) -> Result<Vec<TenantId>, StoreError> {
        let ids = self.0.keys();
        let mut ids: Vec<_> = ids
            .filter(|id| after.is_none_or(|after| *id > after))
            .collect();
        ids.sort_unstable();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(ids.into_iter().take(limit).cloned().collect())
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Arc<Tenant>>, StoreError> {
        Ok(self.0.get(id).cloned())
    }

    async fn tenant_of_event_type(&self, id: EventTypeId) -> Result<Option<TenantId>, StoreError> {
        let mut tenants = self.0.values();
        let owner = tenants.find(|tenant| tenant.event_types.contains(&id));
        Ok(owner.map(|tenant| tenant.id.clone()))
    }
}
