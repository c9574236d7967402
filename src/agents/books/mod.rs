//! Where the tools read and write appointments.
