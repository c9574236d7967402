//! The in-memory store, held to the promises of the ports.

use std::sync::Arc;

use calcom::client::{InMemoryIdempotencyStore, InMemoryTokenStore};
use calcom::store::InMemoryStore;
use calcom::testing::conformance::{AppointmentTable, RealTime};

calcom::store_conformance!(in_memory, |clock| InMemoryStore::with_clock(clock));
calcom::appointment_conformance!(in_memory_appointments, {
    let store = InMemoryStore::new();
    AppointmentTable::new(Arc::new(store.clone())).with_host_writes(Arc::new(store))
});
calcom::desk_conformance!(in_memory_desk, InMemoryStore::new());
calcom::service_conformance!(in_memory_services, InMemoryStore::new());
calcom::idempotency_conformance!(in_memory_keys, InMemoryIdempotencyStore::default());
calcom::token_conformance!(in_memory_tokens, InMemoryTokenStore::default(), time: RealTime);
