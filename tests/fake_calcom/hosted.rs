//! The hosted service: webhooks come later, in any order, and tell the booking as it is then.

use std::time::Duration;

use calcom::model::{NewBooking, NewWebhook};
use calcom::testing::{DeliveryOutcome, FakeCalcom, WebhookTiming};

use crate::support::{SECRET, ann, eventually, hour, with_receiver};

#[tokio::test]
async fn hosted_timing_tells_later_and_tries_three_times() {
    let timing = WebhookTiming::After {
        min: Duration::from_millis(20),
        max: Duration::from_millis(40),
    };
    let fake = FakeCalcom::builder()
        .webhook_timing(timing)
        .start()
        .await
        .unwrap();
    let receiver = with_receiver(&fake).await;
    *receiver.answers.lock().unwrap() = vec![503, 429, 200, 400, 410];
    let book = async |hours| {
        fake.book(NewBooking::new(fake.event_type_id(), hour(hours), ann()))
            .await
            .unwrap()
    };
    book(1).await;
    assert!(receiver.bodies().is_empty());
    eventually(|| fake.deliveries()[0].outcome == DeliveryOutcome::Answered(200)).await;
    let bodies = receiver.bodies();
    assert_eq!(bodies.len(), 3);
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    // Any other 4xx loses the event, and 410 ends the subscription.
    book(2).await;
    eventually(|| fake.deliveries()[1].outcome == DeliveryOutcome::Answered(400)).await;
    book(3).await;
    eventually(|| fake.deliveries()[2].outcome == DeliveryOutcome::Answered(410)).await;
    book(4).await;
    assert_eq!(fake.deliveries().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn hosted_delays_pass_at_once_in_paused_time() {
    let timing = WebhookTiming::After {
        min: Duration::from_millis(500),
        max: Duration::from_secs(45),
    };
    let fake = FakeCalcom::builder()
        .webhook_timing(timing)
        .start()
        .await
        .unwrap();
    fake.subscribe("no url at all", SECRET, NewWebhook::booking_triggers());
    fake.book(NewBooking::new(fake.event_type_id(), hour(1), ann()))
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(fake.deliveries()[0].attempts, 3);
    assert_eq!(fake.deliveries()[0].outcome, DeliveryOutcome::Failed);
}
