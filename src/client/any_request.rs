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
    // An error of the body is reported by `send`, so that requests can be written as one chain.
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

    /// Adds a parameter to the query.
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.request = self
            .request
            .map(|request| request.and_query(name.into(), value.into()));
        self
    }

    /// Asks for a version of the endpoint. Without one, the server takes 2024-04-15 where the endpoint has versions.
    pub fn version(mut self, version: &ApiVersion) -> Self {
        self.request = self.request.map(|request| request.version(version));
        self
    }

    /// Sets the body. One that cannot be written as JSON makes `send` fail with
    /// [`Invalid`](super::ErrorKind::Invalid).
    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.request = self.request.and_then(|request| request.json(body));
        self
    }

    /// Makes the call and reads the `data` of the answer.
    ///
    /// # Errors
    ///
    /// Any; [`Invalid`](super::ErrorKind::Invalid), and nothing is sent, if a segment of the path is
    /// empty, consists of dots or has control characters, or if the body cannot be written as JSON.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.client.data(self.request?).await
    }

    /// Makes the call and reads the whole body of the answer, for what stands beside `data`, such as `pagination`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_for_body<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.client.body(self.request?).await
    }

    /// Makes the call and reads nothing but its success, for endpoints that answer without `data`.
    ///
    /// A `DELETE` that finds nothing has succeeded if an attempt before it may have been carried out.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn send_ack(self) -> Result<(), Error> {
        self.client.acknowledged(self.request?).await
    }
}
