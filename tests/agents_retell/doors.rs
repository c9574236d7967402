//! Who is let in, and what is made of what comes in.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use calcom::agents::Tool;
use calcom::ambient::Clock;
use calcom::chrono::{DateTime, TimeDelta, Utc};
use calcom::testing::{RetellBody, sign_retell};
use calcom::webhook::RETELL_SIGNATURE_HEADER;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::world::{Answered, KEY, OTHER_KEY, World};

const FUNCTIONS: &str = "/agents/retell/salon/functions";

fn signed(key: &str, body: &[u8], at: DateTime<Utc>) -> HeaderMap {
    let signature = HeaderValue::try_from(sign_retell(key, body, at)).unwrap();
    HeaderMap::from_iter([(RETELL_SIGNATURE_HEADER.parse().unwrap(), signature)])
}

/// Sends a body as Retell would, to the salon.
async fn send(world: &World, path: &str, body: impl Into<Vec<u8>>) -> Answered {
    let body = body.into();
    let headers = signed(KEY, &body, world.clock.now());
    world.post(path, headers, body).await
}

#[tokio::test]
async fn every_route_wants_retells_signature() {
    let world = World::new().await;
    let now = world.clock.now();
    let function = RetellBody::function("list_services", json!({}), "call_1").to_bytes();
    let routes = [
        ("functions", function.clone(), 200),
        ("functions/list_services", function, 200),
        ("inbound", RetellBody::call_inbound().to_bytes(), 200),
        ("events", RetellBody::call_ended("call_1").to_bytes(), 204),
    ];
    let mut refusals = BTreeSet::new();
    for (route, body, status) in routes {
        let path = |tenant: &str| format!("/agents/retell/{tenant}/{route}");
        let good = signed(KEY, &body, now);
        let mut forged = good.clone();
        let digest = format!("v={},d={}", now.timestamp_millis(), "0".repeat(64));
        let name: http::HeaderName = RETELL_SIGNATURE_HEADER.parse().unwrap();
        forged.insert(&name, digest.parse().unwrap());
        let mut twice = good.clone();
        twice.append(&name, good[&name].clone());
        let mut other_body = body.clone();
        other_body.push(b' ');
        let refused = [
            ("salon", HeaderMap::new(), body.clone()),
            ("salon", forged, body.clone()),
            ("salon", twice, body.clone()),
            ("salon", good.clone(), other_body),
            ("salon", signed(OTHER_KEY, &body, now), body.clone()),
            (
                "salon",
                signed(KEY, &body, now - TimeDelta::minutes(6)),
                body.clone(),
            ),
            (
                "salon",
                signed(KEY, &body, now + TimeDelta::minutes(6)),
                body.clone(),
            ),
            // A recording of one tenant's, sent to another.
            ("studio", good.clone(), body.clone()),
            ("bare", good.clone(), body.clone()),
            ("nobody", good.clone(), body.clone()),
            ("nobody", signed("nobody's", &body, now), body.clone()),
            ("%ff", good.clone(), body.clone()),
        ];
        for (tenant, mut headers, body) in refused {
            headers.insert("x-correlation-id", "c-1".parse().unwrap());
            let answer = world.post(&path(tenant), headers, body).await;
            assert_eq!(answer.status, 401, "{route} {tenant}");
            refusals.insert(answer.body);
        }
        let answer = world.post(&path("salon"), good, body.clone()).await;
        assert_eq!(answer.status, status, "{route}: {}", answer.body);
        assert!(answer.headers.contains_key("x-correlation-id"));
        let other = signed(OTHER_KEY, &body, now);
        assert_eq!(
            world.post(&path("studio"), other, body).await.status,
            status
        );
        // Other methods are nothing.
        assert_eq!(
            world.get(&path("salon"), HeaderMap::new()).await.status,
            405
        );
    }
    // Nobody learns which tenants there are.
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(refusals.first().unwrap().contains(r#""code":"unverified""#));
}

/// Checking a signature takes time, the more the longer the body.
#[tokio::test]
async fn an_unknown_tenant_is_refused_no_sooner_than_a_forged_request() {
    let world = World::new().await;
    let body = vec![b' '; 1_000_000];
    let refused = async |tenant: &str| {
        let headers = signed("forged", &body, world.clock.now());
        let begun = Instant::now();
        let path = format!("/agents/retell/{tenant}/functions");
        assert_eq!(world.post(&path, headers, body.clone()).await.status, 401);
        begun.elapsed()
    };
    let (mut forged, mut unknown, mut bare) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for _ in 0..5 {
        forged = forged.min(refused("salon").await);
        unknown = unknown.min(refused("nobody").await);
        bare = bare.min(refused("bare").await);
    }
    // A busy machine may stretch either.
    assert!(unknown > forged / 2, "{unknown:?} against {forged:?}");
    assert!(bare > forged / 2, "{bare:?} against {forged:?}");
}

#[tokio::test]
async fn both_forms_of_a_function_are_answered() {
    let world = World::new().await;
    let services = |answer: &Answered| {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/json");
        let json = answer.json();
        assert_eq!(json["say"], "de: services");
        json["result"]["services"][0]["name"].clone()
    };
    let whole = RetellBody::function("list_services", json!({}), "call_1").to_bytes();
    assert_eq!(services(&send(&world, FUNCTIONS, whole).await), "Haircut");
    for path in [
        "/list_services",
        "?function=list_services",
        "?x=1&function=list_services",
    ] {
        let answer = send(&world, &format!("{FUNCTIONS}{path}"), "{}").await;
        assert_eq!(services(&answer), "Haircut", "{path}");
    }
    // The signed name counts, and not what somebody may have made of the URL.
    let whole = RetellBody::function("list_services", json!({}), "call_1").to_bytes();
    let answer = send(&world, &format!("{FUNCTIONS}/cancel_appointment"), whole).await;
    assert_eq!(services(&answer), "Haircut");
}

#[tokio::test]
async fn the_caller_is_answered_in_their_language() {
    let world = World::new().await;
    let variables = json!({"language": "en-GB"});
    let body = RetellBody::function("list_services", json!({}), "call_1")
        .with_field("retell_llm_dynamic_variables", variables);
    let answer = send(&world, FUNCTIONS, body.to_bytes()).await;
    assert_eq!(answer.json()["say"], "en: services");
}

#[tokio::test]
async fn whatever_is_wrong_inside_is_said() {
    let world = World::with(|config| config.without(Tool::CancelAppointment)).await;
    let call = json!({"call_id": "call_1", "from_number": "+4915112345678"});
    let whole =
        |name: Value, args: Value| json!({"name": name, "args": args, "call": call}).to_string();
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{",
        "\u{0}",
        deep.as_str(),
        "{}",
        "7",
        &whole(json!("no_such_tool"), json!({})),
        &whole(json!(null), json!({})),
        &whole(json!("cancel_appointment"), json!({})),
    ] {
        let answer = send(&world, FUNCTIONS, body).await;
        assert_eq!(answer.status, 200, "{body}");
        let expected = json!({"say": "de: unavailable", "result": {"outcome": "unavailable"}});
        assert_eq!(answer.json(), expected);
    }
    // The tools say themselves what they miss.
    for args in [
        json!(null),
        json!([]),
        json!("text"),
        json!(7),
        json!({"service": {"a": 1}}),
    ] {
        let answer = send(
            &world,
            FUNCTIONS,
            whole(json!("find_next_slot"), args.clone()),
        )
        .await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["say"], "de: unclear", "{args}");
    }
    assert!(world.fake.live_bookings().is_empty());
}

#[tokio::test]
async fn what_is_too_much_is_refused_in_the_format_of_webhooks() {
    let world = World::with(|mut config| {
        config.requests.max_body_bytes = 10_000;
        config.requests.requests_per_minute = NonZeroU32::new(4);
        config
    })
    .await;
    let large = RetellBody::function("list_services", json!({}), "call_1")
        .with_transcript("x".repeat(10_000))
        .to_bytes();
    let answer = send(&world, FUNCTIONS, large).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["code"].as_str()),
        (413, Some("too_large"))
    );
    let ask = || RetellBody::function("list_services", json!({}), "call_1").to_bytes();
    for _ in 0..3 {
        assert_eq!(send(&world, FUNCTIONS, ask()).await.status, 200);
    }
    let answer = send(&world, FUNCTIONS, ask()).await;
    assert_eq!(answer.status, 429);
    assert!(answer.headers.contains_key("retry-after"));
    // Each tenant has a rate of its own.
    let body = ask();
    let headers = signed(OTHER_KEY, &body, world.clock.now());
    let studio = world
        .post("/agents/retell/studio/functions", headers, body)
        .await;
    assert_eq!(studio.status, 200);
}
