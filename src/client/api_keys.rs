//! `/api-keys`. This endpoint has no version.

use super::Client;
use super::error::Error;
use crate::model::{ApiKeyRefresh, RefreshedApiKey};

/// The API key of the client; get one from [`Client::api_keys`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::client::Client;
/// use calcom::model::ApiKeyRefresh;
///
/// let refreshed = client.api_keys().refresh(&ApiKeyRefresh::days(60)).await?;
/// // Store the key first of all, then go on with it.
/// let client = Client::new(refreshed.api_key)?;
/// # drop(client);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ApiKeys<'a> {
    client: &'a Client,
}

impl<'a> ApiKeys<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Exchanges the API key for a new one. The old key is void at once.
    ///
    /// This client goes on with the old key, so that all further calls of it and of its clones fail
    /// with [`Unauthorized`](super::ErrorKind::Unauthorized): build another client with the new
    /// key. If no answer comes, the old key may be void and the new one lost; then a key has to be
    /// made in Cal.com's settings.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized) if the key is void already,
    /// [`Invalid`](super::ErrorKind::Invalid) for less than one day, or for days and no expiry together.
    pub async fn refresh(&self, params: &ApiKeyRefresh) -> Result<RefreshedApiKey, Error> {
        let path = ["api-keys", "refresh"];
        let request = self.client.post("api_keys.refresh", &path);
        self.client.data(request.json(params)?).await
    }
}
