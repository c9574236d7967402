//! Deliveries of every sender, through its `Verifier`: headers, times and bodies of any content.

use std::time::Duration;

use calcom::SecretString;
use calcom::chrono::{DateTime, TimeDelta, Utc};
use calcom::http::{HeaderMap, HeaderName, HeaderValue};
use calcom::testing::{sign, sign_retell, sign_standard_webhook, sign_stripe};
use calcom::webhook::{
    CalcomVerifier, RETELL_SIGNATURE_HEADER, RetellVerifier, SIGNATURE_HEADER,
    STRIPE_SIGNATURE_HEADER, StandardWebhooksVerifier, StripeVerifier, Verified, Verifier,
    VerifyError,
};

use super::{Input, Output, told};

/// The secrets, in base64 for Standard Webhooks. Nothing may repeat them.
pub const SECRETS: [&str; 2] = [
    "whsec_N2QxZjkzYzJhNmI0ZThmMDU1",
    "whsec_OWU0YjdjMGQzZjFhMmI2ODgy",
];
const TOLERANCE: Duration = Duration::from_secs(300);

/// Set: the body is signed, with the second secret.
pub const SIGNED: u8 = 1;
/// Set: the header with the signature is there twice.
pub const TWICE: u8 = 2;
/// Set: the signature is written in upper case.
pub const UPPER: u8 = 4;

/// When everything arrives.
pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_796_112_000, 0).expect("it is a date")
}

/// An input of the targets: how many seconds before or after its arrival a body is signed, the headers
/// (the signature if it is not signed; the id and the time of Standard Webhooks), and the body.
pub fn input(flags: u8, seconds: i16, headers: [&[u8]; 3], body: &[u8]) -> Vec<u8> {
    let [signature, id, time] = headers;
    Output::default()
        .byte(flags)
        .number(seconds.cast_unsigned())
        .short(signature)
        .short(id)
        .short(time)
        .rest(body)
}

/// One delivery.
struct Delivery<'a> {
    flags: u8,
    signed_at: DateTime<Utc>,
    signature: &'a [u8],
    id: &'a [u8],
    time: &'a [u8],
    body: &'a [u8],
}

impl<'a> Delivery<'a> {
    fn of(data: &'a [u8]) -> Self {
        let mut input = Input::new(data);
        let flags = input.byte();
        let seconds = input.number().cast_signed();
        Self {
            flags,
            signed_at: now() + TimeDelta::seconds(seconds.into()),
            signature: input.short(),
            id: input.short(),
            time: input.short(),
            body: input.rest(),
        }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The headers, with the signature that `sign` makes or else with that of the input.
    fn headers(&self, name: &'static str, sign: impl Fn(&str) -> String) -> HeaderMap {
        let value = if self.has(SIGNED) {
            let mut value = sign(SECRETS[1]);
            if self.has(UPPER) {
                // The digest, and not what is before it.
                let digest = value.rfind('=').map_or(0, |at| at + 1);
                value[digest..].make_ascii_uppercase();
            }
            HeaderValue::try_from(value).ok()
        } else {
            HeaderValue::from_bytes(self.signature).ok()
        };
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(name, value.clone());
            if self.has(TWICE) {
                headers.append(name, value);
            }
        }
        headers
    }

    /// Checks what holds for every sender. `is_genuine`: whether the headers contain the signature with
    /// a secret, for what was verified.
    fn check(
        &self,
        verifier: &dyn Verifier,
        without_secrets: &dyn Verifier,
        headers: &HeaderMap,
        is_genuine: impl Fn(&str, &Verified) -> bool,
    ) -> Result<Verified, VerifyError> {
        let verified = verifier.verify(headers, self.body, now());
        assert_eq!(verifier.verify(headers, self.body, now()), verified);
        assert!(without_secrets.verify(headers, self.body, now()).is_err());
        let shown = format!("{verifier:?} {verified:?}");
        for secret in SECRETS {
            let bare = secret.trim_start_matches("whsec_");
            assert!(!shown.contains(bare), "{shown}");
        }
        match &verified {
            Ok(event) => {
                assert!(
                    SECRETS.iter().any(|secret| is_genuine(secret, event)),
                    "what is not signed is accepted: {event:?}"
                );
                self.check_event(verifier, headers, event);
            }
            Err(error) => assert!(!told(error).contains("whsec_")),
        }
        if self.has(SIGNED) && !self.has(TWICE) {
            self.check_signed(&verified);
        }
        verified
    }

    fn check_event(&self, verifier: &dyn Verifier, headers: &HeaderMap, event: &Verified) {
        assert!(!event.event_id.is_empty());
        let names = [
            Some(&event.event_id),
            Some(&event.event),
            event.order_key.as_ref(),
        ];
        for name in names.into_iter().flatten() {
            assert!(
                name.len() <= 255 && !name.contains(char::is_control),
                "{event:?}"
            );
        }
        if let Some(signed_at) = event.signed_at {
            let apart = (now() - signed_at).abs().to_std();
            assert!(apart.is_ok_and(|apart| apart <= TOLERANCE), "{event:?}");
            // Replayed when it has become too old.
            let late = signed_at + TOLERANCE + TimeDelta::milliseconds(1);
            let replayed = verifier.verify(headers, self.body, late);
            assert_eq!(replayed, Err(VerifyError::Stale));
        }
        // One changed bit is noticed, wherever it is.
        if !self.body.is_empty() {
            let mut forged = self.body.to_vec();
            let at = forged.len() / 2;
            forged[at] ^= 1;
            let forged = verifier.verify(headers, &forged, now());
            assert_eq!(forged, Err(VerifyError::Mismatch));
        }
    }

