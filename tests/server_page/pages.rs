//! What each page shows.

use std::time::Duration;

use calcom::store::{AppointmentRepository, AppointmentWrite, Origin, StoreErrorKind};
use calcom::testing::{StoreFault, StoreTrouble};

use crate::world::{HARD, SALLY, World, at, routes_of};

#[tokio::test]
async fn each_page_shows_what_it_is_for() {
    let world = World::new().await;
    world.make("a-9", "Grace Hopper", at(5)).await;
    let item = world.conflict("a-1", 0).await;
    let overview = world.get("/t/salon").await;
    overview
        .is(200)
        .says("1 needs a person")
        .says("Both sides changed");
    overview
        .says("Activity, last 24 hours")
        .says("Change: written to Cal.com.")
        .says("Pause the sync");
    overview.says("Circuit breaker");
    let activity = world.get("/t/salon/activity").await;
    activity
        .is(200)
        .says("Grace Hopper")
        .says("Needs a person")
        .says("In sync")
        .says("Phone");
    activity
        .says("15:00 CET")
        .says("rel=\"noopener noreferrer\"");
    activity.says("href=\"https://app.cal.com/booking/");
    let appointment = world.get("/t/salon/appointments/a-1").await;
    appointment
        .is(200)
        .says("Booked at Cal.com as")
        .says("BOOKING_RESCHEDULED");
    appointment
        .says("<mark>")
        .says("differs:")
        .says("Sent to review");
    let queue = world.get("/t/salon/reviews").await;
    queue
        .is(200)
        .says("Both sides changed")
        .says("a-1")
        .says("Open");
    let review = world.get(&format!("/t/salon/reviews/{}", item.id)).await;
    review
        .is(200)
        .says("When both last agreed")
        .says("<mark>")
        .says("differs:");
    review
        .says("Take Cal.com")
        .says("Changes the appointment to what Cal.com has.");
    world
        .get("/t/salon/drift")
        .await
        .is(200)
        .says("Check and repair")
        .says("brake");
    let services = world.get("/t/salon/services").await;
    services
        .is(200)
        .says("The event type has no service.")
        .says("Sync services");
    let webhook = world.get("/t/salon/webhook").await;
    webhook
        .is(200)
        .says("Send a test")
        .says("only newer servers know");
    world
        .get("/t/salon/actions")
        .await
        .is(200)
        .says("Nobody has done anything");
    world
        .get("/t/studio/services")
        .await
        .is(200)
        .says("No services are kept in sync");
    world
        .get("/t/studio/webhook")
        .await
        .is(200)
        .says("No webhook address is set up");
    let home = world.get("/").await;
    home.is(200)
        .says("href=\"/t/salon\"")
        .says("href=\"/t/a%2Fb%3Fc%23d%25\"");
    // Where there is nothing to choose, nobody is asked.
    let home = world
        .send("GET", "/", Some(SALLY), String::new(), &[])
        .await;
    assert_eq!(home.is(303).location(), "/t/salon");
}

#[tokio::test]
async fn the_verdict_is_the_first_thing_to_know() {
    let world = World::new().await;
    world.get("/t/salon").await.says("In sync");
    world.make("a-1", "Ann", at(0)).await;
    world.get("/t/salon").await.says("Working");
    world.clock.advance(Duration::from_secs(300));
    world.get("/t/salon").await.says("Behind").says("5 min");
    world.work().await;
    world.get("/t/salon").await.says("In sync");
    world
        .post("/t/salon/pause", &[("reason", "maintenance")])
        .await
        .is(303);
    let paused = world.get("/t/salon?told=paused").await;
    paused
        .says(">Paused<")
        .says("Resume the sync")
        .says("The sync is paused.");
    // Only what the page says itself is said.
    world
        .get("/t/salon?told=You%20are%20hacked")
        .await
        .does_not_say("<p>You are hacked");
}

