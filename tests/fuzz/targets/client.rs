//! Whole calls of the client, whose every request is given the same response.

use std::sync::Arc;
use std::time::Duration;

use calcom::async_trait;
use calcom::bytes::Bytes;
use calcom::chrono::DateTime;
use calcom::client::{Client, Error, HttpError, HttpService};
use calcom::http::{Method, Request, Response};
use calcom::model::{
    BookingQuery, BookingUid, CancelParams, EventTypeId, EventTypeQuery, NewAttendee, NewBooking,
    SlotQuery,
};
use calcom::testing::{ManualClock, SeededEntropy};
use serde_json::Value;

use super::response::{read, write};
use super::{Input, Output, told};

/// The API key, which nothing may repeat.
const KEY: &str = "cal_live_3f9a27c1d0b84e65";
/// As configured below.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(30);
/// How many calls an input can choose from.
pub const CALLS: u8 = 8;

/// Gives every request the same response, after a while.
#[derive(Debug)]
struct Canned {
    response: Response<Bytes>,
    delay: Duration,
}

#[async_trait]
impl HttpService for Canned {
    async fn send(&self, request: Request<Bytes>, _: usize) -> Result<Response<Bytes>, HttpError> {
        let key = &request.headers()["authorization"];
        assert!(key.is_sensitive(), "the key would be shown");
        tokio::time::sleep(self.delay).await;
        Ok(self.response.clone())
    }
}

/// An input of the target.
pub fn input(call: u8, status: u16, headers: &[(u8, &[u8])], body: &[u8]) -> Vec<u8> {
    write(Output::default().byte(call), status, headers).rest(body)
}

/// Makes the same call twice, so that the second one feels what the first one was told.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let byte = input.byte();
    let (call, seconds) = (byte % CALLS, byte / CALLS);
    let delay = Duration::from_secs(seconds.into());
    let response = read(&mut input);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let now = DateTime::from_timestamp(1_790_000_000, 0).expect("an instant");
        let client = Client::builder(KEY)
            .http_service(Canned { response, delay })
            .clock(ManualClock::at(now).shared())
            .entropy(Arc::new(SeededEntropy::new(7)))
            .total_timeout(TOTAL_TIMEOUT)
            .build()
            .expect("a client");
        for _ in 0..2 {
            if let Err(error) = make(&client, call).await {
                assert!(!told(&error).contains(KEY), "the key is shown");
            }
        }
    });
}

/// Waits for one call, which its total timeout ends at the latest.
async fn timed<T>(call: impl Future<Output = T>) -> T {
    let begun = tokio::time::Instant::now();
    let result = call.await;
    let took = begun.elapsed();
    let longest = TOTAL_TIMEOUT + Duration::from_secs(1);
    assert!(took <= longest, "a call took {took:?}");
    result
}

async fn make(client: &Client, call: u8) -> Result<(), Error> {
    let instant = |seconds| DateTime::from_timestamp(seconds, 0).expect("an instant");
    let (from, to) = (instant(1_790_000_000), instant(1_790_600_000));
    let uid = BookingUid::new("2KaGrCYVDJHfPsDEoWvmnL");
    match call {
        0 => timed(client.me().get()).await.map(drop),
        1 => {
            let page = timed(client.bookings().list(&BookingQuery::default())).await?;
            let _ = format!("{page:?}");
            Ok(())
        }
        2 => {
            let mut all = client.bookings().list_all(BookingQuery::default());
            // A server that says that there is always more is not asked for ever.
            for _ in 0..300 {
                match timed(all.next()).await {
                    Some(item) => drop(item?),
                    None => break,
                }
            }
            Ok(())
        }
        3 => timed(client.bookings().get(&uid)).await.map(drop),
        4 => {
            let attendee = NewAttendee::new("Ann", "ann@example.com", "Europe/Berlin".into());
            let wanted = NewBooking::new(EventTypeId::new(7), from, attendee);
            timed(client.bookings().create(&wanted)).await.map(drop)
        }
        5 => {
            let reason = CancelParams::default();
            timed(client.bookings().cancel(&uid, &reason))
                .await
                .map(drop)
        }
        6 => {
            let query = SlotQuery::new(EventTypeId::new(7), from, to);
            timed(client.slots().list(&query)).await?;
            let types = EventTypeQuery::of_user("hanna");
            timed(client.event_types().list(&types)).await.map(drop)
        }
        _ => {
            let request = client.request(Method::DELETE, ["webhooks", "7"]);
            timed(request.send::<Value>()).await?;
            timed(client.webhooks().list(&Default::default()))
                .await
                .map(drop)
        }
    }
}
