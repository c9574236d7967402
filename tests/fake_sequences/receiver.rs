//! A subscriber that looks at the booking before it answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use calcom::model::NewWebhook;
use calcom::testing::FakeCalcom;
use serde_json::Value;

/// What every HTTP client sends.
const TRANSPORT: [&str; 6] = [
    "host",
    "content-length",
    "accept",
    "connection",
    "user-agent",
    "accept-encoding",
];

#[derive(Clone)]
pub(crate) struct Arrived {
    pub(crate) before_the_answer: bool,
    pub(crate) status_at_arrival: Option<String>,
    pub(crate) headers: Vec<String>,
    pub(crate) body: Value,
}

#[derive(Clone)]
pub(crate) struct Receiver {
    fake: FakeCalcom,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

impl Receiver {
    pub(crate) async fn start(fake: &FakeCalcom) -> Self {
        let this = Self {
            fake: fake.clone(),
            arrived: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .route("/hook", axum::routing::post(Self::receive))
            .with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake.subscribe(url, "whsec_loopback_test", NewWebhook::booking_triggers());
        this
    }

    async fn receive(
        State(this): State<Self>,
        headers: HeaderMap,
        body: axum::body::Bytes,
    ) -> StatusCode {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let mut headers: Vec<String> = headers
            .keys()
            .map(|name| name.as_str().to_owned())
            .filter(|name| !TRANSPORT.contains(&name.as_str()))
            .collect();
        headers.sort();
        let uid = body["payload"]["uid"].as_str().unwrap_or_default();
        let request = http::Request::get(format!("/v2/bookings/{uid}"))
            .header("cal-api-version", "2024-08-13")
            .body(bytes::Bytes::new())
            .unwrap();
        let read = this.fake.exchange(request).await.unwrap();
        let read: Value = serde_json::from_slice(read.body()).unwrap();
        let status = read["data"]["status"].as_str().map(ToOwned::to_owned);
        this.arrived.lock().unwrap().push(Arrived {
            before_the_answer: true,
            status_at_arrival: status,
            headers,
            body,
        });
        StatusCode::OK
    }

    /// Everything that came since the last time, called once the answer is there: whatever comes from now on comes after it.
    pub(crate) async fn take_after_answer(&self, expected: usize) -> Vec<Arrived> {
        let mut all = std::mem::take(&mut *self.arrived.lock().unwrap());
        for _ in 0..20 {
            if all.len() >= expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            let late = std::mem::take(&mut *self.arrived.lock().unwrap());
            all.extend(late.into_iter().map(|arrived| Arrived {
                before_the_answer: false,
                ..arrived
            }));
        }
        all
    }
}
