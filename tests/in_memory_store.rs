//! The in-memory store, held to the promises of the ports.

use std::sync::Arc;

use calcom::store::InMemoryStore;
use calcom::testing::conformance::AppointmentTable;

calcom::store_conformance!(in_memory, |clock| InMemoryStore::with_clock(clock));
calcom::appointment_conformance!(in_memory_appointments, {
    let store = InMemoryStore::new();
    AppointmentTable::new(Arc::new(store.clone())).with_host_writes(Arc::new(store))
});
calcom::service_conformance!(in_memory_services, InMemoryStore::new());
