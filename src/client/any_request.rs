//! Requests to endpoints that have no method of their own.

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use super::error::Error;
use super::request::ApiRequest;
use super::version::ApiVersion;

/// A request to any endpoint.
///
/// Obtained from [`Client::request`].
///
/// It is subject to the same policies as every other call and is retried under the same conditions:
/// reads and deletions also if the response was lost, everything else only if it certainly was not
/// carried out.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use http::Method;
/// use serde_json::Value;
///
/// let attributes: Value = client
///     .request(Method::GET, ["organizations", "7", "attributes"])
///     .query("take", "10")
///     .send()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AnyRequest<'a> {
    client: &'a Client,
    // Errors in the body are reported by `send`, so that requests can be written as one chain.
    request: Result<ApiRequest, Error>,
}

impl<'a> AnyRequest<'a> {
    pub(super) fn new(
        client: &'a Client,
        method: Method,
        path: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let path: Vec<String> = path.into_iter().map(Into::into).collect();
        let request = Ok(ApiRequest::new("request", method, &path));
        Self { client, request }
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request = self
            .request
            .map(|request| request.and_query(name.into(), value.into()));
        self
    }

    /// Sets the API version. Without one, endpoints that have versions use 2024-04-15.
    pub fn version(mut self, version: &ApiVersion) -> Self {
        self.request = self.request.map(|request| request.version(version));
        self
    }

    /// Sets the body.
    ///
    /// If it cannot be serialized as JSON, `send` fails with
    /// [`Invalid`](super::ErrorKind::Invalid).
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.request = self.request.and_then(|request| request.json(body));
        self
    }

    /// Sends the request and deserializes the `data` of the response.
    ///
    /// # Errors
    ///
    /// Any; [`Invalid`](super::ErrorKind::Invalid), without sending anything, if a path segment is
    /// empty, consists of dots or contains control characters, or if the body cannot be serialized
    /// as JSON.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.client.data(self.request?).await
    }

    /// Sends the request and deserializes the whole body of the response.
    ///
    /// Use this for fields next to `data`, such as `pagination`.
    ///
    /// # Errors
    ///
    /// Same as [`send`](Self::send).
    pub async fn send_for_body<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.client.body(self.request?).await
    }

    /// Sends the request and checks only for success, for endpoints that respond without `data`.
    ///
    /// A `DELETE` that finds nothing succeeds if an earlier attempt may have been carried out.
    ///
    /// # Errors
    ///
    /// Same as [`send`](Self::send).
    pub async fn send_ack(self) -> Result<(), Error> {
        self.client.acknowledged(self.request?).await
    }
}
