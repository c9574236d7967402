//! What a sender calls its events and what they are about, as it can be stored.

use sha2::{Digest, Sha256};

use crate::model::clean_line;

/// Maximum length of a name, in bytes; the senders' own have less than 100.
const MAX_NAME: usize = 255;

/// A name as it is, if every database can store and index it and a log can show it; else the SHA-256
/// of it. Names that differ stay different, and refusing the delivery instead would have it sent
/// again for nothing.
pub(super) fn storable(name: &str) -> String {
    if !name.is_empty() && name.len() <= MAX_NAME && clean_line(name) == name {
        name.to_owned()
    } else {
        format!("sha256:{}", digest(name.as_bytes()))
    }
}

/// The SHA-256 of some bytes in hexadecimal.
pub(super) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_stay_as_they_are() {
        let longest = "x".repeat(MAX_NAME);
        for name in [
            "evt_1Q2w3E",
            "call_ended:call_1a2b",
            "ünïcode 🎉",
            longest.as_str(),
        ] {
            assert_eq!(storable(name), name);
        }
    }

    #[test]
    fn what_could_not_be_stored_or_shown_is_hashed() {
        let too_long = "x".repeat(MAX_NAME + 1);
        // 86 characters, but three bytes each.
        let too_wide = "€".repeat(86);
        let names = [
            "",
            "a\0b",
            "a\nb",
            "a\u{202e}b",
            too_long.as_str(),
            too_wide.as_str(),
        ];
        let stored: std::collections::BTreeSet<String> =
            names.iter().map(|name| storable(name)).collect();
        assert_eq!(stored.len(), names.len(), "{stored:?}");
        for name in stored {
            assert_eq!(name.len(), "sha256:".len() + 64);
            assert_eq!(storable(&name), name);
        }
        // Python: hashlib.sha256(b"a\0b").hexdigest()
        assert_eq!(
            storable("a\0b"),
            "sha256:59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138"
        );
    }
}
