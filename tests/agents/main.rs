//! The agents' tools over a host's appointments, an engine and a fake Cal.com.

mod booking;
mod over_client;
mod phone_call;
mod salon;
mod slots;
mod utterances;
