//! `/teams`: what each method sends, and what it makes of an answer as the published document has it, since no team's endpoint
//! was recorded.

use calcom::model::{
    BookingFilter, BookingQuery, CreatedTeam, EventTypeId, EventTypeSettings, EventTypeUpdate,
    HostPriority, MembershipId, MembershipParams, MembershipQuery, MembershipRole, NewEventType,
    NewTeamEventType, NewWebhook, SchedulingType, SortOrder, TeamEventTypeQuery,
    TeamEventTypeSettings, TeamEventTypeUpdate, TeamHost, TeamId, TeamParams, TeamScheduleQuery,
    Trigger, UserId,
};
use serde_json::{Value, json};

use crate::support::{Sent, answering, body, client, recorded, sent, success};

const TEAM: TeamId = TeamId::new(7);
const EVENT_TYPES: Option<&str> = Some("2024-06-14");

fn team() -> Value {
    json!({
        "id": 7, "name": "Sales", "slug": "sales", "isOrganization": false, "bio": null,
        "timeZone": "Europe/London", "weekStart": "Sunday", "metadata": {},
    })
}

fn event_type() -> Value {
    let mut event_type = body("017-event-types-get")["data"].clone();
    event_type["teamId"] = json!(7);
    event_type["ownerId"] = json!(null);
    event_type["schedulingType"] = json!("roundRobin");
    event_type["hosts"] = json!([{"userId": 3, "name": "Mia", "username": "mia", "mandatory": false, "priority": "high"}]);
    event_type.as_object_mut().unwrap().remove("users");
    event_type
}

fn membership() -> Value {
    json!({
        "id": 70, "userId": 3, "teamId": 7, "accepted": true, "role": "ADMIN",
        "disableImpersonation": false, "user": {"email": "mia@example.com", "name": "Mia Mate"},
    })
}

#[tokio::test]
async fn teams_are_listed() {
    let server = answering(success(&json!([team()]))).await;
    let listed = client(&server).teams().list().await.unwrap();
    assert_eq!(sent(&server).await, [Sent::new("GET", "/v2/teams", None)]);
    assert_eq!(
        (listed[0].id, listed[0].slug.as_deref()),
        (TEAM, Some("sales"))
    );
}

