//! The Cal.com of the quickstart: a fake one on loopback, or a real one.

use std::collections::VecDeque;
use std::env::{self, VarError};
use std::sync::Mutex;
use std::time::Duration;

use calcom::ambient::{Clock, SystemClock};
use calcom::client::{BreakerPolicy, Client, Error, ErrorKind};
use calcom::model::{
    Booking, BookingUid, CancelParams, EventTypeId, NewAttendee, NewBooking, NewWebhook,
    RescheduleParams, SlotQuery, UserId, WebhookId,
};
use calcom::store::Person;
use calcom::sync::SyncConfig;
use calcom::testing::FakeCalcom;
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

use crate::Failure;
use crate::timeline::Timeline;

/// How many slots the checks want.
const SLOTS: usize = 40;

pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) event_type: EventTypeId,
    pub(crate) host: UserId,
    /// The fake one, for what cannot be provoked on a real one.
    pub(crate) fake: Option<FakeCalcom>,
    free_slots: Mutex<VecDeque<DateTime<Utc>>>,
    subscription: Mutex<Option<WebhookId>>,
    /// What was booked as somebody else, to be cleaned up.
    strangers: Mutex<Vec<BookingUid>>,
}

fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(value.trim().to_owned())),
        Err(VarError::NotPresent) => Ok(None),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}

impl Server {
    pub(crate) async fn from_environment() -> Result<Self, Failure> {
        let names = ["CALCOM_BASE_URL", "CALCOM_API_KEY", "CALCOM_EVENT_TYPE_ID"];
        let [base_url, api_key, event_type] = names.map(variable);
        match (base_url?, api_key?, event_type?) {
            (None, None, None) => Self::fake().await,
            (Some(base_url), Some(api_key), Some(event_type)) => {
                let event_type = event_type
                    .parse()
                    .map_err(|_| "CALCOM_EVENT_TYPE_ID is not a number")?;
                Self::real(&base_url, api_key.into(), event_type).await
            }
            _ => Err(format!(
                "set all of {}, {} and {} to use a real server, or none of them",
                names[0], names[1], names[2]
            )
            .into()),
        }
    }

    async fn fake() -> Result<Self, Failure> {
        // A real server carries a cancellation out some 40 to 80 ms after it has announced it.
        let fake = FakeCalcom::builder().cancellation_lag(Duration::from_millis(60));
        let fake = fake.start().await?;
        let client = Client::builder(fake.api_key())
            .base_url(fake.base_url().as_str())
            .attempt_timeout(Duration::from_secs(2))
            // Closed again soon, as the outage that is played is over soon.
            .breaker(BreakerPolicy::consecutive_failures(
                5,
                Duration::from_millis(300),
            ))
            .build()?;
        let server = Self {
            client,
            event_type: fake.event_type_id(),
            host: fake.host_id(),
            fake: Some(fake),
            free_slots: Mutex::default(),
            subscription: Mutex::default(),
            strangers: Mutex::default(),
        };
        server.find_slots().await?;
        Ok(server)
    }

    async fn real(
        base_url: &str,
        api_key: SecretString,
        event_type: EventTypeId,
    ) -> Result<Self, Failure> {
        let client = Client::builder(api_key).base_url(base_url).build()?;
        let user = client.me().get().await?;
        client.event_types().get(event_type).await?;
        let server = Self {
            client,
            event_type,
            host: user.id,
            fake: None,
            free_slots: Mutex::default(),
            subscription: Mutex::default(),
            strangers: Mutex::default(),
        };
        server.find_slots().await?;
        Ok(server)
    }

    /// Takes free slots from the server, from the day after tomorrow on.
    async fn find_slots(&self) -> Result<(), Failure> {
        let from = SystemClock.now() + TimeDelta::days(2);
        let query = SlotQuery::new(self.event_type, from, from + TimeDelta::days(28));
        let days = self.client.slots().list(&query).await?;
        let slots: VecDeque<_> = days
            .into_values()
            .flatten()
            .map(|slot| slot.start)
            .take(SLOTS)
            .collect();
        if slots.len() < SLOTS {
            return Err(format!(
                "the event type has {} free slots in the next four weeks, and the checks need {SLOTS}",
                slots.len()
            )
            .into());
        }
        *self.free_slots.lock().expect("no panic holds it") = slots;
        Ok(())
    }

    /// Makes a call, again when the server says so if it limits the rate.
    async fn patiently<T>(&self, call: impl AsyncFn() -> Result<T, Error>) -> Result<T, Error> {
        loop {
            match call().await {
                Err(error) if error.kind() == ErrorKind::RateLimited => {
                    let wait = error.retry_after().unwrap_or(Duration::from_secs(60));
                    tokio::time::sleep(wait.min(self.patience())).await;
                }
                ended => return ended,
            }
        }
    }

    pub(crate) async fn read(&self, uid: &BookingUid) -> Result<Booking, Error> {
        let bookings = self.client.bookings();
        self.patiently(async || bookings.get(uid).await).await
    }

    async fn cancel(&self, uid: &BookingUid, reason: &str) -> Result<Booking, Error> {
        let (bookings, params) = (self.client.bookings(), CancelParams::reason(reason));
        self.patiently(async || bookings.cancel(uid, &params).await)
            .await
    }

    /// A slot that nobody has taken.
    pub(crate) fn slot(&self) -> Result<DateTime<Utc>, String> {
        let mut slots = self.free_slots.lock().expect("no panic holds it");
        slots
            .pop_front()
            .ok_or_else(|| "no free slots are left".to_owned())
    }

    pub(crate) fn description(&self) -> String {
        let host = self.client.base_url().host_str().unwrap_or("?").to_owned();
        match &self.fake {
            Some(_) => format!("a host with a SQLite file, and a FakeCalcom on {host}"),
            None => format!("a host with a SQLite file, and the Cal.com at {host}"),
        }
    }

