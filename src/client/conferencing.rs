//! `/conferencing`. These endpoints have no version.

use super::Client;
use super::error::Error;
use crate::model::{ConferencingApp, ConnectUrl, ConnectedApp, DefaultConferencingApp};

/// The conferencing apps; get one from [`Client::conferencing`].
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

    /// Lists the connected apps. Cal Video needs no connection and is not among them.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn list(&self) -> Result<Vec<ConnectedApp>, Error> {
        let request = self.client.get("conferencing.list", &["conferencing"]);
        self.client.data(request).await
    }

    /// Connects an app that needs no consent in the browser, that is Google Meet.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if it is connected already, if no Google calendar is
    /// connected, or for apps that do need consent.
    pub async fn connect(&self, app: &ConferencingApp) -> Result<ConnectedApp, Error> {
        let path = ["conferencing", app.as_str(), "connect"];
        let request = self.client.post("conferencing.connect", &path);
        self.client.data(request).await
    }

    /// Gets the address at which the user connects Zoom or Microsoft Teams in the browser. The
    /// browser ends up at `return_to`, or at `on_error_return_to` if that fails.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) for apps that are connected otherwise.
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

    /// Reads which app event types use if they name none; `None` if the user has not chosen one.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn default(&self) -> Result<Option<DefaultConferencingApp>, Error> {
        let path = ["conferencing", "default"];
        let request = self.client.get("conferencing.default", &path);
        self.client.data(request).await
    }

    /// Chooses the app that event types use if they name none.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if the app is unknown or not connected.
    pub async fn set_default(&self, app: &ConferencingApp) -> Result<(), Error> {
        let path = ["conferencing", app.as_str(), "default"];
        let request = self.client.post("conferencing.set_default", &path);
        self.client.acknowledged(request).await
    }

    /// Disconnects an app. If it was the default, there is none from then on.
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
