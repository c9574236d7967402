//! Responses of any status, with any headers and body.

use std::time::Duration;

use calcom::bytes::Bytes;
use calcom::chrono::DateTime;
use calcom::client::{Error, ErrorKind};
use calcom::http::{HeaderName, HeaderValue, Response, StatusCode};
use calcom::model::{LINE_LIMIT, TEXT_LIMIT};

use super::model::named;
use super::{Input, Output, told};

/// The headers that are read, and one that is not. An input names them by their index.
pub const HEADERS: &[&str] = &[
    "x-ratelimit-limit-default",
    "x-ratelimit-remaining-default",
    "x-ratelimit-reset-default",
    "x-ratelimit-limit-short",
    "x-ratelimit-remaining-short",
    "x-ratelimit-reset-short",
    "x-ratelimit-reset",
    "retry-after",
    "x-request-id",
    "content-type",
];

/// An input of the target.
pub fn input(which: usize, status: u16, headers: &[(u8, &[u8])], body: &[u8]) -> Vec<u8> {
    let which = u8::try_from(which).expect("fewer than 256 types");
    let head = Output::default().byte(which);
    write(head, status, headers).rest(body)
}

/// Writes the head of a response.
pub fn write(output: Output, status: u16, headers: &[(u8, &[u8])]) -> Output {
    let count = u8::try_from(headers.len()).expect("few headers");
    let output = output.number(status - 100).byte(count);
    headers.iter().fold(output, |output, (name, value)| {
        output.byte(*name).short(value)
    })
}

/// Reads what [`write`] wrote, and the rest as the body.
pub fn read(input: &mut Input<'_>) -> Response<Bytes> {
    let status = StatusCode::from_u16(100 + input.number() % 900).expect("from 100 to 999");
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = status;
    for _ in 0..input.byte().min(32) {
        let name = match HEADERS.get(usize::from(input.byte())) {
            Some(name) => HeaderName::from_static(name),
            None => match HeaderName::from_bytes(input.short()) {
                Ok(name) => name,
                Err(_) => continue,
            },
        };
        if let Ok(value) = HeaderValue::from_bytes(input.short()) {
            response.headers_mut().append(name, value);
        }
    }
    *response.body_mut() = Bytes::copy_from_slice(input.rest());
    response
}

/// Decodes one response, and looks at the error.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let type_ = named(input.byte());
    let response = read(&mut input);
    let now = DateTime::from_timestamp(1_790_000_000, 0).expect("an instant");
    match (type_.decode)(&response, now) {
        Ok(()) => assert!(response.status().is_success(), "{}", response.status()),
        Err(error) => examine(&error, &response),
    }
}

fn examine(error: &Error, response: &Response<Bytes>) {
    let status = response.status();
    let is_unreadable = matches!(error.kind(), ErrorKind::Decode | ErrorKind::VersionMismatch);
    assert_eq!(status.is_success(), is_unreadable, "{error}");
    assert_eq!(status == 429, error.kind() == ErrorKind::RateLimited);
    assert_eq!(status == 429, error.retry_after().is_some());
    let longest = Duration::from_secs(24 * 60 * 60);
    assert!(error.retry_after().is_none_or(|wait| wait <= longest));

    let api = error.api().expect("there was a response");
    assert_eq!(api.status(), status);
    assert!(is_clean(api.code().unwrap_or_default(), LINE_LIMIT));
    assert!(is_clean(error.json_path().unwrap_or_default(), LINE_LIMIT));
    assert!(is_clean(
        &api.message().replace(['\n', '\t'], " "),
        TEXT_LIMIT
    ));
    assert!(
        !api.message().contains('@'),
        "an address: {}",
        api.message()
    );
    assert!(error.fields().len() <= 200);
    for field in error.fields() {
        assert!(is_clean(field.field(), LINE_LIMIT));
        let message = field.message();
        assert!(is_clean(&message.replace(['\n', '\t'], " "), TEXT_LIMIT));
        assert!(!message.contains('@'), "an address: {message}");
    }
    assert!(
        api.excerpt()
            .is_none_or(|excerpt| excerpt.chars().count() <= 300)
    );
    let told = told(error).replace(['\n', '\t'], " ");
    assert!(is_clean(&told, usize::MAX), "{told}");
}

/// Whether a text is one line without controls, and not too long.
fn is_clean(text: &str, limit: usize) -> bool {
    !text.chars().any(char::is_control) && text.chars().count() <= limit
}
