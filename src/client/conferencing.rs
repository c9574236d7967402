//! The `/conferencing` endpoints, which are not versioned.

use super::Client;
use super::error::Error;
use crate::model::{ConferencingApp, ConnectUrl, ConnectedApp, DefaultConferencingApp};

/// The conferencing API, for conferencing apps.
///
/// Obtained from [`Client::conferencing`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::ConferencingApp;
///
/// let conferencing = client.conferencing();
/// conferencing.connect(&ConferencingApp::GoogleMeet).await?;
/// conferencing.set_default(&ConferencingApp::GoogleMeet).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Conferencing<'a> {
    client: &'a Client,
}

impl<'a> Conferencing<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Lists the connected apps. Cal Video needs no connection and is not included.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn list(&self) -> Result<Vec<ConnectedApp>, Error> {
        let request = self.client.get("conferencing.list", &["conferencing"]);
        self.client.data(request).await
    }

    /// Connects an app that needs no consent in the browser, which is only Google Meet.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if it is already connected, if no Google calendar is
    /// connected, or for apps that require consent.
    pub async fn connect(&self, app: &ConferencingApp) -> Result<ConnectedApp, Error> {
        let path = ["conferencing", app.as_str(), "connect"];
        let request = self.client.post("conferencing.connect", &path);
        self.client.data(request).await
    }

    /// Returns the URL at which the user connects Zoom or Microsoft Teams in the browser.
    ///
    /// Afterwards, the browser is redirected to `return_to`, or to `on_error_return_to` on failure.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) for apps that are connected in another way.
    pub async fn auth_url(
        &self,
        app: &ConferencingApp,
        return_to: &str,
        on_error_return_to: &str,
    ) -> Result<ConnectUrl, Error> {
        let path = ["conferencing", app.as_str(), "oauth", "auth-url"];
        let request = self.client.get("conferencing.auth_url", &path);
        let request = request.query(vec![
            ("returnTo", return_to.to_owned()),
            ("onErrorReturnTo", on_error_return_to.to_owned()),
        ]);
        self.client.data(request).await
    }

    /// Retrieves the default app of event types that specify none; `None` if the user has not
    /// chosen one.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn default(&self) -> Result<Option<DefaultConferencingApp>, Error> {
        let path = ["conferencing", "default"];
        let request = self.client.get("conferencing.default", &path);
        self.client.data(request).await
    }

    /// Sets the default app of event types that specify none.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the app is unknown or not connected.
    pub async fn set_default(&self, app: &ConferencingApp) -> Result<(), Error> {
        let path = ["conferencing", app.as_str(), "default"];
        let request = self.client.post("conferencing.set_default", &path);
        self.client.acknowledged(request).await
    }

    /// Disconnects an app. If it was the default, there is no default afterwards.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if it is not connected.
    pub async fn disconnect(&self, app: &ConferencingApp) -> Result<(), Error> {
        let path = ["conferencing", app.as_str(), "disconnect"];
        let request = self.client.delete("conferencing.disconnect", &path);
        self.client.acknowledged(request).await
    }
}
