//! Lists the bookings of the next seven days.
//!
//! `CALCOM_API_KEY=cal_… cargo run --example week`

#![allow(clippy::disallowed_methods, reason = "an example may ask the clock")]

use calcom::chrono::{TimeDelta, Utc};
use calcom::client::Client;
use calcom::model::BookingQuery;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = Client::from_env()?;
    let now = Utc::now();
    let week = BookingQuery::default()
        .with_after_start(now)
        .with_before_end(now + TimeDelta::days(7));
    let mut bookings = client.bookings().list_all(week);
    while let Some(booking) = bookings.next().await {
        let booking = booking?;
        println!("{}  {:9}  {}", booking.start, booking.status, booking.title);
    }
    Ok(())
}
