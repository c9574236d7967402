//! Senders that sign as Standard Webhooks does: Svix and everybody who sends through it, and many
//! others.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::digest::CtOutput;
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use standardwebhooks::{
    HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook,
};

use super::time::{TOLERANCE, check_age, from_seconds, number};
use super::{header, name};
use crate::webhook::{Sender, Verified, Verifier, VerifyError};

/// What secrets begin with; the rest is base64.
const PREFIX: &str = "whsec_";

/// The scheme of the signatures that count: HMAC-SHA256. `v1a`, with asymmetric keys, is ignored.
const SCHEME: &str = "v1";

/// A secret of [`StandardWebhooksVerifier`] is not base64.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhook secret number {number} is not base64, with or without {PREFIX} before it")]
#[non_exhaustive]
pub struct SecretError {
    /// Which one it is, from 1.
    pub number: usize,
}

/// Verifies deliveries of a sender that signs as [Standard Webhooks](https://www.standardwebhooks.com)
/// does, over `webhook-id`, `webhook-timestamp` and the raw body.
///
/// The event's id is the `webhook-id`, its name is the `type` of the body, or empty if there is none,
/// and it stands alone. Secrets are `whsec_` and base64. A body that is not UTF-8 is refused, because
/// the crate `standardwebhooks`, which computes the signatures, only signs text.
#[derive(Clone)]
pub struct StandardWebhooksVerifier {
    sender: Sender,
    keys: Arc<[Webhook]>,
    tolerance: Duration,
}

impl StandardWebhooksVerifier {
    /// Verifies the deliveries of `sender` against any of several secrets, so that one can be rotated.
    /// Empty ones are ignored.
    ///
    /// # Errors
    ///
    /// [`SecretError`] says which secret is not base64.
    pub fn new(
        sender: impl Into<Sender>,
        secrets: impl IntoIterator<Item = SecretString>,
    ) -> Result<Self, SecretError> {
        let mut keys = Vec::new();
        for (index, secret) in secrets.into_iter().enumerate() {
            let secret = secret.expose_secret();
            // The prefix alone is an empty key, with which anybody could sign.
            if secret.strip_prefix(PREFIX).unwrap_or(secret).is_empty() {
                continue;
            }
            let number = index + 1;
            keys.push(Webhook::new(secret).map_err(|_| SecretError { number })?);
        }
        Ok(Self {
            sender: sender.into(),
            keys: keys.into(),
            tolerance: TOLERANCE,
        })
    }

    /// Sets how far the time of a signature may be from now, in either direction. 5 minutes by
    /// default.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// The id of a delivery and when it was signed, once that is verified.
    fn named<'h>(
        &self,
        headers: &'h HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(&'h str, DateTime<Utc>), VerifyError> {
        let value = header::sole(headers, HEADER_WEBHOOK_SIGNATURE)?.ok_or(VerifyError::Missing)?;
        let beside = |name| header::sole(headers, name)?.ok_or(VerifyError::Malformed);
        let (id, digits) = (
            beside(HEADER_WEBHOOK_ID)?,
            beside(HEADER_WEBHOOK_TIMESTAMP)?,
        );
        if id.is_empty() || is_ambiguous(id) {
            return Err(VerifyError::Malformed);
        }
        let seconds = number(digits)?;
        let signed_at = from_seconds(seconds)?;
        let claimed: Vec<_> = value
            .split_ascii_whitespace()
            .filter_map(|signature| signature.split_once(','))
            .filter(|(scheme, _)| *scheme == SCHEME)
            .map(|(_, signature)| comparable(signature))
            .collect();
        if claimed.is_empty() {
            return Err(VerifyError::Missing);
        }
        if self.keys.is_empty() {
            return Err(VerifyError::NoSecretHere);
        }
        // `Webhook::verify` would ask the system for the time, and stop at the first match.
        let mut matched = false;
        for key in &*self.keys {
            // Fails if the body is no text.
            let signed = key.sign(id, seconds, body);
            let signed = signed.map_err(|_| VerifyError::Mismatch)?;
            let (_, expected) = signed.split_once(',').ok_or(VerifyError::Mismatch)?;
            let expected = comparable(expected);
            for signature in &claimed {
                matched |= expected == *signature;
            }
        }
        if !matched {
            return Err(VerifyError::Mismatch);
        }
        check_age(signed_at, now, self.tolerance)?;
        Ok((id, signed_at))
    }
}

