//! The `/stripe` endpoints, which are not versioned.

use super::Client;
use super::error::Error;
use crate::model::ConnectUrl;

/// The Stripe connection, for paid bookings.
///
/// Obtained from [`Client::stripe`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::client::ErrorKind;
///
/// let stripe = client.stripe();
/// match stripe.check().await {
///     Err(error) if error.kind() == ErrorKind::NotFound => {
///         // Redirect the user's browser to `url.expose()`.
///         let url = stripe.connect_url().await?;
/// #       drop(url);
///     }
///     checked => checked?,
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stripe<'a> {
    client: &'a Client,
}

impl<'a> Stripe<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Returns the URL at which the user connects Stripe in the browser.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) on servers that are not configured for Stripe.
    pub async fn connect_url(&self) -> Result<ConnectUrl, Error> {
        let request = self
            .client
            .get("stripe.connect_url", &["stripe", "connect"]);
        self.client.data(request).await
    }

    /// Checks that Stripe is connected and that the connection works.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if it is not connected,
    /// [`Invalid`](super::ErrorKind::Invalid) if the connection does not work.
    pub async fn check(&self) -> Result<(), Error> {
        let request = self.client.get("stripe.check", &["stripe", "check"]);
        self.client.acknowledged(request).await
    }
}
