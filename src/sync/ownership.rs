//! Whose a booking is.

use super::engine::Engine;
use super::tenant::Tenant;
use crate::model::Booking;
use crate::store::StoreError;

/// Who owns a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ownership {
    Ours,
    /// One of the tenant's own users holds it, and the tenant does not keep its event type in sync.
    NotSynced,
    /// Another tenant's, or a stranger's.
    Foreign,
}

impl Engine {
    /// Who owns a booking: the tenant that names its event type; decided by host only where no
    /// tenant does. `is_known` says whether the tenant's books hold it already.
    ///
    /// # Errors
    ///
    /// Those of the directory.
    pub(super) async fn ownership(
        &self,
        tenant: &Tenant,
        booking: &Booking,
        is_known: bool,
    ) -> Result<Ownership, StoreError> {
        let Some(event_type) = booking.event_type_id() else {
            // Its event type was deleted.
            return Ok(if is_known || tenant.hosts_one_of(booking) {
                Ownership::Ours
            } else {
                Ownership::NotSynced
            });
        };
        if tenant.event_types.contains(&event_type) {
            return Ok(Ownership::Ours);
        }
        let owner = self.tenants.tenant_of_event_type(event_type);
        Ok(match self.host_call(owner).await? {
            Some(owner) if owner == tenant.id => Ownership::Ours,
            // One user of Cal.com's can work for several tenants, whose webhooks all tell of all of
            // that user's bookings.
            Some(_) if tenant.hosts_one_of(booking) => Ownership::NotSynced,
            Some(_) => Ownership::Foreign,
            None if tenant.event_types.is_empty() && tenant.hosts_one_of(booking) => {
                Ownership::Ours
            }
            // The webhook of a user tells of all event types of that user.
            None if tenant.hosts.is_empty() || tenant.hosts_one_of(booking) => Ownership::NotSynced,
            None => Ownership::Foreign,
        })
    }
}
