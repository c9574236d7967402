//! Walking a list.

use calcom::client::ErrorKind;
use calcom::model::{Booking, BookingFilter, BookingQuery, EventTypeId, SortOrder, TeamId};
use futures_util::StreamExt;
use serde_json::{Value, json};
use wiremock::matchers::{any, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Sent, answering, body, client, sent};

/// A page of so many bookings, their uids beginning with a number.
fn page(first: usize, length: usize, has_next_page: Option<bool>) -> ResponseTemplate {
    let template = &body("066-booking-create")["data"];
    let booking = |number: usize| {
        let mut booking = template.clone();
        booking["uid"] = json!(format!("u{number}"));
        booking
    };
    let data: Vec<Value> = (first..first + length).map(booking).collect();
    let mut body = json!({"status": "success", "data": data});
    if let Some(more) = has_next_page {
        body["pagination"] = json!({"totalItems": 5, "hasNextPage": more});
    }
    ResponseTemplate::new(200).set_body_json(body)
}

async fn serve(server: &MockServer, skip: &str, answer: ResponseTemplate) {
    let from = Mock::given(query_param("skip", skip)).respond_with(answer);
    from.mount(server).await;
}

fn taking(take: u32) -> BookingQuery {
    BookingQuery::default().with_take(take)
}

fn uids(bookings: &[Booking]) -> Vec<&str> {
    bookings.iter().map(|b| b.uid.as_str()).collect()
}

async fn skips(server: &MockServer) -> Vec<Option<String>> {
    let skip = |sent: Sent| {
        let mut pairs = sent.query.into_iter();
        pairs
            .find(|(name, _)| name == "skip")
            .map(|(_, value)| value)
    };
    sent(server).await.into_iter().map(skip).collect()
}

#[tokio::test]
async fn pages_are_asked_for_until_there_are_no_more() {
    let server = MockServer::start().await;
    serve(&server, "2", page(2, 2, Some(true))).await;
    serve(&server, "4", page(4, 1, Some(false))).await;
    let first = Mock::given(any()).respond_with(page(0, 2, Some(true)));
    first.mount(&server).await;
    let client = client(&server);
    let walked = client
        .bookings()
        .list_all(taking(2))
        .try_collect::<Vec<_>>();
    assert_eq!(uids(&walked.await.unwrap()), ["u0", "u1", "u2", "u3", "u4"]);
    let version = Some("2024-08-13");
    let call = |pairs| Sent::new("GET", "/v2/bookings", version).query(pairs);
    let expected = [
        call(&[("take", "2")]),
        call(&[("take", "2"), ("skip", "2")]),
        call(&[("take", "2"), ("skip", "4")]),
    ];
    assert_eq!(sent(&server).await, expected);
}

#[tokio::test]
async fn a_walk_begins_where_it_is_told_and_keeps_its_filters() {
    let server = MockServer::start().await;
    serve(&server, "10", page(10, 2, Some(true))).await;
    serve(&server, "12", page(12, 2, Some(false))).await;
    let query = taking(2).with_skip(10).with_status(BookingFilter::Past);
    let client = client(&server);
    let walked = client.bookings().list_all(query).try_collect::<Vec<_>>();
    assert_eq!(walked.await.unwrap().len(), 4);
    for sent in sent(&server).await {
        let filter = ("status".to_owned(), "past".to_owned());
        assert!(sent.query.contains(&filter));
    }
}

#[tokio::test]
async fn the_largest_page_is_asked_for_by_default() {
    let server = answering(page(0, 1, Some(false))).await;
    let client = client(&server);
    let walked = client.bookings().list_all(BookingQuery::default());
    assert_eq!(walked.count().await, 1);
    assert_eq!(
        sent(&server).await[0].query,
        [("take".to_owned(), "250".to_owned())]
    );
}

#[tokio::test]
async fn a_server_that_always_promises_more_is_not_asked_for_ever() {
    let server = MockServer::start().await;
    serve(&server, "2", page(0, 0, Some(true))).await;
    let first = Mock::given(any()).respond_with(page(0, 2, Some(true)));
    first.mount(&server).await;
    let client = client(&server);
    let walked = client
        .bookings()
        .list_all(taking(2))
        .try_collect::<Vec<_>>();
    assert_eq!(walked.await.unwrap().len(), 2);
    assert_eq!(skips(&server).await, [None, Some("2".to_owned())]);
}

#[tokio::test]
async fn without_a_word_about_pages_a_short_one_is_the_last() {
    let server = MockServer::start().await;
    serve(&server, "2", page(2, 1, None)).await;
    let first = Mock::given(any()).respond_with(page(0, 2, None));
    first.mount(&server).await;
    let client = client(&server);
    let walked = client
        .bookings()
        .list_all(taking(2))
        .try_collect::<Vec<_>>();
    assert_eq!(walked.await.unwrap().len(), 3);
    assert_eq!(skips(&server).await, [None, Some("2".to_owned())]);
}

