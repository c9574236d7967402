//! Who may see and do what.

use calcom::server::{Access, OPERATIONS_ROUTES, Operator, Role};
use calcom::sync::Operations;
use http::Method;

use crate::world::{HANNA, SALLY, VERA, World, form, routes_of};

/// Fields that all forms together need, so that a form is not refused before it is looked at.
fn any_form(item: &str) -> String {
    form(&[
        ("id", "a-1"),
        ("action", "cancel"),
        ("item", item),
        ("resolution", "dismiss"),
        ("mode", "repair"),
        ("from", "2026-12-01"),
        ("until", "2027-01-01"),
        ("confirmed", "1"),
    ])
}

/// The one that counts most: a tenant that is not the operator's is like one that does not exist, at
/// every address.
#[tokio::test]
async fn another_tenant_is_like_one_that_does_not_exist() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await.id.to_string();
    for token in [SALLY, VERA] {
        for id in ["a-1", item.as_str()] {
            // `not-there` is named for sally, and is in no directory.
            let theirs = routes_of("studio", id);
            let none = routes_of("no-such-tenant", id);
            let named = routes_of("not-there", id);
            assert!(theirs.len() > 15);
            for (((method, theirs), (_, none)), (_, named)) in theirs.iter().zip(&none).zip(&named)
            {
                let send = async |path: &str| {
                    let fields = [("accept", "text/html")];
                    let sent = world.send(method, path, Some(token), any_form(&item), &fields);
                    sent.await
                };
                let refused = send(theirs).await;
                refused.is(404).does_not_say("studio");
                for other in [send(none).await, send(named).await] {
                    assert_eq!(other.status, refused.status, "{method} {theirs}");
                    assert_eq!(other.body, refused.body, "{method} {theirs}");
                    assert_eq!(other.headers, refused.headers, "{method} {theirs}");
                }
            }
        }
    }
    // Nothing was done.
    assert!(
        world
            .review(&world.conflict("a-2", 3).await)
            .await
            .resolved
            .is_none()
    );
    let studio = "studio".into();
    let actions = world.engine.actions(&studio, calcom::store::Page::first(9));
    assert!(actions.await.unwrap().is_empty());
    assert!(
        !world
            .engine
            .overview(&studio, std::time::Duration::ZERO)
            .await
            .unwrap()
            .counts
            .is_paused
    );
}

/// The same items under another tenant's name: ids of one tenant open nothing under another.
#[tokio::test]
async fn ids_of_one_tenant_lead_nowhere_under_another() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await;
    for path in [
        "/t/studio/appointments/a-1".to_owned(),
        format!("/t/studio/reviews/{}", item.id),
        format!("/t/studio/live?page=review&of={}", item.id),
        "/t/studio/live?page=appointment&of=a-1".to_owned(),
    ] {
        world.get(&path).await.is(404);
    }
    let id = item.id.to_string();
    let fields = [
        ("item", id.as_str()),
        ("resolution", "dismiss"),
        ("confirmed", "1"),
    ];
    world.post("/t/studio/reviews", &fields).await.is(404);
    assert!(world.review(&item).await.resolved.is_none());
}

#[tokio::test]
async fn a_viewer_sees_everything_and_changes_nothing() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await;
    let id = item.id.to_string();
    for (method, path) in routes_of("salon", "a-1") {
        let path = path.replace("/reviews/a-1", &format!("/reviews/{id}"));
        let path = path.replace("/live", "/live?page=overview");
        let answer = world
            .send(method, &path, Some(VERA), any_form(&id), &[])
            .await;
        let expected = if method == "POST" { 403 } else { 200 };
        answer.is(expected);
        if method == "GET" {
            // Nothing is offered that would be refused. Filters are no changes.
            answer.does_not_say("method=\"post\" action=\"/t/");
            answer.does_not_say("type=\"checkbox\"");
        }
    }
    assert!(world.review(&item).await.resolved.is_none());
    assert!(world.actions().await.is_empty());
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await;
    let id = item.id.to_string();
    let foreign: [&[(&str, &str)]; 4] = [
        &[("sec-fetch-site", "cross-site")],
        &[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://ops.example.com"),
        ],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ];
    let posts = OPERATIONS_ROUTES
        .iter()
        .filter(|route| route.method == "POST");
    for route in posts {
        let path = route
            .path
            .replace("{tenant}", "salon")
            .replace("{code}", "x");
        for fields in foreign {
            let sent = world.send("POST", &path, Some(HANNA), any_form(&id), fields);
            sent.await.is(403).says("another site");
        }
    }
    assert!(world.review(&item).await.resolved.is_none());
    assert!(world.actions().await.is_empty());
    // The page's own is not.
    let own = [
        ("sec-fetch-site", "same-origin"),
        ("origin", "https://ops.example.com"),
    ];
    let sent = world.send("POST", "/t/salon/pause", Some(HANNA), String::new(), &own);
    sent.await.is(303);
}

