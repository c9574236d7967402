//! Events of calls.

use std::time::Duration;

use calcom::store::StoreErrorKind;
use calcom::testing::{FakeCallSettings, StoreFault, StoreOperation, StoreTrouble};

use crate::world::{CALLER, MITTE, World};

/// Waits until so many events were handled, and a little longer for one too many.
async fn handled(world: &World, events: usize) -> Vec<String> {
    for _ in 0..500 {
        if world.handled.ids().len() >= events {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.handled.ids()
}

#[tokio::test]
async fn an_event_is_handled_once_however_often_it_comes() {
    let world = World::new().await;
    let call = world.call(FakeCallSettings::inbound(CALLER, MITTE).sending_twice());
    world.retell.drop_answers(1);
    assert_eq!(call.event("call_started").await.statuses(), [Some(204); 3]);
    let ended = call.event("call_ended").await;
    assert_eq!(ended.statuses(), [Some(204); 2]);
    assert!(ended.heard().unwrap().is_empty());
    let ids = [
        format!("call_started:{}", call.id()),
        format!("call_ended:{}", call.id()),
    ];
    assert_eq!(handled(&world, 2).await, ids);
}

#[tokio::test]
async fn events_that_are_not_selected_are_acknowledged_and_forgotten() {
    let world = World::with(|config| {
        let selected = ["call_ended".to_owned()];
        config.with_events(Some(selected.into()))
    })
    .await;
    let call = world.call(FakeCallSettings::inbound(CALLER, MITTE));
    for event in ["call_started", "transcript_updated", "", "call_ended"] {
        assert_eq!(call.event(event).await.statuses(), [Some(204)], "{event}");
    }
    assert_eq!(
        handled(&world, 1).await,
        [format!("call_ended:{}", call.id())]
    );
    assert_eq!(world.faulty.faults().calls(StoreOperation::AcceptEvent), 1);
}

#[tokio::test]
async fn with_nothing_selected_all_are_stored() {
    let world = World::with(|config| config.with_events(None)).await;
    let call = world.call(FakeCallSettings::inbound(CALLER, MITTE));
    assert_eq!(call.event("transfer_started").await.statuses(), [Some(204)]);
    let ids = handled(&world, 1).await;
    assert!(ids[0].starts_with("transfer_started:"), "{ids:?}");
}

#[tokio::test]
async fn only_what_could_not_be_stored_is_asked_for_again() {
    let world = World::new().await;
    let fault = StoreFault::new(
        StoreOperation::AcceptEvent,
        StoreTrouble::Fails(StoreErrorKind::Unavailable),
    );
    world.faulty.inject(fault.times(2));
    let call = world.call(FakeCallSettings::inbound(CALLER, MITTE));
    let ended = call.event("call_ended").await;
    assert_eq!(ended.statuses(), [Some(503), Some(503), Some(204)]);
    assert_eq!(handled(&world, 1).await.len(), 1);
}
