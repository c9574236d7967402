//! The decisions that are offered about a review item: all of them are accepted, and do what they say.

use std::sync::Arc;

use calcom::store::{
    AppointmentId, AppointmentState, AppointmentStatus, Change, ChangeFate, ClaimRequest, Hold,
    InMemoryStore, Links, LogEvent, NewReview, Origin, Outbox, Page, Person, Resolution, ReviewEnd,
    ReviewEvidence, ReviewItem, ReviewReason, ReviewScope, Reviews, Revision, Settlement,
    StoreErrorKind, TenantId,
};
use calcom::sync::{
    Choice, ConflictPolicy, Engine, Error, Operations, StaticTenants, SyncEngine, Tenant, choices,
};
use calcom::testing::{
    Fault, FaultyAppointments, Operation, StoreFault, StoreOperation, StoreTrouble, Then,
};
use chrono::TimeDelta;

use crate::harness::{SECRET, World, at, cancel, client, config, move_to};

fn words(choices: &[Choice]) -> Vec<&'static str> {
    choices.iter().map(|one| one.resolution.as_str()).collect()
}

fn suggested(item: &ReviewItem) -> Vec<&'static str> {
    let choices = choices(item);
    let suggested = choices.iter().filter(|choice| choice.is_suggested);
    suggested.map(|one| one.resolution.as_str()).collect()
}

const LIVE: Option<AppointmentStatus> = Some(AppointmentStatus::Confirmed);
const ENDED: Option<AppointmentStatus> = Some(AppointmentStatus::Cancelled);

/// An item with this reason, as the engine would open it.
async fn item(
    reason: &ReviewReason,
    scope: ReviewScope,
    local: Option<AppointmentStatus>,
    remote: Option<AppointmentStatus>,
) -> (Arc<Engine>, TenantId, ReviewItem) {
    let store = Arc::new(InMemoryStore::new());
    let tenant = TenantId::new("salon");
    let change = Change::new(
        tenant.clone(),
        "a".into(),
        Revision::FIRST,
        Origin::Phone,
        at(0),
    );
    store.record(&change).await.unwrap();
    let request = ClaimRequest::new(std::time::Duration::from_secs(60), 1);
    let claim = store.claim(&request).await.unwrap().unwrap();
    let state = |status: AppointmentStatus| {
        let ann = Person::new("Ann", "ann@example.com", "Europe/London");
        AppointmentState::new(status, at(0), at(1), 7.into(), ann)
    };
    let mut evidence = ReviewEvidence::new("what happened");
    evidence.local = local.map(state);
    evidence.remote = remote.map(state);
    let mut review = match scope {
        ReviewScope::Link => NewReview::of_link(reason.clone(), evidence),
        ReviewScope::Tenant => NewReview::of_tenant("cause", reason.clone(), evidence),
    };
    let mut settlement = Settlement::new(claim.link);
    settlement.changes = vec![(claim.changes[0].id, ChangeFate::InReview)];
    let pauses = [
        ReviewReason::CredentialsRefused,
        ReviewReason::PausedByPerson,
    ];
    if scope == ReviewScope::Tenant && pauses.contains(reason) {
        review = review.ending(ReviewEnd::WithCause);
        settlement.hold = Some(Hold::Pause("cause".to_owned()));
    }
    settlement.reviews = vec![review];
    store.settle(&claim.lease, settlement).await.unwrap();
    let open = store.open_reviews(&tenant, Page::first(9)).await.unwrap();
    let tenants = Arc::new(StaticTenants::default());
    let engine = Engine::builder(store.clone(), store, tenants).build();
    (Arc::new(engine), tenant, open[0].clone())
}

const ALL: [&str; 6] = [
    "retry",
    "take_remote",
    "force_local",
    "accept_difference",
    "rebook",
    "dismiss",
];

fn resolution(word: &str) -> Resolution {
    match word {
        "retry" => Resolution::Retry,
        "take_remote" => Resolution::TakeRemote,
        "force_local" => Resolution::ForceLocal,
        "accept_difference" => Resolution::AcceptDifference,
        "rebook" => Resolution::rebook(at(0)),
        _ => Resolution::Dismiss,
    }
}

