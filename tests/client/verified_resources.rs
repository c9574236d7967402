//! Verified addresses and numbers: what each method sends, and what it makes of a recorded answer.

use std::time::Duration;

use calcom::client::ErrorKind;
use calcom::model::{TeamId, VerifiedEmailId, VerifiedPhoneId, VerifiedResourceQuery};
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer};

use crate::support::{Sent, answering, client, count, fixture, recorded, sent, success};

const EMAIL: &str = "reminders@example.com";
const PHONE: &str = "+4915112345678";

fn request_body(name: &str) -> Value {
    fixture(name)["request"]["body"].clone()
}

#[tokio::test]
async fn an_email_address_is_verified_with_a_code() {
    let name = "736-verified-emails-request-code";
    let server = answering(recorded(name)).await;
    let client_of = client(&server);
    let asked = client_of
        .verified_resources()
        .request_email_code(EMAIL)
        .await;
    asked.unwrap();
    let collection = "/v2/verified-resources/emails";
    let requested = format!("{collection}/verification-code/request");
    let expected = Sent::new("POST", &requested, None).body(request_body(name));
    assert_eq!(sent(&server).await, [expected]);

    let name = "742-verified-emails-verify";
    let server = answering(recorded(name)).await;
    let client_of = client(&server);
    let resources = client_of.verified_resources();
    let verified = resources.verify_email(EMAIL, "458013").await.unwrap();
    let verify = format!("{collection}/verification-code/verify");
    let expected = Sent::new("POST", &verify, None).body(request_body(name));
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(
        (verified.id, verified.email.as_str()),
        (VerifiedEmailId::new(1), EMAIL)
    );
    assert!(!format!("{verified:?}").contains(EMAIL));

    let server = answering(recorded("740-verified-emails-verify-wrong-code")).await;
    let wrong = client(&server);
    let wrong = wrong
        .verified_resources()
        .verify_email(EMAIL, "000000")
        .await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn a_phone_number_is_verified_with_a_code() {
    let answer = json!({"id": 1, "userId": 3, "teamId": null, "phoneNumber": PHONE});
    let server = answering(success(&answer)).await;
    let client = client(&server);
    let resources = client.verified_resources();
    resources.request_phone_code(PHONE).await.unwrap();
    let verified = resources.verify_phone(PHONE, "123456").await.unwrap();
    let phones = "/v2/verified-resources/phones/verification-code";
    let expected = [
        Sent::new("POST", &format!("{phones}/request"), None).body(json!({"phone": PHONE})),
        Sent::new("POST", &format!("{phones}/verify"), None)
            .body(json!({"phone": PHONE, "code": "123456"})),
    ];
    assert_eq!(sent(&server).await, expected);
    assert_eq!(verified.phone_number, PHONE);
    assert!(!format!("{verified:?}").contains("4915112345678"));
}

#[tokio::test]
async fn lists_are_read_in_parts_and_single_entries_or_none() {
    let server = answering(recorded("745-verified-emails-list-take-skip")).await;
    let query = VerifiedResourceQuery::default().with_take(1).with_skip(0);
    let client_of = client(&server);
    let listed = client_of.verified_resources().list_emails(&query).await;
    let expected = Sent::new("GET", "/v2/verified-resources/emails", None)
        .query(&[("take", "1"), ("skip", "0")]);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(listed.unwrap().items[0].email, EMAIL);

    let server = answering(recorded("755-verified-phones-list")).await;
    let everything = VerifiedResourceQuery::default();
    let client_of = client(&server);
    let listed = client_of
        .verified_resources()
        .list_phones(&everything)
        .await;
    let expected = Sent::new("GET", "/v2/verified-resources/phones", None);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(listed.unwrap().items[0].phone_number, PHONE);

    let server = answering(recorded("748-verified-emails-get-other-user")).await;
    let client = client(&server);
    let resources = client.verified_resources();
    let email = resources.get_email(VerifiedEmailId::new(1)).await.unwrap();
    let phone = resources.get_phone(VerifiedPhoneId::new(1)).await.unwrap();
    let expected = [
        Sent::new("GET", "/v2/verified-resources/emails/1", None),
        Sent::new("GET", "/v2/verified-resources/phones/1", None),
    ];
    assert_eq!(sent(&server).await, expected);
    assert_eq!((email, phone), (None, None));
}

#[tokio::test]
async fn a_teams_resources_have_the_teams_path() {
    let name = "760-team-verified-emails-verify";
    let server = answering(recorded(name)).await;
    let client_of = client(&server);
    let resources = client_of.teams().verified_resources(TeamId::new(3));
    let verified = resources.verify_email("team@example.com", "628118").await;
    let path = "/v2/teams/3/verified-resources/emails/verification-code/verify";
    let expected = Sent::new("POST", path, None).body(request_body(name));
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(verified.unwrap().team_id, Some(TeamId::new(3)));

    let server = answering(recorded("763-team-verified-emails-list-not-member")).await;
    let client_of = client(&server);
    let resources = client_of.teams().verified_resources(TeamId::new(3));
    let everything = VerifiedResourceQuery::default();
    let error = resources.list_emails(&everything).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
}

#[tokio::test]
async fn the_limit_on_attempts_to_verify_holds_no_other_call_back() {
    let server = MockServer::start().await;
    let verify = Mock::given(path(
        "/v2/verified-resources/emails/verification-code/verify",
    ));
    let refused = recorded("743-verified-emails-verify-rate-limited");
    verify.respond_with(refused).mount(&server).await;
    let me = Mock::given(path("/v2/me")).respond_with(recorded("011-me"));
    me.mount(&server).await;
    let client = client(&server);
    let resources = client.verified_resources();
    let attempt = resources.verify_email(EMAIL, "458013").await;
    let error = attempt.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(count(&server).await, 1, "the limit is a minute away");
    client.me().get().await.unwrap();
}