    /// What is signed is accepted, unless it is too old or names no event.
    fn check_signed(&self, verified: &Result<Verified, VerifyError>) {
        let apart = (now() - self.signed_at).abs().to_std();
        let is_recent = apart.is_ok_and(|apart| apart <= TOLERANCE);
        match verified {
            Ok(event) => {
                let signed_at = event.signed_at.unwrap_or(self.signed_at);
                assert_eq!(signed_at, self.signed_at);
            }
            Err(VerifyError::Stale) => assert!(!is_recent),
            Err(VerifyError::NoEvent) => assert!(is_recent),
            Err(error) => panic!("what is signed is refused: {error:?}"),
        }
    }
}

fn secrets() -> [SecretString; 3] {
    ["", SECRETS[0], SECRETS[1]].map(SecretString::from)
}

fn no_secrets() -> [SecretString; 2] {
    ["", ""].map(SecretString::from)
}

/// Whether a header contains a text, in upper or lower case.
fn contains(headers: &HeaderMap, name: &str, text: &str) -> bool {
    let header = headers.get(name).map(HeaderValue::as_bytes);
    let header = header.unwrap_or_default().to_ascii_lowercase();
    header
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

/// The digest in a header that one of the signers made.
fn digest(value: &str) -> &str {
    value.rsplit('=').next().unwrap_or_default()
}

/// Cal.com's deliveries.
pub fn calcom(data: &[u8]) {
    let delivery = Delivery::of(data);
    let headers = delivery.headers(SIGNATURE_HEADER, |secret| sign(secret, delivery.body));
    let _ = delivery.check(
        &CalcomVerifier::new(secrets()),
        &CalcomVerifier::new(no_secrets()),
        &headers,
        |secret, _| contains(&headers, SIGNATURE_HEADER, &sign(secret, delivery.body)),
    );
}

/// Retell's.
pub fn retell(data: &[u8]) {
    let delivery = Delivery::of(data);
    let name = RETELL_SIGNATURE_HEADER;
    let headers = delivery.headers(name, |key| {
        sign_retell(key, delivery.body, delivery.signed_at)
    });
    let verifier = RetellVerifier::new(secrets());
    let verified = delivery.check(
        &verifier,
        &RetellVerifier::new(no_secrets()),
        &headers,
        |key, event| {
            let signed_at = event.signed_at.expect("Retell signs the time");
            let value = sign_retell(key, delivery.body, signed_at);
            contains(&headers, name, digest(&value))
        },
    );
    // A question is verified as an event is, but need not be one.
    let verified = match verified {
        Ok(_) | Err(VerifyError::NoEvent) => Ok(()),
        Err(error) => Err(error),
    };
    let signature = verifier.verify_signature(&headers, delivery.body, now());
    assert_eq!(signature, verified);
}

/// Stripe's.
pub fn stripe(data: &[u8]) {
    let delivery = Delivery::of(data);
    let name = STRIPE_SIGNATURE_HEADER;
    let headers = delivery.headers(name, |secret| {
        sign_stripe(&[secret], delivery.body, delivery.signed_at)
    });
    let _ = delivery.check(
        &StripeVerifier::new(secrets()),
        &StripeVerifier::new(no_secrets()),
        &headers,
        |secret, event| {
            let signed_at = event.signed_at.expect("Stripe signs the time");
            let value = sign_stripe(&[secret], delivery.body, signed_at);
            contains(&headers, name, digest(&value))
        },
    );
}

/// Those of a sender that signs as Standard Webhooks does.
pub fn standard(data: &[u8]) {
    let mut delivery = Delivery::of(data);
    let id = std::str::from_utf8(delivery.id).unwrap_or("msg_1");
    // What cannot be signed, or must not be taken even if it is.
    if std::str::from_utf8(delivery.body).is_err() || id.is_empty() || id.contains('.') {
        delivery.flags &= !SIGNED;
    }
    // Base64 has no upper case of its own.
    delivery.flags &= !UPPER;
    let name = "webhook-signature";
    let mut headers = delivery.headers(name, |secret| {
        sign_standard_webhook(secret, id, delivery.body, delivery.signed_at)
    });
    let time = if delivery.has(SIGNED) {
        delivery.signed_at.timestamp().to_string().into_bytes()
    } else {
        delivery.time.to_vec()
    };
    for (name, value) in [("webhook-id", id.as_bytes()), ("webhook-timestamp", &time)] {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let is_text = headers
        .get("webhook-id")
        .is_some_and(|id| id.to_str().is_ok());
    let is_trimmed = id.trim() == id;
    if !is_text || !is_trimmed {
        // It is not what was signed that arrives.
        delivery.flags &= !SIGNED;
    }
    let verifier = |secrets: &[SecretString]| {
        let secrets = secrets.iter().cloned();
        StandardWebhooksVerifier::new("clerk", secrets).expect("the secrets are base64")
    };
    let _ = delivery.check(
        &verifier(&secrets()),
        &verifier(&no_secrets()),
        &headers,
        |secret, event| {
            let signed_at = event.signed_at.expect("the time is signed");
            assert!(std::str::from_utf8(delivery.body).is_ok());
            let signature = sign_standard_webhook(secret, id.trim(), delivery.body, signed_at);
            let value = headers[name].to_str().unwrap_or_default();
            value
                .split_ascii_whitespace()
                .any(|found| found == signature)
        },
    );
}
