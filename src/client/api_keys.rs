//! The `/api-keys` endpoint, which is not versioned.

use super::Client;
use super::error::Error;
use crate::model::{ApiKeyRefresh, RefreshedApiKey};

/// The API key of the client.
///
/// Obtained from [`Client::api_keys`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::client::Client;
/// use calcom::model::ApiKeyRefresh;
///
/// let refreshed = client.api_keys().refresh(&ApiKeyRefresh::days(60)).await?;
/// // Store the new key before anything else, then use it.
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

    /// Exchanges the API key for a new one. The old key becomes invalid immediately.
    ///
    /// This client keeps using the old key, so all further calls of it and its clones fail with
    /// [`Unauthorized`](super::ErrorKind::Unauthorized): build another client with the new key. If
    /// the response is lost, the old key may be invalid and the new one unknown, in which case a
    /// key has to be created in Cal.com's settings.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized) if the key is already invalid,
    /// [`Invalid`](super::ErrorKind::Invalid) for less than one day, or for both a number of days
    /// and no expiry.
    pub async fn refresh(&self, params: &ApiKeyRefresh) -> Result<RefreshedApiKey, Error> {
        let path = ["api-keys", "refresh"];
        let request = self.client.post("api_keys.refresh", &path);
        self.client.data(request.json(params)?).await
    }
}