/// Every decision that is offered is accepted, whatever the item is about and whatever is known of both sides;
/// each of them once, with what it does, and at least one of them suggested.
#[tokio::test]
async fn what_is_offered_is_accepted() {
    for reason in ReviewReason::KNOWN {
        for scope in [ReviewScope::Link, ReviewScope::Tenant] {
            for local in [None, LIVE, ENDED] {
                for remote in [None, LIVE, ENDED] {
                    let (_, _, open) = item(reason, scope, local, remote).await;
                    let offered = choices(&open);
                    let told = format!("{reason} {scope:?} {local:?} {remote:?}: {offered:?}");
                    assert!(offered.iter().any(|choice| choice.is_suggested), "{told}");
                    let first = offered.iter().take_while(|choice| choice.is_suggested);
                    let all = offered.iter().filter(|choice| choice.is_suggested);
                    assert_eq!(first.count(), all.count(), "{told}");
                    for choice in &offered {
                        let word = choice.resolution.as_str();
                        let same = words(&offered)
                            .iter()
                            .filter(|other| **other == word)
                            .count();
                        assert_eq!(same, 1, "{told}");
                        assert!(choice.effect.ends_with('.'), "{told}");
                        let (engine, tenant, open) = item(reason, scope, local, remote).await;
                        let resolution = choice.resolution.clone();
                        let resolved = engine.resolve(&tenant, open.id, resolution, "eve").await;
                        let closed = resolved.unwrap_or_else(|error| panic!("{told}: {error:?}"));
                        assert_eq!(choices(&closed), [], "it is decided");
                    }
                }
            }
        }
    }
}

/// What is accepted and not offered, of an item about a link of which both sides live: it would do nothing, or the
/// same as what is offered, or bring the item up again.
#[tokio::test]
async fn what_is_accepted_and_not_offered_is_meant() {
    use ReviewReason as Why;
    let orders = ["take_remote", "force_local", "accept_difference", "rebook"];
    for reason in Why::KNOWN {
        let (engine, tenant, open) = item(reason, ReviewScope::Link, LIVE, LIVE).await;
        let offered = words(&choices(&open));
        let mut omitted = Vec::new();
        for word in ALL {
            let (engine, tenant, open) = item(reason, ReviewScope::Link, LIVE, LIVE).await;
            let resolved = engine
                .resolve(&tenant, open.id, resolution(word), "eve")
                .await;
            if resolved.is_ok() && !offered.contains(&word) {
                omitted.push(word);
            }
        }
        let expected: &[&str] = match reason {
            // A move decides no conflict.
            Why::Conflict
            | Why::OriginContradicted
            | Why::RemoteEnded
            | Why::NotExpressible
            | Why::AppointmentMissing
            | Why::BookingMissing => &["rebook"],
            // To force the refused write is to retry it.
            Why::SlotTaken | Why::Rejected => &["force_local"],
            Why::RequiredFieldMissing => &["force_local", "rebook"],
            // To take Cal.com's state is to retry the write that was refused.
            Why::HostRefused => &["take_remote", "rebook"],
            // Another booking is in the way, whatever is ordered.
            Why::AnotherBooking => &["take_remote", "force_local", "accept_difference"],
            // Their orders are refused.
            Why::UnknownStatus | Why::SeatedBooking | Why::ForeignBooking => &[],
            // Opened about tenants only; about a link, its order would be lost with the pause.
            Why::CredentialsRefused | Why::PausedByPerson => &[
                "take_remote",
                "force_local",
                "accept_difference",
                "rebook",
                "dismiss",
            ],
            // The turn stops before it comes to the order; of a lost link it would book a second time.
            _ => &orders,
        };
        assert_eq!(omitted, expected, "{reason}");
        drop((engine, tenant));
    }
    // About a tenant only a retry and a dismissal are accepted, and both are offered where no pause forbids it.
    for reason in Why::KNOWN {
        let (_, _, open) = item(reason, ReviewScope::Tenant, LIVE, LIVE).await;
        let mut offered = words(&choices(&open));
        offered.sort_unstable();
        let expected: &[&str] = match reason {
            Why::CredentialsRefused | Why::PausedByPerson => &["retry"],
            _ => &["dismiss", "retry"],
        };
        assert_eq!(offered, expected, "{reason}");
    }
}

