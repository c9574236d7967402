//! What holds for the deliveries of every sender, through the trait that a host sees.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use calcom::SecretString;
use calcom::chrono::{DateTime, TimeDelta, Utc};
use calcom::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use calcom::testing::{RetellBody, StandardWebhookBody, StripeBody, WebhookBody};
use calcom::webhook::{
    CalcomVerifier, RETELL_SIGNATURE_HEADER, RetellVerifier, SIGNATURE_HEADER,
    STRIPE_SIGNATURE_HEADER, StandardWebhooksVerifier, StripeVerifier, Verified, Verifier,
    VerifyError,
};
use serde_json::{Value, json};

/// The secrets, each of them base64 with the prefix of Standard Webhooks, which is fine for all.
const OLD: &str = "whsec_b2xkLXNlY3JldC1vbGQtc2VjcmV0";
const NEW: &str = "whsec_bmV3LXNlY3JldC1uZXctc2VjcmV0";
const OTHER: &str = "whsec_b3RoZXItc2VjcmV0LW90aGVyLXNl";

type Delivery = (HeaderMap, Vec<u8>);

/// A sender, and how it signs.
struct Kind {
    name: &'static str,
    verifier: fn(&[&str]) -> Box<dyn Verifier>,
    /// Event number so many, signed with a secret at a time.
    signed: fn(usize, &str, DateTime<Utc>) -> Delivery,
    signature: &'static str,
    /// The name of event number 0, and what it is about.
    event: (&'static str, Option<&'static str>),
    status: StatusCode,
    signs_the_time: bool,
}

fn secrets(secrets: &[&str]) -> Vec<SecretString> {
    let owned = secrets.iter().map(|secret| SecretString::from(*secret));
    owned.collect()
}

const SENDERS: [Kind; 4] = [
    Kind {
        name: "calcom",
        verifier: |given| Box::new(CalcomVerifier::new(secrets(given))),
        signed: |number, secret, _| {
            let start = "2026-12-08T09:00:00Z".parse().unwrap();
            WebhookBody::created(format!("uid-{number}"), start).signed(secret)
        },
        signature: SIGNATURE_HEADER,
        event: ("BOOKING_CREATED", Some("uid-0")),
        status: StatusCode::OK,
        signs_the_time: false,
    },
    Kind {
        name: "retell",
        verifier: |given| Box::new(RetellVerifier::new(secrets(given))),
        signed: |number, secret, at| {
            RetellBody::call_ended(format!("call_{number}")).signed(secret, at)
        },
        signature: RETELL_SIGNATURE_HEADER,
        event: ("call_ended", Some("call_0")),
        status: StatusCode::NO_CONTENT,
        signs_the_time: true,
    },
    Kind {
        name: "stripe",
        verifier: |given| Box::new(StripeVerifier::new(secrets(given))),
        signed: |number, secret, at| {
            StripeBody::new(format!("evt_{number}"), "invoice.paid").signed(secret, at)
        },
        signature: STRIPE_SIGNATURE_HEADER,
        event: ("invoice.paid", Some("obj_1")),
        status: StatusCode::OK,
        signs_the_time: true,
    },
    Kind {
        name: "clerk",
        verifier: |given| Box::new(StandardWebhooksVerifier::new("clerk", secrets(given)).unwrap()),
        signed: |number, secret, at| {
            StandardWebhookBody::new(format!("msg_{number}"), "user.created")
                .with_data(json!({"id": number}))
                .signed(secret, at)
        },
        signature: "webhook-signature",
        event: ("user.created", None),
        status: StatusCode::OK,
        signs_the_time: true,
    },
];

fn now() -> DateTime<Utc> {
    "2026-12-01T08:00:00Z".parse().unwrap()
}

impl Kind {
    /// Verifies with the two secrets of a rotation.
    fn verify(
        &self,
        (headers, body): &Delivery,
        at: DateTime<Utc>,
    ) -> Result<Verified, VerifyError> {
        (self.verifier)(&[OLD, NEW]).verify(headers, body, at)
    }

    fn with_header(&self, delivery: &Delivery, value: &str) -> Delivery {
        let mut changed = delivery.clone();
        let name: HeaderName = self.signature.parse().unwrap();
        changed
            .0
            .insert(name, HeaderValue::from_str(value).unwrap());
        changed
    }
}

#[test]
fn a_signed_delivery_says_what_it_is() {
    for sender in SENDERS {
        let verifier = (sender.verifier)(&[NEW]);
        assert_eq!(verifier.sender(), sender.name);
        assert_eq!(verifier.accepted_status(), sender.status);
        let (headers, body) = (sender.signed)(0, NEW, now());
        let verified = verifier.verify(&headers, &body, now()).unwrap();
        let (event, about) = sender.event;
        assert_eq!(verified.event, event);
        assert_eq!(verified.order_key.as_deref(), about);
        assert_eq!(verified.signed_at, sender.signs_the_time.then(now));
        assert!(!verified.event_id.is_empty());
    }
}

