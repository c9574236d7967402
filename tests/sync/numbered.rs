//! A host whose ids are numbers, which it sorts as numbers.

use std::sync::Arc;
use std::time::Duration;

use crate::harness::{World, at, client, config};
use async_trait::async_trait;
use calcom::store::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentStatus, AppointmentWrite,
    ChainKey, InMemoryStore, Origin, Revision, StoreError, TenantId, Window,
};
use calcom::sync::{Engine, StaticTenants, SyncEngine, Tenant};
use chrono::{DateTime, Utc};

/// A table apart from the books, in which 9 comes before 10.
#[derive(Debug)]
struct Numbered(InMemoryStore);

fn number(id: &AppointmentId) -> u64 {
    id.as_str().parse().unwrap()
}

#[async_trait]
impl AppointmentRepository for Numbered {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        self.0.get(tenant, id).await
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.0.create_for_booking(tenant, chain, write).await
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.0.update(tenant, id, expected, write).await
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let mut found = self.0.scan(tenant, window, None, u32::MAX).await?;
        let position = |one: &Appointment| (one.state.start, number(&one.id));
        found.sort_by_key(position);
        let after = after.map(|(start, id)| (start, number(&id)));
        found.retain(|one| after.is_none_or(|after| position(one) > after));
        found.truncate(limit as usize);
        Ok(found)
    }
}

/// More appointments begin at once than a page holds, and in the order of their numbers the last
/// one of a page is not the last one of it as a text.
#[tokio::test]
async fn a_sweep_goes_through_equal_starts_in_the_hosts_order() {
    let world = World::new().await;
    let table = InMemoryStore::new();
    for n in 1..=250 {
        let mut state = world.state(at(n / 200));
        state.status = AppointmentStatus::Cancelled;
        let write = AppointmentWrite::new(state, Origin::Admin, at(-2000));
        let id = AppointmentId::new(n.to_string());
        table.create_appointment(&world.tenant, &id, write).unwrap();
    }
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_event_type(world.fake.event_type_id());
    let books = Arc::new(world.store.clone());
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Engine::builder(books, Arc::new(Numbered(table)), tenants)
        .config(config())
        .clock(world.clock.shared())
        .build();
    let swept = engine.sweep(&world.tenant, Duration::ZERO).await;
    let report = swept.unwrap().expect("nobody else sweeps");
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.appointments_read, 250);
}
