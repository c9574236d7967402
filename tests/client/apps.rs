//! Conferencing apps and Stripe: what each method sends, and what it makes of a recorded answer.

use calcom::client::ErrorKind;
use calcom::model::{ConferencingApp, CredentialId};
use serde_json::json;

use crate::support::{Sent, answering, client, recorded, sent, success};

#[tokio::test]
async fn apps_are_listed_connected_and_disconnected() {
    let zoom = json!([{"id": 7, "type": "zoom_video", "userId": 3, "invalid": null}]);
    let server = answering(success(&zoom)).await;
    let listed = client(&server).conferencing().list().await.unwrap();
    let expected = Sent::new("GET", "/v2/conferencing", None);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(listed[0].kind, "zoom_video");

    let meet = ConferencingApp::GoogleMeet;
    let server = answering(recorded("481-conferencing-google-meet-connect")).await;
    let connected = client(&server).conferencing().connect(&meet).await;
    let expected = Sent::new("POST", "/v2/conferencing/google-meet/connect", None);
    assert_eq!(sent(&server).await, [expected]);
    let connected = connected.unwrap();
    assert_eq!(connected.id, CredentialId::new(11));
    assert_eq!(connected.app_id.as_deref(), Some("google-meet"));

    let name = "478-conferencing-google-meet-disconnect-not-installed";
    let server = answering(recorded(name)).await;
    let gone = client(&server).conferencing().disconnect(&meet).await;
    let expected = Sent::new("DELETE", "/v2/conferencing/google-meet/disconnect", None);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(gone.unwrap_err().kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn the_default_app_is_chosen_and_read_or_none() {
    let server = answering(recorded("469-conferencing-daily-video-set-default")).await;
    let video = ConferencingApp::CalVideo;
    let client_of = client(&server);
    client_of.conferencing().set_default(&video).await.unwrap();
    let expected = Sent::new("POST", "/v2/conferencing/daily-video/default", None);
    assert_eq!(sent(&server).await, [expected]);

    let server = answering(recorded("470-conferencing-default-daily-video")).await;
    let chosen = client(&server).conferencing().default().await.unwrap();
    let expected = Sent::new("GET", "/v2/conferencing/default", None);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(chosen.unwrap().app, Some(video));

    let server = answering(recorded("464-conferencing-default-none")).await;
    assert_eq!(
        client(&server).conferencing().default().await.unwrap(),
        None
    );

    let room = json!({"appSlug": "whereby", "appLink": "https://whereby.com/hanna"});
    let server = answering(success(&room)).await;
    let chosen = client(&server).conferencing().default().await.unwrap();
    let chosen = chosen.unwrap();
    assert_eq!(chosen.app, Some("whereby".into()));
    assert!(!format!("{chosen:?}").contains("hanna"));
}

#[tokio::test]
async fn the_address_to_connect_zoom_at_is_a_secret() {
    let server = answering(recorded("473-conferencing-zoom-auth-url")).await;
    let (back, sorry) = ("http://localhost:4601/ok", "http://localhost:4601/err");
    let client = client(&server);
    let zoom = ConferencingApp::Zoom;
    let url = client.conferencing().auth_url(&zoom, back, sorry).await;
    let expected = Sent::new("GET", "/v2/conferencing/zoom/oauth/auth-url", None)
        .query(&[("returnTo", back), ("onErrorReturnTo", sorry)]);
    assert_eq!(sent(&server).await, [expected]);
    let url = url.unwrap();
    assert!(url.expose().starts_with("https://zoom.us/oauth/authorize?"));
    assert!(!format!("{url:?}").contains("cal_test"));
}

#[tokio::test]
async fn stripe_is_checked_and_connected() {
    let server = answering(recorded("488-stripe-check-not-connected")).await;
    let error = client(&server).stripe().check().await.unwrap_err();
    let expected = Sent::new("GET", "/v2/stripe/check", None);
    assert_eq!(sent(&server).await, [expected]);
    assert_eq!(error.kind(), ErrorKind::NotFound);

    let answer = json!({"authUrl": "https://connect.stripe.com/?state=cal_live_0"});
    let server = answering(success(&answer)).await;
    let url = client(&server).stripe().connect_url().await.unwrap();
    let expected = Sent::new("GET", "/v2/stripe/connect", None);
    assert_eq!(sent(&server).await, [expected]);
    assert!(url.expose().ends_with("cal_live_0"));

    let server = answering(recorded("490-stripe-connect")).await;
    let error = client(&server).stripe().connect_url().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.fields()[0].field(), "webhook_secret");
}
