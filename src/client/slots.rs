//! The `/slots` endpoint.

use super::Client;
use super::error::Error;
use crate::model::{SlotQuery, SlotsByDay};

/// The slots API, which lists available slots.
///
/// Obtained from [`Client::slots`].
///
/// To hold a slot for a while, see [`Client::reservations`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::model::{EventTypeId, SlotQuery};
///
/// let (from, to) = ("2026-12-07T00:00:00Z".parse()?, "2026-12-09T00:00:00Z".parse()?);
/// let query = SlotQuery::new(EventTypeId::new(2), from, to).with_time_zone("Europe/Berlin");
/// for (day, slots) in client.slots().list(&query).await? {
///     println!("{day}: {}", slots.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Slots<'a> {
    client: &'a Client,
}

impl<'a> Slots<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Lists available slots, grouped by day in the requested time zone.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if there is no such event type,
    /// [`Invalid`](super::ErrorKind::Invalid), without sending anything, if [`SlotQuery::check`]
    /// rejects the query.
    pub async fn list(&self, query: &SlotQuery) -> Result<SlotsByDay, Error> {
        let operation = "slots.list";
        self.client.check(operation, || query.check())?;
        let request = self
            .client
            .get(operation, &["slots"])
            .version(&self.client.versions.slots)
            .query(query.to_pairs());
        self.client.data(request).await
    }
}
