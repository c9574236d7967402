//! The address that Cal.com sends webhooks to. It hands each to the process that lives at the time; where there is none, or it
//! dies over it, the webhook is lost, as Cal.com does not repeat it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use http::{HeaderMap, StatusCode};

#[derive(Clone, Debug)]
pub(crate) struct Doorman {
    /// The port of the process that lives; 0 if there is none.
    port: Arc<AtomicU16>,
    lost: Arc<AtomicU32>,
    client: reqwest::Client,
}

impl Doorman {
    /// Opens the door; returns its address, too.
    pub(crate) async fn start() -> (Self, String) {
        let doorman = Self {
            port: Arc::default(),
            lost: Arc::default(),
            client: reqwest::Client::builder()
                .pool_max_idle_per_host(0)
                .timeout(Duration::from_secs(5))
                .build()
                .unwrap(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let router = axum::Router::new()
            .fallback(deliver)
            .with_state(doorman.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (doorman, url)
    }

    pub(crate) fn lead_to(&self, port: u16) {
        self.port.store(port, Ordering::SeqCst);
    }

    pub(crate) fn lost(&self) -> u32 {
        self.lost.load(Ordering::SeqCst)
    }

    async fn hand_over(&self, headers: HeaderMap, body: Bytes) -> Option<StatusCode> {
        let port = self.port.load(Ordering::SeqCst);
        if port == 0 {
            return None;
        }
        let url = format!("http://127.0.0.1:{port}/webhooks/calcom/salon");
        let mut request = self.client.post(url).body(body);
        for (name, value) in &headers {
            if *name != http::header::HOST && *name != http::header::CONTENT_LENGTH {
                request = request.header(name, value);
            }
        }
        request.send().await.ok().map(|answer| answer.status())
    }
}

async fn deliver(State(doorman): State<Doorman>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let answer = doorman.hand_over(headers, body).await;
    if answer != Some(StatusCode::OK) {
        doorman.lost.fetch_add(1, Ordering::SeqCst);
    }
    answer.unwrap_or(StatusCode::NOT_FOUND)
}
