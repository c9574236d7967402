//! The `/me` endpoint.

use super::Client;
use super::error::Error;
use crate::model::{User, UserUpdate};

/// The user that the API key belongs to.
///
/// Obtained from [`Client::me`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::UserUpdate;
///
/// let update = UserUpdate::default().with_time_zone("Europe/Berlin");
/// let user = client.me().update(&update).await?;
/// println!("{}", user.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Me<'a> {
    client: &'a Client,
}

impl<'a> Me<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Retrieves the user. This is also the cheapest way to check whether a key is valid.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn get(&self) -> Result<User, Error> {
        self.client.data(self.client.get("me.get", &["me"])).await
    }

    /// Updates the user.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) with the rejected fields.
    pub async fn update(&self, update: &UserUpdate) -> Result<User, Error> {
        let request = self.client.patch("me.update", &["me"]);
        self.client.data(request.json(update)?).await
    }
}
