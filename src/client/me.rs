//! `/me`.

use super::Client;
use super::error::Error;
use crate::model::User;

/// The user behind the key; get one from [`Client::me`].
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
}
