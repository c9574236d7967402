//! Books the next free slot, or the one given, and names alternatives if it is taken.
//!
//! `CALCOM_API_KEY=cal_… CALCOM_EVENT_TYPE_ID=42 cargo run --example book [START]`
#![allow(clippy::disallowed_methods, reason = "an example may ask the clock")]

use calcom::chrono::{TimeDelta, Utc};
use calcom::client::{AlternativesParams, Client, ErrorKind};
use calcom::model::{EventTypeId, NewAttendee, NewBooking, SlotQuery};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    let event_type: EventTypeId = std::env::var("CALCOM_EVENT_TYPE_ID")?.parse()?;
    let query = SlotQuery::new(event_type, Utc::now(), Utc::now() + TimeDelta::days(14));
    let mut free = client.slots().list(&query).await?.into_values().flatten();
    let start = match std::env::args().nth(1) {
        Some(start) => start.parse()?,
        None => free.next().ok_or("nothing is free")?.start,
    };
    let ann = NewAttendee::new("Ann Attendee", "ann@example.com", "Europe/Berlin".into());
    let wanted = NewBooking::new(event_type, start, ann);
    match client.bookings().create(&wanted).await {
        Ok(booked) => println!("booked {:?}", booked.first().map(|booking| booking.start)),
        Err(error) if error.kind() == ErrorKind::SlotUnavailable => {
            let (near, availability) = (AlternativesParams::default(), client.availability());
            for near in availability
                .alternatives(event_type, start, &near)
                .await?
                .value
            {
                println!("taken, but free: {}", near.slot.start);
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
