//! The control API: what a test in Rust does with its handle, over HTTP.

use calcom::testing::FakeCalcom;
use serde_json::{Value, json};

use crate::support::{Api, booking_body, hour, with_receiver};

async fn controlled() -> FakeCalcom {
    let builder = FakeCalcom::builder().seed(1).control_api();
    builder.start().await.unwrap()
}

async fn call(fake: &FakeCalcom, method: &str, path: &str, body: Value) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("http://{}/_fake{path}", fake.address());
    let request = client.request(method.parse().unwrap(), url);
    let request = if body.is_null() {
        request
    } else {
        let request = request.header("content-type", "application/json");
        request.body(body.to_string())
    };
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn it_is_off_unless_asked_for() {
    let fake = FakeCalcom::start().await.unwrap();
    let (status, body) = call(&fake, "GET", "", Value::Null).await;
    assert_eq!(status, 404);
    assert_eq!(body["error"]["message"], "Cannot GET /_fake");
}

#[tokio::test]
async fn it_says_how_to_reach_the_fake() {
    let fake = controlled().await;
    let (status, about) = call(&fake, "GET", "", Value::Null).await;
    assert_eq!(status, 200);
    assert_eq!(about["baseUrl"], fake.base_url().as_str());
    assert_eq!(about["users"][0]["username"], "hanna");
    assert_eq!(about["eventTypes"][0]["id"], fake.event_type_id().get());
    // With what it says, the API answers.
    let key = about["users"][0]["apiKey"].as_str().unwrap();
    let url = format!("{}me", about["baseUrl"].as_str().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let me = client.get(url).bearer_auth(key).send().await.unwrap();
    assert_eq!(me.status(), 200);
}

#[tokio::test]
async fn bookings_are_made_moved_and_ended() {
    let fake = controlled().await;
    let received = with_receiver(&fake).await;
    let (status, booked) = call(&fake, "POST", "/bookings", booking_body(&fake, hour(9))).await;
    assert_eq!(status, 201, "{booked}");
    let path = format!("/bookings/{}/move", booked["uid"].as_str().unwrap());
    let start = json!({"start": hour(11)});
    let (status, moved) = call(&fake, "POST", &path, start).await;
    assert_eq!(
        (status, &moved["rescheduledFromUid"]),
        (200, &booked["uid"])
    );
    let path = format!("/bookings/{}/cancel", moved["uid"].as_str().unwrap());
    let (status, ended) = call(&fake, "POST", &path, Value::Null).await;
    assert_eq!((status, ended["status"].as_str()), (200, Some("cancelled")));
    let (_, all) = call(&fake, "GET", "/bookings", Value::Null).await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    let (_, webhooks) = call(&fake, "GET", "/webhooks", Value::Null).await;
    let triggers: Vec<_> = webhooks
        .as_array()
        .unwrap()
        .iter()
        .map(|delivery| (&delivery["trigger"], &delivery["status"]))
        .collect();
    let answered = json!(200);
    let expected = [
        "BOOKING_CREATED",
        "BOOKING_RESCHEDULED",
        "BOOKING_CANCELLED",
    ];
    let expected = expected.map(Value::from);
    let expected: Vec<_> = expected
        .iter()
        .map(|trigger| (trigger, &answered))
        .collect();
    assert_eq!(triggers, expected);
    assert_eq!(received.bodies().len(), 3);
    // What Cal.com would refuse is refused in its words.
    let (status, refused) = call(&fake, "POST", &path, Value::Null).await;
    assert_eq!(status, 400);
    assert!(refused["error"].as_str().unwrap().contains("cancelled"));
}

#[tokio::test]
async fn faults_strike_as_scripted() {
    let fake = controlled().await;
    let api = Api::new(&fake);
    let fault = |then: Value| json!({"on": "createBooking", "then": then});
    for (then, status) in [
        (json!({"status": 503}), Some(503)),
        (json!("bookingLimitReached"), Some(401)),
        (
            json!({"answer": {"status": 418, "body": {"tea": true}}}),
            Some(418),
        ),
        (json!("dropBeforeApplying"), None),
    ] {
        let (injected, _) = call(&fake, "POST", "/faults", fault(then)).await;
        assert_eq!(injected, 201);
        let body = booking_body(&fake, hour(9));
        let answered = api.send("POST", "bookings", Some(&body)).await;
        assert_eq!(answered.ok().map(|(status, _)| status), status);
    }
    assert!(fake.bookings().is_empty());
    let always = json!({"on": "any", "then": {"status": 500}, "times": null});
    call(&fake, "POST", "/faults", always).await;
    for _ in 0..3 {
        assert_eq!(api.send("GET", "me", None).await.unwrap().0, 500);
    }
    call(&fake, "DELETE", "/faults", Value::Null).await;
    assert_eq!(api.send("GET", "me", None).await.unwrap().0, 200);

    let (_, requests) = call(&fake, "GET", "/requests", Value::Null).await;
    let statuses: Vec<_> = requests
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["status"].as_u64())
        .collect();
    let expected = [503, 401, 418, 0, 500, 500, 500, 200];
    assert_eq!(statuses, expected.map(|s| (s > 0).then_some(s)));
    assert_eq!(requests[0]["operation"], "createBooking");
    assert!(!requests.to_string().contains("cal_test"), "a key is shown");
}

#[tokio::test]
async fn webhooks_are_held_and_released() {
    let fake = controlled().await;
    let received = with_receiver(&fake).await;
    let hold = json!({"on": "BOOKING_CREATED", "then": "holdWebhooks"});
    call(&fake, "POST", "/faults", hold).await;
    call(&fake, "POST", "/bookings", booking_body(&fake, hour(9))).await;
    assert_eq!(received.bodies().len(), 0);
    let (_, webhooks) = call(&fake, "POST", "/webhooks/release", json!({"ids": [0]})).await;
    assert_eq!(webhooks[0]["outcome"], "answered");
    assert_eq!(received.bodies().len(), 1);
}

#[tokio::test]
async fn the_clock_goes_ahead() {
    let fake = controlled().await;
    let (_, before) = call(&fake, "GET", "/clock", Value::Null).await;
    let day = json!({"advanceSeconds": 86_400});
    let (status, after) = call(&fake, "POST", "/clock", day).await;
    assert_eq!(status, 200);
    let read = |clock: &Value| -> chrono::DateTime<chrono::Utc> {
        clock["now"].as_str().unwrap().parse().unwrap()
    };
    assert!(read(&after) - read(&before) >= chrono::TimeDelta::days(1));
    let (_, booked) = call(&fake, "POST", "/bookings", booking_body(&fake, hour(9))).await;
    let made: chrono::DateTime<chrono::Utc> =
        booked["createdAt"].as_str().unwrap().parse().unwrap();
    assert!(made >= read(&after));
}

#[tokio::test]
async fn what_it_cannot_read_is_said() {
    let fake = controlled().await;
    for (method, path, body, status) in [
        (
            "POST",
            "/faults",
            json!({"on": "nothing", "then": "truncateBody"}),
            400,
        ),
        (
            "POST",
            "/faults",
            json!({"on": "any", "then": "explode"}),
            400,
        ),
        ("POST", "/clock", json!({"advanceSeconds": -1}), 400),
        ("POST", "/clock", Value::Null, 400),
        ("POST", "/bookings/nobody/dance", Value::Null, 404),
        ("GET", "/nowhere", Value::Null, 404),
    ] {
        let (answered, said) = call(&fake, method, path, body).await;
        assert_eq!(answered, status, "{path}: {said}");
        assert!(!said["error"].as_str().unwrap().is_empty());
    }
}