#[test]
fn a_forged_delivery_is_refused() {
    for sender in SENDERS {
        let name = sender.name;
        let signed = (sender.signed)(0, NEW, now());
        let signature = signed.0[sender.signature].to_str().unwrap().to_owned();

        let mut unsigned = signed.clone();
        unsigned.0.remove(sender.signature);
        let refused = sender.verify(&unsigned, now());
        assert_eq!(refused, Err(VerifyError::Missing), "{name}");

        let garbage = sender.with_header(&signed, "garbage");
        assert!(sender.verify(&garbage, now()).is_err(), "{name}");

        // The last digit that counts is another one; base64 has padding behind it.
        let at = signature.trim_end_matches('=').len() - 2;
        let other = if signature[at..].starts_with('a') {
            "b"
        } else {
            "a"
        };
        let mut forged = signature.clone();
        forged.replace_range(at..=at, other);
        let forged = sender.with_header(&signed, &forged);
        let refused = sender.verify(&forged, now());
        assert_eq!(refused, Err(VerifyError::Mismatch), "{name}");

        // Signed for another body.
        let (_, other_body) = (sender.signed)(1, NEW, now());
        let swapped = (signed.0.clone(), other_body);
        let refused = sender.verify(&swapped, now());
        assert_eq!(refused, Err(VerifyError::Mismatch), "{name}");
    }
}

#[test]
fn a_delivery_signed_with_another_secret_is_refused() {
    for sender in SENDERS {
        let signed = (sender.signed)(0, OTHER, now());
        let refused = sender.verify(&signed, now());
        assert_eq!(refused, Err(VerifyError::Mismatch), "{}", sender.name);
    }
}

#[test]
fn every_change_of_the_body_is_noticed() {
    for sender in SENDERS {
        let (headers, body) = (sender.signed)(0, NEW, now());
        let refused = |changed: Vec<u8>| {
            let refused = sender.verify(&(headers.clone(), changed), now());
            assert_eq!(refused, Err(VerifyError::Mismatch), "{}", sender.name);
        };
        for at in 0..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 1;
            refused(changed);
        }
        refused([&body[..], b" "].concat());
        refused([b" ", &body[..]].concat());
        refused(body[..body.len() - 1].to_vec());
        refused(Vec::new());
        // The same JSON, written in another way.
        let json: Value = serde_json::from_slice(&body).unwrap();
        refused(serde_json::to_vec_pretty(&json).unwrap());
    }
}

#[test]
fn a_stale_delivery_is_refused_in_both_directions() {
    for sender in SENDERS {
        let signed = (sender.signed)(0, NEW, now());
        for seconds in [-300, -1, 0, 1, 300] {
            let at = now() + TimeDelta::seconds(seconds);
            assert!(sender.verify(&signed, at).is_ok(), "{}", sender.name);
        }
        for seconds in [-86_400, -301, 301, 86_400] {
            let at = now() + TimeDelta::seconds(seconds);
            let verified = sender.verify(&signed, at);
            if sender.signs_the_time {
                assert_eq!(verified, Err(VerifyError::Stale), "{}", sender.name);
            } else {
                assert!(verified.is_ok());
            }
        }
    }
}

#[test]
fn a_replayed_delivery_is_stale_or_the_same_event() {
    for sender in SENDERS {
        let signed = (sender.signed)(0, NEW, now());
        let first = sender.verify(&signed, now()).unwrap();
        // At once, it is the same event.
        let again = sender.verify(&signed, now() + TimeDelta::seconds(10));
        assert_eq!(again.unwrap().event_id, first.event_id, "{}", sender.name);
        let later = sender.verify(&signed, now() + TimeDelta::hours(1));
        if sender.signs_the_time {
            assert_eq!(later, Err(VerifyError::Stale), "{}", sender.name);
            // A time that is recent, but was not signed.
            let fresh = (sender.signed)(0, OTHER, now() + TimeDelta::hours(1));
            let mut replayed = signed.clone();
            let old = signed.0[sender.signature].to_str().unwrap();
            let value = fresh.0[sender.signature].to_str().unwrap();
            let head = value.split(',').next().unwrap();
            let mut parts: Vec<&str> = old.split(',').collect();
            parts[0] = head;
            replayed.0.extend(fresh.0.clone());
            let replayed = sender.with_header(&replayed, &parts.join(","));
            let refused = sender.verify(&replayed, now() + TimeDelta::hours(1));
            assert_eq!(refused, Err(VerifyError::Mismatch), "{}", sender.name);
        } else {
            assert_eq!(later.unwrap().event_id, first.event_id, "{}", sender.name);
        }
    }
}

