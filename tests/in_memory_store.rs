//! The in-memory store, held to the promises of the ports.

use calcom::store::InMemoryStore;

calcom::store_conformance!(in_memory, |clock| InMemoryStore::with_clock(clock));
calcom::appointment_conformance!(in_memory_appointments, InMemoryStore::new());
calcom::service_conformance!(in_memory_services, InMemoryStore::new());
