//! `/me`.

use super::Client;
use super::error::Error;
use crate::model::{User, UserUpdate};

/// The user behind the key; get one from [`Client::me`].
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

    /// Reads the user. Also the cheapest way to find out whether a key is accepted.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn get(&self) -> Result<User, Error> {
        self.client.data(self.client.get("me.get", &["me"])).await
    }

    /// Changes the user.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) with the fields that were refused.
    pub async fn update(&self, update: &UserUpdate) -> Result<User, Error> {
        let request = self.client.patch("me.update", &["me"]);
        self.client.data(request.json(update)?).await
    }
}
