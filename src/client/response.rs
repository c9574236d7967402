//! Deserializing responses, without any I/O.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use chrono::{DateTime, Utc};

use super::api_error::{self, ApiError};
use super::error::{Error, ErrorKind};

/// `{status: "success", data: …}`.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

/// `{status: "success"}`, with or without data.
#[derive(Deserialize)]
struct Acknowledgement {
    #[serde(rename = "data", default)]
    _data: Option<IgnoredAny>,
}

/// A page of a list, as the response contains it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RawPage<T> {
    pub(crate) data: Vec<T>,
    #[serde(default)]
    pub(crate) pagination: Option<Pagination>,
}

/// One or several items, where the server responds with either an object or an array.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMany<T>(Vec<T>);

impl<T> OneOrMany<T> {
    pub(crate) fn into_vec(self) -> Vec<T> {
        self.0
    }
}

// By hand, because an untagged enum would lose the path at which deserializing failed.
impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectOrArray<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectOrArray<T> {
            type Value = OneOrMany<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array of objects")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let one = T::deserialize(MapAccessDeserializer::new(map))?;
                Ok(OneOrMany(vec![one]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(OneOrMany)
            }
        }

        deserializer.deserialize_any(ObjectOrArray(PhantomData))
    }
}

/// The position of a page in its list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Pagination {
    /// The total number of items in the list.
    #[serde(default)]
    pub total_items: u64,
    /// Whether there are more pages. The list of API version 2026-05-01 calls it `hasMore`.
    #[serde(default, alias = "hasMore")]
    pub has_next_page: bool,
    /// The cursor of the next page, in the list of API version 2026-05-01, which does not count
    /// pages.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

/// Deserializes Cal.com's response to a call into the `data` of a success, or the typed error.
///
/// The client does this with every response. It is public so that it can be used with another
/// transport, a recorded exchange or a test. `operation` is the name of the call in errors. `now`
/// is needed for rate limits whose reset is given as a timestamp.
///
/// # Errors
///
/// The [`Error`] that the response represents, or [`ErrorKind::Decode`] or
/// [`ErrorKind::VersionMismatch`] if a successful response cannot be deserialized.
pub fn decode<T: DeserializeOwned>(
    operation: &'static str,
    response: &Response<Bytes>,
    now: DateTime<Utc>,
) -> Result<T, Error> {
    decode_body::<Envelope<T>>(operation, response, now).map(|envelope| envelope.data)
}

/// Deserializes a response of which only the success matters.
pub(crate) fn decode_acknowledgement(
    operation: &'static str,
    response: &Response<Bytes>,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    decode_body::<Acknowledgement>(operation, response, now).map(|_| ())
}

/// Deserializes a whole body.
pub(crate) fn decode_body<T: DeserializeOwned>(
    operation: &'static str,
    response: &Response<Bytes>,
    now: DateTime<Utc>,
) -> Result<T, Error> {
    let (status, headers, body) = (response.status(), response.headers(), response.body());
    if !status.is_success() {
        let api = ApiError::parse(status, headers, body);
        let kind = api.kind();
        let retry_after =
            (kind == ErrorKind::RateLimited).then(|| api_error::retry_after(headers, now));
        return Err(Error::api_answer(operation, kind, api, retry_after));
    }
    // Validate UTF-8 once for the whole body. Validating string by string, as `from_slice` does,
    // takes a fifth of the deserialization time. Strings that are skipped may be invalid UTF-8, so
    // a body that fails the check is read string by string.
    let read = std::str::from_utf8(body).ok().map(serde_json::from_str);
    match read {
        Some(Ok(value)) => Ok(value),
        Some(Err(_)) | None => read_placed(operation, response),
    }
}

/// Deserializes a body again to find the path at which it fails.
///
/// Tracking the path is too expensive to be done for every response.
fn read_placed<T: DeserializeOwned>(
    operation: &'static str,
    response: &Response<Bytes>,
) -> Result<T, Error> {
    let body = response.body();
    let unreadable = || ApiError::unreadable(response.status(), response.headers(), body);
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(value) => match deserializer.end() {
            Ok(()) => Ok(value),
            // There is trailing data after the response.
            Err(cause) => Err(Error::decode(operation, None, &cause, unreadable())),
        },
        Err(_) if is_old_shape(body) => Err(Error::version_mismatch(operation, unreadable())),
        Err(placed) => {
            let path = placed.path().to_string();
            let path = Some(path).filter(|path| path != ".");
            Err(Error::decode(operation, path, placed.inner(), unreadable()))
        }
    }
}

/// Returns whether a body has the shape of API version 2024-04-15, which a server silently falls
/// back to when it does not know the requested version.
fn is_old_shape(body: &[u8]) -> bool {
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let data = json.get("data").unwrap_or(&json);
    let wrappers = ["eventTypeGroups", "eventType", "bookings"];
    if data.get("uid").is_none() && wrappers.iter().any(|key| data.get(key).is_some()) {
        return true;
    }
    let item = data.get(0).unwrap_or(data);
    let has = |key: &str| item.get(key).is_some();
    (has("startTime") && !has("start")) || (has("length") && !has("lengthInMinutes"))
}

/// Builds a response with this status, for responses that are constructed rather than received.
pub(crate) fn to_response(
    status: StatusCode,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &'static [u8]) -> Result<Vec<String>, Error> {
        let response = Response::new(Bytes::from_static(body));
        decode("test", &response, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_text_that_is_not_utf8_matters_where_it_is_read() {
        let unread = read(b"{\"note\": \"\xff\", \"data\": [\"a\", \"b\"]}");
        assert_eq!(unread.unwrap(), ["a", "b"]);
        let error = read(b"{\"data\": [\"a\", \"\xff\"]}").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.to_string().contains("data[1]"), "{error}");
    }

    #[test]
    fn nothing_may_follow_an_answer() {
        for body in [&b"{\"data\": []} {}"[..], b"{\"data\": []} \xff"] {
            assert_eq!(read(body).unwrap_err().kind(), ErrorKind::Decode);
        }
    }
}
