//! Building requests, without any I/O.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use url::Url;

use super::error::Error;
use super::version::ApiVersion;

/// One API call, which can be sent any number of times, as the retry policy requires.
#[derive(Clone)]
pub(crate) struct ApiRequest {
    /// The name used in errors and spans, such as `bookings.get`.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) version: Option<ApiVersion>,
    pub(crate) body: Option<Bytes>,
    /// Whether the server applies a separate rate limit to this operation.
    pub(crate) has_own_limit: bool,
    /// Whether it is sent without the client's credentials.
    pub(crate) is_anonymous: bool,
    path: Vec<String>,
    query: Vec<(Cow<'static, str>, String)>,
}

impl ApiRequest {
    pub(crate) fn new(operation: &'static str, method: Method, path: &[impl AsRef<str>]) -> Self {
        Self {
            operation,
            method,
            version: None,
            body: None,
            has_own_limit: false,
            is_anonymous: false,
            path: path.iter().map(|s| s.as_ref().to_owned()).collect(),
            query: Vec::new(),
        }
    }

    pub(crate) fn version(mut self, version: &ApiVersion) -> Self {
        self.version = Some(version.clone());
        self
    }

    /// Marks the operation as having a separate rate limit, which says nothing about other calls.
    pub(crate) fn under_own_limit(mut self) -> Self {
        self.has_own_limit = true;
        self
    }

    /// Sends it without the client's credentials.
    pub(crate) fn without_credentials(mut self) -> Self {
        self.is_anonymous = true;
        self
    }

    pub(crate) fn query(mut self, pairs: Vec<(&'static str, String)>) -> Self {
        let borrowed = |(name, value)| (Cow::Borrowed(name), value);
        self.query = pairs.into_iter().map(borrowed).collect();
        self
    }

    pub(crate) fn and_query(mut self, name: String, value: String) -> Self {
        self.query.push((Cow::Owned(name), value));
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let bytes = serde_json::to_vec(body)
            .map_err(|cause| Error::unserializable(self.operation, cause))?;
        self.body = Some(bytes.into());
        Ok(self)
    }

    /// Returns whether the request is idempotent.
    ///
    /// Reads are, and so are deletions, apart from a possible 404. Writes of bookings are not: the
    /// server does not replay responses and supports no idempotency keys.
    pub(crate) fn is_idempotent(&self) -> bool {
        self.method == Method::GET || self.method == Method::DELETE
    }

    /// Returns the URL under a base such as `https://api.cal.com/v2`.
    pub(crate) fn url(&self, base: &Url) -> Result<Url, Error> {
        // Each of these would silently address another resource. Control characters are included
        // because URL parsing strips tabs and line breaks.
        let strays = |segment: &String| {
            matches!(segment.as_str(), "" | "." | "..") || segment.contains(char::is_control)
        };
        if self.path.iter().any(strays) {
            return Err(Error::invalid_argument(
                self.operation,
                "path",
                "an identifier is empty, consists of dots or contains control characters",
            ));
        }
        let mut url = base.clone();
        url.path_segments_mut()
            .map_err(|()| {
                Error::invalid_argument(self.operation, "base_url", "cannot be used as a base URL")
            })?
            .pop_if_empty()
            .extend(&self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }
}

// By hand: the path contains uids, the query contains e-mail addresses, and the body can contain
// anything.
impl fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &[&str]) -> Result<String, Error> {
        let base = Url::parse("https://cal.example.org/api/v2/").unwrap();
        let request = ApiRequest::new("test", Method::GET, path);
        request.url(&base).map(String::from)
    }

    #[test]
    fn an_identifier_cannot_leave_its_segment() {
        assert_eq!(
            url(&["bookings", "a/b?c#d"]).unwrap(),
            "https://cal.example.org/api/v2/bookings/a%2Fb%3Fc%23d"
        );
        for stray in ["", ".", "..", ".\t."] {
            assert!(url(&["bookings", stray]).is_err(), "{stray:?}");
        }
    }

    #[test]
    fn the_base_may_or_may_not_end_in_a_slash() {
        let request = ApiRequest::new("test", Method::GET, &["me"]);
        for base in ["https://api.cal.com/v2", "https://api.cal.com/v2/"] {
            let base = Url::parse(base).unwrap();
            assert_eq!(
                request.url(&base).unwrap().as_str(),
                "https://api.cal.com/v2/me"
            );
        }
    }
}
