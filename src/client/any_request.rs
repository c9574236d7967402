//! The way to endpoints that have no method of their own.

use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Client;
use super::error::Error;
use super::request::ApiRequest;
use super::version::ApiVersion;

/// A call of any endpoint; get one from [`Client::request`].
///
/// It passes the same policies as every other call, and is made again on the same terms: reading and deleting if the answer
/// was lost, everything else only if it was certainly not carried out.
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use http::Method;
/// use serde_json::Value;
///
/// let busy: Value = client
///     .request(Method::GET, ["calendars", "busy-times"])
///     .query("dateFrom", "2026-12-01")
///     .query("dateTo", "2026-12-31")
///     .send()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct AnyRequest<'a> {
    client: &'a Client,
    request: ApiRequest,
}

impl<'a> AnyRequest<'a> {
    pub(super) fn new(
        client: &'a Client,
        method: Method,
        path: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let path: Vec<String> = path.into_iter().map(Into::into).collect();
        let request = ApiRequest::new("request", method, &path);
        Self { client, request }
    }

    /// Adds a parameter to the query.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request = self.request.and_query(name.into(), value.into());
        self
    }

    /// Asks for a version of the endpoint. Without one, the server takes 2024-04-15 where the endpoint has versions.
    pub fn version(mut self, version: &ApiVersion) -> Self {
        self.request = self.request.version(version);
        self
    }

    /// Sets the body.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if it cannot be written as JSON.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        self.request = self.request.json(body)?;
        Ok(self)
    }

    /// Makes the call and reads the `data` of the answer.
    ///
    /// # Errors
    ///
    /// Any; [`Invalid`](super::ErrorKind::Invalid) without anything being sent if a segment of the path is empty, consists of
    /// dots or has control characters.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.client.data(self.request).await
    }

    /// Makes the call and reads the whole body of the answer, for what stands beside `data`, such as `pagination`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_for_body<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.client.body(self.request).await
    }
}