#[tokio::test]
async fn teams_are_read_changed_and_deleted() {
    let server = answering(success(&team())).await;
    let client = client(&server);
    let params = TeamParams::named("Sales").with_hide_branding(true);
    client.teams().get(TEAM).await.unwrap();
    client.teams().update(TEAM, &params).await.unwrap();
    client.teams().delete(TEAM).await.unwrap();
    let expected = [
        Sent::new("GET", "/v2/teams/7", None),
        Sent::new("PATCH", "/v2/teams/7", None)
            .body(json!({"name": "Sales", "hideBranding": true})),
        Sent::new("DELETE", "/v2/teams/7", None),
    ];
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn a_team_that_is_made_may_have_to_be_paid_for() {
    let server = answering(success(&team())).await;
    let wanted = TeamParams::named("Sales");
    let made = client(&server).teams().create(&wanted).await.unwrap();
    assert!(matches!(&made, CreatedTeam::Team(team) if team.id == TEAM));
    let expected = Sent::new("POST", "/v2/teams", None).body(json!({"name": "Sales"}));
    assert_eq!(sent(&server).await, [expected]);

    let link = "https://pay.example.org/session";
    let pending = json!({"message": "Pay first", "paymentLink": link, "pendingTeam": team()});
    let server = answering(success(&pending)).await;
    let made = client(&server).teams().create(&wanted).await.unwrap();
    assert!(!format!("{made:?}").contains(link));
    assert_eq!(made.team().id, TEAM);
    assert!(matches!(made, CreatedTeam::Pending { payment_link, .. } if payment_link == link));
}

#[tokio::test]
async fn an_invitation_is_not_shown() {
    let invite =
        json!({"token": "f6a5c8b1", "inviteLink": "http://app.cal.com/signup?token=f6a5c8b1"});
    let server = answering(success(&invite)).await;
    let invite = client(&server).teams().invite(TEAM).await.unwrap();
    let expected = Sent::new("POST", "/v2/teams/7/invite", None);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(invite.token, "f6a5c8b1");
    assert!(!format!("{invite:?}").contains("f6a5"));
}

#[tokio::test]
async fn bookings_are_listed_as_the_users_are() {
    let server = answering(recorded("136-bookings-list-take-skip")).await;
    let query = BookingQuery::default()
        .with_status(BookingFilter::Upcoming)
        .with_take(2);
    let page = client(&server).teams().bookings(TEAM).list(&query).await;
    let expected = Sent::new("GET", "/v2/teams/7/bookings", Some("2024-08-13"));
    let expected = expected.query(&[("status", "upcoming"), ("take", "2")]);
    assert_eq!(sent(&server).await, [expected]);
    let page = page.unwrap();
    assert!(!page.items.is_empty());
    assert!(page.pagination.unwrap().has_next_page);
}

#[tokio::test]
async fn schedules_of_the_members_are_listed() {
    let server = answering(recorded("027-schedules-list")).await;
    let listed = client(&server)
        .teams()
        .schedules(TEAM)
        .list(&TeamScheduleQuery::default().with_take(50).with_skip(100))
        .await;
    let expected = Sent::new("GET", "/v2/teams/7/schedules", Some("2024-06-11"));
    let expected = expected.query(&[("take", "50"), ("skip", "100")]);
    assert_eq!(sent(&server).await, [expected]);
    assert!(!listed.unwrap().items.is_empty());
}

#[tokio::test]
async fn event_types_are_listed_with_their_hosts() {
    let server = answering(success(&json!([event_type()]))).await;
    let client = client(&server);
    let event_types = client.teams().event_types(TEAM);
    let mut query = TeamEventTypeQuery::default();
    let listed = event_types.list(&query).await.unwrap();
    query.event_slug = Some("intro-30".to_owned());
    query.hosts_limit = Some(5);
    query.sort_created_at = Some(SortOrder::Ascending);
    event_types.list(&query).await.unwrap();
    let call = || Sent::new("GET", "/v2/teams/7/event-types", EVENT_TYPES);
    let filters = [
        ("eventSlug", "intro-30"),
        ("hostsLimit", "5"),
        ("sortCreatedAt", "asc"),
    ];
    assert_eq!(sent(&server).await, [call(), call().query(&filters)]);
    assert_eq!(listed[0].team_id, Some(TEAM));
    assert_eq!(listed[0].scheduling_type, Some(SchedulingType::RoundRobin));
    assert_eq!(listed[0].hosts[0].user_id, UserId::new(3));
    assert_eq!(listed[0].hosts[0].priority, Some(HostPriority::High));
}

#[tokio::test]
async fn hosts_in_a_shape_of_their_own_do_not_spoil_the_event_type() {
    // As the published document has it.
    let mut told = event_type();
    told["hosts"] = json!(["mia"]);
    let server = answering(success(&told)).await;
    let client = client(&server);
    let event_types = client.teams().event_types(TEAM);
    let read = event_types.get(EventTypeId::new(2)).await.unwrap();
    let expected = Sent::new("GET", "/v2/teams/7/event-types/2", EVENT_TYPES);
    assert_eq!(sent(&server).await, [expected]);
    assert!(read.hosts.is_empty());
}

#[tokio::test]
async fn event_types_are_made_changed_and_deleted() {
    // A managed event type is answered with an array, every other with an object.
    for (answer, made) in [(event_type(), 1), (json!([event_type(), event_type()]), 2)] {
        let server = answering(success(&answer)).await;
        let client = client(&server);
        let event_types = client.teams().event_types(TEAM);
        let mut mia = TeamHost::from(UserId::new(3));
        mia.mandatory = Some(true);
        mia.priority = Some(HostPriority::Low);
        let event_type = NewEventType::new("Sales call", "sales-30", 30);
        let hosts = [TeamHost::from(UserId::new(1)), mia];
        let wanted = NewTeamEventType::new(event_type, SchedulingType::RoundRobin, hosts);
        assert_eq!(event_types.create(&wanted).await.unwrap().len(), made);
        let update = TeamEventTypeUpdate::default()
            .with_event_type(
                EventTypeUpdate::default()
                    .with_settings(EventTypeSettings::default().with_hidden(true)),
            )
            .with_team(TeamEventTypeSettings::default().with_assign_all_team_members(true));
        let id = EventTypeId::new(2);
        assert_eq!(event_types.update(id, &update).await.unwrap().len(), made);
        event_types.delete(id).await.unwrap();
        let path = "/v2/teams/7/event-types/2";
        let expected = [
            Sent::new("POST", "/v2/teams/7/event-types", EVENT_TYPES).body(json!({
                "title": "Sales call",
                "slug": "sales-30",
                "lengthInMinutes": 30,
                "schedulingType": "roundRobin",
                "hosts": [{"userId": 1}, {"userId": 3, "mandatory": true, "priority": "low"}],
            })),
            Sent::new("PATCH", path, EVENT_TYPES)
                .body(json!({"hidden": true, "assignAllTeamMembers": true})),
            Sent::new("DELETE", path, EVENT_TYPES),
        ];
        assert_eq!(sent(&server).await, expected);
    }
}

#[tokio::test]
async fn an_array_that_cannot_be_read_says_where() {
    let mut spoiled = event_type();
    spoiled["slug"] = json!(7);
    let server = answering(success(&json!([event_type(), spoiled]))).await;
    let client = client(&server);
    let event_types = client.teams().event_types(TEAM);
    let nothing = TeamEventTypeUpdate::default();
    let changed = event_types.update(EventTypeId::new(2), &nothing).await;
    assert_eq!(changed.unwrap_err().json_path(), Some("data[1].slug"));
}

#[tokio::test]
async fn webhooks_of_an_event_type_have_a_path_of_their_own() {
    let server = answering(recorded("260-event-type-webhooks-create")).await;
    let client = client(&server);
    let event_types = client.teams().event_types(TEAM);
    let wanted = NewWebhook::new("https://example.org", [Trigger::BookingCreated], "s");
    let webhooks = event_types.webhooks(EventTypeId::new(2));
    let made = webhooks.create(&wanted).await.unwrap();
    webhooks.delete(&made.id).await.unwrap();
    event_types
        .delete_webhooks(EventTypeId::new(2))
        .await
        .unwrap();
    let sent = sent(&server).await;
    let path = "/v2/teams/7/event-types/2/webhooks";
    assert_eq!(
        (sent[0].method.as_str(), sent[0].path.as_str()),
        ("POST", path)
    );
    let one = format!("{path}/{}", made.id);
    assert_eq!(sent[1], Sent::new("DELETE", &one, None));
    assert_eq!(sent[2], Sent::new("DELETE", path, None));
}

#[tokio::test]
async fn memberships_are_listed_in_either_shape() {
    // The published document says an object.
    for answer in [json!([membership()]), membership()] {
        let server = answering(success(&answer)).await;
        let client = client(&server);
        let listed = client
            .teams()
            .memberships(TEAM)
            .list_all(MembershipQuery::default())
            .try_collect::<Vec<_>>()
            .await
            .unwrap();
        let expected = Sent::new("GET", "/v2/teams/7/memberships", None);
        let expected = expected.query(&[("take", "250")]);
        assert_eq!(sent(&server).await, [expected]);
        assert_eq!(listed[0].role, MembershipRole::Admin);
        assert_eq!(listed[0].user.as_ref().unwrap().email, "mia@example.com");
        assert!(!format!("{listed:?}").to_lowercase().contains("mia"));
    }
}

#[tokio::test]
async fn memberships_are_made_read_changed_and_ended() {
    let server = answering(success(&membership())).await;
    let client = client(&server);
    let memberships = client.teams().memberships(TEAM);
    let params = MembershipParams::default()
        .with_accepted(true)
        .with_role(MembershipRole::Admin);
    memberships.create(UserId::new(3), &params).await.unwrap();
    let id = MembershipId::new(70);
    memberships.get(id).await.unwrap();
    memberships.update(id, &params).await.unwrap();
    memberships.delete(id).await.unwrap();
    let path = "/v2/teams/7/memberships/70";
    let expected = [
        Sent::new("POST", "/v2/teams/7/memberships", None)
            .body(json!({"userId": 3, "accepted": true, "role": "ADMIN"})),
        Sent::new("GET", path, None),
        Sent::new("PATCH", path, None).body(json!({"accepted": true, "role": "ADMIN"})),
        Sent::new("DELETE", path, None),
    ];
    assert_eq!(sent(&server).await, expected);
}
