//! Sync keys: the idempotency keys of created bookings.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::store::{AppointmentId, ServiceId, SyncKey, TenantId};

/// The number of HMAC bytes in a key: enough to rule out collisions.
const BYTES: usize = 16;
/// The number of HMAC bytes in the mark of a service, which stands at the end of a public URL.
const MARK_BYTES: usize = 8;

/// Derives sync keys from their purpose, so that a booking made before the store was lost can be
/// found again. Keyed, so that a stranger who sees one learns nothing from it.
#[derive(Clone, Debug)]
pub(super) struct SyncKeys(SecretString);

impl SyncKeys {
    pub(super) fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// The key for one generation of an appointment's booking.
    pub(super) fn derive(
        &self,
        tenant: &TenantId,
        appointment: &AppointmentId,
        generation: u32,
    ) -> SyncKey {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes())
            .expect("HMAC takes a key of any length");
        // Lengths first, so that no two pairs of names make the same text.
        for name in [tenant.as_str(), appointment.as_str()] {
            let length = u64::try_from(name.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(name.as_bytes());
        }
        mac.update(&generation.to_be_bytes());
        let code = mac.finalize().into_bytes();
        SyncKey::new(hex::encode(&code[..BYTES]))
    }

    /// The mark by which the event type that was created for a service is recognized.
    pub(super) fn mark_service(&self, tenant: &TenantId, service: &ServiceId) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes())
            .expect("HMAC takes a key of any length");
        for name in ["service", tenant.as_str(), service.as_str()] {
            let length = u64::try_from(name.len()).unwrap_or(u64::MAX);
            mac.update(&length.to_be_bytes());
            mac.update(name.as_bytes());
        }
        let code = mac.finalize().into_bytes();
        hex::encode(&code[..MARK_BYTES])
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_key_depends_on_all_that_it_is_for_and_on_nothing_else() {
        let keys = |secret: &str| SyncKeys::new(secret.to_owned().into());
        let derive = |secret: &str, tenant: &str, appointment: &str, generation| {
            keys(secret).derive(&tenant.into(), &appointment.into(), generation)
        };
        let same = derive("s", "salon", "a", 0);
        assert_eq!(same, derive("s", "salon", "a", 0));
        assert_eq!(same.as_str().len(), 2 * BYTES);
        let all = [
            same,
            derive("t", "salon", "a", 0),
            derive("s", "salo", "na", 0),
            derive("s", "salon", "b", 0),
            derive("s", "salon", "a", 1),
        ];
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
