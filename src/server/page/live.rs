//! Live updates: a stream for each open page, which sends the parts that have changed.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::answer;
use super::desk::Visit;
use super::fields::Fields;
use super::layout::{self, fingerprint};
use super::problem::Problem;
use super::routes::Page;

/// How often a page is looked at anew, unless that costs much.
const EVERY: Duration = Duration::from_secs(2);
/// The share of its time that a stream may spend on looking is one in this number.
const LOOKING_SHARE: u32 = 10;
/// How long a stream lasts. The browser opens the next one, which is let in anew.
const LASTS: Duration = Duration::from_secs(5 * 60);
/// How many streams there can be at once, unless set otherwise.
const MOST: usize = 64;

/// Limits the live updates of open pages, and ends them: keep a clone, and call
/// [`end`](Self::end) where your server shuts down gracefully, which would else wait for them.
///
/// ```
/// use calcom::server::LiveStreams;
///
/// let live = LiveStreams::at_most(200);
/// // Given to `OperationsConfig::with_live`, and when the server is to stop:
/// live.end();
/// ```
#[derive(Clone, Debug)]
pub struct LiveStreams {
    free: Arc<Semaphore>,
    ending: Arc<watch::Sender<bool>>,
}

impl Default for LiveStreams {
    fn default() -> Self {
        Self::at_most(MOST)
    }
}

impl LiveStreams {
    /// At most so many at once; a page beyond that is not updated until it is reloaded. Default: 64.
    pub fn at_most(streams: usize) -> Self {
        let most = streams.min(Semaphore::MAX_PERMITS);
        Self {
            free: Arc::new(Semaphore::new(most)),
            ending: Arc::new(watch::Sender::new(false)),
        }
    }

    /// Ends all streams, and lets no other begin.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }
}

/// One open page.
struct Open {
    visit: Visit,
    /// The fingerprints of what was sent.
    sent: HashMap<&'static str, String>,
    trouble: Option<Problem>,
    pause: Duration,
    until: Instant,
    ending: watch::Receiver<bool>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Serialize)]
struct Region {
    name: &'static str,
    hash: String,
    html: String,
}

/// The stream of a page, by the word and the id that its own address names.
pub(super) async fn stream(mut visit: Visit) -> Result<Response, Problem> {
    let page = visit.query.get("page").and_then(Page::of_live_word);
    visit.page = page.ok_or(Problem::NotFound)?;
    visit.id = visit.query.raw("of").unwrap_or_default().to_owned();
    visit.is_live = true;
    let live = &visit.desk.config.live;
    let permit = Arc::clone(&live.free).try_acquire_owned();
    let permit = permit.map_err(|_| Problem::TooManyStreams)?;
    let ending = live.ending.subscribe();
    if *ending.borrow() {
        return Err(Problem::TooManyStreams);
    }
    // What is not there is said at once.
    answer::view(&visit).await?;
    let open = Open {
        visit,
        sent: HashMap::new(),
        trouble: None,
        pause: Duration::ZERO,
        until: Instant::now() + LASTS,
        ending,
        _permit: permit,
    };
    let events = stream::unfold(open, |open| Box::pin(next(open)));
    let mut response = Sse::new(events)
        .keep_alive(KeepAlive::default())
        .into_response();
    // Or a proxy would hold the events back.
    let name = HeaderName::from_static("x-accel-buffering");
    let unbuffered = HeaderValue::from_static("no");
    response.headers_mut().insert(name, unbuffered);
    Ok(response)
}

/// The next event; `None` at the end of the stream.
async fn next(mut open: Open) -> Option<(Result<Event, Infallible>, Open)> {
    loop {
        let wait = tokio::time::sleep(open.pause);
        tokio::select! {
            () = wait => {}
            _ = async { open.ending.wait_for(|is_ending| *is_ending).await.is_ok() } => return None,
        }
        if Instant::now() >= open.until {
            return None;
        }
        let event = open.look().await;
        match event {
            Some(event) => return Some((Ok(event), open)),
            None if open.trouble == Some(Problem::NotFound) => return None,
            None => {}
        }
    }
}

impl Open {
    /// Makes the page anew, and tells what has changed.
    async fn look(&mut self) -> Option<Event> {
        let began = Instant::now();
        self.visit.now = self.visit.desk.now();
        let view = answer::view(&self.visit).await;
        let badge = layout::badge(&self.visit).await;
        self.pause = EVERY.max(LOOKING_SHARE * began.elapsed());
        let view = match view {
            Ok(view) => view,
            Err(problem) => {
                let is_new = self.trouble.as_ref() != Some(&problem);
                let (heading, text) = problem.words();
                let told = Event::default().event("trouble");
                let told = told.data(format!("{heading}: {text}"));
                self.trouble = Some(problem);
                return is_new.then_some(told);
            }
        };
        let was_in_trouble = self.trouble.take().is_some();
        let parts = view.parts.into_iter();
        let parts = parts.filter_map(|part| Some((part.live?.name, part.shown)));
        let mut regions = Vec::new();
        for (name, shown) in parts.chain([("badge", badge)]) {
            let hash = fingerprint(&shown);
            if self.sent.get(name) != Some(&hash) {
                self.sent.insert(name, hash.clone());
                let html = shown.into_string();
                regions.push(Region { name, hash, html });
            }
        }
        if regions.is_empty() && !was_in_trouble {
            return None;
        }
        let told = serde_json::to_string(&regions).unwrap_or_else(|_| "[]".to_owned());
        Some(Event::default().event("regions").data(told))
    }
}

impl Fields {
    /// The field's value as it is.
    fn raw(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }
}
