//! Retell, whose voice agents call us.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;

use super::time::{TOLERANCE, check_age, number};
use super::{header, name};
use crate::webhook::signature::check;
use crate::webhook::{Sender, Verified, Verifier, VerifyError};

/// The header that carries Retell's signature, as `v=<unix milliseconds>,d=<hexadecimal digest>`.
pub const RETELL_SIGNATURE_HEADER: &str = "x-retell-signature";

/// How many digits a time in milliseconds has, from 2001 until 2286.
const DIGITS: usize = 13;

/// The events that a call or a chat has once. The others, such as `transcript_updated`, come as often
/// as there is something to say (<https://docs.retellai.com/features/webhook-overview>).
const ONCE: [&str; 6] = [
    "call_started",
    "call_ended",
    "call_analyzed",
    "chat_started",
    "chat_ended",
    "chat_analyzed",
];

/// Verifies what Retell sends: the HMAC-SHA256 over the raw body and, right after it, the time in
/// milliseconds, keyed with the account's API key (the one marked for webhooks).
///
/// An event's id is its name and the call's id, such as `call_ended:call_1a2b`, and the order key is
/// the call's id. Events that can come several times in one call, such as `transcript_updated`, also
/// have the SHA-256 of the body in their id: their content is what tells one from a repetition of
/// the other. Chats are named like calls.
///
/// Custom functions and inbound webhooks are questions and no events;
/// [`verify_signature`](Self::verify_signature) verifies those.
#[derive(Clone, Debug)]
pub struct RetellVerifier {
    keys: Vec<SecretString>,
    tolerance: Duration,
}

