//! The key of a request: the same request again has the same one.

use sha2::{Digest, Sha256};

use super::super::tool::Tool;
use crate::store::{RequestKey, TenantId};

/// The key of a call. Its parts are what names the request: the conversation and the arguments as they came,
/// or what was understood of them.
pub(super) fn request_key(tenant: &TenantId, tool: Tool, parts: &[&str]) -> RequestKey {
    let mut hash = Sha256::new();
    for part in [tenant.as_str(), tool.as_str()].iter().chain(parts) {
        // The length goes first, so that no two lists of parts are alike.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    RequestKey::new(format!("agent-{}", hex::encode(&hash.finalize()[..16])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let key = |tenant: &str, parts: &[&str]| {
            request_key(&TenantId::new(tenant), Tool::BookAppointment, parts)
        };
        let keys = [
            key("salon", &["a", "b"]),
            key("salon", &["ab", ""]),
            key("salon", &["", "ab"]),
            key("salon", &["ab"]),
            key("salo", &["na", "b"]),
        ];
        for (i, one) in keys.iter().enumerate() {
            assert!(keys[..i].iter().all(|other| other != one));
        }
        assert_eq!(key("salon", &["a", "b"]), key("salon", &["a", "b"]));
    }
}
