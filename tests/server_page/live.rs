//! Live updates.

use std::time::Duration;

use axum::body::Body;
use futures_util::StreamExt;
use http::Request;
use serde_json::Value;
use tower::ServiceExt;

use crate::world::{HANNA, World, at};

struct Stream {
    body: axum::body::BodyDataStream,
    text: String,
}

impl Stream {
    async fn open(world: &World, path: &str) -> Self {
        let request = Request::get(path).header("authorization", format!("Bearer {HANNA}"));
        let request = request.body(Body::empty()).unwrap();
        let response = world.page.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            body: response.into_body().into_data_stream(),
            text: String::new(),
        }
    }

    /// The next event: its name and its data; `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, String)> {
        let patience = Duration::from_secs(20);
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = event.lines();
                    let mut lines = lines.filter_map(|line| line.strip_prefix(name));
                    lines.next().map(|value| value.trim().to_owned())
                };
                let found = field("event:").zip(field("data:"));
                self.text = rest.to_owned();
                if found.is_some() {
                    return found;
                }
                continue;
            }
            let chunk = tokio::time::timeout(patience, self.body.next()).await;
            let chunk = chunk.expect("nothing comes")?.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// The regions of the next event, by name.
    async fn regions(&mut self) -> Vec<(String, String)> {
        let (event, data) = self.next().await.unwrap();
        assert_eq!(event, "regions");
        let regions: Vec<Value> = serde_json::from_str(&data).unwrap();
        let text = |region: &Value, name: &str| region[name].as_str().unwrap().to_owned();
        let regions = regions.iter();
        regions
            .map(|one| (text(one, "name"), text(one, "html")))
            .collect()
    }
}

#[tokio::test]
async fn a_page_hears_of_what_has_changed_and_of_nothing_else() {
    let world = World::new().await;
    let page = world.get("/t/salon/activity").await;
    page.says("data-live-url=\"/t/salon/live?page=activity&amp;of=\"");
    page.says("data-live=\"list\"").says("data-live=\"badge\"");
    let mut stream = Stream::open(&world, "/t/salon/live?page=activity&of=").await;
    let first = stream.regions().await;
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["list", "badge"]);
    // What the page shows already has the same fingerprint.
    page.says(&first[0].1);
    world.make("a-1", "Grace Hopper", at(0)).await;
    let changed = stream.regions().await;
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert!(changed[0].0 == "list" && changed[0].1.contains("Grace Hopper"));
}

#[tokio::test]
async fn an_item_hears_of_its_outcome() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await;
    let path = format!("/t/salon/live?page=review&of={}", item.id);
    let mut stream = Stream::open(&world, &path).await;
    let first = stream.regions().await;
    let outcome = |regions: &[(String, String)]| {
        let found = regions.iter().find(|(name, _)| name == "outcome");
        found.map(|(_, html)| html.clone()).unwrap_or_default()
    };
    assert!(outcome(&first).contains("Open"));
    let id = item.id.to_string();
    let fields = [
        ("item", id.as_str()),
        ("resolution", "take_remote"),
        ("confirmed", "1"),
    ];
    world.post("/t/salon/reviews", &fields).await.is(303);
    let decided = stream.regions().await;
    assert!(
        outcome(&decided).contains("Being carried out"),
        "{decided:?}"
    );
    world.work().await;
    let ended = stream.regions().await;
    assert!(outcome(&ended).contains("Resolved"), "{ended:?}");
}

#[tokio::test]
async fn streams_are_bounded_and_end_when_the_server_does() {
    let world = World::new().await;
    let path = "/t/salon/live?page=overview";
    let mut streams = [
        Stream::open(&world, path).await,
        Stream::open(&world, path).await,
    ];
    let third = world.get(path).await;
    third.is(503).says("too many places");
    assert_eq!(third.headers["retry-after"], "60");
    drop(streams);
    streams = [
        Stream::open(&world, path).await,
        Stream::open(&world, path).await,
    ];
    for stream in &mut streams {
        stream.regions().await;
    }
    world.live.end();
    for stream in &mut streams {
        assert_eq!(stream.next().await, None);
    }
    world.get(path).await.is(503);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_five_minutes() {
    let world = World::new().await;
    let mut stream = Stream::open(&world, "/t/studio/live?page=reviews").await;
    stream.regions().await;
    let began = tokio::time::Instant::now();
    let mut last = None;
    while let Ok(next) = tokio::time::timeout(Duration::from_secs(400), stream.body.next()).await {
        last = Some(began.elapsed());
        if next.is_none() || began.elapsed() > Duration::from_secs(600) {
            break;
        }
    }
    let last = last.unwrap().as_secs();
    assert!((295..=305).contains(&last), "{last}");
}
