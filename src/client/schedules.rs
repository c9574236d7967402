//! The `/schedules` endpoints.

use super::Client;
use super::error::Error;
use super::request::ApiRequest;
use crate::model::{NewSchedule, Schedule, ScheduleId, ScheduleUpdate};

/// The user's schedules.
///
/// Obtained from [`Client::schedules`].
///
/// ```no_run
/// # async fn run(client: calcom::client::Client) -> Result<(), calcom::client::Error> {
/// use calcom::chrono::NaiveTime;
/// use calcom::model::{NewSchedule, ScheduleAvailability, Weekday};
///
/// let (from, to) = (NaiveTime::from_hms_opt(18, 0, 0), NaiveTime::from_hms_opt(20, 0, 0));
/// let evenings = ScheduleAvailability::new(
///     [Weekday::Thursday, Weekday::Friday],
///     from.unwrap_or_default(),
///     to.unwrap_or_default(),
/// );
/// let schedule = NewSchedule::new("Evenings", "Europe/Berlin".into()).with_availability(evenings);
/// let created = client.schedules().create(&schedule).await?;
/// println!("{}", created.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Schedules<'a> {
    client: &'a Client,
}

impl<'a> Schedules<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    fn versioned(&self, request: ApiRequest) -> ApiRequest {
        request.version(&self.client.versions.schedules)
    }

    /// Creates a schedule.
    ///
    /// # Errors
    ///
    /// [`Invalid`](super::ErrorKind::Invalid) with the rejected fields.
    pub async fn create(&self, schedule: &NewSchedule) -> Result<Schedule, Error> {
        let request = self.client.post("schedules.create", &["schedules"]);
        self.client
            .data(self.versioned(request).json(schedule)?)
            .await
    }

    /// Lists all schedules.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn list(&self) -> Result<Vec<Schedule>, Error> {
        let request = self.client.get("schedules.list", &["schedules"]);
        self.client.data(self.versioned(request)).await
    }

    /// Retrieves the default schedule; `None` if the user has none.
    ///
    /// # Errors
    ///
    /// [`Unauthorized`](super::ErrorKind::Unauthorized).
    pub async fn default(&self) -> Result<Option<Schedule>, Error> {
        let path = ["schedules", "default"];
        let request = self.client.get("schedules.default", &path);
        self.client.data(self.versioned(request)).await
    }

    /// Retrieves a schedule by id.
    ///
    /// # Errors
    ///
    /// [`NotFound`](super::ErrorKind::NotFound), [`Forbidden`](super::ErrorKind::Forbidden) if the
    /// schedule belongs to another user.
    pub async fn get(&self, id: ScheduleId) -> Result<Schedule, Error> {
        let path = ["schedules", &id.to_string()];
        let request = self.client.get("schedules.get", &path);
        self.client.data(self.versioned(request)).await
    }

    /// Updates a schedule.
    ///
    /// # Errors
    ///
    /// Same as [`get`](Self::get) and [`create`](Self::create).
    pub async fn update(&self, id: ScheduleId, update: &ScheduleUpdate) -> Result<Schedule, Error> {
        let path = ["schedules", &id.to_string()];
        let request = self.client.patch("schedules.update", &path);
        self.client
            .data(self.versioned(request).json(update)?)
            .await
    }

    /// Deletes a schedule.
    ///
    /// Event types that used it fall back to the default schedule.
    ///
    /// # Errors
    ///
    /// Same as [`get`](Self::get).
    pub async fn delete(&self, id: ScheduleId) -> Result<(), Error> {
        let path = ["schedules", &id.to_string()];
        let request = self.client.delete("schedules.delete", &path);
        self.client.acknowledged(self.versioned(request)).await
    }
}
