//! The `/routing-forms` endpoint.

use super::Client;
use super::error::Error;
use crate::model::{RoutedSlotQuery, RoutedSlots, RoutingFormAnswers, RoutingFormId};

/// The routing forms API.
///
/// Obtained from [`Client::routing_forms`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), Box<dyn std::error::Error>> {
/// use calcom::model::{RoutedSlotQuery, RoutingFormAnswers};
///
/// let form = "11111111-2222-4333-8444-555555555555".into();
/// let answers = RoutingFormAnswers::default().with_answer("department", "sales");
/// let (from, to) = ("2026-12-07T00:00:00Z".parse()?, "2026-12-09T00:00:00Z".parse()?);
/// let query = RoutedSlotQuery::new(from, to);
/// let routed = client.routing_forms().calculate_slots(&form, &answers, &query).await?;
/// println!("{}: {} days", routed.event_type_id, routed.slots.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RoutingForms<'a> {
    client: &'a Client,
}

impl<'a> RoutingForms<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Determines which event type these answers lead to, and lists its free slots.
    ///
    /// The answers are not stored.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound) if the form or the event type does not exist, or
    /// the answers do not lead to an event type; [`Invalid`](super::ErrorKind::Invalid) with the
    /// rejected fields.
    pub async fn calculate_slots(
        &self,
        form: &RoutingFormId,
        answers: &RoutingFormAnswers,
        query: &RoutedSlotQuery,
    ) -> Result<RoutedSlots, Error> {
        let path = ["routing-forms", form.as_str(), "calculate-slots"];
        let request = self.client.post("routing_forms.calculate_slots", &path);
        let request = request
            .version(&self.client.versions.slots)
            .query(query.to_pairs())
            .json(answers)?;
        self.client.data(request).await
    }
}
