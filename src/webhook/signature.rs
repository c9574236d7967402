//! Verifying that a delivery was signed with a known secret.
//!
//! Cal.com signs the raw body: `X-Cal-Signature-256` is the lower-case hexadecimal HMAC-SHA256.
//! There is no timestamp and no delivery id, so a delivery can be replayed by whoever recorded it;
//! deduplicate by the bytes.

use hmac::digest::CtOutput;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::event::WebhookEvent;

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-cal-signature-256";

/// What Cal.com sends in place of a signature when the subscription has no secret.
const NO_SECRET: &str = "no-secret-provided";

/// Why a delivery is refused, whoever sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There is no signature, or none by a scheme that is known: it comes from somebody else.
    #[error("the delivery carries no signature")]
    Missing,
    /// The sender signs nothing, because its subscription has no secret: set one there.
    #[error("the webhook subscription has no secret; set one at the sender")]
    NoSecretAtSender,
    /// No secret is known on this side: configure one.
    #[error("no webhook secret is configured")]
    NoSecretHere,
    /// The signature, or the time or the id that is signed with the body, cannot be one, is not
    /// there, or is there more than once.
    #[error("the signature is malformed")]
    Malformed,
    /// It was not signed with any of the secrets: a forgery, or a secret that was rotated away.
    #[error("the signature matches none of the webhook secrets")]
    Mismatch,
    /// It was signed with one of the secrets, but too long ago or too far in the future: a replay,
    /// or a clock that is wrong.
    #[error("the delivery was signed too long ago, or in the future")]
    Stale,
    /// It was signed with one of the secrets, but its body names no event: the sender was told to
    /// send something else to this URL.
    #[error("the body names no event")]
    NoEvent,
}

impl VerifyError {
    /// The status to answer with: 503 for [`NoSecretHere`](Self::NoSecretHere), which is trouble of
    /// the receiver's own, 400 for [`NoEvent`](Self::NoEvent), and otherwise 401.
    pub fn status(self) -> StatusCode {
        match self {
            Self::NoSecretHere => StatusCode::SERVICE_UNAVAILABLE,
            Self::NoEvent => StatusCode::BAD_REQUEST,
            Self::Missing
            | Self::NoSecretAtSender
            | Self::Malformed
            | Self::Mismatch
            | Self::Stale => StatusCode::UNAUTHORIZED,
        }
    }
}

/// The HMAC-SHA256 over some parts, one after the other. Comparing two takes constant time.
fn mac(secret: &str, parts: &[&[u8]]) -> CtOutput<Hmac<Sha256>> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize()
}

/// The signature of a body: its HMAC-SHA256 in lower-case hexadecimal.
pub(crate) fn sign(secret: &str, body: &[u8]) -> String {
    hex::encode(mac(secret, &[body]).into_bytes())
}

/// Checks that some parts, one after the other, were signed with one of the secrets, and that one of
/// the signatures shows it.
pub(super) fn check(
    secrets: &[SecretString],
    parts: &[&[u8]],
    signatures: &[[u8; 32]],
) -> Result<(), VerifyError> {
    // An empty secret would accept what anybody can compute.
    let usable: Vec<&str> = secrets
        .iter()
        .map(ExposeSecret::expose_secret)
        .filter(|secret| !secret.is_empty())
        .collect();
    if usable.is_empty() {
        return Err(VerifyError::NoSecretHere);
    }
    // Every secret is tried, so that the time taken does not tell which one matched.
    let mut matched = false;
    for secret in usable {
        let expected = mac(secret, parts);
        for signature in signatures {
            matched |= expected == CtOutput::new((*signature).into());
        }
    }
    if matched {
        Ok(())
    } else {
        Err(VerifyError::Mismatch)
    }
}

