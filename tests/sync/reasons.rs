//! A reason that Cal.com has given is not sent back to it as the host's.

use calcom::store::{
    AppointmentRepository, AppointmentWrite, Origin, Reason, Resolution, ReviewReason,
};

use crate::harness::{World, at, move_to};

const THEIRS: &str = "The attendee is ill.";

#[tokio::test]
async fn cal_coms_reason_is_not_given_for_what_the_host_does() {
    let world = World::new().await;
    let made = world.make("a", at(0), Origin::Phone);
    world.drain().await;
    // Whoever writes the appointment says that it is Cal.com's change, and Cal.com knows nothing of it.
    let mut state = made.state.clone();
    move_to(at(2))(&mut state);
    let write = AppointmentWrite::new(state, Origin::Calcom, made.updated_at);
    let write = write.with_reason(Reason::new(THEIRS));
    let written = world
        .store
        .update(&world.tenant, &made.id, made.revision, write);
    written.await.unwrap();
    world.settle().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::OriginContradicted]
    );
    let writes = world.writes();
    world.resolve(Resolution::ForceLocal).await;
    world.settle().await;
    let sent = world.fake.writes().split_off(writes);
    assert_eq!(sent.len(), 1, "{sent:?}");
    let body = sent[0].body.as_ref().unwrap();
    assert_eq!(body["reschedulingReason"], "Rescheduled by the host");
    world.assert_in_step().await;
}
