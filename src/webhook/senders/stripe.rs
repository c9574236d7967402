//! Stripe.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;

use super::time::{TOLERANCE, check_age, from_seconds, number};
use super::{header, name};
use crate::webhook::signature::check;
use crate::webhook::{Sender, Verified, Verifier, VerifyError};

/// The header that carries Stripe's signatures, as `t=<unix seconds>,v1=<hexadecimal>[,v1=…]`.
pub const STRIPE_SIGNATURE_HEADER: &str = "stripe-signature";

/// The scheme of the signatures that count. Others, such as `v0` of test events, are ignored: a
/// weaker one must not stand in for it.
const SCHEME: &str = "v1";

/// Verifies deliveries of Stripe: the HMAC-SHA256 over the time, a full stop and the raw body, keyed
/// with the endpoint's secret (<https://docs.stripe.com/webhooks#verify-manually>). While a secret is
/// rotated, Stripe sends a signature for each.
///
/// The event's id and name are Stripe's `id` and `type`, and the order key is the id of the object that
/// it is about, if it has one.
#[derive(Clone, Debug)]
pub struct StripeVerifier {
    secrets: Vec<SecretString>,
    tolerance: Duration,
}

impl StripeVerifier {
    /// Verifies against any of several secrets (`whsec_…`, whole). Empty ones are ignored.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            tolerance: TOLERANCE,
        }
    }

    /// Sets how far the time of a signature may be from now, in either direction. 5 minutes by
    /// default.
    #[must_use]
    pub fn with_tolerance(mut self, tolerance: Duration) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// When a delivery was signed, once that is verified.
    fn signed_at(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, VerifyError> {
        let value = header::sole(headers, STRIPE_SIGNATURE_HEADER)?.ok_or(VerifyError::Missing)?;
        let digits = header::sole_value(value, "t")?;
        let signed_at = from_seconds(number(digits)?)?;
        let mut claimed = header::pairs(value)
            .filter(|(scheme, _)| *scheme == SCHEME)
            .map(|(_, signature)| header::from_hex(signature))
            .peekable();
        if claimed.peek().is_none() {
            return Err(VerifyError::Missing);
        }
        // One that is no signature does not take the others with it.
        let signatures: Vec<[u8; 32]> = claimed.filter_map(Result::ok).collect();
        if signatures.is_empty() {
            return Err(VerifyError::Malformed);
        }
        check(&self.secrets, &[digits.as_bytes(), b".", body], &signatures)?;
        check_age(signed_at, now, self.tolerance)?;
        Ok(signed_at)
    }
}

impl Verifier for StripeVerifier {
    fn sender(&self) -> Sender {
        Sender::new("stripe")
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Verified, VerifyError> {
        let signed_at = self.signed_at(headers, body, now)?;
        let Ok(event) = serde_json::from_slice::<Event<'_>>(body) else {
            return Err(VerifyError::NoEvent);
        };
        if event.id.is_empty() || event.type_.is_empty() {
            return Err(VerifyError::NoEvent);
        }
        // By itself, so that an object of another shape does not make the event unreadable.
        let about = serde_json::from_slice::<About<'_>>(body).ok();
        let about = about.map(|about| about.data.object.id);
        let about = about.filter(|id| !id.is_empty());
        Ok(
            Verified::new(name::storable(&event.id), name::storable(&event.type_))
                .with_order_key(about.map(|id| name::storable(&id)))
                .with_signed_at(signed_at),
        )
    }

    fn accepted_status(&self) -> StatusCode {
        StatusCode::OK
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    type_: Cow<'a, str>,
}

#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    object: Object<'a>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::sign;
    use http::HeaderValue;

    const NOW: i64 = 1_796_040_000;
    const EVENT: &[u8] =
        br#"{"id":"evt_1","object":"event","type":"invoice.paid","data":{"object":{"id":"in_1"}}}"#;

    fn at(seconds: i64) -> DateTime<Utc> {
        from_seconds(seconds).unwrap()
    }

