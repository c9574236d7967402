//! The ready appointments table in memory, for a host that has none.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{InMemoryStore, Inner};
use crate::model::PhoneNumber;
use crate::store::appointment::{
    Appointment, AppointmentId, AppointmentRepository, AppointmentWrite, ChainKey, Revision, Window,
};
use crate::store::desk::{AppointmentDesk, RequestKey, Taken};
use crate::store::error::StoreError;
use crate::store::outbox::Change;
use crate::store::tenant::TenantId;

impl Inner {
    /// Stores an appointment and records the change, as one transaction.
    fn write(
        &mut self,
        tenant: &TenantId,
        appointment: Appointment,
        now: DateTime<Utc>,
    ) -> Appointment {
        let change = Change::new(
            tenant.clone(),
            appointment.id.clone(),
            appointment.revision,
            appointment.origin.clone(),
            appointment.updated_at,
        );
        self.record(&change, now);
        let key = (tenant.clone(), appointment.id.clone());
        self.appointments.insert(key, appointment.clone());
        appointment
    }
}

impl InMemoryStore {
    /// Stores a new appointment of the host's and records the change.
    ///
    /// # Errors
    ///
    /// [`Conflict`](crate::store::StoreErrorKind::Conflict) if there is one with this id.
    pub fn create_appointment(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let mut inner = self.lock();
        if inner
            .appointments
            .contains_key(&(tenant.clone(), id.clone()))
        {
            return Err(StoreError::conflict("there is an appointment with this id"));
        }
        let appointment = Appointment::new(
            id.clone(),
            Revision::FIRST,
            write.origin,
            write.state,
            write.at,
        );
        Ok(inner.write(tenant, appointment, self.now()))
    }

    /// Removes an appointment, as a host that deletes rows does. Nothing is recorded.
    pub fn remove_appointment(&self, tenant: &TenantId, id: &AppointmentId) -> bool {
        let key = (tenant.clone(), id.clone());
        self.lock().appointments.remove(&key).is_some()
    }

    /// All appointments of a tenant, by id.
    pub fn appointments(&self, tenant: &TenantId) -> Vec<Appointment> {
        let inner = self.lock();
        let all = inner.appointments.iter();
        all.filter(|((owner, _), _)| owner == tenant)
            .map(|(_, appointment)| appointment.clone())
            .collect()
    }
}

#[async_trait]
impl AppointmentRepository for InMemoryStore {
    async fn get(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
    ) -> Result<Option<Appointment>, StoreError> {
        let inner = self.lock();
        Ok(inner
            .appointments
            .get(&(tenant.clone(), id.clone()))
            .cloned())
    }

    async fn create_for_booking(
        &self,
        tenant: &TenantId,
        chain: &ChainKey,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let mut inner = self.lock();
        let known = inner.appointments.iter().find(|((owner, _), appointment)| {
            owner == tenant && appointment.chain.as_ref() == Some(chain)
        });
        if let Some((_, appointment)) = known {
            return Ok(appointment.clone());
        }
        let id = AppointmentId::new(format!("calcom-{}", inner.next_id()));
        let appointment =
            Appointment::new(id, Revision::FIRST, write.origin, write.state, write.at)
                .with_reason(write.reason)
                .with_chain(Some(chain.clone()));
        Ok(inner.write(tenant, appointment, self.now()))
    }

    async fn update(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        let mut inner = self.lock();
        let mut appointment = inner
            .appointments
            .get(&(tenant.clone(), id.clone()))
            .cloned()
            .ok_or_else(|| StoreError::not_found("appointment"))?;
        if appointment.revision != expected {
            return Err(StoreError::conflict(
                "the appointment was written meanwhile",
            ));
        }
        appointment.revision = expected.next();
        appointment.origin = write.origin;
        appointment.state = write.state;
        appointment.updated_at = write.at;
        appointment.reason = write.reason;
        Ok(inner.write(tenant, appointment, self.now()))
    }

    async fn scan(
        &self,
        tenant: &TenantId,
        window: Window,
        after: Option<(DateTime<Utc>, AppointmentId)>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let mut found: Vec<Appointment> = self
            .appointments(tenant)
            .into_iter()
            .filter(|a| (window.from..window.until).contains(&a.state.start))
            .filter(|a| {
                after
                    .as_ref()
                    .is_none_or(|after| (a.state.start, &a.id) > (after.0, &after.1))
            })
            .collect();
        found.sort_by(|a, b| (a.state.start, &a.id).cmp(&(b.state.start, &b.id)));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found)
    }
}

/// The id of an appointment that is taken is the text of the request's key. The look-up by phone number
/// walks through all appointments: there is no index in memory.
#[async_trait]
impl AppointmentDesk for InMemoryStore {
    async fn take(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
        write: AppointmentWrite,
    ) -> Result<Taken, StoreError> {
        let mut inner = self.lock();
        let id = AppointmentId::new(key.as_str());
        if let Some(known) = inner.appointments.get(&(tenant.clone(), id.clone())) {
            return Ok(Taken::new(known.clone(), false));
        }
        let appointment =
            Appointment::new(id, Revision::FIRST, write.origin, write.state, write.at)
                .with_reason(write.reason);
        Ok(Taken::new(
            inner.write(tenant, appointment, self.now()),
            true,
        ))
    }

    async fn requested(
        &self,
        tenant: &TenantId,
        key: &RequestKey,
    ) -> Result<Option<Appointment>, StoreError> {
        self.get(tenant, &AppointmentId::new(key.as_str())).await
    }

    async fn revise(
        &self,
        tenant: &TenantId,
        id: &AppointmentId,
        expected: Revision,
        write: AppointmentWrite,
    ) -> Result<Appointment, StoreError> {
        self.update(tenant, id, expected, write).await
    }

    async fn by_phone(
        &self,
        tenant: &TenantId,
        number: &PhoneNumber,
        after: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<Appointment>, StoreError> {
        let inner = self.lock();
        let all = inner.appointments.iter();
        let mut found: Vec<&Appointment> = all
            .filter(|((owner, _), _)| owner == tenant)
            .map(|(_, appointment)| appointment)
            .filter(|appointment| {
                let state = &appointment.state;
                state.attendee.phone_number.as_deref() == Some(number.as_str())
                    && state.status.is_live()
                    && state.end > after
            })
            .collect();
        found.sort_by(|a, b| (a.state.start, &a.id).cmp(&(b.state.start, &b.id)));
        found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(found.into_iter().cloned().collect())
    }
}