#[test]
fn an_event_keeps_its_id_when_it_is_sent_again_and_no_other_has_it() {
    for sender in SENDERS {
        let id = |number, secret, at| {
            let signed = (sender.signed)(number, secret, at);
            sender.verify(&signed, at).unwrap().event_id
        };
        let first = id(0, NEW, now());
        let next_day = now() + TimeDelta::days(1);
        assert_eq!(id(0, NEW, next_day), first, "{}", sender.name);
        assert_eq!(id(0, OLD, now()), first, "{}", sender.name);
        let others: std::collections::BTreeSet<String> =
            (1..50).map(|number| id(number, NEW, now())).collect();
        assert_eq!(others.len(), 49, "{}", sender.name);
        assert!(!others.contains(&first), "{}", sender.name);
    }
}

#[test]
fn both_secrets_count_while_one_is_rotated() {
    for sender in SENDERS {
        for secret in [OLD, NEW] {
            let (headers, body) = (sender.signed)(0, secret, now());
            for known in [&[OLD, NEW][..], &[NEW, OLD], &["", OLD, "", NEW], &[secret]] {
                let verifier = (sender.verifier)(known);
                let verified = verifier.verify(&headers, &body, now());
                assert!(verified.is_ok(), "{}: {known:?}", sender.name);
            }
        }
        // Afterwards, the old one does not count any more.
        let (headers, body) = (sender.signed)(0, OLD, now());
        let refused = (sender.verifier)(&[NEW]).verify(&headers, &body, now());
        assert_eq!(refused, Err(VerifyError::Mismatch), "{}", sender.name);
    }
    // Some senders sign with both.
    let both = [OLD, NEW];
    for deliveries in [
        (2, StripeBody::new("e", "t").signed_with_each(&both, now())),
        (
            3,
            StandardWebhookBody::new("m", "t").signed_with_each(&both, now()),
        ),
    ] {
        let (sender, (headers, body)) = deliveries;
        for known in [OLD, NEW] {
            let verifier = (SENDERS[sender].verifier)(&[known]);
            assert!(verifier.verify(&headers, &body, now()).is_ok());
        }
        let refused = (SENDERS[sender].verifier)(&[OTHER]).verify(&headers, &body, now());
        assert_eq!(refused, Err(VerifyError::Mismatch));
    }
}

#[test]
fn without_a_secret_nothing_is_accepted() {
    for sender in SENDERS {
        let by_empty = (sender.signed)(0, "", now());
        for signed in [&(sender.signed)(0, NEW, now()), &by_empty] {
            for known in [&[][..], &[""], &["", ""]] {
                let refused = (sender.verifier)(known).verify(&signed.0, &signed.1, now());
                assert_eq!(refused, Err(VerifyError::NoSecretHere), "{}", sender.name);
            }
        }
        // Nor beside one.
        let refused = (sender.verifier)(&["", NEW]).verify(&by_empty.0, &by_empty.1, now());
        assert_eq!(refused, Err(VerifyError::Mismatch), "{}", sender.name);
    }
}

#[test]
fn a_signature_of_one_sender_is_nothing_to_another() {
    for sender in SENDERS {
        for other in SENDERS.iter().filter(|other| other.name != sender.name) {
            let signed = (other.signed)(0, NEW, now());
            let refused = sender.verify(&signed, now());
            assert_eq!(refused, Err(VerifyError::Missing), "{}", sender.name);
        }
    }
}

#[test]
fn only_a_fault_of_our_own_is_answered_as_one() {
    for (error, status) in [
        (VerifyError::Missing, StatusCode::UNAUTHORIZED),
        (VerifyError::NoSecretAtSender, StatusCode::UNAUTHORIZED),
        (VerifyError::Malformed, StatusCode::UNAUTHORIZED),
        (VerifyError::Mismatch, StatusCode::UNAUTHORIZED),
        (VerifyError::Stale, StatusCode::UNAUTHORIZED),
        (VerifyError::NoEvent, StatusCode::BAD_REQUEST),
        (VerifyError::NoSecretHere, StatusCode::SERVICE_UNAVAILABLE),
    ] {
        assert_eq!(error.status(), status);
    }
}

#[test]
fn debug_shows_no_secret() {
    for sender in SENDERS {
        let shown = format!("{:?}", (sender.verifier)(&[OLD, NEW]));
        assert!(shown.contains("Verifier"), "{shown}");
        for secret in [OLD, NEW] {
            let bare = secret.strip_prefix("whsec_").unwrap();
            assert!(!shown.contains(bare), "{shown}");
        }
        // Nor the key that a secret stands for, as a list of bytes.
        for key in ["old-secret", "new-secret"] {
            let listed = format!("{:?}", key.as_bytes());
            let listed = listed.trim_matches(['[', ']']);
            assert!(!shown.contains(key) && !shown.contains(listed), "{shown}");
        }
    }
}
