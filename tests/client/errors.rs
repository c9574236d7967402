//! Every shape of error answer that was recorded.

use calcom::client::{Error, ErrorKind, RetryPolicy, Retryability};
use calcom::model::{BookingQuery, EventTypeId};
use chrono::{DateTime, Utc};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{REQUEST_ID, answering, builder, client, recorded};

/// What an error says, for comparison.
pub(crate) type Told<'a> = (ErrorKind, u16, Option<&'a str>, &'a str);

pub(crate) fn told(error: &Error) -> Told<'_> {
    let api = error.api().expect("an answer came");
    let status = api.status().as_u16();
    (error.kind(), status, api.code(), api.message())
}

fn fields(error: &Error) -> Vec<(&str, &str)> {
    let pair = |field| (calcom::client::FieldError::field(field), field.message());
    error.fields().iter().map(pair).collect()
}

/// The error of a call that gets this answer, made once.
pub(crate) async fn answered(answer: ResponseTemplate) -> Error {
    let server = answering(answer).await;
    let once = builder(&format!("{}/v2", server.uri())).retry(RetryPolicy::none());
    once.build().unwrap().me().get().await.unwrap_err()
}

#[tokio::test]
async fn every_recorded_error_is_told_by_its_kind_status_code_and_message() {
    use ErrorKind::{
        BookingLimitReached, Conflict, Forbidden, Invalid, NotFound, RateLimited, Server,
        SlotUnavailable, Unauthorized, UnknownEndpoint,
    };
    let bad = Some("BadRequestException");
    let missing = Some("NotFoundException");
    let unauthorized = Some("UnauthorizedException");
    let recordings: &[(&str, Told<'_>)] = &[
        (
            "014-event-types-list-no-filter",
            (NotFound, 404, missing, "Event types not found"),
        ),
        (
            "026-event-types-get-other-user",
            (NotFound, 404, missing, "Event type with id 10 not found"),
        ),
        (
            "083-booking-create-double-booking",
            (
                SlotUnavailable,
                400,
                bad,
                "User either already has booking at this time or is not available",
            ),
        ),
        (
            "098-booking-create-bad-email",
            (
                Invalid,
                400,
                Some("BAD_REQUEST"),
                "responses - {email}email_validation_error,",
            ),
        ),
        (
            "101-booking-create-unknown-property",
            (
                Invalid,
                400,
                bad,
                "foo property is wrong,property foo should not exist",
            ),
        ),
        (
            "107-booking-create-no-version-header",
            (Invalid, 400, bad, "Bad Request Exception"),
        ),
        (
            "112-me-bad-key",
            (
                Unauthorized,
                401,
                unauthorized,
                "CustomThrottlerGuard - Invalid API Key",
            ),
        ),
        (
            "119-unknown-route",
            (UnknownEndpoint, 404, missing, "Cannot GET /v2/nope"),
        ),
        (
            "121-booking-concurrent-identical-1",
            (Conflict, 409, None, "booking_conflict_error"),
        ),
        (
            "137-bookings-list-take-too-large",
            (Invalid, 400, bad, "Bad Request Exception"),
        ),
        (
            "154-booking-cancel-twice",
            (
                Conflict,
                400,
                bad,
                "Can't cancel booking with uid=8b9zMgNqS9kaRTyt7wE4v2 because it has been cancelled already. Please provide uid of a booking that is not cancelled.",
            ),
        ),
        (
            "155-booking-reschedule-cancelled",
            (
                Conflict,
                400,
                bad,
                "Can't reschedule booking with uid=8b9zMgNqS9kaRTyt7wE4v2 because it has been cancelled. Please provide uid of a booking that is not cancelled.",
            ),
        ),
        (
            "179-booking-confirm-other-user",
            (
                Unauthorized,
                401,
                Some("TRPCError"),
                "You are not authorized to access this resource",
            ),
        ),
        (
            "182-booking-confirm-twice",
            (
                Invalid,
                400,
                Some("TRPCError"),
                "Bad request: Please check your request data and try again",
            ),
        ),
        (
            "224-booking-create-seated-duplicate-attendee",
            (
                SlotUnavailable,
                409,
                None,
                "already_signed_up_for_this_booking_error",
            ),
        ),
        (
            "226-booking-create-seated-full",
            (
                SlotUnavailable,
                409,
                Some("ConflictException"),
                "No more seats left at this seated booking.",
            ),
        ),
        (
            "238-booking-mark-absent-unknown-attendee",
            (Server, 500, None, "Failed to update no-show status"),
        ),
        (
            "250-webhooks-create-duplicate-url",
            (
                Conflict,
                409,
                Some("ConflictException"),
                "Webhook with this subscriber url already exists for this user",
            ),
        ),
        (
            "254-webhooks-get-other-user",
            (
                Forbidden,
                403,
                Some("ForbiddenException"),
                "IsUserWebhookGuard - user with id=(2) is not the owner of webhook with id=(f874acb4-e298-4888-a2e2-51224e3e579c)",
            ),
        ),
        (
            "257-webhooks-delete-again",
            (
                NotFound,
                404,
                missing,
                "Webhook (f874acb4-e298-4888-a2e2-51224e3e579c) not found",
            ),
        ),
        (
            "277-rate-limit-7",
            (
                RateLimited,
                429,
                Some("ThrottlerException"),
                "CustomThrottlerGuard - Too many requests. Please try again later.",
            ),
        ),
        (
            "311-booking-cancel-seat-host-without-reason",
            (
                Invalid,
                400,
                None,
                "Cancellation reason is required when you are the host",
            ),
        ),
        (
            "314-booking-create-body-too-large",
            (Invalid, 413, None, "request entity too large"),
        ),
        (
            "940-me-with-expired-access-token",
            (
                Unauthorized,
                498,
                Some("TokenExpiredException"),
                "ACCESS_TOKEN_IS_EXPIRED",
            ),
        ),
        (
            "950-booking-create-over-day-count-limit",
            (BookingLimitReached, 401, None, "booking_limit_reached"),
        ),
        (
            "952-booking-create-over-day-duration-limit",
            (BookingLimitReached, 401, None, "duration_limit_reached"),
        ),
    ];
    for (name, expected) in recordings {
        let error = answered(recorded(name)).await;
        assert_eq!(told(&error), *expected, "{name}");
        let api = error.api().unwrap();
        // The server names the call wherever it got as far as to read it.
        let named = (*name != "314-booking-create-body-too-large").then_some(REQUEST_ID);
        assert_eq!(api.request_id(), named, "{name}");
        assert_eq!(api.excerpt(), None, "{name}");
        assert_eq!(error.operation(), "me.get");
        let retryability = match expected.0 {
            RateLimited => Retryability::Always,
            Server => Retryability::IfIdempotent,
            _ => Retryability::Never,
        };
        assert_eq!(error.retryability(), retryability, "{name}");
        assert_eq!(
            error.retry_after().is_some(),
            expected.0 == RateLimited,
            "{name}"
        );
        let shown = error.to_string();
        assert!(shown.contains(expected.3), "{name}: {shown}");
        assert!(
            shown.contains(&format!("status {}", expected.1)),
            "{name}: {shown}"
        );
    }
}

#[tokio::test]
async fn refused_fields_are_named_in_every_shape_that_names_them() {
    const LANGUAGES: &str = "language must be one of the following values: ar, ca, de, es,";
    let recordings: &[(&str, &[(&str, &str)])] = &[
        (
            "094-booking-create-missing-attendee",
            &[("attendee", "attendee should not be null or undefined")],
        ),
        (
            "098-booking-create-bad-email",
            &[("responses.email", "email_validation_error")],
        ),
        (
            "100-booking-create-bad-language",
            &[("attendee.language", LANGUAGES)],
        ),
        (
            "101-booking-create-unknown-property",
            &[("foo", "property foo should not exist")],
        ),
        (
            "109-booking-create-empty-body",
            &[
                ("start", "start must be a valid ISO 8601 date string"),
                ("attendee", "attendee should not be null or undefined"),
                (
                    "eventTypeId or eventTypeSlug + username",
                    "Either eventTypeId or eventTypeSlug + username or eventTypeSlug + teamSlug must be provided",
                ),
            ],
        ),
        (
            "137-bookings-list-take-too-large",
            &[("take", "take must not be greater than 250")],
        ),
        (
            "280-booking-create-metadata-number-bool",
            &[
                ("metadata.b", "Expected string, received boolean"),
                ("metadata.n", "Expected string, received number"),
            ],
        ),
        ("083-booking-create-double-booking", &[]),
    ];
    for (name, expected) in recordings {
        let error = answered(recorded(name)).await;
        let fields = fields(&error);
        assert_eq!(fields.len(), expected.len(), "{name}: {fields:?}");
        for (told, expected) in fields.iter().zip(*expected) {
            assert_eq!(told.0, expected.0, "{name}");
            assert!(told.1.starts_with(expected.1), "{name}: {told:?}");
        }
    }
    let error = answered(recorded("107-booking-create-no-version-header")).await;
    let fields = fields(&error);
    assert!(
        fields.iter().any(|(field, _)| *field == "timeZone"),
        "{fields:?}"
    );
    let error = answered(recorded("251-webhooks-create-bad-trigger")).await;
    assert!(
        error
            .fields()
            .iter()
            .any(|field| field.field() == "triggers")
    );
}

#[tokio::test]
async fn the_old_shapes_are_a_version_mismatch() {
    let server = answering(recorded("070-booking-get-no-version-header")).await;
    let error = client(&server)
        .bookings()
        .get(&"u".into())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::VersionMismatch);
    assert_eq!(error.retryability(), Retryability::Never);
    assert_eq!(error.api().unwrap().request_id(), Some(REQUEST_ID));

    let server = answering(recorded("016-event-types-list-wrong-version-default")).await;
    let query = calcom::model::EventTypeQuery::of_user("hanna");
    let error = client(&server)
        .event_types()
        .list(&query)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::VersionMismatch);

    let old_list =
        json!({"status": "success", "data": {"bookings": [], "totalCount": 0, "nextCursor": null}});
    let server = answering(ResponseTemplate::new(200).set_body_json(old_list)).await;
    let query = BookingQuery::default();
    let error = client(&server).bookings().list(&query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::VersionMismatch);

    // Of an event type read alone, the old version wraps the answer once more.
    let old = json!({"status": "success", "data": {"eventType": {"id": 2, "slug": "intro-30", "length": 30}}});
    let server = answering(ResponseTemplate::new(200).set_body_json(old)).await;
    let error = client(&server)
        .event_types()
        .get(EventTypeId::new(2))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::VersionMismatch);
}

