//! The signatures of webhook deliveries, as Cal.com and other senders make them.

use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::webhook;

/// The header with the payload version.
pub const PAYLOAD_VERSION_HEADER: &str = "X-Cal-Webhook-Version";

/// The value of [`SIGNATURE_HEADER`](crate::webhook::SIGNATURE_HEADER) when the subscription has no
/// secret.
pub const NO_SECRET: &str = "no-secret-provided";

/// The version of the payloads that the hosted service sends, and `FakeCalcom` in its place. A
/// self-hosted server of August 2025 names none.
pub const PAYLOAD_VERSION: &str = "2021-10-20";

/// The signature of a delivery: the HMAC-SHA256 of the raw body in lower-case hexadecimal.
///
/// It covers the exact bytes, so a body that is parsed and serialized again no longer matches.
pub fn sign(secret: &str, body: &[u8]) -> String {
    webhook::sign(secret, body)
}

/// What Retell puts into [`RETELL_SIGNATURE_HEADER`](crate::webhook::RETELL_SIGNATURE_HEADER), with
/// the account's API key as the secret.
pub fn sign_retell(key: &str, body: &[u8], at: DateTime<Utc>) -> String {
    let millis = at.timestamp_millis().to_string();
    let digest = webhook::sign(key, &[body, millis.as_bytes()].concat());
    format!("v={millis},d={digest}")
}

/// What Stripe puts into [`STRIPE_SIGNATURE_HEADER`](crate::webhook::STRIPE_SIGNATURE_HEADER), with a
/// signature for each secret.
pub fn sign_stripe(secrets: &[&str], body: &[u8], at: DateTime<Utc>) -> String {
    let seconds = at.timestamp();
    let signed = [seconds.to_string().as_bytes(), b".", body].concat();
    let mut value = format!("t={seconds}");
    for secret in secrets {
        value.push_str(",v1=");
        value.push_str(&webhook::sign(secret, &signed));
    }
    value
}

/// One signature of Standard Webhooks, for `webhook-signature`. Needs feature `standard-webhooks`.
///
/// # Panics
///
/// If the secret is not base64, with or without `whsec_`, or the body is not UTF-8.
#[cfg(feature = "standard-webhooks")]
pub fn sign_standard_webhook(secret: &str, id: &str, body: &[u8], at: DateTime<Utc>) -> String {
    let key = standardwebhooks::Webhook::new(secret).expect("the secret is base64");
    key.sign(id, at.timestamp(), body)
        .expect("the body is UTF-8")
}

/// The headers of a delivery of JSON.
pub(super) fn json_headers<const N: usize>(signed: [(&'static str, String); N]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json);
    for (name, value) in signed {
        let value = HeaderValue::try_from(value).expect("an id and a signature are visible ASCII");
        headers.insert(HeaderName::from_static(name), value);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn it_is_hmac_sha256_in_lower_case() {
        // RFC 4231, test case 2.
        assert_eq!(
            sign("Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
