//! What a company needs of the transport: proxies, headers, certificates.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use calcom::client::{Client, ErrorKind, HttpError, HttpService, Retryability};
use calcom::model::UserUpdate;
use http::{HeaderName, HeaderValue, Request, Response};

use crate::support::{KEY, answering, body, builder, recorded};

/// A certificate made for these tests, which nobody trusts.
const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhjCCASugAwIBAgIUBaMOmjYA7txk9qJ5ChgfuICDRDYwCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMY2FsY29tIHRlc3RzMCAXDTI2MTEyMTIxNDQ1MVoYDzIxMjYx
MDI4MjE0NDUxWjAXMRUwEwYDVQQDDAxjYWxjb20gdGVzdHMwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAQFrbcbTa2q6Sb5T+vJNcjDpZgwZUdWNPnzLSYqBGYcR5FL
Tosg1KpuxfWmVRC6hyT3TGvW+0mQIxI2xmi+ObtUo1MwUTAdBgNVHQ4EFgQUnjB0
gZxXTnXRfX7lHUK+Gvb0YyowHwYDVR0jBBgwFoAUnjB0gZxXTnXRfX7lHUK+Gvb0
YyowDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNJADBGAiEAsxL4tlJKfRY3
RDa+kFEG3qn1IXKXm7WwbnZypV55++UCIQDoSN7WFVkWiS6lDrtiDCYj+682iRzu
6ZZpGOcB6Wf7/Q==
-----END CERTIFICATE-----
";

/// Its private key.
const PRIVATE_KEY: &str = "\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAfclwFt+td9PJ5GM
oiSm+SmezLj93QWYgiSrpElnsoyhRANCAAQFrbcbTa2q6Sb5T+vJNcjDpZgwZUdW
NPnzLSYqBGYcR5FLTosg1KpuxfWmVRC6hyT3TGvW+0mQIxI2xmi+ObtU
-----END PRIVATE KEY-----
";

#[tokio::test]
async fn a_proxy_gets_every_request() {
    let proxy = answering(recorded("011-me")).await;
    let client = builder("http://cal.test/v2").proxy(proxy.uri());
    assert!(!format!("{client:?}").contains(&proxy.uri()));
    client.build().unwrap().me().get().await.unwrap();
    let received = proxy.received_requests().await.unwrap();
    assert_eq!(received.len(), 1);
    assert_eq!(received[0].headers["host"], "cal.test");
}

#[tokio::test]
async fn headers_and_user_agent_are_those_asked_for() {
    let server = answering(recorded("011-me")).await;
    let base = format!("{}/v2", server.uri());
    builder(&base).build().unwrap().me().get().await.unwrap();
    builder(&base)
        .user_agent("shop/2.1")
        .default_header(
            HeaderName::from_static("x-gateway"),
            HeaderValue::from_static("blue"),
        )
        .default_header(
            HeaderName::from_static("authorization"),
            HeaderValue::from_static("Bearer another"),
        )
        .read_timeout(Duration::from_secs(5))
        .max_idle_connections(2)
        .idle_timeout(Duration::from_secs(10))
        .no_proxy()
        .build()
        .unwrap()
        .me()
        .get()
        .await
        .unwrap();
    let received = server.received_requests().await.unwrap();
    let default = concat!("calcom-rs/", env!("CARGO_PKG_VERSION"));
    assert_eq!(received[0].headers["user-agent"], default);
    assert_eq!(received[1].headers["user-agent"], "shop/2.1");
    assert_eq!(received[1].headers["x-gateway"], "blue");
    let key = format!("Bearer {KEY}");
    assert_eq!(received[1].headers["authorization"], key.as_str());
}