fn effect_of(item: &ReviewItem, word: &str) -> String {
    let choices = choices(item);
    let mut same = choices.iter().filter(|one| one.resolution.as_str() == word);
    let same = same.next();
    let found = same.unwrap_or_else(|| panic!("{word} is not offered: {choices:?}"));
    found.effect.clone()
}

/// Decides the one open item by a choice that is offered; returns what it says it does. Orders are carried out.
async fn choose(world: &World, word: &str) -> String {
    let item = world.reviews().await.remove(0);
    let effect = effect_of(&item, word);
    let offered = choices(&item);
    let mut chosen = offered.into_iter().map(|choice| choice.resolution);
    let chosen = chosen.find(|resolution| resolution.as_str() == word);
    let resolved = world.resolve(chosen.unwrap()).await;
    assert_eq!(resolved.id, item.id);
    world.settle().await;
    if !["retry", "dismiss"].contains(&word) {
        let closed = world.engine.review(&world.tenant, item.id).await.unwrap();
        let outcome = closed.unwrap().resolved.unwrap().outcome;
        assert_eq!(outcome.as_deref(), Some("carried out"), "{word}");
        assert_eq!(world.review_reasons().await, [], "after {word}");
    }
    effect
}

fn a() -> AppointmentId {
    "a".into()
}

/// The start of the one live booking.
fn live_start(world: &World) -> Option<chrono::DateTime<chrono::Utc>> {
    let live = world.fake.live_bookings();
    assert!(live.len() < 2, "{live:?}");
    live.first().map(|booking| booking.start)
}

async fn start_of(world: &World) -> chrono::DateTime<chrono::Utc> {
    world.appointment(&a()).await.state.start
}

async fn is_live(world: &World) -> bool {
    world.appointment(&a()).await.state.status.is_live()
}

/// Both sides move it.
async fn moved_apart() -> World {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let uid = world.booking_of(&a()).await;
    world.fake.move_booking(&uid, at(2)).await.unwrap();
    world.change(&a(), Origin::Admin, move_to(at(4))).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
    world
}

#[tokio::test]
async fn choices_of_a_conflict_do_what_they_say() {
    let world = moved_apart().await;
    let item = world.reviews().await.remove(0);
    assert_eq!(
        suggested(&item),
        ["take_remote", "force_local", "accept_difference"]
    );
    assert_eq!(words(&choices(&item))[3..], ["retry", "dismiss"]);
    let effect = choose(&world, "take_remote").await;
    assert!(effect.starts_with("Changes the appointment"), "{effect}");
    assert_eq!(
        (start_of(&world).await, live_start(&world)),
        (at(2), Some(at(2)))
    );

    let world = moved_apart().await;
    let effect = choose(&world, "force_local").await;
    assert!(effect.starts_with("Changes the booking"), "{effect}");
    assert_eq!(
        (start_of(&world).await, live_start(&world)),
        (at(4), Some(at(4)))
    );

    let world = moved_apart().await;
    let effect = choose(&world, "accept_difference").await;
    assert!(
        effect.contains("neither") && effect.contains("synced as usual"),
        "{effect}"
    );
    assert_eq!(
        (start_of(&world).await, live_start(&world)),
        (at(4), Some(at(2)))
    );
    world.change(&a(), Origin::Admin, move_to(at(6))).await;
    world.settle().await;
    assert_eq!(
        (start_of(&world).await, live_start(&world)),
        (at(6), Some(at(6)))
    );

    for word in ["retry", "dismiss"] {
        let world = moved_apart().await;
        let effect = choose(&world, word).await;
        assert_eq!(
            (start_of(&world).await, live_start(&world)),
            (at(4), Some(at(2)))
        );
        let opens_again = word == "retry";
        assert_eq!(effect.contains("opens again"), opens_again, "{effect}");
        assert_eq!(world.reviews().await.len(), usize::from(opens_again));
        if word == "dismiss" {
            assert!(effect.contains("next change or webhook may open it again"));
            world.change(&a(), Origin::Admin, move_to(at(6))).await;
            world.settle().await;
            assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
        }
    }
}

