//! Cal.com as one sender of several.

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;

use super::name;
use crate::model::Trigger;
use crate::webhook::{Sender, Verified, Verifier, VerifyError, WebhookEvent, verify};

/// Verifies deliveries of Cal.com, as [`webhook::verify`](verify) does.
///
/// The event's id is the SHA-256 of the body in hexadecimal, as Cal.com gives none, and the order key
/// is the booking's uid. Cal.com does not sign the time either, so that a delivery can be replayed at
/// any time; it is the same event again then. The event is the trigger, or empty where a template of
/// the subscription's own made the body.
///
/// A [`SyncEngine`](crate::sync::SyncEngine) verifies Cal.com's deliveries itself; this is for hosts
/// without one.
#[derive(Clone, Debug)]
pub struct CalcomVerifier {
    secrets: Vec<SecretString>,
}

impl CalcomVerifier {
    /// Verifies against any of several secrets, so that one can be rotated. Empty ones are ignored.
    pub fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
        }
    }
}

impl Verifier for CalcomVerifier {
    fn sender(&self) -> Sender {
        Sender::new("calcom")
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        _now: DateTime<Utc>,
    ) -> Result<Verified, VerifyError> {
        verify(&self.secrets, headers, body)?;
        let event = WebhookEvent::parse(body);
        let trigger = event.trigger().map(Trigger::as_str).unwrap_or_default();
        let booking = event.booking_uid().filter(|uid| !uid.as_str().is_empty());
        let trigger = if trigger.is_empty() {
            String::new()
        } else {
            name::storable(trigger)
        };
        Ok(Verified::new(name::digest(body), trigger)
            .with_order_key(booking.map(|uid| name::storable(uid.as_str()))))
    }

    fn accepted_status(&self) -> StatusCode {
        StatusCode::OK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::{SIGNATURE_HEADER, sign};

    fn verified(body: &str) -> Result<Verified, VerifyError> {
        let verifier = CalcomVerifier::new([SecretString::from("s")]);
        let mut headers = HeaderMap::new();
        let signature = sign("s", body.as_bytes()).parse().unwrap();
        headers.insert(SIGNATURE_HEADER, signature);
        verifier.verify(&headers, body.as_bytes(), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_booking_is_what_the_event_is_about() {
        let body = r#"{"triggerEvent":"BOOKING_CREATED","payload":{"uid":"u-1"}}"#;
        let event = verified(body).unwrap();
        // Python: hashlib.sha256(body).hexdigest()
        let id = "5847f189063147de87f814997c9a3268a7ccdc127ec11897f30f4ff4cd3fc686";
        let expected = Verified::new(id, "BOOKING_CREATED").with_order_key("u-1".to_owned());
        assert_eq!(event, expected);
    }

    #[test]
    fn any_body_that_is_signed_is_an_event() {
        for body in ["", "who: {{name}}", "{}", "[]"] {
            let event = verified(body).unwrap();
            assert_eq!((event.event.as_str(), event.order_key), ("", None));
            assert_eq!(event.event_id, name::digest(body.as_bytes()));
        }
        let hostile = r#"{"triggerEvent":"A\u0000B","payload":{"uid":""}}"#;
        let event = verified(hostile).unwrap();
        assert_eq!(event.event, name::storable("A\0B"));
        assert_eq!(event.order_key, None);
    }
}