impl Verifier for StandardWebhooksVerifier {
    fn sender(&self) -> Sender {
        self.sender.clone()
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Verified, VerifyError> {
        let (id, signed_at) = self.named(headers, body, now)?;
        let event = serde_json::from_slice::<Event<'_>>(body).ok();
        let event = event.filter(|event| !event.type_.is_empty());
        let event = event.map(|event| name::storable(&event.type_));
        Ok(Verified::new(name::storable(id), event.unwrap_or_default()).with_signed_at(signed_at))
    }

    fn accepted_status(&self) -> StatusCode {
        StatusCode::OK
    }
}

impl fmt::Debug for StandardWebhooksVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandardWebhooksVerifier")
            .field("sender", &self.sender)
            .field("secrets", &self.keys.len())
            .field("tolerance", &self.tolerance)
            .finish()
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    type_: Cow<'a, str>,
}

/// Whether a part of an id could pass for the time, as both are signed with full stops between them:
/// with such ids, the same signature would hold for another id, time and body.
fn is_ambiguous(id: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    id.split('.').skip(1).any(is_number)
}

/// A signature in a form of which two are compared in constant time.
fn comparable(signature: &str) -> CtOutput<Sha256> {
    CtOutput::new(Sha256::digest(signature))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    const NOW: i64 = 1_796_040_000;
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const OTHER: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    const EVENT: &[u8] = br#"{"type":"contact.created","data":{"id":"c-1"}}"#;

    fn at(seconds: i64) -> DateTime<Utc> {
        from_seconds(seconds).unwrap()
    }

    fn headers(id: &str, digits: &str, signature: &str) -> HeaderMap {
        let parts = [
            (HEADER_WEBHOOK_ID, id),
            (HEADER_WEBHOOK_TIMESTAMP, digits),
            (HEADER_WEBHOOK_SIGNATURE, signature),
        ];
        let header = |(name, value): (&'static str, &str)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        };
        parts.map(header).into_iter().collect()
    }

    fn sign(secret: &str, id: &str, seconds: i64, body: &[u8]) -> String {
        Webhook::new(secret)
            .unwrap()
            .sign(id, seconds, body)
            .unwrap()
    }

    fn signed(secret: &str, body: &[u8], seconds: i64) -> HeaderMap {
        let signature = sign(secret, "msg_1", seconds, body);
        headers("msg_1", &seconds.to_string(), &signature)
    }

    fn verifier(secrets: &[&str]) -> StandardWebhooksVerifier {
        let secrets = secrets.iter().map(|secret| SecretString::from(*secret));
        StandardWebhooksVerifier::new("clerk", secrets).unwrap()
    }

    fn verify(headers: &HeaderMap) -> Result<Verified, VerifyError> {
        verifier(&[SECRET]).verify(headers, EVENT, at(NOW))
    }

    #[test]
    fn it_agrees_with_another_implementation() {
        // Python: base64.b64encode(hmac.digest(base64.b64decode("MfKQ…"), b"msg_1.1796040000." + body, "sha256"))
        let signature = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== \
            v1,tfRnB/gXE2eYoA5s7B+FXMmFKfGEue9yV0tIKTxQvzU=";
        let headers = headers("msg_1", "1796040000", signature);
        let verified = verifier(&[SECRET]).verify(&headers, EVENT, at(NOW + 3));
        let expected = Verified::new("msg_1", "contact.created").with_signed_at(at(NOW));
        assert_eq!(verified, Ok(expected));
        assert_eq!(verifier(&[SECRET]).sender(), "clerk");
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let good = sign(SECRET, "msg_1", NOW, EVENT);
        let other = sign(OTHER, "msg_1", NOW, EVENT);
        let digits = NOW.to_string();
        for value in [
            format!("{other} {good}"),
            format!("{good} {other}"),
            format!("  {good}  v1a,zz v2,zz nonsense v1, "),
        ] {
            assert!(
                verify(&headers("msg_1", &digits, &value)).is_ok(),
                "{value}"
            );
        }
        let refused = |value: &str| verify(&headers("msg_1", &digits, value)).unwrap_err();
        assert_eq!(refused(&other), VerifyError::Mismatch);
        assert_eq!(refused("v1,"), VerifyError::Mismatch);
        assert_eq!(refused(&good[..good.len() - 1]), VerifyError::Mismatch);
        assert_eq!(refused(&format!("{good}=")), VerifyError::Mismatch);
        assert_eq!(refused(&good.to_lowercase()), VerifyError::Mismatch);
        for scheme in ["v1a", "v2", "V1", "v0", ""] {
            let value = good.replace("v1,", &format!("{scheme},"));
            assert_eq!(refused(&value), VerifyError::Missing, "{value}");
        }
        assert_eq!(refused(""), VerifyError::Missing);
    }

    #[test]
    fn the_id_and_the_time_have_to_be_there_once() {
        let good = signed(SECRET, EVENT, NOW);
        assert!(verify(&good).is_ok());
        for (name, error) in [
            (HEADER_WEBHOOK_ID, VerifyError::Malformed),
            (HEADER_WEBHOOK_TIMESTAMP, VerifyError::Malformed),
            (HEADER_WEBHOOK_SIGNATURE, VerifyError::Missing),
        ] {
            let mut without = good.clone();
            without.remove(name);
            assert_eq!(verify(&without), Err(error), "{name}");
            let mut twice = good.clone();
            twice.append(name, good[name].clone());
            assert_eq!(verify(&twice), Err(VerifyError::Malformed), "{name}");
            let mut foreign = good.clone();
            foreign.insert(name, HeaderValue::from_bytes(b"\xe9").unwrap());
            assert_eq!(verify(&foreign), Err(VerifyError::Malformed), "{name}");
        }
        let signature = good[HEADER_WEBHOOK_SIGNATURE].to_str().unwrap();
        for digits in [
            "",
            "+1796040000",
            "01796040000",
            "1796040000.0",
            "9223372036854775807",
        ] {
            let headers = headers("msg_1", digits, signature);
            assert_eq!(verify(&headers), Err(VerifyError::Malformed), "{digits}");
        }
        let other_id = headers("msg_2", "1796040000", signature);
        assert_eq!(verify(&other_id), Err(VerifyError::Mismatch));
        let other_time = headers("msg_1", "1796040001", signature);
        assert_eq!(verify(&other_time), Err(VerifyError::Mismatch));
    }

    #[test]
    fn an_id_cannot_take_a_part_of_the_body_or_give_one_up() {
        // Both headers and bodies give the same signed text.
        let body = b"1796040000.{}";
        let signature = sign(SECRET, "msg_1", NOW, body);
        let moved = headers("msg_1.1796040000", "1796040000", &signature);
        let verifier = verifier(&[SECRET]);
        let refused = verifier.verify(&moved, b"{}", at(NOW));
        assert_eq!(refused, Err(VerifyError::Malformed));
        for id in ["msg.1", "a.b.2", "1.2", "a..3"] {
            let signature = sign(SECRET, id, NOW, EVENT);
            let headers = headers(id, "1796040000", &signature);
            assert_eq!(verify(&headers), Err(VerifyError::Malformed), "{id}");
        }
        for id in ["1", "msg.a", "msg.1a", ".", "a.", "3f2a-4c.x"] {
            let signature = sign(SECRET, id, NOW, EVENT);
            let headers = headers(id, "1796040000", &signature);
            assert_eq!(verify(&headers).unwrap().event_id, id);
        }
        let nameless = headers("", "1796040000", &sign(SECRET, "", NOW, EVENT));
        assert_eq!(verify(&nameless), Err(VerifyError::Malformed));
        let long = "x".repeat(300);
        let named = headers(&long, "1796040000", &sign(SECRET, &long, NOW, EVENT));
        assert_eq!(verify(&named).unwrap().event_id, name::storable(&long));
    }

    #[test]
    fn the_time_has_to_be_recent() {
        let verifier = verifier(&[SECRET]);
        let headers = signed(SECRET, EVENT, NOW);
        let verify = |verifier: &StandardWebhooksVerifier, now| {
            verifier.verify(&headers, EVENT, at(now)).map(drop)
        };
        for apart in [-300, 0, 300] {
            assert_eq!(verify(&verifier, NOW + apart), Ok(()));
        }
        for apart in [-301, 301] {
            assert_eq!(verify(&verifier, NOW + apart), Err(VerifyError::Stale));
        }
        let strict = verifier.clone().with_tolerance(Duration::ZERO);
        assert_eq!(verify(&strict, NOW), Ok(()));
        assert_eq!(verify(&strict, NOW + 1), Err(VerifyError::Stale));
    }

    #[test]
    fn each_secret_counts_but_an_empty_one() {
        let headers = signed(SECRET, EVENT, NOW);
        let bare = SECRET.strip_prefix(PREFIX).unwrap();
        for secrets in [
            &[OTHER, SECRET][..],
            &[SECRET, OTHER],
            &["", SECRET],
            &[bare],
        ] {
            assert!(verifier(secrets).verify(&headers, EVENT, at(NOW)).is_ok());
        }
        let refused = |secrets: &[&str], headers| verifier(secrets).verify(headers, EVENT, at(NOW));
        assert_eq!(refused(&[OTHER], &headers), Err(VerifyError::Mismatch));
        let by_empty = signed("", EVENT, NOW);
        for secrets in [&[][..], &[""], &["whsec_"], &["", "whsec_"]] {
            assert_eq!(refused(secrets, &by_empty), Err(VerifyError::NoSecretHere));
        }
    }

    #[test]
    fn a_secret_that_is_not_base64_is_named_but_not_shown() {
        for secret in ["whsec_qZ8 wT4", "whpk_qZ8w", "whsec_qZ8", "whsec_qZ8w="] {
            let secrets = [SECRET, "", secret].map(SecretString::from);
            let error = StandardWebhooksVerifier::new("clerk", secrets).unwrap_err();
            assert_eq!(error, SecretError { number: 3 });
            let told = format!("{error} {error:?}");
            assert!(!told.contains("qZ8"), "{told}");
        }
    }

    #[test]
    fn a_body_without_a_type_is_an_event_all_the_same() {
        for body in [
            "",
            "{}",
            "[]",
            "text",
            r#"{"type":7}"#,
            r#"{"type":""}"#,
            r#"{"type":null}"#,
        ] {
            let headers = signed(SECRET, body.as_bytes(), NOW);
            let event = verifier(&[SECRET]).verify(&headers, body.as_bytes(), at(NOW));
            let expected = Verified::new("msg_1", "").with_signed_at(at(NOW));
            assert_eq!(event, Ok(expected), "{body}");
        }
        let headers = signed(SECRET, EVENT, NOW);
        let latin = verifier(&[SECRET]).verify(&headers, b"caf\xe9", at(NOW));
        assert_eq!(latin, Err(VerifyError::Mismatch));
    }

    proptest::proptest! {
        #[test]
        fn one_changed_bit_is_noticed(body in ".+", at_byte: proptest::sample::Index, bit in 0..8_u8) {
            let verifier = verifier(&[SECRET]);
            let headers = signed(SECRET, body.as_bytes(), NOW);
            let verify = |body: &[u8]| verifier.named(&headers, body, at(NOW)).map(drop);
            proptest::prop_assert_eq!(verify(body.as_bytes()), Ok(()));
            let mut changed = body.clone().into_bytes();
            let index = at_byte.index(changed.len());
            changed[index] ^= 1 << bit;
            proptest::prop_assert_eq!(verify(&changed), Err(VerifyError::Mismatch));
        }
    }
}
