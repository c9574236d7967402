//! Appointments in the host's own table, without an adapter.

mod appointments;
mod columns;
mod desk;
mod parts;
mod row;
mod statements;
mod table;

pub use appointments::PostgresAppointments;
pub use table::HostTable;
