//! The in-memory store, held to the promises of the ports.

use calcom::store::InMemoryStore;

calcom::store_conformance!(in_memory, InMemoryStore::new());
calcom::appointment_conformance!(in_memory_appointments, InMemoryStore::new());
