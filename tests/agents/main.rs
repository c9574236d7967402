//! The agents' tools over a host's appointments, an engine and a fake Cal.com.

mod booking;
mod phone_call;
mod salon;
mod slots;
mod utterances;
