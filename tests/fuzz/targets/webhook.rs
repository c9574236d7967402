//! Webhook deliveries: headers, secrets and bodies of any content.

use calcom::SecretString;
use calcom::http::{HeaderMap, HeaderValue};
use calcom::testing::sign;
use calcom::webhook::{
    SIGNATURE_HEADER, VerifyError, WebhookEvent, receive, verify, without_one_time_passwords,
};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::{Input, Output, told};

/// Part of one of the secrets; nothing may repeat it.
const SECRET_MARK: &str = "whsec-7d1f93c2a6";
/// A one-time password that is put into the body.
const PASSWORD: &str = "otp-5b0c71e84d";

/// Set: the body is signed with one of the secrets.
const SIGNED: u8 = 1;
/// Set: one-time passwords are put into the body.
const WITH_PASSWORDS: u8 = 2;
/// Set: there is no signature header.
const HEADERLESS: u8 = 4;

/// An input of the target: a body with a signature header and a secret.
pub fn input(flags: u8, secret: &[u8], header: &[u8], body: &[u8]) -> Vec<u8> {
    Output::default()
        .byte(flags)
        .short(secret)
        .short(header)
        .rest(body)
}

/// Verifies, parses, cleans and writes out one delivery.
pub fn target(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let secret = String::from_utf8_lossy(input.short()).into_owned();
    let header = input.short();
    let mut body = input.rest().to_vec();
    if flags & WITH_PASSWORDS != 0 {
        body = with_passwords(&body);
    }
    let secrets = [secret.clone(), format!("{secret}{SECRET_MARK}")];

    let mut headers = HeaderMap::new();
    if flags & SIGNED != 0 {
        let signature = sign(&secrets[1], &body);
        headers.insert(
            SIGNATURE_HEADER,
            signature.parse().expect("it is hexadecimal"),
        );
    } else if flags & HEADERLESS == 0
        && let Ok(value) = HeaderValue::from_bytes(header)
    {
        headers.insert(SIGNATURE_HEADER, value);
    }
    verification(&secrets, &headers, &body);
    reading(&body);
    // Grammar only: an escaped surrogate, a number or a depth that cannot be represented is still JSON.
    let is_json = serde_json::from_slice::<IgnoredAny>(&body).is_ok();
    if flags & WITH_PASSWORDS != 0 && is_json {
        no_password_survives(&body);
    }
}

/// A delivery is accepted if and only if the header is the signature with one of the secrets.
fn verification(secrets: &[String], headers: &HeaderMap, body: &[u8]) {
    let claimed = headers.get(SIGNATURE_HEADER).map(HeaderValue::as_bytes);
    let usable = || secrets.iter().filter(|secret| !secret.is_empty());
    let is_signed = claimed.is_some_and(|claimed| {
        usable().any(|secret| {
            let signature = sign(secret, body);
            claimed
                .trim_ascii()
                .eq_ignore_ascii_case(signature.as_bytes())
        })
    });
    let known: Vec<SecretString> = secrets.iter().cloned().map(SecretString::from).collect();
    let verified = verify(&known, headers, body);
    assert_eq!(verified.is_ok(), is_signed, "{verified:?}");
    if let Err(error) = verified {
        assert!(!told(&error).contains(SECRET_MARK));
        assert_eq!(claimed.is_none(), error == VerifyError::Missing);
    }
    match receive(&known, headers, body) {
        Ok(event) => {
            assert!(is_signed, "what is not signed is read");
            assert_eq!(event, WebhookEvent::parse(body));
        }
        Err(error) => assert_eq!(verified, Err(error)),
    }
    // Nothing is accepted without a secret, nor by an empty one.
    for unusable in [&[][..], &[SecretString::from("")]] {
        assert!(verify(unusable, headers, body).is_err());
    }
    // One changed bit is noticed, wherever it is.
    if is_signed && !body.is_empty() {
        let mut forged = body.to_vec();
        let at = forged.len() / 2;
        forged[at] ^= 1;
        assert_eq!(
            receive(&known, headers, &forged),
            Err(VerifyError::Mismatch)
        );
    }
}

/// What is read is written out, and read again as the same event.
fn reading(body: &[u8]) {
    let event = WebhookEvent::parse(body);
    let _ = (event.trigger(), event.booking_uid(), format!("{event:?}"));
    let written = serde_json::to_string(&event).expect("an event is JSON");
    let again: WebhookEvent = serde_json::from_str(&written)
        .unwrap_or_else(|error| panic!("{written} is no event: {error}"));
    assert_eq!(again, event, "{written}");
    if !matches!(event, WebhookEvent::Template(_)) {
        assert_eq!(WebhookEvent::parse(written.as_bytes()), event, "{written}");
    }

    let stored = without_one_time_passwords(body);
    if serde_json::from_slice::<Value>(body).is_ok() {
        assert_eq!(without_one_time_passwords(stored.as_bytes()), stored);
    }
    if let Ok(stored) = serde_json::from_str::<Value>(&stored) {
        assert!(!has_password(&stored), "{stored}");
    }
    let written: Value = serde_json::from_str(&written).expect("an event is JSON");
    assert!(!has_password(&written), "{written}");
}

/// Whether an object at any depth names a one-time password.
fn has_password(json: &Value) -> bool {
    match json {
        Value::Object(object) => object.iter().any(|(key, value)| {
            (key == "oneTimePassword" && !value.is_null()) || has_password(value)
        }),
        Value::Array(items) => items.iter().any(has_password),
        _ => false,
    }
}

/// The body with a one-time password as the first key of every object.
fn with_passwords(body: &[u8]) -> Vec<u8> {
    let mut put = Vec::with_capacity(body.len() * 2);
    let mut in_string = false;
    let mut bytes = body.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        put.push(byte);
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => put.extend(bytes.next()),
            b'{' if !in_string => {
                put.extend(format!(r#""oneTimePassword":"{PASSWORD}""#).bytes());
                let next = body.len() - bytes.len();
                let is_empty = body[next..].trim_ascii_start().first() == Some(&b'}');
                put.extend((!is_empty).then_some(b','));
            }
            _ => {}
        }
    }
    put
}

/// No one-time password is stored, shown or written out.
fn no_password_survives(body: &[u8]) {
    let stored = without_one_time_passwords(body);
    assert!(!stored.contains(PASSWORD), "stored: {stored}");
    let event = WebhookEvent::parse(body);
    assert!(!format!("{event:?}").contains(PASSWORD), "shown");
    let written = serde_json::to_string(&event).expect("an event is JSON");
    assert!(!written.contains(PASSWORD), "written: {written}");
}