#[tokio::test]
async fn nothing_is_shown_to_who_is_not_signed_in() {
    let source = "x-source".parse().unwrap();
    let world = World::with(|config| config.with_source_header(source)).await;
    world.conflict("a-1", 0).await;
    for (method, path) in routes_of("salon", "a-1")
        .into_iter()
        .chain([("GET", "/".to_owned())])
    {
        for token in [None, Some("a-token-that-is-not-known"), Some("")] {
            // Failed attempts are counted by source.
            let source = [("x-source", path.as_str())];
            let sent = world.send(method, &path, token, String::new(), &source);
            let answer = sent.await;
            answer.is(401).does_not_say("salon");
            assert_eq!(answer.headers["www-authenticate"], "Bearer");
        }
    }
}

#[tokio::test]
async fn a_host_signs_its_operators_in_by_its_own_middleware() {
    let mut world = World::with(|mut config| {
        config.access = Access::by_middleware();
        config
    })
    .await;
    world.get("/t/salon").await.is(401);
    world.get("/login").await.is(404);
    let page = world.page.clone();
    let layer = axum::middleware::from_fn(
        async |mut request: axum::extract::Request, next: axum::middleware::Next| {
            let vera = Operator::new("vera of the host", Role::Viewer).for_tenants(["salon"]);
            request.extensions_mut().insert(vera);
            next.run(request).await
        },
    );
    world.page = page.layer(layer);
    let shown = world.get("/t/salon").await;
    shown
        .is(200)
        .says("vera of the host")
        .does_not_say("Sign out");
    world.get("/t/studio").await.is(404);
    world.post("/t/salon/pause", &[]).await.is(403);
}

#[tokio::test]
async fn every_answer_has_all_the_headers_that_protect_it() {
    let world = World::new().await;
    let item = world.conflict("a-1", 0).await.id.to_string();
    let mut requests: Vec<(&str, String, Option<&str>)> = Vec::new();
    for route in OPERATIONS_ROUTES {
        let path = route
            .path
            .replace("{tenant}", "salon")
            .replace("{code}", "x");
        let path = path.replace("{version}/{file}", "x/page.css");
        let path = path.replace("/reviews/{id}", &format!("/reviews/{item}"));
        let path = path.replace("{id}", "a-1");
        for token in [Some(HANNA), Some(VERA), None] {
            requests.push((route.method, path.clone(), token));
        }
    }
    for (method, path) in [
        ("GET", "/nowhere"),
        ("DELETE", "/t/salon"),
        ("GET", "/assets/x/none"),
    ] {
        requests.push((method, path.to_owned(), Some(HANNA)));
    }
    for (method, path, token) in requests {
        let secure = [("x-forwarded-proto", "https")];
        let answer = world
            .send(method, &path, token, String::new(), &secure)
            .await;
        let has = |name: &str, value: &str| {
            let found = answer.headers.get(name);
            assert_eq!(
                found.map(|found| found.to_str().unwrap()),
                Some(value),
                "{method} {path}: {name}"
            );
        };
        has(
            "content-security-policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        );
        has("x-content-type-options", "nosniff");
        has("referrer-policy", "same-origin");
        has("x-frame-options", "DENY");
        has("cross-origin-opener-policy", "same-origin");
        has("cross-origin-resource-policy", "same-origin");
        has("strict-transport-security", "max-age=31536000");
        has("x-robots-tag", "noindex, nofollow");
        assert!(answer.headers.contains_key("permissions-policy"), "{path}");
        if !path.starts_with("/assets/") {
            has("cache-control", "no-store");
        }
        if method != Method::GET.as_str() {
            assert!(!answer.body.contains("Ann Attendee") || token.is_some());
        }
    }
    let plain = world.send("GET", "/login", None, String::new(), &[]).await;
    assert!(!plain.headers.contains_key("strict-transport-security"));
}
