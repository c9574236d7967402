//! What a tenant's server was found not to be able to do: older servers lack some endpoints.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::{Differences, Field, TenantId};

/// How long a server is taken at its word. It may be updated.
const TTL: TimeDelta = TimeDelta::hours(1);

/// By tenant, the fields whose endpoint its server lacks, and when that was found.
#[derive(Debug, Default)]
pub(super) struct Unsupported(Mutex<HashMap<(TenantId, Field), DateTime<Utc>>>);

impl Unsupported {
    /// Remembers that the tenant's server cannot change a field of a booking.
    pub(super) fn add(&self, tenant: &TenantId, field: Field, now: DateTime<Utc>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, at| now - *at < TTL);
        known.insert((tenant.clone(), field), now);
    }

    /// The fields that the tenant's server cannot change.
    pub(super) fn of(&self, tenant: &TenantId, now: DateTime<Utc>) -> Differences {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known
            .iter()
            .filter(|((of, _), at)| of == tenant && now - **at < TTL);
        found.map(|((_, field), _)| *field).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_asked_again_after_a_while() {
        let (unsupported, tenant) = (Unsupported::default(), TenantId::new("salon"));
        let now = DateTime::UNIX_EPOCH;
        unsupported.add(&tenant, Field::Location, now);
        let location = Differences::NONE.with(Field::Location);
        assert_eq!(unsupported.of(&tenant, now), location);
        assert_eq!(
            unsupported.of(&TenantId::new("other"), now),
            Differences::NONE
        );
        assert_eq!(unsupported.of(&tenant, now + TTL), Differences::NONE);
    }
}