/// The booking is cancelled at Cal.com, and the host moves the appointment.
async fn ended_at_cal_com(policy: ConflictPolicy) -> World {
    let world = World::with(|tenant| tenant.with_conflict_policy(policy)).await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let uid = world.booking_of(&a()).await;
    world.fake.cancel_booking(&uid, "ill").await.unwrap();
    world.change(&a(), Origin::Admin, move_to(at(4))).await;
    world.settle().await;
    assert_eq!(world.reviews().await.len(), 1);
    world
}

#[tokio::test]
async fn choices_about_a_booking_that_ended_at_cal_com_do_what_they_say() {
    for (policy, reason) in [
        (ConflictPolicy::Review, ReviewReason::Conflict),
        (ConflictPolicy::LocalWins, ReviewReason::RemoteEnded),
    ] {
        let world = ended_at_cal_com(policy).await;
        let item = world.reviews().await.remove(0);
        assert_eq!(item.reason, reason);
        assert!(suggested(&item).starts_with(&["take_remote", "force_local"]));
        assert!(!words(&choices(&item)).contains(&"rebook"));
        let writes = world.writes();
        let effect = choose(&world, "take_remote").await;
        assert!(effect.starts_with("Ends the appointment"), "{effect}");
        assert!(!is_live(&world).await);
        assert_eq!((live_start(&world), world.writes()), (None, writes));

        let world = ended_at_cal_com(policy).await;
        let effect = choose(&world, "force_local").await;
        assert!(effect.starts_with("Books the appointment anew"), "{effect}");
        assert!(is_live(&world).await);
        assert_eq!(live_start(&world), Some(at(4)));

        let world = ended_at_cal_com(policy).await;
        let effect = choose(&world, "accept_difference").await;
        assert!(effect.contains("unless one of them changes"), "{effect}");
        assert!(is_live(&world).await);
        assert_eq!(live_start(&world), None);
        world.change(&a(), Origin::Admin, move_to(at(6))).await;
        world.settle().await;
        assert_eq!(world.reviews().await.len(), 1, "it is asked again");
    }
}

/// The host cancels the appointment, and somebody at Cal.com moves its booking.
async fn ended_at_the_host() -> World {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let uid = world.booking_of(&a()).await;
    world.fake.move_booking(&uid, at(2)).await.unwrap();
    world.change(&a(), Origin::Admin, cancel).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Conflict]);
    world
}

#[tokio::test]
async fn choices_about_an_appointment_that_ended_at_the_host_do_what_they_say() {
    let world = ended_at_the_host().await;
    let effect = choose(&world, "take_remote").await;
    assert!(effect.starts_with("Revives the appointment"), "{effect}");
    assert!(is_live(&world).await);
    assert_eq!(
        (start_of(&world).await, live_start(&world)),
        (at(2), Some(at(2)))
    );

    let world = ended_at_the_host().await;
    let effect = choose(&world, "force_local").await;
    assert!(effect.starts_with("Cancels the booking"), "{effect}");
    assert_eq!((is_live(&world).await, live_start(&world)), (false, None));

    let world = ended_at_the_host().await;
    let effect = choose(&world, "accept_difference").await;
    assert!(effect.contains("synced as usual"), "{effect}");
    assert_eq!(
        (is_live(&world).await, live_start(&world)),
        (false, Some(at(2)))
    );
}

/// The host has removed the row of an appointment whose booking lives.
async fn removed_at_the_host() -> World {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let uid = world.booking_of(&a()).await;
    world.store.remove_appointment(&world.tenant, &a());
    world.fake.move_booking(&uid, at(2)).await.unwrap();
    world.settle().await;
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::AppointmentMissing]
    );
    world
}