    fn headers(value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).unwrap();
        HeaderMap::from_iter([(STRIPE_SIGNATURE_HEADER.parse().unwrap(), value)])
    }

    fn digest(secret: &str, body: &[u8], digits: &str) -> String {
        sign(secret, &[digits.as_bytes(), b".", body].concat())
    }

    fn signed(secret: &str, body: &[u8], seconds: i64) -> HeaderMap {
        let digest = digest(secret, body, &seconds.to_string());
        headers(&format!("t={seconds},v1={digest}"))
    }

    fn verifier(secrets: &[&str]) -> StripeVerifier {
        StripeVerifier::new(secrets.iter().map(|secret| SecretString::from(*secret)))
    }

    fn verify(value: &str) -> Result<Verified, VerifyError> {
        verifier(&["s"]).verify(&headers(value), EVENT, at(NOW))
    }

    fn read(body: &str) -> Result<Verified, VerifyError> {
        let headers = signed("s", body.as_bytes(), NOW);
        verifier(&["s"]).verify(&headers, body.as_bytes(), at(NOW))
    }

    #[test]
    fn it_agrees_with_another_implementation() {
        // Python: hmac.new(b"whsec_test", b"1796040000." + body, "sha256").hexdigest(); the second is of
        // another secret.
        let value = "t=1796040000,v1=2e2a84fe677c1938d347793bdb56cfd34ffeec730d0728e820e8f7fcfb201986,\
            v1=0000000000000000000000000000000000000000000000000000000000000000,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39";
        let verified = verifier(&["whsec_test"]).verify(&headers(value), EVENT, at(NOW + 20));
        let expected = Verified::new("evt_1", "invoice.paid")
            .with_order_key("in_1".to_owned())
            .with_signed_at(at(NOW));
        assert_eq!(verified, Ok(expected));
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let good = digest("s", EVENT, &NOW.to_string());
        let other = digest("other", EVENT, &NOW.to_string());
        for value in [
            format!("t={NOW},v1={other},v1={good}"),
            format!("t={NOW},v1={good},v1={other}"),
            format!("v1={good},t={NOW}"),
            format!("t={NOW},v1=zz,v1=,v1={good}"),
            format!(" t = {NOW} , v1 = {} ,", good.to_uppercase()),
            format!("t={NOW},v0={other},v2={other},v1={good}"),
        ] {
            assert!(verify(&value).is_ok(), "{value}");
        }
        let value = format!("t={NOW},v1={other},v1={other}");
        assert_eq!(verify(&value), Err(VerifyError::Mismatch));
    }

    #[test]
    fn another_scheme_does_not_count() {
        let good = digest("s", EVENT, &NOW.to_string());
        for scheme in ["v0", "v2", "V1", "v10", "v", "d", ""] {
            let value = format!("t={NOW},{scheme}={good}");
            assert_eq!(verify(&value), Err(VerifyError::Missing), "{value}");
            let other = digest("other", EVENT, &NOW.to_string());
            let value = format!("t={NOW},v1={other},{scheme}={good}");
            assert_eq!(verify(&value), Err(VerifyError::Mismatch), "{value}");
        }
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let good = digest("s", EVENT, &NOW.to_string());
        for value in [
            String::new(),
            good.clone(),
            format!("v1={good}"),
            format!("t=,v1={good}"),
            format!("t=+{NOW},v1={good}"),
            format!("t=-{NOW},v1={good}"),
            format!("t=0{NOW},v1={good}"),
            format!("t={NOW}.0,v1={good}"),
            format!("t={},v1={good}", i64::MAX),
            format!("t={},v1={good}", "9".repeat(400)),
            format!("t={NOW},t={NOW},v1={good}"),
            format!("t={NOW},t=1,v1={good}"),
            format!("T={NOW},v1={good}"),
            format!("t={NOW},v1="),
            format!("t={NOW},v1={}", &good[..62]),
            format!("t={NOW},v1={good}00"),
        ] {
            assert_eq!(verify(&value), Err(VerifyError::Malformed), "{value}");
        }
        let verifier = verifier(&["s"]);
        let missing = verifier.verify(&HeaderMap::new(), EVENT, at(NOW));
        assert_eq!(missing, Err(VerifyError::Missing));
        let mut twice = signed("other", EVENT, NOW);
        let value = signed("s", EVENT, NOW)[STRIPE_SIGNATURE_HEADER].clone();
        twice.append(STRIPE_SIGNATURE_HEADER, value);
        let twice = verifier.verify(&twice, EVENT, at(NOW));
        assert_eq!(twice, Err(VerifyError::Malformed));
    }

    #[test]
    fn the_time_is_signed_and_has_to_be_recent() {
        let verifier = verifier(&["s"]);
        let headers = signed("s", EVENT, NOW);
        let verify =
            |verifier: &StripeVerifier, now| verifier.verify(&headers, EVENT, at(now)).map(drop);
        for apart in [-300, 0, 300] {
            assert_eq!(verify(&verifier, NOW + apart), Ok(()));
        }
        for apart in [-301, 301] {
            assert_eq!(verify(&verifier, NOW + apart), Err(VerifyError::Stale));
        }
        let lenient = verifier.clone().with_tolerance(Duration::from_secs(301));
        assert_eq!(verify(&lenient, NOW + 301), Ok(()));
        let good = digest("s", EVENT, &NOW.to_string());
        let value = format!("t={},v1={good}", NOW + 1);
        assert_eq!(super::tests::verify(&value), Err(VerifyError::Mismatch));
    }

    #[test]
    fn each_secret_counts_but_an_empty_one() {
        let headers = signed("new", EVENT, NOW);
        for secrets in [&["old", "new"][..], &["new", "old"], &["", "new"]] {
            assert!(verifier(secrets).verify(&headers, EVENT, at(NOW)).is_ok());
        }
        let refused = |secrets: &[&str], headers| verifier(secrets).verify(headers, EVENT, at(NOW));
        assert_eq!(refused(&["old"], &headers), Err(VerifyError::Mismatch));
        let by_empty = signed("", EVENT, NOW);
        for secrets in [&[][..], &[""]] {
            assert_eq!(refused(secrets, &by_empty), Err(VerifyError::NoSecretHere));
        }
    }

    #[test]
    fn an_event_without_an_object_stands_alone() {
        for data in [
            "null",
            "{}",
            r#"{"object":{}}"#,
            r#"{"object":{"id":7}}"#,
            r#"{"object":{"id":""}}"#,
            "[[1]]",
        ] {
            let body = format!(r#"{{"id":"evt_1","type":"balance.available","data":{data}}}"#);
            let event = read(&body).unwrap();
            assert_eq!(event.event_id, "evt_1");
            assert_eq!(event.order_key, None, "{body}");
        }
    }

    #[test]
    fn a_body_that_names_no_event_is_refused() {
        for body in [
            "",
            "{}",
            "null",
            r#"{"id":"evt_1"}"#,
            r#"{"type":"invoice.paid"}"#,
            r#"{"id":"","type":"invoice.paid"}"#,
            r#"{"id":"evt_1","type":""}"#,
            r#"{"id":1,"type":"invoice.paid"}"#,
            r#"{"id":"evt_1","id":"evt_2","type":"invoice.paid"}"#,
            r#"{"id":"evt_1","type":"invoice.paid"} {}"#,
            r#"{"id":"\ud83d","type":"invoice.paid"}"#,
        ] {
            assert_eq!(read(body), Err(VerifyError::NoEvent), "{body}");
        }
        let long = format!(r#"{{"id":"{}","type":"a\u0000b"}}"#, "e".repeat(256));
        let event = read(&long).unwrap();
        assert!(event.event_id.starts_with("sha256:") && event.event.starts_with("sha256:"));
    }

    proptest::proptest! {
        #[test]
        fn one_changed_bit_is_noticed(body: Vec<u8>, at_byte: proptest::sample::Index, bit in 0..8_u8) {
            proptest::prop_assume!(!body.is_empty());
            let verifier = verifier(&["s"]);
            let headers = signed("s", &body, NOW);
            let verify = |body: &[u8]| verifier.signed_at(&headers, body, at(NOW));
            proptest::prop_assert_eq!(verify(&body), Ok(at(NOW)));
            let mut changed = body.clone();
            changed[at_byte.index(body.len())] ^= 1 << bit;
            proptest::prop_assert_eq!(verify(&changed), Err(VerifyError::Mismatch));
        }
    }
}