/// Verifies a delivery and reads what it says. A body whose signature is refused is not read at
/// all.
///
/// # Errors
///
/// [`VerifyError`] says why the delivery must be refused. Answer 401, but 503 for
/// [`VerifyError::NoSecretHere`]: that is trouble of the receiver's own, and the hosted service
/// sends again what was answered with 503.
pub fn receive(
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
) -> Result<WebhookEvent, VerifyError> {
    verify(secrets, headers, body)?;
    Ok(WebhookEvent::parse(body))
}

/// Verifies the signature over the raw bytes of a body, in constant time, against every secret in
/// turn. [`receive`] does this and reads the body; this half alone is for bodies that are read
/// elsewhere.
///
/// # Errors
///
/// [`VerifyError`] says why the delivery must be refused.
pub fn verify(
    secrets: &[SecretString],
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), VerifyError> {
    let header = headers.get(SIGNATURE_HEADER).ok_or(VerifyError::Missing)?;
    let text = header.to_str().map_err(|_| VerifyError::Malformed)?.trim();
    if text == NO_SECRET {
        return Err(VerifyError::NoSecretAtSender);
    }
    let mut signature = [0; 32];
    hex::decode_to_slice(text, &mut signature).map_err(|_| VerifyError::Malformed)?;
    check(secrets, &[body], &[signature])
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(SIGNATURE_HEADER, HeaderValue::from_str(signature).unwrap());
        headers
    }

    fn sign(secret: &str, body: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(body);
        hex::encode(mac.finalize().into_bytes())
    }

    #[test]
    fn any_of_several_secrets_will_do() {
        let secrets = [SecretString::from("old"), SecretString::from("new")];
        for secret in ["old", "new"] {
            assert_eq!(
                verify(&secrets, &headers(&sign(secret, b"x")), b"x"),
                Ok(())
            );
        }
        let other = headers(&sign("other", b"x"));
        assert_eq!(verify(&secrets, &other, b"x"), Err(VerifyError::Mismatch));
    }

    #[test]
    fn a_delivery_is_read_only_if_it_is_verified() {
        let body = br#"{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"u"}}"#;
        let secrets = [SecretString::from("s")];
        let signed = headers(&sign("s", body));
        let event = receive(&secrets, &signed, body).unwrap();
        assert_eq!(event, WebhookEvent::parse(body));
        assert_eq!(
            receive(&secrets, &signed, b"{}"),
            Err(VerifyError::Mismatch)
        );
        assert_eq!(receive(&[], &signed, body), Err(VerifyError::NoSecretHere));
    }

    #[test]
    fn what_is_no_signature_is_refused_by_name() {
        let secrets = [SecretString::from("s")];
        let refused = |headers: &HeaderMap| verify(&secrets, headers, b"x").unwrap_err();
        assert_eq!(refused(&HeaderMap::new()), VerifyError::Missing);
        assert_eq!(refused(&headers(NO_SECRET)), VerifyError::NoSecretAtSender);
        for malformed in ["", "abc", "zz", &"0".repeat(63), &"0".repeat(66)] {
            assert_eq!(refused(&headers(malformed)), VerifyError::Malformed);
        }
        let empty = [SecretString::from("")];
        let by_empty = headers(&sign("", b"x"));
        assert_eq!(
            verify(&empty, &by_empty, b"x"),
            Err(VerifyError::NoSecretHere)
        );
        assert_eq!(verify(&[], &by_empty, b"x"), Err(VerifyError::NoSecretHere));
    }

    proptest::proptest! {
        #[test]
        fn one_changed_bit_is_noticed(body: Vec<u8>, at: proptest::sample::Index, bit in 0..8_u8) {
            proptest::prop_assume!(!body.is_empty());
            let secrets = [SecretString::from("s")];
            let headers = headers(&sign("s", &body));
            proptest::prop_assert_eq!(verify(&secrets, &headers, &body), Ok(()));
            let mut changed = body.clone();
            changed[at.index(body.len())] ^= 1 << bit;
            proptest::prop_assert_eq!(verify(&secrets, &headers, &changed), Err(VerifyError::Mismatch));
        }
    }
}