#[tokio::test]
async fn choices_about_an_appointment_that_is_missing_do_what_they_say() {
    let world = removed_at_the_host().await;
    let item = world.reviews().await.remove(0);
    assert_eq!(suggested(&item), ["force_local", "accept_difference"]);
    let effect = choose(&world, "force_local").await;
    assert!(effect.starts_with("Cancels the booking"), "{effect}");
    assert_eq!(live_start(&world), None);

    let world = removed_at_the_host().await;
    let effect = choose(&world, "accept_difference").await;
    assert!(effect.contains("unless one of them changes"), "{effect}");
    assert_eq!(live_start(&world), Some(at(2)));
    assert!(world.store.appointments(&world.tenant).is_empty());

    // Put back under its id, it is one like any other.
    let world = removed_at_the_host().await;
    world.make("a", at(0), Origin::Phone);
    choose(&world, "retry").await;
    assert_eq!(
        (start_of(&world).await, live_start(&world)),
        (at(2), Some(at(2)))
    );
    assert_eq!(world.review_reasons().await, []);
}

/// An appointment that is missing has an id. A second one for its booking would be one too many: nobody is offered to make
/// it, nobody may order it, and no order makes it that was given while the appointment was there.
#[tokio::test]
async fn a_missing_appointment_is_not_made_again_under_another_id() {
    let world = removed_at_the_host().await;
    let item = world.reviews().await.remove(0);
    assert!(!words(&choices(&item)).contains(&"take_remote"));
    let taken = world
        .engine
        .resolve(&world.tenant, item.id, Resolution::TakeRemote, "eve");
    let error = taken.await.unwrap_err();
    assert!(matches!(error, Error::Store(e) if e.kind() == StoreErrorKind::Invalid));

    let world = moved_apart().await;
    world.store.remove_appointment(&world.tenant, &a());
    world.resolve(Resolution::TakeRemote).await;
    world.settle().await;
    assert!(world.store.appointments(&world.tenant).is_empty());
    assert_eq!(
        world.review_reasons().await,
        [ReviewReason::AppointmentMissing]
    );
    choose(&world, "force_local").await;
    assert_eq!(live_start(&world), None);
}

/// Cal.com does not know the booking of an appointment any more.
async fn removed_at_cal_com() -> World {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let uid = world.booking_of(&a()).await;
    assert!(world.fake.forget(&uid));
    world.change(&a(), Origin::Admin, move_to(at(4))).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::BookingMissing]);
    world
}

#[tokio::test]
async fn choices_about_a_booking_that_is_missing_do_what_they_say() {
    let world = removed_at_cal_com().await;
    let item = world.reviews().await.remove(0);
    assert_eq!(suggested(&item), ["force_local", "accept_difference"]);
    assert!(!words(&choices(&item)).contains(&"take_remote"));
    let effect = choose(&world, "force_local").await;
    assert!(effect.starts_with("Books the appointment anew"), "{effect}");
    assert_eq!(live_start(&world), Some(at(4)));

    let world = removed_at_cal_com().await;
    let effect = choose(&world, "accept_difference").await;
    assert!(effect.contains("unless one of them changes"), "{effect}");
    assert_eq!((is_live(&world).await, live_start(&world)), (true, None));
    world.change(&a(), Origin::Admin, move_to(at(6))).await;
    world.settle().await;
    assert_eq!(world.reviews().await.len(), 1, "it is asked again");
}

/// Somebody else has the slot of a new appointment, or the one that it is moved to.
async fn taken(is_booked: bool) -> World {
    let world = World::new().await;
    if is_booked {
        world.make("a", at(4), Origin::Phone);
        world.settle().await;
    }
    let other = world.make("other", at(0), Origin::Phone);
    world.settle().await;
    if is_booked {
        world.change(&a(), Origin::Admin, move_to(at(0))).await;
    } else {
        world.make("a", at(0), Origin::Phone);
    }
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::SlotTaken]);
    // Its booking is none of the checks' business.
    let uid = world.booking_of(&other.id).await;
    assert!(world.fake.booking(&uid).unwrap().is_live());
    world
}

/// The start of the live booking that is not the other one's.
async fn own_start(world: &World) -> Option<chrono::DateTime<chrono::Utc>> {
    let other = world.booking_of(&"other".into()).await;
    let mut live = world.fake.live_bookings();
    live.retain(|booking| booking.uid != other);
    assert!(live.len() < 2, "{live:?}");
    live.first().map(|booking| booking.start)
}