    /// How long something may take to arrive before a check fails with the reason. The hosted service sends webhooks up to 45 s
    /// later.
    pub(crate) fn patience(&self) -> Duration {
        Duration::from_secs(if self.fake.is_some() { 10 } else { 60 })
    }

    pub(crate) fn sync_config(&self) -> SyncConfig {
        let mut config = SyncConfig::default();
        if self.fake.is_some() {
            // The same schedule as in production, at a tenth of its first two waits, so that nobody has to wait for it.
            config.retry_delays = [100, 300, 600].map(Duration::from_millis).to_vec();
        }
        config
    }

    pub(crate) async fn subscribe(
        &self,
        receiver: &str,
        secret: SecretString,
        timeline: &Timeline,
    ) -> Result<(), Failure> {
        let url = match variable("CALCOM_WEBHOOK_URL")? {
            Some(url) if self.fake.is_none() => with_receiver_path(&url)?,
            _ => receiver.to_owned(),
        };
        let webhook = NewWebhook::new(&url, NewWebhook::booking_triggers(), secret);
        let webhooks = self.client.webhooks();
        let created = match webhooks.create(&webhook).await {
            // An earlier run that could not clean up has left one with a secret that nobody knows any more.
            Err(error) if error.kind() == ErrorKind::Conflict => {
                for old in webhooks
                    .list_all(calcom::model::WebhookQuery::default())
                    .try_collect::<Vec<_>>()
                    .await?
                {
                    if old.subscriber_url == url {
                        webhooks.delete(&old.id).await?;
                    }
                }
                webhooks.create(&webhook).await?
            }
            created => created?,
        };
        *self.subscription.lock().expect("no panic holds it") = Some(created.id);
        timeline.note(&format!("webhooks go to {url}"));
        Ok(())
    }

    /// Somebody books on Cal.com's own page.
    pub(crate) async fn stranger_books(
        &self,
        start: DateTime<Utc>,
        person: &Person,
    ) -> Result<Booking, String> {
        let booking = NewBooking::new(self.event_type, start, NewAttendee::from(person));
        let booked = match &self.fake {
            Some(fake) => fake.book(booking).await.map_err(|e| e.to_string())?,
            None => {
                let bookings = self.client.bookings();
                let created = self.patiently(async || bookings.create(&booking).await);
                let created = created.await.map_err(|e| e.to_string())?;
                let first = created.into_vec().into_iter().next();
                first.ok_or("the server made no booking")?
            }
        };
        self.remember(&booked);
        Ok(booked)
    }

    /// Somebody moves a booking on Cal.com's own page.
    pub(crate) async fn stranger_moves(
        &self,
        uid: &BookingUid,
        start: DateTime<Utc>,
    ) -> Result<Booking, String> {
        let moved = match &self.fake {
            Some(fake) => fake
                .move_booking(uid, start)
                .await
                .map_err(|e| e.to_string())?,
            None => {
                let params = RescheduleParams::default();
                let bookings = self.client.bookings();
                let moved = self.patiently(async || bookings.reschedule(uid, start, &params).await);
                moved.await.map_err(|e| e.to_string())?
            }
        };
        self.remember(&moved);
        Ok(moved)
    }

    /// Somebody cancels a booking on Cal.com's own page.
    pub(crate) async fn stranger_cancels(&self, uid: &BookingUid) -> Result<(), String> {
        const REASON: &str = "Quickstart: cancelled at Cal.com";
        match &self.fake {
            Some(fake) => {
                let cancelled = fake.cancel_booking(uid, REASON).await;
                cancelled.map(drop).map_err(|e| e.to_string())
            }
            None => {
                let cancelled = self.cancel(uid, REASON).await;
                cancelled.map(drop).map_err(|e| e.to_string())
            }
        }
    }

    fn remember(&self, booking: &Booking) {
        let mut strangers = self.strangers.lock().expect("no panic holds it");
        strangers.push(booking.uid.clone());
    }

    /// Leaves a real server as it was found: no subscription, no live booking.
    pub(crate) async fn clean_up(&self, ours: &[BookingUid], timeline: &Timeline) {
        if let Some(fake) = &self.fake {
            fake.shutdown().await;
            return timeline.note("the fake is gone, and everything with it");
        }
        let subscription = self.subscription.lock().expect("no panic holds it").take();
        if let Some(id) = subscription
            && let Err(error) = {
                let webhooks = self.client.webhooks();
                self.patiently(async || webhooks.delete(&id).await).await
            }
        {
            timeline.note(&format!("the webhook {id} is left behind: {error}"));
        }
        let strangers = self.strangers.lock().expect("no panic holds it").clone();
        let mut cancelled = 0;
        for uid in ours.iter().chain(&strangers) {
            match self.read(uid).await {
                Ok(booking) if booking.is_live() => {
                    match self.cancel(uid, "Quickstart: cleaning up").await {
                        Ok(_) => cancelled += 1,
                        Err(error) => {
                            timeline.note(&format!("booking {uid} is left behind: {error}"));
                        }
                    }
                }
                Ok(_) => {}
                Err(error) => timeline.note(&format!("booking {uid} cannot be read: {error}")),
            }
        }
        timeline.note(&format!(
            "the webhook is removed, {cancelled} bookings are cancelled"
        ));
    }
}

/// A tunnel's address, with the receiver's path if it has none.
fn with_receiver_path(url: &str) -> Result<String, Failure> {
    let mut url = url::Url::parse(url).map_err(|e| format!("CALCOM_WEBHOOK_URL: {e}"))?;
    if url.path() == "/" {
        url.set_path(crate::host::RECEIVER_PATH);
    }
    Ok(url.into())
}