#[tokio::test]
async fn an_error_in_the_middle_is_yielded_and_ends_the_walk() {
    let server = MockServer::start().await;
    serve(&server, "2", ResponseTemplate::new(403)).await;
    let first = Mock::given(any()).respond_with(page(0, 2, Some(true)));
    first.mount(&server).await;
    let client = client(&server);
    let walked: Vec<_> = StreamExt::collect(client.bookings().list_all(taking(2))).await;
    assert_eq!(walked.len(), 3);
    assert!(walked[..2].iter().all(Result::is_ok));
    let error = walked[2].as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(skips(&server).await.len(), 2);
}

#[tokio::test]
async fn nothing_is_asked_for_before_the_walk_begins() {
    let server = answering(page(0, 2, Some(true))).await;
    let client = client(&server);
    let mut walk = std::pin::pin!(client.bookings().list_all(taking(2)));
    assert!(sent(&server).await.is_empty());
    walk.next().await.unwrap().unwrap();
    walk.next().await.unwrap().unwrap();
    assert_eq!(sent(&server).await.len(), 1, "no page ahead of its reader");
}

#[tokio::test]
async fn every_filter_is_sent_in_the_apis_spelling() {
    let server = answering(page(0, 0, Some(false))).await;
    let at = |day: u32| format!("2026-12-{day:02}T08:00:00Z").parse().ok();
    let mut query = BookingQuery::default();
    query.status = vec![BookingFilter::Upcoming, BookingFilter::Cancelled];
    query.attendee_email = Some("ann+1@example.com".to_owned());
    query.attendee_name = Some("Ann & Co".to_owned());
    query.booking_uid = Some("u1".into());
    query.event_type_ids = vec![EventTypeId::new(2), EventTypeId::new(4)];
    query.team_ids = vec![TeamId::new(7), TeamId::new(8)];
    query.after_start = at(1);
    query.before_end = at(2);
    query.after_created_at = at(3);
    query.before_created_at = at(4);
    query.after_updated_at = at(5);
    query.before_updated_at = at(6);
    query.sort_start = Some(SortOrder::Ascending);
    query.sort_end = Some(SortOrder::Descending);
    query.sort_created = Some(SortOrder::Ascending);
    query.sort_updated_at = Some(SortOrder::Descending);
    query.take = Some(50);
    query.skip = Some(3);
    query.cursor = Some("c".to_owned());
    client(&server).bookings().list(&query).await.unwrap();
    let expected = Sent::new("GET", "/v2/bookings", Some("2024-08-13")).query(&[
        ("status", "upcoming,cancelled"),
        ("attendeeEmail", "ann+1@example.com"),
        ("attendeeName", "Ann & Co"),
        ("bookingUid", "u1"),
        ("eventTypeIds", "2,4"),
        ("teamsIds", "7,8"),
        ("afterStart", "2026-12-01T08:00:00Z"),
        ("beforeEnd", "2026-12-02T08:00:00Z"),
        ("afterCreatedAt", "2026-12-03T08:00:00Z"),
        ("beforeCreatedAt", "2026-12-04T08:00:00Z"),
        ("afterUpdatedAt", "2026-12-05T08:00:00Z"),
        ("beforeUpdatedAt", "2026-12-06T08:00:00Z"),
        ("sortStart", "asc"),
        ("sortEnd", "desc"),
        ("sortCreated", "asc"),
        ("sortUpdatedAt", "desc"),
        ("take", "50"),
        ("skip", "3"),
        ("cursor", "c"),
    ]);
    assert_eq!(sent(&server).await, [expected]);
}

/// The list of API version 2026-05-01 counts no pages and gives a cursor instead.
#[tokio::test]
async fn a_list_of_cursors_is_walked_by_its_cursors() {
    let server = MockServer::start().await;
    let template = &body("066-booking-create")["data"];
    let page = |uid: &str, next: Option<&str>| {
        let mut booking = template.clone();
        booking["uid"] = json!(uid);
        let pagination = json!({"nextCursor": next, "hasMore": next.is_some()});
        let body = json!({"status": "success", "data": [booking], "pagination": pagination});
        ResponseTemplate::new(200).set_body_json(body)
    };
    for (cursor, answer) in [("one", page("u1", Some("two"))), ("two", page("u2", None))] {
        let from = Mock::given(query_param("cursor", cursor)).respond_with(answer);
        from.mount(&server).await;
    }
    let first = Mock::given(any())
        .respond_with(page("u0", Some("one")))
        .with_priority(9);
    first.mount(&server).await;
    let client = client(&server);
    let walked = client
        .bookings()
        .list_all(BookingQuery::default())
        .try_collect::<Vec<_>>();
    assert_eq!(uids(&walked.await.unwrap()), ["u0", "u1", "u2"]);
}