#[tokio::test]
async fn choices_about_a_taken_slot_do_what_they_say() {
    let world = taken(false).await;
    let item = world.reviews().await.remove(0);
    assert_eq!(suggested(&item), ["rebook"]);
    let slot = item.evidence.alternatives[0];
    let rebook = choices(&item).remove(0);
    assert_eq!(rebook.resolution, Resolution::rebook(slot));
    assert!(
        !words(&choices(&item)).contains(&"take_remote"),
        "there is none"
    );
    let effect = choose(&world, "rebook").await;
    assert!(effect.contains("and books it there"), "{effect}");
    assert_eq!(own_start(&world).await, Some(slot));
    assert_eq!(start_of(&world).await, slot);
    world.assert_in_step().await;

    let world = taken(false).await;
    let effect = choose(&world, "accept_difference").await;
    assert!(effect.contains("unless one of them changes"), "{effect}");
    assert_eq!(
        (start_of(&world).await, own_start(&world).await),
        (at(0), None)
    );

    let world = taken(true).await;
    let item = world.reviews().await.remove(0);
    let slot = item.evidence.alternatives[0];
    let effect = choose(&world, "rebook").await;
    assert!(effect.contains("and its booking with it"), "{effect}");
    assert_eq!(start_of(&world).await, slot);
    assert_eq!(own_start(&world).await, Some(slot));
    world.assert_in_step().await;

    let world = taken(true).await;
    choose(&world, "take_remote").await;
    assert_eq!(start_of(&world).await, at(4));
    assert_eq!(own_start(&world).await, Some(at(4)));
    world.assert_in_step().await;

    // The slot becomes free.
    let world = taken(false).await;
    let other = "other".into();
    world.change(&other, Origin::Admin, cancel).await;
    world.settle().await;
    choose(&world, "retry").await;
    assert_eq!(own_start(&world).await, Some(at(0)));
    assert_eq!(world.review_reasons().await, []);
}

/// What Cal.com refuses for good.
async fn refused() -> World {
    let world = World::new().await;
    world.make("a", at(-24 * 30), Origin::Phone);
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
    world
}

#[tokio::test]
async fn choices_about_a_refused_write_do_what_they_say() {
    let world = refused().await;
    let item = world.reviews().await.remove(0);
    assert_eq!(suggested(&item), ["retry"]);
    let open = world
        .engine
        .resolve(&world.tenant, item.id, Resolution::rebook(at(3)), "eve");
    open.await.unwrap();
    world.settle().await;
    assert_eq!(
        (start_of(&world).await, live_start(&world)),
        (at(3), Some(at(3)))
    );
    world.assert_in_step().await;

    let world = refused().await;
    choose(&world, "accept_difference").await;
    assert_eq!(live_start(&world), None);

    let world = refused().await;
    choose(&world, "retry").await;
    assert_eq!(world.review_reasons().await, [ReviewReason::Rejected]);
}

/// The host takes a confirmation back, which Cal.com cannot.
async fn inexpressible() -> World {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let pending = |state: &mut AppointmentState| state.status = AppointmentStatus::Pending;
    world.change(&a(), Origin::Admin, pending).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    world
}

#[tokio::test]
async fn choices_about_what_cal_com_cannot_express_do_what_they_say() {
    let world = inexpressible().await;
    let item = world.reviews().await.remove(0);
    assert_eq!(suggested(&item), ["take_remote", "accept_difference"]);
    choose(&world, "take_remote").await;
    let status = world.appointment(&a()).await.state.status;
    assert_eq!(status, AppointmentStatus::Confirmed);

    let world = inexpressible().await;
    choose(&world, "accept_difference").await;
    let status = world.appointment(&a()).await.state.status;
    assert_eq!(status, AppointmentStatus::Pending);
    assert_eq!(live_start(&world), Some(at(0)));
}