#[tokio::test]
async fn filters_and_pages_of_a_list() {
    let world = World::new().await;
    for number in 0..45 {
        let name = format!("Guest {number}");
        world.make(&format!("a-{number}"), &name, at(number)).await;
    }
    world.conflict("b-1", 60).await;
    let found = world.get("/t/salon/activity?state=in_review").await;
    found.is(200).says("b-1").does_not_say("Guest 7<");
    let found = world.get("/t/salon/activity?origin=calcom").await;
    found
        .is(200)
        .says("Nothing was found")
        .does_not_say("Guest 7<");
    let found = world.get("/t/salon/activity?q=gUEST+7").await;
    found
        .is(200)
        .says("Guest 7")
        .does_not_say("Guest 8<")
        .says("value=\"gUEST 7\"");
    let first = world.get("/t/salon/activity").await;
    let next = first.body.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let second = world.get(&next).await;
    second.is(200).says("Back to the first page");
    let seen = |body: &str, number: u32| body.contains(&format!(">Guest {number}<"));
    for number in 0..45 {
        assert!(
            seen(&first.body, number) || seen(&second.body, number),
            "{number}"
        );
    }
    let old = world.get("/t/salon/reviews?age=hour").await;
    old.is(200).does_not_say("b-1");
    world.clock.advance(Duration::from_secs(3601));
    world.get("/t/salon/reviews?age=hour").await.says("b-1");
    world
        .get("/t/salon/reviews?reason=slot_taken")
        .await
        .does_not_say("b-1");
    world
        .get("/t/salon/reviews?show=resolved")
        .await
        .does_not_say("b-1");
    // What makes no sense is no filter.
    world
        .get("/t/salon/reviews?age=x&reason=%F0%9F%98%80&after=x&show=y")
        .await
        .is(200);
    world
        .get("/t/salon/activity?state=x&after=x&origin=%00")
        .await
        .is(200);
}

#[tokio::test]
async fn what_comes_from_outside_is_shown_as_text() {
    let world = World::new().await;
    let long = "L".repeat(10_000);
    for (id, name) in [
        ("a/b?c#d%", "<script>alert(1)</script>"),
        ("..", "\u{202e}gnp.exe\u{2066}"),
        ("~x", "\"><img src=x onerror=alert(1)>"),
        ("<b>&amp;\"'", "👩\u{200d}🔬 Zoë"),
        ("long", long.as_str()),
    ] {
        world.make(id, name, at(0)).await;
    }
    let list = world.get("/t/salon/activity").await;
    list.is(200)
        .does_not_say("<script>alert")
        .does_not_say("<img")
        .does_not_say("<b>");
    list.says("&lt;script&gt;alert(1)&lt;/script&gt;")
        .says("👩\u{200d}🔬 Zoë");
    list.does_not_say("\u{202e}")
        .does_not_say("\u{2066}")
        .does_not_say(&"L".repeat(400));
    // Each link leads to its own.
    let links: Vec<String> = list
        .body
        .split("<td class=\"main\" data-label=\"Attendee\"><a href=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().replace("&amp;", "&"))
        .collect();
    assert_eq!(links.len(), 5, "{links:?}");
    for link in &links {
        let parsed = url::Url::parse("http://ops.example.com/")
            .unwrap()
            .join(link)
            .unwrap();
        assert_eq!(parsed.path(), link, "a browser goes elsewhere");
        let shown = world.get(link).await;
        shown
            .is(200)
            .says("History")
            .does_not_say("<script>alert")
            .does_not_say("<img");
    }
    let query = "%3Cscript%3Ealert(1)%3C/script%3E";
    for path in [
        "activity?q=",
        "activity?origin=",
        "reviews?reason=",
        "drift?x=",
        "actions?after=",
    ] {
        let shown = world.get(&format!("/t/salon/{path}{query}")).await;
        shown.is(200).does_not_say("<script>alert");
    }
}

#[tokio::test]
async fn a_tenants_name_may_be_hard_to_put_into_a_path() {
    let world = World::new().await;
    let path = "a%2Fb%3Fc%23d%25";
    for (method, path) in routes_of(path, "x") {
        let is_one = path.ends_with("/appointments/x") || path.ends_with("/reviews/x");
        if method == "GET" && !is_one && !path.ends_with("/live") {
            let shown = world.get(&path).await;
            shown
                .is(200)
                .says("/t/a%2Fb%3Fc%23d%25/activity")
                .says(HARD);
        }
    }
    world.post(&format!("/t/{path}/pause"), &[]).await.is(303);
    world.get("/t/%FF").await.is(404);
}

#[tokio::test]
async fn what_is_not_there_says_so_in_the_same_layout() {
    let world = World::new().await;
    for path in [
        "/nowhere",
        "/t/salon/appointments/none",
        "/t/salon/reviews/99",
        "/t/salon/reviews/x",
        "/t/salon/nowhere",
        "/t/salon/live?page=services",
    ] {
        world
            .get(path)
            .await
            .is(404)
            .says("<h1>Not found</h1>")
            .says("page.css");
    }
    let wrong = world.send(
        "DELETE",
        "/t/salon",
        Some(crate::world::HANNA),
        String::new(),
        &[],
    );
    wrong.await.is(405).says("page.css");
    let large = "x".repeat(300_000);
    world
        .post("/t/salon/pause", &[("reason", &large)])
        .await
        .is(422);
}

#[tokio::test]
async fn a_store_that_fails_is_said_and_nothing_panics() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await.id.to_string();
    let trouble = StoreTrouble::Fails(StoreErrorKind::Unavailable);
    world.faulty.inject(StoreFault::anywhere(trouble).always());
    for (method, path) in routes_of("salon", "a-1") {
        if path.ends_with("/live") || path.contains("/drift") || path.contains("/webhook/") {
            continue;
        }
        // Branches and staff are the directory's.
        if path.ends_with("/places") {
            continue;
        }
        let path = path.replace("/reviews/a-1", &format!("/reviews/{item}"));
        let fields = [
            ("id", "a-1"),
            ("action", "resync"),
            ("item", &item),
            ("resolution", "retry"),
        ];
        let form = crate::world::form(&fields);
        let answer = world
            .send(method, &path, Some(crate::world::HANNA), form, &[])
            .await;
        answer
            .is(503)
            .says("store does not answer")
            .says("page.css");
    }
}

