//! The `/event-types/{id}/private-links` endpoints, which are not versioned.

use super::Client;
use super::error::Error;
use crate::model::{EventTypeId, PrivateLink, PrivateLinkId, PrivateLinkParams};

/// The private links of an event type.
///
/// Obtained from [`EventTypes::private_links`](super::EventTypes::private_links).
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::model::{EventTypeId, PrivateLinkParams};
///
/// let links = client.event_types().private_links(EventTypeId::new(2));
/// let link = links.create(&PrivateLinkParams::uses(3)).await?;
/// println!("{}", link.booking_url.unwrap_or_default());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PrivateLinks<'a> {
    client: &'a Client,
    event_type: EventTypeId,
}

impl<'a> PrivateLinks<'a> {
    pub(super) fn new(client: &'a Client, event_type: EventTypeId) -> Self {
        Self { client, event_type }
    }

    /// Creates a private link.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) if `params` contain both an expiry and a maximum
    /// number of uses, or a maximum of zero; [`NotFound`](super::ErrorKind::NotFound) if the event
    /// type does not exist or belongs to another user. An expiry in the past is accepted, and the
    /// link has then already expired.
    pub async fn create(&self, params: &PrivateLinkParams) -> Result<PrivateLink, Error> {
        let path = ["event-types", &self.event_type.to_string(), "private-links"];
        let request = self.client.post("private_links.create", &path);
        self.client.data(request.json(params)?).await
    }

    /// Lists all links, including expired ones.
    ///
    /// # Errors
    ///
    /// Same as [`create`](Self::create).
    pub async fn list(&self) -> Result<Vec<PrivateLink>, Error> {
        let path = ["event-types", &self.event_type.to_string(), "private-links"];
        let request = self.client.get("private_links.list", &path);
        self.client.data(request).await
    }

    /// Updates when a link expires. One kind of expiry replaces the other.
    ///
    /// # Errors
    ///
    /// Same as [`create`](Self::create), and [`NotFound`](super::ErrorKind::NotFound) if there is
    /// no such link.
    pub async fn update(
        &self,
        id: &PrivateLinkId,
        params: &PrivateLinkParams,
    ) -> Result<PrivateLink, Error> {
        let event_type = self.event_type.to_string();
        let path = ["event-types", &event_type, "private-links", id.as_str()];
        let request = self.client.patch("private_links.update", &path);
        self.client.data(request.json(params)?).await
    }

    /// Deletes a link.
    ///
    /// # Errors
    ///
    /// Same as [`update`](Self::update).
    pub async fn delete(&self, id: &PrivateLinkId) -> Result<(), Error> {
        let event_type = self.event_type.to_string();
        let path = ["event-types", &event_type, "private-links", id.as_str()];
        let request = self.client.delete("private_links.delete", &path);
        self.client.acknowledged(request).await
    }
}