/// The host refuses what came from Cal.com.
async fn refused_by_the_host() -> (World, Arc<Engine>) {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let host = Arc::new(FaultyAppointments::new(Arc::new(world.store.clone())));
    let invalid = StoreTrouble::Fails(StoreErrorKind::Invalid);
    host.inject(StoreFault::new(StoreOperation::Update, invalid).always());
    let tenant = Tenant::new(world.tenant.clone(), Arc::new(client(&world.fake)))
        .with_webhook_secret(SECRET)
        .with_event_type(world.fake.event_type_id())
        .with_host(world.fake.host_id());
    let books = Arc::new(world.store.clone());
    let tenants = Arc::new(StaticTenants::new([tenant]));
    let engine = Engine::builder(books, host, tenants).config(config());
    let engine = Arc::new(engine.clock(world.clock.shared()).build());
    let uid = world.booking_of(&a()).await;
    world.fake.move_booking(&uid, at(2)).await.unwrap();
    world.drain_with(&engine).await;
    assert_eq!(world.review_reasons().await, [ReviewReason::HostRefused]);
    (world, engine)
}

#[tokio::test]
async fn choices_about_a_write_that_the_host_refused_do_what_they_say() {
    for (word, start) in [("force_local", at(0)), ("accept_difference", at(2))] {
        let (world, engine) = refused_by_the_host().await;
        let item = world.reviews().await.remove(0);
        assert_eq!(suggested(&item), ["retry"]);
        assert!(!effect_of(&item, word).is_empty());
        let resolved = engine.resolve(&world.tenant, item.id, resolution(word), "eve");
        resolved.await.unwrap();
        world.drain_with(&engine).await;
        assert_eq!(world.review_reasons().await, [], "after {word}");
        assert_eq!(
            (start_of(&world).await, live_start(&world)),
            (at(0), Some(start))
        );
    }
}

/// Another address is another person, for whom Cal.com needs another booking.
#[tokio::test]
async fn forcing_what_cal_com_cannot_change_replaces_the_booking() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    world.settle().await;
    let old = world.booking_of(&a()).await;
    let another = |state: &mut AppointmentState| {
        state.attendee.email = Some("bob@example.com".to_owned());
    };
    world.change(&a(), Origin::Admin, another).await;
    world.settle().await;
    assert_eq!(world.review_reasons().await, [ReviewReason::NotExpressible]);
    let effect = choose(&world, "force_local").await;
    assert!(effect.contains("or replaces it by a new one"), "{effect}");
    world.settle().await;
    assert!(!world.fake.booking(&old).unwrap().is_live());
    assert_eq!(live_start(&world), Some(at(0)));
    assert_ne!(world.booking_of(&a()).await, old);
}

/// The attendee cancelled the old booking while it was replaced: both sides agree, and only a person can say whether that
/// was meant.
#[tokio::test]
async fn an_item_about_what_was_meant_offers_no_order() {
    let world = World::new().await;
    let mut state = world.state(at(0));
    state.event_type = world.types.lengths;
    world.make_as("a", state, Origin::Admin);
    world.settle().await;
    let old = world.booking_of(&a()).await;
    let away = Fault::new(Operation::Cancel, Then::status(503));
    world.fake.inject(away);
    let longer = |state: &mut AppointmentState| {
        move_to(at(3))(state);
        state.end = state.start + TimeDelta::minutes(60);
    };
    world.change(&a(), Origin::Admin, longer).await;
    world.drain().await;
    world.fake.cancel_booking(&old, "ill").await.unwrap();
    world.settle().await;
    let item = world.reviews().await.remove(0);
    assert_eq!(item.reason, ReviewReason::RemoteEnded);
    assert_eq!(suggested(&item), ["dismiss"]);
    assert_eq!(words(&choices(&item)), ["dismiss", "retry"]);
    choose(&world, "dismiss").await;
    assert_eq!(world.review_reasons().await, []);
    assert_eq!(
        (start_of(&world).await, live_start(&world)),
        (at(3), Some(at(3)))
    );
}

#[tokio::test]
async fn the_item_of_a_persons_pause_can_be_retried_only() {
    let world = World::new().await;
    world.make("a", at(0), Origin::Phone);
    assert!(world.engine.pause(&world.tenant, "eve", "").await.unwrap());
    let item = world.reviews().await.remove(0);
    assert_eq!(words(&choices(&item)), ["retry"]);
    let effect = choose(&world, "retry").await;
    assert_eq!(effect, "Resumes the tenant's work.");
    world.assert_in_step().await;
    let paused = |event: &LogEvent| *event == LogEvent::TenantPaused;
    assert_eq!(world.events().await.into_iter().filter(paused).count(), 1);
}
