//! Programs with a language model, in OpenAI's dialect.

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use calcom::SecretString;
use calcom::agents::Tool;
use calcom::server::{ProgramAccess, ProgramOf};
use http::HeaderMap;
use serde_json::{Value, json};

use crate::world::{Answered, CALLER, World};

const TOOLS: &str = "/agents/openai/salon/tools";
const TOKEN: &str = "token-of-the-salon";

fn bearer(token: &str) -> HeaderMap {
    let token = format!("Bearer {token}").parse().unwrap();
    HeaderMap::from_iter([(http::header::AUTHORIZATION, token)])
}

async fn world() -> World {
    World::with(|config| {
        let tokens = [("salon", TOKEN), ("studio", "token-of-the-studio")];
        let tokens = tokens.map(|(tenant, token)| (tenant, SecretString::from(token)));
        config
            .with_programs(ProgramAccess::tokens(tokens))
            .without(Tool::CancelAppointment)
    })
    .await
}

async fn post(world: &World, body: &Value) -> Answered {
    world
        .post(TOOLS, bearer(TOKEN), body.to_string().into_bytes())
        .await
}

#[tokio::test]
async fn nobody_is_let_in_without_the_tenants_token() {
    let world = world().await;
    let body = b"[]".to_vec();
    for headers in [
        HeaderMap::new(),
        bearer(""),
        bearer("token-of-the-studio"),
        bearer("x"),
    ] {
        assert_eq!(
            world
                .post(TOOLS, headers.clone(), body.clone())
                .await
                .status,
            401
        );
        assert_eq!(world.get(TOOLS, headers).await.status, 401);
    }
    assert_eq!(world.post(TOOLS, bearer(TOKEN), body).await.status, 200);
    // By default there is nobody at all.
    let closed = World::new().await;
    assert_eq!(closed.get(TOOLS, bearer(TOKEN)).await.status, 401);
    assert_eq!(closed.get(TOOLS, bearer("")).await.status, 401);
}

#[tokio::test]
async fn the_hosts_middleware_can_decide() {
    async fn recognize(mut request: Request, next: Next) -> axum::response::Response {
        if request.headers().contains_key("x-internal") {
            request.extensions_mut().insert(ProgramOf::new("salon"));
        }
        next.run(request).await
    }
    let world = World::wrapped(
        |config| config.with_programs(ProgramAccess::by_middleware()),
        |router| router.layer(from_fn(recognize)),
    )
    .await;
    let internal = HeaderMap::from_iter([("x-internal".parse().unwrap(), "1".parse().unwrap())]);
    assert_eq!(world.get(TOOLS, internal.clone()).await.status, 200);
    assert_eq!(
        world
            .get("/agents/openai/studio/tools", internal)
            .await
            .status,
        401
    );
    assert_eq!(world.get(TOOLS, bearer(TOKEN)).await.status, 401);
}

#[tokio::test]
async fn definitions_are_those_of_the_tools_that_are_on() {
    let world = world().await;
    let definitions = world.get(TOOLS, bearer(TOKEN)).await.json();
    let names = definitions.as_array().unwrap().iter();
    let names: Vec<&str> = names.map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), Tool::ALL.len() - 1);
    assert!(names.contains(&"book_appointment") && !names.contains(&"cancel_appointment"));
}

#[tokio::test]
async fn calls_are_answered_one_after_the_other_by_their_ids() {
    let world = world().await;
    let book = json!({
        "service": "Haircut", "when": "2026-12-08T10:00:00+01:00", "name": "Ann", "phone": CALLER,
    });
    let call = |id: &str, name: &str, arguments: &Value| {
        let function = json!({"name": name, "arguments": arguments.to_string()});
        json!({"id": id, "type": "function", "function": function})
    };
    let body = json!({"conversation": "conv_1", "language": "en", "tool_calls": [
        call("c1", "book_appointment", &book),
        // A program may name whose appointments it means.
        call("c2", "find_appointments", &json!({"phone": CALLER})),
        call("c3", "cancel_appointment", &json!({"phone": CALLER})),
        call("c4", "no_such_tool", &json!({})),
    ]});
    for _ in 0..2 {
        let answer = post(&world, &body).await;
        assert_eq!(answer.status, 200);
        let messages = answer.json();
        let said = |index: usize| {
            let message = &messages[index];
            assert_eq!(message["role"], "tool");
            assert_eq!(message["tool_call_id"], format!("c{}", index + 1));
            let content: Value =
                serde_json::from_str(message["content"].as_str().unwrap()).unwrap();
            let say = content["say"].as_str().or(content["error"].as_str());
            say.unwrap().to_owned()
        };
        assert_eq!(said(0), "en: booked");
        assert_eq!(said(1), "en: appointments 1");
        assert_eq!(
            (said(2), said(3)),
            ("unknown".to_owned(), "unknown".to_owned())
        );
    }
    assert_eq!(world.appointments().await, 1);
    assert_eq!(world.fake.live_bookings().len(), 1);
}

#[tokio::test]
async fn what_calls_nothing_is_answered_with_nothing() {
    let world = world().await;
    for body in ["", "{", "null", "{}", "[7]"] {
        let answer = world
            .post(TOOLS, bearer(TOKEN), body.as_bytes().to_vec())
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.body.as_str()),
            (200, "[]"),
            "{body}"
        );
    }
}