#[tokio::test]
async fn the_script_and_the_style_sheet_can_be_kept_for_good() {
    let world = World::new().await;
    let page = world.send("GET", "/login", None, String::new(), &[]).await;
    for file in ["page.css", "page.js", "icon.svg"] {
        let start = page.body.find("/assets/").unwrap();
        let version = &page.body[start..start + "/assets/0123456789abcdef/".len()];
        let path = format!("{version}{file}");
        page.says(&path);
        let kept = world.send("GET", &path, None, String::new(), &[]).await;
        assert_eq!(
            kept.is(200).headers["cache-control"],
            "public, max-age=31536000, immutable"
        );
        let tag = kept.headers["etag"].to_str().unwrap().to_owned();
        let known = [("if-none-match", tag.as_str())];
        let again = world.send("GET", &path, None, String::new(), &known).await;
        assert!(again.is(304).body.is_empty());
        let old = format!("/assets/0000000000000000/{file}");
        let old = world.send("GET", &old, None, String::new(), &[]).await;
        assert_eq!(old.is(200).headers["cache-control"], "no-cache");
    }
}

/// Whoever decides sees names where Cal.com has numbers.
#[tokio::test]
async fn branches_and_staff_are_shown_by_name() {
    let world = World::new().await;
    let (event_type, host) = (world.fake.event_type_id(), world.fake.host_id());
    let page = world.get("/t/salon/places").await;
    page.is(200)
        .says("Salon &lt;Mitte&gt;")
        .does_not_say("<Mitte>");
    page.says("Mon-Fri 09:00-18:00")
        .says("Europe/Berlin")
        .says("+4930123456")
        .says("Linienstr. 1")
        .says("Hanna Weber");
    page.says(&format!(">{event_type}<"))
        .says(&format!(">{host}<"));
    // It has a tab of its own, where there is something under it.
    page.says("href=\"/t/salon/places\"");
    let none = world.get("/t/studio/places").await;
    none.is(200).says("names no branches and no staff");
    let overview = world.get("/t/studio").await;
    overview.is(200).does_not_say("/t/studio/places");

    let id = world.make("a-1", "Ada Lovelace", at(0)).await;
    let known = world.store.get(&world.salon, &id).await.unwrap().unwrap();
    let state = known.state.with_host(host);
    let write = AppointmentWrite::new(state, Origin::Admin, at(0));
    let updated = world.store.update(&world.salon, &id, known.revision, write);
    updated.await.unwrap();
    let appointment = world.get("/t/salon/appointments/a-1").await;
    appointment.is(200).says("Salon &lt;Mitte&gt;");
    appointment
        .says("Hanna Weber")
        .says(&format!("User {host}"));
    let services = world.get("/t/salon/services").await;
    services.is(200).says("Salon &lt;Mitte&gt;");
}