#[test]
fn what_cannot_be_read_is_named_and_not_repeated() {
    let refused = |build: Result<Client, calcom::client::Error>| {
        let error = build.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
        error.fields()[0].field().to_owned()
    };
    let build = || Client::builder(KEY);
    assert_eq!(refused(build().proxy("hunter2 ://").build()), "proxy");
    let agent = build().user_agent("hunter2\n").build();
    assert_eq!(refused(agent), "user_agent");
    let roots = build().root_certificates("hunter2").build();
    assert_eq!(refused(roots), "root_certificates");
    let identity = build().client_identity("hunter2").build();
    assert_eq!(refused(identity), "client_identity");
}

#[test]
fn certificates_and_an_identity_are_taken_as_pem() {
    let bundle = format!("{CERTIFICATE}{CERTIFICATE}");
    let identity = format!("{CERTIFICATE}{PRIVATE_KEY}");
    let built = Client::builder(KEY)
        .root_certificates(bundle)
        .client_identity(identity)
        .build();
    built.unwrap();
}

/// Answers in turn, and keeps what it was sent.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<VecDeque<Result<Response<Bytes>, HttpError>>>,
    sent: Mutex<Vec<Request<Bytes>>>,
}

#[async_trait]
impl HttpService for Scripted {
    async fn send(
        &self,
        request: Request<Bytes>,
        max_body: usize,
    ) -> Result<Response<Bytes>, HttpError> {
        assert_eq!(max_body, 1000);
        self.sent.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

fn scripted(answers: Vec<Result<Response<Bytes>, HttpError>>) -> (Client, Arc<Scripted>) {
    let service = Arc::new(Scripted {
        answers: Mutex::new(answers.into()),
        ..Scripted::default()
    });
    let client = builder("https://cal.test/v2")
        .http_service(Arc::clone(&service))
        .user_agent("shop/2.1")
        .max_response_bytes(1000)
        .attempt_timeout(Duration::from_millis(50))
        .build();
    (client.unwrap(), service)
}

fn user() -> Response<Bytes> {
    Response::new(body("011-me").to_string().into())
}

#[tokio::test]
async fn a_service_of_the_users_own_carries_the_requests() {
    let (client, service) = scripted(vec![Ok(user())]);
    let update = UserUpdate::default().with_name("Hanna");
    client.me().update(&update).await.unwrap();
    let sent = service.sent.lock().unwrap();
    assert_eq!(sent[0].uri(), "https://cal.test/v2/me");
    assert_eq!(sent[0].method(), "PATCH");
    assert_eq!(sent[0].body().as_ref(), br#"{"name":"Hanna"}"#);
    let header = |name: &str| sent[0].headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("authorization"), format!("Bearer {KEY}"));
    assert_eq!(header("user-agent"), "shop/2.1");
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("accept"), "application/json");
}

#[tokio::test]
async fn a_failure_of_the_service_is_told_as_one_of_the_transport() {
    // A request that was certainly not sent is sent again, a write too.
    let (client, service) = scripted(vec![Err(HttpError::not_sent("refused")), Ok(user())]);
    client.me().update(&UserUpdate::default()).await.unwrap();
    assert_eq!(service.sent.lock().unwrap().len(), 2);
    // One that may have been carried out is not.
    for failure in [HttpError::interrupted("reset"), HttpError::timeout("slow")] {
        let is_timeout = failure.to_string().contains("in time");
        let (client, service) = scripted(vec![Err(failure)]);
        let error = client
            .me()
            .update(&UserUpdate::default())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert_eq!(error.retryability(), Retryability::IfIdempotent);
        assert_eq!(error.is_timeout(), is_timeout);
        assert_eq!(service.sent.lock().unwrap().len(), 1);
    }
    // The client bounds time and size by itself.
    let (client, _) = scripted(vec![]);
    let error = client
        .me()
        .update(&UserUpdate::default())
        .await
        .unwrap_err();
    assert!(error.is_timeout());
    let huge = || Ok(Response::new(Bytes::from(vec![b'x'; 1001])));
    for answer in [huge(), Err(HttpError::too_large())] {
        let (client, _) = scripted(vec![answer]);
        let error = client.me().get().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains("1000"), "{error}");
    }
}
