//! What the engine remembers of a pair: opaque to the store.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::decide::ServiceBase;
use super::plan::ServiceAction;
use crate::store::{Opaque, ServiceDetails, ServiceLink};

/// The format of what this version writes. Unknown keys are passed over and missing ones filled in,
/// so that versions that run side by side understand each other.
const FORMAT: u16 = 1;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ServiceMemory {
    pub(super) base: ServiceBase,
    /// The slug under which the creation of the event type was first tried. It is kept, whatever
    /// becomes of the name, so that Cal.com refuses a second one.
    pub(super) slug: Option<String>,
    /// What was tried last: another action begins with attempts of its own.
    pub(super) tried: Option<String>,
}

impl ServiceMemory {
    /// Reads back what was stored. What cannot be read is as if nothing had been stored: then every
    /// difference is one without a base.
    pub(super) fn of(link: &ServiceLink) -> Self {
        let stored = link.state.as_ref();
        stored
            .and_then(|stored| serde_json::from_slice(stored.bytes()).ok())
            .unwrap_or_default()
    }

    pub(super) fn to_opaque(&self) -> Opaque {
        let bytes = serde_json::to_vec(self).expect("plain data with texts as keys is always JSON");
        Opaque::new(FORMAT, bytes)
    }
}

/// Whether a newer version wrote what this one would misread.
pub(super) fn is_newer(link: &ServiceLink) -> bool {
    link.state
        .as_ref()
        .is_some_and(|state| state.format() > FORMAT)
}

/// Tells one action from another.
pub(super) fn fingerprint(action: &ServiceAction, details: Option<&ServiceDetails>) -> String {
    let bytes = serde_json::to_vec(&(action, details));
    let bytes = bytes.expect("plain data with texts as keys is always JSON");
    hex::encode(&Sha256::digest(&bytes)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_back_and_what_is_no_memory_is_none() {
        let details = ServiceDetails::new("Cut", 30).with_description("short");
        let memory = ServiceMemory {
            base: ServiceBase::of(&details, &details),
            slug: Some("cut-0123".to_owned()),
            tried: Some(fingerprint(&ServiceAction::CreateEventType, Some(&details))),
        };
        let mut link = ServiceLink::new(None, None);
        link.state = Some(memory.to_opaque());
        assert_eq!(ServiceMemory::of(&link), memory);
        link.state = Some(Opaque::new(9, b"noise".to_vec()));
        assert_eq!(ServiceMemory::of(&link), ServiceMemory::default());
    }
}
