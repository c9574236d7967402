//! The agents' tools over a host's appointments, an engine and a fake Cal.com.

mod booking;
mod salon;
mod slots;
