//! A walk through a long list holds one page at a time.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::path::Path;
use std::sync::Arc;

use calcom::client::Client;
use calcom::model::BookingQuery;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const BOOKINGS: u32 = 100_000;
const PAGE: u32 = 250;
const MAX_GROWTH_KIB: u64 = 20 * 1024;

/// One page of the list, as it stands on the wire; only whether there are more differs from page to page.
fn page(has_next_page: bool) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/exchanges");
    let exchange = std::fs::read(path.join("066-booking-create.json")).unwrap();
    let exchange: Value = serde_json::from_slice(&exchange).unwrap();
    let data = vec![exchange["response"]["body"]["data"].clone(); PAGE as usize];
    let pagination = json!({"totalItems": BOOKINGS, "hasNextPage": has_next_page});
    let body = json!({"status": "success", "data": data, "pagination": pagination}).to_string();
    let length = body.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}");
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// Serves the list, on one connection after the other.
async fn serve(listener: TcpListener) {
    let (more, last) = (Arc::new(page(true)), Arc::new(page(false)));
    let last_skip = format!("skip={}", BOOKINGS - PAGE);
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = Vec::new();
        while stream
            .read_buf(&mut request)
            .await
            .is_ok_and(|read| read > 0)
        {
            if !request.ends_with(b"\r\n\r\n") {
                continue;
            }
            let text = String::from_utf8_lossy(&request);
            let query = text.split_whitespace().nth(1).unwrap();
            let is_last = query.split(['?', '&']).any(|pair| pair == last_skip);
            let answer = if is_last { &last } else { &more };
            stream.write_all(answer).await.unwrap();
            request.clear();
        }
    }
}

/// What a process takes or took up, from `/proc/self/status`, in KiB; `None` where there is no such file.
fn status_kib(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

// The peak is the process's, so nothing else may run in this binary.
#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc/self/status")]
async fn a_hundred_thousand_bookings_take_up_no_more_than_a_few_pages() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v2", listener.local_addr().unwrap());
    let server = tokio::spawn(serve(listener));
    let client = Client::builder("cal_test")
        .base_url(&base)
        .rate(None)
        .build()
        .unwrap();

    // The connection, the buffers and the first page are there with any list.
    let bookings = client.bookings();
    bookings
        .list(&BookingQuery::default().with_take(PAGE))
        .await
        .unwrap();
    let before = status_kib("VmRSS:").expect("Linux tells it");
    let walked = bookings
        .list_all(BookingQuery::default())
        .try_fold(0_u32, |seen, _| std::future::ready(Ok(seen + 1)))
        .await
        .unwrap();
    let after = status_kib("VmHWM:").expect("Linux tells it");
    server.abort();
    assert_eq!(walked, BOOKINGS);
    let growth = after.saturating_sub(before);
    assert!(growth < MAX_GROWTH_KIB, "{before} KiB, then {after} KiB");
}
