//! A caller, a receiver of webhooks, and the days on which everything happens.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use calcom::model::{NewAttendee, NewBooking, NewWebhook};
use calcom::testing::FakeCalcom;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio::time::Instant;

pub(crate) const SECRET: &str = "whsec_loopback_test";

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// The hour of a day long after all others.
pub(crate) fn hour(hour: i64) -> DateTime<Utc> {
    at("2099-12-07T00:00:00Z") + TimeDelta::hours(hour)
}

pub(crate) fn ann() -> NewAttendee {
    NewAttendee::new("Ann", "ann@example.com", "Europe/London".into())
}

pub(crate) fn booking_body(fake: &FakeCalcom, start: DateTime<Utc>) -> Value {
    serde_json::to_value(NewBooking::new(fake.event_type_id(), start, ann())).unwrap()
}

pub(crate) struct Api(reqwest::Client, pub(crate) FakeCalcom);

impl Api {
    pub(crate) fn new(fake: &FakeCalcom) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self(client, fake.clone())
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<(u16, Value)> {
        self.ask(true, method, path, body).await
    }

    /// As somebody who knows the uid and nothing else.
    pub(crate) async fn send_without_key(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<(u16, Value)> {
        self.ask(false, method, path, body).await
    }

    async fn ask(
        &self,
        key: bool,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<(u16, Value)> {
        let version = match path.split(['/', '?']).next() {
            Some("slots") => "2024-09-04",
            Some("event-types") => "2024-06-14",
            _ => "2024-08-13",
        };
        let mut request = self
            .0
            .request(
                method.parse().unwrap(),
                self.1.base_url().join(path).unwrap(),
            )
            .header("cal-api-version", version);
        if key {
            request = request.bearer_auth(self.1.api_key().expose_secret());
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        Ok((
            status,
            serde_json::from_str(&text).unwrap_or(Value::String(text)),
        ))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.send("GET", path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send("POST", path, Some(body)).await.unwrap()
    }

    pub(crate) async fn book(&self, start: DateTime<Utc>) -> (u16, Value) {
        self.post("bookings", &booking_body(&self.1, start)).await
    }
}

/// Sends a request with the first user's key in any version, without the network.
pub(crate) async fn exchange(
    fake: &FakeCalcom,
    method: &str,
    path: &str,
    version: Option<&str>,
    body: Option<&Value>,
) -> (http::Response<bytes::Bytes>, Value) {
    let key = format!("Bearer {}", fake.api_key().expose_secret());
    let mut request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", key)
        .header("content-type", "application/json");
    if let Some(version) = version {
        request = request.header("cal-api-version", version);
    }
    let body = body.map(Value::to_string).unwrap_or_default();
    let response = fake.exchange(request.body(body.into()).unwrap()).await;
    let response = response.unwrap();
    let answer = serde_json::from_slice(response.body()).unwrap_or_default();
    (response, answer)
}

pub(crate) type Got = (HeaderMap, Vec<u8>);

#[derive(Clone, Default)]
pub(crate) struct Receiver {
    pub(crate) got: Arc<Mutex<Vec<Got>>>,
    /// What is answered, the last one for ever; 200 if there is none.
    pub(crate) answers: Arc<Mutex<Vec<u16>>>,
}

impl Receiver {
    pub(crate) async fn start(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .route("/hook", axum::routing::post(Self::take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    pub(crate) async fn take(
        State(this): State<Self>,
        headers: HeaderMap,
        body: axum::body::Bytes,
    ) -> StatusCode {
        this.got.lock().unwrap().push((headers, body.to_vec()));
        let mut answers = this.answers.lock().unwrap();
        let answer = if answers.len() > 1 {
            answers.remove(0)
        } else {
            answers.first().copied().unwrap_or(200)
        };
        StatusCode::from_u16(answer).unwrap()
    }

    pub(crate) fn bodies(&self) -> Vec<Value> {
        let got = self.got.lock().unwrap();
        got.iter()
            .map(|(_, body)| serde_json::from_slice(body).unwrap())
            .collect()
    }

    pub(crate) fn triggers(&self) -> Vec<String> {
        let name = |body: &Value| body["triggerEvent"].as_str().unwrap().to_owned();
        self.bodies().iter().map(name).collect()
    }
}

pub(crate) async fn with_receiver(fake: &FakeCalcom) -> Receiver {
    let receiver = Receiver::default();
    fake.subscribe(
        receiver.start().await,
        SECRET,
        NewWebhook::booking_triggers(),
    );
    receiver
}

pub(crate) async fn eventually(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "it never happened"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
