//! Correlation ids: by which a request is found in the logs of everybody that it passes.

use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::ambient::Entropy;

/// The header of requests and responses.
pub(super) const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
/// The name that many proxies give it.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_LENGTH: usize = 128;

/// The sender's id of a request, or else a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CorrelationId(HeaderValue);

impl CorrelationId {
    pub(super) fn of(headers: &HeaderMap, entropy: &dyn Entropy) -> Self {
        let named = [CORRELATION_ID, REQUEST_ID].into_iter();
        let mut named = named.filter_map(|name| headers.get(name));
        match named.find(|value| is_id(value.as_bytes())) {
            Some(value) => Self(value.clone()),
            None => Self::new(entropy.next_u64()),
        }
    }

    fn new(chance: u64) -> Self {
        let id = HeaderValue::try_from(format!("{chance:016x}"));
        Self(id.expect("hexadecimal digits are a header's value"))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(super) fn into_header(self) -> HeaderValue {
        self.0
    }
}

impl fmt::Display for CorrelationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether this can be an id: nothing that a log or a terminal would take for something else.
fn is_id(value: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    !value.is_empty() && value.len() <= MAX_LENGTH && value.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SystemEntropy;

    fn id_of(headers: &[(HeaderName, &str)]) -> String {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.parse().unwrap()));
        let id = CorrelationId::of(&headers.collect(), &SystemEntropy);
        id.to_string()
    }

    #[test]
    fn the_senders_id_is_kept_if_it_can_be_one() {
        assert_eq!(id_of(&[(CORRELATION_ID, "req-1:a")]), "req-1:a");
        assert_eq!(id_of(&[(REQUEST_ID, "7f3a")]), "7f3a");
        let both = [(REQUEST_ID, "proxy"), (CORRELATION_ID, "sender")];
        assert_eq!(id_of(&both), "sender");
        let long = "x".repeat(MAX_LENGTH + 1);
        for strange in ["", "a b", "\u{1b}[31m", "a\"b", &long] {
            let Ok(value) = HeaderValue::try_from(strange) else {
                continue;
            };
            let headers = HeaderMap::from_iter([(CORRELATION_ID, value)]);
            let id = CorrelationId::of(&headers, &SystemEntropy);
            assert_eq!(id.as_str().len(), 16, "{strange:?}");
        }
    }
}