impl RetellVerifier {
    /// Verifies against any of several API keys, so that one can be rotated. Empty ones are ignored.
    pub fn new(keys: impl IntoIterator<Item = SecretString>) -> Self {
        Self {
            keys: keys.into_iter().collect(),
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

    /// Verifies a request that arrived at `now`, whatever its body is: a custom function in either
    /// form, or a call that is about to be taken.
    ///
    /// # Errors
    ///
    /// [`VerifyError`] says why it must be refused.
    pub fn verify_signature(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<(), VerifyError> {
        self.signed_at(headers, body, now).map(drop)
    }

    /// When a request was signed, once that is verified.
    fn signed_at(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<DateTime<Utc>, VerifyError> {
        let value = header::sole(headers, RETELL_SIGNATURE_HEADER)?.ok_or(VerifyError::Missing)?;
        let digits = header::sole_value(value, "v")?;
        // Nothing stands between the body and the time. If the time could be longer or shorter, some
        // of its digits could be passed off as the body's end, or the other way round.
        if digits.len() != DIGITS {
            return Err(VerifyError::Malformed);
        }
        let signed_at =
            DateTime::from_timestamp_millis(number(digits)?).ok_or(VerifyError::Malformed)?;
        let signature = header::from_hex(header::sole_value(value, "d")?)?;
        check(&self.keys, &[body, digits.as_bytes()], &[signature])?;
        check_age(signed_at, now, self.tolerance)?;
        Ok(signed_at)
    }
}

impl Verifier for RetellVerifier {
    fn sender(&self) -> Sender {
        Sender::new("retell")
    }

    fn verify(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: DateTime<Utc>,
    ) -> Result<Verified, VerifyError> {
        let signed_at = self.signed_at(headers, body, now)?;
        let Ok(read) = serde_json::from_slice::<Body<'_>>(body) else {
            return Err(VerifyError::NoEvent);
        };
        let (Body { event, .. }, Some(about)) = (&read, read.about()) else {
            return Err(VerifyError::NoEvent);
        };
        if event.is_empty() || about.is_empty() {
            return Err(VerifyError::NoEvent);
        }
        Ok(
            Verified::new(event_id(event, about, body), name::storable(event))
                .with_order_key(name::storable(about))
                .with_signed_at(signed_at),
        )
    }

    fn accepted_status(&self) -> StatusCode {
        StatusCode::NO_CONTENT
    }
}

/// Names an event. As no event has a colon in its name, where the name ends is certain.
fn event_id(event: &str, about: &str, body: &[u8]) -> String {
    // One that has a colon is escaped, to be certain too.
    let event = event.replace('%', "%25").replace(':', "%3A");
    let id = if ONCE.contains(&event.as_str()) {
        format!("{event}:{about}")
    } else {
        format!("{event}:{about}:{}", name::digest(body))
    };
    name::storable(&id)
}

/// What an event is about. Nothing else of it is read.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    call: Option<Call<'a>>,
    #[serde(borrow)]
    chat: Option<Chat<'a>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(borrow)]
    call_id: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Chat<'a> {
    #[serde(borrow)]
    chat_id: Cow<'a, str>,
}

impl Body<'_> {
    fn about(&self) -> Option<&str> {
        let call = self.call.as_ref().map(|call| &*call.call_id);
        call.or_else(|| self.chat.as_ref().map(|chat| &*chat.chat_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::sign;
    use http::HeaderValue;

    const NOW: i64 = 1_796_040_000_123;
    const EVENT: &[u8] =
        br#"{"event":"call_ended","call":{"call_id":"call_1a2b","transcript":"Hi"}}"#;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    fn headers(value: &str) -> HeaderMap {
        let value = HeaderValue::from_str(value).unwrap();
        HeaderMap::from_iter([(RETELL_SIGNATURE_HEADER.parse().unwrap(), value)])
    }

    fn digest(key: &str, body: &[u8], digits: &str) -> String {
        sign(key, &[body, digits.as_bytes()].concat())
    }

    fn signed(key: &str, body: &[u8], millis: i64) -> HeaderMap {
        let digest = digest(key, body, &millis.to_string());
        headers(&format!("v={millis},d={digest}"))
    }

    fn verifier(keys: &[&str]) -> RetellVerifier {
        RetellVerifier::new(keys.iter().map(|key| SecretString::from(*key)))
    }

    fn verify(value: &str, body: &[u8]) -> Result<Verified, VerifyError> {
        verifier(&["key"]).verify(&headers(value), body, at(NOW))
    }

    fn read(body: &str) -> Result<Verified, VerifyError> {
        let headers = signed("key", body.as_bytes(), NOW);
        verifier(&["key"]).verify(&headers, body.as_bytes(), at(NOW))
    }

    #[test]
    fn it_agrees_with_another_implementation() {
        // Python: hmac.new(b"key_8f2d", body + b"1796040000123", "sha256").hexdigest()
        let value =
            "v=1796040000123,d=20074a564b589b020b88ba07335bfa99c103dcc0dad1d79533f421e8c503021f";
        let verified = verifier(&["key_8f2d"]).verify(&headers(value), EVENT, at(NOW + 1500));
        let expected = Verified::new("call_ended:call_1a2b", "call_ended")
            .with_order_key("call_1a2b".to_owned())
            .with_signed_at(at(NOW));
        assert_eq!(verified, Ok(expected));
    }

    #[test]
    fn the_order_and_the_spelling_of_the_header_do_not_matter() {
        let digest = digest("key", EVENT, &NOW.to_string());
        let upper = digest.to_uppercase();
        for value in [
            format!("d={digest},v={NOW}"),
            format!("v={NOW},d={upper}"),
            format!(" v = {NOW} , d = {digest} "),
            format!("x=1,v={NOW},y,d={digest},"),
        ] {
            assert!(verify(&value, EVENT).is_ok(), "{value}");
        }
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        let digest = digest("key", EVENT, &NOW.to_string());
        for value in [
            String::new(),
            digest.clone(),
            format!("v={NOW}"),
            format!("d={digest}"),
            format!("v={NOW},{digest}"),
            format!("v=,d={digest}"),
            format!("v=+{NOW},d={digest}"),
            format!("v=-{NOW},d={digest}"),
            format!("v=0{NOW},d={digest}"),
            format!("v={NOW}.0,d={digest}"),
            format!("v=17960400001e8,d={digest}"),
            format!("v={},d={digest}", NOW / 1000),
            format!("v={},d={digest}", i64::MAX),
            format!("v={},d={digest}", "9".repeat(400)),
            format!("v={NOW},v={NOW},d={digest}"),
            format!("v={NOW},d={digest},d={digest}"),
            format!("V={NOW},D={digest}"),
            format!("v={NOW};d={digest}"),
            format!("v={NOW},d={}", &digest[..62]),
            format!("v={NOW},d={digest}00"),
            format!("v={NOW},d=0x{}", &digest[2..]),
        ] {
            assert_eq!(
                verify(&value, EVENT),
                Err(VerifyError::Malformed),
                "{value}"
            );
        }
        let verifier = verifier(&["key"]);
        let missing = verifier.verify(&HeaderMap::new(), EVENT, at(NOW));
        assert_eq!(missing, Err(VerifyError::Missing));
        let mut twice = signed("key", EVENT, NOW);
        let value = twice[RETELL_SIGNATURE_HEADER].clone();
        twice.append(RETELL_SIGNATURE_HEADER, value);
        let twice = verifier.verify(&twice, EVENT, at(NOW));
        assert_eq!(twice, Err(VerifyError::Malformed));
        let mut foreign = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"v=\xff,d=\xff").unwrap();
        foreign.insert(RETELL_SIGNATURE_HEADER, value);
        let foreign = verifier.verify(&foreign, EVENT, at(NOW));
        assert_eq!(foreign, Err(VerifyError::Malformed));
    }

    #[test]
    fn the_time_is_signed_and_has_to_be_recent() {
        let minutes = 5 * 60 * 1000;
        let verifier = verifier(&["key"]);
        let headers = signed("key", EVENT, NOW);
        let verify =
            |verifier: &RetellVerifier, now| verifier.verify_signature(&headers, EVENT, at(now));
        for apart in [-minutes, 0, minutes] {
            assert_eq!(verify(&verifier, NOW + apart), Ok(()));
        }
        for apart in [-minutes - 1, minutes + 1] {
            assert_eq!(verify(&verifier, NOW + apart), Err(VerifyError::Stale));
        }
        let strict = verifier.clone().with_tolerance(Duration::from_millis(1));
        assert_eq!(verify(&strict, NOW + 1), Ok(()));
        assert_eq!(verify(&strict, NOW + 2), Err(VerifyError::Stale));
        // A newer time in the header than the one that was signed.
        let digest = digest("key", EVENT, &NOW.to_string());
        let value = format!("v={},d={digest}", NOW + minutes);
        assert_eq!(
            super::tests::verify(&value, EVENT),
            Err(VerifyError::Mismatch)
        );
    }

    #[test]
    fn digits_cannot_be_moved_between_the_body_and_the_time() {
        let eternal = verifier(&["key"]).with_tolerance(Duration::MAX);
        let refused = |body: &[u8], digits: &str, digest: &str| {
            let headers = headers(&format!("v={digits},d={digest}"));
            eternal
                .verify_signature(&headers, body, at(NOW))
                .unwrap_err()
        };
        let digits = NOW.to_string();
        let signature = digest("key", EVENT, &digits);
        for moved in 1..DIGITS {
            let longer = [EVENT, &digits.as_bytes()[..moved]].concat();
            let error = refused(&longer, &digits[moved..], &signature);
            assert_eq!(error, VerifyError::Malformed);
        }
        let signature = digest("key", b"[1, 2", &digits);
        let longer = format!("2{digits}");
        assert_eq!(
            refused(b"[1, ", &longer, &signature),
            VerifyError::Malformed
        );
    }

    #[test]
    fn each_key_counts_but_an_empty_one() {
        let headers = signed("new", EVENT, NOW);
        for keys in [&["old", "new"][..], &["new", "old"], &["", "new"]] {
            assert!(verifier(keys).verify(&headers, EVENT, at(NOW)).is_ok());
        }
        let refused = |keys: &[&str], headers| verifier(keys).verify(headers, EVENT, at(NOW));
        assert_eq!(refused(&["old"], &headers), Err(VerifyError::Mismatch));
        let by_empty = signed("", EVENT, NOW);
        for keys in [&[][..], &[""], &["", ""]] {
            assert_eq!(refused(keys, &by_empty), Err(VerifyError::NoSecretHere));
        }
    }

    #[test]
    fn an_event_is_named_by_what_it_is_and_by_its_call() {
        let id = |body| read(body).unwrap().event_id;
        let once = r#"{"call":{"call_id":"c"},"event":"call_started"}"#;
        assert_eq!(id(once), "call_started:c");
        let with_more = r#"{"call":{"call_id":"c"},"event":"call_started","more":[1]}"#;
        assert_eq!(id(once), id(with_more));
        let chat = read(r#"{"event":"chat_ended","chat":{"chat_id":"d"}}"#).unwrap();
        assert_eq!(chat.event_id, "chat_ended:d");
        assert_eq!(chat.order_key.as_deref(), Some("d"));
        // The same call's transcript, one turn later.
        let turn = r#"{"event":"transcript_updated","call":{"call_id":"c","transcript":"Hi"}}"#;
        let next = r#"{"event":"transcript_updated","call":{"call_id":"c","transcript":"Hi!"}}"#;
        assert_eq!(
            id(turn),
            format!("transcript_updated:c:{}", name::digest(turn.as_bytes()))
        );
        assert_ne!(id(turn), id(next));
        // Where the event's name ends is certain.
        let colons = [
            ("call_ended:a", "b"),
            ("call_ended", "a:b"),
            ("call_ended%3Aa", "b"),
        ];
        let ids = colons.map(|(event, call)| event_id(event, call, b""));
        assert_eq!(ids[1], "call_ended:a:b");
        assert!(
            ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2],
            "{ids:?}"
        );
        let longer = format!("a:b:{}", name::digest(b""));
        assert_ne!(event_id("call_ended", &longer, b""), ids[0]);
    }

    #[test]
    fn a_name_that_could_not_be_stored_is_hashed() {
        let long = "c".repeat(300);
        for call in [long.as_str(), "a\\u0000b"] {
            let body = format!(r#"{{"event":"call_ended","call":{{"call_id":"{call}"}}}}"#);
            let verified = read(&body).unwrap();
            assert!(verified.event_id.starts_with("sha256:"), "{verified:?}");
            assert!(verified.order_key.unwrap().starts_with("sha256:"));
            assert_eq!(verified.event, "call_ended");
        }
    }

    #[test]
    fn a_question_is_no_event_but_its_signature_is_verified() {
        for body in [
            r#"{"event":"call_inbound","call_inbound":{"to_number":"+49301234567"}}"#,
            r#"{"name":"book","args":{},"call":{"call_id":"c"}}"#,
            r#"{"day":"Thursday"}"#,
            r#"{"event":"","call":{"call_id":"c"}}"#,
            r#"{"event":"call_ended","call":{"call_id":""}}"#,
            r#"{"event":"call_ended","call":{"call_id":7}}"#,
            r#"{"event":"call_ended","call":null}"#,
            r#"{"event":"a","event":"b","call":{"call_id":"c"}}"#,
            "[]",
            "",
        ] {
            assert_eq!(read(body), Err(VerifyError::NoEvent), "{body}");
            let headers = signed("key", body.as_bytes(), NOW);
            let verifier = verifier(&["key"]);
            let verified = verifier.verify_signature(&headers, body.as_bytes(), at(NOW));
            assert_eq!(verified, Ok(()));
            let changed = [body.as_bytes(), b" "].concat();
            let changed = verifier.verify_signature(&headers, &changed, at(NOW));
            assert_eq!(changed, Err(VerifyError::Mismatch));
        }
        let latin = b"{\"event\":\"call_ended\",\"call\":{\"call_id\":\"caf\xe9\"}}";
        let headers = signed("key", latin, NOW);
        let verifier = verifier(&["key"]);
        let refused = verifier.verify(&headers, latin, at(NOW));
        assert_eq!(refused, Err(VerifyError::NoEvent));
        assert_eq!(verifier.verify_signature(&headers, latin, at(NOW)), Ok(()));
    }

    proptest::proptest! {
        #[test]
        fn one_changed_bit_is_noticed(body: Vec<u8>, at_byte: proptest::sample::Index, bit in 0..8_u8) {
            proptest::prop_assume!(!body.is_empty());
            let verifier = verifier(&["key"]);
            let headers = signed("key", &body, NOW);
            let verify = |body: &[u8]| verifier.verify_signature(&headers, body, at(NOW));
            proptest::prop_assert_eq!(verify(&body), Ok(()));
            let mut changed = body.clone();
            changed[at_byte.index(body.len())] ^= 1 << bit;
            proptest::prop_assert_eq!(verify(&changed), Err(VerifyError::Mismatch));
        }
    }
}