#[tokio::test]
async fn an_endpoint_unknown_under_a_version_is_not_a_missing_resource() {
    let server = answering(recorded("052-slots-no-version-header")).await;
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let (start, end) = (at("2026-12-07T00:00:00Z"), at("2026-12-08T00:00:00Z"));
    let query = calcom::model::SlotQuery::new(EventTypeId::new(2), start, end);
    let error = client(&server).slots().list(&query).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnknownEndpoint);
}

#[tokio::test]
async fn a_404_that_is_not_cal_coms_says_nothing_about_the_resource() {
    let strange = [
        ResponseTemplate::new(404).set_body_string("<html>404 Not Found</html>"),
        ResponseTemplate::new(404),
        ResponseTemplate::new(404).set_body_json(json!({"detail": "nothing here"})),
    ];
    for answer in strange {
        let error = answered(answer).await;
        assert_eq!(error.kind(), ErrorKind::UnknownEndpoint);
    }
}

#[tokio::test]
async fn a_full_day_is_told_by_the_bare_answer_only() {
    let error = answered(recorded("950-booking-create-over-day-count-limit")).await;
    assert_eq!(error.kind().as_str(), "booking_limit_reached");
    assert!(error.to_string().contains("another day"), "{error}");
    // The same words about a credential are about the credential.
    let usual = json!({"status": "error", "error": {"code": "UnauthorizedException", "message": "booking_limit_reached"}});
    let error = answered(ResponseTemplate::new(401).set_body_json(usual)).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let other = json!({"statusCode": 401, "message": "Unauthorized"});
    let error = answered(ResponseTemplate::new(401).set_body_json(other)).await;
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    let elsewhere = json!({"statusCode": 403, "message": "booking_limit_reached"});
    let error = answered(ResponseTemplate::new(403).set_body_json(elsewhere)).await;
    assert_eq!(error.kind(), ErrorKind::Forbidden);
}
