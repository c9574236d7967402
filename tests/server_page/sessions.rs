//! Signing in and out.

use std::time::Duration;

use calcom::server::{Access, Role, Token};

use crate::world::{Answer, HANNA, SALLY, World, form};

async fn sign_in(world: &World, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
    world
        .send("POST", "/login", None, form(fields), headers)
        .await
}

fn cookie(answer: &Answer) -> String {
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn look(world: &World, path: &str, cookie: &str) -> Answer {
    world
        .send("GET", path, None, String::new(), &[("cookie", cookie)])
        .await
}

#[tokio::test]
async fn a_token_begins_a_session() {
    let world = World::new().await;
    let browser = [("accept", "text/html,application/xhtml+xml")];
    let sent = world
        .send(
            "GET",
            "/t/salon/reviews?age=day",
            None,
            String::new(),
            &browser,
        )
        .await;
    assert_eq!(
        sent.is(303).location(),
        "/login?next=%2Ft%2Fsalon%2Freviews%3Fage%3Dday"
    );
    let shown = world
        .send("GET", sent.location(), None, String::new(), &browser)
        .await;
    shown.is(200).says("/t/salon/reviews?age=day");

    let fields = [("token", SALLY), ("next", "/t/salon/reviews?age=day")];
    let answer = sign_in(&world, &fields, &[]).await;
    assert_eq!(answer.is(303).location(), "/t/salon/reviews?age=day");
    let whole = answer.headers["set-cookie"].to_str().unwrap();
    for attribute in [
        "; HttpOnly",
        "; SameSite=Strict",
        "; Path=/;",
        "; Max-Age=43200",
    ] {
        assert!(whole.contains(attribute), "{whole}");
    }
    assert!(
        !whole.contains("Secure") && !whole.contains(SALLY),
        "{whole}"
    );
    let cookie = cookie(&answer);
    look(&world, "/t/salon", &cookie)
        .await
        .is(200)
        .says("sally");
    look(&world, "/t/studio", &cookie).await.is(404);

    world.clock.advance(Duration::from_secs(12 * 60 * 60 - 1));
    look(&world, "/t/salon", &cookie).await.is(200);
    world.clock.advance(Duration::from_secs(1));
    look(&world, "/t/salon", &cookie).await.is(401);

    let over_https = sign_in(
        &world,
        &[("token", SALLY)],
        &[("x-forwarded-proto", "https")],
    )
    .await;
    let whole = over_https.headers["set-cookie"].to_str().unwrap();
    assert!(whole.ends_with("; Secure"), "{whole}");
    let out = world
        .send("POST", "/logout", None, String::new(), &[])
        .await;
    let whole = out.is(303).headers["set-cookie"].to_str().unwrap();
    assert!(
        whole.starts_with("calcom_operations=;") && whole.contains("Max-Age=0"),
        "{whole}"
    );
}

#[tokio::test]
async fn a_session_belongs_to_its_path_and_its_token() {
    let world = World::with(|config| config.with_base_path("/operations/").with_secure(true)).await;
    let answer = sign_in(&world, &[("token", SALLY)], &[]).await;
    assert_eq!(answer.is(303).location(), "/operations");
    let whole = answer.headers["set-cookie"].to_str().unwrap();
    assert!(
        whole.contains("; Path=/operations;") && whole.ends_with("; Secure"),
        "{whole}"
    );
    let cookie = cookie(&answer);
    look(&world, "/t/salon", &cookie)
        .await
        .is(200)
        .says("/operations/t/salon/activity");
    let elsewhere = World::new().await;
    look(&elsewhere, "/t/salon", &cookie).await.is(401);
    let replaced = World::with(|mut config| {
        let token = Token::new("sally", "another token of hers", Role::Operator);
        config.access = Access::tokens([token]);
        config.with_base_path("/operations")
    })
    .await;
    look(&replaced, "/t/salon", &cookie).await.is(401);
}

#[tokio::test]
async fn signing_in_leads_to_no_other_site() {
    let world = World::new().await;
    for next in [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "",
    ] {
        let answer = sign_in(&world, &[("token", HANNA), ("next", next)], &[]).await;
        assert_eq!(answer.is(303).location(), "/", "{next}");
    }
}

#[tokio::test]
async fn failed_attempts_are_limited_by_source() {
    let world = World::with(|config| config.with_source_header("x-source".parse().unwrap())).await;
    let from = |source| [("x-source", source)];
    for _ in 0..10 {
        let refused = sign_in(
            &world,
            &[("token", "not the token at all")],
            &from("10.0.0.1"),
        )
        .await;
        refused.is(401).says("not known");
        assert!(!refused.headers.contains_key("set-cookie"));
    }
    let limited = sign_in(&world, &[("token", HANNA)], &from("10.0.0.1")).await;
    limited.is(429);
    assert_eq!(limited.headers["retry-after"], "60");
    let bearer = world
        .send("GET", "/", Some(HANNA), String::new(), &from("10.0.0.1"))
        .await;
    bearer.is(429);
    sign_in(&world, &[("token", HANNA)], &from("10.0.0.2"))
        .await
        .is(303);
    // What succeeds is not counted.
    for _ in 0..20 {
        world
            .send("GET", "/", Some(HANNA), String::new(), &from("10.0.0.3"))
            .await
            .is(200);
    }
}

#[tokio::test]
async fn a_link_signs_in_once() {
    let world = World::new().await;
    let path = world.links.mint("hanna").unwrap();
    let visit = async |method: &str| world.send(method, &path, None, String::new(), &[]).await;
    // Looking does not use it up: a chat's preview looks.
    visit("GET").await.is(200).says("hanna");
    visit("GET").await.is(200);
    let answer = visit("POST").await;
    assert_eq!(answer.is(303).location(), "/");
    look(&world, "/t/studio", &cookie(&answer)).await.is(200);
    visit("GET").await.is(404);
    assert!(
        !visit("POST")
            .await
            .is(404)
            .headers
            .contains_key("set-cookie")
    );
    // Of somebody who has no token.
    let path = world.links.mint("nobody").unwrap();
    let answer = world.send("POST", &path, None, String::new(), &[]).await;
    assert!(!answer.is(404).headers.contains_key("set-cookie"));
}
